package track

import (
	"math/rand/v2"
	"testing"

	"classlens/vision/scene"
)

// classroom is a noisy picture of a room at a time: at each box in moving somebody sways, everything else stays.
func classroom(rng *rand.Rand, at float64, moving []scene.Box) scene.Frame {
	f := scene.Frame{Time: at, Width: 320, Height: 180, Pix: make([]byte, 3*320*180)}
	for i := range f.Pix {
		f.Pix[i] = byte(100 + i/3%320/4 + int(rng.NormFloat64()*3))
	}
	for _, b := range moving {
		shift := int(4 * rng.Float64())
		for y := int(b.Y); y < int(b.Y+b.H); y++ {
			for x := int(b.X) + shift; x < int(b.X)+shift+int(b.W)/2; x++ {
				for c := range 3 {
					f.Pix[3*(y*f.Width+x)+c] = 40
				}
			}
		}
	}
	return f
}

// TestPortraitOnTheWall: what looks like a head at every step, but where nothing ever changes, is no student; those who sway a little are, in
// recordings of seconds and of an hour.
func TestPortraitOnTheWall(t *testing.T) {
	portrait := scene.Box{X: 200, Y: 20, W: 16, H: 20}
	var students []scene.Box
	for i := range 5 {
		students = append(students, scene.Box{X: 20 + 50*float64(i), Y: 100, W: 16, H: 20})
	}
	for _, c := range []struct {
		steps    int
		portrait bool // still kept
		why      string
	}{{5, true, "too short to tell"}, {8, false, "8 s"}, {12, false, "12 s"}, {400, false, "more moments than are kept"}} {
		rng := rand.New(rand.NewPCG(1, 2))
		tr := NewTracker(Options{}, nil)
		for q := range c.steps {
			var found []scene.Person
			for _, b := range append([]scene.Box{portrait}, students...) {
				found = append(found, scene.Person{Head: b, Score: 0.9})
			}
			f := classroom(rng, float64(q), students)
			tr.Add(&scene.Step{Index: q, Time: f.Time, Frame: f, Camera: scene.Still()}, found)
		}
		onWall, seated := 0, 0
		for _, k := range tr.Finish() {
			if k.SeatY < 50 {
				onWall++
			} else {
				seated++
			}
		}
		if seated != len(students) || (onWall == 1) != c.portrait {
			t.Errorf("%s: %d students, %d on the wall", c.why, seated, onWall)
		}
		if n := len(tr.views[0].activity.levels); n > activitySamples {
			t.Errorf("%s: %d moments kept", c.why, n)
		}
	}
}

// TestActivityOfAMovedCamera: pictures of another camera position say nothing of this one.
func TestActivityOfAMovedCamera(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	a := &activity{}
	moved := still
	moved.B[0] = 30
	b := scene.Box{X: 100, Y: 60, W: 20, H: 20}
	for q := range 20 {
		cam := still
		var who []scene.Box
		if q%2 == 1 {
			cam, who = moved, []scene.Box{b}
		}
		f := classroom(rng, float64(q), who)
		a.add(q, &scene.Step{Time: f.Time, Frame: f}, cam)
	}
	if !a.still(b) {
		t.Error("what another camera position saw counts")
	}
	if a.still(scene.Box{X: -50, Y: -50, W: 9, H: 9}) {
		t.Error("a box outside the picture is called still")
	}
	empty := &activity{}
	empty.add(0, &scene.Step{}, still)
	if empty.still(b) {
		t.Error("without pictures a place is called still")
	}
	for _, size := range [][2]int{{4096, 16}, {4096, 2}, {2, 2304}, {1, 1}} { // narrower than a cell in one direction or the other
		thin := &activity{}
		for q := range 12 {
			thin.add(q, &scene.Step{Time: float64(q), Frame: scene.Frame{Width: size[0], Height: size[1], Pix: make([]byte, 3*size[0]*size[1])}}, still)
		}
		thin.still(scene.Box{X: 0, Y: 0, W: 9, H: 9}) // the answer does not matter, there being one does
	}
}
