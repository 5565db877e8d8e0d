package classroom

import (
	"fmt"

	"classlens/model"
)

// temporal is the part from embeddings on, with the batch under way.
type temporal struct {
	*lanes
	parts                   [][]model.Tensor // each lane's inputs: rows of
	embedding, offset, seen model.Tensor     // (B·T, D), (B, T), (B, T)
	to                      []Decision
}

func newTemporal(onnx []byte, o model.Options) (*temporal, error) {
	o.Inputs, o.Outputs = []string{portEmbedding, portOffset, portSeen}, []string{portBehaviour, portAttention, portEngagement, portMoments}
	l, err := newLanes(onnx, o)
	if err != nil {
		return nil, err
	}
	t := &temporal{lanes: l}
	for range l.nets {
		t.parts = append(t.parts, make([]model.Tensor, len(o.Inputs)))
	}
	return t, nil
}

// portion says where a network's numbers are in embeddings, and in directions, of two networks together. The zero value: it is alone.
type portion struct{ embedding, direction, whole int } // they begin there; an embedding has so many in all

// decide runs the temporal part on sequences of one length.
func (n *Network) decide(to []Decision, seqs []Sequence, at portion) error {
	steps, dim := len(seqs[0].Offsets), n.dim
	if dim == 0 {
		dim = len(seqs[0].Embeddings[0])
	}
	whole := at.whole
	if whole == 0 {
		whole = dim
	}
	t, batch := n.temporal, n.batch(len(seqs))
	t.embedding.Resize(batch*steps, dim)
	t.offset.Resize(batch, steps)
	t.seen.Resize(batch, steps)
	for _, x := range []*model.Tensor{&t.embedding, &t.offset, &t.seen} {
		clear(x.Data)
	}
	for i, s := range seqs {
		if len(s.Offsets) != steps || len(s.Embeddings) != steps {
			return fmt.Errorf("sequence %d has %d steps and %d offsets, the first has %d", i, len(s.Embeddings), len(s.Offsets), steps)
		}
		copy(t.offset.Data[i*steps:], s.Offsets)
		direction := n.directionOf(s, at)
		for k, e := range s.Embeddings {
			if e == nil {
				continue
			}
			if len(e) != whole {
				return fmt.Errorf("sequence %d, step %d: an embedding of %d numbers, want %d", i, k, len(e), whole)
			}
			t.seen.Data[i*steps+k] = 1
			row := t.embedding.Data[(i*steps+k)*dim:][:dim]
			copy(row, e[at.embedding:])
			for j, d := range direction {
				row[j] -= d
			}
		}
	}
	t.to = to
	err := t.run(batch, t)
	t.to = nil
	return err
}

// directionOf is what is taken from a sequence's embeddings: where the class attends.
func (n *Network) directionOf(s Sequence, at portion) []float32 {
	switch {
	case s.Direction == nil && n.directions == 0:
		return nil
	case s.Direction == nil && at.whole > 0:
		return n.Direction(part(s.Embeddings, at.embedding, at.embedding+n.dim))
	case s.Direction == nil:
		return n.Direction(s.Embeddings)
	case at.whole > 0:
		return s.Direction[at.direction : at.direction+n.directions]
	}
	return s.Direction
}

// inputs are the rows of a part.
func (t *temporal) inputs(lane, from, to int) []model.Tensor {
	in, rows, steps, dim := t.parts[lane], to-from, t.offset.Shape[1], t.embedding.Shape[1]
	in[0].Data, in[0].Shape = t.embedding.Data[from*steps*dim:to*steps*dim], append(in[0].Shape[:0], rows*steps, dim)
	in[1].Data, in[1].Shape = t.offset.Data[from*steps:to*steps], append(in[1].Shape[:0], rows, steps)
	in[2].Data, in[2].Shape = t.seen.Data[from*steps:to*steps], append(in[2].Shape[:0], rows, steps)
	return in
}

func (t *temporal) take(from, to int, out []model.Tensor) error {
	rows, steps := to-from, t.offset.Shape[1]
	for i, want := range []int{len(Decision{}.Behaviour), 1, len(Decision{}.Engagement), steps} {
		if len(out[i].Data) != rows*want {
			return fmt.Errorf("output %d has the shape %v, want %d values for each of %d", i, out[i].Shape, want, rows)
		}
	}
	for i := range t.to[min(from, len(t.to)):min(to, len(t.to))] {
		d := &t.to[from+i]
		copy(d.Behaviour[:], out[0].Data[i*len(d.Behaviour):])
		d.Attention = out[1].Data[i]
		copy(d.Engagement[:], out[2].Data[i*len(d.Engagement):])
		d.Moments = append(d.Moments[:0], out[3].Data[i*steps:(i+1)*steps]...)
	}
	return nil
}
