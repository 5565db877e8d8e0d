// Package train trains the classroom network: it has a tape of ops with hand-written
// forward and backward passes, losses that allow for missing labels, optimizers, schedules and
// checkpoints. Everything is generic over float32 (training) and float64 (in which tests
// compare each gradient with central differences).
//
// A *node* is a tensor on the tape with its gradient; a *parameter* is a tensor that
// outlives the tape and is trained. A *Stepper* makes training steps, on the CPU by a tape or on a
// device (device.go). Tensors are row-major, pictures NCHW. Ops panic on shapes that do not fit: those are bugs
// of the caller.
package train

import "fmt"

// Float is the element type of tensors.
type Float interface{ float32 | float64 }

// Node is a tensor on a tape.
type Node[T Float] struct {
	Shape []int
	Value []T
	Grad  []T // of the loss by Value, once Backward has run
	back  func()
}

// Param is a tensor that is trained. Its gradient adds up over tapes until an
// optimizer's Step clears it.
type Param[T Float] struct {
	Name  string
	Shape []int
	Value []T
	Grad  []T
	// Decay tells whether weight decay applies: weights yes, biases and norms no.
	Decay bool
}

// NewParam makes a parameter of zeros.
func NewParam[T Float](name string, decay bool, shape ...int) *Param[T] {
	n := size(shape)
	return &Param[T]{Name: name, Shape: shape, Value: make([]T, n), Grad: make([]T, n), Decay: decay}
}

// Tape records the ops of one forward pass. It is not safe for concurrent use.
type Tape[T Float] struct {
	nodes []*Node[T]
	used  [][]T
	free  map[int][][]T // memory to use again after a Reset, by length
}

// Reset forgets the ops and reuses their memory: earlier nodes must not be used any
// more.
func (t *Tape[T]) Reset() {
	if t.free == nil {
		t.free = map[int][][]T{}
	}
	for _, b := range t.used {
		t.free[len(b)] = append(t.free[len(b)], b)
	}
	clear(t.used)
	clear(t.nodes)
	t.used, t.nodes = t.used[:0], t.nodes[:0]
}

// buffer is a slice of zeros that lives until Reset.
func (t *Tape[T]) buffer(n int) []T {
	if l := t.free[n]; len(l) > 0 {
		b := l[len(l)-1]
		t.free[n] = l[:len(l)-1]
		clear(b)
		t.used = append(t.used, b)
		return b
	}
	b := make([]T, n)
	t.used = append(t.used, b)
	return b
}

// Data puts values on the tape of which no gradient is wanted: Grad is nil.
func (t *Tape[T]) Data(value []T, shape ...int) *Node[T] {
	n := t.Const(value, shape...)
	n.Grad = nil
	return n
}

// Const puts values on the tape that are not trained; the slice is not copied.
func (t *Tape[T]) Const(value []T, shape ...int) *Node[T] {
	if size(shape) != len(value) {
		panic(fmt.Sprintf("train: shape %v holds %d values, there are %d", shape, size(shape), len(value)))
	}
	n := &Node[T]{Shape: shape, Value: value, Grad: t.buffer(len(value))}
	t.nodes = append(t.nodes, n)
	return n
}

// Use puts a parameter on the tape; its gradient goes to the parameter.
func (t *Tape[T]) Use(p *Param[T]) *Node[T] {
	n := &Node[T]{Shape: p.Shape, Value: p.Value, Grad: p.Grad}
	t.nodes = append(t.nodes, n)
	return n
}

// node makes a node for an op's result.
func (t *Tape[T]) node(shape ...int) *Node[T] {
	n := size(shape)
	x := &Node[T]{Shape: shape, Value: t.buffer(n), Grad: t.buffer(n)}
	t.nodes = append(t.nodes, x)
	return x
}

// Backward adds the gradients of a loss of one number to all that it was made of.
func (t *Tape[T]) Backward(loss *Node[T]) {
	if len(loss.Value) != 1 {
		panic("train: the loss must be one number")
	}
	loss.Grad[0] = 1
	for i := len(t.nodes) - 1; i >= 0; i-- {
		if b := t.nodes[i].back; b != nil {
			b()
		}
	}
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func want(ok bool, format string, a ...any) {
	if !ok {
		panic("train: " + fmt.Sprintf(format, a...))
	}
}
