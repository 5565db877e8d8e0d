package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"

	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/model/metrics"
	"classlens/model/train"
	"classlens/vision/clip"
	"classlens/vision/people"
	"classlens/vision/scene"
)

// features describes the samples by their source pictures and fits logistic regression.
func features(of func(d *people.Detector, f scene.Frame, head scene.Box, upper bool) ([]float32, error)) func(context.Context, *compare, task, string) ([]evaluate.Prediction, error) {
	return func(ctx context.Context, _ *compare, t task, _ string) ([]evaluate.Prediction, error) {
		detector, err := people.NewDetector(people.Options{Threads: 1})
		if err != nil {
			return nil, err
		}
		defer detector.Close()
		byMedia := map[string][]int{}
		for _, part := range []string{"train", "val", "test"} {
			for _, i := range t.of(part) {
				byMedia[t.set.Samples[i].Media] = append(byMedia[t.set.Samples[i].Media], i)
			}
		}
		vectors := map[int][]float32{}
		for _, samples := range byMedia {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			f, err := dataset.LoadPicture(t.set.Path(t.set.Samples[samples[0]]))
			if err != nil {
				return nil, err
			}
			for _, i := range samples {
				if vectors[i], err = of(detector, f, t.set.Samples[i].Box, t.upper); err != nil {
					return nil, fmt.Errorf("%s: %w", t.set.Samples[i].Media, err)
				}
			}
		}
		return logistic(t, vectors)
	}
}

// hogOf is the histogram of oriented gradients of what the network sees, but where a
// set boxes heads of 1.7 heads, as heads are what it labels.
func hogOf(_ *people.Detector, f scene.Frame, head scene.Box, upper bool) ([]float32, error) {
	q := clip.Around(head)
	if !upper {
		x, y := head.Center()
		side := 1.7 * math.Sqrt(head.W*head.H)
		q = clip.Square{X: x - side/2, Y: y - side/2, Side: side}
	}
	return clip.HOG(clip.Picture(f, q, clip.HOGSide)), nil
}

// poseOf are the points that MoveNet Thunder finds, from the middle of the shoulders
// in head sizes, with scores; the head's turn and tilt from nose, eyes and ears; and
// the angles of arms and shoulders.
func poseOf(d *people.Detector, f scene.Frame, head scene.Box, _ bool) ([]float32, error) {
	// The upper body below the head, as wide as two heads.
	p, score, err := d.Pose(f, scene.Box{X: head.X - 0.5*head.W, Y: head.Y - 0.15*head.H, W: 2 * head.W, H: 2.4 * head.H})
	if err != nil {
		return nil, err
	}
	size := math.Sqrt(head.W * head.H)
	mx, my := (p[scene.LeftShoulder].X+p[scene.RightShoulder].X)/2, (p[scene.LeftShoulder].Y+p[scene.RightShoulder].Y)/2
	out := []float32{float32(score), float32(head.W / head.H)}
	add := func(v ...float64) {
		for _, a := range v {
			out = append(out, float32(min(max(a, -5), 5)))
		}
	}
	for _, k := range p[:scene.LeftKnee] {
		add((k.X-mx)/size, (k.Y-my)/size, k.Score)
	}
	nose, le, re, ll, rl := p[scene.Nose], p[scene.LeftEye], p[scene.RightEye], p[scene.LeftEar], p[scene.RightEar]
	add((nose.X-(ll.X+rl.X)/2)/size, (nose.Y-(ll.Y+rl.Y)/2)/size, (nose.X-(le.X+re.X)/2)/size, (nose.Y-(le.Y+re.Y)/2)/size, ll.Score-rl.Score, le.Score-re.Score)
	angle := func(a, b, c int) { // at b
		t := math.Atan2(p[a].Y-p[b].Y, p[a].X-p[b].X) - math.Atan2(p[c].Y-p[b].Y, p[c].X-p[b].X)
		add(math.Sin(t), math.Cos(t))
	}
	angle(scene.LeftShoulder, scene.LeftElbow, scene.LeftWrist)
	angle(scene.RightShoulder, scene.RightElbow, scene.RightWrist)
	angle(scene.RightShoulder, scene.LeftShoulder, scene.LeftElbow)
	angle(scene.LeftShoulder, scene.RightShoulder, scene.RightElbow)
	return out, nil
}

