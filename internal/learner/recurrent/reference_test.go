package recurrent

import (
	"math"
	"unsafe"
)

// reference runs a network's weights in plain float64 loops, row by row: the judge
// of the kernels. w holds the weights by the kernels' places.
type reference struct {
	n *Net
	w []float64
}

func newReference(n *Net) *reference {
	f := &reference{n: n, w: make([]float64, len(n.weights))}
	for i, v := range n.weights {
		f.w[i] = float64(v)
	}
	return f
}

// at is the weight of m from input i to output o; every matrix is a part of the
// network's run of weights.
func (f *reference) at(m matrix, i, o int) float64 {
	offset := int(uintptr(unsafe.Pointer(&m.w[0]))-uintptr(unsafe.Pointer(&f.n.weights[0]))) / 4
	return f.w[offset+m.place(i, o)]
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// logits of one row; x is [steps][inputs], seen by step.
func (f *reference) logits(x [][]float64, seen []bool) (out [][]float64) {
	c := f.n.config
	states := x
	in := c.Inputs
	for _, l := range f.n.layers {
		states = f.run(l, states, in, seen)
		in = c.Hidden
	}
	units := blocks(c.Hidden)
	var pooled []float64
	top, sums := 0., make([]float64, c.Hidden)
	for t, h := range states {
		z := h
		if a := f.n.pay; a != nil {
			if seen[t] {
				score := 0.
				for k := range c.Attention {
					u := f.at(a.look, a.units, k)
					for i, v := range h {
						u += v * f.at(a.look, i, k)
					}
					score += math.Tanh(u) * f.at(a.score, k, 0)
				}
				e := math.Exp(score)
				top += e
				for i, v := range h {
					sums[i] += e * v
				}
			}
			pooled = make([]float64, c.Hidden)
			if top > 0 {
				for i := range pooled {
					pooled[i] = sums[i] / top
				}
			}
		}
		logits := make([]float64, c.Outputs)
		for o := range logits {
			logits[o] = f.at(f.n.head, f.n.head.in-1, o)
			for i, v := range z {
				logits[o] += v * f.at(f.n.head, i, o)
			}
			for i, v := range pooled {
				logits[o] += v * f.at(f.n.head, units+i, o)
			}
		}
		out = append(out, logits)
	}
	if !c.EachStep {
		return out[len(out)-1:]
	}
	return out
}

// run gives the states of one layer.
func (f *reference) run(l *layer, x [][]float64, in int, seen []bool) [][]float64 {
	hidden := f.n.config.Hidden
	h, c := make([]float64, hidden), make([]float64, hidden)
	var all [][]float64
	for t := range x {
		next, cell := make([]float64, hidden), make([]float64, hidden)
		for u := range hidden {
			var a [4]float64
			for g := range a {
				a[g] = f.at(l.m, l.in+l.units, gate(g, u))
				for i := range in {
					a[g] += x[t][i] * f.at(l.m, i, gate(g, u))
				}
				for i := range hidden {
					a[g] += h[i] * f.at(l.m, l.in+i, gate(g, u))
				}
			}
			if l.cell == lstm {
				cell[u] = sigmoid(a[1])*c[u] + sigmoid(a[0])*math.Tanh(a[2])
				next[u] = sigmoid(a[3]) * math.Tanh(cell[u])
			} else {
				z := sigmoid(a[1])
				next[u] = (1-z)*math.Tanh(a[2]+sigmoid(a[0])*a[3]) + z*h[u]
			}
		}
		if seen[t] {
			h, c = next, cell
		}
		all = append(all, h)
	}
	return all
}

// loss is the logits' inner product with d, over all rows.
func (f *reference) loss(b Batch, x []float64, d []float32) float64 {
	sum, at := 0., 0
	for r := range b.Rows {
		var steps [][]float64
		var seen []bool
		for t := range b.Steps {
			i := r*b.Steps + t
			steps = append(steps, x[i*f.n.config.Inputs:][:f.n.config.Inputs])
			seen = append(seen, b.Mask == nil || b.Mask[i] != 0)
		}
		for _, logits := range f.logits(steps, seen) {
			for _, v := range logits {
				sum += v * float64(d[at])
				at++
			}
		}
	}
	return sum
}
