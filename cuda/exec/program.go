// Package exec runs whole networks on a CUDA device. A Program is a list of ops with all
// shapes known; it is fused (fuse.go), converted to half precision if asked for (half.go), placed in one arena (place.go), and
// launched as one recorded CUDA graph (Ready). It knows nothing about ONNX or the meaning of a network: package model
// passes ops, tensors and weights in the types of this package. For training, a Tape records the forward and
// backward passes of a step, which Phases replay (recorder.go).
//
// A tensor is an index into Program.Tensors; callers see float32, row-major, pictures NCHW.
// None stands for an input that is not given.
package exec

import (
	"fmt"
	"math"
)

// None is the tensor that is not there.
const None = -1

// Constant is a tensor that never changes, such as weights. It is identified by its pointer: a net uploads
// one Constant once, however many programs use it.
type Constant struct {
	Shape []int
	Data  []float32
}

// Tensor is one value of a program.
type Tensor struct {
	Shape    []int
	Constant *Constant // nil: made by an op or given by the caller
	Of       int       // tensor whose memory this one shares (another shape of the same values), or None
	Layout   Layout    // in memory; inputs and outputs are always First
}

// Program is a network with all shapes known.
type Program struct {
	Tensors []Tensor
	Ops     []Op
	Inputs  []int // given by the caller
	Outputs []int
	Keep    bool // the inputs' memory is not reused, so that Ready.Again finds them
}

// Op is one step of a program.
type Op interface {
	// reads and writes are the tensors that the op uses; they may be None.
	reads() []int
	writes() int
	// emit appends the op's launches.
	emit(b *builder) error
}

// Clamp limits an op's results; the zero value does not.
type Clamp struct {
	On     bool
	Lo, Hi float32
}

// limits are the arguments for the kernels.
func (c Clamp) limits() (lo, hi float32) {
	if !c.On {
		return float32(math.Inf(-1)), float32(math.Inf(1))
	}
	return c.Lo, c.Hi
}

// Add appends a tensor and returns its index.
func (p *Program) Add(shape ...int) int {
	p.Tensors = append(p.Tensors, Tensor{Shape: append([]int(nil), shape...), Of: None})
	return len(p.Tensors) - 1
}

// AddConstant appends a constant and returns its index.
func (p *Program) AddConstant(c *Constant) int {
	p.Tensors = append(p.Tensors, Tensor{Shape: c.Shape, Constant: c, Of: None})
	return len(p.Tensors) - 1
}

// Reshape appends a tensor that is another shape of the same memory, and returns its index.
func (p *Program) Reshape(of int, shape ...int) int {
	p.Tensors = append(p.Tensors, Tensor{Shape: append([]int(nil), shape...), Of: p.root(of), Constant: p.Tensors[of].Constant})
	return len(p.Tensors) - 1
}

// root is the tensor that owns the memory.
func (p *Program) root(t int) int {
	for t != None && p.Tensors[t].Of != None {
		t = p.Tensors[t].Of
	}
	return t
}

// size is the number of elements of a tensor.
func (p *Program) size(t int) int { return count(p.Tensors[t].Shape) }

func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// maxElements keeps every index within 32 bits.
const maxElements = 1 << 30

// check rejects programs that cannot run: sizes beyond 32 bits, tensors that are read before
// they are made, memory shared between different sizes.
func (p *Program) check() error {
	made := map[int]bool{}
	for i, t := range p.Tensors {
		n := 1
		for _, d := range t.Shape {
			if d < 1 || d > maxElements || n*d > maxElements {
				return fmt.Errorf("tensor %d has the shape %v, sides must be above 0 and elements below 2³⁰", i, t.Shape)
			}
			n *= d
		}
		if t.Constant != nil {
			if len(t.Constant.Data) != n {
				return fmt.Errorf("constant %d has %d values for the shape %v", i, len(t.Constant.Data), t.Shape)
			}
			made[p.root(i)] = true
		}
		if t.Of != None && p.size(t.Of) != n {
			return fmt.Errorf("tensor %d of shape %v is another shape of %v", i, t.Shape, p.Tensors[t.Of].Shape)
		}
	}
	for _, t := range p.Inputs {
		made[p.root(t)] = true
	}
	for i, op := range p.Ops {
		for _, t := range op.reads() {
			if t != None && !made[p.root(t)] {
				return fmt.Errorf("op %d (%T) reads tensor %d, which nothing has made", i, op, t)
			}
		}
		made[p.root(op.writes())] = true
	}
	for _, t := range p.Outputs {
		if !made[p.root(t)] {
			return fmt.Errorf("nothing makes the output %d", t)
		}
	}
	return nil
}
