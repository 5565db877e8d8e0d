package generic

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"classlens/internal/learner/indices"
	"classlens/internal/learner/logs"
)

// Post is something a student wrote.
type Post struct {
	Enrolment int
	Day       float64
	Text      string
}

// Data is a folder in the generic form.
type Data struct {
	Log     *logs.Log
	Records []indices.Record // of each enrolment, with times and items
	Posts   []Post           // by day
	Lessons [][]Lesson       // of each enrolment, by day; nil without lessons.csv
	Starts  []float64        // of each course, days since 1970, NaN for one without events; nil where days are numbers
	Last    float64          // of the last thing that was done in the folder, days since 1970
}

// event is a row of events.csv.
type event struct {
	enrolment, course int
	time              float64 // days since 1970, or as the file counts
	kind, item        string
	value             float64 // NaN when empty
}

type reader struct {
	dir     string
	data    *Data
	bad     Bad
	courses map[string]int
	who     map[[2]string]int
	events  []event
	dated   int // 0 not known yet, 1 dates, 2 numbers of days
	start   []float64
	scores  map[[2]string]int // course, piece: assessment
}

// all is the student of events that concern everyone in the course.
const all = "*"

// ReadEvents reads a folder with events.csv (student, course, time, kind, value and
// maybe item), outcomes.csv (student, course, result) and maybe courses.csv (course,
// start, days), posts.csv (student, course, time, text) and lessons.csv.
func ReadEvents(dir string) (*Data, error) {
	r := &reader{dir: dir, courses: map[string]int{}, who: map[[2]string]int{}, scores: map[[2]string]int{},
		data: &Data{Log: &logs.Log{Clicks: logs.DailyClicks, Rows: map[string]int{}}}}
	for _, step := range []func() error{r.readOutcomes, r.readEvents, r.readCourses, r.place, r.readPosts, r.readLessons} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	r.data.Log.Bad, r.data.Log.BadCount = r.bad.Rows, r.bad.Count
	return r.data, nil
}

func (r *reader) read(name string, columns []string, do func(row) string) error {
	n, err := read(filepath.Join(r.dir, name), name, 0, columns, &r.bad, do)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: %w", name, fs.ErrNotExist)
	}
	r.data.Log.Rows[name] = n
	return err
}

func (r *reader) has(name string) bool {
	_, err := os.Stat(filepath.Join(r.dir, name))
	return err == nil
}

// course by name: "module/presentation", or one name for both.
func (r *reader) course(name string) int {
	if i, ok := r.courses[name]; ok {
		return i
	}
	module, presentation, ok := strings.Cut(name, "/")
	if !ok {
		presentation = name
	}
	i := len(r.data.Log.Courses)
	r.courses[strings.Clone(name)] = i
	r.data.Log.Courses = append(r.data.Log.Courses, logs.Course{Module: strings.Clone(module), Presentation: strings.Clone(presentation)})
	r.start = append(r.start, math.NaN())
	return i
}

func (r *reader) readOutcomes() error {
	l := r.data.Log
	return r.read("outcomes.csv", []string{"student", "course", "result"}, func(f row) string {
		student, course := f.get("student"), f.get("course")
		if student == "" || student == all || course == "" {
			return "student or course is empty"
		}
		if _, twice := r.who[[2]string{course, student}]; twice {
			return fmt.Sprintf("student %s a second time in %s", student, course)
		}
		result, reason := resultOf(f.get("result"))
		if reason != "" {
			return reason
		}
		c, i := r.course(course), len(l.Enrolments)
		r.who[[2]string{strings.Clone(course), strings.Clone(student)}] = i
		l.Courses[c].Enrolments = append(l.Courses[c].Enrolments, i)
		l.Enrolments = append(l.Enrolments, logs.Enrolment{Course: c, Student: strings.Clone(student), Registered: -1, Unregistered: logs.NoDay, Result: result})
		r.data.Records = append(r.data.Records, indices.Record{Student: strings.Clone(student), Timed: true})
		return ""
	})
}

// resultOf takes the four results in any case, pass/fail as 1/0, empty for not known.
func resultOf(text string) (logs.Result, string) {
	switch strings.ToLower(text) {
	case "":
		return logs.NoResult, ""
	case "0":
		return logs.Fail, ""
	case "1":
		return logs.Pass, ""
	}
	for result := logs.Withdrawn; result < logs.Results; result++ {
		if strings.EqualFold(text, result.String()) {
			return result, ""
		}
	}
	return 0, fmt.Sprintf("result %q is none of Withdrawn, Fail, Pass, Distinction, 0, 1", text)
}

