package room

import "fmt"

// Figure is a shaped, dressed person with its skeleton, and the pose it is in.
type Figure struct {
	Look  Look
	base  *baseMesh
	head  []Vec // rest place of each bone's head
	parts []*part
	point [17]anchor // COCO points
	eyes  [2]Vec
	chin  Vec
	crown []vertexRef // vertices whose places bound the head
	reach float32     // shoulder to wrist, against that of a man of mean size

	pose   Pose
	dir    []Mat // turn of each bone
	pos    []Vec // place of each bone's head
	posed  []posed
	wrist  [2]Vec // where the wrists should be, in the room
	blink  bool
	bounds [2]Vec
}

// anchor is a place at rest carried by a bone.
type anchor struct {
	bone int
	p    Vec
}

type vertexRef struct{ part, vertex int }

// NewFigure shapes and dresses one person.
func (a *Assets) NewFigure(l Look) (*Figure, error) {
	b := a.base
	v := b.shape(&l)
	f := &Figure{Look: l, base: b}
	for _, bn := range b.bones {
		f.head = append(f.head, mean(v, bn.head))
	}
	hidden := make([]bool, len(v))
	if err := f.dress(a, v, hidden); err != nil {
		return nil, err
	}
	hb := b.index["head"]
	body := &part{kind: kindSkin, v: v, weight: b.weight, tint: l.SkinTint}
	var err error
	if body.tex, err = a.texture(l.Skin); err != nil {
		return nil, fmt.Errorf("skin: %w", err)
	}
	body.fill(b.faces["body"], b.uv, hidden, hb)
	f.parts = append(f.parts, body)
	f.addEyes(v)
	f.findPoints(v)
	f.addExtras(v)
	f.findCrown()
	ix := b.index
	f.reach = (f.length("upperarm_l", "lowerarm_l") + f.length("lowerarm_l", "hand_l")) / .51
	f.alloc()
	f.lay(ix)
	return f, nil
}

// lay puts the figure in its rest pose, so that it is never half made.
func (f *Figure) lay(ix map[string]int) {
	for i := range f.dir {
		f.dir[i] = Mat{1, 0, 0, 0, 1, 0, 0, 0, 1}
		f.pos[i] = f.head[i]
	}
	f.skin()
}

func (f *Figure) length(a, b string) float32 {
	return f.head[f.base.index[a]].Sub(f.head[f.base.index[b]]).Len()
}

func (f *Figure) alloc() {
	n := len(f.base.bones)
	f.dir, f.pos = make([]Mat, n), make([]Vec, n)
	f.posed = make([]posed, len(f.parts))
	for i, q := range f.parts {
		f.posed[i] = posed{make([]Vec, len(q.v)), make([]Vec, len(q.v))}
	}
}

// Clone shares the meshes and has a pose of its own.
func (f *Figure) Clone() *Figure {
	c := *f
	c.alloc()
	c.lay(f.base.index)
	return &c
}

// shape is the base mesh changed by the looks: base + Σ weight·target, the
// product rule of the base mesh's macro targets. Feet stand on the floor.
func (b *baseMesh) shape(l *Look) []Vec {
	v := append([]Vec(nil), b.v...)
	add := func(name string, w float32) {
		if w == 0 {
			return
		}
		for _, d := range b.target(name) {
			v[d.v] = v[d.v].Add(d.d.Mul(w))
		}
	}
	sex := "male"
	if l.Female {
		sex = "female"
	}
	ages := between(l.Age/2, "child", "young", "old")
	muscles := between(l.Muscle, "minmuscle", "averagemuscle", "maxmuscle")
	weights := between(l.Weight, "minweight", "averageweight", "maxweight")
	tall, hs := "maxheight", (l.Height-.5)*2
	if hs < 0 {
		tall, hs = "minheight", -hs
	}
	for _, a := range sorted(ages) {
		add(fmt.Sprintf("macrodetails/%s-%s-%s", l.Race, sex, a), ages[a])
		for _, m := range sorted(muscles) {
			for _, w := range sorted(weights) {
				f := ages[a] * muscles[m] * weights[w]
				add(fmt.Sprintf("macrodetails/universal-%s-%s-%s-%s", sex, a, m, w), f)
				add(fmt.Sprintf("macrodetails/height/%s-%s-%s-%s-%s", sex, a, m, w, tall), f*hs)
			}
		}
	}
	for _, n := range sorted(l.Face) {
		add(n, l.Face[n])
	}
	low := float32(1e9)
	for _, i := range b.joints["joint-ground"] {
		low = min(low, v[i].Y)
	}
	for i := range v {
		v[i].Y -= low
	}
	return v
}

