package model

import (
	"fmt"
	"math"
)

// opCumSum adds up along one axis; neither exclusive nor reverse.
func opCumSum(c *opCall) ([]*value, error) {
	if c.node.int("exclusive", 0) != 0 || c.node.int("reverse", 0) != 0 {
		return nil, fmt.Errorf("%w: CumSum that is exclusive or reverse", ErrUnsupported)
	}
	in := c.in[0]
	axis := axisOf(int64(c.in[1].at(0)), len(in.shape))
	n, inner := in.shape[axis], count(in.shape[axis+1:])
	out := newValue(in.shape...)
	c.do(func() {
		for i := range out.floats {
			out.floats[i] = float32(in.at(i))
			if i/inner%n > 0 {
				out.floats[i] += out.floats[i-inner]
			}
		}
	})
	return one(out)
}

// sequence is what LSTM and GRU have in common: x (T, B, D), one direction.
type sequence struct {
	steps, batch, hidden int
	gates                []float32 // (T·B, G·H): products with x, biases added
	recurrent, bias      []float32 // (H, G·H) turned, (G·H)
	lengths              *value    // of the sequences; nil: all steps
	c                    *opCall
}

// sequenceOf reads X, W, R, B and sequence_lens; g is how many gates there are.
func sequenceOf(c *opCall, g int) (s sequence, err error) {
	x, w, r := c.in[0], c.in[1], c.in[2]
	if d := c.node.str("direction", "forward"); d != "forward" || w.shape[0] != 1 || c.input(5) != nil {
		return s, fmt.Errorf("%w: %s that is not forward, or with a first state", ErrUnsupported, c.node.op)
	}
	s = sequence{steps: x.shape[0], batch: x.shape[1], hidden: r.shape[2], c: c}
	wide, d := g*s.hidden, x.shape[2]
	if w.shape[1] != wide || w.shape[2] != d || r.shape[1] != wide {
		panic(fmt.Sprintf("weights of shapes %v and %v", w.shape, r.shape))
	}
	rows, turned := s.steps*s.batch, make([]float32, d*wide)
	s.gates, s.bias, s.recurrent = make([]float32, rows*wide), make([]float32, wide), make([]float32, s.hidden*wide)
	s.lengths = c.input(4)
	c.do(func() {
		clear(s.gates)
		if b := c.input(3); b != nil {
			for i := range wide {
				for row := range rows {
					s.gates[row*wide+i] = b.floats[i]
				}
				s.bias[i] = b.floats[wide+i]
			}
		}
		transpose(turned, w.floats, wide, d)
		transpose(s.recurrent, r.floats, wide, s.hidden)
		c.matmul(x.floats, turned, s.gates, rows, d, wide)
	})
	return s, nil
}

// length is how many steps of a sequence there are.
func (s sequence) length(b int) int {
	if s.lengths == nil {
		return s.steps
	}
	return int(s.lengths.at(b))
}

// run calls step for each step and sequence that is not over: x holds the step's
// products with the input, state those with the last output, which it changes.
func (s sequence) run(g int, step func(b int, x, state, out []float32)) ([]*value, error) {
	wide := g * s.hidden
	all, last := newValue(s.steps, 1, s.batch, s.hidden), newValue(1, s.batch, s.hidden)
	state := make([]float32, s.batch*wide)
	s.c.do(func() {
		clear(all.floats)
		clear(last.floats)
		for t := range s.steps {
			for b := range s.batch {
				copy(state[b*wide:(b+1)*wide], s.bias)
			}
			s.c.matmul(last.floats, s.recurrent, state, s.batch, s.hidden, wide)
			for b := range s.batch {
				if t >= s.length(b) {
					continue
				}
				out := last.floats[b*s.hidden : (b+1)*s.hidden]
				step(b, s.gates[(t*s.batch+b)*wide:][:wide], state[b*wide:][:wide], out)
				copy(all.floats[(t*s.batch+b)*s.hidden:], out)
			}
		}
	})
	return []*value{all, last}, nil
}

func logistic(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func tanh(x float32) float32 { return float32(math.Tanh(float64(x))) }

// opLSTM is ONNX's LSTM, forward, without peepholes: gates in the order input,
// output, forget, cell.
func opLSTM(c *opCall) ([]*value, error) {
	s, err := sequenceOf(c, 4)
	if err != nil {
		return nil, err
	}
	h, cell := s.hidden, newValue(1, s.batch, s.hidden)
	c.do(func() { clear(cell.floats) })
	out, err := s.run(4, func(b int, x, state, out []float32) {
		for i := range h {
			at := b*h + i
			cell.floats[at] = logistic(x[2*h+i]+state[2*h+i])*cell.floats[at] + logistic(x[i]+state[i])*tanh(x[3*h+i]+state[3*h+i])
			out[i] = logistic(x[h+i]+state[h+i]) * tanh(cell.floats[at])
		}
	})
	return append(out, cell), err
}

// opGRU is ONNX's GRU, forward, the reset gate after the product: gates in the order
// update, reset, new.
func opGRU(c *opCall) ([]*value, error) {
	if c.node.int("linear_before_reset", 0) == 0 {
		return nil, fmt.Errorf("%w: GRU whose reset gate comes before the product", ErrUnsupported)
	}
	s, err := sequenceOf(c, 3)
	if err != nil {
		return nil, err
	}
	h := s.hidden
	return s.run(3, func(_ int, x, state, out []float32) {
		for i := range h {
			update, reset := logistic(x[i]+state[i]), logistic(x[h+i]+state[h+i])
			out[i] = (1-update)*tanh(x[2*h+i]+reset*state[2*h+i]) + update*out[i]
		}
	})
}
