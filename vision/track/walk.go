package track

import (
	"cmp"
	"math"
	"slices"

	"classlens/vision/perspective"
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
	walkLooks = 2   // looks to either side over which motion is judged
	walkNet   = 1.5 // heads of net motion over the window: more than a sway from side to side
	walkLeast = 2.5 // heads from where a walk begins to where it ends: standing up moves a head by 1.75, leaning over by 1.5
)

// split cuts a tracklet where its person starts or stops walking.
func (t *Tracker) split(k *tracklet) []*piece {
	n := len(k.hits)
	moving := make([]bool, n)
	at := func(i int) float64 { return t.steps[k.hits[i].step].time }
	lo, hi := 0, 0
	window := walkLooks*t.o.LookSeconds + 1e-9
	for i := range moving {
		for at(i)-at(lo) > window {
			lo++
		}
		for hi+1 < n && at(hi+1)-at(i) <= window {
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
// person's. Two parts that are seen apart at once are never joined. size is the height of seated heads by row.
func (t *Tracker) people(seats []*seat, pieces []*piece, size perspective.Plane) []*person {
	l := &lineage{t: t, of: map[*seat]*person{}, at: map[*piece]*person{}}
	for _, s := range seats {
		p := &person{seats: []*seat{s}}
		l.all, l.of[s] = append(l.all, p), p
	}
	for _, w := range pieces {
		if w.moving {
			l.add(w)
		}
	}
	for _, w := range pieces {
		if !w.moving {
			continue
		}
		for _, o := range []*piece{w.prev, w.next} {
			if o == nil {
				continue
			}
			if o.seat == nil && l.at[o] == nil { // a stop that is no seat
				l.add(o)
			}
			l.join(l.at[w], l.find(o))
		}
	}
	stands := l.stride(pieces, seats, size)
	l.followUp(pieces, stands)
	return slices.DeleteFunc(l.all, func(p *person) bool { return len(p.seats) == 0 && len(p.walks) == 0 })
}

// lineage is which seats and walks are one person's.
type lineage struct {
	t   *Tracker
	all []*person
	of  map[*seat]*person
	at  map[*piece]*person
}

// add makes a person of a piece.
func (l *lineage) add(w *piece) {
	p := &person{walks: []*piece{w}}
	l.all, l.at[w] = append(l.all, p), p
}

// find gives the person that a piece is of, nil when it is nobody's.
func (l *lineage) find(w *piece) *person {
	if w == nil {
		return nil
	}
	if w.seat != nil {
		return l.of[w.seat]
	}
	return l.at[w]
}

// join makes one of two persons, unless they are seen apart at once.
func (l *lineage) join(a, b *person) {
	if a == nil || b == nil || a == b || clash(a, b) {
		return
	}
	a.seats, a.walks = append(a.seats, b.seats...), append(a.walks, b.walks...)
	for _, s := range b.seats {
		l.of[s] = a
	}
	for _, w := range b.walks {
		l.at[w] = a
	}
	b.seats, b.walks = nil, nil
}

// Who walks quickly is found a few heads farther at each look, where flow has lost them: single finds that nothing links.
const (
	strideSeconds = 2.5 // between two finds of one who walks
	strideScore   = 0.5 // mean score of finds that may be somebody's who walks; hands and bags have less
	strideHits    = 2   // finds of a walk, at least; what belongs to no seat needs roamHits
)

// stride joins what no seat holds, and the places of those who stand, to walks: each begins soon after another ends, a few
// heads away and of its size. Who stands in a walk has no seat there. The places of those who stand that belong to no walk are
// given back, each as a piece: they may have stood up from another seat.
func (l *lineage) stride(pieces []*piece, seats []*seat, size perspective.Plane) (standing []*piece) {
	var nodes []*piece
	loose := map[*piece]bool{}
	for _, p := range pieces {
		switch {
		case p.moving:
			nodes = append(nodes, p)
		case p.seat == nil && l.at[p] == nil && newSeat(p.hits).evidence() >= strideScore*float64(len(p.hits)):
			l.add(p)
			nodes, loose[p] = append(nodes, p), true
		}
	}
	tall := map[*seat]bool{}
	for _, s := range seats {
		if p := l.of[s]; s.h >= tallRatio*size.Height(s.x, s.y) && len(p.seats) == 1 && len(p.walks) == 0 {
			nodes, tall[s] = append(nodes, &piece{hits: s.hits, seat: s}), true
		}
	}
	l.link(nodes, func(_, _ *piece, dt float64) float64 {
		if dt > strideSeconds {
			return 0
		}
		return slackHeads + walkSpeed/2*dt
	})
	for _, p := range slices.Clone(l.all) {
		parts := len(p.seats) + len(p.walks)
		isLoose := slices.ContainsFunc(p.walks, func(w *piece) bool { return loose[w] })
		stood := slices.ContainsFunc(p.seats, func(s *seat) bool { return tall[s] })
		switch {
		case !isLoose && !stood:
		case parts > 1 && p.walked():
			for _, s := range slices.Clone(p.seats) {
				if tall[s] {
					w := &piece{hits: s.hits}
					w.setMoving()
					p.seats = slices.DeleteFunc(p.seats, func(o *seat) bool { return o == s })
					p.walks = append(p.walks, w)
					l.at[w] = p
					tall[s] = false
				}
			}
			for _, w := range p.walks {
				if loose[w] {
					w.setMoving()
				}
			}
		default: // what is loose is neither a walk nor a seat
			for _, w := range p.walks {
				if loose[w] {
					delete(l.at, w)
				}
			}
			p.walks = slices.DeleteFunc(p.walks, func(w *piece) bool { return loose[w] })
		}
	}
	for _, n := range nodes {
		if n.seat != nil && tall[n.seat] {
			standing = append(standing, n)
		}
	}
	return standing
}

// setMoving makes a piece one of somebody on foot.
func (w *piece) setMoving() {
	w.moving = true
	for _, h := range w.hits {
		h.walking = true
	}
}

// walked tells whether a person got about.
func (p *person) walked() bool {
	hits := p.hits()
	if len(hits) < strideHits {
		return false
	}
	far := 0.0
	for _, h := range hits[1:] {
		far = math.Max(far, headsApart(hits[0], h))
	}
	return far >= walkLeast
}

// A walk may go on out of sight: for so many seconds, at no more than this
// speed in heads a second (2 m/s) after a start of slackHeads.
const (
	lostSeconds = 6.0
	walkSpeed   = 9.0
	slackHeads  = 2.0
	walkSizeLog = 0.5
)

// followUp joins walks to the walks or seats that begin nearby soon after them, and those who stand to the seats they got up from or sit down on.
func (l *lineage) followUp(pieces, standing []*piece) {
	up := map[*piece]bool{}
	for _, p := range standing {
		up[p] = true
	}
	l.link(slices.Concat(pieces, standing), func(a, b *piece, dt float64) float64 {
		switch {
		case dt > lostSeconds:
			return 0
		case a.moving && b.moving:
			return slackHeads + walkSpeed*dt/2
		case a.moving || b.moving:
			return slackHeads + walkSpeed/2*math.Min(dt, strideSeconds)
		case up[a] != up[b] && dt <= strideSeconds:
			return placesApart
		}
		return 0
	})
}

// link joins pieces that follow each other within a reach, in heads, that depends on the seconds between them; 0: never. The nearest
// pairs come first, and each piece is followed by one other.
func (l *lineage) link(pieces []*piece, reach func(a, b *piece, dt float64) float64) {
	type link struct {
		cost float64
		a, b *piece
	}
	var links []link
	for _, a := range pieces {
		if l.find(a) == nil {
			continue
		}
		for _, b := range pieces {
			if a == b || l.find(b) == nil || l.find(a) == l.find(b) {
				continue
			}
			p, q := a.hits[len(a.hits)-1], b.hits[0]
			dt := l.t.steps[q.step].time - l.t.steps[p.step].time
			if dt <= 0 || math.Abs(math.Log(p.h/q.h)) > walkSizeLog {
				continue
			}
			if d := headsApart(p, q); d <= reach(a, b, dt) {
				links = append(links, link{d + dt, a, b})
			}
		}
	}
	slices.SortStableFunc(links, func(a, b link) int { return cmp.Compare(a.cost, b.cost) })
	used, begun := map[*piece]bool{}, map[*piece]bool{}
	for _, k := range links {
		if used[k.a] || begun[k.b] || k.a.next != nil || k.b.prev != nil {
			continue
		}
		l.join(l.find(k.a), l.find(k.b))
		used[k.a] = l.find(k.a) == l.find(k.b)
		begun[k.b] = used[k.a]
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
