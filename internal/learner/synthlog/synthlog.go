// Package synthlog makes up learning logs whose causes are known: students of
// whom the log says why they will struggle, in OULAD's official layout. Tests of
// readers and explanations use it; no figure about real students comes from it.
//
// A student's *cause* is what goes wrong and from which week; the outcome is drawn
// from it. The same Options give the same bytes.
package synthlog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Cause is why a student will struggle.
type Cause string

// Causes. Each leaves its mark in one part of the log alone.
const (
	None     Cause = "none"     // nothing: most pass
	Inactive Cause = "inactive" // hardly clicks any more
	Missing  Cause = "missing"  // hands nothing in any more
	Late     Cause = "late"     // hands everything in a week or so late
	Low      Cause = "low"      // scores below 40
)

// Causes are all causes, None first.
var Causes = []Cause{None, Inactive, Missing, Late, Low}

// passes is the chance to pass under a cause.
var passes = map[Cause]float64{None: .93, Inactive: .12, Missing: .08, Late: .2, Low: .12}

// Options say how much to make up.
type Options struct {
	Seed          uint64
	Modules       int      // named AAA, BBB, …; 0: 2
	Presentations []string // nil: 2013B, 2013J, 2014B
	Students      int      // in all courses together
	Weeks         int      // of a course; 0: 34
	Rows          int      // of the click log, exact when Healthy; 0: 150 a student
	Healthy       bool     // no causes at all
	Gzip          bool     // the click log is gzipped
}

func (o Options) withDefaults() Options {
	if o.Modules == 0 {
		o.Modules = 2
	}
	if o.Presentations == nil {
		o.Presentations = []string{"2013B", "2013J", "2014B"}
	}
	if o.Weeks == 0 {
		o.Weeks = 34
	}
	if o.Rows == 0 {
		o.Rows = 150 * o.Students
	}
	return o
}

func (o Options) check() error {
	if o.Modules < 1 || o.Modules > 26 || len(o.Presentations) == 0 || o.Students < 1 || o.Students > 1<<22 || o.Weeks < 8 || o.Weeks > 100 || o.Rows < 1 {
		return fmt.Errorf("synthlog: %d modules, %d presentations, %d students, %d weeks, %d rows: out of bounds",
			o.Modules, len(o.Presentations), o.Students, o.Weeks, o.Rows)
	}
	return nil
}

// Student is one made-up enrolment and the truth about it.
type Student struct {
	ID                   int
	Module, Presentation string
	Cause                Cause
	From                 int // week of the course, from 0, in which the cause begins
	Result               string
	Registered           int // day
	Unregistered         int // day; Stayed when never
	Submissions          []Submission

	index    int
	ability  float64
	weekdays [7]float64 // weights of the days of the week
}

// Stayed is the day of leaving of a student who stayed.
const Stayed = math.MaxInt32

// Submission is one assessment handed in.
type Submission struct {
	Assessment, Day int
	Score           float64
}

// assessment of one course.
type assessment struct {
	id, due int
	kind    string
	weight  int
}

// log is a made-up log: everything but the clicks, which are drawn when written.
type log struct {
	o       Options
	courses []course
}

type course struct {
	module, presentation string
	assessments          []assessment
	firstSite            int
}

func (o Options) random(stream, n int) *rand.Rand {
	return rand.New(rand.NewPCG(o.Seed, uint64(stream)<<40+uint64(n)))
}

func (o Options) days() int { return o.Weeks * 7 }

// plan lays the courses out: an assessment every four weeks, weights summing to
// 100, and an exam.
func plan(o Options) *log {
	l := &log{o: o}
	for m := range o.Modules {
		for _, p := range o.Presentations {
			i := len(l.courses)
			c := course{module: string([]byte{'A' + byte(m), 'A' + byte(m), 'A' + byte(m)}), presentation: p, firstSite: 500000 + 1000*i}
			var dues []int
			for week := 3; week < o.Weeks-1; week += 4 {
				dues = append(dues, week*7+4)
			}
			for k, due := range dues {
				kind := "TMA"
				if k%3 == 2 {
					kind = "CMA"
				}
				weight := 100 / len(dues)
				if k == 0 {
					weight += 100 % len(dues)
				}
				c.assessments = append(c.assessments, assessment{1000 + 100*i + k, due, kind, weight})
			}
			c.assessments = append(c.assessments, assessment{1000 + 100*i + 99, -1, "Exam", 100})
			l.courses = append(l.courses, c)
		}
	}
	return l
}

// student makes up enrolment i; every one has a stream of its own.
func (l *log) student(i int) Student {
	o, r := l.o, l.o.random(1, i)
	c := l.courses[i%len(l.courses)]
	s := Student{ID: 10000 + i, Module: c.module, Presentation: c.presentation, Cause: None, Registered: -20 - r.IntN(120), Unregistered: Stayed, index: i, ability: r.NormFloat64()}
	for d := range s.weekdays {
		s.weekdays[d] = math.Exp(r.NormFloat64())
	}
	if !o.Healthy && r.Float64() < .5 {
		s.Cause = Causes[1+r.IntN(len(Causes)-1)]
		s.From = 1 + r.IntN(max(1, o.Weeks/4))
	}
	s.submit(c, r)
	passed := r.Float64() < passes[s.Cause]
	switch {
	case passed && s.ability > 1:
		s.Result = "Distinction"
	case passed:
		s.Result = "Pass"
	case s.Cause != None && r.Float64() < .3:
		s.Result = "Withdrawn"
		s.Unregistered = min(7*(s.From+10+r.IntN(8)), o.days()-1)
		s.Submissions = slices.DeleteFunc(s.Submissions, func(x Submission) bool { return x.Day >= s.Unregistered })
	default:
		s.Result = "Fail"
	}
	return s
}

// submit makes up what is handed in: a day or so early, scores about 70.
func (s *Student) submit(c course, r *rand.Rand) {
	for _, a := range c.assessments {
		day := a.due - r.IntN(4)
		score := min(100, max(40, 72+8*s.ability+7*r.NormFloat64()))
		if a.kind == "Exam" || r.Float64() < .03 {
			continue // a few miss one without a cause
		}
		if a.due >= s.From*7 {
			switch s.Cause {
			case Missing:
				continue
			case Late:
				day = a.due + 5 + r.IntN(8)
			case Low:
				score = max(5, min(39, 28+7*r.NormFloat64()))
			}
		}
		s.Submissions = append(s.Submissions, Submission{a.id, day, math.Round(score)})
	}
}
