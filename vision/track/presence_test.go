package track

import (
	"math/rand/v2"
	"testing"

	"classlens/vision/scene"
)

// painted is a noisy grey room with rectangles of one colour each.
func painted(rng *rand.Rand, at float64, boxes map[scene.Box][3]byte) scene.Frame {
	f := scene.Frame{Time: at, Width: 320, Height: 180, Pix: make([]byte, 3*320*180)}
	for i := range f.Pix {
		f.Pix[i] = byte(150 + int(rng.NormFloat64()*2))
	}
	for b, c := range boxes {
		for y := max(int(b.Y), 0); y < min(int(b.Y+b.H), f.Height); y++ {
			for x := max(int(b.X), 0); x < min(int(b.X+b.W), f.Width); x++ {
				copy(f.Pix[3*(y*f.Width+x):], c[:])
			}
		}
	}
	return f
}

var (
	skin, hair, red, blue = [3]byte{200, 160, 130}, [3]byte{40, 30, 20}, [3]byte{180, 30, 30}, [3]byte{30, 40, 180}
	headBox               = scene.Box{X: 100, Y: 60, W: 16, H: 20}
	chestBox              = scene.Box{X: 90, Y: 80, W: 36, H: 30}
)

// TestHeldOnlyWhereTheyAre: who is not found is held while the picture shows them, turned away too, and not before they came.
func TestHeldOnlyWhereTheyAre(t *testing.T) {
	for _, c := range []struct {
		name  string
		boxes map[scene.Box][3]byte // while nobody is found
		held  bool
	}{
		{"sits there unfound", map[scene.Box][3]byte{headBox: skin, chestBox: red}, true},
		{"turned away", map[scene.Box][3]byte{headBox: hair, chestBox: red}, true},
		{"not there yet", nil, false},
		{"no picture", map[scene.Box][3]byte{}, true},
	} {
		rng := rand.New(rand.NewPCG(5, 6))
		tr := NewTracker(Options{}, nil)
		for q := range 20 {
			boxes := map[scene.Box][3]byte{headBox: skin, chestBox: red}
			found := []scene.Person{{Head: headBox, Score: 0.9}, {Head: scene.Box{X: 250, Y: 60, W: 16, H: 20}, Score: 0.9}}
			if q < 8 {
				boxes, found = c.boxes, found[1:]
			}
			shades := map[scene.Box][3]byte{}
			for b, colour := range boxes {
				for i := range colour {
					colour[i] += byte(5 * (q % 3)) // as it turns to the light
				}
				shades[b] = colour
			}
			f := painted(rng, float64(q), shades)
			if c.name == "no picture" {
				f = scene.Frame{Time: float64(q), Width: 320, Height: 180}
			}
			tr.Add(&scene.Step{Index: q, Time: f.Time, Frame: f, Camera: scene.Still()}, found)
		}
		shown := 0
		for _, k := range tr.Finish() {
			if k.SeatX > 200 {
				continue
			}
			for _, s := range k.Sightings[:8] {
				if s.Visible {
					shown++
				}
			}
		}
		if (shown == 8) != c.held || !c.held && shown > 0 {
			t.Errorf("%s: shown at %d of 8 steps", c.name, shown)
		}
	}
}

// TestWardrobe: what two wear tells them apart where clothes differ, and says nothing where all wear the same.
func TestWardrobe(t *testing.T) {
	for _, uniform := range []bool{false, true} {
		rng := rand.New(rand.NewPCG(7, 8))
		at := []scene.Box{}
		for i := range 4 {
			at = append(at, scene.Box{X: 20 + 70*float64(i), Y: 60, W: 16, H: 20})
		}
		var all []*seat
		for i, b := range at {
			var hits []*hit
			for q := range 10 {
				colour := [3]byte{red[0], red[1], red[2]}
				if !uniform {
					colour = [][3]byte{red, blue, {30, 150, 40}, {230, 220, 210}}[i]
				}
				f := painted(rng, float64(q), map[scene.Box][3]byte{{X: b.X - 10, Y: b.Y + 20 + rng.Float64()*3, W: 36, H: 30}: colour})
				hits = append(hits, &hit{step: q, cx: b.X + 8, cy: b.Y + 10, w: 16, h: 20, score: 1, dress: dressOf(f, b)})
			}
			all = append(all, newSeat(hits))
		}
		w := learnDress(all)
		same, other := w.others(&all[0].hits[0].dress, &all[0].hits[9].dress), w.others(&all[0].dress, &all[1].dress)
		if same > 0 || !uniform && other < 1 || uniform && other > 0.5 {
			t.Errorf("all in one colour %v: %.2f for one person, %.2f for two", uniform, same, other)
		}
	}
	if (dressOf(scene.Frame{Width: 10, Height: 10}, headBox) != dress{}) || (dressOf(painted(rand.New(rand.NewPCG(1, 1)), 0, nil), scene.Box{X: 100, Y: 170, W: 16, H: 20}) != dress{}) {
		t.Error("clothes are read where there is no picture")
	}
	if w := (wardrobe{}); w.others(&dress{}, &dress{}) != 0 {
		t.Error("nothing known says something")
	}
}
