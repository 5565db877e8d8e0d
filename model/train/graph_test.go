package train

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"classlens/model"
)

func shippedFile(t *testing.T, size string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "classroom", "weights", "classroom-"+size+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// graphInputs are random inputs of a shipped network for two students of three steps.
func graphInputs(t *testing.T, file []byte) (names []string, shapes [][]int, values [][]float32) {
	t.Helper()
	net, err := model.Load(file, model.Options{Threads: 1, Device: model.CPU})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	r := rand.New(rand.NewPCG(3, 4))
	for _, p := range net.Inputs() {
		shape := append([]int{6}, p.Shape[1:]...)
		if p.Name == "offset" || p.Name == "seen" {
			shape = []int{2, 3}
		}
		v := make([]float32, size(shape))
		for i := range v {
			switch p.Name {
			case "picture":
				v[i] = float32(2*r.Float64() - 1)
			case "offset":
				v[i] = float32(i%3 - 1)
			case "seen":
				v[i] = 1
			default:
				v[i] = float32(r.Float64())
			}
		}
		names, shapes, values = append(names, p.Name), append(shapes, shape), append(values, v)
	}
	return names, shapes, values
}

// runGraph gives Σ c·output of all heads, c fixed, with the first input's node and the heads.
func runGraph(t *testing.T, g *Graph, tape *Tape[float32], names []string, shapes [][]int, values [][]float32) (loss, first *Node[float32], heads []*Node[float32]) {
	t.Helper()
	tape.Reset()
	in := map[string]*Node[float32]{}
	for i, name := range names {
		in[name] = tape.Const(values[i], shapes[i]...)
	}
	heads, err := g.Run(tape, in, "behaviour", "attention", "engagement", "moments")
	if err != nil {
		t.Fatal(err)
	}
	var parts []*Node[float32]
	var weights []float32
	for k, h := range heads {
		c := make([]float32, len(h.Value))
		for i := range c {
			c[i] = float32(math.Sin(float64(3*i + k + 1)))
		}
		m := tape.Mul(h, tape.Const(c, h.Shape...))
		ones := make([]float32, len(c))
		for i := range ones {
			ones[i] = 1
		}
		parts, weights = append(parts, tape.product(tape.Reshape(m, 1, len(c)), tape.Const(ones, len(c), 1))), append(weights, 1)
	}
	return tape.Weighted(parts, weights), in[names[0]], heads
}

// The networks that ship come to the engine's numbers on the tape, their gradients by
// inputs and weights are those of central differences, and what was changed comes back
// from the file.
func TestGraphOfShippedNetworks(t *testing.T) {
	for _, size := range []string{"s", "l"} {
		t.Run(size, func(t *testing.T) {
			file := shippedFile(t, size)
			g, err := ReadGraph(file)
			if err != nil {
				t.Fatal(err)
			}
			names, shapes, values := graphInputs(t, file)
			var tape Tape[float32]
			loss, first, heads := runGraph(t, g, &tape, names, shapes, values)
			equalsEngine(t, file, names, shapes, values, heads)
			tape.Backward(loss)

			r := rand.New(rand.NewPCG(5, 6))
			slope := checkDirection(t, r, first.Value, first.Grad, 2e-4, func() float32 {
				l, _, _ := runGraph(t, g, new(Tape[float32]), names, shapes, values)
				return l.Value[0]
			})
			if slope == 0 {
				t.Error("no gradient by the input")
			}
			for _, p := range g.Params {
				if p.Name == "temporal.f1.bias" || p.Name == "temporal.behaviour.weight" || p.Name == "encoder.c.bias" {
					checkDirection(t, r, p.Value, p.Grad, 1e-3, func() float32 {
						l, _, _ := runGraph(t, g, new(Tape[float32]), names, shapes, values)
						return l.Value[0]
					})
				}
			}
			if !bytes.Equal(mustONNX(t, g), mustONNX(t, g)) {
				t.Error("written twice, two files")
			}
			for _, p := range g.Params {
				if p.Name == "temporal.behaviour.bias" {
					p.Value[2] += 3
				}
			}
			_, _, heads = runGraph(t, g, &tape, names, shapes, values)
			equalsEngine(t, g.ONNX(), names, shapes, values, heads)
		})
	}
}

func mustONNX(t *testing.T, g *Graph) []byte {
	t.Helper()
	if b := g.ONNX(); len(b) > 0 {
		return b
	}
	t.Fatal("an empty file")
	return nil
}

func equalsEngine(t *testing.T, file []byte, names []string, shapes [][]int, values [][]float32, heads []*Node[float32]) {
	t.Helper()
	net, err := model.Load(file, model.Options{Threads: 1, Device: model.CPU, Inputs: names, Outputs: []string{"behaviour", "attention", "engagement", "moments"}})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	var in []model.Tensor
	for i := range names {
		in = append(in, model.Tensor{Shape: shapes[i], Data: values[i]})
	}
	out, err := net.Run(in...)
	if err != nil {
		t.Fatal(err)
	}
	for k, o := range out {
		if len(o.Data) != len(heads[k].Value) {
			t.Fatalf("head %d has %d values on the tape, %d in the engine", k, len(heads[k].Value), len(o.Data))
		}
		for i, v := range o.Data {
			if math.Abs(float64(v-heads[k].Value[i])) > 2e-4 {
				t.Fatalf("head %d, value %d: %v on the tape, %v in the engine", k, i, heads[k].Value[i], v)
			}
		}
	}
}

// checkDirection compares the slope along a random direction with a central difference.
func checkDirection(t *testing.T, r *rand.Rand, value, grad []float32, step float32, loss func() float32) float64 {
	t.Helper()
	way, was := make([]float32, len(value)), append([]float32(nil), value...)
	slope := 0.0
	for i := range way {
		way[i] = float32(r.NormFloat64())
		if grad[i]*way[i] < 0 { // uphill: a slope well above the rounding
			way[i] = -way[i]
		}
		slope += float64(grad[i] * way[i])
	}
	at := func(k float32) float64 {
		for i := range value {
			value[i] = was[i] + k*way[i]
		}
		return float64(loss())
	}
	difference := (at(step) - at(-step)) / float64(2*step)
	copy(value, was)
	if math.Abs(difference-slope) > .03*math.Abs(slope)+2e-3 {
		t.Errorf("slope %v, central difference %v", slope, difference)
	}
	return slope
}

func TestGraphRefusesWhatItDoesNotKnow(t *testing.T) {
	f := onnxFile{}
	f.op("Erf", "y", []string{"x"})
	graph := sub(nil, 7, sub(nil, 1, f.nodes[0]))
	for name, file := range map[string][]byte{"an op without a gradient": graph, "no graph": {}, "noise": []byte("this is no file of that kind")} {
		if _, err := ReadGraph(file); !errors.Is(err, ErrWeights) {
			t.Errorf("%s: %v", name, err)
		}
	}
	g, err := ReadGraph(shippedFile(t, "s"))
	if err != nil {
		t.Fatal(err)
	}
	var tape Tape[float32]
	if _, err := g.Run(&tape, nil, "behaviour"); !errors.Is(err, ErrWeights) {
		t.Errorf("without inputs: %v", err)
	}
}
