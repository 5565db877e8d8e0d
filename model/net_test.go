package model

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"classlens/model/alloctest"
	"classlens/model/cpu"
)

// plainRun evaluates the network as its file has it in plain Go ops alone: the
// judge of the kernels, and of the rewriting before them.
func plainRun(t *testing.T, onnx []byte, o Options, in ...Tensor) []Tensor {
	t.Helper()
	file, err := readONNX(onnx)
	if err != nil {
		t.Fatal(err)
	}
	return plainGraph(t, file, o, in...)
}

func plainGraph(t *testing.T, file *graphFile, o Options, in ...Tensor) []Tensor {
	t.Helper()
	g, err := newGraph(file, o.Inputs, o.Outputs)
	if err != nil {
		t.Fatal(err)
	}
	n := &Net{graph: g}
	p := &plan{tail: n.graph.nodes}
	out := make([]Tensor, len(n.graph.outputs))
	for _, x := range [][]Tensor{backwards(in), in} { // what the first run left is no part of the second's result
		if err := n.runTail(p, x, out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// backwards are tensors of the same shapes and values, the last value first.
func backwards(in []Tensor) []Tensor {
	out := make([]Tensor, len(in))
	for i, x := range in {
		out[i] = Tensor{slices.Clone(x.Shape), slices.Clone(x.Data)}
		slices.Reverse(out[i].Data)
	}
	return out
}

// difference is the largest error, relative to the largest value of want.
func difference(t *testing.T, got, want Tensor) float64 {
	t.Helper()
	if fmt.Sprint(got.Shape) != fmt.Sprint(want.Shape) {
		t.Fatalf("shape %v, want %v", got.Shape, want.Shape)
	}
	worst, most := 0.0, 1e-6
	for i, w := range want.Data {
		most = math.Max(most, math.Abs(float64(w)))
		d := math.Abs(float64(got.Data[i] - w))
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		worst = math.Max(worst, d)
	}
	return worst / most
}

func randomTensor(r *rand.Rand, low, high float32, shape ...int) Tensor {
	x := NewTensor(shape...)
	for i := range x.Data {
		x.Data[i] = low + (high-low)*r.Float32()
	}
	return x
}

// cachedNet is a pretrained net that set-up left in the cache.
func cachedNet(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("CLASSLENS_CACHE")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			t.Skip(err)
		}
		dir = filepath.Join(base, "classlens")
	}
	found, _ := filepath.Glob(filepath.Join(dir, "nets", name+"-*.onnx"))
	if len(found) == 0 {
		t.Skipf("%s is not in the cache: run make setup", name)
	}
	b, err := os.ReadFile(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The pretrained nets through the kernels of every instruction set and several
// thread counts, against plain loops. Float32 sums in another order differ by a
// few 1e-6 of the largest value; 2e-4 leaves room for depth and catches any
// wrong index.
func TestPretrainedNetsEqualPlainLoops(t *testing.T) {
	for _, c := range []struct {
		net   string
		shape []int
		high  float32
	}{
		{"movenet-multipose", []int{1, 3, 96, 160}, 255},
		{"movenet-multipose", []int{3, 3, 64, 64}, 255},
		{"movenet-thunder", []int{2, 3, 64, 96}, 255},
		{"centerface", []int{1, 3, 64, 96}, 255},
		{"faceboxes", []int{1, 3, 128, 256}, 1},
	} {
		onnx := cachedNet(t, c.net)
		in := randomTensor(rand.New(rand.NewPCG(1, 2)), 0, c.high, c.shape...)
		want := plainRun(t, onnx, Options{}, in)
		for _, isa := range cpu.ISAs() {
			for _, threads := range []int{1, 2, 5} {
				t.Run(fmt.Sprintf("%s/%v/%s/%d", c.net, c.shape, isa, threads), func(t *testing.T) {
					n, err := Load(onnx, Options{ISA: isa, Threads: threads})
					if err != nil {
						t.Fatal(err)
					}
					defer n.Close()
					for range 2 {
						got, err := n.Run(in)
						if err != nil {
							t.Fatal(err)
						}
						for i := range got {
							if d := difference(t, got[i], want[i]); d > 2e-4 {
								t.Errorf("output %s differs by %.2g of the largest value", n.Outputs()[i].Name, d)
							}
						}
					}
					if p := n.last; len(p.tail) > 0 {
						t.Errorf("%d ops were left to plain Go, the first is %s %s", len(p.tail), p.tail[0].op, p.tail[0].name)
					}
				})
			}
		}
	}
}

// After the first run at each of two sizes the detectors allocate nothing.
func TestDetectorsAllocateNothing(t *testing.T) {
	for net, outputs := range map[string][]string{
		"movenet-multipose": {"center", "box_size", "box_offset", "point_heatmap", "point_regress", "point_offset"},
		"faceboxes":         {"class_0", "class_1", "class_2", "box_0", "box_1", "box_2"},
		"centerface":        {"heatmap", "log_size", "offset", "landmarks"},
	} {
		n, err := Load(cachedNet(t, net), Options{Threads: 2, Outputs: outputs})
		if err != nil {
			t.Fatal(err)
		}
		large, small, out := []Tensor{NewTensor(1, 3, 256, 256)}, []Tensor{NewTensor(1, 3, 128, 256)}, make([]Tensor, len(outputs))
		alloctest.Nothing(t, net, func() error { return errors.Join(n.RunInto(large, out), n.RunInto(small, out)) })
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}
