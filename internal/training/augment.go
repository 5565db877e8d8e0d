package training

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// view is how a stored picture is looked at: where the network's pixel p, counted from
// its middle, lies in the stored one: middle + M·p + shift, M = scale · turn · mirror.
// All steps of a sequence are looked at alike.
type view struct {
	m      [2][2]float64
	dx, dy float64
	scale  float64
	flip   bool
}

// straight looks at the middle, as at run time.
var straight = view{m: [2][2]float64{{1, 0}, {0, 1}}, scale: 1}

// draw makes a random view. crop zooms further in, at most by the given share.
func (a Augment) draw(r *rand.Rand, size int) view {
	scale := math.Pow(1+a.Scale, 2*r.Float64()-1)
	if r.Float64() < a.Crop {
		scale *= 1 - 0.3*r.Float64()
	}
	v := view{scale: scale, dx: a.Shift * float64(size) * (2*r.Float64() - 1), dy: a.Shift * float64(size) * (2*r.Float64() - 1)}
	turn, flip := a.Rotate*math.Pi/180*(2*r.Float64()-1), 1.0
	if a.Mirror && r.IntN(2) == 1 {
		v.flip, flip = true, -1
	}
	c, s := math.Cos(turn)*scale, math.Sin(turn)*scale
	v.m = [2][2]float64{{c * flip, -s}, {s * flip, c}}
	return v
}

// inverse is M^-1; M is a turn times a scale, mirrored or not.
func (v view) inverse() [2][2]float64 {
	d := v.m[0][0]*v.m[1][1] - v.m[0][1]*v.m[1][0]
	return [2][2]float64{{v.m[1][1] / d, -v.m[0][1] / d}, {-v.m[1][0] / d, v.m[0][0] / d}}
}

// picture writes the network's view of a stored picture into to: planes of red, green
// and blue in -1..1, then of the flow to the right and down, turned and mirrored with
// the picture; flow nil is none.
func (v view) picture(to []float32, rgb, flow []byte, side, size int) {
	middle, half, area := float64(side-1)/2, float64(size-1)/2, size*size
	back := v.inverse()
	for y := range size {
		for x := range size {
			px, py := float64(x)-half, float64(y)-half
			sx, sy := middle+v.m[0][0]*px+v.m[0][1]*py+v.dx, middle+v.m[1][0]*px+v.m[1][1]*py+v.dy
			at := y*size + x
			for k, c := range bilinear(rgb, side, sx, sy) {
				to[k*area+at] = c/127.5 - 1
			}
			if flow == nil {
				to[3*area+at], to[4*area+at] = 0, 0
				continue
			}
			u, w := flowAt(flow, side, sx, sy)
			// As shares of what is seen, flow grows when the view is narrower: M^-1 does that too.
			to[3*area+at] = clip1(float32(back[0][0]*u + back[0][1]*w))
			to[4*area+at] = clip1(float32(back[1][0]*u + back[1][1]*w))
		}
	}
}

func clip1(v float32) float32 { return max(min(v, 1), -1) }

