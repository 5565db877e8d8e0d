package train

import (
	"bytes"
	"encoding/gob"
	"math"
	"slices"
	"testing"
)

// Two steps on one number with gradients 0.5 and -0.25, worked out by hand from
// the rules' formulas; decay 0.1, rate 0.1, start 1.
func TestOptimizers(t *testing.T) {
	adam := func(w float64, decoupled bool) float64 {
		var m, s float64
		for n, g := range []float64{0.5, -0.25} {
			if decoupled {
				w -= 0.1 * 0.1 * w
			} else {
				g += 0.1 * w
			}
			m, s = 0.9*m+0.1*g, 0.999*s+0.001*g*g
			w -= 0.1 * (m / (1 - math.Pow(0.9, float64(n+1)))) / (math.Sqrt(s/(1-math.Pow(0.999, float64(n+1)))) + 1e-8)
		}
		return w
	}
	sgd1 := 1 - 0.1*(0.5+0.1)
	sgd2 := sgd1 - 0.1*(0.9*0.6+(-0.25+0.1*sgd1))
	rms1 := 1 - 0.1*0.6/(math.Sqrt(0.01*0.36)+1e-8)
	g := -0.25 + 0.1*rms1
	rms2 := rms1 - 0.1*g/(math.Sqrt(0.99*0.01*0.36+0.01*g*g)+1e-8)
	for rule, wanted := range map[Rule]float64{SGD: sgd2, RMSprop: rms2, Adam: adam(1, false), AdamW: adam(1, true)} {
		o, err := NewOptimizer[float64](rule, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		p := NewParam[float64]("w", true, 1)
		p.Value[0] = 1
		for _, g := range []float64{0.5, -0.25} {
			p.Grad[0] = g
			o.Step([]*Param[float64]{p}, 0.1)
		}
		if math.Abs(p.Value[0]-wanted) > 1e-12 || p.Grad[0] != 0 {
			t.Errorf("%s: %v with gradient %v, want %v", rule, p.Value[0], p.Grad[0], wanted)
		}
	}
	if _, err := NewOptimizer[float32]("lion", 0); err == nil {
		t.Error("an unknown rule was taken")
	}
}

// A run that is written down and read again goes on bit for bit.
func TestResume(t *testing.T) {
	step := func(o *Optimizer[float32], p *Param[float32], n int) {
		for range n {
			for i := range p.Grad {
				p.Grad[i] = p.Value[i]*0.3 - float32(i)
			}
			o.Step([]*Param[float32]{p}, 0.01)
		}
	}
	whole, p := start(t)
	step(whole, p, 10)
	o, q := start(t)
	step(o, q, 4)
	var file bytes.Buffer
	if err := gob.NewEncoder(&file).Encode(o); err != nil {
		t.Fatal(err)
	}
	again := &Optimizer[float32]{}
	if err := gob.NewDecoder(&file).Decode(again); err != nil {
		t.Fatal(err)
	}
	step(again, q, 6)
	if !slices.Equal(p.Value, q.Value) {
		t.Errorf("resumed %v, in one go %v", q.Value, p.Value)
	}
}

func start(t *testing.T) (*Optimizer[float32], *Param[float32]) {
	t.Helper()
	o, err := NewOptimizer[float32](AdamW, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	p := NewParam[float32]("w", true, 5)
	for i := range p.Value {
		p.Value[i] = float32(i) - 2
	}
	return o, p
}

func TestClipNorm(t *testing.T) {
	p := NewParam[float64]("w", true, 2)
	p.Grad[0], p.Grad[1] = 3, 4
	if n := ClipNorm([]*Param[float64]{p}, 1); n != 5 || math.Abs(p.Grad[0]-0.6) > 1e-12 {
		t.Errorf("norm %v, gradient %v", n, p.Grad)
	}
	if n := ClipNorm([]*Param[float64]{p}, 2); math.Abs(n-1) > 1e-12 || math.Abs(p.Grad[1]-0.8) > 1e-12 {
		t.Errorf("norm %v, gradient %v: a short gradient must stay", n, p.Grad)
	}
}

func TestAverage(t *testing.T) {
	a := Average[float64]{Keep: 0.9}
	p := NewParam[float64]("w", true, 1)
	for i := range 2000 {
		p.Value[0] = 1 + float64(1-2*(i%2)) // 2, 0, 2, 0 …
		a.Add([]*Param[float64]{p})
	}
	if v := a.Values["w"][0]; math.Abs(v-1) > 0.06 {
		t.Errorf("the average of 0 and 2 came out as %v", v)
	}
}

func TestSchedules(t *testing.T) {
	tests := []struct {
		s    Schedule
		at   int
		want float64
	}{
		{Schedule{Kind: "constant", Rate: 2}, 99, 2},
		{Schedule{Kind: "constant", Rate: 2, Warm: 4}, 0, 0.5},
		{Schedule{Kind: "constant", Rate: 2, Warm: 4}, 3, 2},
		{Schedule{Kind: "step", Rate: 1, Every: 10, Factor: 0.1}, 9, 1},
		{Schedule{Kind: "step", Rate: 1, Every: 10, Factor: 0.1}, 25, 0.01},
		{Schedule{Kind: "exponential", Rate: 1, Every: 10, Factor: 0.25}, 5, 0.5},
		{Schedule{Kind: "cosine", Rate: 1, Warm: 10, Total: 110, Least: 0.2}, 60, 0.6},
		{Schedule{Kind: "cosine", Rate: 1, Total: 100, Least: 0.2}, 500, 0.2},
	}
	for _, test := range tests {
		if err := test.s.Check(); err != nil {
			t.Errorf("%+v: %v", test.s, err)
		}
		if got := test.s.At(test.at); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%+v at %d: %v, want %v", test.s, test.at, got, test.want)
		}
	}
	for _, s := range []Schedule{{Kind: "cosine", Rate: 1}, {Kind: "step", Rate: 1}, {Kind: "wild", Rate: 1}, {Kind: "constant"}} {
		if s.Check() == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
