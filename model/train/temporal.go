package train

import (
	"math"
	"math/rand/v2"
)

// The temporal parts: how a sequence is decided from the embeddings of its steps.
const (
	Attention = "attention" // self-attention, then attention pooling
	LSTM      = "lstm"
	GRU       = "gru"
	Mean      = "mean" // the mean of the steps that were seen
)

func (p Plan) kind() string {
	if p.Temporal == "" {
		return Attention
	}
	return p.Temporal
}

// temporal is a temporal part: x (B·T, D) to the decided (B, D) and each step's weight
// (B, T), which sum to 1. export writes the same as ONNX: it reads "embedding",
// "offset" and "seen", writes "moments", and names its (B, D).
type temporal[T Float] interface {
	run(t *Tape[T], x *Node[T], b Batch[T]) (decided *Node[T], moments []T)
	export(f *onnxFile, p Plan) (decided string)
}

func (n *Network[T]) newTemporal(r *rand.Rand) temporal[T] {
	p, d := n.Plan, n.Plan.Embedding
	switch p.kind() {
	case LSTM, GRU:
		gates := 4
		if p.kind() == GRU {
			gates = 3
		}
		m := &recurrent[T]{gates: gates, time: n.dense(r, "time", 2*waves, d, 0.1), in: n.dense(r, "in", d, gates*p.Width, 1), state: n.dense(r, "state", p.Width, gates*p.Width, 1), back: n.dense(r, "back", p.Width, d, 1)}
		if gates == 4 { // gates in the order input, forget, cell, output: remember at first (Jozefowicz et al. 2015)
			for i := p.Width; i < 2*p.Width; i++ {
				m.in.b.Value[i] = 1
			}
		}
		return m
	case Mean:
		return &meanPart[T]{}
	}
	a := &attention[T]{heads: p.Heads, time: n.dense(r, "time", 2*waves, d, 0.1), query: n.dense(r, "query", d, p.Width, 1), key: n.dense(r, "key", d, p.Width, 1), value: n.dense(r, "value", d, p.Width, 1)}
	a.back, a.score = n.dense(r, "back", p.Width, d, 0), n.dense(r, "score", d, 1, 0)
	return a
}

// attention is multi-head self-attention over time-coded steps, then attention
// pooling: the weights of the pooling are the moments that decided.
type attention[T Float] struct {
	heads                                int
	time, query, key, value, back, score dense[T]
}

func (a *attention[T]) run(t *Tape[T], x *Node[T], b Batch[T]) (*Node[T], []T) {
	x = t.Add(x, a.time.run(t, timeNode(t, b)))
	x = t.Add(x, a.back.run(t, t.Attend(a.query.run(t, x), a.key.run(t, x), a.value.run(t, x), b.Seen, b.Steps, a.heads)))
	return t.Pool(x, a.score.run(t, x), b.Seen, b.Steps)
}

// recurrent is an LSTM or GRU over time-coded steps in the order they are given; its
// last state is added to the mean of the steps. All steps seen weigh alike.
type recurrent[T Float] struct {
	gates                 int
	time, in, state, back dense[T]
}

func (m *recurrent[T]) run(t *Tape[T], x *Node[T], b Batch[T]) (*Node[T], []T) {
	mean, moments := meanPart[T]{}.run(t, x, b)
	x = t.Add(x, m.time.run(t, timeNode(t, b)))
	var last *Node[T]
	if m.gates == 4 {
		last = t.LSTM(x, t.Use(m.in.w), t.Use(m.state.w), t.Use(m.in.b), b.Seen, b.Steps) // one bias is enough
	} else {
		last = t.GRU(x, t.Use(m.in.w), t.Use(m.state.w), t.Use(m.in.b), t.Use(m.state.b), b.Seen, b.Steps)
	}
	return t.Add(mean, m.back.run(t, last)), moments
}

// meanPart is the mean over the steps seen.
type meanPart[T Float] struct{}

func (meanPart[T]) run(t *Tape[T], x *Node[T], b Batch[T]) (*Node[T], []T) {
	return t.Pool(x, t.Const(t.buffer(len(b.Seen)), len(b.Seen)), b.Seen, b.Steps)
}

func timeNode[T Float](t *Tape[T], b Batch[T]) *Node[T] {
	return t.Const(timeCode(b.Offsets), len(b.Offsets), 2*waves)
}

// rates are the time code's angular frequencies.
func rates() (r [waves]float64) {
	for i := range r {
		r[i] = 2 * math.Pi / math.Pow(2, float64(i+1))
	}
	return r
}

// timeCode gives sines, then cosines, of each offset.
func timeCode[T Float](offsets []T) []T {
	out := make([]T, 0, 2*waves*len(offsets))
	for _, o := range offsets {
		var row [2 * waves]T
		for i, w := range rates() {
			row[i], row[waves+i] = T(math.Sin(w*float64(o))), T(math.Cos(w*float64(o)))
		}
		out = append(out, row[:]...)
	}
	return out
}
