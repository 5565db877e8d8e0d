package people

import (
	"fmt"
	"math"

	"classlens/vision/scene"
)

// Pose finds the 17 points of the person in box (a body box, source pixels)
// with MoveNet Thunder, on a square crop of 1.6 times the box's longer side. The
// score is that of the person's centre.
func (d *Detector) Pose(f scene.Frame, box scene.Box) ([scene.NumKeypoints]scene.Keypoint, float64, error) {
	var none [scene.NumKeypoints]scene.Keypoint
	if box.Empty() {
		return none, 0, fmt.Errorf("pose: an empty box")
	}
	const name, side = "movenet-thunder", 256
	x, y := box.Center()
	crop, x0, y0, px := square(f, x, y, 1.6*math.Max(box.W, box.H), side)
	r, err := d.runner(name, side*4/3, 0, crop) // as many pixels as side x side
	if err != nil {
		return none, 0, err
	}
	m, err := r.run(crop, r.part(scene.Box{}))
	if err == nil {
		err = want(m, 1, 17, 34, 34)
	}
	if err != nil {
		return none, 0, fmt.Errorf("people net %s: %w", name, err)
	}
	d.counts[name]++
	maps := poseMaps{center: m[0], heat: m[1], regress: m[2], pointsOffset: m[3]}
	by, bx, best := 0, 0, -1.0
	for j := range m[0].h {
		for i := range m[0].w {
			// Prefer the person in the middle, whose centre is a little below the crop's.
			u, v := (float64(i)+0.5)/float64(m[0].w)-0.5, (float64(j)+0.5)/float64(m[0].h)-0.6
			if p := sigmoid(m[0].at(0, j, i)) * math.Exp(-(u*u+v*v)/(2*0.22*0.22)); p > best {
				by, bx, best = j, i, p
			}
		}
	}
	out := none
	for k := range out {
		p, _ := maps.point(k, by, bx, r.scale)
		out[k] = scene.Keypoint{X: x0 + p.X*px, Y: y0 + p.Y*px, Score: p.Score}
	}
	return out, sigmoid(m[0].at(0, by, bx)), nil
}

// square crops a square around (x, y) from the frame, bilinearly, at n x n pixels; outside the
// frame, its edge is repeated. It also gives the corner, and the size of a crop pixel, in source
// pixels.
func square(f scene.Frame, x, y, size float64, n int) (crop scene.Frame, x0, y0, px float64) {
	px = size / float64(n)
	x0, y0 = x-size/2, y-size/2
	crop = scene.Frame{Time: f.Time, Width: n, Height: n, Pix: make([]byte, 3*n*n)}
	for j := range n {
		sy := y0 + (float64(j)+0.5)*px - 0.5
		ya, yb, fy := split(sy, f.Height)
		for i := range n {
			sx := x0 + (float64(i)+0.5)*px - 0.5
			xa, xb, fx := split(sx, f.Width)
			for c := range 3 {
				p := func(yy, xx int) float64 { return float64(f.Pix[(yy*f.Width+xx)*3+c]) }
				v := (1-fy)*((1-fx)*p(ya, xa)+fx*p(ya, xb)) + fy*((1-fx)*p(yb, xa)+fx*p(yb, xb))
				crop.Pix[(j*n+i)*3+c] = byte(v + 0.5)
			}
		}
	}
	return crop, x0, y0, px
}

// split gives the two neighbouring places of v and the share of the second.
func split(v float64, n int) (a, b int, f float64) {
	v = math.Min(math.Max(v, 0), float64(n-1))
	a = int(v)
	return a, min(a+1, n-1), v - float64(a)
}
