package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"classlens/model/alloctest"
	"classlens/model/cpu"
)

// small builds graphs by hand for the tests of single ops and fusions.
type small struct {
	r    *rand.Rand
	file *graphFile
	last string
}

func newSmall(shape ...int) *small {
	return &small{r: rand.New(rand.NewPCG(5, 6)), last: "x",
		file: &graphFile{opset: 11, initializers: map[string]*value{}, inputs: []Port{{Name: "x", Shape: shape}}}}
}

func (s *small) constant(scale float32, shape ...int) string {
	name := fmt.Sprintf("c%d", len(s.file.initializers))
	v := newValue(shape...)
	for i := range v.floats {
		v.floats[i] = (s.r.Float32() - .5) * scale
	}
	s.file.initializers[name] = v
	return name
}

// op appends an op on the last result.
func (s *small) op(kind string, attrs map[string]attribute, more ...string) *small {
	out := fmt.Sprintf("t%d", len(s.file.nodes))
	s.file.nodes = append(s.file.nodes, &node{op: kind, inputs: append([]string{s.last}, more...), outputs: []string{out}, attrs: attrs})
	s.last = out
	return s
}

func ints(v ...int64) attribute { return attribute{ints: v} }

// conv appends a convolution of k x k; groups 0 means depthwise.
func (s *small) conv(cin, cout, k, stride int, pads [4]int64, groups int) *small {
	if groups == 0 {
		groups = cin
	}
	w := s.constant(2/float32(k), cout, cin/groups, k, k)
	b := s.constant(1, cout)
	return s.op("Conv", map[string]attribute{"strides": ints(int64(stride), int64(stride)), "pads": ints(pads[:]...), "group": {i: int64(groups)}}, w, b)
}

// silence sets the last convolution's weights for the channels from some one on to zero.
func (s *small) silence(from int) {
	n := s.file.nodes[len(s.file.nodes)-1]
	w := s.file.initializers[n.inputs[1]]
	area := w.shape[2] * w.shape[3]
	for o := range w.shape[0] {
		clear(w.floats[(o*w.shape[1]+from)*area : (o+1)*w.shape[1]*area])
	}
}

func (s *small) outputs(names ...string) *graphFile {
	for _, n := range names {
		s.file.outputs = append(s.file.outputs, Port{Name: n})
	}
	return s.file
}

func one4(n int64) [4]int64 { return [4]int64{n, n, n, n} }

