package models

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kinds of models that Fit knows, in the order of tables.
var Kinds = []string{"majority", "lr", "rf", "gbdt", "mlp", "cnn", "lstm", "gru", "attention", "stack"}

// DefaultKind is the one that was best on held-out courses; docs/measured.md has the figures.
const DefaultKind = "stack"

// CheckKind says whether a kind exists.
func CheckKind(kind string) error {
	if !slices.Contains(Kinds, kind) {
		return fmt.Errorf("model %q: want one of %s", kind, strings.Join(Kinds, ", "))
	}
	return nil
}

// members of the stack, whose logits weigh alike.
var members = []string{"lr", "gbdt", "lstm"}

// leader is the member whose leader says how good a whole course is for the stack.
const leader = "lstm"

// Leader is the model whose mean over a course is to be taken for that of a net built on trees, or of a stack with one:
// the same net without the trees. Trees misread the plan of a course they have never seen, by up to 2 in log-odds, and
// order its students well all the same. Chosen on 2013 (docs/measured.md). It is nil for other models.
func (f *Fitted) Leader() *Fitted {
	if f.Sequence != nil && f.Sequence.Trees != nil {
		bare := *f.Sequence
		bare.Trees = nil
		return &Fitted{Kind: f.Kind, Sequence: &bare, Heat: f.Heat, Repeats: f.Repeats}
	}
	for _, m := range f.Members {
		if m.Kind == leader {
			return m.Leader()
		}
	}
	return nil
}

// Fitted is a fitted model of some kind with its calibration: what weights.json
// holds. One of the fields below Kind is set.
type Fitted struct {
	Kind        string       `json:"kind"`
	Majority    *Majority    `json:"majority,omitempty"`
	Linear      *Linear      `json:"linear,omitempty"`
	Trees       *Trees       `json:"trees,omitempty"`
	FeedForward *FeedForward `json:"feed_forward,omitempty"`
	Sequence    *Sequence    `json:"sequence,omitempty"`
	Members     []*Fitted    `json:"members,omitempty"`
	Heat        []float64    `json:"heat,omitempty"`    // a target's temperature: logits are divided by it
	Repeats     float64      `json:"repeats,omitempty"` // what is added to the log-odds to pass of who repeats the module
}

// model is the one that is set; nil for a stack.
func (f *Fitted) model() Model {
	switch {
	case f.Majority != nil:
		return f.Majority
	case f.Linear != nil:
		return f.Linear
	case f.Trees != nil:
		return f.Trees
	case f.FeedForward != nil:
		return f.FeedForward
	case f.Sequence != nil:
		return f.Sequence
	}
	return nil
}

// Predict implements Model.
func (f *Fitted) Predict(s *Set) ([]Prediction, error) {
	var p []Prediction
	var err error
	if len(f.Members) > 0 {
		var all [][]Prediction
		for _, m := range f.Members {
			one, err := m.Predict(s)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		p = Blend(all)
	} else if m := f.model(); m == nil {
		return nil, fmt.Errorf("model %q has no weights", f.Kind)
	} else if p, err = m.Predict(s); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Kind, err)
	}
	for i := range p {
		for t, heat := range f.Heat {
			p[i][t] = sigmoid(Logit(p[i][t]) / heat)
		}
		if s.Rows[i].Repeats {
			p[i][Passed] = sigmoid(Logit(p[i][Passed]) + f.Repeats)
		}
	}
	return p, nil
}

// Options of Fit.
type Options struct {
	Seed   uint64
	Quick  bool               // one seed and few rounds, for tests
	Stops  map[string]int     // after how many epochs nets stop without a validation set
	Have   map[string]*Fitted // fitted already, in the same way: members of a stack are taken from here
	Keep   Keeper             // keeps nets that are done; may be nil
	Part   string             // begins their names
	Stop   func() error       // asked now and then; its error ends the training; may be nil
	Report func(kind string, seed, epoch int, train, valid float64)
}

// guard of a kind's nets.
func (o Options) guard(kind string) guard { return guard{o.Keep, o.Part + "-" + kind, o.Stop} }

