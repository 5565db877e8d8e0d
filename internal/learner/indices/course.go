package indices

import (
	"bytes"
	"encoding/csv"
	"math"
	"slices"
	"strconv"

	"classlens/internal/learner/logs"
)

func median(v []float64) float64 {
	if len(v) == 0 {
		return nan
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// scoresByDay are the scores in the order of handing in.
func scoresByDay(works []Work) []float64 {
	works = slices.Clone(works)
	slices.SortStableFunc(works, func(a, b Work) int { return cmp(a.Handed, b.Handed) })
	var v []float64
	for _, w := range works {
		if w.Score == w.Score && w.Handed == w.Handed {
			v = append(v, w.Score)
		}
	}
	return v
}

// FromLog makes the record of an enrolment. Daily click logs have no times and no
// items; logs without one have no events. Exams are no work, and what was carried
// over from an earlier presentation neither.
func FromLog(l *logs.Log, enrolment int) Record {
	e := &l.Enrolments[enrolment]
	r := Record{Student: e.Student, Kinds: len(l.Kinds)}
	for _, a := range e.Activities {
		r.Events = append(r.Events, Event{Day: float64(a.Day), Kind: l.Kinds[a.Kind], Clicks: int(a.Clicks), Again: int(a.Again)})
	}
	handed := map[int]logs.Submission{}
	for _, s := range e.Submissions {
		handed[s.Assessment] = s
	}
	for _, i := range l.Courses[e.Course].Assessments {
		a := l.Assessments[i]
		s, ok := handed[i]
		if a.Exam() || ok && s.Banked {
			continue
		}
		w := Work{Due: nan, Handed: nan, Score: nan, Weight: a.Weight}
		if a.Due != logs.NoDay {
			w.Due = float64(a.Due)
		}
		if ok {
			w.Handed, w.Score = float64(s.Day), s.Score
		}
		r.Works = append(r.Works, w)
	}
	return r
}

// Course computes the indices of all who are active in a course on a day.
func Course(l *logs.Log, course, day int) []Indices {
	var all []Indices
	for _, i := range l.Courses[course].Enrolments {
		if l.Enrolments[i].ActiveOn(day) {
			all = append(all, Of(FromLog(l, i), day))
		}
	}
	return all
}

// Ranks gives for each student and column the share of the others with a smaller
// value, ties half; NaN where the value is not known or nobody else's is.
func Ranks(all []Indices) [][]float64 {
	out := make([][]float64, len(all))
	for i := range out {
		out[i] = make([]float64, len(Columns))
	}
	for c, column := range Columns {
		var sorted []float64
		for i := range all {
			if v := column.Of(&all[i]); v == v {
				sorted = append(sorted, v)
			}
		}
		slices.Sort(sorted)
		for i := range all {
			v := column.Of(&all[i])
			out[i][c] = nan
			if v != v || len(sorted) < 2 {
				continue
			}
			from, _ := slices.BinarySearch(sorted, v)
			to, _ := slices.BinarySearch(sorted, math.Nextafter(v, math.Inf(1)))
			out[i][c] = (float64(from) + float64(to-from-1)/2) / float64(len(sorted)-1)
		}
	}
	return out
}

// CSV is a table: student, each index, each index's rank (name_rank). An empty cell
// is not known.
func CSV(all []Indices) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	header := []string{"student"}
	for _, c := range Columns {
		header = append(header, c.Name)
	}
	for _, c := range Columns {
		header = append(header, c.Name+"_rank")
	}
	rows := [][]string{header}
	ranks := Ranks(all)
	for i := range all {
		line := []string{all[i].Student}
		for _, c := range Columns {
			line = append(line, number(c.Of(&all[i])))
		}
		for _, v := range ranks[i] {
			line = append(line, number(v))
		}
		rows = append(rows, line)
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

func number(v float64) string {
	if v != v || math.IsInf(v, 0) {
		return ""
	}
	v = math.Round(v*1e4) / 1e4
	if v == 0 {
		v = 0 // no minus zero
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
