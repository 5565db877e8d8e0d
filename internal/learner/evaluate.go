package learner

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"classlens/internal/learner/features"
	"classlens/internal/learner/judge"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
)

// EvalOptions say what to compare.
type EvalOptions struct {
	Train, Test []string
	Days        []Day
	Models      []string
	Clicks      bool     // use cumulative click files
	Static      bool     // also the fair model with personal attributes
	Statics     []string // with Static: these too
	Fair        string   // the model whose fairness is judged; "" the stack where it is among Models, otherwise the last of them
	Seed        uint64
	Quick       bool
	Dir         string // keeps the weights of each day and model, and takes those that fit
	Report      func(kind string, seed, epoch int, train, valid float64)
	Tell        func(day Day, model string, again bool) // of each model, before it is trained; may be nil
}

// Populations, as in BASELINES.md of the OULAD copy.
const (
	Active = "active" // registered by the day and not left
	All    = "all"    // registered by the day; p is 0 for who has left
	Clicks = "active with clicks known"
)

// Evaluation is how models did on presentations that they were not trained on.
type Evaluation struct {
	Train  []string  `json:"train"`
	Test   []string  `json:"test"`
	Form   Form      `json:"form"`
	Clicks bool      `json:"cumulative_clicks"`
	Seed   uint64    `json:"seed"`
	Quick  bool      `json:"quick,omitempty"`
	Draws  int       `json:"bootstrap_draws"`
	Days   []DayEval `json:"days"`
}

// DayEval is one prediction day.
type DayEval struct {
	Day         Day                         `json:"day"`
	Columns     int                         `json:"columns"`
	Learned     int                         `json:"students_trained_on"`
	NoResult    int                         `json:"without_result"` // left out
	Populations map[string][]judge.Figures  `json:"populations"`
	Parts       map[string][]PartFigures    `json:"parts"` // by "presentation" and "module", active
	Targets     []TargetFigures             `json:"targets"`
	Fairness    map[string][]judge.Fairness `json:"fairness"` // by model
	StaticCost  *judge.Value                `json:"auc_with_static_less_without,omitempty"`
}

// PartFigures are a part's.
type PartFigures struct {
	Name   string                 `json:"name"`
	N      int                    `json:"n"`
	Passed float64                `json:"passed"`
	AUC    map[string]judge.Value `json:"roc_auc"` // by model
	All    []judge.Figures        `json:"figures"` // without bins
	Seen   bool                   `json:"seen"`    // the module was there in training
}

// TargetFigures are one model's on the other targets, active.
type TargetFigures struct {
	Model    string  `json:"model"`
	ScoreMAE float64 `json:"score_mae"` // of the final score, 0 to 1
	ScoreR2  float64 `json:"score_r2"`
	TrendAUC float64 `json:"trend_auc"` // whether the next score is at least the mean so far
	TrendN   int     `json:"trend_n"`
}

// StaticSuffix marks a model with personal attributes.
const StaticSuffix = "+static"

