package track

import (
	"cmp"
	"math"
	"slices"
)

// A person may have several places: a student stands up to answer, a teacher
// stops here and there. What gives it away is time: the places are never taken at
// once, and one is left when another is taken.
const (
	placesApart   = 3.5  // heads between places of one person, at most
	placesAtOnce  = 0.17 // share of the finds of the rarer place at which both may be found: one false find of six
	placesChance  = 0.01 // chance that two people would never be found together
	placesSizeLog = 0.5
	handOver      = 3.0 // seconds from being found at one place to being found at the other
	placesHits    = 2
)

// samePerson tells how unlikely it is that two seats that are near each other
// are two people, given that they are never found at once: 1 when they may be, else
// the chance, which is below placesChance.
func (t *Tracker) samePerson(a, b *seat) float64 {
	if len(a.hits) < placesHits || len(b.hits) < placesHits || math.Abs(math.Log(a.h/b.h)) > placesSizeLog {
		return 1
	}
	size := math.Sqrt(a.h * b.h)
	if math.Hypot(a.x-b.x, a.y-b.y) > placesApart*size {
		return 1
	}
	both, hands := 0, 0
	i, j := 0, 0
	var before *hit
	fromA := false
	for i < len(a.hits) || j < len(b.hits) {
		var h *hit
		isA := false
		switch {
		case j >= len(b.hits) || (i < len(a.hits) && a.hits[i].step < b.hits[j].step):
			h, isA = a.hits[i], true
			i++
		case i >= len(a.hits) || b.hits[j].step < a.hits[i].step:
			h = b.hits[j]
			j++
		default:
			both++
			h = a.hits[i]
			before, fromA = nil, false
			i, j = i+1, j+1
			_ = h
			continue
		}
		if before != nil && isA != fromA && t.steps[h.step].time-t.steps[before.step].time <= handOver {
			hands++
		}
		before, fromA = h, isA
	}
	rare := min(len(a.hits), len(b.hits))
	if hands == 0 || float64(both) > placesAtOnce*float64(rare) {
		return 1
	}
	chance := math.Max(t.chanceApart(a, b), t.chanceApart(b, a)) * math.Exp(t.wardrobe.others(&a.dress, &b.dress))
	if chance > placesChance {
		return 1
	}
	return chance
}

// chanceSpan is how many seconds about a seat's hits the other's share of hits is
// reckoned over: beyond, somebody may have left long before and come back long after.
const chanceSpan = 4.0

// chanceApart is the chance that b would be found only where a is not, were
// they two people: a is found at a share p of the steps about b's, so each hit of
// b without one of a has the chance 1-p. Whoever is found longer makes one direction's chance vanish by the
// mere number of finds, so both must be small.
func (t *Tracker) chanceApart(a, b *seat) float64 {
	from, to := t.steps[b.hits[0].step].time-chanceSpan, t.steps[b.hits[len(b.hits)-1].step].time+chanceSpan
	looked, found := 0, 0
	for _, s := range t.steps {
		if s.looked && s.time >= from && s.time <= to {
			looked++
		}
	}
	for _, h := range a.hits {
		if at := t.steps[h.step].time; at >= from && at <= to {
			found++
		}
	}
	// The steps of b's hits are what is asked about; of the others, how many have a.
	others := max(looked-len(b.hits), 1)
	p := math.Min(float64(found)/float64(others), 0.95)
	return math.Pow(1-p, float64(len(b.hits)))
}

// joinPlaces joins the places of one person, the surest pair first, of equally sure pairs the nearest, heads that were seen well rather than others.
func (t *Tracker) joinPlaces(seats []*seat) []*seat {
	type join struct {
		chance, cost float64
		a, b         *seat
	}
	for {
		var joins []join
		for i, a := range seats {
			for _, b := range seats[:i] {
				if c := t.samePerson(a, b); c < 1 {
					joins = append(joins, join{c, math.Hypot(a.x-b.x, a.y-b.y) / math.Sqrt(a.h*b.h) / math.Min(t.topMean(a), t.topMean(b)), a, b})
				}
			}
		}
		if len(joins) == 0 {
			return seats
		}
		slices.SortStableFunc(joins, func(p, q join) int {
			if c := cmp.Compare(p.chance, q.chance); c != 0 {
				return c
			}
			return cmp.Compare(p.cost, q.cost)
		})
		gone := map[*seat]bool{}
		for _, j := range joins {
			if gone[j.a] || gone[j.b] {
				continue
			}
			m := merge(j.a, j.b)
			main := j.a
			if len(j.b.hits) > len(j.a.hits) {
				main = j.b
			}
			m.x, m.y, m.w, m.h = main.x, main.y, main.w, main.h
			m.spots = append(slices.Clone(spotsOf(j.a)), spotsOf(j.b)...)
			gone[j.a], gone[j.b] = true, true
			seats = append(seats, m)
		}
		seats = slices.DeleteFunc(seats, func(s *seat) bool { return gone[s] })
	}
}

// spotsOf are the places of a seat.
func spotsOf(s *seat) []xy {
	if len(s.spots) > 0 {
		return s.spots
	}
	return []xy{{s.x, s.y}}
}
