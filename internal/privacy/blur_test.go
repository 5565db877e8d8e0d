package privacy

import (
	"math/rand/v2"
	"testing"

	"classlens/vision/scene"
)

func noise(w, h int) scene.Frame {
	r := rand.New(rand.NewPCG(1, 1))
	f := scene.Frame{Width: w, Height: h, Pix: make([]byte, 3*w*h)}
	for i := range f.Pix {
		f.Pix[i] = byte(r.Uint32())
	}
	return f
}

// Inside the ellipse nothing of the detail is left; far outside nothing changes.
func TestBlurTakesDetailAway(t *testing.T) {
	f, before := noise(120, 100), noise(120, 100)
	head := scene.Box{X: 40, Y: 30, W: 40, H: 40}
	Blur(f, head)
	rough := func(p scene.Frame) (sum int) {
		for y := 40; y < 60; y++ {
			for x := 50; x < 70; x++ {
				d := int(p.Pix[3*(y*120+x)]) - int(p.Pix[3*(y*120+x+1)])
				sum += d * d
			}
		}
		return sum
	}
	if rough(f)*100 > rough(before) {
		t.Errorf("roughness %d of %d is left", rough(f), rough(before))
	}
	for _, at := range [][2]int{{5, 5}, {115, 95}, {20, 50}, {60, 95}} {
		i := 3 * (at[1]*120 + at[0])
		if f.Pix[i] != before.Pix[i] {
			t.Errorf("pixel %v changed", at)
		}
	}
}

func TestBlurAtTheEdge(t *testing.T) {
	for _, b := range []scene.Box{{X: -30, Y: -30, W: 40, H: 40}, {X: 115, Y: 95, W: 30, H: 30}, {X: 500, Y: 0, W: 9, H: 9}, {X: 10, Y: 10, W: 1, H: 1}, {}} {
		Blur(noise(120, 100), b)
	}
}
