package room

import "math"

// Scene is a furnished room with its actors under a camera.
type Scene struct {
	Seed   int64
	Room   *Room
	Actors []*Actor // students first, the teacher last
	Camera *Camera
	Noise  float32               // of the sensor, sd in grey levels
	Lights func(t float64) Light // nil: daylight and lamps, unchanging

	still    *buffer // the room alone, shared by clones
	stillWin *shadow
	stillTop *shadow
	buf      *buffer
	win, top *shadow
	sh       shader
	linear   []Vec
	masks    maskBuffer
}

var toWindow = Vec{-.80, .42, .42}.Unit()

// Prepare draws what does not move; call it once the room and the camera are
// set, and again when either changes.
func (s *Scene) Prepare() {
	c, m := s.Camera, s.Room
	w, h := c.W*c.Over, c.H*c.Over
	s.still = newBuffer(w, h)
	for i := range m.Quads {
		s.still.quad(c, &m.Quads[i], 0)
	}
	for i := range s.still.z {
		if s.still.z[i] > far/10 {
			s.still.z[i], s.still.albedo[i], s.still.n[i] = 30, Vec{.5, .5, .5}, Vec{0, 0, 1}
		}
	}
	lo, hi := Vec{m.X0, 0, m.Z0}, Vec{m.X1, m.Top - 1, 2.6}
	s.stillWin, s.stillTop = newShadow(1024, toWindow, lo, hi), newShadow(1024, Vec{.05, 1, .10}, lo, hi)
	for i := range m.Cast {
		s.stillWin.quad(&m.Cast[i])
		s.stillTop.quad(&m.Cast[i])
	}
	s.alloc()
}

func (s *Scene) alloc() {
	w, h := s.still.w, s.still.h
	s.buf = newBuffer(w, h)
	s.win, s.top = &shadow{}, &shadow{}
	*s.win, *s.top = *s.stillWin, *s.stillTop
	s.win.z, s.top.z = make([]float32, len(s.stillWin.z)), make([]float32, len(s.stillTop.z))
	s.linear = make([]Vec, s.Camera.W*s.Camera.H)
	s.sh = shader{}
	s.masks = maskBuffer{}
}

// Clone shares the meshes and the still room, for another goroutine.
func (s *Scene) Clone() *Scene {
	c := *s
	c.Actors = make([]*Actor, len(s.Actors))
	for i, a := range s.Actors {
		c.Actors[i] = a.Clone()
	}
	c.alloc()
	return &c
}

// Focus is what the class attends to at time t: the teacher's head, or the
// middle of the front where there is none.
func (s *Scene) Focus(t float64) Vec {
	for _, a := range s.Actors {
		if a.stops != nil {
			// heads follow with a lag of half a second
			_, p, _, _ := a.where(t - .5)
			return p.Add(Vec{0, 1.5, 0})
		}
	}
	return Vec{(s.Room.X0 + s.Room.X1) / 2, 1.5, s.Room.Z1 - .6}
}

// Pose puts every actor where it is at time t.
func (s *Scene) Pose(t float64) {
	f := s.Focus(t)
	for _, a := range s.Actors {
		a.Step(t, f)
	}
}

// Frame poses, draws, lights and develops the picture at time t: RGB bytes,
// (H, W, 3). The buffers stay for Truth.
func (s *Scene) Frame(t float64) []uint8 {
	s.Pose(t)
	s.draw()
	l := Light{Window: .95, Lamp: .55, Gain: 1}
	if s.Lights != nil {
		l = s.Lights(t)
	}
	s.sh.b, s.sh.c, s.sh.win, s.sh.top, s.sh.to, s.sh.l, s.sh.x0 = s.buf, s.Camera, s.win, s.top, toWindow, l, s.Room.X0
	s.sh.shade(s.linear)
	frame := uint64(int64(math.Round(t * 1e4)))
	return develop(s.Camera, s.linear, uint64(s.Seed)*0x9e3779b97f4a7c15+frame*0xd1b54a32d192ed03, s.Noise)
}

// draw fills the buffers with everything posed.
func (s *Scene) draw() {
	s.buf.copyFrom(s.still)
	s.win.copyFrom(s.stillWin)
	s.top.copyFrom(s.stillTop)
	for i, a := range s.Actors {
		for _, q := range a.chair() {
			s.thing(&q, idThing)
		}
		if a.Gone {
			continue
		}
		for _, q := range a.props() {
			s.thing(&q, idThing)
		}
		seen := s.inView(a.bounds)
		for pi, q := range a.parts {
			p := &a.posed[pi]
			if seen {
				s.buf.part(s.Camera, q, p, uint8(i+1), a.lid(q))
			}
			if q.kind != kindEye && q.kind != kindGlass {
				s.win.part(q, p)
				s.top.part(q, p)
			}
		}
	}
}

func (s *Scene) thing(q *Quad, id uint8) {
	s.buf.quad(s.Camera, q, id)
	s.win.quad(q)
	s.top.quad(q)
}

// inView tells whether a box of the room may fall into the picture.
func (s *Scene) inView(b [2]Vec) bool {
	lx, ly, hx, hy := float32(far), float32(far), float32(-far), float32(-far)
	front := false
	for k := range 8 {
		v := s.Camera.view(Vec{b[k&1].X, b[k>>1&1].Y, b[k>>2&1].Z})
		if v.Z < near {
			return true
		}
		front = true
		lx, ly, hx, hy = min(lx, v.X), min(ly, v.Y), max(hx, v.X), max(hy, v.Y)
	}
	return front && hx >= 0 && hy >= 0 && lx < float32(s.buf.w) && ly < float32(s.buf.h)
}

// chair is the actor's chair where it stands now.
func (a *Actor) chair() []Quad {
	if a.stops != nil {
		return nil
	}
	at := a.Seat.P.Add(turn(a.Seat.Turn, Vec{0, 0, -.28 * a.push}))
	return moved(chair(a.Chair, a.Seat.Hip), at, a.Seat.Turn)
}

// lid is the colour that covers a closed eye, nil for an open one.
func (a *Actor) lid(q *part) *Vec {
	if q.kind != kindEye || !a.blink {
		return nil
	}
	c := Vec{.42, .27, .20}
	if a.Look.Race == "african" {
		c = Vec{.12, .07, .05}
	}
	return &c
}

// CloseUp puts the camera close before one student, for looking at details; it tells whether there is one of that name.
func (s *Scene) CloseUp(id string, fov float32) bool {
	for _, a := range s.Actors {
		if a.ID != id {
			continue
		}
		p, c := a.Seat.P, s.Camera
		if a.stops != nil {
			p = a.stops[0].P
		}
		from := p.Add(turn(a.Seat.Turn, Vec{.9, 1.75, 2.1}))
		s.Camera = LookAt(from, p.Add(Vec{0, .9, .2}), fov, c.W, c.H, c.Over, c.Bend)
		s.Prepare()
		return true
	}
	return false
}
