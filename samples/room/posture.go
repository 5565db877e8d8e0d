package room

import "math"

// moment is what a posture may depend on besides its name.
type moment struct {
	t     float64
	phase float64 // the figure's own, so that no two sway together
	side  float32 // which arm, which neighbour: -1 right, 1 left
	vary  float32 // 0..1: where within the posture's range
	focus float32 // degrees to the left at which what the class attends to lies
	desk  float32 // height of the desk's top
	hip   float32 // height of the hips when seated
	stand float32 // and when standing
	size  float32 // arm's length against that of a man of mean size
	left  bool    // writes with the left hand
}

// sway is slow wandering: three sines, so that nobody freezes or loops soon.
func (m *moment) sway(f, amp float64) float32 {
	return float32(amp * (math.Sin(m.t*f+m.phase) + .6*math.Sin(m.t*f*2.3+m.phase*1.7) + .3*math.Sin(m.t*f*5.1+m.phase*.6)))
}

// arm is the arm on the moment's side: its index and its sign along x.
func (m *moment) arm() (int, float32) {
	if m.side < 0 {
		return 1, -1
	}
	return 0, 1
}

// writing is the hand that holds the pen.
func (m *moment) writing() (int, float32) {
	if m.left {
		return 0, 1
	}
	return 1, -1
}

// seated is how everyone sits: hands on the desk, feet on the floor.
func (m *moment) seated() Pose {
	v, y := m.vary, m.desk+.045
	q := Pose{Hip: Vec{0, m.hip, -.02}, Lean: 6 + 8*v + m.sway(.5, .8), Knee: Vec{0, .3, 1}, Curl: [2]float32{22, 22}}
	q.Foot = [2]Vec{{.13, .075, .30 + .1*v}, {-.12, .075, .36 - .12*v}}
	q.Hand = [2]Vec{{.13, y, .40}, {-.13, y, .38}}
	q.Palm = [2]Vec{{-.25, -1, 0}, {.25, -1, 0}}
	q.Pole = [2]Vec{{.75, -.5, -.35}, {-.75, -.5, -.35}}
	q.HeadYaw, q.HeadPitch, q.HeadRoll = m.sway(.4, 2.5), m.sway(.6, 1.5), m.sway(.3, 1.5)
	return q
}

// pose is the posture at the moment.
func (p Posture) pose(m *moment) Pose {
	q := m.seated()
	switch postures[p] {
	case "look_forward":
		m.lookForward(p, &q)
	case "read":
		m.read(p, &q)
	case "write":
		m.write(p, &q)
	case "raise_hand":
		m.raiseHand(p, &q)
	case "turn":
		m.turnAway(p, &q)
	case "discuss":
		m.talk(p, &q)
	case "phone":
		m.phone(p, &q)
	case "head_down":
		m.headDown(p, &q)
	case "stand":
		m.upright(p, &q)
	case "other":
		m.other(p, &q)
	}
	return q
}

// attend turns head and eyes to what the class attends to: the head most of
// the way, the eyes the rest.
func (m *moment) attend(q *Pose, share float32) {
	f := clamp(m.focus, -75, 75)
	q.Twist += f * .12
	q.HeadYaw = f*share*.8 + m.sway(.25, 4)
	q.GazeYaw = clamp(f*.25, -18, 18)
}

func (m *moment) lookForward(p Posture, q *Pose) {
	v, y := m.vary, m.desk+.045
	q.Lean = 2 + 12*v + m.sway(.4, 1)
	q.HeadPitch = -6 - 3*v + m.sway(.5, 2)
	m.attend(q, 1)
	switch p {
	case "crossed": // arms crossed on the desk
		q.Lean += 6
		q.Hand = [2]Vec{{-.10, y, .33}, {.09, y + .04, .37}}
		q.Palm = [2]Vec{{0, -1, 0}, {0, -1, 0}}
	case "lap":
		q.Hand = [2]Vec{{.09, m.hip + .09, .20}, {-.09, m.hip + .09, .22}}
	case "leanback":
		q.Lean, q.Hip.Z = -9-5*v, .03
		q.Hand = [2]Vec{{.10, m.hip + .11, .16}, {-.07, m.hip + .13, .18}}
		q.HeadPitch += 8
	case "chin":
		m.propHead(q)
	}
}

