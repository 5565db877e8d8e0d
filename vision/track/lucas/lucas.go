// Package lucas follows points from one grey frame to the next: pyramidal
// Lucas-Kanade in plain Go, for tests and tools that have no OpenCV at hand.
package lucas

import (
	"math"

	"classlens/vision/scene"
	"classlens/vision/track"
)

// Parameters: a window of 13 x 13 pixels on three levels follows about 12
// pixels of motion; a point counts when it comes back within a pixel.
const (
	half   = 6
	levels = 3
	rounds = 20
	enough = 0.03
	back   = 1.0
)

// Follower keeps the pyramids of the last two frames. Not for several
// goroutines.
type Follower struct{ a, b pyramid }

type pyramid struct {
	key   *byte
	level []image
}

type image struct {
	w, h int
	pix  []float32
}

// Follow implements track.Follower.
func (f *Follower) Follow(a, b scene.Gray, pts []track.Point) ([]track.Point, []bool) {
	if len(a.Pix) == 0 || len(b.Pix) == 0 || a.Width != b.Width || a.Height != b.Height {
		return pts, make([]bool, len(pts))
	}
	if f.b.key == &a.Pix[0] || f.a.key == &b.Pix[0] {
		f.a, f.b = f.b, f.a
	}
	f.a.build(a)
	f.b.build(b)
	moved, ok := make([]track.Point, len(pts)), make([]bool, len(pts))
	for i, p := range pts {
		q, good := trace(&f.a, &f.b, p)
		if good {
			var r track.Point
			r, good = trace(&f.b, &f.a, q)
			good = good && math.Max(math.Abs(r.X-p.X), math.Abs(r.Y-p.Y)) < back
		}
		moved[i], ok[i] = q, good
	}
	return moved, ok
}

func (p *pyramid) build(g scene.Gray) {
	if p.key == &g.Pix[0] {
		return
	}
	p.key = &g.Pix[0]
	im := image{g.Width, g.Height, make([]float32, g.Width*g.Height)}
	for i, v := range g.Pix[:len(im.pix)] {
		im.pix[i] = float32(v)
	}
	p.level = append(p.level[:0], im)
	for len(p.level) < levels && im.w >= 32 && im.h >= 32 {
		im = im.halve()
		p.level = append(p.level, im)
	}
}

// halve smooths by 1 4 6 4 1 and takes every second pixel.
func (im image) halve() image {
	out := image{(im.w + 1) / 2, (im.h + 1) / 2, nil}
	out.pix = make([]float32, out.w*out.h)
	rows := make([]float32, out.w*im.h)
	taps := [5]float32{1. / 16, 4. / 16, 6. / 16, 4. / 16, 1. / 16}
	for y := range im.h {
		for x := range out.w {
			var s float32
			for k, t := range taps {
				s += t * im.pix[y*im.w+min(max(2*x+k-2, 0), im.w-1)]
			}
			rows[y*out.w+x] = s
		}
	}
	for y := range out.h {
		for k, t := range taps {
			src := rows[min(max(2*y+k-2, 0), im.h-1)*out.w:]
			for x := range out.w {
				out.pix[y*out.w+x] += t * src[x]
			}
		}
	}
	return out
}

// sample reads a window of side 2r+1 about (x, y), bilinear, into out; false
// when its middle lies outside the picture. Beyond the border the edge goes on.
func (im image) sample(x, y float64, r int, out []float32) bool {
	if !(x >= 0 && y >= 0 && x <= float64(im.w-1) && y <= float64(im.h-1)) {
		return false
	}
	x0, y0 := int(math.Floor(x)), int(math.Floor(y))
	fx, fy := float32(x-float64(x0)), float32(y-float64(y0))
	a, b, c, d := (1-fx)*(1-fy), fx*(1-fy), (1-fx)*fy, fx*fy
	i := 0
	inside := x0-r >= 0 && y0-r >= 0 && x0+r+1 < im.w && y0+r+1 < im.h
	for dy := -r; dy <= r; dy++ {
		if inside {
			p := im.pix[(y0+dy)*im.w+x0-r : (y0+dy)*im.w+x0+r+2]
			q := im.pix[(y0+dy+1)*im.w+x0-r : (y0+dy+1)*im.w+x0+r+2]
			for k := 0; k < 2*r+1; k++ {
				out[i] = a*p[k] + b*p[k+1] + c*q[k] + d*q[k+1]
				i++
			}
			continue
		}
		ya, yb := min(max(y0+dy, 0), im.h-1)*im.w, min(max(y0+dy+1, 0), im.h-1)*im.w
		for dx := -r; dx <= r; dx++ {
			xa, xb := min(max(x0+dx, 0), im.w-1), min(max(x0+dx+1, 0), im.w-1)
			out[i] = a*im.pix[ya+xa] + b*im.pix[ya+xb] + c*im.pix[yb+xa] + d*im.pix[yb+xb]
			i++
		}
	}
	return true
}

// trace finds where the window about p of a lies in b, from coarse to fine.
func trace(a, b *pyramid, p track.Point) (track.Point, bool) {
	const side, wide = 2*half + 1, 2*half + 3
	var patch [wide * wide]float32
	var now, gx, gy [side * side]float32
	var dx, dy float64
	for l := len(a.level) - 1; l >= 0; l-- {
		dx, dy = 2*dx, 2*dy
		if l == len(a.level)-1 {
			dx, dy = 0, 0
		}
		s := float64(int(1) << l)
		x, y := p.X/s, p.Y/s
		if !a.level[l].sample(x, y, half+1, patch[:]) {
			return p, false
		}
		var xx, xy, yy float64
		for i := range side {
			for j := range side {
				c := (i+1)*wide + j + 1
				u, v := (patch[c+1]-patch[c-1])/2, (patch[c+wide]-patch[c-wide])/2
				gx[i*side+j], gy[i*side+j] = u, v
				xx, xy, yy = xx+float64(u*u), xy+float64(u*v), yy+float64(v*v)
			}
		}
		det := xx*yy - xy*xy
		least := (xx + yy - math.Sqrt((xx-yy)*(xx-yy)+4*xy*xy)) / 2
		if least/(side*side) < 0.001 { // too flat to tell
			if l == 0 {
				return p, false
			}
			continue
		}
		for range rounds {
			if !b.level[l].sample(x+dx, y+dy, half, now[:]) {
				return p, false
			}
			var ex, ey float64
			for i := range side {
				for j := range side {
					k := i*side + j
					e := patch[(i+1)*wide+j+1] - now[k]
					ex, ey = ex+float64(e*gx[k]), ey+float64(e*gy[k])
				}
			}
			mx, my := (yy*ex-xy*ey)/det, (xx*ey-xy*ex)/det
			dx, dy = dx+mx, dy+my
			if mx*mx+my*my < enough*enough {
				break
			}
		}
	}
	return track.Point{X: p.X + dx, Y: p.Y + dy}, true
}
