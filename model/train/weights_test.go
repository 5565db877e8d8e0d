package train

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Weights that were written and read again, in either form, say the same; so do those
// that went through ONNX, whose norms are folded.
func TestWeightsComeBack(t *testing.T) {
	for _, kind := range []string{Attention, LSTM, GRU, Mean} {
		p := small
		p.Temporal, p.Squeeze = kind, 8
		n, err := NewNetwork[float32](p, 3)
		if err != nil {
			t.Fatal(err)
		}
		trainSmall(t, n, 3)
		b, _ := madeBatch(rand.New(rand.NewPCG(8, 8)), 4, 5)
		b.Seen[7] = 0
		want := n.Forward(&Tape[float32]{}, b, Use)
		heat := Heat{1.5, 1.25, 0.75}
		safe, err := n.Safetensors(heat)
		if err != nil {
			t.Fatal(err)
		}
		for form, file := range map[string][]byte{"safetensors": safe, "onnx": n.ONNX(heat)} {
			again, gotHeat, err := FromFile(file)
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, form, err)
			}
			got := again.Forward(&Tape[float32]{}, b, Use)
			for i, v := range want.Behaviour.Value {
				if d := math.Abs(float64(got.Behaviour.Value[i] - v)); d > 1e-4*(1+math.Abs(float64(v))) {
					t.Fatalf("%s, %s: behaviour[%d] is %v, was %v", kind, form, i, got.Behaviour.Value[i], v)
				}
			}
			for i, v := range want.Engagement.Value {
				if math.Abs(float64(got.Engagement.Value[i]-v)) > 1e-4 {
					t.Fatalf("%s, %s: engagement[%d] is %v, was %v", kind, form, i, got.Engagement.Value[i], v)
				}
			}
			if gotHeat != heat || again.Plan.Temporal != kind {
				t.Errorf("%s, %s: temperatures %v, plan %+v", kind, form, gotHeat, again.Plan)
			}
		}
	}
}

func TestForeignWeightsRefused(t *testing.T) {
	n, err := NewNetwork[float32](small, 3)
	if err != nil {
		t.Fatal(err)
	}
	safe, err := n.Safetensors(Heat{1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile(filepath.Join("..", "classroom", "weights", "classroom-s.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"empty": nil, "text": []byte("hello, this is no file of weights"), "cut": safe[:len(safe)-5], "head cut": safe[:60],
		"another plan": []byte(strings.Replace(string(safe), "embedding: 24", "embedding: 25", 1)), "a huge plan": []byte(strings.Replace(string(safe), "embedding: 24", "embedding: 9e", 1)),
		"another trainer's ONNX": shipped, "onnx cut": n.ONNX(Heat{1, 1, 1})[:2000],
	} {
		if _, _, err := FromFile(file); !errors.Is(err, ErrWeights) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzFromFile: weights come from strangers.
func FuzzFromFile(f *testing.F) {
	p := small
	p.Stages, p.Temporal = p.Stages[:1], GRU
	n, err := NewNetwork[float32](p, 3)
	if err != nil {
		f.Fatal(err)
	}
	safe, err := n.Safetensors(Heat{1, 1, 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(safe)
	f.Add(n.ONNX(Heat{1, 1, 1}))
	f.Add(safe[:100])
	f.Fuzz(func(t *testing.T, file []byte) {
		if n, _, err := FromFile(file); err == nil && len(n.Params) == 0 {
			t.Error("weights without parameters")
		}
	})
}

// The loss curve of a small run, stored: a change of any op's forward or backward, of
// the optimizer or of the draws shows. Kernels of other instruction sets sum in
// another order, so 1 % is let through. UPDATE_GOLDEN=1 writes it anew.
func TestGoldenCurve(t *testing.T) {
	p := small
	p.Squeeze = 8
	n, err := NewNetwork[float32](p, 7)
	if err != nil {
		t.Fatal(err)
	}
	losses := trainSmall(t, n, 12)
	file := filepath.Join("testdata", "curve.txt")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		var text strings.Builder
		for _, l := range losses {
			fmt.Fprintf(&text, "%.5f\n", l)
		}
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(raw))
	if len(lines) != len(losses) {
		t.Fatalf("%d losses, the file has %d", len(losses), len(lines))
	}
	for i, line := range lines {
		want, err := strconv.ParseFloat(line, 64)
		if err != nil || math.Abs(losses[i]-want) > 0.01*want {
			t.Errorf("step %d: loss %.5f, was %s", i, losses[i], line)
		}
	}
}

// An attack stays within its size, changes colours only, and makes the loss larger.
func TestAttack(t *testing.T) {
	n, err := NewNetwork[float32](small, 1)
	if err != nil {
		t.Fatal(err)
	}
	trainSmall(t, n, 20)
	b, labels := madeBatch(rand.New(rand.NewPCG(9, 9)), 6, 3)
	for i, v := range b.Pictures {
		b.Pictures[i] = min(max(v, -1), 1)
	}
	lossOf := func(pictures []float32) (float32, []float32) {
		c := b
		c.Pictures, c.Wanted = pictures, true
		tape := &Tape[float32]{}
		o := n.Forward(tape, c, Use)
		l := total(tape, o, labels)
		tape.Backward(l)
		return l.Value[0], o.Pictures.Grad
	}
	was, _ := lossOf(b.Pictures)
	area := small.Size * small.Size
	for _, steps := range []int{1, 4} {
		bad := Attack(b.Pictures, area, steps, 0.1, func(p []float32) []float32 { _, g := lossOf(p); return g })
		for i, v := range bad {
			if d := math.Abs(float64(v - b.Pictures[i])); d > 0.1001 || v < -1 || v > 1 || (i/area%Channels >= 3 && d != 0) {
				t.Fatalf("%d steps: value %d went from %v to %v", steps, i, b.Pictures[i], v)
			}
		}
		if is, _ := lossOf(bad); is <= was {
			t.Errorf("%d steps: the loss went from %v to %v", steps, was, is)
		}
	}
}
