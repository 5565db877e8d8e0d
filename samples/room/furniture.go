package room

import "math/rand"

// Quad is a flat piece of the room; Paint gives its colour at a place.
type Quad struct {
	P     [4]Vec
	Paint func(Vec) Vec
	Glow  bool
}

func plain(c Vec) func(Vec) Vec {
	return func(p Vec) Vec { return c.Mul(.94 + .12*noise2(p.X*9+p.Y*7, p.Z*9+p.Y*5)) }
}

func wood(c Vec) func(Vec) Vec {
	return func(p Vec) Vec { return c.Mul(.82 + .25*noise2(p.X*3, p.Z*60) + .1*noise2(p.X*20, p.Z*8)) }
}

// boxCorners are the corners of a box's six faces: which of lo and hi along
// x, y and z.
var boxCorners = [6][4][3]int{
	{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}}, {{0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}},
	{{0, 0, 0}, {0, 0, 1}, {0, 1, 1}, {0, 1, 0}}, {{1, 0, 0}, {1, 0, 1}, {1, 1, 1}, {1, 1, 0}},
	{{0, 0, 0}, {1, 0, 0}, {1, 0, 1}, {0, 0, 1}}, {{0, 1, 0}, {1, 1, 0}, {1, 1, 1}, {0, 1, 1}}}

// box adds the six faces of an upright box.
func box(dst *[]Quad, lo, hi Vec, paint func(Vec) Vec) {
	for _, f := range boxCorners {
		q := Quad{Paint: paint}
		for i, c := range f {
			q.P[i] = Vec{pickEnd(c[0], lo.X, hi.X), pickEnd(c[1], lo.Y, hi.Y), pickEnd(c[2], lo.Z, hi.Z)}
		}
		*dst = append(*dst, q)
	}
}

func pickEnd(k int, lo, hi float32) float32 {
	if k > 0 {
		return hi
	}
	return lo
}

// moved turns pieces by deg about the vertical and carries them to a place.
func moved(qs []Quad, at Vec, deg float32) []Quad { return placed(qs, ry(deg), at) }

// placed turns pieces by a rotation, then carries them.
func placed(qs []Quad, m Mat, at Vec) []Quad {
	back := m.T()
	r := make([]Quad, len(qs))
	for i, q := range qs {
		r[i] = q
		for k := range q.P {
			r[i].P[k] = m.V(q.P[k]).Add(at)
		}
		p := q.Paint
		r[i].Paint = func(v Vec) Vec { return p(back.V(v.Sub(at))) }
	}
	return r
}

// chair is drawn with its student, since it moves. hip is the height of the
// hips of who sits on it.
func chair(c Vec, hip float32) []Quad {
	var q []Quad
	p, metal := plain(c), plain(Vec{.25, .25, .27})
	s := hip - .09
	box(&q, Vec{-.20, s - .025, -.20}, Vec{.20, s, .19}, p)
	box(&q, Vec{-.19, s + .135, -.235}, Vec{.19, s + .395, -.21}, p)
	for _, x := range []float32{-.19, .17} {
		box(&q, Vec{x, 0, -.22}, Vec{x + .02, s + .355, -.20}, metal)
		box(&q, Vec{x, 0, .16}, Vec{x + .02, s - .015, .18}, metal)
	}
	return q
}

// desk is a table of a width, its near edge .20 m before the hips.
func desk(half, high float32, top, leg Vec, front bool) []Quad {
	var d []Quad
	box(&d, Vec{-half, high - .03, .20}, Vec{half, high, .70}, wood(top))
	if front {
		box(&d, Vec{-half + .02, high - .185, .66}, Vec{half - .02, high - .03, .68}, wood(top.Mul(.8)))
	}
	l := plain(leg)
	for _, x := range []float32{-half + .02, half - .05} {
		for _, z := range []float32{.23, .66} {
			box(&d, Vec{x, 0, z}, Vec{x + .03, high - .03, z + .03}, l)
		}
	}
	return d
}

// written is a sheet with lines of writing along x.
func written(p Vec) Vec {
	if floor(p.Z*55)%2 == 0 && noise2(p.X*30, p.Z*50) > .35 {
		return Vec{.45, .47, .55}
	}
	return Vec{.82, .82, .80}
}

// things lie on a desk before one student, and by the chair. Clutter 0..1 is
// how much of it.
func things(r *rand.Rand, high, clutter float32) []Quad {
	var d []Quad
	some := func(p float32) bool { return r.Float32() < p*clutter*2 }
	dull := func(s, v float32) func(Vec) Vec {
		return plain(hsv(r.Float32(), s*r.Float32(), .05+v*r.Float32()))
	}
	if some(.34) {
		box(&d, Vec{.18, high, .36}, Vec{.31, high + uniform(r, .015, .06), .60}, dull(.5, .5))
	}
	if some(.25) { // pencil case
		box(&d, Vec{-.31, high, .57}, Vec{-.12, high + .05, .63}, dull(.6, .4))
	}
	if some(.15) { // bottle
		b := dull(.5, .6)
		box(&d, Vec{.25, high, .61}, Vec{.31, high + .17, .67}, b)
		box(&d, Vec{.265, high + .17, .625}, Vec{.295, high + .21, .655}, b)
	}
	if some(.25) { // bag on the floor
		b := plain(hsv(r.Float32(), .5*r.Float32(), .04+.12*r.Float32()))
		box(&d, Vec{-.58, 0, .30}, Vec{-.40, .30, .55}, b)
		box(&d, Vec{-.55, .30, .33}, Vec{-.43, .36, .52}, b)
		box(&d, Vec{-.56, .02, .55}, Vec{-.42, .18, .60}, b)
	}
	return d
}

// openBook lies flat before its reader.
func openBook(high float32, paper func(Vec) Vec) []Quad {
	var d []Quad
	box(&d, Vec{-.15, high, .30}, Vec{.15, high + .008, .52}, paper)
	box(&d, Vec{-.004, high + .008, .30}, Vec{.004, high + .0085, .52}, plain(Vec{.3, .3, .3}))
	return d
}

// laptop stands open, its keys towards the student.
func laptop(high float32) []Quad {
	var d []Quad
	grey := plain(Vec{.20, .20, .21})
	box(&d, Vec{-.17, high, .30}, Vec{.17, high + .016, .53}, grey)
	var lid []Quad
	box(&lid, Vec{-.17, 0, -.005}, Vec{.17, .22, .005}, grey)
	lid = append(lid, Quad{P: [4]Vec{{-.16, .01, -.007}, {.16, .01, -.007}, {.16, .21, -.007}, {-.16, .21, -.007}}, Glow: true,
		Paint: func(p Vec) Vec { return Vec{.35, .42, .5}.Mul(.6 + .6*noise2(p.X*60, p.Y*40)) }})
	return append(d, placed(lid, rx(14), Vec{0, high + .016, .53})...)
}
