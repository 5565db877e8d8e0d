// Package timeline turns tracks and the network's decisions into the tables of a
// recording: one row per student and step, intervals of one label, one line per
// student, and the class over time. docs/formats.md describes the files.
package timeline

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"classlens/vision/scene"
)

// Behaviours in the order of the network's output.
var Behaviours = []string{"look_forward", "read", "write", "raise_hand", "turn", "stand", "discuss", "phone", "head_down", "other"}

// Attention labels.
const (
	OnTask  = "on_task"
	OffTask = "off_task"
	Unknown = "unknown"
)

// Meaning is the attention and engagement that one behaviour stands for (configs/labels.yaml).
type Meaning struct {
	Attention  string `json:"attention"`
	Engagement int    `json:"engagement"`
}

// Decision is what the network says of one student at one step.
type Decision struct {
	Behaviour [10]float32 // probabilities
	Moments   []float32   // weight of each step of the window, oldest first
}

// Options of Build.
type Options struct {
	StepSeconds    float64
	ChangeCost     float64 // nats that a change of behaviour costs
	MinInterval    float64 // seconds; shorter intervals join a neighbour
	UnsureBelow    float64 // probability below which a behaviour, and the engagement read from it, is a guess
	AttentionBelow float64 // probability below which attention is unknown
	UsualTurned    float64 // how far the share of turned heads is shrunk towards the usual one: 0 not at all, 1 all the way
	SeenQuality    float64 // quality of a head box that was found or followed; below it, the box was only kept where the head was last
	SeenWithin     float64 // attention is unknown where no box of that quality is within so many seconds: the window that the network sees
}

// Input of Build.
type Input struct {
	Tracks    []scene.Track
	Decisions map[string]map[int]Decision // by track and step; none while the student is hidden
	Meanings  map[string]Meaning          // by behaviour
	Gaps      []scene.Gap                 // spans that could not be read; no interval crosses one
	Options   Options
}

// Row is one student at one step. If Visible is false, the fields after it are
// empty.
type Row struct {
	Step       int
	Time       float64
	Student    string
	Visible    bool
	Box        scene.Box // of the head, source pixels
	Behaviour  string
	BehaviourP float64
	Sure       bool // BehaviourP is not below Options.UnsureBelow: behaviour and engagement count
	// Attention is Unknown if its own probability is below Options.AttentionBelow, independently of Sure: it may be unclear whether a student reads or writes,
	// yet both are on task.
	Attention   string
	AttentionP  float64 // probability of on_task
	Engagement  int
	EngagementP float64
	Motion      float64
}

// Interval is a stretch of one label.
type Interval struct {
	Start, End float64
	Student    string
	Kind       string // behaviour, attention, engagement
	Label      string
	P          float64 // mean probability
}

// Student is one student over the recording.
type Student struct {
	ID             string
	Teacher        bool
	SeatX, SeatY   float64
	Seen           float64   // seconds
	Hidden         float64   // seconds unseen between the first and the last sighting
	OnTaskShare    float64   // of the steps whose attention is known; NaN if there are none
	EngagementMean float64   // of the steps that are sure; NaN if there are none
	Shares         []float64 // of each behaviour, in the order of Behaviours, among the sure steps; NaN if there are none
	HandRaises     int       // only sure ones
	Moments        []Moment  // the steps that weighed most in the decisions
}

// Moment is a step that weighed much in the decisions around it.
type Moment struct {
	Time   float64 `json:"time_s"`
	Weight float64 `json:"weight"`
}

// ClassPoint is the class at one step.
type ClassPoint struct {
	Time       float64
	Visible    int     // students in view
	Known      int     // of these, students whose attention is known
	OnTask     float64 // share of the known; NaN if there are none
	Sure       int     // of the visible, students whose behaviour and engagement are sure
	Engagement float64 // mean of the sure; NaN if there are none
	Hands      int     // hands up, in intervals that count as hand-raises
}

// Timeline is the result of Build.
type Timeline struct {
	Rows      []Row // by time, then student
	Intervals []Interval
	Students  []Student // the teacher last
	Class     []ClassPoint
	Step      float64
	Turned    *Turned // nil: too few students, or not asked for
}

