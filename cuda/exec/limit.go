package exec

// worker is an op whose arithmetic is worth counting: multiplications and additions.
type worker interface{ work(p *Program) float64 }

func (c *Conv) work(p *Program) float64 {
	return 2 * float64(p.size(c.Y)) * float64(count(p.Tensors[c.W].Shape[1:]))
}

func (c *ConvTranspose) work(p *Program) float64 {
	return 2 * float64(p.size(c.X)) * float64(count(p.Tensors[c.W].Shape[1:]))
}

func (m *MatMul) work(*Program) float64 {
	return 2 * float64(m.Batch) * float64(m.M*m.N) * float64(m.K)
}

// need is what a launch cannot do without.
type need struct {
	kernel            string
	operations, bytes float64
}

// Limits are Ready.Limit for the launches of a phase, by kernel: each launch at whichever bounds it, everything that it is given read or
// written once. Copies from and to the host are left out.
func (p *Phase) Limits(flops, bytes float64) map[string]float64 {
	seconds := map[string]float64{}
	for _, n := range p.needs {
		seconds[n.kernel] += max(n.operations/flops, n.bytes/bytes)
	}
	return seconds
}

// Limit is the least time in seconds that a run can take on a device of so many float32
// operations and bytes a second: each op at whichever bounds it, with every tensor
// read and written once (the roofline of Williams et al. 2009). Tensors that stay in a
// cache between ops can be faster than that.
func (r *Ready) Limit(flops, bytes float64) (seconds float64) {
	p := r.program
	for _, op := range p.Ops {
		moved := float64(p.bytes(op.writes()))
		for _, t := range op.reads() {
			if t != None {
				moved += float64(p.bytes(t))
			}
		}
		need := moved / bytes
		if w, ok := op.(worker); ok {
			need = max(need, w.work(p)/flops)
		}
		seconds += need
	}
	return seconds
}
