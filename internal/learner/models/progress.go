package models

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math/rand/v2"
)

// progress is a net's training after an epoch: with it training goes on to the same
// weights to the bit.
type progress struct {
	Epoch, Taken int
	Order        []int // of the rows, shuffled anew each epoch
	Random       []byte
	Net          []byte // weights and the optimizer's state
	Best         []byte // weights of the best epoch, nil before one was validated
	BestEpoch    int
	BestLoss     float64
	Done         bool // early stopping ended it
}

// batchOf is how many of n rows a step takes: of few rows fewer, or a small table would be
// learnt from in a handful of steps.
func batchOf(most, n int) int { return min(most, max(16, n/16)) }

// judge keeps the weights of the best epoch and stops when patience epochs were no better.
func (p *progress) judge(epoch, patience int, loss float64, weights []byte) {
	if loss < p.BestLoss {
		p.Best, p.BestEpoch, p.BestLoss = weights, epoch, loss
	} else {
		p.Done = epoch-p.BestEpoch >= patience
	}
}

// inProgress ends the name of a net that is not done.
const inProgress = "-epoch"

// resume gives how far a net of a seed had come; nil for a new one. What cannot be read is not there.
func (g guard) resume(seed int) *progress {
	if g.keep == nil {
		return nil
	}
	data := g.keep.Take(g.of(seed) + inProgress)
	if data == nil {
		return nil
	}
	p := &progress{}
	if gob.NewDecoder(bytes.NewReader(data)).Decode(p) != nil {
		return nil
	}
	return p
}

// hold keeps how far a net of a seed has come.
func (g guard) hold(seed int, p *progress, source *rand.PCG) error {
	if g.keep == nil {
		return nil
	}
	var err error
	if p.Random, err = source.MarshalBinary(); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(p); err != nil {
		return fmt.Errorf("keep epoch %d: %w", p.Epoch, err)
	}
	return g.keep.Put(g.of(seed)+inProgress, b.Bytes())
}