// graphs of single ops and fusions at odd shapes; each makes a fresh copy.
var kernelCases = []struct {
	name  string
	shape []int
	build func() *graphFile
}{
	{"first layer 3x3 s2, TensorFlow padding", []int{2, 3, 11, 14}, func() *graphFile {
		s := newSmall(-1, 3, -1, -1).conv(3, 18, 3, 2, [4]int64{0, 0, 1, 1}, 1).op("Relu", nil)
		return s.outputs(s.last)
	}},
	{"first layer 7x7 s4", []int{1, 3, 37, 50}, func() *graphFile {
		s := newSmall(-1, 3, -1, -1).conv(3, 24, 7, 4, one4(3), 1)
		return s.outputs(s.last)
	}},
	{"first layers whose last planes weigh nothing, alone, into a chain and into pooling", []int{2, 5, 33, 46}, func() *graphFile {
		s := newSmall(-1, 5, -1, -1).conv(5, 16, 3, 2, [4]int64{0, 0, 1, 1}, 1)
		s.silence(3)
		alone := s.last
		s.last = "x"
		s.op("Sub", nil, s.constant(1, 1)).conv(5, 16, 3, 2, one4(1), 1)
		s.silence(4)
		s.op("Relu", nil).conv(16, 16, 3, 1, one4(1), 0).op("Relu", nil).conv(16, 8, 1, 1, one4(0), 1)
		chain := s.last
		s.last = "x"
		s.conv(5, 40, 7, 2, one4(3), 1)
		s.silence(0) // biases are all that is left
		s.op("MaxPool", map[string]attribute{"kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(1, 1, 1, 1)})
		return s.outputs(alone, chain, s.last)
	}},
	{"pointwise 24 to 40", []int{3, 24, 5, 7}, func() *graphFile {
		s := newSmall(-1, 24, -1, -1).conv(24, 40, 1, 1, one4(0), 1).op("Relu", nil)
		return s.outputs(s.last)
	}},
	{"pointwise s2", []int{1, 17, 9, 8}, func() *graphFile {
		s := newSmall(-1, 17, -1, -1).conv(17, 33, 1, 2, one4(0), 1)
		return s.outputs(s.last)
	}},
	{"dense 3x3", []int{2, 20, 9, 13}, func() *graphFile {
		s := newSmall(-1, 20, -1, -1).conv(20, 50, 3, 1, one4(1), 1).op("Relu", nil)
		return s.outputs(s.last)
	}},
	{"dense 5x5 s2, uneven padding", []int{1, 33, 12, 15}, func() *graphFile {
		s := newSmall(-1, 33, -1, -1).conv(33, 16, 5, 2, [4]int64{1, 2, 2, 1}, 1)
		return s.outputs(s.last)
	}},
	{"depthwise 3x3", []int{2, 35, 7, 9}, func() *graphFile {
		s := newSmall(-1, 35, -1, -1).conv(35, 35, 3, 1, one4(1), 0).op("Relu", nil)
		return s.outputs(s.last)
	}},
	{"depthwise 5x5 s2", []int{1, 16, 11, 8}, func() *graphFile {
		s := newSmall(-1, 16, -1, -1).conv(16, 16, 5, 2, [4]int64{1, 1, 2, 2}, 0)
		return s.outputs(s.last)
	}},
	{"depthwise 7x7", []int{1, 20, 9, 9}, func() *graphFile {
		s := newSmall(-1, 20, -1, -1).conv(20, 20, 7, 1, one4(3), 0)
		return s.outputs(s.last)
	}},
	{"inverted residual", []int{5, 24, 6, 5}, func() *graphFile {
		s := newSmall(-1, 24, -1, -1)
		s.conv(24, 100, 1, 1, one4(0), 1).op("Relu", nil).conv(100, 100, 3, 1, one4(1), 0).op("Relu", nil).conv(100, 24, 1, 1, one4(0), 1).op("Add", nil, "x")
		return s.outputs(s.last)
	}},
	{"inverted residual on a tall map", []int{1, 16, 61, 40}, func() *graphFile {
		s := newSmall(-1, 16, -1, -1)
		s.conv(16, 96, 1, 1, one4(0), 1).op("Relu", nil).conv(96, 96, 3, 2, [4]int64{0, 0, 1, 1}, 0).op("Relu", nil).conv(96, 24, 1, 1, one4(0), 1)
		return s.outputs(s.last)
	}},
	{"first layer into a chain", []int{2, 3, 33, 46}, func() *graphFile {
		s := newSmall(-1, 3, -1, -1).op("Mul", nil)
		s.file.nodes[0].inputs = append(s.file.nodes[0].inputs, s.constant(1, 1, 3, 1, 1))
		s.op("Sub", nil, s.constant(1, 1))
		s.conv(3, 16, 3, 2, [4]int64{0, 0, 1, 1}, 1).op("Relu", nil).conv(16, 16, 3, 1, one4(1), 0).op("Relu", nil).conv(16, 8, 1, 1, one4(0), 1)
		return s.outputs(s.last)
	}},
	{"depthwise and pointwise, nothing before", []int{1, 48, 10, 12}, func() *graphFile {
		s := newSmall(-1, 48, -1, -1).conv(48, 48, 3, 1, one4(1), 0).op("Relu", nil).conv(48, 17, 1, 1, one4(0), 1).op("Sigmoid", nil)
		return s.outputs(s.last)
	}},
	{"depthwise and pointwise in turn, whose middle two chains could take", []int{1, 20, 9, 12}, func() *graphFile {
		s := newSmall(-1, 20, -1, -1).conv(20, 20, 3, 1, one4(1), 0).op("Relu", nil).conv(20, 34, 1, 1, one4(0), 1).op("Relu", nil)
		s.conv(34, 34, 3, 2, one4(1), 0).op("Relu", nil).conv(34, 5, 1, 1, one4(0), 1)
		return s.outputs(s.last)
	}},
	{"chains with heads: one, some, and a block and some channels, one through a sigmoid", []int{2, 20, 13, 19}, func() *graphFile {
		s := newSmall(-1, 20, -1, -1)
		var heads []string
		for _, channels := range []int{1, 3, 7, 17, 34, 40} {
			s.last = "x"
			s.conv(20, 20, 3, 1, one4(1), 0).op("Relu", nil).conv(20, 40, 1, 1, one4(0), 1).op("Relu", nil).conv(40, channels, 1, 1, one4(0), 1)
			if channels == 1 || channels == 17 {
				s.op("Sigmoid", nil)
			} else if channels == 34 {
				s.op("Relu", nil)
			}
			heads = append(heads, s.last)
		}
		return s.outputs(heads...)
	}},
	{"a head whose chain others read too", []int{1, 16, 9, 11}, func() *graphFile {
		s := newSmall(-1, 16, -1, -1).conv(16, 16, 3, 1, one4(1), 0).conv(16, 24, 1, 1, one4(0), 1).op("Relu", nil)
		a := s.last
		s.conv(24, 2, 1, 1, one4(0), 1)
		return s.outputs(s.last, a)
	}},
	{"first layer into pooling", []int{2, 3, 41, 150}, func() *graphFile {
		s := newSmall(-1, 3, -1, -1).conv(3, 40, 7, 2, one4(3), 1)
		s.op("MaxPool", map[string]attribute{"kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(1, 1, 1, 1)})
		return s.outputs(s.last)
	}},
	{"halves of blocks, dense", []int{2, 40, 9, 23}, func() *graphFile {
		s := newSmall(-1, 40, -1, -1).conv(40, 24, 3, 1, one4(1), 1).op("Relu", nil).conv(24, 7, 1, 1, one4(0), 1).conv(7, 72, 1, 1, one4(0), 1)
		return s.outputs(s.last)
	}},
	{"enlarge and add", []int{1, 18, 8, 6}, func() *graphFile {
		s := newSmall(-1, 18, -1, -1)
		s.conv(18, 18, 3, 2, [4]int64{0, 0, 1, 1}, 0)
		s.file.initializers["roi"] = &value{shape: []int{0}, floats: []float32{}}
		s.file.initializers["scales"] = &value{shape: []int{4}, floats: []float32{1, 1, 2, 2}}
		s.op("Resize", map[string]attribute{"mode": {s: "linear"}, "coordinate_transformation_mode": {s: "half_pixel"}}, "roi", "scales").op("Add", nil, "x")
		return s.outputs(s.last)
	}},
	{"transposed 2x2", []int{1, 20, 5, 6}, func() *graphFile {
		s := newSmall(-1, 20, -1, -1)
		w := s.constant(1, 20, 18, 2, 2)
		s.op("ConvTranspose", map[string]attribute{"strides": ints(2, 2)}, w).op("Relu", nil)
		return s.outputs(s.last)
	}},
	{"pools, concat across blocks, negation", []int{2, 20, 9, 11}, func() *graphFile {
		s := newSmall(-1, 20, -1, -1).conv(20, 21, 1, 1, one4(0), 1)
		a := s.last
		s.op("Neg", nil)
		s.op("Concat", map[string]attribute{"axis": {i: 1}}, a).op("Relu", nil)
		s.op("MaxPool", map[string]attribute{"kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(0, 0, 1, 1)})
		s.op("AveragePool", map[string]attribute{"kernel_shape": ints(2, 2), "strides": ints(1, 1)})
		return s.outputs(s.last, a)
	}},
	{"squeeze and excite", []int{3, 32, 6, 5}, func() *graphFile {
		s := newSmall(-1, 32, -1, -1).conv(32, 32, 3, 1, one4(1), 0).op("Relu", nil)
		a := s.last
		s.op("GlobalAveragePool", nil).conv(32, 8, 1, 1, one4(0), 1).op("Relu", nil).conv(8, 32, 1, 1, one4(0), 1).op("Sigmoid", nil).op("Mul", nil, a)
		return s.outputs(s.last)
	}},
	{"slopes", []int{1, 19, 4, 4}, func() *graphFile {
		s := newSmall(-1, 19, -1, -1).conv(19, 19, 1, 1, one4(0), 1)
		s.op("PRelu", nil, s.constant(1, 19, 1, 1)).op("LeakyRelu", map[string]attribute{"alpha": {f: .2}})
		return s.outputs(s.last)
	}},
	{"batch norm folded", []int{2, 12, 5, 5}, func() *graphFile {
		s := newSmall(-1, 12, -1, -1).conv(12, 20, 3, 1, one4(1), 1)
		variance := s.constant(.5, 20)
		for i := range s.file.initializers[variance].floats {
			s.file.initializers[variance].floats[i] += 1
		}
		s.op("BatchNormalization", nil, s.constant(1, 20), s.constant(1, 20), s.constant(1, 20), variance).op("Relu", nil)
		return s.outputs(s.last)
	}},
	{"concatenated relu in one convolution, pooled before the relu", []int{2, 3, 35, 47}, func() *graphFile {
		s := newSmall(-1, 3, -1, -1).conv(3, 24, 5, 2, one4(2), 1)
		a := s.last
		s.op("Neg", nil)
		s.file.nodes = append(s.file.nodes, &node{op: "Concat", inputs: []string{a, s.last}, outputs: []string{"both"}, attrs: map[string]attribute{"axis": {i: 1}}})
		s.last = "both"
		s.op("MaxPool", map[string]attribute{"kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(1, 1, 1, 1)}).op("Relu", nil)
		return s.outputs(s.last)
	}},
	{"pools of a tall map", []int{1, 20, 300, 40}, func() *graphFile {
		s := newSmall(-1, 20, -1, -1).conv(20, 20, 3, 1, one4(1), 0)
		s.op("MaxPool", map[string]attribute{"kernel_shape": ints(3, 3), "strides": ints(1, 1), "pads": ints(1, 1, 1, 1)})
		s.op("MaxPool", map[string]attribute{"kernel_shape": ints(2, 2), "strides": ints(2, 2)})
		return s.outputs(s.last)
	}},
	{"matrix products in the tail", []int{7, 16, 3, 3}, func() *graphFile {
		s := newSmall(-1, 16, -1, -1).conv(16, 70, 3, 1, one4(1), 1).op("GlobalAveragePool", nil).op("Flatten", map[string]attribute{"axis": {i: 1}})
		s.op("Gemm", map[string]attribute{"transB": {i: 1}}, s.constant(1, 45, 70), s.constant(1, 45)).op("MatMul", nil, s.constant(1, 45, 33))
		return s.outputs(s.last)
	}},
	{"products with biases in the tail", []int{9, 16, 3, 3}, func() *graphFile {
		s := newSmall(-1, 16, -1, -1).conv(16, 70, 3, 1, one4(1), 1).op("GlobalAveragePool", nil).op("Flatten", map[string]attribute{"axis": {i: 1}})
		s.op("MatMul", nil, s.constant(1, 70, 150)).op("Add", nil, s.constant(1, 150)).op("Relu", nil)
		s.op("MatMul", nil, s.constant(1, 150, 20)).op("Add", nil, s.constant(1, 20))
		wide := s.op("MatMul", nil, s.constant(1, 20, 64)).last // read twice: its Add stays
		s.op("Add", nil, s.constant(1, 64)).op("Add", nil, wide)
		return s.outputs(s.last)
	}},
	{"pointwise convolutions with nothing between", []int{3, 20, 11, 8}, func() *graphFile {
		s := newSmall(-1, 20, -1, -1).conv(20, 96, 1, 1, one4(0), 1).conv(96, 40, 1, 1, one4(0), 1).conv(40, 24, 1, 1, one4(0), 1).op("Relu", nil)
		narrow := s.conv(24, 8, 1, 1, one4(0), 1).last // dearer in one, and wanted itself
		s.conv(8, 48, 1, 1, one4(0), 1)
		return s.outputs(s.last, narrow)
	}},
	{"pointwise convolutions between depthwise ones", []int{3, 3, 21, 18}, func() *graphFile {
		s := newSmall(-1, 3, -1, -1).conv(3, 16, 3, 2, one4(1), 1).op("Relu", nil).conv(16, 16, 3, 1, one4(1), 0).op("Relu", nil)
		s.conv(16, 16, 1, 1, one4(0), 1).conv(16, 64, 1, 1, one4(0), 1).op("Relu", nil).conv(64, 64, 3, 2, one4(1), 0).op("Relu", nil)
		return s.outputs(s.last)
	}},
	{"a tail in plain Go", []int{4, 16, 3, 3}, func() *graphFile {
		s := newSmall(-1, 16, -1, -1).conv(16, 16, 3, 1, one4(1), 1).op("GlobalAveragePool", nil).op("Flatten", map[string]attribute{"axis": {i: 1}})
		s.op("MatMul", nil, s.constant(1, 16, 5)).op("Softmax", map[string]attribute{"axis": {i: 1}})
		return s.outputs(s.last)
	}},
}

// What the rewriting is there for happens: of five convolutions three and four are left (those that would be dearer in one stay), and a
// product that is read twice keeps its Add.
func TestRewritesHappen(t *testing.T) {
	want := map[string]map[string]int{
		"pointwise convolutions with nothing between":   {"Conv": 3},
		"pointwise convolutions between depthwise ones": {"Conv": 4},
		"products with biases in the tail":              {"MatMul": 3, "Add": 2},
	}
	for _, c := range kernelCases {
		if want[c.name] == nil {
			continue
		}
		n, err := load(c.build(), Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for _, x := range n.graph.nodes {
			found[x.op]++
		}
		for op, count := range want[c.name] {
			if found[op] != count {
				t.Errorf("%s: %d of %s, want %d", c.name, found[op], op, count)
			}
		}
		delete(want, c.name)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(want) > 0 {
		t.Errorf("no such cases: %v", want)
	}
}

// Every op and fusion on every instruction set, alone and with more threads than
// cores, against the plain loops.
func TestKernelsEqualPlainLoops(t *testing.T) {
	for _, c := range kernelCases {
		in := randomTensor(rand.New(rand.NewPCG(9, 1)), -1, 1, c.shape...)
		want := plainGraph(t, c.build(), Options{}, in)
		for _, isa := range cpu.ISAs() {
			for _, threads := range []int{1, 2, 5} {
				t.Run(fmt.Sprintf("%s/%s/%d", c.name, isa, threads), func(t *testing.T) {
					n, err := load(c.build(), Options{ISA: isa, Threads: threads})
					if err != nil {
						t.Fatal(err)
					}
					defer n.Close()
					got, err := n.Run(in)
					if err != nil {
						t.Fatal(err)
					}
					if n.last.program == nil {
						t.Fatal("nothing ran on the kernels")
					}
					again, err := n.Run(in) // in memory that was used before, without what follows from the shapes
					if err != nil {
						t.Fatal(err)
					}
					for i := range got {
						if !slices.Equal(got[i].Data, again[i].Data) {
							t.Errorf("output %d differs in the second run", i)
						}
					}
					for i := range got {
						if d := difference(t, got[i], want[i]); d > 2e-5 { // sums of up to 825 products
							t.Errorf("output %d differs by %.2g of the largest value", i, d)
						}
					}
				})
			}
		}
	}
}

// Tiles of every height and width, on sums that end within a block, to maps, strips and residuals, one pixel and two apart.
func TestTilesOfEverySize(t *testing.T) {
	for halves := 1; halves <= 6; halves++ {
		for pixels := 1; pixels <= 13; pixels++ {
			for _, cin := range []int{1, 2, 16, 17, 40} {
				cout := 8*halves - 3
				build := func() *graphFile {
					s := newSmall(-1, 3, -1, -1).conv(3, cin, 1, 1, one4(0), 1).op("Relu", nil)
					wide := s.last
					s.conv(cin, cout, 1, 2, one4(0), 1)
					apart := s.last
					s.last = wide
					s.conv(cin, cout, 1, 1, one4(0), 1).op("Relu", nil).conv(cout, cout, 3, 1, one4(1), 0).op("Relu", nil).conv(cout, cin, 1, 1, one4(0), 1).op("Add", nil, wide)
					return s.outputs(apart, s.last)
				}
				in := randomTensor(rand.New(rand.NewPCG(uint64(pixels), 1)), -1, 1, 2, 3, 3, pixels)
				want := plainGraph(t, build(), Options{}, in)
				for _, isa := range cpu.ISAs() {
					n, err := load(build(), Options{ISA: isa, Threads: 1})
					if err != nil {
						t.Fatal(err)
					}
					got, err := n.Run(in)
					if err := errors.Join(err, n.Close()); err != nil {
						t.Fatal(err)
					}
					for i := range got {
						if d := difference(t, got[i], want[i]); d > 2e-5 {
							t.Errorf("%s, %d half blocks, %d pixels, %d channels: output %d differs by %.2g of the largest value", isa, halves, pixels, cin, i, d)
						}
					}
				}
			}
		}
	}
}

// A twin gives the same results while the first one runs, and outlives it.
func TestTwins(t *testing.T) {
	before := cpu.LiveBytes()
	for _, c := range kernelCases[:6] {
		n, err := load(c.build(), Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		twin, err := n.Twin()
		if err != nil {
			t.Fatal(err)
		}
		in := randomTensor(rand.New(rand.NewPCG(3, 1)), -1, 1, c.shape...)
		var got, want []Tensor
		var failed [2]error
		var both sync.WaitGroup
		both.Go(func() { want, failed[0] = n.Run(in) })
		both.Go(func() { got, failed[1] = twin.Run(in) })
		both.Wait()
		n.Close()
		again, err := twin.Run(in)
		if err := errors.Join(err, failed[0], failed[1]); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !slices.Equal(got[i].Data, want[i].Data) || !slices.Equal(again[i].Data, want[i].Data) {
				t.Errorf("%s: output %d differs", c.name, i)
			}
		}
		twin.Close()
		if _, err := twin.Twin(); !errors.Is(err, ErrClosed) {
			t.Errorf("a twin of a closed network: %v", err)
		}
	}
	if left := cpu.LiveBytes() - before; left != 0 {
		t.Errorf("%d bytes were not given back", left)
	}
}

// All memory comes back, and a network that cannot get any says so.
func TestMemoryIsGivenBack(t *testing.T) {
	before := cpu.LiveBytes()
	for _, c := range kernelCases[:6] {
		n, err := load(c.build(), Options{Threads: 3})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Run(randomTensor(rand.New(rand.NewPCG(1, 1)), 0, 1, c.shape...)); err != nil {
			t.Fatal(err)
		}
		n.Close()
		if _, err := n.Run(randomTensor(rand.New(rand.NewPCG(1, 1)), 0, 1, c.shape...)); err == nil {
			t.Error("a closed network ran")
		}
	}
	if left := cpu.LiveBytes() - before; left != 0 {
		t.Errorf("%d bytes were not given back", left)
	}
}

// Whichever allocation fails, while loading or in the first run, it is an error
// that says so (or costs threads only), and all memory comes back.
func TestEveryAllocationFails(t *testing.T) {
	for _, c := range kernelCases {
		if !strings.HasPrefix(c.name, "first layer 3x3") && !strings.HasPrefix(c.name, "inverted residual") && !strings.HasPrefix(c.name, "chains with heads") {
			continue
		}
		in := randomTensor(rand.New(rand.NewPCG(1, 1)), 0, 1, c.shape...)
		told, n := 0, 0
		for failed := true; failed; {
			n++
			before := cpu.LiveBytes()
			cpu.FailAllocation(n)
			net, err := load(c.build(), Options{Threads: 3})
			if err == nil {
				_, err = net.Run(in)
			}
			failed = cpu.FailAllocation(0)
			if net != nil {
				net.Close()
			}
			if left := cpu.LiveBytes() - before; left != 0 {
				t.Errorf("allocation %d failed: %d bytes were not given back", n, left)
			}
			if err != nil {
				told++
				if !strings.Contains(err.Error(), cpu.ErrNoMemory.Error()) {
					t.Errorf("allocation %d failed: %v", n, err)
				}
			}
		}
		if told < 3 {
			t.Errorf("%d allocations failed, %d errors", n-1, told)
		}
	}
}

// After the first run at a shape nothing is allocated.
func TestRunIntoAllocatesNothing(t *testing.T) {
	n, err := load(kernelCases[9].build(), Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	in := []Tensor{randomTensor(rand.New(rand.NewPCG(1, 1)), 0, 1, kernelCases[9].shape...)}
	out := make([]Tensor, 1)
	alloctest.Nothing(t, "kernels alone", func() error { return n.RunInto(in, out) })
}

// Several goroutines on one network, and several networks at once.
func TestConcurrentRuns(t *testing.T) {
	c := kernelCases[9]
	in := randomTensor(rand.New(rand.NewPCG(1, 1)), 0, 1, c.shape...)
	n, err := load(c.build(), Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	want, err := n.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 8)
	for i := range 8 {
		go func() {
			net := n
			if i%2 == 1 {
				var err error
				if net, err = load(c.build(), Options{Threads: 2}); err != nil {
					failed <- err
					return
				}
				defer net.Close()
			}
			got, err := net.Run(in)
			if err == nil && fmt.Sprint(got[0].Data) != fmt.Sprint(want[0].Data) {
				err = fmt.Errorf("goroutine %d got another result", i)
			}
			failed <- err
		}()
	}
	for range 8 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// FuzzLoad: whatever the bytes, an error or a network, never a panic.
func FuzzLoad(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x3a, 0x04, 0x0a, 0x02, 0x22, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Load(b, Options{Threads: 1})
		if err != nil {
			return
		}
		defer n.Close()
		var in []Tensor
		for _, p := range n.Inputs() {
			shape := make([]int, len(p.Shape))
			for i, d := range p.Shape {
				shape[i] = max(1, min(d, 8))
			}
			in = append(in, NewTensor(shape...))
		}
		_, _ = n.Run(in...) // an error is fine
	})
}

// PlanesRead counts the planes that meet a weight other than zero; ops besides a convolution read all.
func TestPlanesRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func() *graphFile
		want  int
	}{
		{"all planes", func() *graphFile {
			s := newSmall(-1, 5, -1, -1).conv(5, 16, 3, 1, one4(1), 1)
			return s.outputs(s.last)
		}, 5},
		{"two without weight", func() *graphFile {
			s := newSmall(-1, 5, -1, -1).conv(5, 16, 3, 1, one4(1), 1)
			for _, w := range s.file.initializers {
				if len(w.shape) == 4 {
					for i := range w.floats {
						if i/9%5 > 2 {
							w.floats[i] = 0
						}
					}
				}
			}
			return s.outputs(s.last)
		}, 3},
		{"something else reads the picture", func() *graphFile { s := newSmall(-1, 5, -1, -1).op("Relu", nil); return s.outputs(s.last) }, 5},
	} {
		n, err := load(c.build(), Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if got := n.PlanesRead(n.Inputs()[0].Name); got != c.want {
			t.Errorf("%s: %d planes are read, want %d", c.name, got, c.want)
		}
	}
}
