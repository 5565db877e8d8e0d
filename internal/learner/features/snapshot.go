package features

import (
	"classlens/internal/learner/logs"
)

// Snapshot holds the rows of a course's cohort on one day.
type Snapshot struct {
	Course, Day int
	Enrolments  []int // indices into the log
	Rows        [][]float32
	Cohort      *Cohort // of the course itself
	index       map[int]int
}

// Row gives an enrolment's row, or nil when it is not in the cohort.
func (s *Snapshot) Row(enrolment int) []float32 {
	if i, ok := s.index[enrolment]; ok {
		return s.Rows[i]
	}
	return nil
}

// Builder makes snapshots and keeps them: the same course and day is built once.
// Not for several goroutines.
type Builder struct {
	Log     *logs.Log
	Options Options
	Tables  *Tables // for cohorts of fewer than 20 students; may be nil
	Extra   []Extra // more columns, after all others

	plans map[int]*plan
	kept  map[[2]int]*Snapshot
}

// Extra are columns that come from elsewhere. Of gives an enrolment's values on a
// day; like all features they must read what is dated up to the day only.
type Extra struct {
	Names []string
	Of    func(enrolment, day int) []float32
}

// Names gives the names of all columns in order.
func (b *Builder) Names() []string {
	names := b.Options.Names()
	for _, x := range b.Extra {
		names = append(names, x.Names...)
	}
	return names
}

// NewBuilder makes a builder.
func NewBuilder(l *logs.Log, o Options, t *Tables) *Builder {
	return &Builder{Log: l, Options: o, Tables: t, plans: map[int]*plan{}, kept: map[[2]int]*Snapshot{}}
}

// At gives the snapshot of a course on a day. It reads rows dated up to the day only.
func (b *Builder) At(course, day int) *Snapshot {
	key := [2]int{course, day}
	if s := b.kept[key]; s != nil {
		return s
	}
	if b.plans[course] == nil {
		b.plans[course] = planOf(b.Log, course)
	}
	s := b.build(b.plans[course], course, day)
	b.kept[key] = s
	return s
}

func (b *Builder) build(p *plan, course, day int) *Snapshot {
	s := &Snapshot{Course: course, Day: day, index: map[int]int{}}
	width, temporal := len(b.Names()), b.Options.temporal()
	var works [][]handed
	registered := 0
	for _, i := range p.course.Enrolments {
		e := &b.Log.Enrolments[i]
		if !e.RegisteredBy(day) {
			continue
		}
		registered++
		if e.LeftBy(day) {
			continue
		}
		row, work := make([]float32, temporal, width), p.work(e, day)
		p.own(row, e, work, day, b.Options)
		s.index[i] = len(s.Rows)
		s.Enrolments, s.Rows, works = append(s.Enrolments, i), append(s.Rows, row), append(works, work)
	}
	s.Cohort = gather(p, day, s.Rows, works, registered)
	reference := b.Tables.reference(s.Cohort)
	for k, i := range s.Enrolments {
		reference.compare(p, s.Rows[k], works[k], day)
		if b.Options.Static {
			s.Rows[k] = static(s.Rows[k], &b.Log.Enrolments[i])
		}
		for _, x := range b.Extra {
			s.Rows[k] = append(s.Rows[k], x.Of(i, day)...)
		}
	}
	return s
}
