package room

// Event starts a posture at a time; it lasts until the next.
type Event struct {
	T       float64 // seconds
	Posture Posture
	Side    float32 // -1 right or 1 left: which arm, which neighbour
	Vary    float32 // 0..1: where within the posture's range
	Path    []Vec   // of a walk: from here, there and, where it ends before the lesson does, back
}

// Actor is a figure that plays events at a seat.
type Actor struct {
	*Figure
	ID     string // S01 …, the teacher T01
	Seat   Seat
	Events []Event
	Chair  Vec // colour; the teacher has none
	Left   bool
	phase  float64
	lean   map[Posture]float32 // of the head laid down
	stops  []stop              // the teacher's round; nil for a student

	// of the moment posed
	Behaviour string
	Now       Posture
	place     Vec
	facing    float32
	Gone      bool
	push      float32 // 0 sitting at the desk .. 1 chair pushed back
}

// Clone shares the meshes and plays the same events.
func (a *Actor) Clone() *Actor {
	c := *a
	c.Figure = a.Figure.Clone()
	c.lean = map[Posture]float32{}
	return &c
}

const (
	blend     = .9  // seconds from one posture to the next
	walkSpeed = 1.1 // metres a second
)

// moment gathers what a posture depends on. focus is the place the class
// attends to.
func (a *Actor) moment(e *Event, t float64, focus Vec) moment {
	d := focus.Sub(a.Seat.P)
	return moment{t: t, phase: a.phase, side: e.Side, vary: e.Vary, focus: nearTurn(degrees(d.X, d.Z)-a.Seat.Turn, 0),
		desk: a.Seat.Desk, hip: a.Seat.Hip, stand: a.head[a.base.index["thigh_l"]].Y, size: a.reach, left: a.Left}
}

func (a *Actor) posture(e *Event, t float64, focus Vec) Pose {
	m := a.moment(e, t, focus)
	q := e.Posture.pose(&m)
	if postures[e.Posture] == "head_down" {
		q.Lean += a.layDown(e.Posture, q) - 52
	}
	return q
}

// layDown finds the lean at which the head touches the arms on the desk.
func (a *Actor) layDown(p Posture, q Pose) float32 {
	if l, ok := a.lean[p]; ok {
		return l
	}
	if a.lean == nil {
		a.lean = map[Posture]float32{}
	}
	lo, hi := float32(30), float32(82)
	for range 12 {
		q.Lean = (lo + hi) / 2
		a.Apply(q, Vec{}, 0)
		low := float32(9)
		head := a.base.index["head"]
		for i := 0; i < len(a.crown); i += 7 {
			c := a.crown[i]
			low = min(low, a.at(anchor{head, a.parts[c.part].v[c.vertex]}).Y)
		}
		if low > a.Seat.Desk+.075 {
			lo = q.Lean
		} else {
			hi = q.Lean
		}
	}
	a.lean[p] = (lo + hi) / 2
	return a.lean[p]
}

// Step poses the actor at time t. focus is what the class attends to then.
func (a *Actor) Step(t float64, focus Vec) {
	a.pose0(t, focus)
	a.skin()
}

// pose0 sets bones and state without moving the skin.
func (a *Actor) pose0(t float64, focus Vec) {
	if a.stops != nil {
		a.teach(t)
		return
	}
	i := 0
	for i+1 < len(a.Events) && a.Events[i+1].T <= t {
		i++
	}
	e := &a.Events[i]
	a.Now, a.place, a.facing, a.Gone = e.Posture, a.Seat.P, a.Seat.Turn, false
	a.push = upness(e.Posture)
	var q Pose
	if e.Posture == "walk" {
		end := 1e9
		if i+1 < len(a.Events) {
			end = a.Events[i+1].T
		}
		q = a.stroll(e, t, end, focus)
	} else {
		q = a.posture(e, t, focus)
	}
	if i > 0 {
		p := &a.Events[i-1]
		if f := smooth(float32((t - e.T) / blend)); f < 1 {
			was := *p
			if p.Posture == "walk" {
				was.Posture = "stand"
			}
			q = mixPose(a.posture(&was, t, focus), q, f)
			a.push = mixf(upness(p.Posture), upness(e.Posture), f)
			if f < .5 && p.Posture != "walk" {
				a.Now = p.Posture
			}
		}
	}
	a.Behaviour = postures[a.Now]
	a.blink = blinks(t, a.phase) || a.Behaviour == "head_down"
	a.Apply(q, a.place, a.facing)
}

func upness(p Posture) float32 {
	if p.standing() {
		return 1
	}
	return 0
}

// blinks closes the eyes for an eighth of a second every three to five.
func blinks(t, phase float64) bool {
	every := 3 + phase*.33
	n := (t + phase*7) / every
	return (n-float64(int(n)))*every < .13
}

// stroll walks the event's path and, before its end, back.
func (a *Actor) stroll(e *Event, t, end float64, focus Vec) Pose {
	total := float32(0)
	for k := 1; k < len(e.Path); k++ {
		total += e.Path[k].Sub(e.Path[k-1]).Len()
	}
	out := max(float32(t-e.T-blend*.7)*walkSpeed, 0)
	home := float32(end-t-.1) * walkSpeed
	s, back := out, false
	if home < out {
		s, back = max(home, 0), true
	}
	a.Gone = s > total
	way := s
	for k := 1; k < len(e.Path); k++ {
		d := e.Path[k].Sub(e.Path[k-1])
		l := d.Len()
		if way <= l || k == len(e.Path)-1 {
			a.place = e.Path[k-1].Add(d.Mul(min(way/l, 1)))
			if back {
				d = d.Mul(-1)
			}
			turned := nearTurn(degrees(d.X, d.Z), a.facing)
			f := smooth(min(float32(t-e.T)/.9-.5, float32(end-t)/.8))
			a.facing += (turned - a.facing) * f
			break
		}
		way -= l
	}
	m := a.moment(e, t, focus)
	m.vary = s / stride
	walk := Posture("walk").pose(&m)
	still := Posture("stand").pose(&m)
	return mixPose(still, walk, smooth(min(float32(t-e.T-.4)*2, float32(end-t)*2)))
}
