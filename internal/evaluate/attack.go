package evaluate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"classlens/internal/dataset"
	"classlens/model/metrics"
	"classlens/model/train"
)

// Robustness is how a network fares on pictures that were changed against it.
type Robustness struct {
	Method   string  `json:"method"` // fgsm, or pgd with its steps
	Size     float64 `json:"size"`   // most change of a value, of the range 0..255
	N        int     `json:"n"`
	Before   float64 `json:"accuracy_before"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
}

func (r Robustness) text() string {
	return fmt.Sprintf("attacked by %s of %.0f/255: accuracy %.3f (before %.3f), macro-F1 %.3f, %d boxes\n", r.Method, r.Size, r.Accuracy, r.Before, r.MacroF1, r.N)
}

// AttackOptions say how a network is attacked.
type AttackOptions struct {
	Steps   int     // 1: FGSM; more: PGD
	Size    float64 // of the range 0..255
	Samples int     // at most so many, drawn by a fixed seed
}

// attackBatch is how many samples are attacked at once.
const attackBatch = 16

// Attack changes the pictures of labelled samples within a.Size so that the network does
// worst, and judges it on them. The attacker knows the weights; flow, and where the class
// attends, stay as they are. Networks that look through a pose net are refused
// (ErrNoGradient).
func Attack(ctx context.Context, s *dataset.Set, o Options, a AttackOptions) (Robustness, error) {
	net, err := victimOf(o.Weights)
	if err != nil {
		return Robustness{}, fmt.Errorf("an attack needs the gradient: %w", err)
	}
	m, err := newMapping(s, o.Labels, o.Warn)
	if err != nil {
		return Robustness{}, err
	}
	t := &attacker{net: net, mapping: m, set: s, steps: a.Steps, size: float32(a.Size / 127.5)}
	samples := drawn(s, o, m, a.Samples)
	if len(samples) == 0 {
		return Robustness{}, errors.New("no labelled sample whose class is a behaviour")
	}
	if net.looksRound() {
		if t.attends, err = attendedBy(ctx, s, o, samples); err != nil {
			return Robustness{}, err
		}
	}
	cutter := &Cutter{Set: s, Size: net.side(), Margin: 1, NewHeads: o.NewHeads, Warn: o.Warn}
	defer cutter.Close()
	moments, err := cutAll(ctx, cutter, samples)
	if err != nil {
		return Robustness{}, err
	}
	samples = slices.DeleteFunc(samples, func(i int) bool { return len(moments[i]) == 0 })
	for i := 0; i < len(samples); i += attackBatch {
		if err := ctx.Err(); err != nil {
			return Robustness{}, err
		}
		if err := t.batch(samples[i:min(i+attackBatch, len(samples))], moments); err != nil {
			return Robustness{}, err
		}
	}
	r := Robustness{Method: "fgsm", Size: a.Size, N: len(t.truth)}
	if a.Steps > 1 {
		r.Method = fmt.Sprintf("pgd of %d steps", a.Steps)
	}
	r.Before = metrics.Classify(t.truth, t.before, len(s.Classes)).Accuracy
	after := metrics.Classify(t.truth, t.after, len(s.Classes))
	r.Accuracy, r.MacroF1 = after.Accuracy, after.MacroF1
	return r, nil
}

// drawn picks at most n samples with a behaviour.
func drawn(s *dataset.Set, o Options, m *mapping, n int) []int {
	var all []int
	for i, x := range s.Samples {
		if (o.Include == nil || o.Include(i)) && x.Label >= 0 && m.first(x.Label) >= 0 {
			all = append(all, i)
		}
	}
	if n > 0 && len(all) > n {
		rand.New(rand.NewPCG(seed, 9)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:n]
		slices.Sort(all)
	}
	return all
}

// cutAll cuts the samples' own moments, medium after medium.
func cutAll(ctx context.Context, c *Cutter, samples []int) (map[int][]Moment, error) {
	byMedia, out := map[string][]int{}, map[int][]Moment{}
	for _, i := range samples {
		m := c.Set.Samples[i].Media
		byMedia[m] = append(byMedia[m], i)
	}
	for _, media := range slices.Sorted(maps.Keys(byMedia)) {
		moments, err := c.Medium(ctx, byMedia[media])
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			c.Warn("left out: %s: %v", media, err)
			continue
		}
		for k, i := range byMedia[media] {
			out[i] = moments[k]
		}
	}
	return out, nil
}

type attacker struct {
	net                  victim
	tape                 train.Tape[float32]
	mapping              *mapping
	set                  *dataset.Set
	attends              map[int][]float32 // by sample: where its class attends
	steps                int
	size                 float32
	truth, before, after []int
}

// batch attacks some samples at once; each shows the step nearest its middle.
func (t *attacker) batch(samples []int, moments map[int][]Moment) (err error) {
	area := t.net.side() * t.net.side()
	var pictures []float32
	var attends [][]float32
	y := train.Targets[float32]{}
	for _, i := range samples {
		best := moments[i][0]
		for _, m := range moments[i] {
			if m.Offset*m.Offset < best.Offset*best.Offset {
				best = m
			}
		}
		pictures, attends = append(pictures, planesOf(best, area)...), append(attends, t.attends[i])
		y.Behaviour = append(y.Behaviour, t.mapping.first(t.set.Samples[i].Label))
		t.truth = append(t.truth, t.set.Samples[i].Label)
	}
	run := func(pictures []float32) (input, logits *train.Node[float32]) {
		t.tape.Reset()
		input, logits, e := t.net.forward(&t.tape, pictures, attends)
		if e != nil && err == nil {
			err = e
		}
		return input, logits
	}
	_, logits := run(pictures)
	if err != nil {
		return err
	}
	t.before = append(t.before, t.said(logits, len(samples))...)
	attacked := train.Attack(pictures, area, t.steps, t.size, func(pictures []float32) []float32 {
		input, logits := run(pictures)
		if err != nil {
			return nil
		}
		t.tape.Backward(train.ClassLoss[float32]{}.Loss(&t.tape, logits, y.Behaviour))
		return input.Grad
	})
	if err == nil {
		_, logits = run(attacked)
	}
	if err != nil {
		return err
	}
	t.after = append(t.after, t.said(logits, len(samples))...)
	return nil
}

// said gives the likeliest class of each sample.
func (t *attacker) said(behaviour *train.Node[float32], n int) []int {
	out := make([]int, n)
	for i := range out {
		var p [10]float32
		logits := behaviour.Value[i*10 : (i+1)*10]
		top := slices.Max(logits)
		for k, v := range logits {
			p[k] = float32(math.Exp(float64(v - top)))
		}
		out[i] = metrics.Argmax(t.mapping.classes(p))
	}
	return out
}

// planesOf is a moment as the network's input: red, green and blue in -1..1, and flow.
func planesOf(m Moment, area int) []float32 {
	out := make([]float32, train.Channels*area)
	for i := range area {
		for k := range 3 {
			out[k*area+i] = float32(m.Picture[3*i+k])/127.5 - 1
		}
		if m.Flow != nil {
			out[3*area+i], out[4*area+i] = max(min(m.Flow[2*i], 1), -1), max(min(m.Flow[2*i+1], 1), -1)
		}
	}
	return out
}
