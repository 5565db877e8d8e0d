package room

// shadow is a depth map along one direction of light.
type shadow struct {
	n     int
	r     Mat
	lo    Vec
	scale float32 // map pixels a metre
	z     []float32
}

// newShadow covers the box lo..hi with an n by n map; to points at the light.
func newShadow(n int, to Vec, lo, hi Vec) *shadow {
	f := to.Mul(-1).Unit()
	r := f.Cross(Vec{.1, .2, 1}).Unit()
	u := r.Cross(f)
	s := &shadow{n: n, r: Mat{r.X, r.Y, r.Z, u.X, u.Y, u.Z, f.X, f.Y, f.Z}, z: make([]float32, n*n)}
	mn, mx := Vec{far, far, far}, Vec{-far, -far, -far}
	for k := range 8 {
		q := s.r.V(Vec{pickEnd(k&1, lo.X, hi.X), pickEnd(k&2, lo.Y, hi.Y), pickEnd(k&4, lo.Z, hi.Z)})
		mn = Vec{min(mn.X, q.X), min(mn.Y, q.Y), min(mn.Z, q.Z)}
		mx = Vec{max(mx.X, q.X), max(mx.Y, q.Y), max(mx.Z, q.Z)}
	}
	s.lo = mn
	s.scale = float32(n) / max(mx.X-mn.X, mx.Y-mn.Y)
	s.clear()
	return s
}

func (s *shadow) clear() {
	for i := range s.z {
		s.z[i] = far
	}
}

func (s *shadow) copyFrom(o *shadow) { copy(s.z, o.z) }

func (s *shadow) at(p Vec) Vec {
	q := s.r.V(p).Sub(s.lo)
	return Vec{q.X * s.scale, q.Y * s.scale, q.Z}
}

func (s *shadow) tri(A, B, C Vec) {
	var p span
	if !p.setup(A, B, C, s.n, s.n) {
		return
	}
	for y := p.y0; y <= p.y1; y++ {
		u, v := p.u+float32(y-p.y0)*p.uy, p.v+float32(y-p.y0)*p.vy
		for x := p.x0; x <= p.x1; x, u, v = x+1, u+p.ux, v+p.vx {
			w := 1 - u - v
			if u < -.01 || v < -.01 || w < -.01 {
				continue
			}
			if z := u*A.Z + v*B.Z + w*C.Z; z < s.z[y*s.n+x] {
				s.z[y*s.n+x] = z
			}
		}
	}
}

func (s *shadow) part(q *part, p *posed) {
	sc := make([]Vec, len(p.v))
	for i, v := range p.v {
		sc[i] = s.at(v)
	}
	for _, t := range q.tri {
		s.tri(sc[t[0]], sc[t[1]], sc[t[2]])
	}
}

func (s *shadow) quad(q *Quad) {
	a, b, c, d := s.at(q.P[0]), s.at(q.P[1]), s.at(q.P[2]), s.at(q.P[3])
	s.tri(a, b, c)
	s.tri(a, c, d)
}

// lit is the share of the light that reaches p with normal n, from four taps
// within rad metres; px varies the taps from pixel to pixel. Each tap is
// compared with the depth of the surface's own plane there, or a slanting
// surface would shade itself.
func (s *shadow) lit(p, n Vec, rad float32, px int) float32 {
	q := s.at(p.Add(n.Mul(.02)))
	m := s.r.V(n)
	slope := 1 / min(m.Z, -.2)
	gx, gy := m.X*slope*rad, m.Y*slope*rad
	rad *= s.scale
	k := float32(0)
	for j := range 4 {
		d := disk[(px*5+j*4+px>>3)&15]
		x, y := int(q.X+d[0]*rad), int(q.Y+d[1]*rad)
		if x < 0 || y < 0 || x >= s.n || y >= s.n || s.z[y*s.n+x] > q.Z-.02-d[0]*gx-d[1]*gy {
			k += .25
		}
	}
	return k
}
