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

// LoadPicture decodes a JPEG or PNG file.
func LoadPicture(file string) (scene.Frame, error) {
	f, err := os.Open(file)
	if err != nil {
		return scene.Frame{}, err
	}
	defer f.Close()
	head, _, err := image.DecodeConfig(f)
	if err != nil {
		return scene.Frame{}, fmt.Errorf("%s: %w", file, err)
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > maxPixels/head.Height {
		return scene.Frame{}, fmt.Errorf("%s: %d x %d pixels are too many", file, head.Width, head.Height)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return scene.Frame{}, err
	}
	im, _, err := image.Decode(f)
	if err != nil {
		return scene.Frame{}, fmt.Errorf("%s: %w", file, err)
	}
	return frameOf(im), nil
}

func frameOf(im image.Image) scene.Frame {
	b := im.Bounds()
	rgba := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
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

func fingerprintOf(f scene.Frame) fingerprint {
	const n = 16
	var grey [n][n + 1]float64
	for y := range n {
		for x := range n + 1 {
			grey[y][x] = meanGrey(f, x*f.Width/(n+1), (x+1)*f.Width/(n+1), y*f.Height/n, (y+1)*f.Height/n)
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

func meanGrey(f scene.Frame, x0, x1, y0, y1 int) float64 {
	x1, y1 = min(max(x1, x0+1), f.Width), min(max(y1, y0+1), f.Height)
	sum := 0
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			p := f.Pix[3*(y*f.Width+x):]
			sum += int(p[0]) + 2*int(p[1]) + int(p[2])
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
