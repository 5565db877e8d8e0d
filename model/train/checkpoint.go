package train

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"os"

	"classlens/internal/safefile"
)

// Checkpoint is everything that a run needs to continue bit for bit.
type Checkpoint struct {
	Plan      Plan
	Epoch     int
	Values    [][]float32 // of the network's parameters, in order
	Stats     []*BatchStats[float32]
	Optimizer *Optimizer[float32]
	Average   Average[float32]
	Best      float64 // of the validation metric so far
	BestEpoch int
}

// Keep copies the network's values to the checkpoint.
func (c *Checkpoint) Keep(n *Network[float32]) {
	c.Plan, c.Stats, c.Values = n.Plan, n.Stats, nil
	for _, p := range n.Params {
		c.Values = append(c.Values, p.Value)
	}
}

// Restore copies the checkpoint's values to a network with the same plan.
func (c *Checkpoint) Restore(n *Network[float32]) error {
	if len(c.Values) != len(n.Params) || len(c.Stats) != len(n.Stats) {
		return fmt.Errorf("the checkpoint has %d parameters and %d norms, the network %d and %d", len(c.Values), len(c.Stats), len(n.Params), len(n.Stats))
	}
	for i, p := range n.Params {
		if len(p.Value) != len(c.Values[i]) {
			return fmt.Errorf("parameter %s has %d values, the checkpoint %d: was the plan changed?", p.Name, len(p.Value), len(c.Values[i]))
		}
		copy(p.Value, c.Values[i])
	}
	for i, s := range n.Stats {
		copy(s.Mean, c.Stats[i].Mean)
		copy(s.Variance, c.Stats[i].Variance)
	}
	return nil
}

// KeepTuned copies the values of a shipped network to the checkpoint.
func (c *Checkpoint) KeepTuned(n *Tuned) {
	c.Values = nil
	for _, p := range n.Params {
		c.Values = append(c.Values, p.Value)
	}
}

// RestoreTuned copies the checkpoint's values back.
func (c *Checkpoint) RestoreTuned(n *Tuned) error {
	if len(c.Values) != len(n.Params) {
		return fmt.Errorf("the checkpoint has %d parameters, the network %d", len(c.Values), len(n.Params))
	}
	for i, p := range n.Params {
		if len(p.Value) != len(c.Values[i]) {
			return fmt.Errorf("parameter %s has %d values, the checkpoint %d: was another network trained?", p.Name, len(p.Value), len(c.Values[i]))
		}
		copy(p.Value, c.Values[i])
	}
	return nil
}

// Save writes the checkpoint, completely or not at all.
func (c *Checkpoint) Save(file string) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(c); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return safefile.WriteFile(file, b.Bytes())
}

// LoadCheckpoint reads what Save wrote.
func LoadCheckpoint(file string) (*Checkpoint, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{}
	if err := gob.NewDecoder(bytes.NewReader(raw)).Decode(c); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", file, err)
	}
	return c, nil
}

// Averaged swaps the averaged values in and gives the function that swaps back.
func (a *Average[T]) Averaged(params []*Param[T]) (back func()) {
	own := make([][]T, len(params))
	for i, p := range params {
		own[i] = append([]T(nil), p.Value...)
		if v := a.Values[p.Name]; v != nil {
			copy(p.Value, v)
		}
	}
	return func() {
		for i, p := range params {
			copy(p.Value, own[i])
		}
	}
}
