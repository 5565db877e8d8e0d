package track

import (
	"cmp"
	"math"
	"slices"

	"classlens/vision/perspective"
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

// topMean is the mean of a seat's best scores, of as many finds as there are looks in topSeconds.
func (t *Tracker) topMean(s *seat) float64 {
	scores := make([]float64, len(s.hits))
	for i, h := range s.hits {
		scores[i] = h.score
	}
	slices.SortFunc(scores, func(a, b float64) int { return cmp.Compare(b, a) })
	top := scores[:min(t.o.looks(topSeconds), len(scores))]
	mean := 0.0
	for _, v := range top {
		mean += v / float64(len(top))
	}
	return mean
}

// topSeconds: the best finds of so many seconds, five of one look a second, tell how surely a seat was ever seen.
const topSeconds = 5.0

// minSizeShare: a head smaller than this share of what its place in the picture
// lets expect is none (an adult's and a small child's head differ by a fifth).
const minSizeShare = 0.45

// fewLooks: with fewer looks than this at the whole recording, being found
// twice is enough.
const fewLooks = 8

// steadyTop: where several nets are fused (Options.HoldScore), whom one of them alone sees, surely and at steadyShare of the looks, has scores
// of a little more than this; what a net takes for a head by mistake it seldom takes for one so steadily.
const steadyTop = 0.4

// keep drops seats without enough evidence. The evidence is absolute, not a
// share of the time: a pupil who turns round for the last seconds was there all along.
// Where people are looked for less than once a second, less is asked for, by the
// root of the rate: half the looks show the same people less often. Where looks are less than a second apart, each counts as much less: what one shows by mistake
// the next one often shows, too. Where nothing ever
// changes there is no person, however sure a net is.
func (t *Tracker) keep(seats []*seat, size perspective.Plane, moves *activity) []*seat {
	looks := 0
	for _, s := range t.steps {
		if s.looked {
			looks++
		}
	}
	rate := 1.0
	if n := len(t.steps); n > 1 {
		rate = math.Min(1/t.o.LookSeconds, float64(looks)/(t.steps[n-1].time-t.steps[0].time+1))
	}
	minSum, minHits := t.o.MinSum*math.Max(rate, math.Sqrt(rate)), t.o.MinHits
	if looks < fewLooks {
		minHits = min(minHits, 2)
	}
	var out []*seat
	for _, s := range seats {
		minTop := t.o.MinTop
		if t.o.HoldScore > 0 && float64(len(s.hits)) >= steadyShare*float64(looks) {
			minTop = math.Min(minTop, steadyTop)
		}
		if len(s.hits) < minHits || t.topMean(s) < minTop || s.evidence() < minSum || tooSmall(s, size) {
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

// perspective learns how large a head is where in the picture from sure detections.
func (t *Tracker) perspective(seats []*seat) perspective.Plane {
	var sure, all []perspective.Head
	for _, s := range seats {
		for _, h := range s.hits {
			p := perspective.Head{X: h.cx, Y: h.cy, H: h.h}
			all = append(all, p)
			if h.score > sureScore {
				sure = append(sure, p)
			}
		}
	}
	if len(sure) < 10 {
		sure = all
	}
	return perspective.Fit(sure)
}

// tooSmall tells whether a seat is smaller than a head there can be: by more than minSizeShare, and by more than heads of this room
// differ from the plane.
func tooSmall(s *seat, size perspective.Plane) bool {
	return s.h < size.Height(s.x, s.y)*math.Min(minSizeShare, math.Exp(-scatters*size.Scatter))
}

// scatters: so many standard deviations are no chance.
const scatters = 3
