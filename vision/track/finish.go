package track

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"classlens/vision/scene"
)

// Finish joins what was added and gives the tracks: the students by seat, from
// the back row to the front and from left to right, then the teacher. It may be
// called once.
func (t *Tracker) Finish() []scene.Track {
	t.done = append(t.done, t.live...)
	t.live = nil
	slices.SortStableFunc(t.done, func(a, b *tracklet) int { return cmp.Compare(a.hits[0].step, b.hits[0].step) })
	seats := make([]*seat, 0, len(t.done))
	for _, k := range t.done {
		seats = append(seats, newSeat(k.hits))
	}
	seats = t.agglomerate(seats)
	size := t.perspective(seats)
	seats = t.keep(seats)
	sortByPlace(seats)
	all, evidence := make([][]place, len(seats)), make([]float64, len(seats))
	for i, s := range seats {
		t.flowFill(s)
		all[i], evidence[i] = t.places(s, size), s.evidence()
	}
	uncover(all, evidence)
	tracks := make([]scene.Track, len(seats))
	for i, s := range seats {
		tracks[i] = t.track(fmt.Sprintf("S%02d", i+1), s, all[i])
	}
	return tracks
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

// track writes a seat's places down as sightings in picture coordinates.
func (t *Tracker) track(id string, s *seat, places []place) scene.Track {
	out := scene.Track{ID: id, SeatX: s.x, SeatY: s.y, Sightings: make([]scene.Sighting, len(places))}
	ev := math.Min(1, s.evidence()/float64(len(s.hits)))
	for q, p := range places {
		v := scene.Sighting{Step: q, Time: t.steps[q].time, Shot: t.steps[q].shot}
		if p.shown {
			cam := t.steps[q].cam
			x, y := cam.toPicture(p.x, p.y)
			k := cam.scale()
			w, h := p.w*k*t.o.Grow, p.h*k*t.o.Grow
			v.Visible = true
			v.Head = scene.Box{X: x - w/2, Y: y - h/2, W: w, H: h}
			v.Body = upperBody(v.Head)
			switch {
			case p.hit != nil:
				v.Quality = p.hit.score
				if !p.hit.body.Empty() {
					v.Body = p.hit.body
				}
				if p.hit.points != nil {
					v.Points = *p.hit.points
				}
			case p.found:
				v.Quality = 0.5 * ev
			default:
				v.Quality = 0.25 * ev
			}
		}
		out.Sightings[q] = v
	}
	return out
}

// upperBody is where a seated person's upper body is, from the head box: of
// the adult body, shoulders are about 2.6 head widths apart over all (biacromial
// breadth 40 cm, arms beside it, head 15.5 cm), and head and trunk measure about 3.2 head
// heights down to the seat (sitting height 88 cm, head 23 cm, less what a desk hides).
func upperBody(head scene.Box) scene.Box {
	cx, _ := head.Center()
	w, h := 2.6*head.W, 3.2*head.H
	return scene.Box{X: cx - w/2, Y: head.Y, W: w, H: h}
}
