package model

import (
	"errors"
	"fmt"

	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"classlens/cuda/driver"
)

// needDevice skips where there is no device, real or simulated.
func needDevice(t testing.TB) {
	t.Helper()
	all, err := driver.Devices()
	if err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
}

// needFaults skips where no calls can be made to fail: they can on the simulated device only.
func needFaults(t *testing.T) {
	t.Helper()
	needDevice(t)
	if all, err := driver.Devices(); err != nil || !all[0].Simulated {
		t.Skip("calls fail on the simulated device only: ", err)
	}
}

// onCPUAndDevice runs a graph on the device and on the CPU's engine, both against the
// plain loops. whole says that nothing may be left to plain Go on the device.
func onCPUAndDevice(t *testing.T, build func() *graphFile, tolerance float64, whole bool, in ...Tensor) {
	t.Helper()
	want := plainGraph(t, build(), Options{}, in...)
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			n, err := load(build(), Options{Threads: 1, Device: device})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			for range 3 { // launched one by one, recorded, replayed
				got, err := n.Run(in...)
				if err != nil {
					t.Fatal(err)
				}
				for i := range got {
					if d := difference(t, got[i], want[i]); !(d <= tolerance) {
						t.Fatalf("output %d differs by %.2g of the largest value", i, d)
					}
				}
			}
			if device == "cuda" && whole && len(n.last.tail) > 0 {
				t.Errorf("%s is left to plain Go", n.last.tail[0].op)
			}
		})
	}
}

// Every op and fusion that the CPU's kernels have.
func TestDeviceEqualsPlainLoops(t *testing.T) {
	needDevice(t)
	for _, c := range kernelCases {
		t.Run(c.name, func(t *testing.T) {
			onCPUAndDevice(t, c.build, 2e-5, true, randomTensor(rand.New(rand.NewPCG(9, 1)), -1, 1, c.shape...))
		})
	}
}

// The same in half precision: results are as near as the rounding of what goes into a product, and
// convolutions run on tensor cores.
func TestDeviceHalfPrecision(t *testing.T) {
	needDevice(t)
	for _, p := range []struct {
		precision Precision
		tolerance float64
	}{{FP16, 2.0 / 2048}, {BF16, 2.0 / 256}} {
		for _, c := range kernelCases {
			t.Run(string(p.precision)+" "+c.name, func(t *testing.T) {
				in := randomTensor(rand.New(rand.NewPCG(9, 1)), -1, 1, c.shape...)
				want := plainGraph(t, c.build(), Options{}, in)
				n, err := load(c.build(), Options{Threads: 1, Device: "cuda", Precision: p.precision})
				if err != nil {
					t.Fatal(err)
				}
				defer n.Close()
				got, err := n.Run(in)
				if err != nil || n.DeviceError() != nil {
					t.Fatal(err, n.DeviceError())
				}
				for i := range got {
					if d := difference(t, got[i], want[i]); !(d <= p.tolerance) {
						t.Errorf("output %d differs by %.2g of the largest value", i, d)
					}
				}
				launched := strings.Join(n.last.device.Launches(), " ")
				if whole := regexp.MustCompile(`(^| )(conv|pointwise|depthwise)_(16|32|64|3x3)`).FindString(launched); whole != "" && !strings.Contains(c.name, "group") {
					t.Errorf("a convolution is left in float32: %s", launched)
				}
			})
		}
	}
	if _, err := load(kernelCases[0].build(), Options{Device: "cuda", Precision: "fp8"}); err == nil {
		t.Error("an unknown precision was taken")
	}
}

