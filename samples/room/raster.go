package room

// buffer holds what is seen at each sample of the picture.
type buffer struct {
	w, h   int
	z      []float32
	albedo []Vec
	n      []Vec
	id     []uint8 // 0 the room, 1 .. 250 a figure, 255 a chair or a thing held
	kind   []uint8 // of surface; headBit marks a figure's head
}

const (
	idThing = 255
	headBit = 0x80
	far     = 1e9
	near    = .1
)

func newBuffer(w, h int) *buffer {
	n := w * h
	b := &buffer{w, h, make([]float32, n), make([]Vec, n), make([]Vec, n), make([]uint8, n), make([]uint8, n)}
	for i := range b.z {
		b.z[i] = far
	}
	return b
}

func (b *buffer) copyFrom(o *buffer) {
	copy(b.z, o.z)
	copy(b.albedo, o.albedo)
	copy(b.n, o.n)
	copy(b.id, o.id)
	copy(b.kind, o.kind)
}

// span is a triangle ready to fill: its pixel box, and the two barycentric
// coordinates of corners a and b at its first pixel with their steps.
type span struct {
	x0, x1, y0, y1       int
	u, v, ux, uy, vx, vy float32
	area                 float32
}

// setup prepares the triangle A, B, C for a grid of w by h; false when it
// covers nothing. Barycentric: u of A, v of B, 1-u-v of C.
func (s *span) setup(A, B, C Vec, w, h int) bool {
	s.area = (B.X-A.X)*(C.Y-A.Y) - (C.X-A.X)*(B.Y-A.Y)
	if abs(s.area) < 1e-6 {
		return false
	}
	lx, hx := min(A.X, B.X, C.X), max(A.X, B.X, C.X)
	ly, hy := min(A.Y, B.Y, C.Y), max(A.Y, B.Y, C.Y)
	if hx < 0 || hy < 0 || lx > float32(w) || ly > float32(h) {
		return false
	}
	// a pixel counts when its middle is inside
	s.x0, s.x1 = max(int(lx-.5), 0), min(int(hx+.5), w-1)
	s.y0, s.y1 = max(int(ly-.5), 0), min(int(hy+.5), h-1)
	if s.x0 > s.x1 || s.y0 > s.y1 {
		return false
	}
	inv := 1 / s.area
	s.ux, s.uy = (B.Y-C.Y)*inv, (C.X-B.X)*inv
	s.vx, s.vy = (C.Y-A.Y)*inv, (A.X-C.X)*inv
	px, py := float32(s.x0)+.5, float32(s.y0)+.5
	s.u = (px-C.X)*s.ux + (py-C.Y)*s.uy
	s.v = (px-C.X)*s.vx + (py-C.Y)*s.vy
	return true
}

// part draws a posed mesh.
func (b *buffer) part(c *Camera, q *part, p *posed, id uint8, blink *Vec) {
	sc := make([]Vec, len(p.v))
	for i, v := range p.v {
		sc[i] = c.view(v)
	}
	var s span
	for ti, t := range q.tri {
		A, B, C := sc[t[0]], sc[t[1]], sc[t[2]]
		if A.Z < near || B.Z < near || C.Z < near || !s.setup(A, B, C, b.w, b.h) {
			continue
		}
		flip := float32(1)
		if s.area > 0 { // seen from behind
			if !q.both {
				continue
			}
			flip = -1
		}
		kind := uint8(q.kind)
		if q.head[ti] {
			kind |= headBit
		}
		uv := &q.uv[ti]
		low := q.low != nil && q.low[ti]
		for y := s.y0; y <= s.y1; y++ {
			u, v := s.u+float32(y-s.y0)*s.uy, s.v+float32(y-s.y0)*s.vy
			for x := s.x0; x <= s.x1; x, u, v = x+1, u+s.ux, v+s.vx {
				w := 1 - u - v
				if u < 0 || v < 0 || w < 0 {
					continue
				}
				z := u*A.Z + v*B.Z + w*C.Z
				i := y*b.w + x
				if z >= b.z[i] {
					continue
				}
				al, ok := q.albedo(u*uv[0][0]+v*uv[1][0]+w*uv[2][0], u*uv[0][1]+v*uv[1][1]+w*uv[2][1], low)
				if !ok {
					continue
				}
				if blink != nil {
					al = *blink
				}
				na, nb, nc := &p.n[t[0]], &p.n[t[1]], &p.n[t[2]]
				b.z[i], b.albedo[i], b.id[i], b.kind[i] = z, al, id, kind
				b.n[i] = Vec{(na.X*u + nb.X*v + nc.X*w) * flip, (na.Y*u + nb.Y*v + nc.Y*w) * flip, (na.Z*u + nb.Z*v + nc.Z*w) * flip}.Unit()
			}
		}
	}
}

// quad draws one flat piece, clipped at the near plane.
func (b *buffer) quad(c *Camera, q *Quad, id uint8) {
	n := q.P[1].Sub(q.P[0]).Cross(q.P[3].Sub(q.P[0])).Unit()
	if n.Dot(c.Pos.Sub(q.P[0])) < 0 {
		n = n.Mul(-1)
	}
	poly := c.clip(q)
	var s span
	for k := 1; k+1 < len(poly); k++ {
		A, B, C := poly[0], poly[k], poly[k+1]
		if !s.setup(A, B, C, b.w, b.h) {
			continue
		}
		for y := s.y0; y <= s.y1; y++ {
			u, v := s.u+float32(y-s.y0)*s.uy, s.v+float32(y-s.y0)*s.vy
			for x := s.x0; x <= s.x1; x, u, v = x+1, u+s.ux, v+s.vx {
				w := 1 - u - v
				if u < 0 || v < 0 || w < 0 {
					continue
				}
				z := 1 / (u*A.Z + v*B.Z + w*C.Z)
				i := y*b.w + x
				if z >= b.z[i] {
					continue
				}
				b.z[i], b.n[i], b.id[i], b.kind[i] = z, n, id, kindRoom
				b.albedo[i] = q.Paint(c.Pos.Add(c.ray(float32(x)+.5, float32(y)+.5).Mul(z)))
				if q.Glow {
					b.kind[i] = kindGlow
				}
			}
		}
	}
}

// clip gives a piece's corners in buffer x, y and inverse depth, cut at the
// near plane.
func (c *Camera) clip(q *Quad) []Vec {
	var poly []Vec
	for i := range q.P {
		a, d := c.R.V(q.P[i].Sub(c.Pos)), c.R.V(q.P[(i+1)%4].Sub(c.Pos))
		if a.Z > near {
			poly = append(poly, a)
		}
		if (a.Z > near) != (d.Z > near) {
			poly = append(poly, a.Lerp(d, (near-a.Z)/(d.Z-a.Z)))
		}
	}
	o := float32(c.Over)
	for i, v := range poly {
		poly[i] = Vec{float32(c.W)*o/2 + c.F*v.X/v.Z, float32(c.H)*o/2 - c.F*v.Y/v.Z, 1 / v.Z}
	}
	return poly
}
