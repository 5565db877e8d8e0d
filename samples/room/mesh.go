package room

// Kinds of surface: they differ in how they take light.
const (
	kindRoom = iota
	kindSkin
	kindCloth
	kindHair
	kindEye
	kindShoe
	kindGlass // frames of glasses
	kindGlow  // panes of windows and screens: they shine by themselves
)

// part is one textured mesh of a figure at rest, shared by clones.
type part struct {
	kind   int
	v, n   []Vec
	weight [][4]boneWeight
	tri    [][3]int32
	uv     [][3][2]float32
	head   []bool // per triangle: carried by the head bone
	tex    *texture
	tint   Vec
	dye    bool       // keep only the sheet's light and dark, coloured by tint, or by tint2 where low is set
	tint2  Vec        //
	low    []bool     // per triangle: belongs to the trousers or skirt
	mean   [2]float32 // mean light of the sheet on the upper and lower pieces
	print  []uvRect   // paint over what is printed there
	both   bool       // drawn from both sides
	eye    int        // of an eyeball: 0 left, 1 right
}

// posed is a part in a pose.
type posed struct{ v, n []Vec }

// fill triangulates faces, drops those whose corners are all hidden, packs the
// vertices in use and makes normals. headBone marks the head's triangles.
func (q *part) fill(faces [][]corner, uv [][2]float32, hidden []bool, headBone int) {
	packed := map[int]int32{}
	var v []Vec
	var w [][4]boneWeight
	id := func(i int) int32 {
		k, ok := packed[i]
		if !ok {
			k = int32(len(v))
			packed[i] = k
			v, w = append(v, q.v[i]), append(w, q.weight[i])
		}
		return k
	}
	texel := func(c corner) [2]float32 {
		if c.t < 0 || c.t >= len(uv) {
			return [2]float32{}
		}
		return uv[c.t]
	}
	for _, f := range faces {
		if allHidden(f, hidden) {
			continue
		}
		for k := 1; k+1 < len(f); k++ {
			a, b, c := f[0], f[k], f[k+1]
			q.tri = append(q.tri, [3]int32{id(a.v), id(b.v), id(c.v)})
			q.uv = append(q.uv, [3][2]float32{texel(a), texel(b), texel(c)})
			q.head = append(q.head, q.weight[a.v][0].bone == headBone)
		}
	}
	q.v, q.weight = v, w
	q.normals()
}

func allHidden(f []corner, hidden []bool) bool {
	if hidden == nil {
		return false
	}
	for _, c := range f {
		if !hidden[c.v] {
			return false
		}
	}
	return true
}

func (q *part) normals() {
	q.n = make([]Vec, len(q.v))
	for _, t := range q.tri {
		n := q.v[t[1]].Sub(q.v[t[0]]).Cross(q.v[t[2]].Sub(q.v[t[0]]))
		for _, i := range t {
			q.n[i] = q.n[i].Add(n)
		}
	}
	for i := range q.n {
		q.n[i] = q.n[i].Unit()
	}
}

// pieces finds the connected pieces of a suit, tells upper from lower by the
// height of the waist, and measures the sheet's mean light on both.
func (q *part) pieces(waist float32) {
	parent := make([]int32, len(q.v))
	for i := range parent {
		parent[i] = int32(i)
	}
	find := func(i int32) int32 {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for _, t := range q.tri {
		parent[find(t[0])] = find(t[1])
		parent[find(t[1])] = find(t[2])
	}
	sum, n := map[int32]float32{}, map[int32]float32{}
	for i := range q.v {
		r := find(int32(i))
		sum[r] += q.v[i].Y
		n[r]++
	}
	q.low = make([]bool, len(q.tri))
	var total, count [2]float32
	for i, t := range q.tri {
		r := find(t[0])
		q.low[i] = sum[r]/n[r] < waist
		if q.tex == nil {
			continue
		}
		j := 0
		if q.low[i] {
			j = 1
		}
		uv := q.uv[i]
		c, a := q.tex.at((uv[0][0]+uv[1][0]+uv[2][0])/3, (uv[0][1]+uv[1][1]+uv[2][1])/3)
		if a > hairAlpha {
			total[j] += light(c)
			count[j]++
		}
	}
	for j := range total {
		q.mean[j] = max(total[j]/max(count[j], 1), .004)
	}
}

// hairAlpha is where a hair sheet is see-through: lower makes helmets, higher
// makes bald patches.
const hairAlpha = 110

// albedo is the colour at a texture point; false where the sheet is
// see-through.
func (q *part) albedo(u, v float32, low bool) (Vec, bool) {
	if q.kind == kindEye {
		return eyeColour(u, v), true
	}
	if q.tex == nil {
		return q.tint, true
	}
	c, a := q.tex.at(u, v)
	if q.kind == kindHair && a < hairAlpha {
		return Vec{}, false
	}
	if !q.dye {
		return c.times(q.tint), true
	}
	j, t := 0, q.tint
	if q.kind == kindCloth && low {
		j, t = 1, q.tint2
	}
	g := light(c) / q.mean[j]
	for _, r := range q.print {
		if !low && u > r.u0 && u < r.u1 && v > r.v0 && v < r.v1 {
			g = 1
		}
	}
	return t.Mul(clamp(.15+.85*g, .3, 1.7)), true
}

// eyeColour paints an eyeball by the direction from its centre: the iris is at
// (0, 0).
func eyeColour(u, v float32) Vec {
	switch r := u*u + v*v; {
	case r < .035:
		return Vec{.01, .01, .01}
	case r < .16:
		return Vec{.09, .055, .035}
	}
	return Vec{.62, .6, .58}
}