// bilinear reads a pixel between pixels; beyond the edge the edge is repeated.
func bilinear(from []byte, side int, x, y float64) (rgb [3]float32) {
	x, y = min(max(x, 0), float64(side-1)), min(max(y, 0), float64(side-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, side-1), min(y0+1, side-1)
	fx, fy := float32(x-float64(x0)), float32(y-float64(y0))
	a, b, c, d := from[3*(y0*side+x0):], from[3*(y0*side+x1):], from[3*(y1*side+x0):], from[3*(y1*side+x1):]
	for k := range rgb {
		top, bottom := float32(a[k])*(1-fx)+float32(b[k])*fx, float32(c[k])*(1-fx)+float32(d[k])*fx
		rgb[k] = top*(1-fy) + bottom*fy
	}
	return rgb
}

// flowAt reads the nearest flow of the grid, which is half as fine as the picture.
func flowAt(flow []byte, side int, x, y float64) (u, v float64) {
	half := side / 2
	i := min(max(int(x/2), 0), half-1) + half*min(max(int(y/2), 0), half-1)
	return float64(int8(flow[2*i])) / 127, float64(int8(flow[2*i+1])) / 127
}

// mirrored are COCO's points with left and right exchanged.
var mirrored = [17]int{0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15}

// points gives the stored points (17 x, y as shares of the stored picture, and seen) as
// the network's targets: x, y as shares of its picture less a half, and weights, 0
// where a point is not seen or outside.
func (v view) points(stored []float32, side, size int, to, weight []float32) {
	back := v.inverse()
	for i := range 17 {
		from := i
		if v.flip {
			from = mirrored[i]
		}
		x, y := float64(stored[3*from]-0.5)*float64(side)-v.dx, float64(stored[3*from+1]-0.5)*float64(side)-v.dy
		tx, ty := (back[0][0]*x+back[0][1]*y)/float64(size), (back[1][0]*x+back[1][1]*y)/float64(size)
		to[2*i], to[2*i+1] = float32(tx), float32(ty)
		w := float32(0)
		if stored[3*from+2] > 0 && math.Abs(tx) < 0.5 && math.Abs(ty) < 0.5 {
			w = 1
		}
		weight[2*i], weight[2*i+1] = w, w
	}
}

// look is what is done to the colours of all steps of a sequence alike.
type look struct {
	contrast, bright, noise, grey float32
	tint                          [3]float32
	blur                          float64
	jpeg                          int // quality, 0: none
	cut                           bool
	x, y, w, h                    int
	fill                          float32
}

func (a Augment) look(r *rand.Rand, size int) look {
	l := look{contrast: float32(math.Pow(1+a.Contrast, 2*r.Float64()-1)), bright: float32(a.Brightness * (2*r.Float64() - 1)), noise: float32(a.Noise * r.Float64())}
	for k := range l.tint {
		l.tint[k] = float32(a.Brightness * 0.3 * (2*r.Float64() - 1))
	}
	if r.Float64() < a.Colour {
		l.grey = float32(r.Float64())
	}
	l.blur = a.Blur * r.Float64()
	if r.Float64() < a.JPEG {
		l.jpeg = 15 + r.IntN(60)
	}
	if l.cut = r.Float64() < a.Cutout; l.cut {
		l.x, l.y, l.w, l.h, l.fill = r.IntN(size), r.IntN(size), size/8+r.IntN(size/4), size/8+r.IntN(size/4), float32(2*r.Float64()-1)
	}
	return l
}

// apply changes the colour planes of one picture; flow stays, but for the rectangle
// that is cut out, which does not move.
func (l look) apply(planes []float32, size int, r *rand.Rand) {
	area := size * size
	if l.blur > 0.3 {
		blur(planes[:3*area], size, l.blur)
	}
	for i := range area {
		mean := (planes[i] + planes[area+i] + planes[2*area+i]) / 3
		for k := range 3 {
			v := planes[k*area+i]
			v += (mean - v) * l.grey
			planes[k*area+i] = clip1(v*l.contrast + l.bright + l.tint[k] + l.noise*float32(r.NormFloat64()))
		}
	}
	if l.jpeg > 0 {
		recompress(planes[:3*area], size, l.jpeg)
	}
	if !l.cut {
		return
	}
	for k := range 5 {
		fill := l.fill
		if k >= 3 {
			fill = 0
		}
		for j := l.y; j < min(l.y+l.h, size); j++ {
			for i := l.x; i < min(l.x+l.w, size); i++ {
				planes[k*area+j*size+i] = fill
			}
		}
	}
}

// blur smoothes planes with a Gaussian of the given deviation in pixels.
func blur(planes []float32, size int, deviation float64) {
	reach := int(math.Ceil(2 * deviation))
	kernel, sum := make([]float32, 2*reach+1), float32(0)
	for i := range kernel {
		d := float64(i - reach)
		kernel[i] = float32(math.Exp(-d * d / (2 * deviation * deviation)))
		sum += kernel[i]
	}
	row := make([]float32, size)
	pass := func(at func(i int) *float32) {
		for i := range row {
			row[i] = 0
			for k, w := range kernel {
				row[i] += w / sum * *at(min(max(i+k-reach, 0), size-1))
			}
		}
		for i, v := range row {
			*at(i) = v
		}
	}
	for p := 0; p < len(planes); p += size * size {
		for q := range size {
			pass(func(i int) *float32 { return &planes[p+q*size+i] })
			pass(func(i int) *float32 { return &planes[p+i*size+q] })
		}
	}
}

// recompress sends a picture through JPEG of the given quality.
func recompress(planes []float32, size, quality int) {
	im, area := image.NewRGBA(image.Rect(0, 0, size, size)), size*size
	for i := range area {
		for k := range 3 {
			im.Pix[4*i+k] = byte((planes[k*area+i]+1)*127.5 + 0.5)
		}
		im.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	if jpeg.Encode(&b, im, &jpeg.Options{Quality: quality}) != nil { // a buffer takes all
		return
	}
	got, err := jpeg.Decode(&b)
	if err != nil {
		return
	}
	for y := range size {
		for x := range size {
			r, g, bl, _ := got.At(x, y).RGBA()
			i := y*size + x
			planes[i], planes[area+i], planes[2*area+i] = float32(r>>8)/127.5-1, float32(g>>8)/127.5-1, float32(bl>>8)/127.5-1
		}
	}
}
