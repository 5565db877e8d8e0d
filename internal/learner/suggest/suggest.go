// Package suggest says whom a teacher may want to reach first in a course, what in
// the figures moved the prediction, since which week, and what has helped in such
// cases according to which study. It works for any model: it changes what the model
// sees and watches what it says. Nothing is decided here, and nothing is for grading.
//
// A *case* is a student's features week by week. The *reference* is the middle of
// the peers that the model is sure of. A *group* is a kind of activity: columns
// that belong together (see groups.go). A *reason* is a group that lowers the
// chance to pass compared with the reference.
package suggest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Case is one student on one day.
type Case struct {
	Student string
	Module  string
	Steps   [][]float32 // a row of columns each week, oldest first; NaN is not known
	Days    []int       // of the steps
	Repeats bool        // was in an earlier presentation of the module: told to the model, never altered
}

// Predict gives the chance to pass, one a case, 0 to 1. It must not keep or change
// the cases, and may be called with steps that no student has.
type Predict func([]Case) ([]float64, error)

// Options say what to look for.
type Options struct {
	Course  string
	Day     int
	Columns []string // names of the columns of a step
	Most    int      // students in the report; 0: 20
	Below   float64  // only those with a smaller chance; 0: 0.5
	Orders  int      // random orders of the groups to average over; 0: 24
	Seed    uint64
	Order   string // ByRisk ("" too) or ByFall
}

// Orders of the list.
const (
	ByRisk = "risk" // the smallest chance first
	ByFall = "fall" // who lost most in the last two steps first
)

// Marks of every report.
const (
	NotForGrading = "Not for grading. These are guesses of a statistical model from past courses; it knows nothing of illness, work or family. Talk to the student before you conclude anything; nothing is decided automatically."
)

// Report is whom to reach first, and why.
type Report struct {
	Note     string    `json:"note"`
	Course   string    `json:"course"`
	Day      int       `json:"day"`
	Students int       `json:"students"`           // looked at
	Below    float64   `json:"below"`              // only those with a smaller chance
	Order    string    `json:"order"`              // of the list
	Warnings []string  `json:"warnings,omitempty"` // what speaks against the whole list
	Listed   []Student `json:"listed"`
	Class    []Advice  `json:"class"` // what many of the listed have in common
	Video    []Stretch `json:"video,omitempty"`
	Lesson   []Advice  `json:"lesson,omitempty"`        // about the stretches
	Quiet    []string  `json:"lessons_quiet,omitempty"` // lessons without one
}

// Student is one student in need of attention.
type Student struct {
	Student string   `json:"student"`
	Pass    float64  `json:"p_pass"`
	Room    float64  `json:"p_if_like_peers"` // the model's chance if everything one can act on were like the reference
	Fall    float64  `json:"recent"`          // effect of the last two steps on the log-odds, beside peers; below 0: falling
	Reasons []Reason `json:"reasons"`
	Advice  []Advice `json:"advice"`
}

// Reason is a group of columns that lowers the chance.
type Reason struct {
	Group   string    `json:"group"`
	Text    string    `json:"text"`    // what it is about; without figures, why there are none
	Effect  float64   `json:"effect"`  // on the log-odds to pass, below 0
	Since   int       `json:"since"`   // day of the step from which most of the effect came
	Weeks   []float64 `json:"weeks"`   // effect a step; sums to that of this group alone
	Figures []Figure  `json:"figures"` // that stand out
	Act     bool      `json:"can_act"` // false: nothing a teacher can change
}

// Figure is one column that is unlike the reference's, told for people: clicks, not their logarithm.
type Figure struct {
	Column string  `json:"column"`
	Text   string  `json:"text"`
	Value  float64 `json:"value"`
	Peers  float64 `json:"peers"`
	unit   unit
}

func (f Figure) own() string   { return f.unit.show(f.Value) }
func (f Figure) peers() string { return f.unit.show(f.Peers) }

