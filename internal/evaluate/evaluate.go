// Package evaluate runs the classroom network over a labelled data set and judges
// what it says. Labels and predictions are in the data set's own class names; the
// labels file says which behaviour each of them is.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/model/classroom"
	"classlens/vision/clip"
	"classlens/vision/people"
	"classlens/vision/scene"
)

// Options say how the set is run.
type Options struct {
	Weights  []byte // ONNX; nil takes the ones that ship
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
	defer net.Close()
	r := &runner{set: s, options: o, mapping: m, net: net}
	defer r.close()
	return r.all(ctx)
}

type runner struct {
	set     *dataset.Set
	options Options
	mapping *mapping
	net     *classroom.Network
	heads   *people.Detector
	noHeads bool
}

func (r *runner) close() {
	if r.heads != nil {
		r.heads.Close()
	}
}

func (r *runner) all(ctx context.Context) ([]Prediction, error) {
	byMedia := map[string][]int{}
	var order []string
	for i, x := range r.set.Samples {
		if r.options.Include != nil && !r.options.Include(i) {
			continue
		}
		if byMedia[x.Media] == nil {
			order = append(order, x.Media)
		}
		byMedia[x.Media] = append(byMedia[x.Media], i)
	}
	if len(order) == 0 {
		return nil, errors.New("no sample of the data set is in this part of the split")
	}
	var out []Prediction
	for n, media := range order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, err := r.medium(ctx, byMedia[media])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", media, err)
		}
		out = append(out, got...)
		if r.options.Progress != nil {
			r.options.Progress(n+1, len(order))
		}
	}
	slices.SortFunc(out, func(a, b Prediction) int { return a.Sample - b.Sample })
	return out, nil
}

// medium predicts the samples of one picture or video.
func (r *runner) medium(ctx context.Context, samples []int) ([]Prediction, error) {
	if dataset.IsVideo(r.set.Samples[samples[0]].Media) {
		return r.video(ctx, samples)
	}
	f, err := dataset.LoadPicture(r.set.Path(r.set.Samples[samples[0]]))
	if err != nil {
		return nil, err
	}
	found, err := r.find(f)
	if err != nil {
		return nil, err
	}
	pictures, flows := make([][]byte, len(samples)), make([][]float32, len(samples))
	for i, k := range samples {
		pictures[i] = clip.Picture(f, clip.Around(r.head(f, r.set.Samples[k], found)), r.net.Size())
	}
	embeddings, err := r.net.Embed(pictures, flows)
	if err != nil {
		return nil, err
	}
	sequences := make([]classroom.Sequence, len(samples))
	for i, e := range embeddings {
		sequences[i] = classroom.Sequence{Embeddings: [][]float32{e}, Offsets: []float32{0}}
	}
	return r.decide(samples, sequences)
}

// find looks for people where the boxes need it.
func (r *runner) find(f scene.Frame) ([]scene.Person, error) {
	if r.set.Boxes == dataset.HeadBox || r.noHeads {
		return nil, nil
	}
	if r.heads == nil {
		var err error
		if r.options.NewHeads == nil {
			err = errors.New("none was given")
		} else {
			r.heads, err = r.options.NewHeads()
		}
		if err != nil {
			r.noHeads = true
			r.options.Warn("no people detector (%v): heads are taken at their usual place in the boxes", err)
			return nil, nil
		}
	}
	r.heads.Reset()
	return r.heads.Detect(f)
}

// head is the head box of a sample in a picture.
func (r *runner) head(f scene.Frame, x dataset.Sample, found []scene.Person) scene.Box {
	box := x.Box
	if r.set.Shares {
		box = scene.Box{X: box.X * float64(f.Width), Y: box.Y * float64(f.Height), W: box.W * float64(f.Width), H: box.H * float64(f.Height)}
	}
	if r.set.Boxes == dataset.NoBox || box.Empty() {
		return largestHead(f, found)
	}
	return dataset.HeadOf(box, r.set.Boxes, found)
}

// largestHead is the nearest person's, or a third of the picture's height where
// nobody was found.
func largestHead(f scene.Frame, found []scene.Person) scene.Box {
	var best scene.Box
	for _, p := range found {
		if p.Head.Area() > best.Area() {
			best = p.Head
		}
	}
	if best.Empty() {
		s := float64(f.Height) / 3
		best = scene.Box{X: float64(f.Width)/2 - s/2, Y: s / 2, W: s, H: s}
	}
	return best
}

func (r *runner) decide(samples []int, sequences []classroom.Sequence) ([]Prediction, error) {
	decisions, err := r.net.Decide(sequences)
	if err != nil {
		return nil, err
	}
	out := make([]Prediction, len(samples))
	for i, d := range decisions {
		p := Prediction{Sample: samples[i], P: r.mapping.classes(d.Behaviour), Class: -1, Attention: float64(d.Attention)}
		for k, v := range p.P {
			if p.Class < 0 || v > p.P[p.Class] {
				p.Class = k
			}
		}
		for k, v := range d.Engagement {
			p.Engagement[k] = float64(v)
		}
		out[i] = p
	}
	return out, nil
}
