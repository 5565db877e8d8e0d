package track

import (
	"cmp"
	"fmt"
	"slices"

	"classlens/vision/scene"
)

// Finish joins what was added and gives the tracks: the students S01, S02 … by
// seat, from the back row to the front and from left to right, then the teacher T01
// and, seldom, others who walk about. Call it once, at the end.
func (t *Tracker) Finish() []scene.Track {
	t.done = append(t.done, t.live...)
	t.live = nil
	slices.SortStableFunc(t.done, func(a, b *tracklet) int { return cmp.Compare(a.hits[0].step, b.hits[0].step) })
	var class, teaching []scene.Track
	for v := range t.views {
		c, w := t.finishView(v, len(class), len(teaching))
		class, teaching = append(class, c...), append(teaching, w...)
	}
	return append(class, teaching...)
}

// finishView makes the tracks of one view; the numbers go on from those given.
func (t *Tracker) finishView(v, students, others int) (class, teaching []scene.Track) {
	var pieces []*piece
	var seats []*seat
	var all []*seat // of which the room's perspective is learned
	for _, k := range t.done {
		if k.view != v {
			continue
		}
		all = append(all, newSeat(k.hits))
		for _, p := range t.split(k) {
			pieces = append(pieces, p)
			if !p.moving {
				s := newSeat(p.hits)
				s.pieces = []*piece{p}
				seats = append(seats, s)
			}
		}
	}
	size := t.perspective(all)
	t.wardrobe = learnDress(all)
	var persons, teach []*person
	if alone(all) {
		persons = onePerson(all)
	} else {
		for _, p := range pieces {
			for _, h := range p.hits {
				h.walking = p.moving
			}
		}
		seats = t.shareOut(t.keep(t.joinPlaces(t.agglomerate(seats)), size, &t.views[v].activity))
		for _, s := range seats {
			for _, p := range s.pieces {
				p.seat = s
			}
		}
		persons, teach = teachers(t.people(seats, pieces, size), size)
	}
	mine := make([]*seat, 0, len(persons))
	for _, p := range persons {
		mine = append(mine, p.whole())
	}
	sortByPlace(mine)
	// T01 is who is there most.
	slices.SortStableFunc(teach, func(a, b *person) int { return len(b.hits()) - len(a.hits()) })
	for _, p := range teach {
		s := p.whole()
		s.roams = len(p.seats)+len(p.walks) > 1
		mine = append(mine, s)
	}
	places, evidence := make([][]place, len(mine)), make([]float64, len(mine))
	for i, s := range mine {
		t.flowFill(s)
		places[i], evidence[i] = t.places(s, size), s.evidence()
	}
	for i := range mine {
		t.views[v].activity.unlike(places[i])
	}
	uncover(places, evidence)
	for i, s := range mine {
		if i < len(persons) {
			tr := t.track(fmt.Sprintf("S%02d", students+i+1), s, places[i])
			tr.View = v
			class = append(class, tr)
			continue
		}
		tr := t.track(fmt.Sprintf("T%02d", others+i-len(persons)+1), s, places[i])
		tr.Teacher, tr.View = true, v
		teaching = append(teaching, tr)
	}
	return class, teaching
}

// whole makes one seat of a person's seats and walks; its place is that of the
// seat with most hits.
func (p *person) whole() *seat {
	s := newSeat(p.hits())
	most := 0
	for _, o := range p.seats {
		if len(o.hits) > most {
			most = len(o.hits)
			s.x, s.y, s.w, s.h = o.x, o.y, o.w, o.h
		}
	}
	return s
}

// A recording shows one person when a second one is found at no more than
// aloneShare of the steps at which anybody surely is.
const (
	aloneShare = 0.05
	aloneScore = 0.5
)

func alone(all []*seat) bool {
	count := map[int]int{}
	for _, s := range all {
		for _, h := range s.hits {
			if h.score >= aloneScore {
				count[h.step]++
			}
		}
	}
	two := 0
	for _, n := range count {
		if n > 1 {
			two++
		}
	}
	return len(count) >= 3 && float64(two) <= aloneShare*float64(len(count))
}

// onePerson takes the surest hit of each step.
func onePerson(all []*seat) []*person {
	s := all[0]
	for _, o := range all[1:] {
		s = merge(s, o)
	}
	return []*person{{seats: []*seat{s}}}
}

// sortByPlace orders seats by row, from the top of the picture, and by place in
// the row. A row ends where the next head is more than half a head lower.
func sortByPlace(seats []*seat) {
	slices.SortStableFunc(seats, func(a, b *seat) int { return cmp.Compare(a.y, b.y) })
	for from := 0; from < len(seats); {
		to := from + 1
		for to < len(seats) && seats[to].y-seats[from].y < 0.5*seats[from].h {
			to++
		}
		slices.SortStableFunc(seats[from:to], func(a, b *seat) int { return cmp.Compare(a.x, b.x) })
		from = to
	}
}
