package room

import (
	"fmt"
	"math"
	"math/rand"
)

const (
	// mostStudents bounds the time that drawing a room takes.
	mostStudents = 28
	// fewStudents is what a clip shows at least, where the room has so many seats: a clip of nobody judges nothing.
	fewStudents = 3
)

// NewClip draws the n-th whole-room clip of a plan: a class at work under one
// camera that sees some of it, sometimes with a teacher or a student who leaves or returns. It also
// gives the kinds of room and camera.
func NewClip(a *Assets, p *Plan, n int) (*Scene, string, error) {
	r := derive(p.Seed, 500_000+n)
	age := uniform(r, p.AgeMin, p.AgeMax)
	l := p.layout(r, age)
	l.Rows = min(l.Rows, 4)
	most := mostStudents
	if p.Rows > 0 {
		l.Rows, most = p.Rows, p.Rows*p.Cols*4
	}
	if p.Cols > 0 {
		l.Cols = p.Cols
	}
	kind := CameraKinds[n%len(CameraKinds)]
	if p.Cameras[kind] <= 0 {
		kind = choose(r, p.Cameras)
	}
	s := &Scene{Seed: p.Seed*1_000_003 + 500_000 + int64(n), Noise: uniform(r, p.NoiseMin, p.NoiseMax)}
	s.Room = NewRoom(s.Seed, l)
	width := p.Widths[n%len(p.Widths)]
	s.Camera = s.Room.overview(r, p, kind, width)
	s.Lights = lightsOf(r)
	if err := s.fillSeats(a, r, p.variety(age), most); err != nil {
		return nil, "", err
	}
	// Too few in view: other cameras of the kind, then those that see the most of a room. A room with enough is drawn as if this were not here.
	for try := 0; len(s.Actors) < min(fewStudents, len(s.Room.Seats)); try++ {
		if try == 60 {
			return nil, "", fmt.Errorf("no camera sees %d students of a room of %d seats (%s)", fewStudents, len(s.Room.Seats), l.Kind)
		}
		if try == 20 {
			kind = "front"
		}
		again := derive(s.Seed, 700_000+try)
		s.Actors, s.Camera = nil, s.Room.overview(again, p, kind, width)
		if err := s.fillSeats(a, again, p.variety(age), most); err != nil {
			return nil, "", err
		}
	}
	if n%3 != 2 {
		t, err := newTeacher(a, derive(s.Seed, 3000), s.Room.round(r, p.Seconds))
		if err != nil {
			return nil, "", err
		}
		s.Actors = append(s.Actors, t)
	}
	s.busy(r, p, l.Kind != "groups" && l.Kind != "lecture" && n%2 == 0)
	s.awayFromFocus()
	s.Prepare()
	return s, l.Kind + "/" + kind, nil
}

// overview is a camera of a kind that shows most of the room, in pictures of a width.
func (m *Room) overview(r *rand.Rand, p *Plan, kind string, width int) *Camera {
	from := m.hang(r, kind)
	if p.Low > 0 && kind != "ceiling" && r.Float32() < p.Low {
		from.Y = uniform(r, 1.2, 1.7)
	}
	at := Vec{from.X * .15, .75, uniform(r, .30, .42) * m.Z0}
	if kind == "front" {
		from.Z = m.Z1 - .2
		from.X *= .5
	}
	if kind == "ceiling" {
		at.X, at.Z = from.X*.5, from.Z-1.6
	}
	d := at.Sub(from)
	fov := clamp(float32(2*math.Atan(float64((m.X1-m.X0)*.36/d.Len()))*180/math.Pi)*.8, 38, 66)
	return LookAt(from, at, fov, width, width*9/16, 2, p.Bend*r.Float32())
}

// fillSeats puts students on most of the seats that the camera sees, up to a number.
func (s *Scene) fillSeats(a *Assets, r *rand.Rand, v Variety, most int) error {
	for i, seat := range s.Room.Seats {
		if r.Intn(6) == 0 || !s.seatSeen(seat) || len(s.Actors) >= most {
			continue
		}
		fr := derive(s.Seed, 1000+i)
		f, err := a.NewFigure(RandomLook(fr, v))
		if err != nil {
			return err
		}
		s.Actors = append(s.Actors, &Actor{Figure: f, ID: Name(len(s.Actors)), Seat: seat, phase: fr.Float64() * 6, Left: fr.Intn(9) == 0, Chair: hsv(.55+.1*fr.Float32(), .5*fr.Float32(), .1+.4*fr.Float32())})
	}
	return nil
}

func (s *Scene) seatSeen(seat Seat) bool {
	c := s.Camera
	h := c.Project(seat.P.Add(Vec{0, seat.Hip + .62, .08}))
	return h.Z > 1 && h.X > 4 && h.Y > 4 && h.X < float32(c.W)-4 && h.Y < float32(c.H)-8
}

// busy gives every student a part of a lesson to act; with walk, one leaves the room or returns.
func (s *Scene) busy(r *rand.Rand, p *Plan, walk bool) {
	seconds := p.Seconds
	ph := phases[r.Intn(len(phases))]
	for i, a := range s.Actors {
		if a.stops != nil {
			continue
		}
		for t := -8 + 3*r.Float64(); t < seconds; {
			e := Event{T: t, Posture: drawPosture(r, ph.share), Side: side(r), Vary: r.Float32()}
			if r.Intn(12) == 0 {
				e.Posture = pick(r, []Posture{"sleep", "sleepside", "phonelap", "phonedesk", "stand", "recite"})
			}
			if p.Free > 0 && r.Float32() < p.Free {
				e.Posture = p.event(r, a, t).Posture
			}
			if postures[e.Posture] == "discuss" && a.Seat.Mate >= 0 {
				e.Side = a.Seat.MateSide
			}
			a.Events = append(a.Events, e)
			t += hold(r, e.Posture)
		}
		if walk && i == len(s.Actors)/2 {
			e := Event{T: seconds * .15, Posture: "walk", Side: 1, Vary: .5, Path: s.toDoor(a)}
			a.Events = insert(a.Events, e, seconds*.95)
		}
	}
}

// round is a teacher's path for a clip: in front of the class, down an aisle and back.
func (m *Room) round(r *rand.Rand, seconds float64) []stop {
	x := uniform(r, m.X0*.5, m.X1*.5)
	a := m.aisle(r.Intn(2))
	t := seconds * float64(uniform(r, .15, .3))
	return []stop{{-10, Vec{x, 0, 1.5}, 180, "explain"}, {t, Vec{-x, 0, 1.6}, 170, "point"}, {t + 5, Vec{a, 0, 1.2}, 180, "wait"}, {t + 8, Vec{a, 0, uniform(r, -2, -.8)}, 120, "wait"}}
}
