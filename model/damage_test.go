package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
)

// A file can be sound protobuf and yet no network: ops without inputs, weights of another shape, sizes and strides of nonsense, results read before they
// are made. Graphs that work, each with some such faults, are loaded and run: what comes of it is an error, never a panic, or, where the faults made another
// network, the result of plain loops.
func TestDamagedGraphs(t *testing.T) {
	const tries = 60
	if ran := eachDamagedGraph(t, tries, Options{Threads: 1}); ran < len(kernelCases)*tries/20 {
		t.Errorf("only %d of %d damaged graphs ran: the faults are too heavy to try anything", ran, len(kernelCases)*tries)
	}
}

// eachDamagedGraph tries each of the kernels' graphs with some faults, and tells how many ran.
func eachDamagedGraph(t *testing.T, tries int, o Options) (ran int) {
	for i, c := range kernelCases {
		for try := range tries {
			var faults []string
			faulty := func() *graphFile { // the same at each call
				r := rand.New(rand.NewPCG(uint64(i), uint64(try)))
				file := c.build()
				faults = nil
				for range 1 + r.IntN(3) {
					faults = append(faults, damage(r, file))
				}
				return file
			}
			r := rand.New(rand.NewPCG(uint64(try), 1))
			shape := slices.Clone(c.shape)
			if r.IntN(4) == 0 {
				shape[r.IntN(len(shape))] = 1 + r.IntN(5)
			}
			in := randomTensor(r, -1, 1, shape...)
			got, err := withoutPanic(func() ([]Tensor, error) { return loadedAndRun(faulty(), o, in) })
			want, wrong := withoutPanic(func() ([]Tensor, error) { return inPlainLoops(faulty(), in) })
			name := fmt.Sprintf("%s, try %d, %v", c.name, try, faults)
			switch {
			case errors.Is(err, errPanic) || errors.Is(wrong, errPanic):
				t.Errorf("%s: %v, %v", name, err, wrong)
			case (err == nil) != (wrong == nil):
				t.Errorf("%s: %v, in plain loops %v", name, err, wrong)
			case err == nil:
				ran++
				for j := range got {
					if !slices.Equal(got[j].Shape, want[j].Shape) {
						t.Errorf("%s: output %d has shape %v, in plain loops %v", name, j, got[j].Shape, want[j].Shape)
					} else if finite(want[j]) && difference(t, got[j], want[j]) > 2e-4 {
						t.Errorf("%s: output %d differs by %.2g of the largest value", name, j, difference(t, got[j], want[j]))
					}
				}
			}
		}
	}
	return ran
}

var errPanic = errors.New("panic")

func withoutPanic(f func() ([]Tensor, error)) (out []Tensor, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	return f()
}

func loadedAndRun(file *graphFile, o Options, in Tensor) ([]Tensor, error) {
	n, err := load(file, o)
	if err != nil {
		return nil, err
	}
	_, _ = n.Run(backwards([]Tensor{in})...) // what it left is no part of the next result
	out, err := n.Run(in)
	if lost := n.DeviceError(); lost != nil { // it left the device for the CPU
		err = errors.Join(err, errLeft, lost)
	}
	return out, errors.Join(err, n.Close())
}

var errLeft = errors.New("the device was left")

func inPlainLoops(file *graphFile, in Tensor) ([]Tensor, error) {
	g, err := newGraph(file, nil, nil)
	if err != nil {
		return nil, err
	}
	n := &Net{graph: g}
	if err := n.checkInput(in, g.inputs[0]); err != nil {
		return nil, err
	}
	out := make([]Tensor, len(g.outputs))
	return out, n.runTail(&plan{tail: g.nodes}, []Tensor{in}, out)
}

func finite(t Tensor) bool {
	return !slices.ContainsFunc(t.Data, func(x float32) bool { return x-x != 0 })
}

// damage puts one fault into a graph and names it.
func damage(r *rand.Rand, f *graphFile) string {
	n := f.nodes[r.IntN(len(f.nodes))]
	names := []string{"", "x", "nothing makes this"}
	for _, other := range f.nodes {
		names = append(names, other.outputs...)
	}
	constants := make([]string, 0, len(f.initializers))
	for name := range f.initializers {
		constants = append(constants, name)
	}
	slices.Sort(constants)
	names = append(names, constants...)
	any := func(of []string) string { return of[r.IntN(len(of))] }
	sizes := []int64{0, 1, 2, 3, 5, 7, 64, -1, -3, 1 << 31, 1 << 62}
	size := func() int64 { return sizes[r.IntN(len(sizes))] }
	switch r.IntN(9) {
	case 0:
		if len(n.inputs) > 0 {
			i := r.IntN(len(n.inputs))
			n.inputs = slices.Delete(slices.Clone(n.inputs), i, i+1)
		}
		return fmt.Sprintf("%s without an input", n.op)
	case 1:
		if len(n.inputs) > 0 {
			n.inputs = slices.Clone(n.inputs)
			n.inputs[r.IntN(len(n.inputs))] = any(names)
		}
		return fmt.Sprintf("%s reads %v", n.op, n.inputs)
	case 2:
		n.inputs = append(slices.Clone(n.inputs), any(names))
		return fmt.Sprintf("%s reads %v", n.op, n.inputs)
	case 3, 4:
		kinds := []string{"strides", "pads", "group", "axis", "kernel_shape", "dilations", "transB", "ceil_mode", "perm", "axes"}
		kind := any(kinds)
		a := attribute{i: size()}
		for range r.IntN(6) {
			a.ints = append(a.ints, size())
		}
		attrs := map[string]attribute{kind: a}
		for k, v := range n.attrs {
			if k != kind {
				attrs[k] = v
			}
		}
		n.attrs = attrs
		return fmt.Sprintf("%s with %s %d %v", n.op, kind, a.i, a.ints)
	case 5:
		if len(constants) == 0 {
			return "nothing"
		}
		v := f.initializers[any(constants)]
		v.shape = slices.Clone(v.shape)
		switch {
		case len(v.shape) > 1 && r.IntN(2) == 0: // as many values, another shape
			i, j := r.IntN(len(v.shape)), r.IntN(len(v.shape))
			v.shape[i], v.shape[j] = v.shape[j], v.shape[i]
		case len(v.shape) > 0:
			i := r.IntN(len(v.shape))
			if d := v.shape[i]; d > 1 && len(v.floats) > 0 {
				v.shape[i] = d - 1
				v.floats = v.floats[:count(v.shape)]
			}
		}
		return fmt.Sprintf("a constant of shape %v", v.shape)
	case 6:
		if len(constants) == 0 {
			return "nothing"
		}
		f.initializers[any(constants)] = &value{shape: []int{2}, ints: []int64{size(), size()}}
		return "a constant of integers"
	case 7:
		ops := []string{"Conv", "Relu", "Add", "MatMul", "Gemm", "Concat", "Reshape", "Softmax", "Clip", "Resize", "MaxPool", "LayerNormalization", "Slice", "Gather", "ConvTranspose", "LSTM", "PRelu", "Pad"}
		n.op = any(ops)
		return "an op that is " + n.op
	default:
		f.opset = size()
		return fmt.Sprintf("opset %d", f.opset)
	}
}
