package room

// Apply poses the skeleton; place and turn put the seat's frame into the room.
// The spine and head come first, then the legs, then the arms, because a hand
// may be wanted at the face.
func (f *Figure) Apply(q Pose, place Vec, facing float32) {
	f.pose = q
	R := ry(facing)
	world := func(v Vec) Vec { return R.V(v).Add(place) }
	root := R.M(ry(q.Yaw))
	f.spine(&q, root, world(q.Hip))
	ix := f.base.index
	for s, c := range []string{"_l", "_r"} {
		f.limb(ix["thigh"+c], ix["calf"+c], ix["foot"+c], world(q.Foot[s]), R.V(q.Knee), kneeRest)
		f.dir[ix["foot"+c]] = root
		f.follow(ix["ball"+c])
	}
	for s, c := range []string{"_l", "_r"} {
		hand := f.wanted(&q, s, world)
		f.wrist[s] = hand
		u, l, h := ix["upperarm"+c], ix["lowerarm"+c], ix["hand"+c]
		f.limb(u, l, h, hand, R.V(q.Pole[s]), elbowRest)
		along := f.head[h].Sub(f.head[l])
		rest := frameOf(along, f.palm(c))
		want := frameOf(f.dir[l].V(along), R.V(q.Palm[s]))
		f.dir[h] = want.M(rest.T())
		f.fingers(q.Curl[s], s, c)
	}
}

// wanted is where the wrist should be: at the desk or in the air, at the face,
// or in between. A place beyond the arm is drawn in along the level, so that a
// child's hand stays on the desk.
func (f *Figure) wanted(q *Pose, s int, world func(Vec) Vec) Vec {
	hand := world(q.Hand[s])
	if q.Face[s] > 0 {
		head := f.base.index["head"]
		at := f.at(anchor{head, f.chin.Add(q.FaceAt[s])})
		hand = hand.Lerp(at, q.Face[s])
	}
	c := []string{"_l", "_r"}[s]
	ix := f.base.index
	shoulder := f.pos[ix["upperarm"+c]]
	long := .985 * (f.length("upperarm"+c, "lowerarm"+c) + f.length("lowerarm"+c, "hand"+c))
	d := hand.Sub(shoulder)
	if d.Len() <= long {
		return hand
	}
	level := sqrt(d.X*d.X + d.Z*d.Z)
	if room := long*long - d.Y*d.Y; room > .01 && level > 1e-3 {
		k := sqrt(room) / level
		return shoulder.Add(Vec{d.X * k, d.Y, d.Z * k})
	}
	return shoulder.Add(d.Mul(long / d.Len()))
}

// spine turns the root, the back, the neck and the head, and lets the rest
// follow.
func (f *Figure) spine(q *Pose, root Mat, hip Vec) {
	ix := f.base.index
	hips := f.head[ix["thigh_l"]].Add(f.head[ix["thigh_r"]]).Mul(.5)
	back := ry(q.Twist / 3).M(rz(-q.Side / 3)).M(rx(q.Lean / 3))
	nod := ry(q.HeadYaw * .5).M(rz(-q.HeadRoll * .5)).M(rx(q.HeadPitch * .5))
	local := map[int]Mat{
		ix["spine_01"]: back, ix["spine_02"]: back,
		ix["spine_03"]: ry(q.Twist / 3).M(rz(-q.Side / 3)).M(rx(q.Lean * .1)),
		ix["neck_01"]:  nod, ix["head"]: nod,
		ix["clavicle_l"]: rz(q.Shrug[0]), ix["clavicle_r"]: rz(-q.Shrug[1]),
	}
	pelvis := ix["pelvis"]
	for i, bn := range f.base.bones {
		switch {
		case bn.parent < 0:
			f.dir[i] = root
			f.pos[i] = hip.Add(root.V(f.head[i].Sub(hips)))
			continue
		case i == pelvis: // lean about the hips, not the rig's root
			f.dir[i] = f.dir[bn.parent].M(rx(q.Lean*.35 - 4))
			f.pos[i] = hip.Add(f.dir[i].V(f.head[i].Sub(hips)))
			continue
		}
		f.follow(i)
		if m, ok := local[i]; ok {
			f.dir[i] = f.dir[i].M(m)
		}
	}
}

// follow carries a bone along with its parent.
func (f *Figure) follow(i int) {
	p := f.base.bones[i].parent
	f.pos[i] = f.dir[p].V(f.head[i].Sub(f.head[p])).Add(f.pos[p])
	f.dir[i] = f.dir[p]
}

var fingerBend = [3]float32{.8, 1, .7} // share of the curl at each joint

// fingers bend about the axis across the palm; the thumb follows the hand.
func (f *Figure) fingers(curl float32, s int, c string) {
	ix := f.base.index
	sg := float32(1 - 2*s)
	across := f.head[ix["index_01"+c]].Sub(f.head[ix["pinky_01"+c]]).Unit().Mul(sg)
	for _, name := range []string{"thumb", "index", "middle", "ring", "pinky"} {
		for k, joint := range []string{"_01", "_02", "_03"} {
			i, ok := ix[name+joint+c]
			if !ok {
				continue
			}
			f.follow(i)
			if name != "thumb" {
				f.dir[i] = f.dir[i].M(rot(across, curl*sg*fingerBend[k]))
			}
		}
	}
}

// palm is the direction the palm faces at rest.
func (f *Figure) palm(c string) Vec {
	ix := f.base.index
	w, i, k := f.head[ix["hand"+c]], f.head[ix["index_01"+c]], f.head[ix["pinky_01"+c]]
	n := i.Sub(w).Cross(k.Sub(w)).Unit()
	if c == "_r" {
		return n
	}
	return n.Mul(-1)
}

// Where middle joints point at rest.
var (
	elbowRest = Vec{0, 0, -1}
	kneeRest  = Vec{0, 0, 1}
)

// limb turns two bones a and m so that the joint e reaches target, with the middle
// joint, which points towards rest at rest, bending towards pole (law of cosines).
func (f *Figure) limb(a, m, e int, target, pole, rest Vec) {
	start := f.pos[a]
	r1, r2 := f.head[m].Sub(f.head[a]), f.head[e].Sub(f.head[m])
	l1, l2 := r1.Len(), r2.Len()
	d := target.Sub(start)
	long := clamp(d.Len(), abs(l1-l2)+.01, (l1+l2)*.998)
	u := d.Unit()
	pole = pole.Sub(u.Mul(pole.Dot(u))).Unit()
	x := (l1*l1 - l2*l2 + long*long) / (2 * long)
	h := sqrt(max(l1*l1-x*x, 0))
	mid := start.Add(u.Mul(x)).Add(pole.Mul(h))
	end := start.Add(u.Mul(long))

	f.dir[a] = frameOf(mid.Sub(start), pole).M(frameOf(r1, rest).T())
	f.dir[m] = frameOf(end.Sub(mid), pole).M(frameOf(r2, rest).T())
	f.pos[m], f.pos[e] = mid, end
}
