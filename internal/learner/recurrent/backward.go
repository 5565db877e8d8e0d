package recurrent

import (
	"errors"
	"fmt"
	"math"
)

// ErrNoPass says that Backward was called without a Forward before it.
var ErrNoPass = errors.New("recurrent: backward without a forward pass")

// Backward adds the gradient of the weights; dlogits is the loss's gradient by the
// logits, in their shape. It uses the pass up: one Backward a Forward.
func (n *Net) Backward(dlogits []float32) error {
	p := &n.pass
	if !p.train {
		return ErrNoPass
	}
	first, count := n.outSteps()
	if len(dlogits) != count*p.rows*n.config.Outputs {
		return fmt.Errorf("recurrent: gradient of %d for %d logits", len(dlogits), count*p.rows*n.config.Outputs)
	}
	p.train = false
	n.headBackward(dlogits, first, count)
	for i := len(n.layers) - 1; i >= 0; i-- {
		l := n.layers[i]
		dx := n.layerBackward(l, first, i > 0 || n.wantDX)
		first = 0
		if i > 0 {
			n.undrop(l, dx)
			p.dout, p.dx = dx, p.dout
		}
	}
	return nil
}

func (n *Net) headBackward(dlogits []float32, first, count int) {
	p, units, wide := &n.pass, blocks(n.config.Hidden), n.wide()
	all, out := count*p.rows, n.head.out
	g := p.logits
	clear(g)
	for t := range count {
		for r := range p.rows {
			copy(g[(t*p.rows+r)*out:], dlogits[(r*count+t)*n.config.Outputs:][:n.config.Outputs])
		}
	}
	n.k.outer(all, p.z, wide, g, out, n.head)
	p.turned = grow(p.turned, out*(wide-1))
	transpose(n.head, 0, wide-1, p.turned)
	p.dz = grow(p.dz, all*(wide-1))
	n.k.multiply(all, g, out, matrix{in: out, out: wide - 1, w: p.turned}, p.dz, wide-1, false)
	if n.config.Dropout > 0 {
		for i := range all {
			for j, k := range p.keep[i*wide:][:wide-1] {
				p.dz[i*(wide-1)+j] *= k
			}
		}
	}
	p.dout = grow(p.dout, p.rows*p.steps*units)
	if n.pay != nil {
		clear(p.dout[:first*p.rows*units])
	}
	for i := range all {
		copy(p.dout[(first*p.rows+i)*units:][:units], p.dz[i*(wide-1):])
	}
	if n.pay != nil {
		last := n.layers[len(n.layers)-1]
		n.pay.backward(n.k, last.h[p.rows*(units+block):], p, p.dz[units:], wide-1, first, p.dout)
	}
}

// layerBackward gives the gradient of the layer's input, [steps][rows][blocks], if wanted.
func (n *Net) layerBackward(l *layer, first int, want bool) []float32 {
	p := &n.pass
	if n.pay != nil {
		first = 0
	}
	l.turn()
	l.dh, l.dc = grow(l.dh, p.rows*l.units), grow(l.dc, p.rows*l.units)
	var dx []float32
	if want {
		p.dx = grow(p.dx, p.rows*p.steps*blocks(l.in))
		dx = p.dx
	}
	n.k.backward(l, p.steps, p.rows, p.maskOrNil(), p.dout, first, dx)
	l.freeze(l.m.g)
	return dx
}

func (n *Net) undrop(l *layer, dx []float32) {
	if n.config.Dropout == 0 {
		return
	}
	ld := l.in + block
	for i := range n.pass.rows * n.pass.steps {
		for j, k := range l.keep[i*ld:][:l.in] {
			dx[i*l.in+j] *= k
		}
	}
}

// InputGradient is the loss's gradient by the inputs, [Rows][Steps][Inputs], of
// the Backward before, if WantInputGradient was set; else nil.
func (n *Net) InputGradient() []float32 {
	if !n.wantDX {
		return nil
	}
	p, in := &n.pass, n.config.Inputs
	ld := blocks(in)
	out := make([]float32, p.rows*p.steps*in)
	for t := range p.steps {
		for r := range p.rows {
			copy(out[(r*p.steps+t)*in:][:in], p.dx[(t*p.rows+r)*ld:])
		}
	}
	return out
}

// Adam's constants (Kingma and Ba 2015), as everywhere.
const (
	beta1   = .9
	beta2   = .999
	epsilon = 1e-8
)

// Step moves the weights by AdamW at the given rate, after clipping, and zeroes
// the gradient. Gradients of several Backwards add up before it.
func (n *Net) Step(rate float64) {
	scale := 1.
	if n.config.Clip > 0 {
		if norm := n.GradientNorm(); norm > n.config.Clip {
			scale = n.config.Clip / norm
		}
	}
	n.taken++
	t := float64(n.taken)
	root := math.Sqrt(1 - math.Pow(beta2, t)) // the bias corrections, moved to rate and epsilon
	n.k.adam(n.weights, n.grads, n.moments[0], n.moments[1], scale, rate*root/(1-math.Pow(beta1, t)), beta1, beta2, epsilon*root, rate*n.config.Decay)
}

// GradientNorm is the length of the gradient of all weights.
func (n *Net) GradientNorm() float64 {
	s := 0.
	for _, g := range n.grads {
		s += float64(g) * float64(g)
	}
	return math.Sqrt(s)
}