// rounds of the optimizer.
const rounds = 120

// logistic fits softmax regression: standardised features, classes weighed by n^-0.6,
// full batches of Adam. How strongly weights are held small is chosen by macro-F1 on the
// validation part.
func logistic(t task, vectors map[int][]float32) ([]evaluate.Prediction, error) {
	val := t.of("val")
	truth := make([]int, len(val))
	for k, i := range val {
		truth[k] = t.set.Samples[i].Label
	}
	var best []evaluate.Prediction
	most, chosen := -1.0, 0.0
	for _, penalty := range []float64{0.003, 0.03, 0.3} {
		both, err := fit(t, vectors, penalty, append(append([]int(nil), val...), t.of("test")...))
		if err != nil {
			return nil, err
		}
		said := make([]int, len(val))
		for k := range said {
			said[k] = both[k].Class
		}
		if f := metrics.Classify(truth, said, len(t.set.Classes)).MacroF1; f > most {
			most, chosen, best = f, penalty, both[len(val):]
		}
	}
	fmt.Fprintf(os.Stderr, "compare: %s: %d numbers a sample, penalty %g of 0.003, 0.03, 0.3: macro-F1 %.3f on the validation part\n", t.name, len(vectors[val[0]]), chosen, most)
	return best, nil
}

// fit trains on the train part and predicts the given samples.
func fit(t task, vectors map[int][]float32, penalty float64, of []int) ([]evaluate.Prediction, error) {
	at := t.of("train")
	dim, known := len(vectors[at[0]]), len(t.set.Classes)
	classes := (known + 15) / 16 * 16 // matrix products like round numbers; the rest has no examples
	mean, inverse := moments(vectors, at, dim)
	matrix := func(samples []int) []float32 {
		x := make([]float32, 0, len(samples)*dim)
		for _, i := range samples {
			for j, v := range vectors[i] {
				x = append(x, (v-mean[j])*inverse[j])
			}
		}
		return x
	}
	count, labels := make([]float64, classes), make([]int, len(at))
	for k, i := range at {
		labels[k] = t.set.Samples[i].Label
		count[labels[k]]++
	}
	weights := make([]float32, classes)
	for k, n := range count {
		weights[k] = float32(math.Pow(max(n, 1), -0.6))
	}
	w, b := train.NewParam[float32]("w", true, classes, dim), train.NewParam[float32]("b", false, classes)
	o, err := train.NewOptimizer[float32](train.Adam, penalty) // Adam's decay is the slope of an L2 penalty
	if err != nil {
		return nil, err
	}
	x, tape := matrix(at), &train.Tape[float32]{}
	for step := range rounds {
		tape.Reset()
		l := train.ClassLoss[float32]{Weights: weights}.Loss(tape, tape.Linear(tape.Data(x, len(at), dim), tape.Use(w), tape.Use(b)), labels)
		tape.Backward(l)
		o.Step([]*train.Param[float32]{w, b}, 0.01*(1-float64(step)/rounds))
	}
	tape.Reset()
	y := tape.Linear(tape.Data(matrix(of), len(of), dim), tape.Use(w), tape.Use(b))
	var out []evaluate.Prediction
	for k, i := range of {
		row := y.Value[k*classes : k*classes+known]
		p, sum := make([]float64, known), 0.0
		for j, v := range row {
			p[j] = math.Exp(float64(v - slices.Max(row)))
			sum += p[j]
		}
		for j := range p {
			p[j] /= sum
		}
		out = append(out, prediction(i, p))
	}
	return out, nil
}

func moments(vectors map[int][]float32, at []int, dim int) (mean, inverse []float32) {
	mean, inverse = make([]float32, dim), make([]float32, dim)
	for j := range dim {
		var sum, squares float64
		for _, i := range at {
			v := float64(vectors[i][j])
			sum, squares = sum+v, squares+v*v
		}
		m := sum / float64(len(at))
		mean[j] = float32(m)
		inverse[j] = float32(1 / math.Sqrt(max(squares/float64(len(at))-m*m, 1e-6)))
	}
	return mean, inverse
}
