package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"classlens/cuda/driver"
)

var tinyPlan = Plan{Size: 16, Stem: 8, Stages: []Stage{{Expand: 16, Out: 8, Stride: 1, Repeat: 1}, {Expand: 24, Out: 16, Stride: 2, Repeat: 1}}, Top: 16, Embedding: 12, Width: 8, Heads: 2}

// labelledBatch has everything a batch can have: hidden steps, missing labels, pictures
// that several steps show, points.
func labelledBatch(r *rand.Rand, p Plan, indexed bool) (b Batch[float32], y Targets[float32]) {
	const sequences, steps = 4, 3
	b.Steps = steps
	pictures := sequences * steps
	if indexed {
		pictures = sequences + 1
	}
	for range pictures * Channels * p.Size * p.Size {
		b.Pictures = append(b.Pictures, float32(r.NormFloat64())*0.5)
	}
	for i := range pictures * 2 * points {
		y.Points, y.Seen = append(y.Points, float32(r.Float64()-0.5)), append(y.Seen, float32(i%3)/2)
	}
	for i := range sequences * steps {
		b.Offsets, b.Seen = append(b.Offsets, float32(i%steps-1)), append(b.Seen, float32(min(1, r.IntN(4))))
		if indexed {
			b.Index = append(b.Index, r.IntN(pictures))
		}
	}
	for i := range sequences {
		y.Behaviour, y.Attention, y.Level = append(y.Behaviour, r.IntN(behaviours)), append(y.Attention, i%3-1), append(y.Level, r.IntN(5)-1)
	}
	y.Behaviour[1] = -1
	return b, y
}

