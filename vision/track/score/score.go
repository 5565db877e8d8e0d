// Package score judges tracks against hand-labelled or rendered truth by the
// rules of the development data's score.py: a head counts as found when its
// middle lies in a predicted box, the smallest boxes choosing first; identities
// are judged over the matched heads.
package score

import (
	"cmp"
	"math"
	"slices"
)

// Tolerance is how far a prediction's time may lie from the truth's, in seconds.
const Tolerance = 0.26

// Head is one row of truth.
type Head struct {
	Time       float64
	ID         string
	X, Y, W, H float64
	Visibility string // full, partial or hidden
}

// Rect is a region that counts neither way.
type Rect struct{ X, Y, W, H float64 }

// Row is one predicted box: head, upper body or whole person.
type Row struct {
	Time       float64
	ID         string
	X, Y, W, H float64
}

// Result are the figures, named as score.py names them.
type Result struct {
	Times, People, VisibleHeads, Scored, DontCare int
	TP, FP, FN, Switches, Fragmentations          int
	Recall, Precision, IDF1                       float64
	Coverage                                      float64 // mean share of a person's visible times held by one track
	AreaRatio                                     float64 // median area of a matched box over its head's; not in score.py
	Misses, False                                 []Row   // the truth's heads not found, the boxes on nobody
}

// Score compares predictions with truth.
func Score(truth []Head, ignore []Rect, rows []Row) Result {
	byTime := map[float64][]Head{}
	for _, h := range truth {
		byTime[h.Time] = append(byTime[h.Time], h)
	}
	times := make([]float64, 0, len(byTime))
	for t := range byTime {
		times = append(times, t)
	}
	slices.Sort(times)
	var r Result
	r.Times = len(times)
	matched := map[string]map[float64]string{}
	seen := map[string][]float64{}
	var areas []float64
	for _, t := range times {
		heads, preds := byTime[t], rowsAt(rows, t)
		m := match(preds, heads)
		used, taken := map[int]bool{}, map[int]bool{}
		for _, p := range m {
			used[p.pred], taken[p.head] = true, true
			h, q := heads[p.head], preds[p.pred]
			if h.Visibility == "hidden" {
				r.DontCare++
				continue
			}
			r.TP++
			areas = append(areas, q.W*q.H/(h.W*h.H))
			if matched[h.ID] == nil {
				matched[h.ID] = map[float64]string{}
			}
			matched[h.ID][t] = q.ID
		}
		for i, q := range preds {
			switch {
			case used[i]:
			case ignored(q, ignore):
				r.DontCare++
			default:
				r.FP++
				r.False = append(r.False, q)
			}
		}
		for i, h := range heads {
			if h.Visibility == "hidden" {
				continue
			}
			r.VisibleHeads++
			seen[h.ID] = append(seen[h.ID], t)
			if !taken[i] {
				r.FN++
				r.Misses = append(r.Misses, Row{h.Time, h.ID, h.X, h.Y, h.W, h.H})
			}
		}
	}
	r.People, r.Scored = len(seen), r.TP+r.FP
	r.Recall = float64(r.TP) / float64(max(1, r.VisibleHeads))
	r.Precision = float64(r.TP) / float64(max(1, r.Scored))
	r.identities(seen, matched)
	if len(areas) > 0 {
		slices.Sort(areas)
		r.AreaRatio = areas[len(areas)/2]
	}
	return r
}

// rowsAt are the rows nearest to a time, one time a track.
func rowsAt(rows []Row, t float64) []Row {
	best := map[string]float64{}
	var order []string
	for _, q := range rows {
		d := math.Abs(q.Time - t)
		if d > Tolerance+1e-9 {
			continue
		}
		b, ok := best[q.ID]
		if !ok {
			order = append(order, q.ID)
		}
		if !ok || d < b-1e-9 {
			best[q.ID] = d
		}
	}
	var out []Row
	for _, id := range order {
		first := math.NaN()
		for _, q := range rows {
			if q.ID != id || math.Abs(math.Abs(q.Time-t)-best[id]) > 1e-9 {
				continue
			}
			if math.IsNaN(first) {
				first = q.Time
			}
			if q.Time == first {
				out = append(out, q)
			}
		}
	}
	return out
}

