package recurrent

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var isas = []string{"avx512", "avx2", "base"}

// each runs a test on every instruction set of this machine.
func each(t *testing.T, f func(t *testing.T, isa string)) {
	for _, isa := range isas {
		t.Run(isa, func(t *testing.T) {
			if _, err := kernelsFor(isa); err != nil {
				t.Skip(err)
			}
			f(t, isa)
		})
	}
}

// randomBatch has steps missing where masked, the first of row 0 among them and
// the whole of the last row.
func randomBatch(r *rand.Rand, rows, steps, inputs int, masked bool) Batch {
	b := Batch{Rows: rows, Steps: steps, X: make([]float32, rows*steps*inputs)}
	for i := range b.X {
		b.X[i] = float32(r.NormFloat64())
	}
	if masked {
		b.Mask = make([]float32, rows*steps)
		for i := range b.Mask {
			if r.Float64() < .7 && i > 0 && i/steps < rows-1 {
				b.Mask[i] = 1
			}
		}
	}
	return b
}

var shapes = []struct {
	config      Config
	rows, steps int
	masked      bool
}{
	{Config{Cell: "lstm", Inputs: 3, Hidden: 5, Outputs: 1}, 4, 3, false},
	{Config{Cell: "gru", Inputs: 3, Hidden: 5, Outputs: 1}, 4, 3, false},
	{Config{Cell: "lstm", Inputs: 1, Hidden: 1, Outputs: 1}, 1, 1, false},
	{Config{Cell: "lstm", Inputs: 13, Hidden: 33, Outputs: 4, EachStep: true}, 8, 5, true},
	{Config{Cell: "gru", Inputs: 17, Hidden: 20, Outputs: 2, EachStep: true}, 13, 4, true},
	{Config{Cell: "lstm", Inputs: 6, Hidden: 20, Outputs: 2, Attention: 7}, 6, 6, true},
	{Config{Cell: "lstm", Inputs: 6, Hidden: 18, Outputs: 2, Attention: 17, EachStep: true}, 6, 6, true},
	{Config{Cell: "gru", Inputs: 6, Hidden: 18, Outputs: 1, Attention: 4, EachStep: true, Layers: 2}, 5, 4, false},
	{Config{Cell: "lstm", Inputs: 4, Hidden: 17, Outputs: 17, Layers: 3}, 7, 4, true},
	{Config{Cell: "lstm", Inputs: 2, Hidden: 16, Outputs: 1}, 101, 3, true}, // more rows than a chunk
}

func (c Config) label() string {
	return fmt.Sprintf("%s-%d-%dx%d-%d-a%d-each=%v", c.Cell, c.Inputs, c.Hidden, c.Layers, c.Outputs, c.Attention, c.EachStep)
}

// TestGradients compares logits and gradients with plain float64 loops: the
// gradients with their central differences (step 1e-5: error about 1e-10). The
// float32 kernels may be off by 2e-5 of the largest gradient.
func TestGradients(t *testing.T) {
	each(t, func(t *testing.T, isa string) {
		for _, s := range shapes {
			t.Run(s.config.label(), func(t *testing.T) {
				c := s.config
				c.ISA, c.Seed = isa, 3
				n, err := New(c)
				if err != nil {
					t.Fatal(err)
				}
				n.WantInputGradient(true)
				r := rand.New(rand.NewPCG(5, 6))
				b := randomBatch(r, s.rows, s.steps, c.Inputs, s.masked)
				logits, err := n.Forward(b)
				if err != nil {
					t.Fatal(err)
				}
				d := make([]float32, len(logits))
				sum := 0.
				for i := range d {
					d[i] = float32(r.NormFloat64())
					sum += float64(d[i]) * float64(logits[i])
				}
				if err := n.Backward(d); err != nil {
					t.Fatal(err)
				}
				f := newReference(n)
				x := make([]float64, len(b.X))
				for i, v := range b.X {
					x[i] = float64(v)
				}
				if want := f.loss(b, x, d); math.Abs(sum-want) > 2e-5*(1+math.Abs(want)) {
					t.Errorf("logits times d: %g, want %g", sum, want)
				}
				compareGradient(t, "weight", n.grads, f.w, func() float64 { return f.loss(b, x, d) }, r, n.live())
				compareGradient(t, "input", n.InputGradient(), x, func() float64 { return f.loss(b, x, d) }, r, nil)
			})
		}
	})
}

