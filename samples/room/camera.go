package room

import "math"

// Camera is a pinhole without roll, followed by a lens that may bend lines.
// W and H are the picture's size; the buffer drawn into is Over times as large.
type Camera struct {
	Pos   Vec
	R     Mat // rows: right, up, forward
	F     float32
	W, H  int
	Over  int
	Bend  float32 // radial distortion: 0 none, .15 a cheap wide lens (barrel)
	lens  []int32 // buffer index of each picture pixel, nil without bend
	reach float32 // 1 + Bend·r² at the corner
}

// LookAt places a camera. fov is the vertical field of view in degrees.
func LookAt(pos, at Vec, fov float32, w, h, over int, bend float32) *Camera {
	f := at.Sub(pos).Unit()
	r := f.Cross(Vec{0, 1, 0}).Unit()
	u := r.Cross(f)
	c := &Camera{Pos: pos, R: Mat{r.X, r.Y, r.Z, u.X, u.Y, u.Z, f.X, f.Y, f.Z}, W: w, H: h, Over: over, Bend: bend}
	c.F = float32(h*over) / 2 / float32(math.Tan(float64(fov)*math.Pi/360))
	c.reach = 1 + bend*(1+float32(h*h)/float32(w*w))
	if bend != 0 {
		c.lens = make([]int32, w*h)
		for y := range h {
			for x := range w {
				bx, by := c.unbend(float32(x)+.5, float32(y)+.5)
				ix := min(max(int(bx*float32(over)), 0), w*over-1)
				iy := min(max(int(by*float32(over)), 0), h*over-1)
				c.lens[y*w+x] = int32(iy*w*over + ix)
			}
		}
	}
	return c
}

// unbend maps a place in the picture to the straight picture behind the lens:
// p' = p·(1 + Bend·r²)/(1 + Bend·rc²), r in half widths, rc the corner's, so
// that the corners stay where they are.
func (c *Camera) unbend(x, y float32) (float32, float32) {
	hw, hh := float32(c.W)/2, float32(c.H)/2
	dx, dy := (x-hw)/hw, (y-hh)/hw
	k := (1 + c.Bend*(dx*dx+dy*dy)) / c.reach
	return hw + dx*k*hw, hh + dy*k*hw
}

// bend is the inverse of unbend, by fixed-point iteration.
func (c *Camera) bendAt(x, y float32) (float32, float32) {
	if c.Bend == 0 {
		return x, y
	}
	hw, hh := float32(c.W)/2, float32(c.H)/2
	ux, uy := (x-hw)/hw, (y-hh)/hw
	dx, dy := ux, uy
	for range 12 {
		k := (1 + c.Bend*min(dx*dx+dy*dy, 4)) / c.reach
		dx, dy = ux/k, uy/k
	}
	return hw + dx*hw, hh + dy*hw
}

// view gives buffer x, y and depth of a place. Depth is negative behind.
func (c *Camera) view(p Vec) Vec {
	q := c.R.V(p.Sub(c.Pos))
	return Vec{float32(c.W*c.Over)/2 + c.F*q.X/q.Z, float32(c.H*c.Over)/2 - c.F*q.Y/q.Z, q.Z}
}

// Project gives picture x, y (pixels, through the lens) and depth in metres.
func (c *Camera) Project(p Vec) Vec {
	s := c.view(p)
	o := float32(c.Over)
	x, y := c.bendAt(s.X/o, s.Y/o)
	return Vec{x, y, s.Z}
}

// ray is the direction of a buffer place, of length 1 along the axis.
func (c *Camera) ray(x, y float32) Vec {
	m := c.R.T()
	return m.V(Vec{(x - float32(c.W*c.Over)/2) / c.F, (float32(c.H*c.Over)/2 - y) / c.F, 1})
}
