package room

// Flow is dense motion of the picture from a time to a later one, from the
// geometry: the room stands still, figures, chairs and things held move.
type Flow struct {
	W, H  int
	UV    []float32 // (H, W, 2): u to the right, v down, in pixels over the interval
	Moves []bool    // (H, W): a figure, a chair or a thing held
}

// flowBuffer draws motion by depth at the picture's own size.
type flowBuffer struct {
	Flow
	z []float32
	c *Camera
}

// FlowBetween gives the flow from the picture at t0 to that at t1 on the grid
// of the picture at t0. The scene is left posed at t1.
func (s *Scene) FlowBetween(t0, t1 float64) Flow {
	c := s.Camera
	b := &flowBuffer{Flow: Flow{W: c.W, H: c.H, UV: make([]float32, c.W*c.H*2), Moves: make([]bool, c.W*c.H)}, z: make([]float32, c.W*c.H), c: c}
	for y := range c.H {
		for x := range c.W {
			b.z[y*c.W+x] = s.still.z[y*c.Over*s.still.w+x*c.Over]
		}
	}
	s.Pose(t0)
	type was struct {
		skin  [][]Vec
		quads []Quad
		gone  bool
	}
	before := make([]was, len(s.Actors))
	for i, a := range s.Actors {
		before[i].gone = a.Gone
		before[i].quads = append(a.chair(), a.props()...)
		for pi := range a.parts {
			before[i].skin = append(before[i].skin, append([]Vec(nil), a.posed[pi].v...))
		}
	}
	s.Pose(t1)
	for i, a := range s.Actors {
		now := append(a.chair(), a.props()...)
		for k := range before[i].quads {
			if len(now) == len(before[i].quads) {
				b.quad(&before[i].quads[k], &now[k])
			}
		}
		if before[i].gone || a.Gone {
			continue
		}
		for pi, q := range a.parts {
			b.part(q, before[i].skin[pi], a.posed[pi].v)
		}
	}
	return b.throughLens()
}

func (b *flowBuffer) at(v Vec) Vec {
	p := b.c.view(v)
	o := 1 / float32(b.c.Over)
	return Vec{p.X * o, p.Y * o, p.Z}
}

func (b *flowBuffer) part(q *part, from, to []Vec) {
	p0, p1 := make([]Vec, len(from)), make([]Vec, len(from))
	for i := range from {
		p0[i], p1[i] = b.at(from[i]), b.at(to[i])
	}
	for ti, t := range q.tri {
		b.tri(q, ti, [3]Vec{p0[t[0]], p0[t[1]], p0[t[2]]}, [3]Vec{p1[t[0]], p1[t[1]], p1[t[2]]})
	}
}

func (b *flowBuffer) quad(from, to *Quad) {
	var p0, p1 [4]Vec
	for i := range p0 {
		p0[i], p1[i] = b.at(from.P[i]), b.at(to.P[i])
	}
	for _, t := range [2][3]int{{0, 1, 2}, {0, 2, 3}} {
		b.tri(nil, 0, [3]Vec{p0[t[0]], p0[t[1]], p0[t[2]]}, [3]Vec{p1[t[0]], p1[t[1]], p1[t[2]]})
	}
}

func (b *flowBuffer) tri(q *part, ti int, p, to [3]Vec) {
	var s span
	if p[0].Z < near || p[1].Z < near || p[2].Z < near || to[0].Z < near || to[1].Z < near || to[2].Z < near || !s.setup(p[0], p[1], p[2], b.W, b.H) {
		return
	}
	if q != nil && !q.both && s.area > 0 {
		return
	}
	d0, d1, d2 := to[0].Sub(p[0]), to[1].Sub(p[1]), to[2].Sub(p[2])
	sheet := q != nil && q.kind == kindHair && q.tex != nil
	for y := s.y0; y <= s.y1; y++ {
		u, v := s.u+float32(y-s.y0)*s.uy, s.v+float32(y-s.y0)*s.vy
		for x := s.x0; x <= s.x1; x, u, v = x+1, u+s.ux, v+s.vx {
			w := 1 - u - v
			if u < 0 || v < 0 || w < 0 {
				continue
			}
			i := y*b.W + x
			z := u*p[0].Z + v*p[1].Z + w*p[2].Z
			if z >= b.z[i] {
				continue
			}
			if sheet {
				uv := &q.uv[ti]
				if _, a := q.tex.at(u*uv[0][0]+v*uv[1][0]+w*uv[2][0], u*uv[0][1]+v*uv[1][1]+w*uv[2][1]); a < hairAlpha {
					continue
				}
			}
			b.z[i] = z
			b.UV[2*i], b.UV[2*i+1] = u*d0.X+v*d1.X+w*d2.X, u*d0.Y+v*d1.Y+w*d2.Y
			b.Moves[i] = true
		}
	}
}

// throughLens carries the field through the camera's lens.
func (b *flowBuffer) throughLens() Flow {
	if b.c.Bend == 0 {
		return b.Flow
	}
	out := Flow{W: b.W, H: b.H, UV: make([]float32, len(b.UV)), Moves: make([]bool, len(b.Moves))}
	for y := range b.H {
		for x := range b.W {
			sx, sy := b.c.unbend(float32(x)+.5, float32(y)+.5)
			i := min(max(int(sy), 0), b.H-1)*b.W + min(max(int(sx), 0), b.W-1)
			if !b.Moves[i] {
				continue
			}
			ex, ey := b.c.bendAt(sx+b.UV[2*i], sy+b.UV[2*i+1])
			k := y*b.W + x
			out.UV[2*k], out.UV[2*k+1], out.Moves[k] = ex-float32(x)-.5, ey-float32(y)-.5, true
		}
	}
	return out
}