// live says which parameters a network really has; the others are padding, or a
// GRU's frozen places, and must have no gradient.
func (n *Net) live() []bool {
	m, err := New(n.config)
	if err != nil {
		panic(err)
	}
	clear(m.weights)
	m.initialize()
	live := make([]bool, len(m.weights))
	for i, w := range m.weights {
		live[i] = w != 0
	}
	return live
}

func compareGradient(t *testing.T, what string, got []float32, at []float64, loss func() float64, r *rand.Rand, live []bool) {
	t.Helper()
	largest := 0.
	for _, g := range got {
		largest = max(largest, math.Abs(float64(g)))
	}
	if largest == 0 {
		t.Errorf("%s gradient is all zero", what)
	}
	places := r.Perm(len(got))
	places = places[:min(len(places), 100)]
	for _, i := range places {
		if live != nil && !live[i] {
			if got[i] != 0 {
				t.Errorf("%s %d is padding but has gradient %g", what, i, got[i])
			}
			continue
		}
		const step = 1e-5
		before := at[i]
		at[i] = before + step
		up := loss()
		at[i] = before - step
		down := loss()
		at[i] = before
		if want := (up - down) / (2 * step); math.Abs(want-float64(got[i])) > 2e-5*(largest+1) {
			t.Errorf("%s %d: gradient %g, want %g (largest %g)", what, i, got[i], want, largest)
		}
	}
}

// TestLearns asks the parity-like question that a net without memory cannot
// answer: was the first step's input positive?
func TestLearns(t *testing.T) {
	for _, c := range []Config{
		{Cell: "lstm", Inputs: 1, Hidden: 8, Outputs: 1, Seed: 1, Clip: 1},
		{Cell: "gru", Inputs: 1, Hidden: 8, Outputs: 1, Seed: 1, Layers: 2, Dropout: .1},
		{Cell: "lstm", Inputs: 1, Hidden: 8, Outputs: 1, Seed: 1, Attention: 8, Decay: 1e-3},
	} {
		t.Run(c.label(), func(t *testing.T) {
			n := train(t, c, 300)
			b, y := question(rand.New(rand.NewPCG(9, 9)), 500)
			logits, err := n.Predict(b)
			if err != nil {
				t.Fatal(err)
			}
			right := 0
			for i, v := range logits {
				if (v > 0) == (y[i] > 0) {
					right++
				}
			}
			if right < 470 {
				t.Errorf("%d of 500 right", right)
			}
		})
	}
}

func question(r *rand.Rand, rows int) (Batch, []float32) {
	b := randomBatch(r, rows, 6, 1, false)
	y := make([]float32, rows)
	for i := range y {
		if b.X[i*6] > 0 {
			y[i] = 1
		}
	}
	return b, y
}

func train(t *testing.T, c Config, steps int) *Net {
	t.Helper()
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range steps {
		b, y := question(r, 64)
		logits, err := n.Forward(b)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range logits {
			logits[i] = float32(sigmoid(float64(v))-float64(y[i])) / 64
		}
		if err := n.Backward(logits); err != nil {
			t.Fatal(err)
		}
		n.Step(.02)
	}
	return n
}

