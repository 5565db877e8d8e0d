package exec

import "classlens/cuda/driver"

// launch is one kernel call; arguments that are tensors are places until the arena is allocated.
type launch struct {
	kernel string // "": args are an offset and how many elements from there on become 0
	grid   [3]int
	block  int
	args   []any
}

// place is a tensor as an argument.
type place int

// offset is an element of a tensor as an argument.
type offset struct{ tensor, element int }

// builder collects a program's launches.
type builder struct {
	net     *Net
	program *Program
	all     []launch
	frames  *Frames // that the program cuts from; nil: none
}

// launch appends a call. The kernel's comment says what the grid must be.
func (b *builder) launch(kernel string, grid [3]int, block int, args ...any) {
	b.all = append(b.all, launch{kernel, grid, block, args})
}

// zero appends the setting of n elements to 0.
func (b *builder) zero(at offset, n int) {
	b.all = append(b.all, launch{args: []any{at, n}})
}

// ceil is a/b rounded up.
func ceil(a, b int) int { return (a + b - 1) / b }

// shape of a tensor.
func (b *builder) shape(t int) []int { return b.program.Tensors[t].Shape }

// at is a tensor as an argument; None becomes a null pointer.
func (b *builder) at(t int) any {
	if t == None {
		return driver.Ptr(0)
	}
	return place(t)
}
