package room

import (
	"math"
	"math/rand"
	"slices"
)

// LessonSeconds is how long the sample lesson lasts.
const LessonSeconds = 78

// NewLesson is the sample lesson: seventeen students at desks for two and a
// teacher. The teacher explains, asks, has them write, has them talk in pairs,
// asks again. S05 comes late, S12 leaves and returns, S17 sleeps.
func NewLesson(a *Assets, seed int64, w, h, over int) (*Scene, error) {
	l := Layout{Kind: "double", Rows: 3, Cols: 3, Pitch: 1.34, Desk: .735, Clutter: .6}
	m := NewRoom(seed, l)
	s := &Scene{Seed: seed, Room: m, Noise: 2.4}
	empty := 7 // one place stays free
	for i, seat := range m.Seats {
		if i == empty {
			continue
		}
		r := derive(seed, 1000+i)
		f, err := a.NewFigure(RandomLook(r, Pupils))
		if err != nil {
			return nil, err
		}
		s.Actors = append(s.Actors, &Actor{Figure: f, ID: Name(len(s.Actors)), Seat: seat, phase: r.Float64() * 6, Left: r.Intn(9) == 0,
			Chair: hsv(.55+.1*r.Float32(), .5*r.Float32(), .3+.2*r.Float32())})
	}
	for i, x := range s.Actors {
		x.Events = lessonOf(derive(seed, 2000+i), i, x, s)
	}
	teacher, err := newTeacher(a, derive(seed, 3000), lessonRound(m))
	if err != nil {
		return nil, err
	}
	s.Actors = append(s.Actors, teacher)
	s.awayFromFocus()
	s.Camera = LookAt(Vec{m.X1 - .12, 2.62, m.Z1 - .45}, Vec{-.42, .70, -.60}, 49.5, w, h, over, 0)
	s.Lights = lessonLight
	s.Prepare()
	return s, nil
}

// newTeacher is a grown-up on a round.
func newTeacher(a *Assets, r *rand.Rand, round []stop) (*Actor, error) {
	l := RandomLook(r, Variety{AgeMin: 1.25, AgeMax: 1.4})
	l.Height = .6
	f, err := a.NewFigure(l)
	if err != nil {
		return nil, err
	}
	return &Actor{Figure: f, ID: "T01", Seat: Seat{Row: -1, Col: -1, Desk: .735, Hip: .535}, phase: 2, stops: round}, nil
}

// lessonRound is the teacher's way through the lesson.
func lessonRound(m *Room) []stop {
	b := m.Board
	write := Vec{b.X + .50, 0, b.Z + .25}
	beside := Vec{b.X + .75, 0, b.Z - .35}
	return []stop{
		{-10, beside, 150, "explain"},
		{6, write, -90, "board"},
		{13, beside, 120, "point"},
		{17, Vec{-1.2, 0, 1.5}, 170, "explain"},
		{25, Vec{-.3, 0, 1.4}, 185, "wait"},
		{33, Vec{-1.0, 0, 1.35}, 180, "explain"},
		{37, Vec{m.aisle(0), 0, 1.1}, 180, "wait"},
		{40, Vec{m.aisle(0), 0, -.9}, 120, "wait"},
		{46, Vec{m.aisle(0), 0, 1.1}, 0, "wait"},
		{49, Vec{-1.4, 0, 1.5}, 190, "explain"},
		{58, beside, 140, "wait"},
		{61, write, -90, "board"},
		{67, beside, 130, "point"},
		{71, Vec{-1.6, 0, 1.45}, 170, "explain"},
	}
}

// aisle is the x of the k-th aisle between desks, from the windows.
func (m *Room) aisle(k int) float32 {
	var xs []float32
	for _, s := range m.Seats {
		if s.Aisle > m.X0+.9 && s.Aisle < m.X1-.9 && !slices.ContainsFunc(xs, func(x float32) bool { return abs(x-s.Aisle) < .3 }) {
			xs = append(xs, s.Aisle)
		}
	}
	slices.Sort(xs)
	if len(xs) == 0 {
		return 0
	}
	return xs[min(k, len(xs)-1)]
}

// lessonLight has a cloud pass at 20 to 34 s and the lamps go on at 52 s; the
// camera's exposure follows a little later.
func lessonLight(t float64) Light {
	cloud := smooth(float32(t-20)/4) * (1 - smooth(float32(t-31)/4))
	lamp := smooth(float32(t-52) * 3)
	follow := smooth(float32(t-52.5) * 1.2)
	return Light{
		Window: 1.02 - .38*cloud + .03*float32(math.Sin(t*.9)),
		Lamp:   .42 + .36*lamp,
		Gain:   1 + .14*smooth(float32(t-22)/5)*(1-smooth(float32(t-33)/5)) - .13*follow,
	}
}

// phase of the lesson: from, and what the class does, in shares of postures.
type phase struct {
	from  float64
	share []weighted
}

type weighted struct {
	p Posture
	w float32
}

var phases = []phase{
	{-9, []weighted{{"listen", 4}, {"crossed", 2}, {"chin", 2}, {"lap", 1}, {"leanback", 1}, {"write", 1}, {"turn", .4}, {"phonelap", .4}, {"readchin", .3}}},
	{17, []weighted{{"listen", 3}, {"crossed", 1}, {"chin", 1}, {"hand", 1.2}, {"halfhand", .4}, {"deskhand", .6}, {"read", .8}, {"turnback", .4}}},
	{26, []weighted{{"write", 4}, {"writehead", 1}, {"read", 2}, {"finger", 1}, {"bookup", 1}, {"readchin", 1}, {"phonedesk", .4}, {"window", .5}, {"drink", .3}, {"bag", .3}, {"stretch", .2}}},
	{48, []weighted{{"talk", 5}, {"write", 1}, {"read", .6}, {"talkback", .5}}},
	{60, []weighted{{"listen", 3}, {"chin", 1}, {"hand", 1.6}, {"halfhand", .4}, {"deskhand", .6}, {"leanback", 1}, {"turn", .4}, {"phoneup", .3}, {"yawn", .2}}},
}