// Build shrinks the share of turned heads towards the usual one, smooths the decisions and derives everything else from them.
func Build(in Input) (*Timeline, error) {
	for _, b := range Behaviours {
		if _, ok := in.Meanings[b]; !ok {
			return nil, fmt.Errorf("timeline: behaviour %s has no meaning", b)
		}
	}
	if in.Options.StepSeconds <= 0 {
		in.Options.StepSeconds = 1
	}
	t := &Timeline{Step: in.Options.StepSeconds}
	in.Decisions, t.Turned = shrinkTurned(in.Tracks, in.Decisions, in.Options.UsualTurned)
	for _, track := range in.Tracks {
		rows := in.rows(track)
		intervals := in.intervals(rows)
		t.Rows = append(t.Rows, rows...)
		t.Intervals = append(t.Intervals, intervals...)
		t.Students = append(t.Students, in.student(track, rows, intervals))
	}
	slices.SortStableFunc(t.Rows, func(a, b Row) int {
		if a.Step != b.Step {
			return a.Step - b.Step
		}
		return strings.Compare(a.Student, b.Student)
	})
	slices.SortStableFunc(t.Students, func(a, b Student) int { return strings.Compare(a.ID, b.ID) })
	slices.SortStableFunc(t.Intervals, compareIntervals)
	t.Class = in.class(t.Rows, t.Intervals)
	return t, nil
}

func compareIntervals(a, b Interval) int {
	switch {
	case a.Student != b.Student:
		return strings.Compare(a.Student, b.Student)
	case a.Kind != b.Kind:
		return slices.Index(kinds, a.Kind) - slices.Index(kinds, b.Kind)
	case a.Start < b.Start:
		return -1
	case a.Start > b.Start:
		return 1
	}
	return 0
}

// rows of one track, behaviour smoothed over time.
func (in Input) rows(track scene.Track) []Row {
	var rows []Row
	var decided []int // places in rows
	var seen []Decision
	for _, s := range track.Sightings {
		r := Row{Step: s.Step, Time: s.Time, Student: track.ID, Visible: s.Visible, Engagement: -1}
		if d, ok := in.Decisions[track.ID][s.Step]; ok && s.Visible {
			decided, seen = append(decided, len(rows)), append(seen, d)
		}
		if s.Visible {
			r.Box, r.Motion = s.Head, s.Motion
		}
		rows = append(rows, r)
	}
	labels := smooth(seen, in.Options.ChangeCost)
	labels = joinShort(labels, decided, in.Options)
	near := in.nearlySeen(track.Sightings)
	for k, i := range decided {
		in.read(&rows[i], seen[k], labels[k])
		if !near[i] {
			rows[i].Attention, rows[i].Sure = Unknown, false
		}
	}
	return rows
}

// nearlySeen tells, for each step, whether the student's head was found or followed within SeenWithin of it. Otherwise the box was only kept in place,
// what the network saw may be a desk, and its decision is a guess.
func (in Input) nearlySeen(all []scene.Sighting) []bool {
	out := make([]bool, len(all))
	last := math.Inf(-1)
	for i, s := range all {
		if s.Visible && s.Quality >= in.Options.SeenQuality {
			last = s.Time
		}
		out[i] = s.Time-last <= in.Options.SeenWithin
	}
	next := math.Inf(1)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Visible && all[i].Quality >= in.Options.SeenQuality {
			next = all[i].Time
		}
		out[i] = out[i] || next-all[i].Time <= in.Options.SeenWithin
	}
	return out
}

// read fills a row's labels from a decision and its smoothed behaviour.
func (in Input) read(r *Row, d Decision, label int) {
	r.Behaviour, r.BehaviourP = Behaviours[label], float64(d.Behaviour[label])
	meaning := in.Meanings[r.Behaviour]
	r.Engagement = meaning.Engagement
	on, known := 0.0, 0.0
	for i, b := range Behaviours {
		m, p := in.Meanings[b], float64(d.Behaviour[i])
		if m.Engagement == meaning.Engagement {
			r.EngagementP += p
		}
		if m.Attention != Unknown {
			known += p
		}
		if m.Attention == OnTask {
			on += p
		}
	}
	r.AttentionP = 0.5
	if known > 0 {
		r.AttentionP = on / known
	}
	r.Sure = r.BehaviourP >= in.Options.UnsureBelow
	r.Attention = meaning.Attention
	if _, p := r.label("attention"); p < in.Options.AttentionBelow {
		r.Attention = Unknown
	}
}
