package recurrent

import (
	"fmt"
	"math"
)

// Forward runs a training pass (dropout on) and gives the logits, [Rows][Outputs]
// or, with EachStep, [Rows][Steps][Outputs]; they are the caller's.
func (n *Net) Forward(b Batch) ([]float32, error) { return n.forward(b, true) }

// predictRows is how many rows Predict takes at once: their states stay in the
// caches.
const predictRows = 192

// Predict gives the logits without dropout, however many rows. A Backward after
// it has nothing to work on.
func (n *Net) Predict(b Batch) ([]float32, error) {
	if err := n.checkBatch(b); err != nil {
		return nil, err
	}
	var all []float32
	for r := 0; r < b.Rows; r += predictRows {
		part := Batch{Rows: min(predictRows, b.Rows-r), Steps: b.Steps}
		part.X = b.X[r*b.Steps*n.config.Inputs:][:part.Rows*b.Steps*n.config.Inputs]
		if b.Mask != nil {
			part.Mask = b.Mask[r*b.Steps:][:part.Rows*b.Steps]
		}
		logits, err := n.forward(part, false)
		if err != nil {
			return nil, err
		}
		all = append(all, logits...)
	}
	return all, nil
}

func (n *Net) checkBatch(b Batch) error {
	if b.Rows < 1 || b.Steps < 1 || len(b.X) != b.Rows*b.Steps*n.config.Inputs {
		return fmt.Errorf("recurrent: %d values for %d rows of %d steps of %d inputs", len(b.X), b.Rows, b.Steps, n.config.Inputs)
	}
	if b.Mask != nil && len(b.Mask) != b.Rows*b.Steps {
		return fmt.Errorf("recurrent: mask of %d for %d rows of %d steps", len(b.Mask), b.Rows, b.Steps)
	}
	return nil
}

func (n *Net) forward(b Batch, train bool) ([]float32, error) {
	if err := n.checkBatch(b); err != nil {
		return nil, err
	}
	p := &n.pass
	p.rows, p.steps, p.train = b.Rows, b.Steps, train
	n.passes++
	p.take(b, n.config.Inputs)
	x, ldx := p.x, n.config.Inputs
	for i, l := range n.layers {
		if i > 0 {
			x, ldx = n.dropBetween(l, x)
		}
		l.x, l.ldx = x, ldx
		n.runLayer(l)
		x = l.h[p.rows*(l.units+block):]
	}
	if n.pay != nil {
		n.pay.forward(n.k, x, p)
	}
	return n.runHead(x), nil
}

// take copies the batch, turned to time-major.
func (p *pass) take(b Batch, inputs int) {
	p.x = grow(p.x, b.Rows*b.Steps*inputs)
	p.mask = p.mask[:0]
	if b.Mask != nil {
		p.mask = grow(p.mask, b.Rows*b.Steps)
	}
	for t := range b.Steps {
		for r := range b.Rows {
			copy(p.x[(t*b.Rows+r)*inputs:][:inputs], b.X[(r*b.Steps+t)*inputs:])
		}
	}
	if b.Mask != nil {
		for t := range b.Steps {
			for r := range b.Rows {
				p.mask[t*b.Rows+r] = b.Mask[r*b.Steps+t]
			}
		}
	}
}

// maskOrNil is the mask for C.
func (p *pass) maskOrNil() []float32 {
	if len(p.mask) == 0 {
		return nil
	}
	return p.mask
}

func (p *pass) seen(t, r int) bool { return len(p.mask) == 0 || p.mask[t*p.rows+r] != 0 }

// grow gives n floats, new ones only when v has no room; what they hold is of no
// account.
func grow(v []float32, n int) []float32 {
	if cap(v) < n {
		return aligned(n)
	}
	return v[:n]
}

func (n *Net) runLayer(l *layer) {
	p := &n.pass
	rows, all := p.rows, p.rows*p.steps
	l.h = grow(l.h, (all+rows)*(l.units+block))
	l.gates = grow(l.gates, all*l.units*4)
	if l.cell == lstm {
		l.c = grow(l.c, (all+rows)*l.units)
		l.tanhc = grow(l.tanhc, all*l.units)
		clear(l.c[:rows*l.units])
	}
	clear(l.h[:rows*(l.units+block)])
	for r := range rows {
		l.h[r*(l.units+block)+l.units] = 1
	}
	n.k.forward(l, p.steps, rows, p.maskOrNil())
}

// dropBetween is the input of a layer above the first: the states below, after
// dropout in training.
func (n *Net) dropBetween(l *layer, states []float32) ([]float32, int) {
	p, ld := &n.pass, l.in+block
	if !p.train || n.config.Dropout == 0 {
		return states, ld
	}
	size := p.rows * p.steps * ld
	l.dropped, l.keep = grow(l.dropped, size), grow(l.keep, size)
	n.draw(l.keep)
	for i, k := range l.keep {
		l.dropped[i] = states[i] * k
	}
	return l.dropped, ld
}

// draw fills keep with 0 or 1/(1-p); every pass draws anew.
func (n *Net) draw(keep []float32) {
	r, p := n.random(2+n.passes), n.config.Dropout
	n.passes += 1 << 32 // another stream for the next draw of this pass
	limit, scale := uint64(p*math.MaxUint32), float32(1/(1-p))
	for i := 0; i < len(keep); i += 2 {
		v := r.Uint64()
		keep[i] = 0
		if v>>32 >= limit {
			keep[i] = scale
		}
		if i+1 < len(keep) {
			keep[i+1] = 0
			if v&math.MaxUint32 >= limit {
				keep[i+1] = scale
			}
		}
	}
}

// outSteps are the steps that have logits: the last, or all.
func (n *Net) outSteps() (first, count int) {
	if n.config.EachStep {
		return 0, n.pass.steps
	}
	return n.pass.steps - 1, 1
}

// runHead gathers the head's input and gives the logits. states is [steps][rows][units+16].
func (n *Net) runHead(states []float32) []float32 {
	p, units, wide := &n.pass, blocks(n.config.Hidden), n.wide()
	first, count := n.outSteps()
	all := count * p.rows
	p.z = grow(p.z, all*wide)
	for i := range all {
		z := p.z[i*wide:][:wide]
		at := first*p.rows + i
		copy(z, states[at*(units+block):][:units])
		if n.pay != nil {
			copy(z[units:], n.pay.pooled[at*units:][:units])
		}
		z[wide-1] = 1
	}
	if p.train && n.config.Dropout > 0 {
		p.keep = grow(p.keep, all*wide)
		n.draw(p.keep)
		for i := range all {
			p.keep[i*wide+wide-1] = 1
		}
		for i, k := range p.keep {
			p.z[i] *= k
		}
	}
	p.logits = grow(p.logits, all*n.head.out)
	n.k.multiply(all, p.z, wide, n.head, p.logits, n.head.out, false)
	out := make([]float32, all*n.config.Outputs)
	for t := range count {
		for r := range p.rows {
			copy(out[(r*count+t)*n.config.Outputs:][:n.config.Outputs], p.logits[(t*p.rows+r)*n.head.out:])
		}
	}
	return out
}
