package track

import (
	"cmp"
	"math"
	"slices"
)

// piece is a part of a tracklet in which its person either stays or walks.
type piece struct {
	hits       []*hit
	moving     bool
	prev, next *piece // the parts of the same tracklet before and after
	seat       *seat  // what a staying piece was joined to; nil when that was not kept
}

// Walking and staying, in head heights (22 cm) and seconds.
const (
	walkWindow = 2.0 // seconds to either side over which motion is judged
	walkNet    = 1.5 // heads of net motion over the window: more than a sway from side to side
	walkLeast  = 2.5 // heads from where a walk begins to where it ends: standing up moves a head by 1.75, leaning over by 1.5
)

// split cuts a tracklet where its person starts or stops walking.
func (t *Tracker) split(k *tracklet) []*piece {
	n := len(k.hits)
	moving := make([]bool, n)
	at := func(i int) float64 { return t.steps[k.hits[i].step].time }
	lo, hi := 0, 0
	for i := range moving {
		for at(i)-at(lo) > walkWindow+1e-9 {
			lo++
		}
		for hi+1 < n && at(hi+1)-at(i) <= walkWindow+1e-9 {
			hi++
		}
		moving[i] = headsApart(k.hits[lo], k.hits[hi]) >= walkNet
	}
	for i := 0; i < n; {
		j := i
		for j < n && moving[j] == moving[i] {
			j++
		}
		if moving[i] && headsApart(k.hits[i], k.hits[j-1]) < walkLeast {
			for q := i; q < j; q++ {
				moving[q] = false
			}
		}
		i = j
	}
	var out []*piece
	for i := 0; i < n; {
		j := i
		for j < n && moving[j] == moving[i] {
			j++
		}
		p := &piece{hits: k.hits[i:j], moving: moving[i]}
		if len(out) > 0 {
			p.prev = out[len(out)-1]
			p.prev.next = p
		}
		out = append(out, p)
		i = j
	}
	return out
}

// headsApart is the distance of two hits in mean head heights.
func headsApart(a, b *hit) float64 {
	return math.Hypot(a.cx-b.cx, a.cy-b.cy) / math.Sqrt(a.h*b.h)
}

// person is a set of seats and walks that are one person's.
type person struct {
	seats []*seat
	walks []*piece // moving pieces, and stops between them that are no seat
}

// people joins seats by the walks between them: a walk belongs to the seat that
// its tracklet came from or went to, and walks that follow each other are one
// person's. Two parts that are seen apart at once are never joined.
func (t *Tracker) people(seats []*seat, pieces []*piece) []*person {
	var all []*person
	of := map[*seat]*person{}
	for _, s := range seats {
		p := &person{seats: []*seat{s}}
		all, of[s] = append(all, p), p
	}
	at := map[*piece]*person{}
	for _, w := range pieces {
		if w.moving {
			p := &person{walks: []*piece{w}}
			all, at[w] = append(all, p), p
		}
	}
	find := func(w *piece) *person {
		if w == nil {
			return nil
		}
		if w.seat != nil {
			return of[w.seat]
		}
		return at[w]
	}
	join := func(a, b *person) {
		if a == nil || b == nil || a == b || clash(a, b) {
			return
		}
		a.seats, a.walks = append(a.seats, b.seats...), append(a.walks, b.walks...)
		for _, s := range b.seats {
			of[s] = a
		}
		for _, w := range b.walks {
			at[w] = a
		}
		b.seats, b.walks = nil, nil
	}
	for _, w := range pieces {
		if !w.moving {
			continue
		}
		for _, o := range []*piece{w.prev, w.next} {
			if o == nil {
				continue
			}
			if o.seat == nil && at[o] == nil { // a stop that is no seat
				p := &person{walks: []*piece{o}}
				all, at[o] = append(all, p), p
			}
			join(at[w], find(o))
		}
	}
	t.followUp(pieces, find, join)
	return slices.DeleteFunc(all, func(p *person) bool { return len(p.seats) == 0 && len(p.walks) == 0 })
}

// A walk may go on out of sight: for so many seconds, at no more than this
// speed in heads a second (2 m/s) after a start of slackHeads.
const (
	lostSeconds = 6.0
	walkSpeed   = 9.0
	slackHeads  = 2.0
	walkSizeLog = 0.5
)

// followUp joins walks to the walks or seats that begin nearby soon after them.
func (t *Tracker) followUp(pieces []*piece, find func(*piece) *person, join func(a, b *person)) {
	type link struct {
		cost float64
		a, b *piece
	}
	var links []link
	for _, a := range pieces {
		for _, b := range pieces {
			if a == b || !(a.moving || b.moving) || find(a) == nil || find(b) == nil {
				continue
			}
			p, q := a.hits[len(a.hits)-1], b.hits[0]
			dt := t.steps[q.step].time - t.steps[p.step].time
			if dt <= 0 || dt > lostSeconds || math.Abs(math.Log(p.h/q.h)) > walkSizeLog {
				continue
			}
			reach := slackHeads
			if a.moving && b.moving {
				reach += walkSpeed * dt / 2
			}
			if d := headsApart(p, q); d <= reach {
				links = append(links, link{d + dt, a, b})
			}
		}
	}
	slices.SortStableFunc(links, func(a, b link) int { return cmp.Compare(a.cost, b.cost) })
	used := map[*piece]bool{}
	for _, l := range links {
		if used[l.a] || l.a.next != nil || l.b.prev != nil {
			continue
		}
		before := find(l.b)
		join(find(l.a), before)
		used[l.a] = find(l.a) == find(l.b)
	}
}

// hits of a person in time order; where two fall on one step, the surer.
func (p *person) hits() []*hit {
	var all []*hit
	for _, s := range p.seats {
		all = append(all, s.hits...)
	}
	for _, w := range p.walks {
		all = append(all, w.hits...)
	}
	slices.SortStableFunc(all, func(a, b *hit) int {
		if c := cmp.Compare(a.step, b.step); c != 0 {
			return c
		}
		return cmp.Compare(b.score, a.score)
	})
	return slices.CompactFunc(all, func(a, b *hit) bool { return a.step == b.step })
}

// clash tells whether two people are seen apart at once more often than false
// detections would explain.
func clash(a, b *person) bool {
	x, y := a.hits(), b.hits()
	far, j := 0, 0
	for _, h := range x {
		for j < len(y) && y[j].step < h.step {
			j++
		}
		if j < len(y) && y[j].step == h.step && headsApart(h, y[j]) > apart {
			far++
		}
	}
	return float64(far) > apartShare*float64(min(len(x), len(y)))
}
