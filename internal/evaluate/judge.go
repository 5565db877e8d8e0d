package evaluate

import (
	"cmp"
	"errors"

	"classlens/internal/dataset"
	"classlens/model/metrics"
)

// Judgement is all that eval says of a set of predictions.
type Judgement struct {
	Set        string               `json:"set"`
	Seen       string               `json:"seen,omitempty"` // which network looked at what
	Grouped    string               `json:"bootstrap_over"`
	Groups     int                  `json:"bootstrap_groups"`
	Classes    []string             `json:"classes,omitempty"`
	Behaviour  *metrics.Scores      `json:"behaviour,omitempty"`
	Intervals  map[string][]float64 `json:"intervals_95,omitempty"` // low and high, by the figure's name
	AUC        []*float64           `json:"auc,omitempty"`          // of each class against the rest; null where there is only one side
	MeanAUC    float64              `json:"mean_auc"`
	Confusion  [][]int              `json:"confusion,omitempty"` // [truth][prediction]
	ECE        float64              `json:"ece"`
	LogLoss    float64              `json:"log_loss"`
	Heat       float64              `json:"best_temperature"` // of this very set; above 1: too sure of itself
	Scaled     *Scaled              `json:"temperature_scaling,omitempty"`
	Bins       []metrics.Bin        `json:"reliability,omitempty"`
	Coverage   []metrics.Point      `json:"coverage,omitempty"`
	Parts      []PartScore          `json:"parts,omitempty"` // by room, else recording
	Engagement *EngagementScore     `json:"engagement,omitempty"`
	Attention  *AttentionScore      `json:"attention,omitempty"`
	Against    *Comparison          `json:"against,omitempty"`
	Attacks    []Robustness         `json:"attacks,omitempty"`
}

// Scaled says what one temperature, fitted elsewhere, does.
type Scaled struct {
	Temperature float64 `json:"temperature"`
	FittedOn    string  `json:"fitted_on"` // part of the split, and its samples
	ECE         float64 `json:"ece"`
	LogLoss     float64 `json:"log_loss"`
}

// EngagementScore judges the ordered levels.
type EngagementScore struct {
	metrics.Ordered
	Accuracy  float64              `json:"accuracy"`
	Majority  float64              `json:"majority"`
	Intervals map[string][]float64 `json:"intervals_95,omitempty"`
	Confusion [][]int              `json:"confusion"`
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
	AUC       float64              `json:"auc"`
	ECE       float64              `json:"ece"`
	Intervals map[string][]float64 `json:"intervals_95,omitempty"`
}

// seed of the bootstrap: fixed, so that a figure comes out twice the same.
const seed = 1

// Judge compares predictions with the set's labels.
func Judge(s *dataset.Set, predictions []Prediction) (*Judgement, error) {
	j := &Judgement{Set: s.Name, Classes: s.Classes}
	if err := j.classes(s, predictions); err != nil {
		return nil, err
	}
	return j, errors.Join(j.levels(s, predictions), j.attention(s, predictions))
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
		named := true
		for i := range groups {
			x := s.Samples[samples[i]]
			named = named && (by == "media" || cmp.Or(map[string]string{"subject": x.Subject, "room": x.Room, "recording": x.Recording}[by]) != "")
		}
		if named && distinct(groups) >= 3 {
			return by, groups, nil
		}
	}
	return by, groups, nil
}

// classFigures are the figures of a choice among classes that get intervals.
var classFigures = map[string]func(metrics.Scores) float64{
	"accuracy": func(x metrics.Scores) float64 { return x.Accuracy }, "balanced_accuracy": func(x metrics.Scores) float64 { return x.Balanced }, "macro_f1": func(x metrics.Scores) float64 { return x.MacroF1 },
}

// bootstrap gives low and high, nil where there are too few groups.
func bootstrap(groups []string, measure func(at []int) float64) []float64 {
	if i, ok := metrics.Bootstrap(groups, seed, measure); ok {
		return []float64{i.Low, i.High}
	}
	return nil
}

func distinct(groups []string) int {
	seen := map[string]bool{}
	for _, g := range groups {
		seen[g] = true
	}
	return len(seen)
}

// auc is each class against the rest, and the mean of those that have both sides.
func (j *Judgement) auc(p [][]float64, truth []int) {
	n := 0
	for k := range j.Classes {
		score, positive := make([]float64, len(p)), make([]bool, len(p))
		for i, row := range p {
			score[i], positive[i] = row[k], truth[i] == k
		}
		v := metrics.AUC(score, positive)
		if v != v { // one side only
			j.AUC = append(j.AUC, nil)
			continue
		}
		j.AUC = append(j.AUC, &v)
		j.MeanAUC += v
		n++
	}
	j.MeanAUC /= float64(max(n, 1))
}

// Scale applies a temperature that was fitted on other samples, and says what it does
// to the calibration; the choice of the class stays.
func (j *Judgement) Scale(s *dataset.Set, predictions []Prediction, temperature float64, fittedOn string) {
	truth, p, sure, right := labelledRows(s, WithTemperature(predictions, temperature))
	if len(truth) > 0 {
		j.Scaled = &Scaled{temperature, fittedOn, metrics.ECE(sure, right), metrics.LogLoss(p, truth)}
	}
}

