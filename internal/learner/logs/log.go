// Package logs reads learning logs: who enrolled, what was due, what was handed
// in, how it was scored, and what was clicked, each dated in days since the
// course began (day 0; days before it are negative).
//
// A *course* is one presentation of a module; an *enrolment* is one student in one
// course. A row that cannot be used is a *bad row*: it is kept out, counted and
// told with file and line, and the rest goes on.
package logs

import (
	"fmt"
	"math"
	"slices"
)

// NoDay is a date that is not known. Compare with it before comparing days.
const NoDay = math.MinInt32

// Result is how an enrolment ended.
type Result int8

// Results in the order that four-way predictions use.
const (
	Withdrawn Result = iota
	Fail
	Pass
	Distinction
	NoResult Result = -1 // not known, as in a course that still runs
)

var resultNames = []string{"Withdrawn", "Fail", "Pass", "Distinction"}

// Results is how many known results there are.
const Results = 4

func (r Result) String() string {
	if r < 0 {
		return ""
	}
	return resultNames[r]
}

// Passed tells whether the enrolment ended in Pass or Distinction.
func (r Result) Passed() bool { return r >= Pass }

// Course is one presentation of a module. Assessments and Enrolments index the
// Log's slices.
type Course struct {
	Module, Presentation string
	Length               int // days
	Assessments          []int
	Enrolments           []int
}

func (c Course) String() string { return c.Module + " " + c.Presentation }

// Assessment is one piece of work that a course asks for.
type Assessment struct {
	ID     string
	Course int
	Kind   string  // TMA (tutor marked), CMA (computer marked), Exam
	Due    int     // day; NoDay for most exams
	Weight float64 // per cent of the course's mark
}

// Exam tells whether it is the final exam, which no feature looks at.
func (a Assessment) Exam() bool { return a.Kind == "Exam" }

// Submission is one assessment handed in.
type Submission struct {
	Assessment int // index into Log.Assessments
	Day        int
	Banked     bool    // carried over from an earlier presentation
	Score      float64 // 0 to 100; NaN when there is none
}

// Activity is what one enrolment clicked on one day in resources of one kind.
type Activity struct {
	Day    int16
	Kind   uint8  // index into Log.Kinds
	Sites  uint8  // rows, that is sites visited; saturates at 255
	Clicks uint16 // saturates at 65,535
	Again  uint16 // clicks beyond the first on the same site and day
}

// Cumulative sums up an enrolment's clicks from its first one to Day.
type Cumulative struct {
	Day          int
	Clicks       float64
	Daily        float64 // mean clicks of an interaction, as the file has it
	Spread       float64 // standard deviation of the same
	ActiveDays   float64
	Interactions float64 // rows of the click log
}

// Enrolment is one student in one course.
type Enrolment struct {
	Course                   int
	Student                  string
	Gender, Region           string
	Education, Deprivation   string // highest qualification; IMD band, "" when unknown
	Age                      string // band
	Disability               bool
	Attempts, Credits        int // earlier attempts at the module; credits studied at once
	Registered, Unregistered int // days or NoDay
	Result                   Result
	Submissions              []Submission // by day
	Activities               []Activity   // by day, then kind; empty without a daily click log
	Cumulative               []Cumulative // by day; empty without cumulative click files
}

// RegisteredBy tells whether the student had registered by the day.
func (e *Enrolment) RegisteredBy(day int) bool {
	return e.Registered != NoDay && e.Registered <= day
}

// LeftBy tells whether the student had unregistered by the day.
func (e *Enrolment) LeftBy(day int) bool {
	return e.Unregistered != NoDay && e.Unregistered <= day
}

// ActiveOn tells whether the student had registered by the day and not left.
func (e *Enrolment) ActiveOn(day int) bool { return e.RegisteredBy(day) && !e.LeftBy(day) }

// ClickForm says how a log records clicks.
type ClickForm string

// Forms of click records.
const (
	NoClicks         ClickForm = "none"
	CumulativeClicks ClickForm = "cumulative"
	DailyClicks      ClickForm = "daily"
)

// BadRow is a row that was kept out.
type BadRow struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

func (b BadRow) String() string { return fmt.Sprintf("%s:%d: %s", b.File, b.Line, b.Reason) }

// Log is all that was read.
type Log struct {
	Courses     []Course
	Assessments []Assessment
	Enrolments  []Enrolment
	Kinds       []string // kinds of activity, in the order of first sight
	Clicks      ClickForm
	Rows        map[string]int // good rows by file
	Bad         []BadRow       // the first MaxBad of them
	BadCount    int
}

// MaxBad is how many bad rows are remembered; all are counted.
const MaxBad = 1000

func (l *Log) bad(file string, line int, format string, a ...any) {
	l.BadCount++
	if len(l.Bad) < MaxBad {
		l.Bad = append(l.Bad, BadRow{file, line, fmt.Sprintf(format, a...)})
	}
}

// Presentations names all presentations that have enrolments, in time order.
func (l *Log) Presentations() []string {
	var names []string
	for _, c := range l.Courses {
		if len(c.Enrolments) > 0 && !slices.Contains(names, c.Presentation) {
			names = append(names, c.Presentation)
		}
	}
	slices.Sort(names)
	return names
}

// In gives the courses of the named presentations that have enrolments. A name
// that has none is an error that says which there are.
func (l *Log) In(presentations ...string) ([]int, error) {
	var courses []int
	for _, p := range presentations {
		found := false
		for i, c := range l.Courses {
			if c.Presentation == p && len(c.Enrolments) > 0 {
				courses, found = append(courses, i), true
			}
		}
		if !found {
			return nil, fmt.Errorf("presentation %q has no enrolments; there are %v", p, l.Presentations())
		}
	}
	return courses, nil
}