// when reads a time within 1970 to 2199, so that a spreadsheet's 1900-01-01 does not make a course 126 years long: 2026-02-03, 2026-02-03T10:15[:00][Z], 2026-02-03 10:15[:00], or a number of days.
func (r *reader) when(text string) (float64, string) {
	if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		if v < math.MinInt16 || v > math.MaxInt16 {
			return 0, fmt.Sprintf("time %q is no number of days since a course began (a spreadsheet's date as a number? format the column as 2026-02-03)", text)
		}
		return v, r.form(2)
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			if t.Year() < 1970 || t.Year() >= 2200 {
				return 0, fmt.Sprintf("time %q is no time of a course: its year is not within 1970 to 2199 (spreadsheets write 1899 or 1900 for an empty date)", text)
			}
			_, offset := t.Zone() // the clock on the wall
			return float64(t.Unix()+int64(offset)) / 86400, r.form(1)
		}
	}
	return 0, fmt.Sprintf("time %q is neither a date (2026-02-03, 2026-02-03T10:15:00) nor a number of days", text)
}

func (r *reader) form(dated int) string {
	if r.dated == 0 {
		r.dated = dated
	}
	if r.dated != dated {
		return "dates and numbers of days in one folder"
	}
	return ""
}

func (r *reader) readEvents() error {
	return r.read("events.csv", []string{"student", "course", "time", "kind", "value"}, func(f row) string {
		student, course := f.get("student"), f.get("course")
		c, ok := r.courses[course]
		if !ok {
			return fmt.Sprintf("course %q is not in outcomes.csv", course)
		}
		e := event{enrolment: -1, course: c, value: math.NaN()}
		if student != all {
			if e.enrolment, ok = r.who[[2]string{course, student}]; !ok {
				return fmt.Sprintf("student %s of %s is not in outcomes.csv", student, course)
			}
		}
		var reason string
		if e.time, reason = r.when(f.numeral("time")); reason != "" {
			return reason
		}
		if e.kind = strings.Clone(f.get("kind")); e.kind == "" {
			return "kind is empty"
		}
		e.item = strings.Clone(f.get("item"))
		if text := f.numeral("value"); text != "" {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Sprintf("value %q is no number", text)
			}
			e.value = v
		}
		if reason := check(e); reason != "" {
			return reason
		}
		r.events = append(r.events, e)
		return ""
	})
}

// check knows the kinds that mean something; every other is an activity.
func check(e event) string {
	kind, piece, _ := strings.Cut(e.kind, ":")
	switch {
	case kind == "due" && (e.enrolment >= 0 || piece == "" || !(e.value >= 0 && e.value <= 100)):
		return "due:NAME wants student * and a weight from 0 to 100"
	case kind == "due":
	case e.enrolment < 0:
		return "student * is for due:NAME alone"
	case kind == "score" && (piece == "" || e.value < 0 || e.value > 100):
		return "score:NAME wants a value from 0 to 100, or none"
	case kind == "score" || e.kind == "registered" || e.kind == "left":
	case e.value == e.value && (e.value < 1 || e.value > math.MaxUint16 || e.value != math.Trunc(e.value)):
		return fmt.Sprintf("value %g of an activity is no whole number from 1 to %d", e.value, math.MaxUint16)
	}
	return ""
}

// readCourses takes starts and lengths from courses.csv where there is one.
func (r *reader) readCourses() error {
	if !r.has("courses.csv") {
		return nil
	}
	return r.read("courses.csv", []string{"course", "start", "days"}, func(f row) string {
		c, ok := r.courses[f.get("course")]
		if !ok {
			return fmt.Sprintf("course %q is not in outcomes.csv", f.get("course"))
		}
		start, reason := r.when(f.numeral("start"))
		if reason != "" {
			return reason
		}
		days, reason := f.number("days", 1, 2000)
		if reason != "" {
			return reason
		}
		r.start[c], r.data.Log.Courses[c].Length = math.Floor(start), int(days)
		return ""
	})
}

// saw notes that something was done at a time.
func (r *reader) saw(time float64) {
	if r.dated == 1 {
		r.data.Last = max(r.data.Last, time)
	}
}

// place turns events into the log, in days since each course's start: that of
// courses.csv, else the day of the first event (or 0 where days are numbers). A
// length that courses.csv does not give is the last event's day, which is known only
// in the end: give it, when days like mid and end matter.
func (r *reader) place() error {
	l := r.data.Log
	slices.SortStableFunc(r.events, func(a, b event) int { return cmp.Compare(a.time, b.time) })
	for _, e := range r.events {
		if math.IsNaN(r.start[e.course]) {
			r.start[e.course] = math.Floor(e.time)
			if r.dated == 2 {
				r.start[e.course] = 0
			}
		}
	}
	if r.dated == 1 {
		r.data.Starts = slices.Clone(r.start)
	}
	last := make([]int, len(l.Courses))
	for i := range r.events {
		if r.events[i].enrolment >= 0 { // what is due may be yet to come
			r.saw(r.events[i].time)
		}
		r.events[i].time -= r.start[r.events[i].course]
		c := r.events[i].course
		last[c] = max(last[c], int(r.events[i].time)+1)
	}
	for c := range l.Courses {
		if l.Courses[c].Length == 0 {
			l.Courses[c].Length = max(1, last[c])
		}
	}
	r.pieces()
	return r.fill()
}