// between shares weight 1 among three targets at 0, .5 and 1.
func between(x float32, low, mid, high string) map[string]float32 {
	if x < .5 {
		return map[string]float32{low: 1 - 2*x, mid: 2 * x}
	}
	return map[string]float32{mid: 2 - 2*x, high: 2*x - 1}
}

func (f *Figure) addEyes(v []Vec) {
	b := f.base
	for s, g := range []string{"helper-l-eye", "helper-r-eye"} {
		e := &part{kind: kindEye, v: v, weight: b.weight, eye: s}
		c := mean(v, b.joints[[]string{"joint-l-eye", "joint-r-eye"}[s]])
		f.eyes[s] = c
		uv := make([][2]float32, len(v)) // direction from the eye's centre, the iris at 0, 0
		var faces [][]corner
		for _, old := range b.faces[g] {
			face := append([]corner(nil), old...)
			for k := range face {
				i := face[k].v
				d := v[i].Sub(c).Unit()
				uv[i] = [2]float32{d.X, d.Y}
				if d.Z < 0 {
					uv[i] = [2]float32{3, 3}
				}
				face[k].t = i
			}
			faces = append(faces, face)
		}
		e.fill(faces, uv, nil, b.index["head"])
		f.parts = append(f.parts, e)
	}
}

// findPoints places the 17 COCO points: nose tip and ears by the head's
// outermost vertices, the rest at the joints.
func (f *Figure) findPoints(v []Vec) {
	b := f.base
	hb := b.index["head"]
	var nose, left, right Vec
	eye := f.eyes[0].Y
	chin := Vec{0, 1e9, 0}
	for i := 0; i < bodyVertices; i++ {
		if b.weight[i][0].bone != hb || b.weight[i][0].w < .9 {
			continue
		}
		q := v[i]
		if abs(q.X) < .005 && q.Y < eye && q.Y > eye-.07 && q.Z > nose.Z {
			nose = q
		}
		if abs(q.X) < .01 && q.Z > f.eyes[0].Z-.02 && q.Y < chin.Y && q.Y > eye-.16 {
			chin = q
		}
		if abs(q.Y-eye) < .03 {
			if q.X > left.X {
				left = q
			}
			if q.X < right.X {
				right = q
			}
		}
	}
	f.chin = chin
	joint := func(n string) anchor { return anchor{b.index[n], f.head[b.index[n]]} }
	front := Vec{0, 0, .012}
	f.point = [17]anchor{{hb, nose}, {hb, f.eyes[0].Add(front)}, {hb, f.eyes[1].Add(front)}, {hb, left}, {hb, right},
		joint("upperarm_l"), joint("upperarm_r"), joint("lowerarm_l"), joint("lowerarm_r"), joint("hand_l"), joint("hand_r"),
		joint("thigh_l"), joint("thigh_r"), joint("calf_l"), joint("calf_r"), joint("foot_l"), joint("foot_r")}
}

// findCrown lists the vertices that bound the head: skin, hair and scarf above
// the chin, so that long hair does not make a long head.
func (f *Figure) findCrown() {
	hb := f.base.index["head"]
	for pi, q := range f.parts {
		if q.kind != kindSkin && q.kind != kindHair && q.kind != kindCloth {
			continue
		}
		for i, v := range q.v {
			if i%3 == 0 && q.weight[i][0].bone == hb && q.weight[i][0].w > .5 && v.Y > f.chin.Y-.005 {
				f.crown = append(f.crown, vertexRef{pi, i})
			}
		}
	}
}

// at is where a rest place carried by a bone is in the pose.
func (f *Figure) at(k anchor) Vec {
	return f.dir[k.bone].V(k.p.Sub(f.head[k.bone])).Add(f.pos[k.bone])
}
