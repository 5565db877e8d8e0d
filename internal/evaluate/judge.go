package evaluate

import (
	"cmp"
	"fmt"
	"strings"

	"classlens/internal/dataset"
	"classlens/model/metrics"
)

// Judgement is all that eval says of a set of predictions.
type Judgement struct {
	Set        string               `json:"set"`
	Grouped    string               `json:"bootstrap_over"`
	Classes    []string             `json:"classes,omitempty"`
	Behaviour  *metrics.Scores      `json:"behaviour,omitempty"`
	Intervals  map[string][]float64 `json:"intervals_95,omitempty"` // accuracy, macro_f1: low and high
	Confusion  [][]int              `json:"confusion,omitempty"`    // [truth][prediction]
	ECE        float64              `json:"ece"`
	LogLoss    float64              `json:"log_loss"`
	Heat       float64              `json:"best_temperature"` // above 1: too sure of itself
	Bins       []metrics.Bin        `json:"reliability,omitempty"`
	Coverage   []metrics.Point      `json:"coverage,omitempty"`
	Parts      []PartScore          `json:"parts,omitempty"` // by room, else recording
	Engagement *metrics.Ordered     `json:"engagement,omitempty"`
	Attention  *AttentionScore      `json:"attention,omitempty"`
}

// PartScore is one room's or recording's.
type PartScore struct {
	Name     string  `json:"name"`
	N        int     `json:"n"`
	Accuracy float64 `json:"accuracy"`
	Majority float64 `json:"majority"`
	MacroF1  float64 `json:"macro_f1"`
}

// AttentionScore judges on task against off task.
type AttentionScore struct {
	metrics.Scores
	AUC float64 `json:"auc"`
}

// seed of the bootstrap: fixed, so that a figure comes out twice the same.
const seed = 1

// Judge compares predictions with the set's labels.
func Judge(s *dataset.Set, predictions []Prediction) (*Judgement, error) {
	j := &Judgement{Set: s.Name, Classes: s.Classes}
	if err := j.classes(s, predictions); err != nil {
		return nil, err
	}
	j.levels(s, predictions)
	j.attention(s, predictions)
	return j, nil
}

// groupsOf are subjects, else rooms, else recordings, else pictures: the first of
// which there are at least three.
func groupsOf(s *dataset.Set, samples []int) (by string, groups []string, err error) {
	for _, by = range []string{"subject", "room", "recording", "media"} {
		all, err := s.Groups(by)
		if err != nil {
			return "", nil, err
		}
		groups = metrics.Pick(all, samples)
		distinct := map[string]bool{}
		named := true
		for i, g := range groups {
			distinct[g] = true
			x := s.Samples[samples[i]]
			named = named && (by == "media" || cmp.Or(map[string]string{"subject": x.Subject, "room": x.Room, "recording": x.Recording}[by]) != "")
		}
		if named && len(distinct) >= 3 {
			return by, groups, nil
		}
	}
	return by, groups, nil
}

func (j *Judgement) classes(s *dataset.Set, predictions []Prediction) error {
	var truth, said, samples []int
	var p [][]float64
	var sure []float64
	var right []bool
	for _, x := range predictions {
		label := s.Samples[x.Sample].Label
		if label < 0 || x.P == nil {
			continue
		}
		truth, said, samples, p = append(truth, label), append(said, x.Class), append(samples, x.Sample), append(p, x.P)
		sure, right = append(sure, x.P[x.Class]), append(right, x.Class == label)
	}
	if len(truth) == 0 {
		return nil
	}
	k := len(s.Classes)
	scores := metrics.Classify(truth, said, k)
	j.Behaviour, j.Confusion = &scores, metrics.Confusion(truth, said, k)
	j.ECE, j.LogLoss, j.Heat = metrics.ECE(sure, right), metrics.LogLoss(p, truth), metrics.Temperature(p, truth)
	j.Bins, j.Coverage = metrics.Reliability(sure, right, 10), metrics.Coverage(sure, right, 0.2, 0.4, 0.6, 0.8, 1)
	by, groups, err := groupsOf(s, samples)
	if err != nil {
		return err
	}
	j.Grouped, j.Intervals = by, map[string][]float64{}
	for name, of := range map[string]func(metrics.Scores) float64{"accuracy": func(x metrics.Scores) float64 { return x.Accuracy }, "macro_f1": func(x metrics.Scores) float64 { return x.MacroF1 }} {
		i, ok := metrics.Bootstrap(groups, seed, func(at []int) float64 {
			return of(metrics.Classify(metrics.Pick(truth, at), metrics.Pick(said, at), k))
		})
		if ok {
			j.Intervals[name] = []float64{i.Low, i.High}
		}
	}
	j.parts(s, samples, truth, said)
	return nil
}