// graphs of ops that only the device's program or plain Go has.
var deviceCases = []struct {
	name  string
	shape []int
	whole bool
	build func() *graphFile
}{
	{"functions of one element", []int{2, 3, 5, 7}, true, func() *graphFile {
		s := newSmall(-1, 3, -1, -1)
		var outs []string
		for _, op := range []string{"Neg", "Sigmoid", "Tanh", "Exp", "Abs", "Erf", "Sin", "Cos", "Floor", "Ceil", "Softplus", "HardSwish", "LeakyRelu", "Relu"} {
			s.last = "x"
			outs = append(outs, s.op(op, nil).last)
		}
		s.last = "x"
		s.op("Exp", nil)
		e := s.last
		for _, op := range []string{"Log", "Sqrt", "Reciprocal"} {
			s.last = e
			outs = append(outs, s.op(op, nil).last)
		}
		return s.outputs(outs...)
	}},
	{"operators with repetition", []int{2, 3, 4, 5}, true, func() *graphFile {
		s := newSmall(-1, 3, -1, -1)
		var outs []string
		for _, shape := range [][]int{{5}, {4, 1}, {3, 1, 1}, {1, 3, 4, 5}, {2, 1, 1, 5}, {1}} {
			b := s.constant(1, shape...)
			for _, op := range []string{"Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu"} {
				s.last = "x"
				outs = append(outs, s.op(op, nil, b).last)
			}
		}
		return s.outputs(outs...)
	}},
	{"moves", []int{2, 3, 4, 5}, true, func() *graphFile {
		s := newSmall(-1, 3, -1, -1)
		perm := s.op("Transpose", map[string]attribute{"perm": ints(2, 0, 3, 1)}).last
		s.last = "x"
		for name, v := range map[string][]int64{"starts": {1, -1}, "ends": {3, -9}, "axes": {2, 3}, "steps": {1, -2}} {
			s.file.initializers[name] = &value{shape: []int{2}, ints: v}
		}
		sliced := s.op("Slice", nil, "starts", "ends", "axes", "steps").last
		s.last = "x"
		s.op("Split", map[string]attribute{"axis": {i: 3}, "split": ints(2, 3)})
		s.file.nodes[len(s.file.nodes)-1].outputs = []string{"left", "right"}
		s.last = "x"
		padded := s.op("Pad", map[string]attribute{"pads": ints(0, 1, 0, 2, 1, 0, 3, 0), "value": {f: .5}}).last
		s.last = "right"
		joined := s.op("Concat", map[string]attribute{"axis": {i: 3}}, "left", "x").last
		return s.outputs(perm, sliced, "left", padded, joined)
	}},
	{"norms, softmax and sums", []int{2, 3, 4, 35}, true, func() *graphFile {
		s := newSmall(-1, 3, -1, -1)
		norm := s.op("LayerNormalization", map[string]attribute{"axis": {i: -1}}, s.constant(1, 35), s.constant(1, 35)).last
		s.last = "x"
		soft := s.op("Softmax", map[string]attribute{"axis": {i: 3}}).last
		s.last = "x"
		logs := s.op("LogSoftmax", map[string]attribute{"axis": {i: 2}}).last
		outs := []string{norm, soft, logs}
		for i, op := range []string{"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"} {
			for _, axes := range []attribute{ints(3), ints(1), ints(2, 3), ints(0, 1, 2, 3)} {
				s.last = "x"
				outs = append(outs, s.op(op, map[string]attribute{"axes": axes, "keepdims": {i: int64(i % 2)}}).last)
			}
		}
		return s.outputs(outs...)
	}},
	{"batch norm alone, nearest, dilation, groups", []int{2, 6, 9, 8}, true, func() *graphFile {
		s := newSmall(-1, 6, -1, -1)
		variance := s.constant(0, 6)
		for i := range s.file.initializers[variance].floats {
			s.file.initializers[variance].floats[i] = float32(i) + .5
		}
		norm := s.op("BatchNormalization", nil, s.constant(1, 6), s.constant(1, 6), s.constant(1, 6), variance).last
		w := s.constant(1, 9, 2, 3, 3)
		s.last = "x"
		grouped := s.op("Conv", map[string]attribute{"group": {i: 3}, "dilations": ints(2, 2), "pads": ints(2, 2, 2, 2)}, w, s.constant(1, 9)).op("Relu", nil).last
		s.file.initializers["roi"] = &value{shape: []int{0}, floats: []float32{}}
		s.file.initializers["scales"] = &value{shape: []int{4}, floats: []float32{1, 1, 1.5, 2.5}}
		s.last = "x"
		near := s.op("Resize", map[string]attribute{"mode": {s: "nearest"}}, "roi", "scales").last
		return s.outputs(norm, grouped, near)
	}},
	{"a middle in plain Go", []int{2, 4, 5, 5}, false, func() *graphFile {
		s := newSmall(-1, 4, -1, -1).conv(4, 6, 3, 1, one4(1), 1).op("Relu", nil)
		kept := s.last
		s.op("Greater", nil, s.constant(1, 1)).op("Cast", map[string]attribute{"to": {i: typeFloat}})
		s.op("Mul", nil, kept)
		return s.outputs(s.last, kept)
	}},
}

func TestDeviceOps(t *testing.T) {
	needDevice(t)
	for _, c := range deviceCases {
		t.Run(c.name, func(t *testing.T) {
			onCPUAndDevice(t, c.build, 2e-5, c.whole, randomTensor(rand.New(rand.NewPCG(9, 2)), -2, 2, c.shape...))
		})
	}
}