// WithTemperature are the predictions with their classes' probabilities at a temperature.
func WithTemperature(predictions []Prediction, temperature float64) []Prediction {
	out := append([]Prediction(nil), predictions...)
	for i, x := range out {
		if x.P != nil {
			out[i].P = metrics.WithTemperature([][]float64{x.P}, temperature)[0]
		}
	}
	return out
}

// FitTemperature finds the temperature that fits the predictions of a validation part;
// 1 without labelled samples.
func FitTemperature(s *dataset.Set, predictions []Prediction) (temperature float64, samples int) {
	truth, p, _, _ := labelledRows(s, predictions)
	if len(truth) == 0 {
		return 1, 0
	}
	return metrics.Temperature(p, truth), len(truth)
}

// labelledRows are the predictions of samples with a class.
func labelledRows(s *dataset.Set, predictions []Prediction) (truth []int, p [][]float64, sure []float64, right []bool) {
	for _, x := range predictions {
		if label := s.Samples[x.Sample].Label; label >= 0 && x.P != nil {
			truth, p = append(truth, label), append(p, x.P)
			sure, right = append(sure, x.P[x.Class]), append(right, x.Class == label)
		}
	}
	return truth, p, sure, right
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
	j.Bins, j.Coverage = metrics.Reliability(sure, right, 10), metrics.Coverage(sure, right, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
	j.auc(p, truth)
	by, groups, err := groupsOf(s, samples)
	if err != nil {
		return err
	}
	j.Grouped, j.Groups, j.Intervals = by, distinct(groups), map[string][]float64{}
	for name, of := range classFigures {
		j.Intervals[name] = bootstrap(groups, func(at []int) float64 {
			return of(metrics.Classify(metrics.Pick(truth, at), metrics.Pick(said, at), k))
		})
	}
	j.Intervals["ece"] = bootstrap(groups, func(at []int) float64 { return metrics.ECE(metrics.Pick(sure, at), metrics.Pick(right, at)) })
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

func (j *Judgement) levels(s *dataset.Set, predictions []Prediction) error {
	var truth, said, samples []int
	for _, x := range predictions {
		if level := s.Samples[x.Sample].Level; level >= 0 {
			truth, said, samples = append(truth, level), append(said, metrics.Argmax(x.Engagement[:])), append(samples, x.Sample)
		}
	}
	if len(truth) == 0 {
		return nil
	}
	by, groups, err := groupsOf(s, samples)
	if err != nil {
		return err
	}
	if j.Grouped == "" {
		j.Grouped, j.Groups = by, distinct(groups)
	}
	scores := metrics.Classify(truth, said, 4)
	e := &EngagementScore{Ordered: metrics.Order(truth, said, 4), Accuracy: scores.Accuracy, Majority: scores.Majority, Confusion: metrics.Confusion(truth, said, 4), Intervals: map[string][]float64{}}
	for name, of := range map[string]func(metrics.Ordered) float64{"quadratic_weighted_kappa": func(o metrics.Ordered) float64 { return o.Kappa }, "macro_mae": func(o metrics.Ordered) float64 { return o.MacroE },
		"mean_class_mse": func(o metrics.Ordered) float64 { return o.MacroSE }} {
		e.Intervals[name] = bootstrap(groups, func(at []int) float64 { return of(metrics.Order(metrics.Pick(truth, at), metrics.Pick(said, at), 4)) })
	}
	j.Engagement = e
	return nil
}

func (j *Judgement) attention(s *dataset.Set, predictions []Prediction) error {
	var truth, said, samples []int
	var score, sure []float64
	var on, right []bool
	for _, x := range predictions {
		a := s.Samples[x.Sample].Attention
		if a < 0 {
			continue
		}
		guess := 0
		if x.Attention >= 0.5 {
			guess = 1
		}
		truth, said, score, on, samples = append(truth, a), append(said, guess), append(score, x.Attention), append(on, a == 1), append(samples, x.Sample)
		sure, right = append(sure, max(x.Attention, 1-x.Attention)), append(right, guess == a)
	}
	if len(truth) == 0 {
		return nil
	}
	by, groups, err := groupsOf(s, samples)
	if err != nil {
		return err
	}
	if j.Grouped == "" {
		j.Grouped, j.Groups = by, distinct(groups)
	}
	j.Attention = &AttentionScore{Scores: metrics.Classify(truth, said, 2), AUC: metrics.AUC(score, on), ECE: metrics.ECE(sure, right), Intervals: map[string][]float64{}}
	for name, of := range classFigures {
		j.Attention.Intervals[name] = bootstrap(groups, func(at []int) float64 {
			return of(metrics.Classify(metrics.Pick(truth, at), metrics.Pick(said, at), 2))
		})
	}
	if j.Attention.AUC != j.Attention.AUC { // one class only
		j.Attention.AUC = 0
	}
	return nil
}
