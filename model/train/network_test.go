package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"classlens/model"
)

var small = Plan{Size: 16, Stem: 16, Stages: []Stage{{Expand: 32, Out: 16, Stride: 1, Repeat: 1}, {Expand: 32, Out: 32, Stride: 2, Repeat: 2}}, Top: 32, Embedding: 24, Width: 16, Heads: 2}

// madeBatch shows bright squares left or right: what the class says.
func madeBatch(r *rand.Rand, sequences, steps int) (b Batch[float32], labels []int) {
	b.Steps = steps
	for range sequences {
		label := r.IntN(2)
		labels = append(labels, label)
		for i := range steps {
			b.Offsets, b.Seen = append(b.Offsets, float32(i-steps/2)), append(b.Seen, float32(1-r.IntN(2)*(i%2)))
			for c := range Channels {
				for y := range small.Size {
					for x := range small.Size {
						v := float32(r.NormFloat64()) * 0.3
						if c < 3 && y > 4 && y < 11 && (x < 8) == (label == 0) {
							v++
						}
						b.Pictures = append(b.Pictures, v)
					}
				}
			}
		}
	}
	return b, labels
}

func total(t *Tape[float32], o Output[float32], labels []int) *Node[float32] {
	return t.Weighted([]*Node[float32]{ClassLoss[float32]{}.Loss(t, o.Behaviour, labels), t.BinaryLoss(o.Attention, labels), t.BinaryLoss(o.Engagement, Above(labels, levels))}, []float32{1, 0.3, 0.3})
}

// trainSmall gives the losses of a short run.
func trainSmall(t *testing.T, n *Network[float32], steps int) []float64 {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 5))
	o, err := NewOptimizer[float32](AdamW, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	for range steps {
		b, labels := madeBatch(r, 6, 3)
		tape := &Tape[float32]{}
		l := total(tape, n.Forward(tape, b, Train), labels)
		tape.Backward(l)
		ClipNorm(n.Params, 5)
		o.Step(n.Params, 3e-3)
		losses = append(losses, float64(l.Value[0]))
	}
	return losses
}

// Every temporal part, with squeeze-and-excitation, and without flow, learns, and the
// engine says of the exported file what the tape says.
func TestPartsTrainAndExport(t *testing.T) {
	for _, kind := range []string{Attention, LSTM, GRU, Mean} {
		t.Run(kind, func(t *testing.T) {
			p := small
			p.Temporal, p.Squeeze, p.NoFlow = kind, 4, kind == Mean
			n, err := NewNetwork[float32](p, 1)
			if err != nil {
				t.Fatal(err)
			}
			losses := trainSmall(t, n, 25)
			if first, last := losses[0], losses[len(losses)-1]; last > first/2 {
				t.Errorf("the loss went from %.3f to %.3f", first, last)
			}
			compareWithEngine(t, n)
			checkFlow(t, n)
		})
	}
}

// checkFlow: a network without flow says the same whatever the flow, one with flow
// does not.
func checkFlow(t *testing.T, n *Network[float32]) {
	t.Helper()
	b, _ := madeBatch(rand.New(rand.NewPCG(8, 8)), 1, 1)
	was := n.Forward(&Tape[float32]{}, b, Use).Behaviour.Value
	area := small.Size * small.Size
	for i := 3 * area; i < 5*area; i++ {
		b.Pictures[i] += 0.5
	}
	if same := slices.Equal(was, n.Forward(&Tape[float32]{}, b, Use).Behaviour.Value); same != n.Plan.NoFlow {
		t.Errorf("no_flow %v, the same with other flow: %v", n.Plan.NoFlow, same)
	}
}