// propHead rests the head on one hand, the elbow on the desk.
func (m *moment) propHead(q *Pose) {
	i, s := m.arm()
	q.Lean = 17 + 4*m.vary
	q.HeadPitch = 2 + m.sway(.4, 1.5)
	q.HeadRoll = s * 8
	q.Face[i] = 1
	q.FaceAt[i] = Vec{s * .045, -.095, .0}
	q.Palm[i] = Vec{-s * .4, .9, -.3}
	q.Pole[i] = Vec{s * .35, -1, .5}
	q.Curl[i] = 62
	q.Hand[1-i] = Vec{-s * .02, m.desk + .045, .36}
}

func (m *moment) read(p Posture, q *Pose) {
	v, y := m.vary, m.desk+.045
	q.Lean, q.HeadPitch = 12+10*v, 26+8*v+m.sway(.5, 1.5)
	q.Hand = [2]Vec{{.18, y, .36}, {-.18, y, .36}}
	q.GazePitch = 14
	q.GazeYaw = 6 * sin(m.t*1.8+m.phase)
	switch p {
	case "bookup": // held up, its foot on the desk or in the air
		h := m.desk + .14 + .06*v
		q.Lean, q.HeadPitch = 5+6*v, 14+6*v+m.sway(.5, 1.5)
		q.Hand = [2]Vec{{.125, h, .33}, {-.125, h, .33}}
		q.Palm = [2]Vec{{-.9, .1, -.4}, {.9, .1, -.4}}
		q.Curl = [2]float32{48, 48}
	case "finger": // one finger runs along the line
		i, s := m.writing()
		q.Hand[i] = Vec{s*.05 - s*.08*sin(m.t*1.1+m.phase), y + .01, .34}
		q.Curl[i] = 30
	case "readchin":
		pitch := q.HeadPitch
		m.propHead(q)
		q.Lean += 6
		q.HeadPitch = pitch - 10
	}
}

func (m *moment) write(p Posture, q *Pose) {
	v, y := m.vary, m.desk+.045
	i, s := m.writing()
	q.Lean = 17 + 12*v + m.sway(.4, 1)
	q.HeadPitch = 24 + 14*v + m.sway(.5, 2)
	q.HeadYaw = -s*4 + m.sway(.4, 2)
	q.HeadRoll = s * 6 * v
	q.GazePitch = 12
	if p == "type" { // on a laptop
		q.Lean, q.HeadPitch = 10+6*v, 14+6*v+m.sway(.5, 1.5)
		for k := range q.Hand {
			sg := float32(1 - 2*k)
			q.Hand[k] = Vec{sg * .085, y + .015 + .006*sin(m.t*11+float64(k)*2), .30}
			q.Palm[k] = Vec{-sg * .1, -1, 0}
			q.Curl[k] = 30 + 8*sin(m.t*13+float64(k))
		}
		return
	}
	line := float32(math.Mod(m.t*.22+m.phase, 1))
	q.Hand[i] = Vec{s*.14 - s*.12*line, y + .005*sin(m.t*17), .36 + .012*sin(m.t*13+m.phase)}
	q.Palm[i] = Vec{-s * .9, -.7, 0}
	q.Curl[i] = 42
	q.Hand[1-i] = Vec{-s * .19, y - .01, .37}
	if p == "writehead" { // the other hand holds the head
		k := 1 - i
		q.HeadRoll = -s * 10
		q.Face[k] = 1
		q.FaceAt[k] = Vec{-s * .085, -.02, -.03}
		q.Palm[k] = Vec{s * .9, .3, -.2}
		q.Pole[k] = Vec{-s * .6, -1, .4}
		q.Curl[k] = 30
	}
}