type match2 struct{ pred, head int }

// match is the two-pass greedy matching: over all heads first; then boxes that
// got nothing or only a hidden head may take a visible one still free.
func match(preds []Row, heads []Head) []match2 {
	var visible, hidden, all []int
	for i, h := range heads {
		if h.Visibility == "hidden" {
			hidden = append(hidden, i)
		} else {
			visible = append(visible, i)
		}
	}
	everyone := append(slices.Clone(visible), hidden...)
	for i := range preds {
		all = append(all, i)
	}
	var first, onHidden []match2
	used, taken := map[int]bool{}, map[int]bool{}
	for _, p := range greedy(preds, heads, all, everyone) {
		if heads[p.head].Visibility == "hidden" {
			onHidden = append(onHidden, p)
			continue
		}
		first = append(first, p)
		used[p.pred], taken[p.head] = true, true
	}
	free := func(v []int, not map[int]bool) (out []int) {
		for _, i := range v {
			if !not[i] {
				out = append(out, i)
			}
		}
		return out
	}
	second := greedy(preds, heads, free(all, used), free(visible, taken))
	for _, p := range second {
		used[p.pred] = true
	}
	out := append(first, second...)
	for _, p := range onHidden {
		if !used[p.pred] {
			out = append(out, p)
		}
	}
	return out
}

func greedy(preds []Row, heads []Head, free, open []int) []match2 {
	free = slices.Clone(free)
	slices.SortStableFunc(free, func(a, b int) int { return cmp.Compare(preds[a].W*preds[a].H, preds[b].W*preds[b].H) })
	open = slices.Clone(open)
	var out []match2
	for _, i := range free {
		p, best, at := preds[i], math.Inf(1), -1
		for k, j := range open {
			h := heads[j]
			cx, cy := h.X+h.W/2, h.Y+h.H/2
			if cx < p.X || cx > p.X+p.W || cy < p.Y || cy > p.Y+p.H {
				continue
			}
			d := math.Abs(cx-p.X-p.W/2)/math.Max(p.W, 1e-9) +
				math.Min(math.Abs(cy-p.Y-p.H/2), math.Abs(cy-p.Y-0.2*p.H))/math.Max(p.H, 1e-9)
			if d < best {
				best, at = d, k
			}
		}
		if at >= 0 {
			out = append(out, match2{i, open[at]})
			open = slices.Delete(open, at, at+1)
		}
	}
	return out
}

func ignored(q Row, ignore []Rect) bool {
	cx := q.X + q.W/2
	for _, r := range ignore {
		if cx < r.X || cx > r.X+r.W {
			continue
		}
		for _, y := range []float64{q.Y + q.H/2, q.Y + 0.2*q.H} {
			if y >= r.Y && y <= r.Y+r.H {
				return true
			}
		}
	}
	return false
}

// identities counts switches and fragments and finds the best one-to-one
// pairing of people and tracks.
func (r *Result) identities(seen map[string][]float64, matched map[string]map[float64]string) {
	var people, tracks []string
	for id := range seen {
		people = append(people, id)
	}
	slices.Sort(people)
	times := map[[2]string]int{}
	for _, id := range people {
		last, gap, most := "", false, 0
		own := map[string]int{}
		for _, t := range seen[id] {
			k, ok := matched[id][t]
			if !ok {
				gap = last != ""
				continue
			}
			if last != "" && k != last {
				r.Switches++
			}
			if last != "" && gap {
				r.Fragmentations++
			}
			last, gap = k, false
			own[k]++
			most = max(most, own[k])
		}
		r.Coverage += float64(most) / float64(len(seen[id])) / float64(len(people))
		for k, n := range own {
			times[[2]string{id, k}] += n
			if !slices.Contains(tracks, k) {
				tracks = append(tracks, k)
			}
		}
	}
	slices.Sort(tracks)
	gain := make([][]float64, len(people))
	for i, p := range people {
		gain[i] = make([]float64, len(tracks))
		for j, k := range tracks {
			gain[i][j] = float64(times[[2]string{p, k}])
		}
	}
	r.IDF1 = 2 * bestSum(gain) / math.Max(1, float64(r.VisibleHeads+r.Scored))
}
