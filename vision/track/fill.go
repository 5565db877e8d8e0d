package track

import (
	"math"
	"slices"
	"sort"

	"classlens/vision/perspective"
)

// place is where a seat's head is at one step, in room coordinates.
type place struct {
	x, y, w, h float64
	found      bool // by a detection, or by flow between two
	hit        *hit // nil unless detected at this very step
	shown      bool // false: covered, or nobody there
}

// flowFill puts places between two hits of a seat that are at most MaxGap
// apart: where flow says from both sides, weighed by nearness in time.
func (t *Tracker) flowFill(s *seat) {
	s.filled, s.unseen = map[int]xyhit{}, map[int]bool{}
	for i := 1; i < len(s.hits); i++ {
		a, b := s.hits[i-1], s.hits[i]
		if b.step-a.step < 2 || (s.roams || a.walking || b.walking) && t.steps[b.step].time-t.steps[a.step].time > walkHold || t.steps[b.step].time-t.steps[a.step].time > t.o.MaxGap || t.steps[a.step].shot != t.steps[b.step].shot {
			continue
		}
		for q := a.step + 1; q < b.step; q++ {
			w := float64(q-a.step) / float64(b.step-a.step)
			fx, fy := carried(a.after, q-a.step-1, a)
			bx, by := carried(b.before, b.step-q-1, b)
			if headDistance(fx, fy, a.w, a.h, bx, by, b.w, b.h) > bridgeApart {
				s.moved(q, t.steps[q].time-t.steps[a.step].time, t.steps[b.step].time-t.steps[q].time, xyhit{fx, fy, a.w, a.h}, xyhit{bx, by, b.w, b.h})
				continue
			}
			s.filled[q] = xyhit{
				(1-w)*fx + w*bx, (1-w)*fy + w*by,
				(1-w)*a.w + w*b.w, (1-w)*a.h + w*b.h,
			}
		}
	}
}

// Where flow from the two ends of a gap says two places, more than bridgeApart
// heads from each other, the person went from one to the other unseen, and where they are
// between is not known: for bridgeHold seconds from either find its own flow is believed.
const (
	bridgeApart = 1.0
	bridgeHold  = 2.0
)

// moved fills a step at which flow from before and from after disagree; the
// seconds since and to the finds are given.
func (s *seat) moved(q int, since, to float64, before, after xyhit) {
	switch {
	case math.Min(since, to) > bridgeHold:
		s.unseen[q] = true
	case since <= to:
		s.filled[q] = before
	default:
		s.filled[q] = after
	}
}

// carried is the i-th place of a path; where the path ends early, its end, and
// without a path the hit's own place.
func carried(path []xy, i int, h *hit) (x, y float64) {
	if len(path) == 0 {
		return h.cx, h.cy
	}
	p := path[min(i, len(path)-1)]
	return p.x, p.y
}

// Constants of the boxes of a seat.
const (
	sizeWindow = 10  // a box has the median size of so many nearest hits
	linePull   = 0.3 // how far, in log size, it is drawn towards the room's perspective
	lineSure   = 0.1 // where heads scatter about it by more than this, the detectors' own error, as much less as variances say
	covered    = 0.45
	twoPeople  = 8   // steps at which both are detected: not one head found twice
	hidesShare = 0.5 // of a head that is found: who covers so much of it from before cannot be there
	holdShare  = 0.5 // a seat found at this share of the looks is held where it is not; else,
	holdSpan   = 0.3 // who was surely seen, though seldom, is held before and after their finds if those span this share of the recording: else they may have passed by
	holdSeldom = 2.0 // only for so many seconds from a find: who is seldom seen is not visible
	walkHold   = 4.0 // seconds that one on foot is followed unseen; then they are elsewhere
)

// key is a known place of a seat.
type key struct {
	step       int
	x, y, w, h float64
	hit        *hit // nil where flow found it
}

func (k key) walks() bool { return k.hit != nil && k.hit.walking }

