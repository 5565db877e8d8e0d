package room

// skin places every vertex by its bones: linear blend skinning.
func (f *Figure) skin() {
	move := make([]Vec, len(f.dir))
	for i := range move {
		move[i] = f.pos[i].Sub(f.dir[i].V(f.head[i]))
	}
	lo, hi := Vec{1e9, 1e9, 1e9}, Vec{-1e9, -1e9, -1e9}
	for pi, q := range f.parts {
		out := &f.posed[pi]
		if q.kind == kindEye {
			f.skinEye(q, out, move)
			continue
		}
		for i, v := range q.v {
			w := &q.weight[i]
			m, t := f.dir[w[0].bone], move[w[0].bone]
			if w[1].w > 0 {
				for j := range m {
					m[j] *= w[0].w
				}
				t = t.Mul(w[0].w)
				for k := 1; k < 4 && w[k].w > 0; k++ {
					d, s := &f.dir[w[k].bone], w[k].w
					for j := range m {
						m[j] += d[j] * s
					}
					t = t.Add(move[w[k].bone].Mul(s))
				}
			}
			p := m.V(v).Add(t)
			out.v[i], out.n[i] = p, m.V(q.n[i])
			lo = Vec{min(lo.X, p.X), min(lo.Y, p.Y), min(lo.Z, p.Z)}
			hi = Vec{max(hi.X, p.X), max(hi.Y, p.Y), max(hi.Z, p.Z)}
		}
	}
	f.bounds = [2]Vec{lo, hi}
}

// skinEye turns the eyeball in its socket.
func (f *Figure) skinEye(q *part, out *posed, move []Vec) {
	h := f.base.index["head"]
	c := f.eyes[q.eye]
	g := ry(f.pose.GazeYaw).M(rx(f.pose.GazePitch))
	for i, v := range q.v {
		out.v[i] = f.dir[h].V(c.Add(g.V(v.Sub(c)))).Add(move[h])
		out.n[i] = f.dir[h].V(g.V(q.n[i]))
	}
}
