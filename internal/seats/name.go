package seats

import (
	"cmp"
	"slices"

	"classlens/vision/scene"
)

// remembered bounds how many recordings a seat's place is the mean of: chairs
// are moved over a term, and the map follows.
const remembered = 10

// Result tells what naming did.
type Result struct {
	Known int  `json:"known"`      // students at stored seats
	New   int  `json:"new"`        // and at seats not known before
	Other bool `json:"other_room"` // the stored seats are another room's or camera's: nothing was named or stored
}

// rename gives the students of a recording of w x h pixels the names of the
// stored seats, in place and in the order of their names, and takes seats that are
// new and places that shifted into the map; again: the map has been moved by this recording.
// Teachers keep their names.
func (m *Map) rename(tracks []scene.Track, w, h int, again bool) Result {
	order, views := byView(tracks)
	if len(order) == 0 {
		return Result{}
	}
	empty := len(m.Views) == 0
	if empty {
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
		if !ok && !empty && n == 0 {
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
			tracks[i].ID = m.take(at, j, p.apply(seats[k]), empty, again)
		}
	}
	sortByName(tracks)
	return r
}

// byView sorts the students (not the teachers) of a recording by the view they sit in, and gives the views, the one with most students first: it is laid over
// the map first.
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

// take puts a seat into a stored view, as its j-th seat or, where j is -1, a new one, and gives the name of who sits there.
func (m *Map) take(view, j int, s Seat, empty, again bool) string {
	if j < 0 {
		s.Student = m.free(s.Student, empty)
		m.Views[view].Seats = append(m.Views[view].Seats, s)
		return s.Student
	}
	if !again {
		m.Views[view].Seats[j].move(s)
	}
	return m.Views[view].Seats[j].Student
}

// sortByName sorts students by number, teachers last.
func sortByName(tracks []scene.Track) {
	slices.SortStableFunc(tracks, func(a, b scene.Track) int {
		if a.Teacher != b.Teacher {
			return map[bool]int{false: -1, true: 1}[a.Teacher]
		}
		return cmp.Or(cmp.Compare(number(a.ID), number(b.ID)), cmp.Compare(a.ID, b.ID))
	})
}

// view finds the stored view that agrees best with the seats of one view of the
// recording.
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

// move takes a new place into the mean.
func (s *Seat) move(o Seat) {
	n := float64(min(s.Recordings, remembered-1))
	mean := func(a, b float64) float64 { return (n*a + b) / (n + 1) }
	s.X, s.Y, s.W, s.H = mean(s.X, o.X), mean(s.Y, o.Y), mean(s.W, o.W), mean(s.H, o.H)
	s.Recordings++
}

// free is a name that no seat has: in an empty map the recording's own, else
// the one after the last.
func (m *Map) free(own string, empty bool) string {
	last, taken := 0, false
	for _, v := range m.Views {
		for _, s := range v.Seats {
			last = max(last, number(s.Student))
			taken = taken || s.Student == own
		}
	}
	if empty && !taken && number(own) > 0 {
		return own
	}
	return Name(last + 1)
}
