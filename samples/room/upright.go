package room

import "math"

// upright poses those on their feet: a student called up, and the teacher.
func (m *moment) upright(p Posture, q *Pose) {
	m.onFeet(q)
	m.attend(q, .8)
	w, s := m.writing()
	switch p {
	case "recite": // reading from a sheet held up
		h := m.stand + .26
		q.Hand = [2]Vec{{.13, h, .30}, {-.13, h, .30}}
		q.Palm = [2]Vec{{-.7, .3, -.6}, {.7, .3, -.6}}
		q.Pole = [2]Vec{{.5, -1, -.3}, {-.5, -1, -.3}}
		q.HeadPitch, q.HeadYaw, q.Curl = 18, m.sway(.3, 3), [2]float32{45, 45}
	case "explain": // both hands talk along
		for k := range q.Hand {
			sg := float32(1 - 2*k)
			f := float64(k)*1.3 + m.phase
			q.Hand[k] = Vec{sg * (.20 + .05*sin(m.t*1.3+f)), m.stand + .17 + .07*sin(m.t*2.1+f), .26 + .05*sin(m.t*1.7+f)}
			q.Palm[k] = Vec{-sg * .7, .6, -.2}
			q.Pole[k] = Vec{sg * .7, -1, -.5}
		}
		q.HeadYaw = m.sway(.35, 16)
	case "point": // at the board or at someone
		q.Hand[w] = Vec{s*.30 + .05*sin(m.t*.9), m.stand + .48 + .05*sin(m.t*1.3), .42}
		q.Pole[w] = Vec{s, -.6, -.3}
		q.Palm[w] = Vec{0, -1, .2}
		q.Curl[w] = 14
	case "board": // faces the board and writes
		line := float32(math.Mod(m.t*.16, 1))
		q.Hand[w] = Vec{s*.30 - s*.24*line, m.stand + .52 + .03*sin(m.t*9), .40 + .01*sin(m.t*7)}
		q.Pole[w] = Vec{s, -1, -.2}
		q.Palm[w] = Vec{0, -.2, 1}
		q.Curl[w] = 45
		q.HeadPitch, q.HeadYaw = -8, -s*6
		q.Twist = -s * 6
	case "wait": // arms folded
		q.Hand = [2]Vec{{-.10, m.stand + .22, .17}, {.10, m.stand + .26, .20}}
		q.Pole = [2]Vec{{.9, -1, -.2}, {-.9, -1, -.2}}
		q.Palm = [2]Vec{{0, 0, -1}, {0, 0, -1}}
	}
}

// onFeet stands with hanging arms.
func (m *moment) onFeet(q *Pose) {
	q.Hip = Vec{m.sway(.3, .012), m.stand - .005, -.04}
	q.Lean, q.HeadPitch = 1, 2+m.sway(.5, 2)
	q.Foot = [2]Vec{{.10, .075, -.02}, {-.10, .075, .03}}
	down := m.stand - .10*m.size
	q.Hand = [2]Vec{{.25, down, .07}, {-.25, down, .07}}
	q.Palm = [2]Vec{{-1, 0, 0}, {1, 0, 0}}
	q.Pole = [2]Vec{{.3, 0, -1}, {-.3, 0, -1}}
	q.Curl = [2]float32{28, 28}
}

// stride is how far two steps carry, in metres; the step's phase follows the
// way walked, so that feet do not slide.
const stride = 1.25

// walk is one moment of walking; vary is the phase of the two steps.
func (m *moment) walk(q *Pose) {
	m.onFeet(q)
	c := float64(m.vary) * 2 * math.Pi
	for i := 0; i < 2; i++ {
		s := float32(1 - 2*i)
		f := float64(i)*math.Pi + c
		q.Foot[i] = Vec{s * .085, .075 + max(0, .10*float32(math.Cos(f))), .29 * float32(math.Sin(f))}
		q.Hand[i] = Vec{s * .24, m.stand - .07*m.size, .05 - .19*float32(math.Sin(f))}
	}
	q.Hip = Vec{0, m.stand - .035 + .015*float32(math.Cos(2*c)), 0}
	q.Twist = 5 * float32(math.Sin(c))
	q.HeadYaw = m.sway(.5, 4)
}
