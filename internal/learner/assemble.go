// Package learner predicts from learning logs how students will do: it reads a
// log, trains models on past presentations, judges them on later ones, and writes
// predictions. Every prediction has a *day* and uses rows dated up to that day.
package learner

import (
	"fmt"
	"math"
	"strconv"

	"classlens/internal/learner/features"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
)

// Day is the day of a prediction: a number of days, or a share of the course.
type Day string

// Mid and End depend on the course's length.
const (
	Mid Day = "mid"
	End Day = "end"
)

// ParseDay checks a day.
func ParseDay(text string) (Day, error) {
	if d := Day(text); d == Mid || d == End {
		return d, nil
	}
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 2000 {
		return "", fmt.Errorf("day %q: want mid, end or a number of days from 1", text)
	}
	return Day(text), nil
}

// In gives the day in a course: mid is half its length, rounded down; a number
// beyond its end is its end.
func (d Day) In(c logs.Course) int {
	switch d {
	case Mid:
		return c.Length / 2
	case End:
		return c.Length
	}
	return min(d.number(), c.Length)
}

// number of a day that is no name; ParseDay checked it.
func (d Day) number() int {
	n, _ := strconv.Atoi(string(d))
	return n
}

// stepsUntil are the days of the snapshots of a prediction: each week's end before
// it, and the day itself.
func stepsUntil(day int) []int {
	var days []int
	for d := 7; d < day; d += 7 {
		days = append(days, d)
	}
	return append(days, day)
}

// Assembled are the rows of courses for a prediction.
type Assembled struct {
	*models.Set
	// Left are enrolments that had registered by the day and left by it, without
	// steps: nobody needs a model to say that they will not pass.
	Left []models.Row
}

// Assemble makes the rows of presentations for a prediction. Those to learn from
// also have students who were there at an earlier step and have left since, not
// present. Tables are for courses with few students; they may be nil.
func (d *Data) Assemble(s Settings, tables *features.Tables, presentations []string, learn bool) (*Assembled, error) {
	if err := d.check(s); err != nil {
		return nil, err
	}
	if d.Flat != nil {
		set, err := d.flatSet(s.Day, presentations)
		return &Assembled{Set: set}, err
	}
	courses, err := d.Log.In(presentations...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return d.assemble(d.builder(s, tables), courses, s, learn), nil
}

func (d *Data) assemble(b *features.Builder, courses []int, s Settings, learn bool) *Assembled {
	out := &Assembled{Set: &models.Set{Columns: b.Names()}}
	for _, c := range courses {
		course := b.Log.Courses[c]
		days := stepsUntil(s.Day.In(course))
		last := days[len(days)-1]
		for _, i := range course.Enrolments {
			e := &b.Log.Enrolments[i]
			if e.RegisteredBy(last) && e.LeftBy(last) {
				out.Left = append(out.Left, models.Row{Enrolment: i, Student: e.Student, Module: course.Module, Presentation: course.Presentation, Day: last,
					Truth: [][models.Targets]float32{models.TruthOf(e.Result, 0, float32(math.NaN()))}})
			}
			if r, ok := rowOf(b, i, c, days); ok && (r.Present || learn) {
				out.Rows = append(out.Rows, r)
			}
		}
	}
	d.repeats(out.Rows)
	if s.OneCourse {
		clickRow(out.Set, b.Log, learn)
	}
	return out
}

// rowOf gives the row of an enrolment that was there on one of the days.
func rowOf(b *features.Builder, enrolment, course int, days []int) (models.Row, bool) {
	e := &b.Log.Enrolments[enrolment]
	r := models.Row{Enrolment: enrolment, Student: e.Student, Module: b.Log.Courses[course].Module, Presentation: b.Log.Courses[course].Presentation, Day: days[len(days)-1]}
	score := finalScore(b.Log, course, e)
	last := -1
	for t, day := range days {
		row := b.At(course, day).Row(enrolment)
		if row == nil {
			continue
		}
		r.Steps = append(r.Steps, row)
		r.Truth = append(r.Truth, models.TruthOf(e.Result, score, trend(b.Log, e, day)))
		last = t
	}
	r.Present, r.Behind = last == len(days)-1, len(days)-1-last
	return r, last >= 0
}

// finalScore is the mean score of the course work by weight (plain where all
// weights are 0), 0 for what was not handed in, as a share; NaN while the result is
// not known.
func finalScore(l *logs.Log, course int, e *logs.Enrolment) float32 {
	if e.Result == logs.NoResult {
		return float32(math.NaN())
	}
	scores := map[int]float64{}
	for _, s := range e.Submissions {
		if !math.IsNaN(s.Score) {
			scores[s.Assessment] = s.Score / 100
		}
	}
	var sum, weight, plain, n float64
	for _, i := range l.Courses[course].Assessments {
		if a := l.Assessments[i]; !a.Exam() {
			sum, weight, plain, n = sum+a.Weight*scores[i], weight+a.Weight, plain+scores[i], n+1
		}
	}
	switch {
	case weight > 0:
		return float32(sum / weight)
	case n > 0:
		return float32(plain / n)
	}
	return float32(math.NaN())
}

// trend is 1 when the first score after the day is at least the mean of those up
// to it, 0 when it is below, NaN when either is missing. Exams do not count.
func trend(l *logs.Log, e *logs.Enrolment, day int) float32 {
	sum, n := 0.0, 0.0
	for _, s := range e.Submissions { // by day
		if math.IsNaN(s.Score) || l.Assessments[s.Assessment].Exam() {
			continue
		}
		if s.Day <= day {
			sum, n = sum+s.Score, n+1
			continue
		}
		if n == 0 {
			break
		}
		if s.Score >= sum/n {
			return 1
		}
		return 0
	}
	return float32(math.NaN())
}
