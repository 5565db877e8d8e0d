package track

import (
	"cmp"
	"math"
	"slices"

	"classlens/vision/scene"
)

// evidence is the sum of a seat's scores.
func (s *seat) evidence() float64 {
	sum := 0.0
	for _, h := range s.hits {
		sum += h.score
	}
	return sum
}

// topMean is the mean of a seat's five best scores.
func (s *seat) topMean() float64 {
	scores := make([]float64, len(s.hits))
	for i, h := range s.hits {
		scores[i] = h.score
	}
	slices.SortFunc(scores, func(a, b float64) int { return cmp.Compare(b, a) })
	top := scores[:min(topHits, len(scores))]
	mean := 0.0
	for _, v := range top {
		mean += v / float64(len(top))
	}
	return mean
}

// topHits: so many of a seat's best finds tell how surely it was ever seen.
const topHits = 5

// minSizeShare: a head smaller than this share of what its place in the picture
// lets expect is none (an adult's and a small child's head differ by a fifth).
const minSizeShare = 0.45

// fewLooks: with fewer looks than this at the whole recording, being found
// twice is enough.
const fewLooks = 8

// keep drops seats without enough evidence. The evidence is absolute, not a
// share of the time: a pupil who turns round for the last seconds was there all along.
// Where people are looked for less than once a second, less is asked for, by the
// root of the rate: half the looks show the same people less often. Where nothing ever
// changes there is no person, however sure a net is.
func (t *Tracker) keep(seats []*seat, size func(y float64) float64, moves *activity) []*seat {
	looks := 0
	for _, s := range t.steps {
		if s.looked {
			looks++
		}
	}
	rate := 1.0
	if n := len(t.steps); n > 1 {
		rate = math.Min(1, float64(looks)/(t.steps[n-1].time-t.steps[0].time+1))
	}
	minSum, minHits := t.o.MinSum*math.Sqrt(rate), t.o.MinHits
	if looks < fewLooks {
		minHits = min(minHits, 2)
	}
	var out []*seat
	for _, s := range seats {
		mean := s.topMean()
		if len(s.hits) < minHits || mean < t.o.MinTop || s.evidence() < minSum || s.h < minSizeShare*size(s.y) {
			continue
		}
		if moves.still(scene.Box{X: s.x - s.w/2, Y: s.y - s.h/2, W: s.w, H: s.h}) {
			continue
		}
		out = append(out, s)
	}
	return dedup(out)
}

// Two seats that are found at once within twinReach of a head at most of the
// steps of the weaker are one head found twice.
const (
	twinReach = 0.5
	twinShare = 0.5 // of the weaker one's hits that have the stronger found too
	twinClose = 0.7 // of those, how many must be that close
)

func dedup(seats []*seat) []*seat {
	order := slices.Clone(seats)
	slices.SortStableFunc(order, func(a, b *seat) int { return cmp.Compare(b.evidence(), a.evidence()) })
	var out []*seat
	for _, s := range order {
		if !slices.ContainsFunc(out, func(o *seat) bool { return twins(s, o) }) {
			out = append(out, s)
		}
	}
	return out
}

func twins(weak, strong *seat) bool {
	both, near, j := 0, 0, 0
	for _, h := range weak.hits {
		for j < len(strong.hits) && strong.hits[j].step < h.step {
			j++
		}
		if j >= len(strong.hits) {
			break
		}
		if o := strong.hits[j]; o.step == h.step {
			both++
			if headDistance(h.cx, h.cy, h.w, h.h, o.cx, o.cy, o.w, o.h) < twinReach {
				near++
			}
		}
	}
	return both > 0 && float64(both) >= twinShare*float64(len(weak.hits)) && float64(near) > twinClose*float64(both)
}

// headDistance is the distance of two heads in sizes of the smaller one, the
// larger of its two directions.
func headDistance(ax, ay, aw, ah, bx, by, bw, bh float64) float64 {
	return math.Max(math.Abs(ax-bx)/math.Min(aw, bw), math.Abs(ay-by)/math.Min(ah, bh))
}

// sureScore is what a detection needs to take part in learning the room's
// perspective.
const sureScore = 0.4

// perspective learns how large a head is at a row of the picture: a straight
// line, fitted to sure detections with doubtful ones weighed down (Cauchy
// weights on the log of the ratio, width 0.2: a fifth is what heads differ by).
func (t *Tracker) perspective(seats []*seat) func(y float64) float64 {
	var sure, all []*hit
	for _, s := range seats {
		for _, h := range s.hits {
			all = append(all, h)
			if h.score > sureScore {
				sure = append(sure, h)
			}
		}
	}
	if len(sure) < 10 {
		sure = all
	}
	a, b := fitLine(sure)
	return func(y float64) float64 { return math.Max(a+b*y, minHead) }
}

const minHead = 4.0 // pixels; smaller heads are not found by any detector here

func fitLine(hits []*hit) (a, b float64) {
	w := make([]float64, len(hits))
	for i := range w {
		w[i] = 1
	}
	for range 10 {
		var s, sy, syy, sh, syh float64
		for i, h := range hits {
			v := w[i] * w[i]
			s, sy, syy, sh, syh = s+v, sy+v*h.cy, syy+v*h.cy*h.cy, sh+v*h.h, syh+v*h.cy*h.h
		}
		det := s*syy - sy*sy
		switch {
		case s == 0:
			return 0, 0
		case det < 1e-9*s*syy: // all in one row
			a, b = sh/s, 0
		default:
			a, b = (syy*sh-sy*syh)/det, (s*syh-sy*sh)/det
		}
		for i, h := range hits {
			line := math.Max(a+b*h.cy, 3)
			r := math.Log(math.Max(h.h, 1)/line) / 0.2
			w[i] = 1 / (1 + r*r) / line
		}
	}
	return a, b
}
