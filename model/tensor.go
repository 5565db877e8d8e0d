// Package model is the inference engine: it reads a network from an ONNX file (onnx.go) into a graph
// of ops (graph.go), simplifies that (rewrite.go), compiles it for the shapes of the inputs (compile.go),
// and runs it. As much as possible is compiled to a program of fast C kernels (model/cpu), or of CUDA kernels
// (device*.go, cuda/exec); the ops that are left, the *tail*, run in plain Go (ops*.go), which is also the
// reference in tests. docs/architecture.md says how it fits in.
package model

import (
	"errors"
	"fmt"

	"classlens/model/cpu"
)

// Tensor is a dense row-major array of float32; images are NCHW.
type Tensor struct {
	Shape []int
	Data  []float32
}

// NewTensor makes a tensor of zeros.
func NewTensor(shape ...int) Tensor {
	return Tensor{Shape: append([]int(nil), shape...), Data: make([]float32, count(shape))}
}

// Resize gives the tensor a shape, in its own memory if that is large enough. The content is what was there before, or zeros.
func (t *Tensor) Resize(shape ...int) {
	if size := count(shape); cap(t.Data) >= size {
		t.Data = t.Data[:size]
	} else {
		t.Data = make([]float32, size)
	}
	t.Shape = append(t.Shape[:0], shape...)
}

// check compares the number of values with the shape.
func (t Tensor) check() error {
	for _, d := range t.Shape {
		if d < 0 {
			return fmt.Errorf("shape %v has a negative side", t.Shape)
		}
	}
	if count(t.Shape) != len(t.Data) {
		return fmt.Errorf("shape %v holds %d values, there are %d", t.Shape, count(t.Shape), len(t.Data))
	}
	return nil
}

// count is the number of elements of a shape.
func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// value is a tensor inside the graph: floats, or integers (shapes, indices,
// truth values) when ints is not nil.
type value struct {
	shape  []int
	floats []float32
	ints   []int64
	packed *cpu.Matrix // of a constant that is a product's second factor
}

func (v *value) isInt() bool { return v.ints != nil }

// ErrUnsupported is wrapped by errors about ops or attributes that the engine does not have.
var ErrUnsupported = errors.New("not supported")

// ErrMalformed is wrapped by errors about files that are not valid ONNX networks.
var ErrMalformed = errors.New("malformed ONNX file")
