package track

import (
	"math"
	"slices"
)

// Who leans over, turns round or stands up is found beside the usual place, and is not found there meanwhile.
const (
	steadyShare = 0.8  // of the looks, a seat found at so many misses few by chance
	turnShare   = 0.8  // of a seldom seen seat's finds, those at which a steady neighbour is missing
	turnHits    = 3    // finds, at least: one or two fall on a neighbour's miss by chance
	turnSizeLog = 0.35 // who stands in front of somebody is larger than that
)

// shareOut gives the finds of seats that are seldom seen, and then instead of a steady neighbour, to those neighbours: other postures of theirs. Where one
// neighbour alone is meant and the chance is small joinPlaces has done so already; in a full room a place between two belongs to both by turns.
func (t *Tracker) shareOut(seats []*seat) []*seat {
	looks := 0
	for _, s := range t.steps {
		if s.looked {
			looks++
		}
	}
	found := func(s *seat, step int) bool {
		_, ok := slices.BinarySearchFunc(s.hits, step, func(h *hit, step int) int { return h.step - step })
		return ok
	}
	var steady, out []*seat
	for _, s := range seats {
		if float64(len(s.hits)) >= steadyShare*float64(looks) {
			steady = append(steady, s)
		}
	}
	given := map[*seat][]*hit{}
	for _, s := range seats {
		if len(s.hits) < turnHits || float64(len(s.hits)) >= holdShare*float64(looks) {
			out = append(out, s)
			continue
		}
		to := map[*seat][]*hit{}
		n := 0
		for _, h := range s.hits {
			var best *seat
			near := placesApart
			for _, o := range steady {
				d := math.Hypot(h.cx-o.x, h.cy-o.y) / math.Sqrt(h.h*o.h)
				if d < near && math.Abs(math.Log(h.h/o.h)) <= turnSizeLog && !found(o, h.step) {
					best, near = o, d
				}
			}
			if best != nil {
				to[best] = append(to[best], h)
				n++
			}
		}
		if float64(n) < turnShare*float64(len(s.hits)) {
			out = append(out, s)
			continue
		}
		for o, hits := range to {
			given[o] = append(given[o], hits...)
		}
	}
	for i, s := range out {
		if hits := given[s]; len(hits) > 0 {
			m := merge(s, newSeat(hits))
			m.x, m.y, m.w, m.h, m.spots, m.pieces = s.x, s.y, s.w, s.h, s.spots, s.pieces
			out[i] = m
		}
	}
	return out
}