func (m *moment) phone(p Posture, q *Pose) {
	v := m.vary
	q.Lean, q.HeadPitch = 14+8*v, 36+8*v+m.sway(.4, 1.5)
	z, h := .21+.03*v, m.hip+.135 // on the lap, under the desk
	switch p {
	case "phonedesk":
		z, h = .34, m.desk+.105
		q.HeadPitch -= 6
	case "phoneup":
		z, h = .33, m.desk+.26
		q.Lean, q.HeadPitch = 4+4*v, 16+6*v
	}
	q.Hand = [2]Vec{{.075, h, z}, {-.075, h, z}}
	q.Palm = [2]Vec{{-.8, .3, -.6}, {.8, .3, -.6}}
	q.Curl = [2]float32{38, 38}
	q.GazePitch = 14
}

// headDown lays the head on the folded arms. The lean is found by the actor,
// since it depends on the figure's size.
func (m *moment) headDown(p Posture, q *Pose) {
	y := m.desk + .045
	_, s := m.arm()
	q.Hip.Z = -.06
	q.HeadPitch, q.HeadRoll, q.HeadYaw = 24, s*6, s*10
	if p == "sleepside" {
		q.HeadPitch, q.HeadRoll, q.HeadYaw = 6, s*46, s*36
	}
	q.Lean = 52 + m.sway(.9, .25)
	q.Hand = [2]Vec{{-.10, y, .47}, {.12, y + .03, .43}}
	q.Palm = [2]Vec{{0, -1, 0}, {0, -1, 0}}
	q.Pole = [2]Vec{{1, -.2, -.1}, {-1, -.2, -.1}}
}

func (m *moment) other(p Posture, q *Pose) {
	i, s := m.writing()
	a, as := m.arm()
	switch p {
	case "drink":
		q.Lean, q.HeadPitch = 2, -16+m.sway(.5, 1)
		q.Face[i], q.FaceAt[i] = 1, Vec{s * .05, -.01, .13}
		q.Palm[i] = Vec{-s, 0, -.2}
		q.Pole[i] = Vec{s, -.6, .3}
		q.Curl[i] = 60
	case "bag": // down to the bag beside the chair
		q.Lean, q.Side, q.Twist = 26, as*30, as*14
		q.HeadPitch, q.HeadYaw = 26, as*24
		q.Hand[a] = Vec{as * .46, .38 + m.sway(1.5, .02), .26}
		q.Pole[a] = Vec{as, .2, -.5}
		q.Palm[a] = Vec{-as, 0, 0}
	case "stretch":
		q.Lean, q.HeadPitch = -10, -14
		for k := range q.Hand {
			sg := float32(1 - 2*k)
			q.Hand[k] = Vec{sg * .16, m.hip + 1.0*m.size, -.02}
			q.Pole[k] = Vec{sg, .3, -.2}
			q.Palm[k] = Vec{0, 1, .3}
			q.Shrug[k] = 20
		}
	case "underdesk": // looks for something below
		q.Lean, q.HeadPitch, q.HeadYaw = 34, 42, as*10+m.sway(.5, 4)
		q.Hand[a] = Vec{as * .10, m.hip - .06, .34}
		q.Pole[a] = Vec{as, .1, -.4}
		q.Hand[1-a] = Vec{-as * .22, m.desk + .045, .30}
	case "yawn":
		q.Lean, q.HeadPitch = 0, -10
		q.Face[i], q.FaceAt[i] = 1, Vec{s * .05, -.035, .09}
		q.Palm[i] = Vec{0, .3, -1}
		q.Pole[i] = Vec{s, -.7, .2}
		q.Curl[i] = 20
	case "walk":
		m.walk(q)
	}
}
