package evaluate

import (
	"context"
	"errors"
	"io"
	"math"

	"classlens/internal/dataset"
	"classlens/model/classroom"
	"classlens/vision/clip"
	"classlens/vision/scene"
	"classlens/vision/video"
)

// context is how many seconds round a sample's middle the network looks at.
const contextSeconds = 2.0

// moment is one picture of one sample.
type moment struct {
	time    float64
	picture []byte
	flow    []float32
}

// video predicts the samples of one recording: each from the steps round its
// middle, cut at one place.
func (r *runner) video(ctx context.Context, samples []int) ([]Prediction, error) {
	rec, err := video.Open(ctx, r.set.Path(r.set.Samples[samples[0]]), video.Options{})
	if err != nil {
		return nil, err
	}
	defer rec.Close()
	moments := make([][]moment, len(samples))
	for {
		step, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := r.step(step, samples, moments); err != nil {
			return nil, err
		}
	}
	sequences := make([]classroom.Sequence, 0, len(samples))
	var kept []int
	for i, k := range samples {
		if len(moments[i]) == 0 {
			continue
		}
		q, err := r.sequence(middle(r.set.Samples[k]), moments[i])
		if err != nil {
			return nil, err
		}
		sequences, kept = append(sequences, q), append(kept, k)
	}
	if missing := len(samples) - len(kept); missing > 0 {
		r.options.Warn("%s: %d samples lie outside the recording", r.set.Samples[samples[0]].Media, missing)
	}
	var out []Prediction
	for i := range kept { // one at a time: sequences differ in length
		p, err := r.decide(kept[i:i+1], sequences[i:i+1])
		if err != nil {
			return nil, err
		}
		out = append(out, p...)
	}
	return out, nil
}

// step cuts the pictures of all samples that look at this step.
func (r *runner) step(step *scene.Step, samples []int, moments [][]moment) error {
	var found []scene.Person
	looked := false
	for i, k := range samples {
		x := r.set.Samples[k]
		whole := r.set.Boxes == dataset.NoBox && x.End <= x.Start // a clip with one label
		if !whole && math.Abs(step.Time-middle(x)) > contextSeconds {
			continue
		}
		if !looked {
			var err error
			if found, err = r.find(step.Frame); err != nil {
				return err
			}
			looked = true
		}
		q := clip.Around(r.head(step.Frame, x, found))
		moments[i] = append(moments[i], moment{step.Time, clip.Picture(step.Frame, q, r.net.Size()), clip.Flow(step.Flow, q, r.net.Size())})
	}
	return nil
}

func middle(x dataset.Sample) float64 { return (x.Start + x.End) / 2 }

func (r *runner) sequence(at float64, moments []moment) (classroom.Sequence, error) {
	var q classroom.Sequence
	pictures, flows := make([][]byte, len(moments)), make([][]float32, len(moments))
	for i, m := range moments {
		pictures[i], flows[i] = m.picture, m.flow
		q.Offsets = append(q.Offsets, float32(m.time-at))
	}
	var err error
	q.Embeddings, err = r.net.Embed(pictures, flows)
	return q, err
}
