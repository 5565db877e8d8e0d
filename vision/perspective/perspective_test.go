package perspective

import (
	"math"
	"math/rand/v2"
	"testing"
)

// room draws heads of a plane with a slope in both directions, sizes off by a scatter, a share of them twice as large.
func room(rng *rand.Rand, n int, scatter, standing float64) []Head {
	var out []Head
	for range n {
		h := Head{X: 640 * rng.Float64(), Y: 100 + 200*rng.Float64()}
		h.H = (10 + 0.03*h.X + 0.1*h.Y) * math.Exp(scatter*rng.NormFloat64())
		if rng.Float64() < standing {
			h.H *= 2
		}
		out = append(out, h)
	}
	return out
}

func TestFitFindsATiltedPlane(t *testing.T) {
	p := Fit(room(rand.New(rand.NewPCG(1, 2)), 200, 0.1, 0.15))
	for _, at := range [][3]float64{{0, 100, 20}, {640, 100, 39.2}, {0, 300, 40}, {640, 300, 59.2}} {
		if h := p.Height(at[0], at[1]); math.Abs(math.Log(h/at[2])) > 0.08 {
			t.Errorf("at %g,%g a head is %.1f high instead of %g", at[0], at[1], h, at[2])
		}
	}
	if p.Scatter < 0.07 || p.Scatter > 0.16 {
		t.Errorf("scatter %.3f, drawn with 0.1 and some who stand", p.Scatter)
	}
}

// TestScatterOfALowCamera: a camera no higher than the heads sees all sizes in one row; the plane must say that it knows little.
func TestScatterOfALowCamera(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var heads []Head
	for i := range 100 {
		heads = append(heads, Head{X: 640 * rng.Float64(), Y: 200 + 10*rng.NormFloat64(), H: 15 * math.Pow(5, float64(i)/99)})
	}
	if p := Fit(heads); p.Scatter < 0.35 {
		t.Errorf("scatter %.3f where heads are 15 to 75 high side by side", p.Scatter)
	}
}

func TestFitOfLittle(t *testing.T) {
	if Fit(nil).Known() {
		t.Error("no heads give a plane")
	}
	p := Fit([]Head{{100, 100, 20}, {101, 100, 22}, {100, 101, 18}})
	if h := p.Height(600, 400); h < 15 || h > 27 {
		t.Errorf("three heads in one place say that one far away is %.1f high", h)
	}
	if h := (Plane{At: 20, Y: -1}).Height(0, 1e6); h != 1 {
		t.Errorf("height %g", h)
	}
}
