// Package recurrent trains and runs LSTM and GRU networks over short sequences on
// the CPU: fused C kernels with run-time dispatch (AVX-512, AVX2, SSE2, NEON), one
// call a layer and pass.
//
// A net is recurrent layers, optionally attention over the steps so far, and a
// linear head at the last step or at each step. A state never depends on later
// steps. The caller has the loss: Forward gives logits, Backward takes the
// gradient of the loss by them, Step moves the weights. The same seed, batches
// and machine give the same weights.
//
// Terms: rows are the sequences of a batch; units are the width of a state,
// rounded up to a block of 16 (the rest stays zero).
package recurrent

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Config is a network's shape and how it learns.
type Config struct {
	Cell      string  `json:"cell"`      // "lstm" or "gru"
	Inputs    int     `json:"inputs"`    // features a step
	Hidden    int     `json:"hidden"`    // units of each layer
	Layers    int     `json:"layers"`    // 0 means 1
	Outputs   int     `json:"outputs"`   // logits
	Attention int     `json:"attention"` // units of the attention net over the steps so far; 0: none
	EachStep  bool    `json:"each_step"` // logits at every step, not at the last alone
	Dropout   float64 `json:"dropout"`   // of the head's input and between layers, 0 to below 1
	Decay     float64 `json:"decay"`     // AdamW's weight decay
	Clip      float64 `json:"clip"`      // largest norm of the whole gradient; 0: no limit
	Seed      uint64  `json:"seed"`      // of the first weights and of dropout
	ISA       string  `json:"-"`         // "avx512", "avx2", "base"; "" the best of this machine
}

// Batch is the input of one pass. Mask says which steps are there (not 0); at one
// that is not, the state stays as it was and attention looks away.
type Batch struct {
	Rows, Steps int
	X           []float32 // [Rows][Steps][Inputs]
	Mask        []float32 // [Rows][Steps]; nil: all are there
}

// ErrConfig says that a Config makes no network.
var ErrConfig = errors.New("recurrent: bad config")

// Net is a network with its training state. One goroutine at a time.
type Net struct {
	config  Config
	k       kernels
	layers  []*layer
	pay     *attention
	head    matrix
	weights []float32 // all parameters; every matrix is a part of them
	grads   []float32
	moments [2][]float32
	taken   int // steps of Adam
	passes  uint64
	wantDX  bool
	pass    pass
}

// pass is what a forward pass leaves for the backward one.
type pass struct {
	rows, steps int
	train       bool
	mask        []float32 // [steps][rows]
	x, dx       []float32 // [steps][rows][Inputs], [steps][rows][blocks]
	z, dz       []float32 // [out steps][rows][wide]: the head's input, with a 1
	keep        []float32 // dropout of z
	logits      []float32 // [out steps][rows][block]
	dout        []float32 // [steps][rows][units], gradient of the states
	turned      []float32 // transposed head
}

// New makes a network with fresh weights.
func New(c Config) (*Net, error) {
	if c.Layers == 0 {
		c.Layers = 1
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	k, err := kernelsFor(c.ISA)
	if err != nil {
		return nil, err
	}
	n := &Net{config: c, k: k}
	n.build()
	n.initialize()
	return n, nil
}

func (c Config) check() error {
	const most = 1 << 12
	for _, v := range []struct {
		name      string
		got, from int
	}{{"inputs", c.Inputs, 1}, {"hidden", c.Hidden, 1}, {"layers", c.Layers, 1}, {"outputs", c.Outputs, 1}, {"attention", c.Attention, 0}} {
		if v.got < v.from || v.got > most {
			return fmt.Errorf("%w: %s is %d, want %d to %d", ErrConfig, v.name, v.got, v.from, most)
		}
	}
	if c.Cell != "lstm" && c.Cell != "gru" {
		return fmt.Errorf(`%w: cell is %q, want "lstm" or "gru"`, ErrConfig, c.Cell)
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) || !(c.Decay >= 0) || !(c.Clip >= 0) {
		return fmt.Errorf("%w: dropout %g, decay %g, clip %g", ErrConfig, c.Dropout, c.Decay, c.Clip)
	}
	return nil
}

// build lays the matrices out in one run of parameters.
func (n *Net) build() {
	c := n.config
	units := blocks(c.Hidden)
	in, total := c.Inputs, 0
	matrices := []*matrix{}
	add := func(m *matrix, in, out int) {
		*m = matrix{in: in, out: blocks(out)}
		total += in * m.out
		matrices = append(matrices, m)
	}
	for range c.Layers {
		l := &layer{cell: lstm, in: in, units: units}
		if c.Cell == "gru" {
			l.cell = gru
		}
		n.layers = append(n.layers, l)
		add(&l.m, in+units+1, 4*units)
		in = units
	}
	if c.Attention > 0 {
		n.pay = &attention{units: units, wide: blocks(c.Attention)}
		add(&n.pay.look, units+1, c.Attention)
		add(&n.pay.score, n.pay.wide, 1)
	}
	add(&n.head, n.wide(), c.Outputs)
	n.weights, n.grads = aligned(total), aligned(total)
	n.moments = [2][]float32{aligned(total), aligned(total)}
	at := 0
	for _, m := range matrices {
		size := m.in * m.out
		m.w, m.g = n.weights[at:at+size], n.grads[at:at+size]
		at += size
	}
}

// wide is the width of the head's input: the state, what attention made of the
// states so far, and a 1.
func (n *Net) wide() int {
	w := blocks(n.config.Hidden)
	if n.config.Attention > 0 {
		w *= 2
	}
	return w + 1
}

// Config is what the network was made with.
func (n *Net) Config() Config { return n.config }

// ISA is the instruction set its kernels use.
func (n *Net) ISA() string { return n.k.name() }

// Weights is a copy of all parameters, for SetWeights of a network of the same
// Config: the best epoch of early stopping.
func (n *Net) Weights() []float32 { return append([]float32(nil), n.weights...) }

// SetWeights puts a copy of w in place; the optimizer's state stays.
func (n *Net) SetWeights(w []float32) error {
	if len(w) != len(n.weights) {
		return fmt.Errorf("recurrent: %d weights for a network of %d", len(w), len(n.weights))
	}
	copy(n.weights, w)
	return nil
}

// WantInputGradient makes Backward compute InputGradient too.
func (n *Net) WantInputGradient(want bool) { n.wantDX = want }

func (n *Net) random(stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(n.config.Seed, stream))
}