// Steps on the device give the losses of the same steps on the CPU, within DeviceBound, and
// leave nearly the same weights, moments, averages and norms.
func TestTenStepsOnDevice(t *testing.T) {
	if all, err := driver.Devices(); err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	change := func(f func(p *Plan)) Plan { p := tinyPlan; f(&p); return p }
	for _, c := range []struct {
		rule    Rule
		plan    Plan
		indexed bool
		steps   int
	}{
		{AdamW, tinyPlan, true, 10},
		{SGD, change(func(p *Plan) { p.Temporal, p.NoFlow = Mean, true }), false, 10},
		{RMSprop, change(func(p *Plan) { p.Squeeze = 4 }), true, 4},
		{Adam, tinyPlan, false, 4},
		{SGD, change(func(p *Plan) { p.Temporal = LSTM }), true, 10},
		{AdamW, change(func(p *Plan) { p.Temporal, p.Width = GRU, 6 }), false, 10},
	} {
		t.Run(fmt.Sprint(c.rule, " ", c.plan.kind(), " squeeze ", c.plan.Squeeze, " indexed ", c.indexed), func(t *testing.T) {
			var nets [2]*Network[float32]
			var rules [2]*Optimizer[float32]
			var averages [2]*Average[float32]
			var losses [2][]float64
			l := Losses[float32]{Behaviour: ClassLoss[float32]{Weights: []float32{1, 2, .5, 1, 1, 1, 3, 1, 1, 1}, Smoothing: .05, Focal: 1.5}, Attention: .3, Engagement: .4, Points: .5}
			for i := range nets {
				var err error
				if nets[i], err = NewNetwork[float32](c.plan, 7); err != nil {
					t.Fatal(err)
				}
				if rules[i], err = NewOptimizer[float32](c.rule, 0.01); err != nil {
					t.Fatal(err)
				}
				averages[i] = &Average[float32]{Keep: 0.9}
				var s Stepper = NewCPU(nets[i], rules[i], averages[i], 2)
				if i == 1 {
					if s, err = NewDevice("cuda", nets[i], rules[i], averages[i], 2); err != nil {
						t.Fatal(err)
					}
				}
				r := rand.New(rand.NewPCG(8, 8))
				for k := range c.steps {
					b, y := labelledBatch(r, c.plan, c.indexed)
					loss, err := s.Step(b, l, y, 2e-3*float64(1+k%2))
					if err != nil {
						t.Fatal(err)
					}
					losses[i] = append(losses[i], loss)
				}
				if err := s.Sync(); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			worst := 0.0
			for k := range losses[0] {
				d := math.Abs(losses[1][k]-losses[0][k]) / math.Abs(losses[0][k])
				if worst = math.Max(worst, d); !(d <= DeviceBound) {
					t.Errorf("step %d: loss %v on the device, %v on the CPU", k, losses[1][k], losses[0][k])
				}
			}
			if rules[0].Steps != rules[1].Steps || averages[0].Steps != averages[1].Steps {
				t.Errorf("%d steps and %d averages, want %d and %d", rules[1].Steps, averages[1].Steps, rules[0].Steps, averages[0].Steps)
			}
			far := 0.0
			same := func(what string, a, b []float32) {
				if len(a) != len(b) {
					t.Errorf("%s: %d values, want %d", what, len(b), len(a))
					return
				}
				var d, n float64
				for i := range a {
					d += float64(a[i]-b[i]) * float64(a[i]-b[i])
					n += float64(a[i]) * float64(a[i])
				}
				if e := math.Sqrt(d / (n + 1e-4)); !(e <= 0.02) {
					t.Errorf("%s differs by %.2g of its length", what, e)
				} else {
					far = math.Max(far, e)
				}
			}
			for i, p := range nets[0].Params {
				// Norms and softmax take away what some biases add: their gradient is rounding alone, which rules that
				// divide by its size turn into whole steps.
				if c.rule != SGD && !p.Decay {
					continue
				}
				same(p.Name, p.Value, nets[1].Params[i].Value)
				same("average of "+p.Name, averages[0].Values[p.Name], averages[1].Values[p.Name])
				if c.rule != RMSprop {
					same("first moment of "+p.Name, rules[0].First[p.Name], rules[1].First[p.Name])
				}
			}
			for i, s := range nets[0].Stats {
				if c.rule != SGD {
					break // the means move with those biases
				}
				same(fmt.Sprint("mean ", i), s.Mean, nets[1].Stats[i].Mean)
				same(fmt.Sprint("variance ", i), s.Variance, nets[1].Stats[i].Variance)
			}
			t.Logf("losses %.4f to %.4f, worst difference %.2g of the loss, weights %.2g of their length", losses[0][0], losses[0][c.steps-1], worst, far)
		})
	}
}

// A call that fails while a step is made ends in an error, and the network is as it was.
func TestDeviceTrainingFails(t *testing.T) {
	all, err := driver.Devices()
	if err != nil || len(all) == 0 || !all[0].Simulated {
		t.Skip("needs the simulated device")
	}
	for _, fault := range []string{"1:2", "20:2", "60:700", "150:719", "300:702"} {
		t.Run(fault, func(t *testing.T) {
			t.Setenv(driver.FaultVariable, fault)
			n, err := NewNetwork[float32](tinyPlan, 7)
			if err != nil {
				t.Fatal(err)
			}
			before := append([]float32(nil), n.Params[0].Value...)
			o, err := NewOptimizer[float32](SGD, 0)
			if err != nil {
				t.Fatal(err)
			}
			d, err := NewDevice("cuda", n, o, nil, 2)
			if err != nil {
				return
			}
			defer d.Close()
			r := rand.New(rand.NewPCG(8, 8))
			for range 3 {
				b, y := labelledBatch(r, tinyPlan, false)
				if _, err = d.Step(b, Losses[float32]{Attention: 1, Engagement: 1}, y, 1e-3); err != nil {
					break
				}
			}
			if err == nil {
				t.Fatal("no call failed")
			}
			for i, v := range n.Params[0].Value {
				if v != before[i] {
					t.Fatal("the network was changed")
				}
			}
		})
	}
}