// A tape that was reset gives what a new one gives, and takes no more memory.
func TestResetTape(t *testing.T) {
	n, err := NewNetwork[float32](small, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, labels := madeBatch(rand.New(rand.NewPCG(2, 2)), 6, 3)
	grads := func(tape *Tape[float32]) []float32 {
		for _, p := range n.Params {
			clear(p.Grad)
		}
		tape.Backward(total(tape, n.Forward(tape, b, Probe), labels))
		var all []float32
		for _, p := range n.Params {
			all = append(all, p.Grad...)
		}
		return all
	}
	tape := &Tape[float32]{}
	want := grads(tape)
	for range 2 {
		tape.Reset()
		buffers := 0
		for _, l := range tape.free {
			buffers += len(l)
		}
		if !slices.Equal(grads(tape), want) {
			t.Fatal("a tape that was reset gives other gradients")
		}
		if len(tape.used) != buffers {
			t.Errorf("%d buffers after a reset with %d", len(tape.used), buffers)
		}
	}
}

// geometry of the convolutions and norms on which kernels are tried: wide and narrow
// maps, odd sizes, strides, and batches that are put together and not.
var geometries = []struct{ n, c, h, w, o, k, stride, pad, groups int }{
	{3, 5, 17, 19, 7, 3, 2, 1, 1}, {2, 16, 24, 24, 24, 1, 1, 0, 1}, {7, 20, 3, 3, 33, 1, 1, 0, 1}, {2, 6, 21, 33, 6, 3, 1, 1, 6}, {2, 6, 20, 33, 6, 3, 2, 1, 6},
	{1, 3, 9, 9, 3, 5, 1, 2, 3}, {300, 3, 1, 1, 5, 1, 1, 0, 1}, {1, 4, 2, 2, 4, 5, 1, 2, 4},
}

// chainOf is a convolution, norm, cut and dense layer with fixed inputs.
func chainOf[T Float](g int) (params []*Param[T], value T) {
	c := geometries[g]
	r := rand.New(rand.NewPCG(uint64(g), 3))
	param := func(shape ...int) *Param[T] {
		p := NewParam[T]("p", true, shape...)
		for i := range p.Value {
			p.Value[i] = T(float32(r.NormFloat64())) // the same numbers in both precisions
		}
		params = append(params, p)
		return p
	}
	x, w, a, b := param(c.n, c.c, c.h, c.w), param(c.o, c.c/c.groups, c.k, c.k), param(c.o), param(c.o)
	t := &Tape[T]{}
	y := t.ReLU6(t.BatchNorm(t.Conv(t.Use(x), t.Use(w), c.stride, c.pad, c.groups), t.Use(a), t.Use(b), NewBatchStats[T](c.o)))
	area := y.Shape[1] * y.Shape[2] * y.Shape[3]
	heads := param(3, area)
	for i := range heads.Value { // small: a softmax that is sure of itself has no slope
		heads.Value[i] /= 32
	}
	y = t.Linear(t.Reshape(t.Add(y, y), c.n, area), t.Use(heads), t.Use(param(3)))
	labels := make([]int, c.n)
	for i := range labels {
		labels[i] = i % 3
	}
	l := ClassLoss[T]{}.Loss(t, y, labels)
	t.Backward(l)
	return params, l.Value[0]
}

// float32's kernels against float64's plain loops: loss and gradients. Elements near a
// kink of ReLU6 may fall on its two sides, so one in a thousand may differ.
func TestKernelsAgree(t *testing.T) {
	for g := range geometries {
		fast, l := chainOf[float32](g)
		plain, want := chainOf[float64](g)
		if math.Abs(float64(l)-want) > 1e-4*(1+want) {
			t.Errorf("%+v: loss %v, want %v", geometries[g], l, want)
		}
		for i, p := range plain {
			scale, off := 0.0, 0
			for _, v := range p.Grad {
				scale = max(scale, math.Abs(v))
			}
			for j, v := range p.Grad {
				if math.Abs(float64(fast[i].Grad[j])-v) > 1e-3*scale {
					off++
				}
			}
			if off > len(p.Grad)/1000 {
				t.Errorf("%+v: input %d: %d of %d gradients differ by more than 0.001 of the largest", geometries[g], i, off, len(p.Grad))
			}
		}
	}
}

// It learns, twice the same, and the file it exports says on the engine what it
// says on the tape.
func TestTrainAndExport(t *testing.T) {
	n, err := NewNetwork[float32](small, 1)
	if err != nil {
		t.Fatal(err)
	}
	losses := trainSmall(t, n, 40)
	if first, last := losses[0], losses[len(losses)-1]; first < 2 || last > 0.5 {
		t.Errorf("the loss went from %.3f to %.3f", first, last)
	}
	twin, err := NewNetwork[float32](small, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range trainSmall(t, twin, 5) {
		if l != losses[i] {
			t.Errorf("step %d: loss %v, the same run before had %v", i, l, losses[i])
		}
	}
	compareWithEngine(t, n)
}

func compareWithEngine(t *testing.T, n *Network[float32]) {
	b, _ := madeBatch(rand.New(rand.NewPCG(8, 8)), 4, 5)
	b.Seen[3], b.Seen[6] = 0, 0
	tape := &Tape[float32]{}
	o := n.Forward(tape, b, Use)
	net, err := model.Load(n.ONNX(Heat{2, 1, 1}), model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	out, err := net.Run(model.Tensor{Shape: []int{20, Channels, small.Size, small.Size}, Data: b.Pictures}, model.Tensor{Shape: []int{4, 5}, Data: b.Offsets}, model.Tensor{Shape: []int{4, 5}, Data: b.Seen})
	if err != nil {
		t.Fatal(err)
	}
	behaviour := append([]float32(nil), o.Behaviour.Value...)
	for i := range 4 {
		row := behaviour[i*behaviours : (i+1)*behaviours]
		for j := range row {
			row[j] /= 2
		}
		softmax(row)
	}
	var attention, engagement []float32
	for i, v := range o.Attention.Value {
		attention = append(attention, sigmoid(v))
		a := o.Engagement.Value[3*i:]
		engagement = append(engagement, 1-sigmoid(a[0]), sigmoid(a[0])-sigmoid(a[1]), sigmoid(a[1])-sigmoid(a[2]), sigmoid(a[2]))
	}
	for k, want := range [][]float32{behaviour, attention, engagement, o.Moments, o.Embedding.Value} {
		name := net.Outputs()[k].Name
		if len(want) != len(out[k].Data) {
			t.Fatalf("%s: %d values, want %d", name, len(out[k].Data), len(want))
		}
		for i, v := range out[k].Data {
			// float32 sums in another order: a few parts in a million
			if math.Abs(float64(v-want[i])) > 1e-4*(1+math.Abs(float64(want[i]))) {
				t.Fatalf("%s[%d]: the engine says %v, the tape %v", name, i, v, want[i])
			}
		}
	}
}

func TestPlanRefused(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"no stages": func(p *Plan) { p.Stages = nil }, "heads that do not divide": func(p *Plan) { p.Heads = 3 },
		"stride 3": func(p *Plan) { p.Stages = []Stage{{16, 16, 3, 1}} }, "tiny": func(p *Plan) { p.Size = 4 },
	} {
		p := small
		change(&p)
		if _, err := NewNetwork[float32](p, 1); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
