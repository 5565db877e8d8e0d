// Package model is the engine: it reads a network from an ONNX file into a graph
// of ops, plans it for the shapes it is given, and runs it. Feature maps go
// through fast C kernels (model/cpu) as far as they can; what is left runs in
// plain Go ops. ../docs/architecture.md says how it fits in.
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

// Resize makes room for a shape, in the memory that is there where that is enough: what it holds is left from before, or zeros.
func (t *Tensor) Resize(shape ...int) {
	if size := count(shape); cap(t.Data) >= size {
		t.Data = t.Data[:size]
	} else {
		t.Data = make([]float32, size)
	}
	t.Shape = append(t.Shape[:0], shape...)
}

// check tells whether the data are as many as the shape says.
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

// ErrUnsupported is wrapped by errors about ops or attributes the engine lacks.
var ErrUnsupported = errors.New("not supported")

// ErrMalformed is wrapped by errors about files that are no ONNX network.
var ErrMalformed = errors.New("malformed ONNX file")
