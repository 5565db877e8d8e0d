//go:build bench

package main

import (
	"math"
	"math/rand/v2"

	"classlens/internal/learner/recurrent"
)

// problem is a made-up epoch: random sequences with random outcomes; time does not
// depend on what they hold.
type problem struct {
	rows, steps, inputs int
	hidden, batch       int
}

// ours is one epoch of our network after another.
type ours struct {
	problem
	net *recurrent.Net
	x   []float32
	y   []float32
}

func newOurs(p problem) (*ours, error) {
	net, err := recurrent.New(recurrent.Config{Cell: "lstm", Inputs: p.inputs, Hidden: p.hidden, Outputs: 1, Seed: 1})
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(1, 2))
	o := &ours{problem: p, net: net, x: make([]float32, p.rows*p.steps*p.inputs), y: make([]float32, p.rows)}
	for i := range o.x {
		o.x[i] = float32(r.NormFloat64())
	}
	for i := range o.y {
		o.y[i] = float32(r.IntN(2))
	}
	return o, nil
}

// epoch is forward, binary cross-entropy, backward and Adam over all batches.
func (o *ours) epoch() error {
	long := o.steps * o.inputs
	for at := 0; at < o.rows; at += o.batch {
		n := min(o.batch, o.rows-at)
		logits, err := o.net.Forward(recurrent.Batch{Rows: n, Steps: o.steps, X: o.x[at*long:][:n*long]})
		if err != nil {
			return err
		}
		for i, v := range logits {
			logits[i] = (float32(1/(1+math.Exp(-float64(v)))) - o.y[at+i]) / float32(n)
		}
		if err := o.net.Backward(logits); err != nil {
			return err
		}
		o.net.Step(1e-3)
	}
	return nil
}
