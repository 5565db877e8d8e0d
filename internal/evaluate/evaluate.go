// Package evaluate runs the classroom network over a labelled data set and judges
// what it says. Labels and predictions are in the data set's own class names; the
// labels file says which behaviour each of them is.
package evaluate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/model/classroom"
	"classlens/vision/people"
)

// Options say how the set is run.
type Options struct {
	Look     Look   // what the network is shown; LabelledBoxes takes the box network that ships, whatever Weights are
	Weights  []byte // ONNX; nil takes the ones that ship
	Alone    bool   // of LabelledBoxes: no box is judged by what the network says of the other boxes of its room
	Threads  int
	Labels   config.Labels
	Include  func(i int) bool                 // which samples; nil: all
	Progress func(done, total int)            // pictures
	Warn     func(format string, a ...any)    // what the user should know
	NewHeads func() (*people.Detector, error) // finds heads in boxes of head and upper body
}

// Prediction is what the network says of one sample.
type Prediction struct {
	Sample     int       // index into the set's samples
	P          []float64 // a probability for each of the set's classes; nil for a set without classes
	Class      int       // the likeliest
	Attention  float64
	Engagement [4]float64
}

// Run predicts all labelled samples that Include lets through, in the set's order.
func Run(ctx context.Context, s *dataset.Set, o Options) ([]Prediction, error) {
	if o.Look == LabelledBoxes {
		if o.Warn == nil {
			o.Warn = func(string, ...any) {}
		}
		return runBoxes(ctx, s, o)
	}
	r, err := newRunner(s, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	return r.all(ctx, s)
}

// embedded is a moment once the encoder has seen it.
type embedded struct {
	offset float64
	vector []float32
}

type runner struct {
	options Options
	mapping *mapping
	net     *classroom.Network
	cutter  *Cutter
	steps   map[int][]embedded // by sample
	attends map[int][]float32  // by sample: where its picture's or video's class attends
}

func newRunner(s *dataset.Set, o Options) (*runner, error) {
	if o.Warn == nil {
		o.Warn = func(string, ...any) {}
	}
	m, err := newMapping(s, o.Labels, o.Warn)
	if err != nil {
		return nil, err
	}
	if o.Weights == nil {
		o.Weights = classroom.Default()
	}
	net, err := classroom.Load(o.Weights, o.Threads)
	if err != nil {
		return nil, fmt.Errorf("classroom network: %w", err)
	}
	cutter := &Cutter{Set: s, Size: net.Size(), Margin: 1, NewHeads: o.NewHeads, Warn: o.Warn}
	return &runner{options: o, mapping: m, net: net, cutter: cutter, steps: map[int][]embedded{}, attends: map[int][]float32{}}, nil
}

func (r *runner) close() {
	r.cutter.Close()
	r.net.Close()
}

func (r *runner) all(ctx context.Context, s *dataset.Set) ([]Prediction, error) {
	takes := Takes(s)
	wanted, needed := map[int]bool{}, map[int]bool{}
	for i := range s.Samples {
		if r.options.Include != nil && !r.options.Include(i) {
			continue
		}
		wanted[i] = true
		for _, k := range Around(s, takes, i) {
			needed[k] = true
		}
	}
	if len(wanted) == 0 {
		return nil, errors.New("no sample of the data set is in this part of the split")
	}
	if err := r.embedAll(ctx, s, needed); err != nil {
		return nil, err
	}
	var out []Prediction
	for _, i := range slices.Sorted(maps.Keys(wanted)) {
		q := r.sequence(s, takes, i)
		if len(q.Offsets) == 0 {
			continue
		}
		p, err := r.decide(i, q)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if missing := len(wanted) - len(out); missing > 0 {
		r.options.Warn("%d of %d samples could not be seen: their pictures cannot be read, or they lie outside their recordings", missing, len(wanted))
	}
	if len(out) == 0 {
		return nil, errors.New("no sample could be seen")
	}
	return out, nil
}

// embedAll encodes the samples' moments, medium after medium. A medium that cannot
// be read is told and left out.
func (r *runner) embedAll(ctx context.Context, s *dataset.Set, needed map[int]bool) error {
	byMedia := map[string][]int{}
	var order []string
	for _, i := range slices.Sorted(maps.Keys(needed)) {
		m := s.Samples[i].Media
		if byMedia[m] == nil {
			order = append(order, m)
		}
		byMedia[m] = append(byMedia[m], i)
	}
	for n, media := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		moments, err := r.cutter.Medium(ctx, byMedia[media])
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			r.options.Warn("left out: %s: %v", media, err)
		default:
			if err := r.embed(byMedia[media], moments); err != nil {
				return fmt.Errorf("%s: %w", media, err)
			}
		}
		if r.options.Progress != nil {
			r.options.Progress(n+1, len(order))
		}
	}
	return nil
}

func (r *runner) embed(samples []int, moments [][]Moment) error {
	var pictures [][]byte
	var flows [][]float32
	for _, list := range moments {
		for _, m := range list {
			pictures, flows = append(pictures, m.Picture), append(flows, m.Flow)
		}
	}
	vectors, err := r.net.Embed(pictures, flows)
	if err != nil {
		return err
	}
	direction := r.net.Direction(vectors)
	for i, list := range moments {
		r.attends[samples[i]] = direction
		for _, m := range list {
			r.steps[samples[i]] = append(r.steps[samples[i]], embedded{m.Offset, vectors[0]})
			vectors = vectors[1:]
		}
	}
	return nil
}

// sequence is what the network decides sample i from: its own moments, or those of its
// take.
func (r *runner) sequence(s *dataset.Set, takes map[string][]int, i int) (q classroom.Sequence) {
	for _, k := range Around(s, takes, i) {
		for _, e := range r.steps[k] {
			q.Offsets = append(q.Offsets, float32(e.offset+s.Samples[k].Start-s.Samples[i].Start))
			q.Embeddings = append(q.Embeddings, e.vector)
		}
	}
	q.Direction = r.attends[i]
	return q
}

func (r *runner) decide(sample int, q classroom.Sequence) (Prediction, error) {
	decisions, err := r.net.Decide([]classroom.Sequence{q}) // one at a time: sequences differ in length
	if err != nil {
		return Prediction{}, err
	}
	return PredictionOf(sample, decisions[0], r.mapping.classes), nil
}

// ClassesOf gives the function that turns the network's behaviours into the set's
// classes, by the labels file.
func ClassesOf(s *dataset.Set, o Options) (func([10]float32) []float64, error) {
	warn := o.Warn
	if warn == nil {
		warn = func(string, ...any) {}
	}
	m, err := newMapping(s, o.Labels, warn)
	if err != nil {
		return nil, err
	}
	return m.classes, nil
}

// PredictionOf is a decision in the set's own classes.
func PredictionOf(sample int, d classroom.Decision, classes func([10]float32) []float64) Prediction {
	p := Prediction{Sample: sample, P: classes(d.Behaviour), Class: -1, Attention: float64(d.Attention)}
	for k, v := range p.P {
		if p.Class < 0 || v > p.P[p.Class] {
			p.Class = k
		}
	}
	for k, v := range d.Engagement {
		p.Engagement[k] = float64(v)
	}
	return p
}

func sortByTime(s *dataset.Set, samples []int) {
	slices.SortStableFunc(samples, func(a, b int) int { return cmp.Compare(s.Samples[a].Start, s.Samples[b].Start) })
}
