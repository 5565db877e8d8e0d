package train

import (
	"math"
	"math/rand/v2"
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
		l := total(tape, n.Forward(tape, b, true), labels)
		tape.Backward(l)
		ClipNorm(n.Params, 5)
		o.Step(n.Params, 3e-3)
		losses = append(losses, float64(l.Value[0]))
	}
	return losses
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
	o := n.Forward(tape, b, false)
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
