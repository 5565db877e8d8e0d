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

// Attack changes the pictures of labelled samples within o.Size so that the network,
// whose weights classlens train wrote, does worst, and judges it on them. The attacker
// knows the weights; flow stays as it is.
func Attack(ctx context.Context, s *dataset.Set, o Options, a AttackOptions) (Robustness, error) {
	net, _, err := train.FromFile(o.Weights)
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
	cutter := &Cutter{Set: s, Size: net.Plan.Size, Margin: 1, NewHeads: o.NewHeads, Warn: o.Warn}
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
		t.batch(samples[i:min(i+attackBatch, len(samples))], moments)
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
		if (o.Include == nil || o.Include(i)) && x.Label >= 0 && m.behaviour[x.Label] >= 0 {
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
	net                  *train.Network[float32]
	tape                 train.Tape[float32]
	mapping              *mapping
	set                  *dataset.Set
	steps                int
	size                 float32
	truth, before, after []int
}

// batch attacks some samples at once; each shows the step nearest its middle.
func (t *attacker) batch(samples []int, moments map[int][]Moment) {
	size := t.net.Plan.Size
	area := size * size
	b := train.Batch[float32]{Steps: 1, Wanted: true}
	y := train.Targets[float32]{}
	for _, i := range samples {
		best := moments[i][0]
		for _, m := range moments[i] {
			if m.Offset*m.Offset < best.Offset*best.Offset {
				best = m
			}
		}
		b.Pictures = append(b.Pictures, planesOf(best, area)...)
		b.Offsets, b.Seen = append(b.Offsets, 0), append(b.Seen, 1)
		y.Behaviour, y.Attention, y.Level = append(y.Behaviour, t.mapping.behaviour[t.set.Samples[i].Label]), append(y.Attention, -1), append(y.Level, -1)
		t.truth = append(t.truth, t.set.Samples[i].Label)
	}
	run := func(pictures []float32) train.Output[float32] {
		t.tape.Reset()
		c := b
		c.Pictures = pictures
		return t.net.Forward(&t.tape, c, train.Use)
	}
	t.before = append(t.before, t.said(run(b.Pictures), len(samples))...)
	attacked := train.Attack(b.Pictures, area, t.steps, t.size, func(pictures []float32) []float32 {
		o := run(pictures)
		t.tape.Backward(train.Losses[float32]{}.Loss(&t.tape, o, y))
		return o.Pictures.Grad
	})
	t.after = append(t.after, t.said(run(attacked), len(samples))...)
}

// said gives the likeliest class of each sample.
func (t *attacker) said(o train.Output[float32], n int) []int {
	out := make([]int, n)
	for i := range out {
		var p [10]float32
		logits := o.Behaviour.Value[i*10 : (i+1)*10]
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
