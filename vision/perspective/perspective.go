// Package perspective learns from the heads found in a room how high a seated head is at each
// place in the picture.
//
// The heads of a seated class are close to a plane. For any orientation of the camera, the
// inverse distance of points on a plane is linear in the picture's x and y, and so is
// the height of heads on it: h = At + X·x + Y·y. For a level camera X = 0; for one that is
// tilted sideways it is not.
package perspective

import (
	"math"
	"slices"
)

// Head is the centre and height of a head, in pixels.
type Head struct{ X, Y, H float64 }

// Plane gives the height of heads by place. The zero value knows nothing.
type Plane struct {
	At, X, Y float64
	// Scatter is the robust standard deviation of the log of heads' heights over the plane's. It is large if the
	// camera is no higher than the heads, and then the plane says little about sizes.
	Scatter float64
}

// Known tells whether anything was learned.
func (p Plane) Known() bool { return p != Plane{} }

// Height is the height of a seated head at a place, at least one pixel.
func (p Plane) Height(x, y float64) float64 { return math.Max(p.At+p.X*x+p.Y*y, 1) }

const (
	rounds  = 10
	differs = 0.2 // usual difference between heads, in the log of their heights
	// nearPlaces: places that are closer than this, in heads, say nothing about slopes.
	nearPlaces = 0.5
	// ofMedian is the ratio of a normal distribution's standard deviation to the median of its absolute errors.
	ofMedian = 1.4826
)

// Fit fits the plane to heads by robust least squares, with Cauchy weights of width differs on the log of the
// ratio.
func Fit(heads []Head) Plane {
	if len(heads) == 0 {
		return Plane{}
	}
	hs := make([]float64, len(heads))
	for i, h := range heads {
		hs[i] = h.H
	}
	usual := middle(hs)
	p := Plane{At: usual}
	errs := make([]float64, len(heads))
	for range rounds {
		p = p.better(heads, nearPlaces*usual)
	}
	for i, h := range heads {
		errs[i] = math.Abs(p.off(h))
	}
	p.Scatter = ofMedian * middle(errs)
	return p
}

// off is the log of a head's height over the plane's.
func (p Plane) off(h Head) float64 { return math.Log(math.Max(h.H, 1) / p.Height(h.X, h.Y)) }

// better is one round of weighted least squares. To keep heads within near of each other from determining slopes, near² is added to the variance of their places (ridge).
func (p Plane) better(heads []Head, near float64) Plane {
	var sw, mx, my, mh float64
	w := make([]float64, len(heads))
	for i, h := range heads {
		r := p.off(h) / differs
		v := 1 / ((1 + r*r) * p.Height(h.X, h.Y))
		w[i] = v * v
		sw, mx, my, mh = sw+w[i], mx+w[i]*h.X, my+w[i]*h.Y, mh+w[i]*h.H
	}
	mx, my, mh = mx/sw, my/sw, mh/sw
	var xx, xy, yy, xh, yh float64
	for i, h := range heads {
		x, y, d := h.X-mx, h.Y-my, h.H-mh
		xx, xy, yy, xh, yh = xx+w[i]*x*x, xy+w[i]*x*y, yy+w[i]*y*y, xh+w[i]*x*d, yh+w[i]*y*d
	}
	xx, yy = xx+sw*near*near, yy+sw*near*near
	det := xx*yy - xy*xy // positive, because near is
	bx, by := (yy*xh-xy*yh)/det, (xx*yh-xy*xh)/det
	return Plane{At: mh - bx*mx - by*my, X: bx, Y: by}
}

func middle(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
