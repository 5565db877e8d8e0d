package room

import (
	"math"
	"math/rand"
	"slices"
)

// Group is a scene for training pictures: some students of a drawn room near
// enough to a camera.
type Group struct {
	*Scene
	Layout, View string // kinds of room and camera
	plan         *Plan
	pool         []Seat // seats that the group fills
}

// maxGroup is how many students a picture of the generator holds at most.
const maxGroup = 10

// NewGroup draws the n-th scene of a plan.
func NewGroup(a *Assets, p *Plan, n int) (*Group, error) {
	r := derive(p.Seed, n)
	age := uniform(r, p.AgeMin, p.AgeMax)
	l := p.layout(r, age)
	g := &Group{Scene: &Scene{Seed: p.Seed*1_000_003 + int64(n), Noise: uniform(r, p.NoiseMin, p.NoiseMax)}, Layout: l.Kind, plan: p}
	g.Room = NewRoom(g.Seed, l)
	g.Lights = lightsOf(r)
	aim := pick(r, g.Room.Seats)
	g.look(r, aim)
	seats := g.inPicture()
	if len(seats) > maxGroup {
		seats = seats[:maxGroup]
	}
	v := p.variety(age)
	for i, seat := range seats {
		f, err := a.NewFigure(RandomLook(r, v))
		if err != nil {
			return nil, err
		}
		g.Actors = append(g.Actors, &Actor{Figure: f, ID: Name(i), Seat: seat, phase: r.Float64() * 6, Left: r.Intn(8) == 0, Chair: hsv(r.Float32(), .6*r.Float32(), .06+.5*r.Float32())})
	}
	g.pool = seats
	return g, nil
}

// Turn points the camera anew on the same students, from the k-th place.
func (g *Group) Turn(k int) {
	r := derive(g.Seed, 50+k)
	if k > 0 && len(g.pool) > 0 {
		g.look(r, g.pool[0])
	}
	g.Prepare()
}

// look hangs a camera and aims it at a seat and those around it.
func (g *Group) look(r *rand.Rand, aim Seat) {
	w := pick(r, g.plan.Widths)
	h := w * 9 / 16
	target := aim.P.Add(Vec{uniform(r, -.4, .4), uniform(r, .75, 1.05), uniform(r, -.4, .3)})
	var from Vec
	for range 12 {
		g.View = choose(r, g.plan.Cameras)
		from = g.Room.hang(r, g.View)
		if d := target.Sub(from); d.Len() > 1.7 && sqrt(d.X*d.X+d.Z*d.Z) > .5 {
			break
		}
	}
	dist := target.Sub(from).Len()
	wide := uniform(r, 1.9, 4.2) // metres across the picture at the target
	fov := 2 * math.Atan(float64(wide)/2/float64(dist)*9/16) * 180 / math.Pi
	bend := float32(0)
	if r.Intn(2) == 0 {
		bend = g.plan.Bend * r.Float32()
	}
	over := 2
	if w > 800 {
		over = 1
	}
	g.Camera = LookAt(from, target, clamp(float32(fov), 10, 78), w, h, over, bend)
}

// inPicture lists the seats whose sitters' heads fall well into the picture,
// the nearest to its middle first.
func (g *Group) inPicture() []Seat {
	type scored struct {
		s Seat
		d float32
	}
	var l []scored
	c := g.Camera
	for _, s := range g.Room.Seats {
		head := c.Project(s.P.Add(Vec{0, s.Hip + .62, .08}))
		if head.Z < .9 {
			continue
		}
		px := c.F / float32(c.Over) / head.Z * .24 // height of a head
		mx, my := float32(c.W)*.02, float32(c.H)*.05
		if px < 14 || head.X < mx || head.Y < my || head.X > float32(c.W)-mx || head.Y > float32(c.H)-my*1.5 {
			continue
		}
		dx, dy := head.X/float32(c.W)-.5, head.Y/float32(c.H)-.45
		l = append(l, scored{s, dx*dx + dy*dy})
	}
	slices.SortFunc(l, func(a, b scored) int {
		switch {
		case a.d < b.d:
			return -1
		case a.d > b.d:
			return 1
		}
		return 0
	})
	out := make([]Seat, len(l))
	for i := range l {
		out[i] = l[i].s
	}
	return out
}

// Take gives every student something to do from t on for a span of seconds:
// one behaviour for most, a change on the way for some.
func (g *Group) Take(k int, t, span float64) {
	r := derive(g.Seed, 1000+k)
	for _, a := range g.Actors {
		a.Left = r.Intn(8) == 0
		e := g.plan.event(r, a, t-6-4*r.Float64())
		a.Events = []Event{e}
		if span > 0 && r.Float32() < .35 {
			a.Events = append(a.Events, g.plan.event(r, a, t+r.Float64()*span))
		} else if r.Float32() < .08 { // caught on the way
			a.Events = append(a.Events, g.plan.event(r, a, t-.9*r.Float64()))
		}
	}
	g.awayFromFocus()
}

// event draws a behaviour and a way of showing it.
func (p *Plan) event(r *rand.Rand, a *Actor, t float64) Event {
	e := Event{T: t, Posture: pick(r, PosturesOf(choose(r, p.Behaviours))), Side: side(r), Vary: r.Float32()}
	if postures[e.Posture] == "discuss" && e.Posture != "talkback" && a.Seat.Mate >= 0 {
		e.Side = a.Seat.MateSide
	}
	e.Posture = fitting(e.Posture, a.Seat.Laptop)
	return e
}

// awayFromFocus lets those who turn turn away from what the class attends to:
// turning to it would be attending.
func (s *Scene) awayFromFocus() {
	for _, a := range s.Actors {
		for i := range a.Events {
			e := &a.Events[i]
			if postures[e.Posture] != "turn" {
				continue
			}
			m := a.moment(e, e.T, s.Focus(e.T+1.5))
			switch {
			case m.focus > 12:
				e.Side = -1
			case m.focus < -12:
				e.Side = 1
			}
		}
	}
}

// fitting lets nobody type without a laptop or write on one.
func fitting(p Posture, laptop bool) Posture {
	switch {
	case p == "type" && !laptop:
		return "write"
	case laptop && postures[p] == "write":
		return "type"
	case laptop && (p == "read" || p == "finger"):
		return "bookup"
	}
	return p
}
