package evaluate

import (
	"context"
	"errors"
	"slices"

	"classlens/internal/dataset"
	"classlens/model/classroom"
	"classlens/model/train"
)

// ErrNoGradient is returned for networks whose pictures go through a pose net, whose points
// are picked and so have no gradient.
var ErrNoGradient = errors.New("this network looks through a pose net: attack the small one, or weights that classlens train wrote")

// victim is a network that an attacker knows.
type victim interface {
	side() int        // of a picture
	looksRound() bool // the class's direction is taken from what it sees
	// forward gives the pictures' node, (N, 5, S, S), and what is said of behaviour, (N, 10)
	// logits. attends is where each picture's class attends.
	forward(t *train.Tape[float32], pictures []float32, attends [][]float32) (input, logits *train.Node[float32], err error)
}

// victimOf reads weights of classlens train, or those that ship.
func victimOf(weights []byte) (victim, error) {
	net, _, err := train.FromFile(weights)
	if err == nil {
		return trainedVictim{net}, nil
	}
	g, other := train.ReadGraph(weights)
	if other != nil {
		return nil, err
	}
	if !g.Has("direction") || !g.Has("embedding") {
		return nil, err
	}
	onEngine, other := classroom.Load(weights, 1)
	if other != nil {
		return nil, other
	}
	defer onEngine.Close()
	if onEngine.ThroughPose() {
		return nil, ErrNoGradient
	}
	return shippedVictim{g, onEngine.Size()}, nil
}

type trainedVictim struct{ net *train.Network[float32] }

func (v trainedVictim) side() int        { return v.net.Plan.Size }
func (v trainedVictim) looksRound() bool { return false }

func (v trainedVictim) forward(t *train.Tape[float32], pictures []float32, attends [][]float32) (input, logits *train.Node[float32], err error) {
	b := train.Batch[float32]{Pictures: pictures, Offsets: make([]float32, len(attends)), Seen: ones(len(attends)), Steps: 1, Wanted: true}
	o := v.net.Forward(t, b, train.Use)
	return o.Pictures, o.Behaviour, nil
}

// shippedVictim is a network of another trainer.
type shippedVictim struct {
	graph *train.Graph
	size  int
}

func (v shippedVictim) side() int        { return v.size }
func (v shippedVictim) looksRound() bool { return true }

func (v shippedVictim) forward(t *train.Tape[float32], pictures []float32, attends [][]float32) (input, logits *train.Node[float32], err error) {
	n := len(attends)
	input = t.Const(pictures, n, train.Channels, v.size, v.size)
	out, err := v.graph.Run(t, map[string]*train.Node[float32]{"picture": input}, "embedding")
	if err != nil {
		return nil, nil, err
	}
	dim := out[0].Shape[1]
	less := make([]float32, n*dim)
	for i, a := range attends {
		for k, x := range a {
			less[i*dim+k] = -x
		}
	}
	out, err = v.graph.Run(t, map[string]*train.Node[float32]{"embedding": t.Add(out[0], t.Const(less, n, dim)), "offset": t.Const(make([]float32, n), n, 1), "seen": t.Const(ones(n), n, 1)}, "behaviour")
	if err != nil {
		return nil, nil, err
	}
	return input, t.Log(out[0]), nil // the logarithm of probabilities does for logits
}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }

// attendedBy gives where the classes of the samples' pictures attend, from all that the
// pictures show, as Run sees it.
func attendedBy(ctx context.Context, s *dataset.Set, o Options, samples []int) (map[int][]float32, error) {
	wanted := map[string]bool{}
	for _, i := range samples {
		wanted[s.Samples[i].Media] = true
	}
	r, err := newRunner(s, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	needed := map[int]bool{}
	for i, x := range s.Samples {
		if wanted[x.Media] {
			needed[i] = true
		}
	}
	if err := r.embedAll(ctx, s, needed); err != nil {
		return nil, err
	}
	return r.attends, nil
}