// lessonOf is one student's events: drawn by the phases, then the marked
// moments set in.
func lessonOf(r *rand.Rand, i int, x *Actor, s *Scene) []Event {
	var ev []Event
	for k, ph := range phases {
		end := float64(LessonSeconds + 2)
		if k+1 < len(phases) {
			end = phases[k+1].from
		}
		for t := ph.from + r.Float64()*1.8; t < end-1.5; {
			p := drawPosture(r, ph.share)
			e := Event{T: t, Posture: p, Side: side(r), Vary: r.Float32()}
			if postures[p] == "discuss" && x.Seat.Mate >= 0 {
				e.Side = x.Seat.MateSide
			}
			ev = append(ev, e)
			t += hold(r, p)
		}
	}
	for _, m := range marked(i, x, s) {
		ev = insert(ev, m.Event, m.end)
	}
	return ev
}

// hold is how long a posture lasts, in seconds.
func hold(r *rand.Rand, p Posture) float64 {
	switch postures[p] {
	case "raise_hand", "turn", "other":
		return 3.5 + 2.5*r.Float64()
	case "discuss", "phone":
		return 5 + 4*r.Float64()
	}
	return 5 + 7*r.Float64()
}

func drawPosture(r *rand.Rand, l []weighted) Posture {
	sum := float32(0)
	for _, x := range l {
		sum += x.w
	}
	u := r.Float32() * sum
	for _, x := range l {
		if u -= x.w; u < 0 {
			return x.p
		}
	}
	return l[0].p
}

// mark is an event that is sure to happen, and its end.
type mark struct {
	Event
	end float64
}

// insert puts an event in the place of those between its start and end.
func insert(ev []Event, e Event, end float64) []Event {
	var out []Event
	resume := Event{T: end, Posture: "listen", Side: 1, Vary: .4}
	for _, x := range ev {
		if x.T < e.T {
			out = append(out, x)
		}
		if x.T < end {
			r := x
			r.T = end
			if postures[x.Posture] != "other" && postures[x.Posture] != "raise_hand" {
				resume = r
			}
		}
	}
	out = append(out, e)
	if end < LessonSeconds {
		out = append(out, resume)
	}
	for _, x := range ev {
		if x.T > end+1.5 {
			out = append(out, x)
		}
	}
	return out
}

// toDoor is the way from a seat out of the room.
func (s *Scene) toDoor(x *Actor) []Vec {
	p, d := x.Seat.P, s.Room.Door
	behind := turn(x.Seat.Turn, Vec{0, 0, -.34}).Add(p)
	return []Vec{p, behind, {x.Seat.Aisle, 0, behind.Z}, {x.Seat.Aisle, 0, d.Z + .75}, {d.X, 0, d.Z + .55}, {d.X, 0, d.Z - .9}, {d.X - 1.8, 0, d.Z - 1}}
}

// marked are the moments that the sample promises, by the student's index.
func marked(i int, x *Actor, s *Scene) []mark {
	m := func(t, end float64, p Posture, side, vary float32) mark {
		return mark{Event{T: t, Posture: p, Side: side, Vary: vary}, end}
	}
	switch i {
	case 0:
		return []mark{m(18.5, 23, "hand", 1, .8), m(64, 68, "hand", 1, .5)}
	case 1:
		return []mark{m(29, 37, "phonedesk", 1, .8), m(63, 66, "window", 1, .5)}
	case 2:
		return []mark{m(20, 24.5, "halfhand", -1, .5), m(69, 74, "stand", 1, .3)}
	case 3:
		return []mark{m(9, 13, "turn", -1, .6), m(41, 44, "drink", 1, .5), m(62, 66.5, "stand", 1, .2)}
	case 4: // late
		out := m(-200, 15, "walk", 1, .5)
		out.Path = s.toDoor(x)
		return []mark{out}
	case 5:
		return []mark{m(6, 14, "phonelap", 1, .3), m(65, 69.5, "hand", -1, .7)}
	case 6:
		return []mark{m(35, 38.5, "stretch", 1, .5), m(18, 23, "recite", 1, .7)}
	case 8:
		return []mark{m(21.5, 25.5, "hand", -1, .3), m(43, 46.5, "bag", 1, .5)}
	case 10:
		return []mark{m(31, 42, "sleepside", 1, .5), m(66, 71, "halfhand", 1, .4)}
	case 11: // leaves and returns
		out := m(25.5, 49, "walk", 1, .5)
		out.Path = s.toDoor(x)
		return []mark{out}
	case 12:
		return []mark{m(7, 11, "turnback", 1, .5), m(33, 40, "phoneup", 1, .5)}
	case 13, 14: // two who talk while they should listen
		return []mark{m(8, 15, "talk", x.Seat.MateSide, .6)}
	case 15:
		return []mark{m(3, 12, "sleep", 1, .5), m(67, 72, "hand", 1, .9)}
	case 16:
		return []mark{m(22, 300, "sleep", -1, .4)}
	}
	return nil
}
