package training

import (
	"math"
	"math/rand/v2"
)

// cut writes the network's view of a stored picture into to, planes of red, green
// and blue in -1..1: its middle, or moved, turned, scaled and mirrored about it when
// a random source is given. Flow planes stay as they are: stills have none.
func (a Augment) cut(to []float32, from []byte, side, size int, r *rand.Rand) {
	scale, dx, dy, turn, flip := 1.0, 0.0, 0.0, 0.0, 1.0
	if r != nil {
		scale = math.Pow(1+a.Scale, 2*r.Float64()-1)
		dx, dy = a.Shift*float64(size)*(2*r.Float64()-1), a.Shift*float64(size)*(2*r.Float64()-1)
		turn = a.Rotate * math.Pi / 180 * (2*r.Float64() - 1)
		if a.Mirror && r.IntN(2) == 1 {
			flip = -1
		}
	}
	c, s := math.Cos(turn)*scale, math.Sin(turn)*scale
	middle, half := float64(side-1)/2, float64(size-1)/2
	area := size * size
	for y := range size {
		for x := range size {
			px, py := flip*(float64(x)-half), float64(y)-half
			for k, v := range bilinear(from, side, middle+c*px-s*py+dx, middle+s*px+c*py+dy) {
				to[k*area+y*size+x] = v/127.5 - 1
			}
		}
	}
	if r != nil {
		a.colour(to[:3*area], size, r)
	}
}

// bilinear reads a pixel between pixels; beyond the edge the edge is repeated.
func bilinear(from []byte, side int, x, y float64) (rgb [3]float32) {
	x, y = min(max(x, 0), float64(side-1)), min(max(y, 0), float64(side-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, side-1), min(y0+1, side-1)
	fx, fy := float32(x-float64(x0)), float32(y-float64(y0))
	for k := range rgb {
		at := func(x, y int) float32 { return float32(from[3*(y*side+x)+k]) }
		top, bottom := at(x0, y0)*(1-fx)+at(x1, y0)*fx, at(x0, y1)*(1-fx)+at(x1, y1)*fx
		rgb[k] = top*(1-fy) + bottom*fy
	}
	return rgb
}

// colour changes brightness, contrast and tint, adds noise and perhaps a grey
// rectangle.
func (a Augment) colour(planes []float32, size int, r *rand.Rand) {
	area := size * size
	contrast, bright := float32(math.Pow(1+a.Contrast, 2*r.Float64()-1)), float32(a.Brightness*(2*r.Float64()-1))
	noise := float32(a.Noise * r.Float64())
	for k := range 3 {
		tint := bright + float32(a.Brightness*0.3*(2*r.Float64()-1))
		for i := k * area; i < (k+1)*area; i++ {
			planes[i] = min(max(planes[i]*contrast+tint+noise*float32(r.NormFloat64()), -1), 1)
		}
	}
	if r.Float64() >= a.Cutout {
		return
	}
	x, y, w, h, grey := r.IntN(size), r.IntN(size), size/8+r.IntN(size/4), size/8+r.IntN(size/4), float32(2*r.Float64()-1)
	for k := range 3 {
		for j := y; j < min(y+h, size); j++ {
			for i := x; i < min(x+w, size); i++ {
				planes[k*area+j*size+i] = grey
			}
		}
	}
}
