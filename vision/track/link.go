package track

import (
	"math"
	"slices"
)

// Costs of a link, in head sizes of distance, where looks are a second apart: a head twice as large as expected
// costs like a sixth of a head; a sure detection is preferred to a doubtful
// one by a fifth. Where they follow each other sooner (Options.LookSeconds), a head can have grown by less, and another size costs more.
const (
	sizeCost   = 0.25
	scoreBonus = 0.2
	maxSizeLog = 0.6  // heads do not grow by more than 1.8 in a second
	gateGrowth = 0.15 // flow's drift over one more second without a detection
)

// link joins the hits of a step to live tracklets, cutting where a rival link
// is nearly as good, and starts new ones.
func (t *Tracker) link(now int, hits []*hit) {
	open := make([]*tracklet, 0, len(t.live))
	for _, k := range t.live {
		if !k.lost {
			open = append(open, k)
		}
	}
	cost := make([][]float64, len(open))
	for i, k := range open {
		cost[i] = make([]float64, len(hits))
		gate := t.o.Gate + gateGrowth*t.o.LookSeconds*float64(k.miss)
		for j, h := range hits {
			d := math.Max(math.Abs(h.cx-k.x)/math.Max(k.w, h.w), math.Abs(h.cy-k.y)/math.Max(k.h, h.h))
			size := math.Abs(math.Log(h.h / k.h))
			cost[i][j] = d + sizeCost/t.o.LookSeconds*size - scoreBonus*math.Min(h.score, 1)
			if d > gate || size > maxSizeLog*t.o.LookSeconds {
				cost[i][j] = blocked
			}
		}
	}
	taken := make([]bool, len(hits))
	var regained []*hit
	since := map[*hit]int{}
	for i, j := range assign(cost) {
		if j < 0 || t.rivalled(cost, i, j) {
			continue
		}
		k, h := open[i], hits[j]
		taken[j] = true
		if gap := k.last().step; now-gap > 1 {
			since[h] = gap
			regained = append(regained, h)
		}
		if n := len(k.last().after); n > 0 { // this step was found, not carried
			k.last().after = k.last().after[:n-1]
		}
		k.hits = append(k.hits, h)
		k.x, k.y = h.cx, h.cy
		k.w, k.h = 0.7*k.w+0.3*h.w, 0.7*k.h+0.3*h.h
		k.miss = 0
	}
	t.carryBack(regained, func(h *hit) int { return since[h] })
	t.age(now)
	var fresh []*hit
	for j, h := range hits {
		if taken[j] || h.score < t.o.StartScore {
			continue
		}
		t.live = append(t.live, &tracklet{hits: []*hit{h}, w: h.w, h: h.h, x: h.cx, y: h.cy, view: t.steps[now].view})
		fresh = append(fresh, h)
	}
	t.carryBack(fresh, func(*hit) int { return -1 })
}

// rivalled tells whether the pair has a rival that is nearly as good, from the
// tracklet's side or the hit's.
func (t *Tracker) rivalled(cost [][]float64, i, j int) bool {
	limit := cost[i][j] + t.o.Margin
	for c, v := range cost[i] {
		if c != j && v < limit {
			return true
		}
	}
	for r := range cost {
		if r != i && cost[r][j] < limit {
			return true
		}
	}
	return false
}

// age counts misses, stops linking after missSeconds and following after
// followSeconds.
func (t *Tracker) age(now int) {
	t.live = slices.DeleteFunc(t.live, func(k *tracklet) bool {
		if k.last().step == now {
			return false
		}
		k.miss++
		k.lost = k.lost || k.miss > t.o.looks(missSeconds)
		if !k.lost || t.steps[now].time-t.steps[k.last().step].time < followSeconds {
			return false
		}
		t.done = append(t.done, k)
		return true
	})
}
