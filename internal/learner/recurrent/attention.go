package recurrent

import "math"

// attention pools the states up to each step t: the mean of h_s over s <= t, with
// weights proportional to exp(v tanh(W h_s + b)) at the steps that are there
// (Bahdanau, Cho and Bengio 2015, without a query; Yang et al. 2016).
type attention struct {
	units, wide int
	look        matrix    // states and 1 to wide
	score       matrix    // wide to one
	u           []float32 // [steps][rows][wide], tanh of look
	s           []float32 // [steps][rows][block], the score first
	e           []float32 // [steps][rows], exp of the score less the row's largest
	sum         []float32 // [steps][rows], of e so far
	pooled      []float32 // [steps][rows][units]
	du, ds      []float32
	turned      []float32
	a           []float32 // [units]
}

// forward wants states [steps][rows][units+16].
func (a *attention) forward(k kernels, states []float32, p *pass) {
	all, ld := p.rows*p.steps, a.units+block
	a.u, a.s = grow(a.u, all*a.wide), grow(a.s, all*block)
	a.e, a.sum, a.pooled = grow(a.e, all), grow(a.sum, all), grow(a.pooled, all*a.units)
	k.multiply(all, states, ld, a.look, a.u, a.wide, false)
	k.tanh(a.u)
	k.multiply(all, a.u, a.wide, a.score, a.s, block, false)
	a.a = grow(a.a, a.units)
	for r := range p.rows {
		largest := float32(math.Inf(-1))
		for t := range p.steps {
			if p.seen(t, r) {
				largest = max(largest, a.s[(t*p.rows+r)*block])
			}
		}
		clear(a.a)
		sum := float32(0)
		for t := range p.steps {
			at := t*p.rows + r
			a.e[at] = 0
			if p.seen(t, r) {
				a.e[at] = float32(math.Exp(float64(a.s[at*block] - largest)))
				sum += a.e[at]
				add(a.a, a.e[at], states[at*ld:])
			}
			a.sum[at] = sum
			scale := float32(0)
			if sum > 0 {
				scale = 1 / sum
			}
			out := a.pooled[at*a.units:][:a.units]
			for i, v := range a.a {
				out[i] = v * scale
			}
		}
	}
}

// add does to += f v.
func add(to []float32, f float32, v []float32) {
	v = v[:len(to)]
	for i := range to {
		to[i] += f * v[i]
	}
}

func inner(a, b []float32) float32 {
	b = b[:len(a)]
	s := [4]float32{}
	for i := 0; i+4 <= len(a); i += 4 { // units come in blocks of 16
		s[0] += a[i] * b[i]
		s[1] += a[i+1] * b[i+1]
		s[2] += a[i+2] * b[i+2]
		s[3] += a[i+3] * b[i+3]
	}
	return s[0] + s[1] + s[2] + s[3]
}

// backward takes the gradient of what was pooled, [out steps][rows][stride] from
// the step first on, and adds to that of the states, dout [steps][rows][units].
// With A_s the sum over t >= s of dP_t/N_t and B_s that of dP_t·P_t/N_t:
// dh_s += e_s A_s and dscore_s = e_s (A_s·h_s - B_s).
func (a *attention) backward(k kernels, states []float32, p *pass, dpooled []float32, stride, first int, dout []float32) {
	all, ld := p.rows*p.steps, a.units+block
	a.du, a.ds = grow(a.du, all*a.wide), grow(a.ds, all*block)
	clear(a.ds)
	for r := range p.rows {
		clear(a.a)
		b := float32(0)
		for t := p.steps - 1; t >= 0; t-- {
			at := t*p.rows + r
			if t >= first && a.sum[at] > 0 {
				d := dpooled[((t-first)*p.rows+r)*stride:][:a.units]
				add(a.a, 1/a.sum[at], d)
				b += inner(d, a.pooled[at*a.units:]) / a.sum[at]
			}
			if e := a.e[at]; e > 0 {
				add(dout[at*a.units:][:a.units], e, a.a)
				a.ds[at*block] = e * (inner(a.a, states[at*ld:]) - b)
			}
		}
	}
	k.outer(all, a.u, a.wide, a.ds, block, a.score)
	v := make([]float32, a.wide)
	for i := range v {
		v[i] = a.score.w[a.score.place(i, 0)]
	}
	for at := range all {
		u, du, ds := a.u[at*a.wide:][:a.wide], a.du[at*a.wide:][:a.wide], a.ds[at*block]
		for i := range du {
			du[i] = ds * v[i] * (1 - u[i]*u[i])
		}
	}
	k.outer(all, states, ld, a.du, a.wide, a.look)
	a.turned = grow(a.turned, a.wide*a.units)
	transpose(a.look, 0, a.units, a.turned)
	k.multiply(all, a.du, a.wide, matrix{in: a.wide, out: a.units, w: a.turned}, dout, a.units, true)
}

// Attention is how much each step weighs in the pooled state at the last step,
// [Rows][Steps], in the pass before; nil without attention.
func (n *Net) Attention() []float32 {
	if n.pay == nil {
		return nil
	}
	p := &n.pass
	out := make([]float32, p.rows*p.steps)
	for r := range p.rows {
		sum := n.pay.sum[(p.steps-1)*p.rows+r]
		for t := range p.steps {
			if sum > 0 {
				out[r*p.steps+t] = n.pay.e[t*p.rows+r] / sum
			}
		}
	}
	return out
}
