package learner

import (
	"math"
	"slices"
	"testing"

	"classlens/internal/learner/generic"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
)

// Who repeats: enrolled before in the same module and still there when that course began. Which course came before
// is told by OULAD's names and by dates of the generic form; where neither tells, nobody repeats.
func TestRepeats(t *testing.T) {
	l := &logs.Log{Courses: []logs.Course{{Module: "AAA", Presentation: "2013J"}, {Module: "AAA", Presentation: "2013B"}, {Module: "BBB", Presentation: "2013B"}}}
	enrol := func(course int, student string, left int) {
		l.Courses[course].Enrolments = append(l.Courses[course].Enrolments, len(l.Enrolments))
		l.Enrolments = append(l.Enrolments, logs.Enrolment{Course: course, Student: student, Registered: -30, Unregistered: left})
	}
	const never = logs.NoDay
	enrol(0, "again", never)
	enrol(0, "new", never)
	enrol(0, "left before it began", never)
	enrol(0, "other module", never)
	enrol(1, "again", 50)
	enrol(1, "left before it began", 0)
	enrol(2, "other module", 60)
	for _, c := range []struct {
		name   string
		data   *Data
		who    []string
		course int
	}{
		{"OULAD's names", &Data{Form: OULAD}, []string{"again"}, 0},
		{"dates", &Data{Form: Events, Events: &generic.Data{Starts: []float64{2, 1, 1}}}, []string{"again"}, 0},
		{"dates the other way round", &Data{Form: Events, Events: &generic.Data{Starts: []float64{1, 2, 1}}}, []string{"again", "left before it began"}, 1},
		{"no date", &Data{Form: Events, Events: &generic.Data{Starts: []float64{2, math.NaN(), 1}}}, nil, 0},
		{"days are numbers", &Data{Form: Events, Events: &generic.Data{}}, nil, 0},
	} {
		c.data.Log = l
		var rows []models.Row
		for i, e := range l.Enrolments {
			rows = append(rows, models.Row{Enrolment: i, Student: e.Student, Module: l.Courses[e.Course].Module})
		}
		c.data.repeats(rows)
		for _, r := range rows {
			course := l.Enrolments[r.Enrolment].Course
			if want := slices.Contains(c.who, r.Student) && course == c.course; r.Repeats != want {
				t.Errorf("%s: %s in %s repeats: %v", c.name, r.Student, l.Courses[course], r.Repeats)
			}
		}
	}
}
