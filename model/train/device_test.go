package train

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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
		rule      Rule
		plan      Plan
		indexed   bool
		steps     int
		precision string
	}{
		{AdamW, tinyPlan, true, 10, "float32"},
		{SGD, change(func(p *Plan) { p.Temporal, p.NoFlow = Mean, true }), false, 10, "float32"},
		{RMSprop, change(func(p *Plan) { p.Squeeze = 4 }), true, 4, "float32"},
		{Adam, tinyPlan, false, 4, "float32"},
		{SGD, change(func(p *Plan) { p.Temporal = LSTM }), true, 10, "float32"},
		{AdamW, change(func(p *Plan) { p.Temporal, p.Width = GRU, 6 }), false, 10, "float32"},
		{SGD, change(func(p *Plan) { p.Temporal, p.Embedding = LSTM, 16 }), true, 10, "fp16"},
		{SGD, change(func(p *Plan) { p.Embedding = 16 }), false, 10, "bf16"},
	} {
		t.Run(fmt.Sprint(c.rule, " ", c.plan.kind(), " squeeze ", c.plan.Squeeze, " indexed ", c.indexed, " ", c.precision), func(t *testing.T) {
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
					if s, err = NewDevice("cuda", nets[i], rules[i], averages[i], 2, c.precision); err != nil {
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
			bound, scale := DeviceBound, 1.0
			if b, half := HalfBound[c.precision]; half { // float32 is off by 1e-5; fp16 rounds to 2^13, bf16 to 2^16 times as much
				bound, scale = b, map[string]float64{"fp16": 10, "bf16": 25}[c.precision]
			}
			worst := 0.0
			for k := range losses[0] {
				d := math.Abs(losses[1][k]-losses[0][k]) / math.Abs(losses[0][k]) * DeviceBound / bound
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
				if e := math.Sqrt(d / (n + 1e-4)); !(e <= 0.02*scale) {
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
			t.Logf("losses %.4f to %.4f, worst difference %.2g of the loss, weights %.2g of their length", losses[0][0], losses[0][c.steps-1], worst*bound/DeviceBound, far)
		})
	}
}

// Gradients that overflow in FP16 leave everything as it was and halve the loss scale, until they fit; the scale doubles after
// enough good steps, and a run that goes on takes it up.
func TestLossScale(t *testing.T) {
	if all, err := driver.Devices(); err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	p := tinyPlan
	p.Temporal, p.Embedding = Mean, 16
	n, err := NewNetwork[float32](p, 7)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOptimizer[float32](SGD, 0)
	if err != nil {
		t.Fatal(err)
	}
	o.LossScale, o.GoodSteps = 1<<23, scaleEvery // far too much: 65504 is the largest number
	average := &Average[float32]{Keep: .9}
	b, y := labelledBatch(rand.New(rand.NewPCG(8, 8)), p, false)
	skipped, good := 0, 0
	for good < 2 { // each time a run that goes on: all is read from what Sync wrote
		d, err := NewDevice("cuda", n, o, average, 2, "fp16")
		if err != nil {
			t.Fatal(err)
		}
		before, scale := append([]float32(nil), n.Params[0].Value...), o.LossScale
		for range 2 {
			if _, err := d.Step(b, Losses[float32]{Behaviour: ClassLoss[float32]{}, Attention: 40, Engagement: 40}, y, 1e-3); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			t.Fatal(err)
		}
		switch changed := !slices.Equal(before, n.Params[0].Value); {
		case o.LossScale == scale/4 && !changed && o.Steps == 0 && average.Steps == 0 && average.Values == nil:
			skipped += 2
		case o.LossScale == scale && changed:
			good++
		case o.LossScale == scale/2 && changed && good == 0:
			skipped++
		default:
			t.Fatalf("after %d skipped: scale %v to %v, changed: %v, %d steps, %d averaged", skipped, scale, o.LossScale, changed, o.Steps, average.Steps)
		}
		if skipped > 40 {
			t.Fatal("it never fits")
		}
	}
	if skipped < 2 || average.Steps != o.Steps || o.Steps < 4 {
		t.Errorf("%d skipped, %d steps, %d averaged", skipped, o.Steps, average.Steps)
	}
	o.GoodSteps = scaleEvery - 1
	scale := o.LossScale
	d, err := NewDevice("cuda", n, o, average, 2, "fp16")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Step(b, Losses[float32]{Attention: 1, Engagement: 1}, y, 1e-3); err != nil || o.LossScale != 2*scale || o.GoodSteps != 0 {
		t.Errorf("%v: the scale went from %v to %v, %v good steps", err, scale, o.LossScale, o.GoodSteps)
	}
	if _, err := NewDevice("cuda", n, o, average, 2, "fp8"); err == nil {
		t.Error("an unknown precision was taken")
	}
}

// A call that fails while a step is made ends in an error, and the network is as it was.
// Steps in fp16 that begin with a loss scale too high for these losses: those that overflow are left out, and the ten that count have the losses of float32 on the CPU,
// which takes these ten steps only.
func TestTenStepsOnDeviceAfterOverflow(t *testing.T) {
	if all, err := driver.Devices(); err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	p := tinyPlan
	p.Temporal, p.Embedding = Mean, 16
	l := Losses[float32]{Attention: 40, Engagement: 40}
	var nets [2]*Network[float32]
	var rules [2]*Optimizer[float32]
	for i := range nets {
		var err error
		if nets[i], err = NewNetwork[float32](p, 7); err != nil {
			t.Fatal(err)
		}
		if rules[i], err = NewOptimizer[float32](AdamW, 0.01); err != nil {
			t.Fatal(err)
		}
	}
	rules[1].LossScale = 1 << 15
	cpu := NewCPU(nets[0], rules[0], nil, 2)
	device, err := NewDevice("cuda", nets[1], rules[1], nil, 2, "fp16")
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	r := rand.New(rand.NewPCG(8, 8))
	worst, skipped, counted := 0.0, 0, 0
	for counted < 10 {
		b, y := labelledBatch(r, p, false)
		got, err := device.Step(b, l, y, 1e-3)
		if err != nil {
			t.Fatal(err)
		}
		if rules[1].Steps == counted {
			if skipped++; skipped > 20 {
				t.Fatal("it never fits")
			}
			continue
		}
		counted++
		want, err := cpu.Step(b, l, y, 1e-3)
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, math.Abs(got-want)/want)
	}
	t.Logf("%d steps left out, scale %v, then losses differ by %.2g", skipped, rules[1].LossScale, worst)
	if skipped < 2 || rules[1].LossScale > float32(1<<15)/4 || !(worst <= HalfBound["fp16"]) {
		t.Errorf("%d steps left out, scale %v; losses differ by %.2g, more than %.2g", skipped, rules[1].LossScale, worst, HalfBound["fp16"])
	}
}

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
			d, err := NewDevice("cuda", n, o, nil, 2, "float32")
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

// What a step of configs/train-m.yaml must take of an H100 at 128 pictures, recorded with 8 of them: in float32 and with products on tensor
// cores. docs/performance.md has the figures.
func TestStepLimitOnDevice(t *testing.T) {
	if all, err := driver.Devices(); err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	plan := Plan{Size: 96, Stem: 24, Stages: []Stage{{Expand: 96, Out: 48, Stride: 2, Repeat: 1}, {Expand: 192, Out: 48, Stride: 1, Repeat: 1}, {Expand: 192, Out: 80, Stride: 2, Repeat: 1}, {Expand: 320, Out: 80, Stride: 1, Repeat: 2},
		{Expand: 320, Out: 144, Stride: 2, Repeat: 1}, {Expand: 576, Out: 144, Stride: 1, Repeat: 2}}, Top: 512, Embedding: 192, Width: 96, Heads: 4}
	const pictures, steps = 8, 5
	b := Batch[float32]{Pictures: make([]float32, pictures*Channels*plan.Size*plan.Size), Steps: steps}
	var y Targets[float32]
	for i := range pictures {
		y.Behaviour, y.Attention, y.Level = append(y.Behaviour, i%behaviours), append(y.Attention, i%2), append(y.Level, 3)
		for k := range steps {
			b.Index, b.Offsets, b.Seen = append(b.Index, i), append(b.Offsets, float32(k-steps/2)), append(b.Seen, 1)
		}
	}
	l := Losses[float32]{Attention: .3, Engagement: .3}
	for _, precision := range []string{"float32", "bf16"} {
		n, err := NewNetwork[float32](plan, 1)
		if err != nil {
			t.Fatal(err)
		}
		o, err := NewOptimizer[float32](AdamW, 0.02)
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewDevice("cuda", n, o, nil, 5, precision)
		if err != nil {
			t.Fatal(err)
		}
		if d.Limits() != nil {
			t.Error("there is a roofline of no step")
		}
		p, err := d.plan(shapeOf(plan, b, l, y), l)
		if err != nil {
			t.Fatal(err)
		}
		limits := p.limits(66.9e12, 3.35e12)
		all, norm, convert, once := 0.0, 0.0, 0.0, 0.0
		for kernel, s := range limits {
			switch s *= 1e6 * 128 / pictures; {
			case kernel == "adam" || kernel == "square_sum": // over the weights: once a step
				once += s * pictures / 128
				continue
			case kernel == "to_half":
				convert += s
			case strings.HasPrefix(kernel, "batch_"):
				norm += s
			}
			all += s
		}
		t.Logf("%s: %.0f µs, of them batch norm %.0f, conversions %.0f; and the optimizer %.0f", precision, all, norm, convert, once)
		if !(all > norm && norm > 0) || (convert > 0) != (precision == "bf16") {
			t.Errorf("%s: limits %v", precision, limits)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
