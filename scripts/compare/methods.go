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
	"classlens/vision/people"
)

// method is one way to predict a task's test part.
type method struct {
	name, file string
	video      bool // makes sense only where there are steps or flow
	predict    func(ctx context.Context, c *compare, t task, dir string) ([]evaluate.Prediction, error)
}

var methods = []method{
	{"commonest class", "commonest", false, commonest},
	{"HOG, logistic regression", "hog", false, features(hogOf)},
	{"pose (Thunder's points), logistic regression", "pose", false, features(poseOf)},
	{"CNN, attention over steps", "cnn", false, net(func(*train.Plan) {})},
	{"CNN with squeeze-and-excitation", "squeeze", false, net(func(p *train.Plan) { p.Squeeze = 4 })},
	{"CNN, mean of steps instead of attention", "mean", false, net(func(p *train.Plan) { p.Temporal = train.Mean })},
	{"CNN, LSTM", "lstm", false, net(func(p *train.Plan) { p.Temporal = train.LSTM })},
	{"CNN, GRU", "gru", false, net(func(p *train.Plan) { p.Temporal = train.GRU })},
	{"CNN without flow", "noflow", true, net(func(p *train.Plan) { p.NoFlow = true })},
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
		k.Epochs = max(c.scale/max(len(t.of("train")), 1), 2)
		change(&k.Plan)
		say := func(format string, a ...any) { fmt.Fprintf(os.Stderr, "compare: "+format+"\n", a...) }
		if _, err := training.Run(ctx, k, training.Options{Out: dir, Cache: c.out, Labels: c.labels, Say: say}); err != nil {
			return nil, err
		}
		weights, err := os.ReadFile(filepath.Join(dir, training.WeightsFile))
		if err != nil {
			return nil, err
		}
		return evaluate.Run(ctx, t.set, evaluate.Options{Weights: weights, Threads: 1, Labels: c.labels, Include: func(i int) bool { return t.part[i] == "test" }, Warn: say,
			NewHeads: func() (*people.Detector, error) { return people.NewDetector(people.Options{Threads: 1}) }})
	}
}
