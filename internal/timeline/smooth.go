package timeline

import (
	"math"
	"slices"
	"strconv"

	"classlens/vision/scene"
)

// smooth finds the likeliest path of behaviours (Viterbi): the one with the largest sum
// of log-probabilities, less changeCost nats for every change. With cost 0 every
// step takes its own best label.
func smooth(seen []Decision, changeCost float64) []int {
	if len(seen) == 0 {
		return nil
	}
	const tiny = 1e-6
	n := len(Behaviours)
	score := make([]float64, n)
	from := make([][]int, len(seen))
	for t, d := range seen {
		best := 0
		for b := range n {
			if score[b] > score[best] {
				best = b
			}
		}
		next := make([]float64, n)
		from[t] = make([]int, n)
		for b := range n {
			from[t][b], next[b] = b, score[b]
			if change := score[best] - changeCost; change > next[b] {
				from[t][b], next[b] = best, change
			}
			next[b] += math.Log(math.Max(float64(d.Behaviour[b]), tiny))
		}
		score = next
	}
	path := make([]int, len(seen))
	last := 0
	for b := range n {
		if score[b] > score[last] {
			last = b
		}
	}
	for t := len(seen) - 1; t >= 0; t-- {
		path[t] = last
		last = from[t][last]
	}
	return path
}

// joinShort gives runs shorter than MinInterval the label of the longer neighbour that
// is long enough and touches them, with no hidden step between. A raised hand is kept: it
// is short by nature. at are the labels' places in rows.
func joinShort(labels, at []int, o Options) []int {
	need := int(math.Ceil(o.MinInterval/o.StepSeconds - 1e-9))
	if need < 2 {
		return labels
	}
	hand := slices.Index(Behaviours, "raise_hand")
	labels = slices.Clone(labels)
	runs := runsOf(labels, at)
	for i, r := range runs {
		if r.length() >= need || labels[r.start] == hand {
			continue
		}
		best := -1
		for _, j := range []int{i - 1, i + 1} {
			if j < 0 || j == len(runs) || runs[j].length() < need {
				continue
			}
			before, after := runs[min(i, j)], runs[max(i, j)]
			touches := at[after.start]-at[before.end-1] == 1
			if touches && (best < 0 || runs[j].length() > runs[best].length()) {
				best = j
			}
		}
		if best >= 0 {
			for k := r.start; k < r.end; k++ {
				labels[k] = labels[runs[best].start]
			}
		}
	}
	return labels
}

type run struct{ start, end int }

func (r run) length() int { return r.end - r.start }

// runsOf finds the runs of equal labels whose rows follow each other.
func runsOf(labels, at []int) []run {
	var runs []run
	for i := range labels {
		if n := len(runs); n > 0 && labels[i] == labels[i-1] && at[i]-at[i-1] == 1 {
			runs[n-1].end++
		} else {
			runs = append(runs, run{i, i + 1})
		}
	}
	return runs
}

// kinds of intervals, in the order in which they are written.
var kinds = []string{"behaviour", "attention", "engagement"}

// intervals joins consecutive rows with the same label, for each kind of label.
func (in Input) intervals(rows []Row) []Interval {
	var all []Interval
	for _, kind := range kinds {
		open, n := -1, 0.0 // the interval that the next row may extend, and its number of rows
		for i, r := range rows {
			label, p := r.label(kind)
			if label == "" {
				open = -1
				continue
			}
			end := in.endOf(rows, i)
			if open >= 0 && all[open].Label == label && rows[i-1].Visible && !in.lostBetween(rows[i-1].Time, r.Time) {
				v := &all[open]
				v.P, v.End = (v.P*n+p)/(n+1), end
				n++
				continue
			}
			open, n = len(all), 1
			all = append(all, Interval{Start: r.Time, End: end, Student: r.Student, Kind: kind, Label: label, P: p})
		}
	}
	return all
}

// lostBetween tells whether part of the recording between two times could not be read.
func (in Input) lostBetween(from, to float64) bool {
	return slices.ContainsFunc(in.Gaps, func(g scene.Gap) bool { return g.Start < g.End && g.Start >= from && g.Start < to })
}

// endOf is the end of a row's step: the time of the next row, or one step later if that is not the next step.
func (in Input) endOf(rows []Row, i int) float64 {
	if i+1 < len(rows) && rows[i+1].Step == rows[i].Step+1 && !in.lostBetween(rows[i].Time, rows[i+1].Time) {
		return rows[i+1].Time
	}
	return rows[i].Time + in.Options.StepSeconds
}

// label is the row's label of a kind and its probability; "" if there is none.
func (r Row) label(kind string) (string, float64) {
	if !r.Visible || r.Behaviour == "" {
		return "", 0
	}
	switch kind {
	case "attention":
		p := r.AttentionP
		if r.Attention == OffTask {
			p = 1 - p
		}
		return r.Attention, p
	case "engagement":
		return strconv.Itoa(r.Engagement), r.EngagementP
	}
	return r.Behaviour, r.BehaviourP
}
