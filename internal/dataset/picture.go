package dataset

import (
	"fmt"
	"image"
	"image/draw"
	"math/bits"
	"os"

	"classlens/vision/scene"
)

// maxPixels is the largest picture that is opened.
const maxPixels = 100_000_000

// LoadPicture decodes a JPEG, PNG, BMP, TIFF or WebP file.
func LoadPicture(file string) (scene.Frame, error) {
	im, err := decodePicture(file)
	if err != nil {
		return scene.Frame{}, err
	}
	return frameOf(im), nil
}

func decodePicture(file string) (image.Image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, _, err := image.DecodeConfig(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > maxPixels/head.Height {
		return nil, fmt.Errorf("%s: %d x %d pixels are too many", file, head.Width, head.Height)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, err
	}
	im, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return im, nil
}

// LoadFlow reads flow that was stored as a picture of half its picture's size, as
// synthroom writes it: red and green are 128 + 16 times the way, in the picture's
// pixels, since 1/25 s before.
func LoadFlow(file string) (*scene.Flow, error) {
	im, err := decodePicture(file)
	if err != nil {
		return nil, err
	}
	f := frameOf(im)
	flow := &scene.Flow{Width: f.Width, Height: f.Height, Scale: 2, Interval: 0.04, UV: make([]float32, 2*f.Width*f.Height)}
	for i := range f.Width * f.Height {
		flow.UV[2*i], flow.UV[2*i+1] = (float32(f.Pix[3*i])-128)/16, (float32(f.Pix[3*i+1])-128)/16
	}
	return flow, nil
}

func frameOf(im image.Image) scene.Frame {
	b := im.Bounds()
	rgba := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	if p, ok := im.(*image.NRGBA); ok { // what is half transparent is not darker for that: colours are taken as they are
		im = &image.RGBA{Pix: p.Pix, Stride: p.Stride, Rect: p.Rect}
	}
	draw.Draw(rgba, rgba.Bounds(), im, b.Min, draw.Src)
	f := scene.Frame{Width: b.Dx(), Height: b.Dy(), Pix: make([]byte, 3*b.Dx()*b.Dy())}
	for i := range f.Width * f.Height {
		copy(f.Pix[3*i:3*i+3], rgba.Pix[4*i:4*i+3])
	}
	return f
}

// fingerprint is a picture's difference hash: whether each cell of a 16 x 16 grid
// is brighter than its right neighbour. Pictures of one moment differ in few bits.
type fingerprint [4]uint64

func fingerprintOf(im image.Image) fingerprint {
	const n = 16
	f := greyOf(im)
	var grey [n][n + 1]float64
	for y := range n {
		for x := range n + 1 {
			grey[y][x] = meanGrey(f, x*f.Rect.Dx()/(n+1), (x+1)*f.Rect.Dx()/(n+1), y*f.Rect.Dy()/n, (y+1)*f.Rect.Dy()/n)
		}
	}
	var p fingerprint
	for i := range n * n {
		if y, x := i/n, i%n; grey[y][x] > grey[y][x+1] {
			p[i/64] |= 1 << (i % 64)
		}
	}
	return p
}

// greyOf is a picture's luma plane; most JPEG files hold it as it is.
func greyOf(im image.Image) *image.Gray {
	b := im.Bounds()
	if y, ok := im.(*image.YCbCr); ok {
		return &image.Gray{Pix: y.Y[y.YOffset(b.Min.X, b.Min.Y):], Stride: y.YStride, Rect: image.Rect(0, 0, b.Dx(), b.Dy())}
	}
	g := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(g, g.Rect, im, b.Min, draw.Src)
	return g
}

func meanGrey(f *image.Gray, x0, x1, y0, y1 int) float64 {
	x1, y1 = min(max(x1, x0+1), f.Rect.Dx()), min(max(y1, y0+1), f.Rect.Dy())
	sum := 0
	for y := y0; y < y1; y++ {
		for _, v := range f.Pix[y*f.Stride+x0 : y*f.Stride+x1] {
			sum += int(v)
		}
	}
	return float64(sum) / float64(max((x1-x0)*(y1-y0), 1))
}

// distance is the number of bits that differ, 0 to 256.
func (p fingerprint) distance(q fingerprint) int {
	n := 0
	for i := range p {
		n += bits.OnesCount64(p[i] ^ q[i])
	}
	return n
}