// alike tells whether two figures say the same: one score is the first, the mean and the latest.
func (f Figure) alike(o Figure) bool {
	return f.Text == o.Text || f.unit == o.unit && f.Value == o.Value && math.Abs(f.Peers-o.Peers) <= .05*math.Abs(o.Peers)
}

// String tells the figure in a line.
func (f Figure) String() string { return fmt.Sprintf("%s: %s (peers %s)", f.Text, f.own(), f.peers()) }

// ErrInput says that the cases do not fit the options.
var ErrInput = errors.New("suggest: bad input")

func (o Options) withDefaults() Options {
	o.Most = cmp.Or(o.Most, 20)
	o.Below = cmp.Or(o.Below, .5)
	o.Orders = cmp.Or(o.Orders, 24)
	o.Order = cmp.Or(o.Order, ByRisk)
	return o
}

func (o Options) check(cases []Case) error {
	if o.Order != ByRisk && o.Order != ByFall {
		return fmt.Errorf("%w: order %q, want %s or %s", ErrInput, o.Order, ByRisk, ByFall)
	}
	if len(o.Columns) == 0 || o.Most < 1 || o.Orders < 1 || !(o.Below > 0 && o.Below <= 1) {
		return fmt.Errorf("%w: %d columns, most %d, orders %d, below %g", ErrInput, len(o.Columns), o.Most, o.Orders, o.Below)
	}
	for _, c := range cases {
		if len(c.Steps) == 0 || len(c.Days) != len(c.Steps) {
			return fmt.Errorf("%w: student %s has %d steps and %d days", ErrInput, c.Student, len(c.Steps), len(c.Days))
		}
		for _, s := range c.Steps {
			if len(s) != len(o.Columns) {
				return fmt.Errorf("%w: student %s has %d columns, want %d", ErrInput, c.Student, len(s), len(o.Columns))
			}
		}
	}
	return nil
}

// Make looks at the students of one course on one day.
func Make(cases []Case, predict Predict, o Options) (*Report, error) {
	o = o.withDefaults()
	if err := o.check(cases); err != nil {
		return nil, err
	}
	r := &Report{Note: NotForGrading, Course: o.Course, Day: o.Day, Students: len(cases), Below: o.Below, Order: o.Order}
	if len(cases) == 0 {
		return r, nil
	}
	p, err := ask(predict, cases)
	if err != nil {
		return nil, err
	}
	e := newExplainer(cases, p, predict, o)
	fall, err := e.falls(cases, p)
	if err != nil {
		return nil, err
	}
	var order []int
	for i := range cases {
		if p[i] < o.Below {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if o.Order == ByFall {
			return cmp.Compare(fall[a], fall[b])
		}
		return cmp.Compare(p[a], p[b])
	})
	for _, i := range order[:min(o.Most, len(order))] {
		s, err := e.explain(cases[i], p[i])
		if err != nil {
			return nil, fmt.Errorf("student %s: %w", cases[i].Student, err)
		}
		s.Fall, s.Advice = round(fall[i]), adviceFor(s.Reasons)
		r.Listed = append(r.Listed, s)
	}
	r.Class = common(r.Listed)
	return r, nil
}

// ask calls the model and checks its answer.
func ask(predict Predict, cases []Case) ([]float64, error) {
	p, err := predict(cases)
	if err != nil {
		return nil, err
	}
	if len(p) != len(cases) {
		return nil, fmt.Errorf("%w: the model gave %d answers for %d cases", ErrInput, len(p), len(cases))
	}
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("%w: the model says %g of student %s", ErrInput, v, cases[i].Student)
		}
	}
	return p, nil
}

// logit keeps within ±9.2 (0.0001): beyond it a model's certainty is no measure.
func logit(p float64) float64 {
	p = min(max(p, 1e-4), 1-1e-4)
	return math.Log(p / (1 - p))
}