// places gives a seat's place at every step: found, between two finds, or held
// where it was found last.
func (t *Tracker) places(s *seat, size perspective.Plane) []place {
	keys := make([]key, 0, len(s.hits)+len(s.filled))
	for _, h := range s.hits {
		keys = append(keys, key{h.step, h.cx, h.cy, h.w, h.h, h})
	}
	for q, f := range s.filled {
		keys = append(keys, key{q, f.x, f.y, f.w, f.h, nil})
	}
	slices.SortFunc(keys, func(a, b key) int { return a.step - b.step })
	at := func(q int) float64 { return t.steps[q].time }
	looked, all := 0, 0
	for q, st := range t.steps {
		if !st.looked {
			continue
		}
		all++
		if q >= keys[0].step && q <= keys[len(keys)-1].step {
			looked++
		}
	}
	s.holdIn, s.holdOut = math.Inf(1), math.Inf(1)
	sure := t.o.HoldScore > 0 && t.topMean(s) >= t.o.HoldScore
	if float64(len(s.hits)) < holdShare*float64(looked) && !sure {
		s.holdIn = holdSeldom
	}
	stayed := at(s.hits[len(s.hits)-1].step)-at(s.hits[0].step) >= holdSpan*(at(len(t.steps)-1)-at(0))
	if float64(len(s.hits)) < holdShare*float64(all) && !(sure && stayed) {
		s.holdOut = holdSeldom
	}
	pull := linePull * math.Min(1, math.Pow(lineSure/math.Max(size.Scatter, 1e-3), 2))
	out := make([]place, len(t.steps))
	var ws, hs []float64
	for q := range out {
		j := sort.Search(len(keys), func(i int) bool { return keys[i].step >= q })
		p := place{shown: true}
		switch {
		case j < len(keys) && keys[j].step == q:
			p = place{x: keys[j].x, y: keys[j].y, found: true, hit: keys[j].hit, shown: true}
		case j == 0:
			p = place{x: keys[0].x, y: keys[0].y, shown: !s.roams && !keys[0].walks()}
		case j == len(keys):
			p = place{x: keys[j-1].x, y: keys[j-1].y, shown: !s.roams && !keys[j-1].walks()}
		default:
			a, b := keys[j-1], keys[j]
			w := (at(q) - at(a.step)) / math.Max(at(b.step)-at(a.step), 1e-9)
			away := (s.roams || a.walks() || b.walks()) && at(b.step)-at(a.step) > walkHold
			p = place{x: (1-w)*a.x + w*b.x, y: (1-w)*a.y + w*b.y, shown: !away}
		}
		// The sizeWindow keys nearest in time lie around j.
		lo, hi := j, j
		for hi-lo < min(sizeWindow, len(keys)) {
			if hi == len(keys) || (lo > 0 && q-keys[lo-1].step <= keys[hi].step-q) {
				lo--
			} else {
				hi++
			}
		}
		ws, hs = ws[:0], hs[:0]
		for _, k := range keys[lo:hi] {
			ws, hs = append(ws, k.w), append(hs, k.h)
		}
		p.w, p.h = median(ws), median(hs)
		f := math.Pow(size.Height(p.x, p.y)/p.h, pull)
		p.w, p.h = p.w*f, p.h*f
		p.shown = p.shown && !s.unseen[q] && t.steps[q].view == t.steps[keys[0].step].view && (p.found || t.holds(s, keys, j, q))
		out[q] = p
	}
	return out
}

// holds tells whether a seat is held at a step between its j-1st and j-th key.
func (t *Tracker) holds(s *seat, keys []key, j, q int) bool {
	before, after := math.Inf(1), math.Inf(1)
	if j > 0 {
		before = t.steps[q].time - t.steps[keys[j-1].step].time
	}
	if j < len(keys) {
		after = t.steps[keys[j].step].time - t.steps[q].time
	}
	if j == 0 || j == len(keys) {
		return math.Min(before, after) <= s.holdOut
	}
	return math.Min(before, after) <= s.holdIn
}

// uncover hides, at each step, a held box that lies on another seat's head: on
// one that is found there, or on that of a seat with more evidence; and one that, nearer to the camera, would hide much of a head that is found.
// Not where the two were found at once before, often enough: then the one that is found there is both of them in one, and either is partly seen.
func uncover(all [][]place, evidence []float64) {
	if len(all) == 0 {
		return
	}
	counts := map[[2]int]int{}
	two := func(i, j int) bool {
		pair := [2]int{min(i, j), max(i, j)}
		n, known := counts[pair]
		if !known {
			n = foundAtOnce(all[i], all[j])
			counts[pair] = n
		}
		return n >= twoPeople
	}
	for q := range all[0] {
		for i := range all {
			p := &all[i][q]
			if p.found || !p.shown {
				continue
			}
			for j := range all {
				o := &all[j][q]
				if i == j || !o.shown || !(o.found || evidence[j] > evidence[i]) {
					continue
				}
				if headDistance(p.x, p.y, p.w, p.h, o.x, o.y, o.w, o.h) < covered && !two(i, j) || o.hit != nil && p.inFrontOf(o) >= hidesShare {
					p.shown = false
					break
				}
			}
		}
	}
}

// foundAtOnce counts the steps at which both are detected.
func foundAtOnce(a, b []place) int {
	n := 0
	for q := range a {
		if a[q].hit != nil && b[q].hit != nil {
			n++
		}
	}
	return n
}

// inFrontOf is the share of another head's box that one nearer to the camera covers: lower in the picture and larger; 0 when it is not nearer.
func (p *place) inFrontOf(o *place) float64 {
	if p.y+p.h/2 <= o.y+o.h/2 || p.h <= o.h {
		return 0
	}
	w := math.Min(p.x+p.w/2, o.x+o.w/2) - math.Max(p.x-p.w/2, o.x-o.w/2)
	h := math.Min(p.y+p.h/2, o.y+o.h/2) - math.Max(p.y-p.h/2, o.y-o.h/2)
	return math.Max(w, 0) * math.Max(h, 0) / (o.w * o.h)
}
