package main

import (
	"encoding/json"
	"fmt"
	"os"

	"classlens/internal/evaluate"
	"classlens/internal/safefile"
	"classlens/model/metrics"
)

// row is what one method came to on one split.
type row struct {
	Task, Method             string
	Accuracy, Balanced       float64
	MacroF1, F5, ECE         float64
	AccuracyI, MacroI, FiveI []float64 // 95 % intervals
	Test                     int
}

// five are the classes of ClaBehavior with examples enough in both rooms.
var five = []string{"write", "read", "lookup", "turn_head", "raise_hand"}

func judge(t task, m method, predictions []evaluate.Prediction) (row, error) {
	j, err := evaluate.Judge(t.set, predictions)
	if err != nil {
		return row{}, err
	}
	b := j.Behaviour
	r := row{Task: t.name, Method: m.name, Accuracy: b.Accuracy, Balanced: b.Balanced, MacroF1: b.MacroF1, ECE: j.ECE, AccuracyI: j.Intervals["accuracy"], MacroI: j.Intervals["macro_f1"], Test: b.N}
	r.five(t, predictions)
	return r, nil
}

// five scores the mean F1 of the five classes, where the set has them, with an interval
// by bootstrap over pictures.
func (r *row) five(t task, predictions []evaluate.Prediction) {
	at := map[string]int{}
	for i, c := range t.set.Classes {
		at[c] = i
	}
	for _, c := range five {
		if _, ok := at[c]; !ok {
			return
		}
	}
	var truth, said []int
	var groups []string
	for _, p := range predictions {
		x := t.set.Samples[p.Sample]
		truth, said, groups = append(truth, x.Label), append(said, p.Class), append(groups, x.Media)
	}
	score := func(samples []int) float64 {
		s, sum := metrics.Classify(metrics.Pick(truth, samples), metrics.Pick(said, samples), len(t.set.Classes)), 0.0
		for _, c := range five {
			sum += s.Classes[at[c]].F1 / 5
		}
		return sum
	}
	all := make([]int, len(truth))
	for i := range all {
		all[i] = i
	}
	r.F5 = score(all)
	if i, ok := metrics.Bootstrap(groups, 1, score); ok {
		r.FiveI = []float64{i.Low, i.High}
	}
}

func span(i []float64) string {
	if len(i) != 2 {
		return ""
	}
	return fmt.Sprintf(" [%.2f, %.2f]", i[0], i[1])
}

func (r row) text() string {
	return fmt.Sprintf("%s, %s: accuracy %.3f%s, macro-F1 %.3f%s, F5 %.3f%s", r.Task, r.Method, r.Accuracy, span(r.AccuracyI), r.MacroF1, span(r.MacroI), r.F5, span(r.FiveI))
}

func (r row) markdown() string {
	f5 := ""
	if r.F5 > 0 {
		f5 = fmt.Sprintf("%.2f%s", r.F5, span(r.FiveI))
	}
	return fmt.Sprintf("| %s | %.2f%s | %.2f | %.2f%s | %s | %.2f |\n", r.Method, r.Accuracy, span(r.AccuracyI), r.Balanced, r.MacroF1, span(r.MacroI), f5, r.ECE)
}

func (r row) write(file string) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return safefile.WriteFile(file, append(raw, '\n'))
}

func readRow(file string) (r row, ok bool) {
	raw, err := os.ReadFile(file)
	return r, err == nil && json.Unmarshal(raw, &r) == nil
}
