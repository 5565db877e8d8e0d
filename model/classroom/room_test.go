package classroom

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"

	"classlens/vision/scene"
)

// What a room's boxes teach, and what is said then, is what the training's own code makes of the same made-up boxes
// (scripts/train-classroom/golden_room.py, whose generator this is).
func TestRoomEqualsTraining(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden-room.bin")
	if err != nil {
		t.Fatal(err)
	}
	const n, rare = 800, 9
	var want [2][n][10]float32
	if err := binary.Read(bytes.NewReader(raw), binary.LittleEndian, &want); err != nil {
		t.Fatal(err)
	}
	state := uint32(1)
	next := func() float64 {
		state = (1103515245*state + 12345) % (1 << 31)
		return float64(state>>16&255) / 255
	}
	var kinds []*kind
	for k, wide := range []int{6, 4} {
		var views [2][][]float32
		for v := range views {
			for range n {
				row := make([]float32, wide)
				for d := range row {
					row[d] = float32(next())
				}
				views[v] = append(views[v], row)
			}
		}
		kinds = append(kinds, newKind(views, []float64{featureLeast, numberLeast}[k]))
	}
	p := make([][10]float64, n)
	for i := range p {
		sum := 0.0
		for k := range p[i] {
			if p[i][k] = .02 + math.Pow(next(), 4); k == rare {
				p[i][k] *= .15
			}
			sum += p[i][k]
		}
		for k := range p[i] {
			p[i][k] /= sum
		}
	}
	got, err := learned(kinds, p)
	if err != nil {
		t.Fatal(err)
	}
	few := tooFew(p)
	for k, f := range few {
		if f != (k == rare) {
			t.Errorf("%s: too few boxes is %v", Behaviours[k], f)
		}
	}
	for i := range got {
		both := together(p[i], got[i], few)
		for k, v := range got[i] {
			if w := want[0][i][k]; math.Abs(v-float64(w)) > 1e-5 {
				t.Fatalf("box %d, %s: %v is taught, the training has %v", i, Behaviours[k], v, w)
			}
			if w := want[1][i][k]; math.Abs(float64(both[k]-w)) > 1e-5 {
				t.Fatalf("box %d, %s: %v together, the training has %v", i, Behaviours[k], both[k], w)
			}
		}
		if math.Abs(float64(both[rare])-p[i][rare]) > 1e-6 {
			t.Fatalf("box %d, %s: %v became %v", i, Behaviours[rare], p[i][rare], both[rare])
		}
	}
}

// Boxes that look like those said to be reading surely are read so, where the camera showed
// enough of them; heads and small sets stay as they were, and what a set cannot hold is not said.
func TestLearnRooms(t *testing.T) {
	const front, read, unsure, phone = 0, 1, 5, 7 // every fifth box is unsure
	room := func(n int, head bool) (all []Glimpse, said [][10]float32, camera []int) {
		for i := range n {
			look := i % 2
			g := Glimpse{Box: scene.Box{X: float64(100 * (i % 10)), Y: float64(10 * i), W: 50, H: 60}, Head: head}
			by := &g.by[0]
			for v := range 2 {
				g.features[v], by.numbers[v], by.direction[v] = make([]float32, deepPlanes), make([]float32, 100), make([]float32, directionNumbers)
				for d := range g.features[v] {
					g.features[v][d] = float32((i*d)%7)/20 + float32(look*(d%2))
				}
				for d := range by.numbers[v] {
					by.numbers[v][d] = float32((i*d)%5)/20 + float32(look*(d%3))
				}
			}
			p := [10]float32{front: .85, read: .1, phone: .05}
			if look == read {
				p = [10]float32{front: .1, read: .85, phone: .05}
			}
			if i%unsure == 0 {
				p = [10]float32{front: .45, read: .45, phone: .1}
			}
			all, said, camera = append(all, g), append(said, p), append(camera, 0)
		}
		return all, said, camera
	}
	b := &Boxes{}
	can := func(k int) bool { return k != phone }
	for name, c := range map[string]struct {
		boxes  int
		head   bool
		learns bool
	}{"a room": {roomLeast, false, true}, "too few": {roomLeast - 1, false, false}, "heads": {roomLeast, true, false}} {
		all, said, camera := room(c.boxes, c.head)
		got, err := b.LearnRooms(all, said, camera, camera, can)
		if err != nil {
			t.Fatal(name, err)
		}
		for i, p := range got {
			if !c.learns {
				if p != said[i] {
					t.Fatalf("%s, box %d: %v became %v", name, i, said[i], p)
				}
				continue
			}
			sum := float32(0)
			for _, v := range p {
				sum += v
			}
			if likelier, other := p[i%2], p[1-i%2]; likelier < 1.5*other || p[phone] > .01 || math.Abs(float64(sum-1)) > 1e-5 {
				t.Fatalf("%s, box %d that looks like %s: %v", name, i, Behaviours[i%2], p)
			}
		}
	}
}