// parts scores each room, or each recording where there is one room.
func (j *Judgement) parts(s *dataset.Set, samples, truth, said []int) {
	for _, of := range []func(dataset.Sample) string{func(x dataset.Sample) string { return x.Room }, func(x dataset.Sample) string { return x.Recording }} {
		members := map[string][]int{}
		var names []string
		for i, k := range samples {
			name := of(s.Samples[k])
			if members[name] == nil {
				names = append(names, name)
			}
			members[name] = append(members[name], i)
		}
		if len(names) < 2 || len(names) > 50 {
			continue
		}
		for _, name := range names {
			x := metrics.Classify(metrics.Pick(truth, members[name]), metrics.Pick(said, members[name]), len(s.Classes))
			j.Parts = append(j.Parts, PartScore{name, x.N, x.Accuracy, x.Majority, x.MacroF1})
		}
		return
	}
}

func (j *Judgement) levels(s *dataset.Set, predictions []Prediction) {
	var truth, said []int
	for _, x := range predictions {
		if level := s.Samples[x.Sample].Level; level >= 0 {
			truth, said = append(truth, level), append(said, metrics.Argmax(x.Engagement[:]))
		}
	}
	if len(truth) > 0 {
		o := metrics.Order(truth, said, 4)
		j.Engagement = &o
	}
}

func (j *Judgement) attention(s *dataset.Set, predictions []Prediction) {
	var truth, said []int
	var score []float64
	var on []bool
	for _, x := range predictions {
		a := s.Samples[x.Sample].Attention
		if a < 0 {
			continue
		}
		guess := 0
		if x.Attention >= 0.5 {
			guess = 1
		}
		truth, said, score, on = append(truth, a), append(said, guess), append(score, x.Attention), append(on, a == 1)
	}
	if len(truth) > 0 {
		j.Attention = &AttentionScore{metrics.Classify(truth, said, 2), metrics.AUC(score, on)}
		if j.Attention.AUC != j.Attention.AUC { // one class only
			j.Attention.AUC = 0
		}
	}
}

// Text is the judgement as tables for people.
func (j *Judgement) Text() string {
	var b strings.Builder
	if s := j.Behaviour; s != nil {
		fmt.Fprintf(&b, "%s: %d boxes, accuracy %.3f%s (always the commonest class: %.3f), balanced %.3f, macro-F1 %.3f%s, ECE %.3f\n", j.Set, s.N, s.Accuracy, j.interval("accuracy"),
			s.Majority, s.Balanced, s.MacroF1, j.interval("macro_f1"), j.ECE)
		fmt.Fprintf(&b, "%-16s %9s %9s %9s %9s\n", "class", "precision", "recall", "F1", "boxes")
		for i, c := range s.Classes {
			fmt.Fprintf(&b, "%-16s %9.3f %9.3f %9.3f %9d\n", j.Classes[i], c.Precision, c.Recall, c.F1, c.Support)
		}
		for _, p := range j.Parts {
			fmt.Fprintf(&b, "%-16s accuracy %.3f (commonest %.3f), macro-F1 %.3f, %d boxes\n", p.Name, p.Accuracy, p.Majority, p.MacroF1, p.N)
		}
		b.WriteString("surest share: accuracy ")
		for _, c := range j.Coverage {
			fmt.Fprintf(&b, " %.0f %%: %.3f", 100*c.Coverage, c.Accuracy)
		}
		fmt.Fprintf(&b, "\nintervals: 95 %%, bootstrap over %s\n", map[string]string{"subject": "subjects", "room": "rooms", "recording": "recordings", "media": "pictures"}[j.Grouped])
	}
	if e := j.Engagement; e != nil {
		fmt.Fprintf(&b, "engagement: quadratic weighted kappa %.3f, MAE %.3f, macro MAE %.3f, %d samples\n", e.Kappa, e.MAE, e.MacroE, e.N)
	}
	if a := j.Attention; a != nil {
		fmt.Fprintf(&b, "attention: balanced accuracy %.3f, AUC %.3f, %d samples\n", a.Balanced, a.AUC, a.N)
	}
	return b.String()
}

func (j *Judgement) interval(name string) string {
	if i := j.Intervals[name]; len(i) == 2 {
		return fmt.Sprintf(" [%.3f, %.3f]", i[0], i[1])
	}
	return ""
}
