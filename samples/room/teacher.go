package room

// stop is one place of the teacher's round: walked to from the stop before at
// time T, then facing a direction in a posture until the next.
type stop struct {
	T       float64
	P       Vec
	Face    float32 // degrees
	Posture Posture
}

// where gives the stop in force at t, and how far the walk to it has come.
func (a *Actor) where(t float64) (i int, place Vec, walked, left float32) {
	for i+1 < len(a.stops) && a.stops[i+1].T <= t {
		i++
	}
	s := a.stops[i]
	if i == 0 {
		return i, s.P, 1e6, 0
	}
	from := a.stops[i-1].P
	d := s.P.Sub(from)
	walked = max(float32(t-s.T)*walkSpeed, 0)
	if walked >= d.Len() {
		return i, s.P, walked, 0
	}
	return i, from.Add(d.Unit().Mul(walked)), walked, d.Len() - walked
}

// teach poses the teacher.
func (a *Actor) teach(t float64) {
	i, place, walked, left := a.where(t)
	s := a.stops[i]
	a.Now, a.Behaviour, a.place, a.Gone = s.Posture, "stand", place, false
	e := &Event{Posture: s.Posture, Side: 1, Vary: .3}
	m := a.moment(e, t, Vec{0, 0, -3})
	m.focus = 0
	q := s.Posture.pose(&m)
	before := s
	if i > 0 {
		before = a.stops[i-1]
	}
	a.facing = s.Face
	if way := s.P.Sub(before.P); way.Len() > .05 {
		m.vary = walked / stride
		walk := Posture("walk").pose(&m)
		along := degrees(way.X, way.Z)
		since := smooth(float32(t-s.T) / .7)
		until := smooth(left / (.7 * walkSpeed))
		arrived := 1 - until
		if left == 0 { // turns on the spot and takes up the posture
			after := (walked - way.Len()) / walkSpeed
			f := smooth(after / .8)
			a.facing = mixf(nearTurn(along, s.Face), s.Face, f)
			q = mixPose(walkEnd(&m), q, f)
		} else {
			a.facing = mixf(nearTurn(before.Face, along), along, since)
			old := before.Posture.pose(&m)
			q = mixPose(mixPose(old, walk, since), walkEnd(&m), arrived)
		}
	} else if f := smooth(float32(t-s.T) / blend); i > 0 && f < 1 {
		q = mixPose(before.Posture.pose(&m), q, f)
		a.facing = mixf(nearTurn(before.Face, s.Face), s.Face, f)
	}
	a.blink = blinks(t, a.phase)
	a.Apply(q, a.place, a.facing)
}

// walkEnd is standing still after a walk.
func walkEnd(m *moment) Pose {
	q := m.seated()
	m.onFeet(&q)
	return q
}
