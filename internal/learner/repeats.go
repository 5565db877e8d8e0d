package learner

import "classlens/internal/learner/models"

// repeats marks the rows of students who were in an earlier presentation of the same module of this log once it had
// begun. That is known on the first day of the course. In OULAD a fifth of them pass where a third would by their
// figures, earlier attempts among these (docs/measured.md): who comes back at once is not like who comes back after years.
func (d *Data) repeats(rows []models.Row) {
	first := map[[2]string]int{} // earliest course of each module and student
	for i := range d.Log.Enrolments {
		e := &d.Log.Enrolments[i]
		if e.LeftBy(0) {
			continue
		}
		key := [2]string{d.Log.Courses[e.Course].Module, e.Student}
		if c, ok := first[key]; !ok || d.before(e.Course, c) {
			first[key] = e.Course
		}
	}
	for i := range rows {
		c, ok := first[[2]string{rows[i].Module, rows[i].Student}]
		rows[i].Repeats = ok && d.before(c, d.Log.Enrolments[rows[i].Enrolment].Course)
	}
}

// before tells whether one course of a module surely began before another one: OULAD's names tell (2013B, 2013J, 2014B), the
// generic form's dates do. Where days are numbers nothing tells.
func (d *Data) before(a, b int) bool {
	switch {
	case d.Form == OULAD:
		return d.Log.Courses[a].Presentation < d.Log.Courses[b].Presentation
	case d.Events == nil || d.Events.Starts == nil:
		return false
	}
	return d.Events.Starts[a] < d.Events.Starts[b] // false when one is not known
}
