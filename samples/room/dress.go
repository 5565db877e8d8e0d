package room

// garment is one asset to put on.
type garment struct {
	kind, name string
	surface    int
	tint       Vec
	dye, both  bool
}

// dress fits clothes, shoes, hair and brows onto the shaped mesh and marks the
// skin they cover.
func (f *Figure) dress(a *Assets, v []Vec, hidden []bool) error {
	l := &f.Look
	hair := l.Hair
	if l.Scarf {
		hair = ""
	}
	for _, g := range []garment{
		{"clothes", l.Clothes, kindCloth, l.ClothTint, l.Dye, false},
		{"clothes", l.Shoes, kindShoe, Vec{.5, .5, .5}, false, false},
		{"hair", hair, kindHair, l.HairTint, true, true},
		{"eyebrows", l.Brow, kindHair, l.HairTint, true, true},
	} {
		if g.name == "" {
			continue
		}
		x, err := a.proxy(g.kind, g.name)
		if err != nil {
			return err
		}
		f.parts = append(f.parts, f.fit(x, g, v))
		if g.kind != "clothes" {
			continue
		}
		for i, d := range x.hides {
			hidden[i] = hidden[i] || d && i < bodyVertices
		}
	}
	return nil
}

func (f *Figure) fit(x *proxy, g garment, v []Vec) *part {
	b := f.base
	s := scaleFor(g.name, v)
	q := &part{kind: g.surface, tex: x.tex, tint: g.tint, tint2: f.Look.LowTint, dye: g.dye, both: g.both}
	for i, r := range x.ref {
		var c Vec
		var ws []boneWeight
		for k := 0; k < 3; k++ {
			c = c.Add(v[r[k]].Mul(x.weight[i][k]))
			for _, w := range b.weight[r[k]] {
				if share := w.w * max(x.weight[i][k], 0); share > 0 {
					ws = addWeight(ws, w.bone, share)
				}
			}
		}
		q.v = append(q.v, c.Add(x.off[i].times(s)))
		q.weight = append(q.weight, heaviest(ws, b.index["head"]))
	}
	q.fill(x.faces, x.uv, nil, b.index["head"])
	q.print = prints[g.name]
	q.pieces(f.head[b.index["thigh_l"]].Y + .02)
	return q
}

func addWeight(l []boneWeight, bone int, w float32) []boneWeight {
	for i := range l {
		if l[i].bone == bone {
			l[i].w += w
			return l
		}
	}
	return append(l, boneWeight{bone, w})
}

// addExtras puts on what no asset is needed for: headscarf and mask are skin
// faces pushed outwards, glasses are two rims.
func (f *Figure) addExtras(v []Vec) {
	l := &f.Look
	if l.Scarf {
		f.parts = append(f.parts, f.shell(v, .024, l.ExtraTint, f.underScarf))
	}
	if l.Mask {
		f.parts = append(f.parts, f.shell(v, .007, l.ExtraTint.Lerp(Vec{.6, .7, .75}, .6), f.underMask))
	}
	if l.Glasses {
		f.parts = append(f.parts, f.glasses())
	}
}

// underScarf chooses head, neck and the collar without the face's oval.
func (f *Figure) underScarf(i int, v Vec) bool {
	b := f.base
	switch b.bones[b.weight[i][0].bone].name {
	case "head", "neck_01":
	case "spine_03", "clavicle_l", "clavicle_r":
		return v.Y > f.chin.Y-.125
	default:
		return false
	}
	q := v.Sub(Vec{0, f.eyes[0].Y, f.eyes[0].Z})
	face := q.Z > -.055 && abs(q.X) < .058 && q.Y < .045 && v.Y > f.chin.Y-.004
	return !face
}

// underMask chooses the lower face between nose and chin.
func (f *Figure) underMask(i int, v Vec) bool {
	if f.base.weight[i][0].bone != f.base.index["head"] {
		return false
	}
	nose := f.point[0].p
	return v.Y < nose.Y+.012 && v.Y > f.chin.Y-.012 && v.Z > f.eyes[0].Z-.045 && v.Z > nose.Z-.12
}

// shell is a part of the body's faces pushed out by d metres.
func (f *Figure) shell(v []Vec, d float32, tint Vec, inside func(int, Vec) bool) *part {
	b := f.base
	n := make([]Vec, len(v))
	for _, face := range b.faces["body"] {
		m := v[face[1].v].Sub(v[face[0].v]).Cross(v[face[2].v].Sub(v[face[0].v]))
		for _, c := range face {
			n[c.v] = n[c.v].Add(m)
		}
	}
	q := &part{kind: kindCloth, tint: tint, both: true, weight: b.weight, v: append([]Vec(nil), v...)}
	for i := 0; i < bodyVertices; i++ {
		folds := 1 + .7*(noise2(v[i].X*28+v[i].Y*17, v[i].Z*28-v[i].Y*23)-.5)
		q.v[i] = v[i].Add(n[i].Unit().Mul(d * folds))
	}
	var faces [][]corner
	for _, face := range b.faces["body"] {
		k := 0
		for _, c := range face {
			if inside(c.v, v[c.v]) {
				k++
			}
		}
		if k == len(face) {
			faces = append(faces, face)
		}
	}
	q.fill(faces, b.uv, nil, b.index["head"])
	return q
}

// glasses are two round rims, a bridge and two sides of flat bars.
func (f *Figure) glasses() *part {
	hb := f.base.index["head"]
	q := &part{kind: kindGlass, tint: Vec{.02, .02, .025}, both: true}
	bar := func(a, b, wide Vec) {
		k := int32(len(q.v))
		q.v = append(q.v, a.Add(wide), b.Add(wide), b.Sub(wide), a.Sub(wide))
		for i := 0; i < 4; i++ {
			q.weight = append(q.weight, [4]boneWeight{{hb, 1}})
		}
		q.tri = append(q.tri, [3]int32{k, k + 1, k + 2}, [3]int32{k, k + 2, k + 3})
		q.uv = append(q.uv, [3][2]float32{}, [3][2]float32{})
		q.head = append(q.head, true, true)
	}
	const rimX, rimY, thick = .026, .021, .0022
	for s, e := range f.eyes {
		c := e.Add(Vec{0, -.003, .026})
		for k := 0; k < 12; k++ {
			u, w := turnXY(k), turnXY(k+1)
			bar(c.Add(Vec{u[0] * rimX, u[1] * rimY, 0}), c.Add(Vec{w[0] * rimX, w[1] * rimY, 0}), Vec{u[0] * thick, u[1] * thick, 0})
		}
		sg := float32(1 - 2*s)
		bar(c.Add(Vec{sg * rimX, 0, 0}), Vec{f.point[3+s].p.X, c.Y + .004, f.point[3+s].p.Z}, Vec{0, thick, 0})
	}
	l, r := f.eyes[0], f.eyes[1]
	bar(Vec{l.X - rimX, l.Y, l.Z + .026}, Vec{r.X + rimX, r.Y, r.Z + .026}, Vec{0, thick, 0})
	q.normals()
	return q
}

// turnXY is the k-th of twelve points on the unit circle.
func turnXY(k int) [2]float32 {
	m := rz(float32(k) * 30)
	return [2]float32{m[0], m[3]}
}
