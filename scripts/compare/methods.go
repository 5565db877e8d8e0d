package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"classlens/internal/evaluate"
	"classlens/internal/safefile"
	"classlens/internal/training"
	"classlens/model/train"
)

// method is one way to predict a task's test part.
type method struct {
	name, file string
	video      bool // makes sense only where there are steps or flow
	still      bool // only where there are none
	predict    func(ctx context.Context, c *compare, t task, dir string) ([]evaluate.Prediction, error)
}

var methods = []method{
	{name: "commonest class", file: "commonest", predict: commonest},
	{name: "HOG, logistic regression", file: "hog", still: true, predict: features(hogOf)},
	{name: "CNN, attention over steps", file: "cnn", predict: net(func(*train.Plan) {})},
	{name: "CNN, mean of the steps instead of attention", file: "mean", predict: net(func(p *train.Plan) { p.Temporal = train.Mean })},
	{name: "CNN, LSTM", file: "lstm", predict: net(func(p *train.Plan) { p.Temporal = train.LSTM })},
	{name: "CNN without flow", file: "noflow", video: true, predict: net(func(p *train.Plan) { p.NoFlow = true })},
	{name: "CNN, GRU", file: "gru", predict: net(func(p *train.Plan) { p.Temporal = train.GRU })},
	{name: "CNN, attention, squeeze-and-excitation", file: "squeeze", predict: net(func(p *train.Plan) { p.Squeeze = 4 })},
	{name: "pose (Thunder's points and angles), logistic regression", file: "pose", still: true, predict: features(poseOf)},
}

func commonest(_ context.Context, _ *compare, t task, _ string) ([]evaluate.Prediction, error) {
	count := make([]float64, len(t.set.Classes))
	for _, i := range t.of("train") {
		count[t.set.Samples[i].Label]++
	}
	n := float64(len(t.of("train")))
	for k := range count {
		count[k] /= n
	}
	var out []evaluate.Prediction
	for _, i := range t.of("test") {
		out = append(out, prediction(i, count))
	}
	return out, nil
}

func prediction(sample int, p []float64) evaluate.Prediction {
	x := evaluate.Prediction{Sample: sample, P: append([]float64(nil), p...)}
	for k, v := range p {
		if v > p[x.Class] {
			x.Class = k
		}
	}
	return x
}

// pictureSide is net.yaml's network.size.
const pictureSide = 48

//go:embed net.yaml
var netConfig []byte

// net trains the small CNN, changed in one thing, and judges it as eval does.
func net(change func(*train.Plan)) func(context.Context, *compare, task, string) ([]evaluate.Prediction, error) {
	return func(ctx context.Context, c *compare, t task, dir string) ([]evaluate.Prediction, error) {
		file := filepath.Join(dir, "net.yaml")
		if err := safefile.WriteFile(file, netConfig); err != nil {
			return nil, err
		}
		k, err := training.LoadConfig(file)
		if err != nil {
			return nil, err
		}
		k.Data, k.Split = t.set.Root, t.split
		passes := c.scale
		if t.video { // five pictures a sample
			passes /= 3
		}
		k.Epochs = max(passes/max(len(t.of("train")), 1), 1)
		change(&k.Plan)
		say := func(format string, a ...any) { fmt.Fprintf(os.Stderr, "compare: "+format+"\n", a...) }
		if _, err := training.Run(ctx, k, training.Options{Out: dir, Cache: c.out, Labels: c.labels, Say: say}); err != nil {
			return nil, err
		}
		weights, err := os.ReadFile(filepath.Join(dir, training.WeightsFile))
		if err != nil {
			return nil, err
		}
		crops, err := training.OpenCrops(ctx, c.out, t.set, pictureSide, say)
		if err != nil {
			return nil, err
		}
		defer crops.Close()
		return crops.Predict(ctx, t.set, evaluate.Options{Weights: weights, Threads: 1, Labels: c.labels}, t.of("test"))
	}
}