// Fit fits a model of a kind. With valid, nets stop early by it; Stops tells after
// how many epochs they stop without.
func Fit(kind string, train, valid *Set, o Options) (*Fitted, error) {
	f := &Fitted{Kind: kind}
	var err error
	report := func(seed, epoch int, a, b float64) {
		if o.Report != nil {
			o.Report(kind, seed, epoch, a, b)
		}
	}
	switch kind {
	case "majority":
		f.Majority = FitMajority(train)
	case "lr":
		f.Linear = FitLinear(train)
	case "rf":
		f.Trees = FitTrees(train, o.trees(Bagging), false, o.Seed)
	case "gbdt":
		f.Trees = FitTrees(train, o.trees(Boosting), true, o.Seed)
	case "mlp", "cnn":
		f.FeedForward, err = FitFeedForward(train, valid, o.feedForward(kind), o.Seed, report)
	case "lstm", "gru", "attention":
		q := o.sequence(kind)
		var lr, trees *Fitted
		if lr, err = o.member("lr", train, valid); err == nil {
			trees, err = o.member("gbdt", train, valid)
		}
		if err != nil {
			break
		}
		q.skip, q.trees = lr.Linear, trees.Trees.passing()
		q.grow = func(s *Set, seed uint64) *Trees { return fitPassing(s, o.trees(Boosting), true, seed) }
		f.Sequence, err = FitSequence(train, valid, q, o.Seed, report)
	case "stack":
		o.Have = maps.Clone(o.Have) // what is fitted here serves the members after it
		if o.Have == nil {
			o.Have = map[string]*Fitted{}
		}
		for _, k := range members {
			m, err := o.member(k, train, valid)
			if err != nil {
				return nil, err
			}
			o.Have[k] = m
			f.Members = append(f.Members, m)
		}
	default:
		err = CheckKind(kind)
	}
	if err != nil {
		return nil, fmt.Errorf("fit %s: %w", kind, err)
	}
	return f, nil
}

// member gives a model that another one needs: one that is fitted already, or a new one.
func (o Options) member(kind string, train, valid *Set) (*Fitted, error) {
	if m := o.Have[kind]; m != nil {
		return m, nil
	}
	return Fit(kind, train, valid, o)
}

func (o Options) trees(t TreeOptions) TreeOptions {
	if o.Quick {
		t.Count = 20
	}
	return t
}

func (o Options) feedForward(kind string) FeedForwardOptions {
	q := Perceptron
	if kind == "cnn" {
		q = Picture
	}
	q.Stop, q.guard = o.Stops[kind], o.guard(kind)
	if o.Quick {
		q.Seeds, q.Epochs, q.Hidden, q.Batch = 1, 8, 16, 64
	}
	return q
}

func (o Options) sequence(kind string) SequenceOptions {
	q := Recurrence
	switch kind {
	case "gru":
		q.Cell = "gru"
	case "attention":
		q.Attention = 32
	}
	q.Stop, q.guard = o.Stops[kind], o.guard(kind)
	if o.Quick {
		q.Seeds, q.Epochs, q.Hidden, q.Batch = 1, 8, 16, 64
	}
	return q
}

// Calibrate takes the temperatures and what is to be added for students who repeat the module, and those of the
// members, that suit what a twin, fitted without the validation set, says of it.
func (f *Fitted) Calibrate(twin *Fitted, valid *Set) error {
	twin.Heat, twin.Repeats = nil, 0
	for i := range f.Members {
		if err := f.Members[i].Calibrate(twin.Members[i], valid); err != nil {
			return err
		}
		twin.Members[i].Heat, twin.Members[i].Repeats = f.Members[i].Heat, f.Members[i].Repeats
	}
	p, err := twin.Predict(valid)
	if err != nil {
		return err
	}
	f.Heat = Temperatures(valid, p)
	if f.Majority == nil { // it knows no student
		f.Repeats = repeating(valid, p, f.Heat[Passed])
	}
	return nil
}

// Epochs collects after how many epochs the nets of a fitted model were best.
func (f *Fitted) Epochs(into map[string]int) {
	switch {
	case f.FeedForward != nil:
		into[f.Kind] = f.FeedForward.Epochs
	case f.Sequence != nil:
		into[f.Kind] = f.Sequence.Epochs
	}
	for _, m := range f.Members {
		m.Epochs(into)
	}
}
