package generic

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"classlens/internal/learner/indices"
	"classlens/internal/learner/logs"
)

// pieces makes the assessments: those that are due, by due:NAME, and those that
// were only ever scored, due at the course's end with weight 0.
func (r *reader) pieces() {
	l := r.data.Log
	add := func(course int, name string, due int, weight float64) {
		key := [2]string{l.Courses[course].String(), name}
		if _, ok := r.scores[key]; ok {
			return
		}
		i := len(l.Assessments)
		r.scores[key] = i
		l.Assessments = append(l.Assessments, logs.Assessment{ID: name, Course: course, Kind: "TMA", Due: due, Weight: weight})
		l.Courses[course].Assessments = append(l.Courses[course].Assessments, i)
	}
	for _, want := range []string{"due", "score"} {
		for _, e := range r.events {
			kind, name, _ := strings.Cut(e.kind, ":")
			if kind != want {
				continue
			}
			if kind == "due" {
				add(e.course, name, int(math.Floor(e.time)), e.value)
			} else {
				add(e.course, name, l.Courses[e.course].Length, 0)
			}
		}
	}
}

// fill gives each enrolment what it did, by day; r.events is by time.
func (r *reader) fill() error {
	l, kinds := r.data.Log, map[string]uint8{}
	type place struct {
		enrolment int
		day       int16
		kind      uint8
	}
	seen := map[place]map[string]bool{}
	for _, e := range r.events {
		if e.enrolment < 0 {
			continue
		}
		if !(e.time >= math.MinInt16+1 && e.time < math.MaxInt16) {
			return fmt.Errorf("events.csv: an event %.0f days from its course's start; does courses.csv have the right start?", e.time)
		}
		student, record := &l.Enrolments[e.enrolment], &r.data.Records[e.enrolment]
		day := int(math.Floor(e.time))
		kind, piece, _ := strings.Cut(e.kind, ":")
		switch kind {
		case "registered":
			student.Registered = day
			continue
		case "left":
			student.Unregistered = day
			continue
		case "score":
			student.Submissions = append(student.Submissions, logs.Submission{Assessment: r.scores[[2]string{l.Courses[e.course].String(), piece}], Day: day, Score: e.value})
			continue
		}
		k, ok := kinds[e.kind]
		if !ok {
			if len(kinds) > math.MaxUint8 {
				return fmt.Errorf("events.csv: more than 256 kinds of activity, %q among them", e.kind)
			}
			k = uint8(len(kinds))
			kinds[e.kind] = k
			l.Kinds = append(l.Kinds, e.kind)
		}
		clicks := 1
		if e.value == e.value {
			clicks = int(e.value)
		}
		again, p := clicks-1, place{e.enrolment, int16(day), k}
		if seen[p] == nil {
			seen[p] = map[string]bool{}
		}
		if seen[p][e.item] && e.item != "" {
			again = clicks
		}
		fresh := !seen[p][e.item] || e.item == ""
		seen[p][e.item] = true
		student.Activities = merge(student.Activities, logs.Activity{Day: p.day, Kind: k, Clicks: uint16(clicks), Again: uint16(again)}, fresh)
		record.Events = append(record.Events, indices.Event{Day: e.time, Kind: e.kind, Item: e.item, Clicks: clicks, Again: again})
	}
	r.finish()
	return nil
}

// merge adds to the entry of the same day and kind; events come by time.
func merge(all []logs.Activity, a logs.Activity, site bool) []logs.Activity {
	i := len(all) - 1
	for i >= 0 && all[i].Day == a.Day && all[i].Kind != a.Kind {
		i--
	}
	if i < 0 || all[i].Day != a.Day {
		all = append(all, logs.Activity{Day: a.Day, Kind: a.Kind})
		i = len(all) - 1
	}
	b := &all[i]
	b.Clicks = uint16(min(int(b.Clicks)+int(a.Clicks), math.MaxUint16))
	b.Again = uint16(min(int(b.Again)+int(a.Again), math.MaxUint16))
	if site {
		b.Sites = uint8(min(int(b.Sites)+1, math.MaxUint8))
	}
	return all
}

// finish sorts, keeps the first score of each piece, and completes the records.
func (r *reader) finish() {
	l := r.data.Log
	for i := range l.Enrolments {
		e := &l.Enrolments[i]
		slices.SortStableFunc(e.Activities, func(a, b logs.Activity) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind)) })
		var kept []logs.Submission
		for _, s := range e.Submissions {
			if !slices.ContainsFunc(kept, func(o logs.Submission) bool { return o.Assessment == s.Assessment }) {
				kept = append(kept, s)
			}
		}
		e.Submissions = kept
		works := indices.FromLog(l, i)
		r.data.Records[i].Works, r.data.Records[i].Kinds = works.Works, works.Kinds
	}
}
