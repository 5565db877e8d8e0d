package room

import (
	"encoding/json"
	"fmt"
	"path"
)

// proxy is a piece of clothing, hair or brow bound to triangles of the base
// mesh: vertex i = Σk weight[i][k]·base[ref[i][k]] + off[i]·scale.
type proxy struct {
	ref    [][3]int
	weight [][3]float32
	off    []Vec
	uv     [][2]float32
	faces  [][]corner
	hides  []bool // base vertices that it covers
	tex    *texture
}

// proxy reads one core asset; kind is clothes, hair or eyebrows.
func (a *Assets) proxy(kind, name string) (*proxy, error) {
	key := path.Join("proxies", kind, name)
	a.mu.Lock()
	p, ok := a.prox[key]
	a.mu.Unlock()
	if ok {
		return p, nil
	}
	raw, err := a.read(path.Join(key, name+".json"))
	if err != nil {
		return nil, err
	}
	p, sheet, err := parseProxy(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if sheet != "" {
		if p.tex, err = a.texture(path.Join(key, sheet)); err != nil {
			return nil, err
		}
	}
	a.mu.Lock()
	a.prox[key] = p
	a.mu.Unlock()
	return p, nil
}

func parseProxy(raw []byte) (*proxy, string, error) {
	var j struct {
		Ref       [][3]int     `json:"ref_vIdxs"`
		Off       [][3]float32 `json:"offsets"`
		Weight    [][3]float32 `json:"weights"`
		UVs       [][]float32  `json:"uvs"`
		Faces     []int        `json:"faces"`
		Materials []struct {
			MapDiffuse string `json:"mapDiffuse"`
		} `json:"materials"`
		Metadata struct {
			Delete []int `json:"deleteVerts"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, "", err
	}
	p := &proxy{ref: j.Ref, weight: j.Weight, faces: threeFaces(j.Faces)}
	for _, o := range j.Off {
		p.off = append(p.off, Vec{o[0], o[1], o[2]}.Mul(decimetre))
	}
	if len(j.UVs) > 0 {
		for i := 0; i+1 < len(j.UVs[0]); i += 2 {
			p.uv = append(p.uv, [2]float32{j.UVs[0][i], j.UVs[0][i+1]})
		}
	}
	p.hides = make([]bool, len(j.Metadata.Delete))
	for i, d := range j.Metadata.Delete {
		p.hides[i] = d != 0
	}
	sheet := ""
	if len(j.Materials) > 0 {
		sheet = j.Materials[0].MapDiffuse
	}
	return p, sheet, nil
}

// threeFaces unpacks the face list of three.js JSON format 3: a bit field, the
// vertices, then what the bits say (0 quad, 1 material, 3 texture points).
func threeFaces(l []int) [][]corner {
	var faces [][]corner
	for i := 0; i < len(l); {
		bits := l[i]
		i++
		n := 3 + bits&1
		f := make([]corner, n)
		for k := range f {
			f[k].v = l[i+k]
		}
		i += n
		if bits&2 != 0 {
			i++
		}
		if bits&8 != 0 {
			for k := range f {
				f[k].t = l[i+k]
			}
			i += n
		}
		faces = append(faces, f)
	}
	return faces
}
