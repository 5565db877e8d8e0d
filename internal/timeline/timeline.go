// Package timeline turns tracks and the network's decisions into what a run
// leaves behind: one row a student a step, intervals, a line a student, and the
// class over time. docs/formats.md describes the files.
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

// Meaning is how one behaviour is read (configs/labels.yaml).
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
	UsualTurned    float64 // how far the share of turned heads is drawn to the usual one: 0 not at all, 1 the whole way
	SeenQuality    float64 // quality of a head box from which on the head was found or followed, not only held where it was last
	SeenWithin     float64 // seconds about a step of which one must be so, else attention is unknown there; what the network looks at
}

// Input of Build.
type Input struct {
	Tracks    []scene.Track
	Decisions map[string]map[int]Decision // by track and step; none where the student is hidden
	Meanings  map[string]Meaning          // by behaviour
	Gaps      []scene.Gap                 // spans that could not be read: no interval goes over one
	Options   Options
}

// Row is one student at one step. Where Visible is false the fields after it
// are empty.
type Row struct {
	Step       int
	Time       float64
	Student    string
	Visible    bool
	Box        scene.Box // of the head, source pixels
	Behaviour  string
	BehaviourP float64
	Sure       bool // BehaviourP is not below Options.UnsureBelow: behaviour and engagement count
	// Attention is Unknown where its own probability is below Options.AttentionBelow, which is another question than Sure: whether a student reads or writes
	// may be open and yet both are on task.
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
	Hidden         float64   // seconds between the first and the last sighting without one
	OnTaskShare    float64   // of the steps whose attention is known; NaN where there are none
	EngagementMean float64   // of the steps that are sure; NaN where there are none
	Shares         []float64 // likewise, in the order of Behaviours
	HandRaises     int       // those that are sure
	Moments        []Moment  // the steps that weighed most in the decisions
}

// Moment is a step that decided.
type Moment struct {
	Time   float64 `json:"time_s"`
	Weight float64 `json:"weight"`
}

// ClassPoint is the class at one step; shares are NaN where nobody is sure.
type ClassPoint struct {
	Time       float64
	Visible    int // students in view
	Sure       int // of them, those that OnTask is the share of
	OnTask     float64
	Decided    int // of them, those that Engagement is the mean of
	Engagement float64
	Hands      int // up: steps of the intervals that count as hand-raises
}

// Timeline is all of it.
type Timeline struct {
	Rows      []Row // by time, then student
	Intervals []Interval
	Students  []Student // the teacher last
	Class     []ClassPoint
	Step      float64
	Turned    *Turned // nil: no class, or not asked for
}

// Build draws the share of turned heads to the usual one, smooths the decisions and derives everything else.
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
	in.Decisions, t.Turned = drawTurned(in.Tracks, in.Decisions, in.Options.UsualTurned)
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
	labels = joinShort(labels, rows, decided, in.Options)
	near := in.nearlySeen(track.Sightings)
	for k, i := range decided {
		in.read(&rows[i], seen[k], labels[k])
		if !near[i] {
			rows[i].Attention, rows[i].Sure = Unknown, false
		}
	}
	return rows
}

// nearlySeen tells, step by step, whether the student's head was found or followed about then. Where it was only held in place for longer than the
// network looks to either side, what the network saw may be a desk, and its decision is a guess.
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

// student sums one track up.
func (in Input) student(track scene.Track, rows []Row, intervals []Interval) Student {
	s := Student{ID: track.ID, Teacher: track.Teacher, SeatX: track.SeatX, SeatY: track.SeatY, Shares: make([]float64, len(Behaviours))}
	on, sure, engaged, visible, decided := 0, 0, 0, 0, 0
	first, last := -1, -1
	for i, r := range rows {
		if !r.Visible {
			continue
		}
		if visible++; first < 0 {
			first = i
		}
		last = i
		if r.Behaviour == "" {
			continue
		}
		if r.Sure {
			decided++
			engaged += r.Engagement
			s.Shares[slices.Index(Behaviours, r.Behaviour)]++
		}
		if r.Attention != Unknown {
			sure++
		}
		if r.Attention == OnTask {
			on++
		}
	}
	s.Seen = float64(visible) * in.Options.StepSeconds
	if first >= 0 {
		s.Hidden = float64(last-first+1-visible) * in.Options.StepSeconds
	}
	s.OnTaskShare, s.EngagementMean = ratio(on, sure), ratio(engaged, decided)
	for i := range s.Shares {
		s.Shares[i] /= float64(decided) // 0/0 is NaN: not known
	}
	for _, v := range intervals {
		if in.handRaise(v) {
			s.HandRaises++
		}
	}
	s.Moments = in.moments(track)
	return s
}

// handRaise tells whether an interval counts as a hand-raise: one that is sure as a whole.
func (in Input) handRaise(v Interval) bool {
	return v.Kind == "behaviour" && v.Label == "raise_hand" && v.P >= in.Options.UnsureBelow
}

func ratio(a, b int) float64 {
	if b == 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}

// maxMoments is how many deciding steps are kept a student.
const maxMoments = 3

// moments are the steps on which the network's attention lay most, more than
// evenly, over the decisions around them.
func (in Input) moments(track scene.Track) []Moment {
	weight := map[int]float64{}
	for i, s := range track.Sightings {
		d, ok := in.Decisions[track.ID][s.Step]
		if !ok {
			continue
		}
		for k, w := range d.Moments {
			if j := i + k - len(d.Moments)/2; j >= 0 && j < len(track.Sightings) {
				weight[j] += float64(w)
			}
		}
	}
	var all []Moment
	for i, s := range track.Sightings {
		if weight[i] > 1 {
			all = append(all, Moment{Time: s.Time, Weight: weight[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b Moment) int {
		switch {
		case a.Weight > b.Weight:
			return -1
		case a.Weight < b.Weight:
			return 1
		}
		return 0
	})
	return all[:min(len(all), maxMoments)]
}

// class sums the students (not the teacher) up at each step.
func (in Input) class(rows []Row, intervals []Interval) []ClassPoint {
	teacher := map[string]bool{}
	for _, t := range in.Tracks {
		teacher[t.ID] = t.Teacher
	}
	raises := map[string][]Interval{}
	for _, v := range intervals {
		if in.handRaise(v) {
			raises[v.Student] = append(raises[v.Student], v)
		}
	}
	var points []ClassPoint
	for i := 0; i < len(rows); {
		p := ClassPoint{Time: rows[i].Time}
		on, engaged := 0, 0
		step := rows[i].Step
		for ; i < len(rows) && rows[i].Step == step; i++ {
			r := rows[i]
			if teacher[r.Student] || !r.Visible {
				continue
			}
			if p.Visible++; r.Behaviour == "" {
				continue
			}
			if r.Sure {
				p.Decided++
				engaged += r.Engagement
			}
			if r.Attention != Unknown {
				p.Sure++
			}
			if r.Attention == OnTask {
				on++
			}
			if slices.ContainsFunc(raises[r.Student], func(v Interval) bool { return v.Start <= r.Time && r.Time < v.End }) {
				p.Hands++
			}
		}
		p.OnTask, p.Engagement = ratio(on, p.Sure), ratio(engaged, p.Decided)
		points = append(points, p)
	}
	return points
}
