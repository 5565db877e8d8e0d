package seats

import (
	"cmp"
	"slices"

	"classlens/vision/scene"
)

// remembered bounds the number of recordings that a seat's place is averaged over: chairs
// are moved during a term, and the map follows.
const remembered = 10

// Result tells what naming did.
type Result struct {
	Known int  `json:"known"`      // students at stored seats
	New   int  `json:"new"`        // students at new seats
	Other bool `json:"other_room"` // the stored seats are another room's or camera's: nothing was named or stored
}

// naming is one recording's way into the map.
type naming struct {
	*Map
	empty bool // the map was: seats keep the names that the recording gave them
	again bool // the map has taken this recording in before: stored seats are not moved by it a second time
}

// rename gives the students of a recording of w x h pixels the names of their seats,
// and sorts the tracks by name. New seats are added to the map, and stored ones are moved towards
// where they are in this recording, unless it was taken in before (again). Teachers keep their names.
func (m *Map) rename(tracks []scene.Track, w, h int, again bool) Result {
	order, views := byView(tracks)
	if len(order) == 0 {
		return Result{}
	}
	into := naming{Map: m, empty: len(m.Views) == 0, again: again}
	if into.empty {
		m.Width, m.Height = w, h
	}
	kx, ky := float64(m.Width)/float64(w), float64(m.Height)/float64(h)
	var r Result
	used := map[int]bool{}
	for n, v := range order {
		seats := make([]Seat, len(views[v]))
		for k, i := range views[v] {
			t := tracks[i]
			seats[k] = Seat{Student: t.ID, X: t.SeatX * kx, Y: t.SeatY * ky, W: t.SeatW * kx, H: t.SeatH * ky, Recordings: 1}
		}
		at, p, to, ok := m.view(seats, used)
		if !ok && !into.empty && n == 0 {
			return Result{Other: true}
		}
		if !ok {
			m.Views = append(m.Views, View{})
			at = len(m.Views) - 1
		}
		used[at] = true
		for k, i := range views[v] {
			j := -1
			if ok {
				j = to[k]
			}
			if j >= 0 {
				r.Known++
			} else {
				r.New++
			}
			tracks[i].ID = into.take(at, j, p.apply(seats[k]))
		}
	}
	sortByName(tracks)
	return r
}

// byView groups the students (not the teachers) of a recording by the view they sit in, and orders the views: the one with most students is matched with the map
// first.
func byView(tracks []scene.Track) (order []int, views map[int][]int) {
	views = map[int][]int{}
	for i, t := range tracks {
		if t.Teacher || t.SeatH <= 0 {
			continue
		}
		if views[t.View] == nil {
			order = append(order, t.View)
		}
		views[t.View] = append(views[t.View], i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(views[b]), len(views[a])) })
	return order, views
}

// take merges a seat into a view's j-th stored seat, or adds it as a new one if j is -1, and gives the seat's name.
func (m naming) take(view, j int, s Seat) string {
	if j < 0 {
		s.Student = m.free(s.Student)
		m.Views[view].Seats = append(m.Views[view].Seats, s)
		return s.Student
	}
	if !m.again {
		m.Views[view].Seats[j].move(s)
	}
	return m.Views[view].Seats[j].Student
}

// sortByName sorts students by number, teachers last.
func sortByName(tracks []scene.Track) {
	slices.SortStableFunc(tracks, func(a, b scene.Track) int {
		switch {
		case a.Teacher && !b.Teacher:
			return 1
		case b.Teacher && !a.Teacher:
			return -1
		}
		return cmp.Or(cmp.Compare(number(a.ID), number(b.ID)), cmp.Compare(a.ID, b.ID))
	})
}

// view finds the stored view, not used yet, that agrees best with the seats of one view
// of the recording: its index, and what align says of it.
func (m *Map) view(seats []Seat, used map[int]bool) (at int, p place, to []int, ok bool) {
	p = place{a: 1}
	best := 0
	for i, v := range m.Views {
		if used[i] {
			continue
		}
		q, t, good := align(v.Seats, seats)
		if n := count(t); good && n > best {
			best, at, p, to, ok = n, i, q, t, true
		}
	}
	return at, p, to, ok
}

// move averages a new place into the stored one.
func (s *Seat) move(o Seat) {
	n := float64(min(s.Recordings, remembered-1))
	mean := func(a, b float64) float64 { return (n*a + b) / (n + 1) }
	s.X, s.Y, s.W, s.H = mean(s.X, o.X), mean(s.Y, o.Y), mean(s.W, o.W), mean(s.H, o.H)
	s.Recordings++
}

// free is a name that no seat has: if the map was empty, the recording's own one, else
// the one after the last.
func (m naming) free(own string) string {
	last, taken := 0, false
	for _, v := range m.Views {
		for _, s := range v.Seats {
			last = max(last, number(s.Student))
			taken = taken || s.Student == own
		}
	}
	if m.empty && !taken && number(own) > 0 {
		return own
	}
	return Name(last + 1)
}