func TestSameSeedSameWeights(t *testing.T) {
	c := Config{Cell: "lstm", Inputs: 1, Hidden: 8, Outputs: 1, Seed: 4, Layers: 2, Dropout: .3, Attention: 3}
	a, b := train(t, c, 20), train(t, c, 20)
	if !slices.Equal(a.weights, b.weights) {
		t.Error("the same seed gave other weights")
	}
	c.Seed = 5
	if slices.Equal(a.weights, train(t, c, 20).weights) {
		t.Error("another seed gave the same weights")
	}
}

func TestMarshal(t *testing.T) {
	n := train(t, Config{Cell: "gru", Inputs: 1, Hidden: 9, Outputs: 1, Attention: 4}, 10)
	data, err := n.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := question(rand.New(rand.NewPCG(1, 1)), 300)
	x, _ := n.Predict(b)
	y, _ := m.Predict(b)
	if len(x) != 300 || !slices.Equal(x, y) {
		t.Error("predictions changed on the way")
	}
	for name, bad := range map[string][]byte{"empty": nil, "cut": data[:len(data)-1], "long": append(slices.Clone(data), 0), "magic": data[3:],
		"json": append([]byte(magic), "{\n"...), "huge": append([]byte(magic), `{"cell":"lstm","inputs":4096,"hidden":4096,"outputs":1}`+"\n"...),
		"nan": append(slices.Clone(data[:len(data)-4]), 0, 0, 0xc0, 0x7f)} {
		if _, err := Unmarshal(bytes.Clone(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestLaterStepsDoNotMatter changes what comes after a step: its logits stay.
func TestLaterStepsDoNotMatter(t *testing.T) {
	n, err := New(Config{Cell: "lstm", Inputs: 4, Hidden: 16, Outputs: 1, Attention: 5, EachStep: true, Layers: 2})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2, 2))
	b := randomBatch(r, 3, 8, 4, false)
	x, _ := n.Predict(b)
	x = slices.Clone(x)
	for row := range 3 {
		for i := row*32 + 16; i < row*32+32; i++ {
			b.X[i] = float32(r.NormFloat64())
		}
	}
	y, _ := n.Predict(b)
	for row := range 3 {
		for step := range 8 {
			// attention scales by the row's largest score, also a later one: rounding only
			if same := math.Abs(float64(x[row*8+step]-y[row*8+step])) < 1e-5; same != (step < 4) {
				t.Errorf("row %d step %d: %g, then %g", row, step, x[row*8+step], y[row*8+step])
			}
		}
	}
}

func TestErrors(t *testing.T) {
	good := Config{Cell: "lstm", Inputs: 2, Hidden: 3, Outputs: 1}
	for name, change := range map[string]func(*Config){
		"cell": func(c *Config) { c.Cell = "rnn" }, "inputs": func(c *Config) { c.Inputs = 0 }, "hidden": func(c *Config) { c.Hidden = 1 << 20 },
		"dropout": func(c *Config) { c.Dropout = 1 }, "nan": func(c *Config) { c.Decay = math.NaN() }, "clip": func(c *Config) { c.Clip = -1 },
	} {
		c := good
		change(&c)
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	c := good
	c.ISA = "mmx"
	if _, err := New(c); err == nil {
		t.Error("no error for an unknown instruction set")
	}
	n, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Backward(make([]float32, 1)); !errors.Is(err, ErrNoPass) {
		t.Errorf("backward without forward: %v", err)
	}
	for name, b := range map[string]Batch{"none": {}, "short": {Rows: 1, Steps: 2, X: make([]float32, 3)},
		"mask": {Rows: 1, Steps: 2, X: make([]float32, 4), Mask: make([]float32, 1)}} {
		if _, err := n.Forward(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := n.SetWeights(nil); err == nil {
		t.Error("SetWeights took nothing")
	}
	if _, err := n.Forward(Batch{Rows: 1, Steps: 2, X: make([]float32, 4)}); err != nil {
		t.Fatal(err)
	}
	if err := n.Backward(make([]float32, 2)); err == nil {
		t.Error("backward took a gradient of the wrong size")
	}
}
