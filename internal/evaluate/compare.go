package evaluate

import (
	"fmt"
	"strings"

	"classlens/internal/dataset"
	"classlens/model/metrics"
)

// Comparison is the judged network less another one, on the same samples and the same
// draws of the bootstrap.
type Comparison struct {
	Other   string       `json:"other"` // its weights' file
	N       int          `json:"n"`
	Figures []Difference `json:"figures"`
}

// Difference is one figure of both.
type Difference struct {
	Figure   string    `json:"figure"`
	This     float64   `json:"this"`
	Other    float64   `json:"other"`
	Interval []float64 `json:"difference_95,omitempty"` // of this less other
	NotAbove float64   `json:"share_not_above"`         // share of draws in which this one is not above
}

// Compare sets predictions against another network's of the same samples.
func (j *Judgement) Compare(s *dataset.Set, these, others []Prediction, other string) error {
	by := map[int]Prediction{}
	for _, p := range others {
		by[p.Sample] = p
	}
	var truth, said, otherSaid, samples []int
	var sure, otherSure []float64
	var right, otherRight []bool
	for _, p := range these {
		q, both := by[p.Sample]
		label := s.Samples[p.Sample].Label
		if !both || label < 0 || p.P == nil {
			continue
		}
		truth, said, otherSaid, samples = append(truth, label), append(said, p.Class), append(otherSaid, q.Class), append(samples, p.Sample)
		sure, otherSure = append(sure, p.P[p.Class]), append(otherSure, q.P[q.Class])
		right, otherRight = append(right, p.Class == label), append(otherRight, q.Class == label)
	}
	if len(truth) == 0 {
		return fmt.Errorf("no labelled sample that both networks saw")
	}
	_, groups, err := groupsOf(s, samples)
	if err != nil {
		return err
	}
	j.Against = &Comparison{Other: other, N: len(truth)}
	of := func(said []int, figure func(metrics.Scores) float64) func([]int) float64 {
		return func(at []int) float64 {
			return figure(metrics.Classify(metrics.Pick(truth, at), metrics.Pick(said, at), len(s.Classes)))
		}
	}
	for _, name := range []string{"accuracy", "balanced_accuracy", "macro_f1"} {
		j.Against.add(name, groups, of(said, classFigures[name]), of(otherSaid, classFigures[name]))
	}
	ece := func(sure []float64, right []bool) func([]int) float64 {
		return func(at []int) float64 { return metrics.ECE(metrics.Pick(sure, at), metrics.Pick(right, at)) }
	}
	j.Against.add("ece", groups, ece(sure, right), ece(otherSure, otherRight))
	return nil
}

func (c *Comparison) add(name string, groups []string, this, other func([]int) float64) {
	all := make([]int, len(groups))
	for i := range all {
		all[i] = i
	}
	d := Difference{Figure: name, This: this(all), Other: other(all)}
	if i, notAbove, ok := metrics.Paired(groups, seed, other, this); ok {
		d.Interval, d.NotAbove = []float64{i.Low, i.High}, notAbove
	}
	c.Figures = append(c.Figures, d)
}

func (c *Comparison) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "against %s, paired, %d boxes:\n", c.Other, c.N)
	for _, d := range c.Figures {
		fmt.Fprintf(&b, "  %-18s %.3f less %.3f is %+.3f%s; not above in %.1f %% of the draws\n", strings.ReplaceAll(d.Figure, "_", " "), d.This, d.Other, d.This-d.Other, span(d.Interval), 100*d.NotAbove)
	}
	return b.String()
}
