package learner

import (
	"math"
	"slices"

	"classlens/internal/learner/features"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
)

// oneCourse is the column that clickRow adds.
const oneCourse = "one_course"

// hidden is one in how many rows is shown a second time without its clicks.
const hidden = 3

// clickRow keeps the future out of cumulative click files. They have no row for
// students with several courses, later ones included, so that "no row" tells who
// will come back: in 2014B at day 28 56 % of those with a row pass, 41 % of those
// without. A model must not learn that. It is told in a column of its own who has a
// row, and a third of those who have one are shown again with their clicks hidden.
// What it then says for "has a row, clicks unknown" does not know who has none, and
// that is what it is asked for everyone.
func clickRow(s *models.Set, l *logs.Log, learn bool) {
	names := features.Options{Clicks: true}.Names()
	var columns []int
	for _, name := range names[len(features.Options{}.Names()):] {
		columns = append(columns, slices.Index(s.Columns, name))
	}
	s.Columns = append(slices.Clip(s.Columns), oneCourse)
	var again []models.Row
	for i := range s.Rows {
		r := &s.Rows[i]
		has := float32(1)
		if learn && !slices.ContainsFunc(l.Enrolments[r.Enrolment].Cumulative, func(c logs.Cumulative) bool { return c.Day <= r.Day }) {
			has = 0
		}
		for t := range r.Steps {
			r.Steps[t] = append(slices.Clip(r.Steps[t]), has)
		}
		if learn && has == 1 && deal(r.Student+r.Module, hidden) == 0 {
			again = append(again, without(*r, columns))
		}
	}
	s.Rows = append(s.Rows, again...)
}

// without is a copy of a row that lacks columns.
func without(r models.Row, columns []int) models.Row {
	steps := make([][]float32, len(r.Steps))
	for t, step := range r.Steps {
		steps[t] = slices.Clone(step)
		for _, c := range columns {
			steps[t][c] = float32(math.NaN())
		}
	}
	r.Steps = steps
	return r
}
