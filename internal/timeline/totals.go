package timeline

import (
	"cmp"
	"math"
	"slices"

	"classlens/vision/scene"
)

// tally counts rows for the shares and means that are made from them. The two questions are counted apart: what a student does, and
// whether that is on task (Row.Attention says why).
type tally struct {
	visible int
	sure    int // of these, rows whose behaviour and engagement are sure
	engaged int // sum of their engagement
	known   int // of the visible, rows whose attention is known
	onTask  int // of these
}

// add counts one row.
func (t *tally) add(r Row) {
	if !r.Visible {
		return
	}
	t.visible++
	if r.Behaviour == "" {
		return
	}
	if r.Sure {
		t.sure++
		t.engaged += r.Engagement
	}
	if r.Attention != Unknown {
		t.known++
	}
	if r.Attention == OnTask {
		t.onTask++
	}
}

// student sums up one track.
func (in Input) student(track scene.Track, rows []Row, intervals []Interval) Student {
	s := Student{ID: track.ID, Teacher: track.Teacher, SeatX: track.SeatX, SeatY: track.SeatY, Shares: make([]float64, len(Behaviours))}
	var n tally
	first, last := -1, -1
	for i, r := range rows {
		n.add(r)
		if r.Visible {
			if first < 0 {
				first = i
			}
			last = i
		}
		if r.Sure {
			s.Shares[slices.Index(Behaviours, r.Behaviour)]++
		}
	}
	s.Seen = float64(n.visible) * in.Options.StepSeconds
	if first >= 0 {
		s.Hidden = float64(last-first+1-n.visible) * in.Options.StepSeconds
	}
	s.OnTaskShare, s.EngagementMean = ratio(n.onTask, n.known), ratio(n.engaged, n.sure)
	for i := range s.Shares {
		s.Shares[i] /= float64(n.sure) // 0/0 is NaN: not known
	}
	for _, v := range intervals {
		if in.handRaise(v) {
			s.HandRaises++
		}
	}
	s.Moments = in.moments(track)
	return s
}

// handRaise tells whether an interval counts as a hand-raise, which needs a mean probability that is sure.
func (in Input) handRaise(v Interval) bool {
	return v.Kind == "behaviour" && v.Label == "raise_hand" && v.P >= in.Options.UnsureBelow
}

// ratio is NaN when b is 0.
func ratio(a, b int) float64 {
	if b == 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}

// maxMoments is how many deciding steps are kept per student.
const maxMoments = 3

// moments are the steps that weighed most in the decisions around them: their attention weights
// sum to more than 1, which is what evenly spread attention would give every step.
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
	slices.SortStableFunc(all, func(a, b Moment) int { return cmp.Compare(b.Weight, a.Weight) })
	return all[:min(len(all), maxMoments)]
}

// class sums up the students (not the teacher) at each step.
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
		var n tally
		step := rows[i].Step
		for ; i < len(rows) && rows[i].Step == step; i++ {
			r := rows[i]
			if teacher[r.Student] {
				continue
			}
			n.add(r)
			if r.Behaviour != "" && slices.ContainsFunc(raises[r.Student], func(v Interval) bool { return v.Start <= r.Time && r.Time < v.End }) {
				p.Hands++
			}
		}
		p.Visible, p.Known, p.Sure = n.visible, n.known, n.sure
		p.OnTask, p.Engagement = ratio(n.onTask, n.known), ratio(n.engaged, n.sure)
		points = append(points, p)
	}
	return points
}