// Evaluate trains and judges.
func Evaluate(ctx context.Context, d *Data, o EvalOptions) (*Evaluation, error) {
	if o.Fair == "" && len(o.Models) > 0 {
		if o.Fair = o.Models[len(o.Models)-1]; slices.Contains(o.Models, models.DefaultKind) {
			o.Fair = models.DefaultKind
		}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Static {
		if err := d.personal(); err != nil {
			return nil, err
		}
	}
	if err := d.judgeable(o.Test); err != nil {
		return nil, err
	}
	e := &Evaluation{Train: o.Train, Test: o.Test, Form: d.Form, Clicks: o.Clicks, Seed: o.Seed, Quick: o.Quick, Draws: judge.Draws}
	for _, day := range o.Days {
		one, err := o.day(ctx, d, day)
		if err != nil {
			return nil, fmt.Errorf("day %s: %w", day, err)
		}
		e.Days = append(e.Days, *one)
	}
	return e, nil
}

// judgeable says, before anything is trained, that there is nothing to judge by: no such presentation, or none of its results is known.
func (d *Data) judgeable(test []string) error {
	if d.Log == nil {
		return nil
	}
	for _, p := range test {
		courses, err := d.Log.In(p)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
		known, all := 0, 0
		for _, c := range courses {
			for _, i := range d.Log.Courses[c].Enrolments {
				if all++; d.Log.Enrolments[i].Result != logs.NoResult {
					known++
				}
			}
		}
		if known == 0 {
			return fmt.Errorf("%w: no result of the %d students of %s is known: there is nothing to judge by", ErrRequest, all, p)
		}
	}
	return nil
}

func (o EvalOptions) check() error {
	if len(o.Days) == 0 || len(o.Models) == 0 {
		return fmt.Errorf("%w: name at least one day and one model", ErrRequest)
	}
	for _, m := range append(append(slices.Clone(o.Models), o.Statics...), o.Fair) {
		if err := models.CheckKind(m); err != nil {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	for _, p := range o.Test {
		if slices.Contains(o.Train, p) {
			return fmt.Errorf("%w: %s is in training and in test: its figures would flatter", ErrRequest, p)
		}
	}
	return nil
}

// day trains and judges one day.
func (o EvalOptions) day(ctx context.Context, d *Data, day Day) (*DayEval, error) {
	plain := d.SettingsFor(day, false, o.Clicks)
	e := &DayEval{Day: day, Populations: map[string][]judge.Figures{}, Parts: map[string][]PartFigures{}, Fairness: map[string][]judge.Fairness{}}
	var said []named
	have := &fits{map[string]*models.Fitted{}, map[string]*models.Fitted{}}
	for _, kind := range o.Models {
		n, w, err := o.model(ctx, d, plain, kind, "", have)
		if err != nil {
			return nil, err
		}
		e.Columns, e.Learned = len(w.Columns), w.Students
		said = append(said, n)
	}
	fair := []string{o.Fair}
	if !slices.Contains(o.Models, o.Fair) {
		n, _, err := o.model(ctx, d, plain, o.Fair, "", have)
		if err != nil {
			return nil, err
		}
		said = append(said, n)
	}
	if o.Static {
		statics, have := o.Statics, &fits{map[string]*models.Fitted{}, map[string]*models.Fitted{}}
		if !slices.Contains(statics, o.Fair) {
			statics = append(slices.Clip(statics), o.Fair)
		}
		for _, kind := range statics {
			n, _, err := o.model(ctx, d, d.SettingsFor(day, true, o.Clicks), kind, StaticSuffix, have)
			if err != nil {
				return nil, err
			}
			said = append(said, n)
		}
		fair = append(fair, o.Fair+StaticSuffix)
	}
	e.judge(d, said, fair, o)
	return e, nil
}

// named is what one model says of the test rows.
type named struct {
	name string
	all  []Predicted
}

// model trains a model, or takes the weights of an earlier run with the same
// settings and data, and predicts.
func (o EvalOptions) model(ctx context.Context, d *Data, s Settings, kind, suffix string, have *fits) (named, *Weights, error) {
	if err := ctx.Err(); err != nil {
		return named{}, nil, err
	}
	dir := ""
	if o.Dir != "" {
		dir = filepath.Join(o.Dir, "weights", string(s.Day)+"-"+kind+suffix)
	}
	w := o.earlier(d, s, kind, dir)
	if o.Tell != nil {
		o.Tell(s.Day, kind+suffix, w != nil)
	}
	if w == nil {
		var err error
		if w, err = Train(ctx, d, s, TrainOptions{Presentations: o.Train, Model: kind, Seed: o.Seed, Quick: o.Quick, Dir: dir, Report: o.Report, have: have}); err != nil {
			return named{}, nil, err
		}
		if dir != "" {
			if err := w.Save(dir); err != nil {
				return named{}, nil, err
			}
		}
	}
	all, err := w.Predict(d, o.Test)
	return named{kind + suffix, all}, w, err
}

// earlier gives the weights in dir when they are what training would give again.
func (o EvalOptions) earlier(d *Data, s Settings, kind, dir string) *Weights {
	if dir == "" {
		return nil
	}
	w, err := LoadWeights(dir)
	if err != nil || w.Settings != s || w.Kind != kind || w.Seed != o.Seed || w.Quick != o.Quick {
		return nil
	}
	set, err := d.Assemble(s, nil, slices.Compact(slices.Sorted(slices.Values(o.Train))), true)
	if err != nil || digest(set.Set) != w.Data {
		return nil
	}
	return w
}

// casesOf are the rows with a known result that pick takes.
func casesOf(d *Data, all []Predicted, pick func(Predicted) bool) (cases []judge.Case, at []int) {
	for i, p := range all {
		result, known := resultOf(d, p)
		if !known || !pick(p) {
			continue
		}
		c := judge.Case{Student: p.Row.Student, Module: p.Row.Module, Result: result}
		if d.Log != nil {
			c.Groups = groupsOf(&d.Log.Enrolments[p.Row.Enrolment])
		}
		cases, at = append(cases, c), append(at, i)
	}
	return cases, at
}

func resultOf(d *Data, p Predicted) (int, bool) {
	if d.Log != nil {
		r := d.Log.Enrolments[p.Row.Enrolment].Result
		return int(r), r != logs.NoResult
	}
	truth := p.Row.Truth[len(p.Row.Truth)-1]
	switch {
	case truth[models.Passed] == 1 && truth[models.Distinguished] == 1:
		return int(logs.Distinction), true
	case truth[models.Passed] == 1:
		return int(logs.Pass), true
	}
	return int(logs.Fail), true
}

// groupsOf are the groups that fairness looks at.
func groupsOf(e *logs.Enrolment) map[string]string {
	g := map[string]string{"gender": e.Gender, "age": e.Age, "disability": "no", "deprivation": ""}
	if e.Disability {
		g["disability"] = "yes"
	}
	if v := features.Deprivation(e.Deprivation); v == v {
		low := int(v) / 2 * 20
		g["deprivation"] = fmt.Sprintf("%02d-%d %%", low, low+20)
	}
	return g
}

func saidOf(n named, at []int) judge.Said {
	s := judge.Said{Model: n.name}
	for _, i := range at {
		s.P = append(s.P, n.all[i].Prediction[models.Passed])
		s.Results = append(s.Results, n.all[i].Prediction.Results())
	}
	return s
}

// rivals are what every model is compared with.
var rivals = []string{"gbdt", "lr"}

// against are the rivals, those of them with personal attributes, and the fair model,
// which says what these attributes are worth.
func (o EvalOptions) against() []string {
	all := slices.Clone(rivals)
	if o.Static {
		for _, r := range rivals {
			if slices.Contains(o.Statics, r) {
				all = append(all, r+StaticSuffix)
			}
		}
		all = append(all, o.Fair)
	}
	return all
}

func (e *DayEval) judge(d *Data, said []named, fair []string, o EvalOptions) {
	active := func(p Predicted) bool { return !p.Left }
	population := func(name string, pick func(Predicted) bool) ([]judge.Case, []int) {
		cases, at := casesOf(d, said[0].all, pick)
		if len(cases) == 0 {
			return nil, nil
		}
		var all []judge.Said
		for _, n := range said {
			all = append(all, saidOf(n, at))
		}
		e.Populations[name] = judge.Population(cases, all, o.against(), o.Seed)
		return cases, at
	}
	cases, at := population(Active, active)
	e.NoResult = -len(at)
	for _, p := range said[0].all {
		if !p.Left {
			e.NoResult++
		}
	}
	population(All, func(Predicted) bool { return true })
	if d.Log != nil && d.Log.Clicks == logs.CumulativeClicks {
		population(Clicks, func(p Predicted) bool { return !p.Left && d.hasClicks(p) })
	}
	e.parts(d, said, o)
	for _, n := range said {
		e.Targets = append(e.Targets, targetFigures(n))
	}
	if d.Log == nil || len(cases) == 0 {
		return
	}
	for _, n := range said {
		if slices.Contains(fair, n.name) {
			for _, attribute := range []string{"gender", "age", "deprivation", "disability"} {
				if f := judge.Fair(cases, saidOf(n, at), attribute, o.Seed); len(f.Groups) > 1 { // one group tells nothing of fairness
					e.Fairness[n.name] = append(e.Fairness[n.name], f)
				}
			}
		}
	}
	for _, f := range e.Populations[Active] {
		if v, ok := f.Against[o.Fair]; ok && f.Model == o.Fair+StaticSuffix {
			e.StaticCost = &v
		}
	}
}

// hasClicks tells whether the click files have a row of the student by the day.
func (d *Data) hasClicks(p Predicted) bool {
	return slices.ContainsFunc(d.Log.Enrolments[p.Row.Enrolment].Cumulative, func(c logs.Cumulative) bool { return c.Day <= p.Row.Day })
}

// parts judges by presentation and module.
func (e *DayEval) parts(d *Data, said []named, o EvalOptions) {
	seen := map[string]bool{}
	if d.Log != nil {
		if courses, err := d.Log.In(o.Train...); err == nil {
			for _, c := range courses {
				seen[d.Log.Courses[c].Module] = true
			}
		}
	}
	for kind, of := range map[string]func(Predicted) string{"presentation": func(p Predicted) string { return p.Row.Presentation }, "module": func(p Predicted) string { return p.Row.Module }} {
		var names []string
		for _, p := range said[0].all {
			if !slices.Contains(names, of(p)) {
				names = append(names, of(p))
			}
		}
		slices.Sort(names)
		for _, name := range names {
			cases, at := casesOf(d, said[0].all, func(p Predicted) bool { return !p.Left && of(p) == name })
			if len(cases) == 0 {
				continue
			}
			part := PartFigures{Name: name, AUC: map[string]judge.Value{}, Seen: seen[name]}
			var all []judge.Said
			for _, n := range said {
				all = append(all, saidOf(n, at))
			}
			for _, f := range judge.Population(cases, all, nil, o.Seed) {
				if part.N, part.Passed = f.N, f.Passed; !math.IsNaN(f.AUC.Value) {
					part.AUC[f.Model] = f.AUC
					f.Bins = nil
					part.All = append(part.All, f) // JSON has no NaN: a part in which all or none passed has no figures
				}
			}
			e.Parts[kind] = append(e.Parts[kind], part)
		}
	}
}

// targetFigures judges final score and trend.
func targetFigures(n named) TargetFigures {
	f := TargetFigures{Model: n.name}
	var miss, sum, squares, residual, count float64
	var up, p []float64
	for _, x := range n.all {
		if x.Left {
			continue
		}
		truth := x.Row.Truth[len(x.Row.Truth)-1]
		if y := float64(truth[models.Score]); y == y {
			r := y - x.Prediction[models.Score]
			miss, residual, sum, squares, count = miss+math.Abs(r), residual+r*r, sum+y, squares+y*y, count+1
		}
		if y := float64(truth[models.Trend]); y == y {
			up, p = append(up, y), append(p, x.Prediction[models.Trend])
		}
	}
	if count > 0 {
		f.ScoreMAE, f.ScoreR2 = miss/count, 1-residual/max(1e-12, squares-sum*sum/count)
	}
	f.TrendAUC, f.TrendN = judge.AUC(up, p), len(up)
	return f
}
