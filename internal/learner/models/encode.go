package models

import (
	"math"
	"slices"
)

// Encoder turns a snapshot into numbers that nets and linear models take: each
// column less its mean, over its deviation, cut at ±5, 0 where it is not known; then
// a flag for each column that is sometimes not known; then one for the module. A
// module that was not there in training has no flag set.
type Encoder struct {
	Columns []int     `json:"columns"` // of the set
	Mean    []float64 `json:"mean"`
	Scale   []float64 `json:"scale"`
	Flags   []int     `json:"flags"` // positions in Columns
	Modules []string  `json:"modules"`
}

const cut = 5

// courseWide columns are alike for all students of a course on a day. From a
// handful of courses a model of one day learns nothing from them but the
// course's name.
var courseWide = []string{"progress", "weeks", "due_count", "due_weight", "cohort_left", "cohort_handed", "cohort_score"}

// courseNames are those of them that do no more than name a course, whatever learns
// from them: its plan, and how its markers mark.
var courseNames = []string{"due_count", "due_weight", "cohort_score"}

// personal gives the columns that are not course-wide.
func personal(s *Set) []int {
	var out []int
	for i, name := range s.Columns {
		if !slices.Contains(courseWide, name) {
			out = append(out, i)
		}
	}
	return out
}

// timed gives the columns but for those that only name a course.
func timed(s *Set) []int {
	var out []int
	for i, name := range s.Columns {
		if !slices.Contains(courseNames, name) {
			out = append(out, i)
		}
	}
	return out
}

// newEncoder learns means and scales from steps that each gives.
func newEncoder(s *Set, columns []int, each func(do func(row []float32))) *Encoder {
	e := &Encoder{Columns: columns}
	n := len(columns)
	sum, squares, count, total := make([]float64, n), make([]float64, n), make([]float64, n), 0.0
	each(func(row []float32) {
		total++
		for i, c := range columns {
			if v := float64(row[c]); v == v {
				sum[i], squares[i], count[i] = sum[i]+v, squares[i]+v*v, count[i]+1
			}
		}
	})
	for i := range columns {
		m := sum[i] / max(1, count[i])
		e.Mean = append(e.Mean, m)
		e.Scale = append(e.Scale, 1/(math.Sqrt(max(0, squares[i]/max(1, count[i])-m*m))+1e-6))
		if share := count[i] / total; share > 0.01 && share < 0.99 {
			e.Flags = append(e.Flags, i)
		}
	}
	for _, r := range s.Rows {
		if r.Module != "" && !slices.Contains(e.Modules, r.Module) {
			e.Modules = append(e.Modules, r.Module)
		}
	}
	slices.Sort(e.Modules)
	return e
}

// lastSteps walks over the days of prediction, allSteps over all.
func lastSteps(s *Set) func(func([]float32)) {
	return func(do func([]float32)) {
		for i := range s.Rows {
			do(s.Rows[i].Last())
		}
	}
}

func allSteps(s *Set) func(func([]float32)) {
	return func(do func([]float32)) {
		for i := range s.Rows {
			for _, step := range s.Rows[i].Steps {
				do(step)
			}
		}
	}
}

// Width is how many numbers there are.
func (e *Encoder) Width() int { return len(e.Columns) + len(e.Flags) + len(e.Modules) }

// encode writes a snapshot to out[:Width].
func (e *Encoder) encode(out, row []float32, module string) {
	for i, c := range e.Columns {
		out[i] = 0
		if v := float64(row[c]); v == v {
			out[i] = float32(max(-cut, min(cut, (v-e.Mean[i])*e.Scale[i])))
		}
	}
	at := len(e.Columns)
	for k, i := range e.Flags {
		out[at+k] = 0
		if !known(row[e.Columns[i]]) {
			out[at+k] = 1
		}
	}
	at += len(e.Flags)
	for k, m := range e.Modules {
		out[at+k] = 0
		if m == module {
			out[at+k] = 1
		}
	}
}

// last encodes the days of prediction: [rows][Width].
func (e *Encoder) last(s *Set) []float32 {
	w := e.Width()
	x := make([]float32, len(s.Rows)*w)
	for i := range s.Rows {
		e.encode(x[i*w:(i+1)*w], s.Rows[i].Last(), s.Rows[i].Module)
	}
	return x
}