// A batch that goes through in parts, two of them under way at once, gives what the whole
// gives: parts that divide it and a rest, plans made while a part is on its way.
func TestDevicePartsOverlap(t *testing.T) {
	needDevice(t)
	c := kernelCases[9]
	for _, most := range []int{1, 2, 3, 5} {
		t.Run(fmt.Sprint(most, " at a time"), func(t *testing.T) {
			n, err := load(c.build(), Options{Threads: 1, Device: "cuda", MaxBatch: most})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			for _, images := range []int{7, 6, 7, 8, 1, 7} {
				in := randomTensor(rand.New(rand.NewPCG(1, uint64(images))), -1, 1, append([]int{images}, c.shape[1:]...)...)
				want := plainGraph(t, c.build(), Options{}, in)
				got, err := n.Run(in)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					if d := difference(t, got[i], want[i]); !(d <= 2e-5) {
						t.Fatalf("%d images: output %d differs by %.2g of the largest value", images, i, d)
					}
				}
			}
			if err := n.DeviceError(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Call N fails, for all N and each class of error: the result is the same. A batch that memory
// does not suffice for is halved until it fits; any other failure leaves the network on the CPU.
func TestDeviceFaults(t *testing.T) {
	needFaults(t)
	c := kernelCases[9]
	in := randomTensor(rand.New(rand.NewPCG(1, 1)), -1, 1, append([]int{7}, c.shape[1:]...)...)
	want := plainGraph(t, c.build(), Options{}, in)
	const invalidValue, outOfMemory, noDevice, illegalAddress, timeout = 1, 2, 100, 700, 702 // one of each class, and memory
	for _, code := range []int{invalidValue, outOfMemory, noDevice, illegalAddress, timeout} {
		for call := 1; ; call++ {
			done := false
			t.Run(fmt.Sprintf("%d at call %d", code, call), func(t *testing.T) {
				t.Setenv(driver.FaultVariable, fmt.Sprintf("%d:%d", call, code))
				n, err := load(c.build(), Options{Threads: 1, Device: "cuda"})
				if err != nil {
					return // loading may fail: in an error, not half done
				}
				defer n.Close()
				for range 3 {
					got, err := n.Run(in)
					if err != nil {
						t.Fatalf("a run failed for good: %v", err)
					}
					if d := difference(t, got[0], want[0]); !(d <= 2e-5) {
						t.Fatalf("the result differs by %.2g", d)
					}
				}
				done = n.Device() != "cpu" && n.device.most == 0 && call > 40
			})
			if done || call > 200 {
				break
			}
		}
	}
	if os.Getenv(driver.FaultVariable) != "" {
		t.Error("the environment was not put back")
	}
}

// What is no network, or another one than was meant, on the device: it is left to the CPU or refused, and nothing spoils the context.
func TestDeviceDamagedGraphs(t *testing.T) {
	needDevice(t)
	const tries = 5
	if ran := eachDamagedGraph(t, tries, Options{Threads: 1, Device: "cuda"}); ran < len(kernelCases)*tries/20 {
		t.Errorf("only %d of %d damaged graphs ran", ran, len(kernelCases)*tries)
	}
}

// Inputs that are kept give what they gave, although the ops between write all over the other memory; without them it is said.
func TestDeviceAgain(t *testing.T) {
	needDevice(t)
	in := randomTensor(rand.New(rand.NewPCG(9, 3)), -1, 1, 2, 3, 11, 14)
	build := func() *graphFile {
		s := newSmall(-1, 3, -1, -1).conv(3, 8, 3, 1, one4(1), 1).op("Relu", nil).conv(8, 8, 3, 1, one4(1), 1).op("Relu", nil).conv(8, 4, 3, 2, one4(1), 1)
		return s.outputs(s.last)
	}
	for _, o := range []Options{{Threads: 1, Device: "cuda", Keep: true}, {Threads: 1, Device: "cuda", Keep: true, Precision: FP16}, {Threads: 1, Device: "cuda"}, {Threads: 1, Keep: true}} {
		t.Run(fmt.Sprint(o.Device, o.Keep, o.Precision), func(t *testing.T) {
			n, err := load(build(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			out := make([]Tensor, 1)
			if err := n.Again(out); !errors.Is(err, ErrNotOnDevice) {
				t.Errorf("before any run: %v", err)
			}
			want, err := n.Run(in)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // launched one by one, recorded, replayed
				if err = n.Again(out); err != nil {
					break
				}
				if d := difference(t, out[0], want[0]); d != 0 {
					t.Fatalf("differs by %.2g of the largest value", d)
				}
			}
			if kept := o.Keep && o.Device != ""; (err == nil) != kept {
				t.Errorf("kept: %v, error %v", kept, err)
			}
			if got, err := n.Run(in); err != nil || difference(t, got[0], want[0]) > 1e-6 {
				t.Errorf("a run afterwards: %v", err)
			}
		})
	}
}
