package room

func (m *moment) raiseHand(p Posture, q *Pose) {
	i, s := m.arm()
	q.Lean, q.HeadPitch = 3+4*m.vary, -6+m.sway(.5, 2)
	m.attend(q, .9)
	if p == "halfhand" { // the elbow on the desk, the forearm up
		q.Lean = 12 + 5*m.vary
		q.Hand[i] = Vec{s * (.22 + m.sway(1.2, .006)), m.desk + .33 + .05*m.vary, .22}
		q.Pole[i] = Vec{s * .35, -1, .25}
		q.Palm[i] = Vec{-s * .3, .1, 1}
		q.Curl[i] = 12
		return
	}
	if p == "deskhand" { // as taught in many schools: elbow on the desk, the hand beside the head, the other arm across
		q.Lean = 10 + 6*m.vary
		q.Hand[i] = Vec{s * (.15 + .05*m.vary + m.sway(1.2, .005)), m.desk + (.26+.02*m.vary)*m.size, .21 + .04*m.vary}
		q.Pole[i] = Vec{s * .25, -1, .45}
		q.Palm[i] = Vec{-s, 0, .5 - m.vary}
		q.Curl[i] = 5
		q.Hand[1-i] = Vec{s * .10, m.desk + .045, .33}
		q.Palm[1-i] = Vec{0, -1, 0}
		return
	}
	up := m.hip + (.76+.26*m.vary)*m.size // from beside the head to a straight arm
	q.Hand[i] = Vec{s * (.22 + .06*m.vary + m.sway(1.5, .012)), up, .10 + .06*m.vary}
	q.Pole[i] = Vec{s, .1, .25}
	q.Palm[i] = Vec{0, 0, 1}
	q.Curl[i] = 6
	q.Shrug[i] = 22
	q.Side = -s * 4
}

func (m *moment) turnAway(p Posture, q *Pose) {
	i, s := m.arm()
	v := m.vary
	q.Twist, q.HeadYaw = s*(24+16*v), s*(42+18*v)+m.sway(.4, 3)
	q.HeadPitch, q.Lean = 0, 4
	q.Hand[i] = Vec{s * .30, m.desk + .08, .02}
	q.Hand[1-i] = Vec{s * .02, m.desk + .045, .33}
	switch p {
	case "window": // only the head, far from what the class attends to
		q.Twist, q.HeadYaw = s*8, s*(58+12*v)+m.sway(.3, 3)
		q.Hand[i] = Vec{s * .15, m.desk + .045, .36}
		q.HeadPitch = -4
	case "turnfolded": // the arms stay folded on the desk
		q.Twist, q.HeadYaw = s*(10+22*v), s*(52+26*v)+m.sway(.4, 3)
		q.Hand = [2]Vec{{-.10, m.desk + .045, .33}, {.09, m.desk + .085, .37}}
		q.Palm = [2]Vec{{0, -1, 0}, {0, -1, 0}}
		q.Lean = 8
	case "turnround": // sits sideways, the legs beside the chair
		q.Yaw, q.Twist, q.HeadYaw = s*(38+40*v), s*24, s*(44+22*v)+m.sway(.4, 3)
		for k := range q.Foot {
			q.Foot[k] = turn(q.Yaw, q.Foot[k])
		}
		q.Knee = turn(q.Yaw, q.Knee)
		q.Hand[i] = turn(q.Yaw, Vec{s * .16, m.hip + .12, .22})
		q.Hand[1-i] = Vec{s * .12, m.desk + .045, .26}
	case "turnback": // the elbow over the chair's back
		q.Twist, q.HeadYaw = s*(42+10*v), s*(62+12*v)+m.sway(.4, 3)
		q.Yaw = s * 14
		q.Hand[i] = Vec{s * .26, m.hip + .30, -.20}
		q.Pole[i] = Vec{s, -.2, -.6}
	}
}

func (m *moment) talk(p Posture, q *Pose) {
	v := m.vary
	w, sg := m.writing()
	_, s := m.arm()
	q.Twist = s * (10 + 10*v)
	q.HeadYaw = s*(44+12*v) + m.sway(.6, 4)
	q.HeadPitch = 2 + m.sway(1.3, 4)
	q.Side = s * (5 + 7*v)
	q.Lean = 8
	q.Hand[w] = Vec{sg * .12, m.desk + .10 + .05*sin(m.t*2.4+m.phase), .34 + .03*sin(m.t*1.9)}
	q.Palm[w] = Vec{-sg * .6, .3, -.6}
	if p == "whisper" { // leans over to the neighbour
		i, _ := m.arm()
		q.Side, q.Lean, q.Twist = s*(16+8*v), 12, s*6
		q.HeadYaw, q.HeadRoll = s*(26+14*v)+m.sway(.5, 3), s*8
		q.Hand[i] = Vec{s * .24, m.desk + .045, .36}
		return
	}
	if p == "talkback" { // to the row behind
		q.Twist, q.HeadYaw, q.Yaw = s*(42+8*v), s*(64+8*v)+m.sway(.6, 4), s*16
		i, _ := m.arm()
		q.Hand[i] = Vec{s * .28, m.hip + .32 + .04*sin(m.t*2.1), -.16}
		q.Pole[i] = Vec{s, -.3, -.5}
	}
}
