package model

import (
	"slices"

	"classlens/cuda/exec"
)

// reshape is every op that gives the same values another shape.
func (c *deviceCompiler) reshape(n *node) bool {
	x, ok := c.tensors[n.inputs[0]]
	if !ok {
		return false
	}
	call := &opCall{node: n, opset: c.net.graph.opset, in: []*value{{shape: c.program.Tensors[x].Shape}}}
	for _, name := range n.inputs[1:] {
		v := c.value(name)
		if v == nil && name != "" {
			return false
		}
		call.in = append(call.in, v)
	}
	made, err := callOp(ops[n.op], call)
	if err != nil {
		return false
	}
	c.tensors[n.outputs[0]] = c.program.Reshape(x, made[0].shape...)
	return true
}

// move is every op whose result is its input's elements in another order: it evaluates the op
// on the elements' indices, and if these increase evenly along each axis, the op is one
// strided copy.
func (c *deviceCompiler) move(n *node) bool {
	x, ok := c.tensors[n.inputs[0]]
	if !ok {
		return false
	}
	numbers := &value{shape: c.program.Tensors[x].Shape, ints: make([]int64, count(c.program.Tensors[x].Shape))}
	for i := range numbers.ints {
		numbers.ints[i] = int64(i)
	}
	call := &opCall{node: n, opset: c.net.graph.opset, in: []*value{numbers}}
	for _, name := range n.inputs[1:] {
		v := c.value(name)
		if v == nil && name != "" {
			return false
		}
		call.in = append(call.in, v)
	}
	made, err := callOp(ops[n.op], call)
	if err != nil {
		return false
	}
	for i, name := range n.outputs {
		at, steps, even := evenSteps(made[i])
		size, steps4, fits := four(made[i].shape, steps, dense(made[i].shape))
		if !even || !fits {
			return false
		}
		y := c.program.Add(made[i].shape...)
		c.program.Ops = append(c.program.Ops, &exec.Copy{X: x, Y: y, Size: size, AtX: at, StepX: steps4[0], StepY: steps4[1]})
		c.tensors[name] = y
	}
	return true
}

// evenSteps finds the number of the first element and the step along each axis.
func evenSteps(v *value) (at int, steps []int, even bool) {
	if v.len() == 0 {
		return 0, nil, false
	}
	at, steps = int(v.ints[0]), make([]int, len(v.shape))
	for d, stride := range dense(v.shape) {
		if v.shape[d] > 1 {
			steps[d] = int(v.ints[stride]) - at
		}
	}
	index, want := make([]int, len(v.shape)), at
	for _, got := range v.ints {
		if int(got) != want {
			return 0, nil, false
		}
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			if want += steps[d]; index[d] < v.shape[d] {
				break
			}
			want -= steps[d] * v.shape[d]
			index[d] = 0
		}
	}
	return at, steps, true
}

// dense are the strides of a contiguous tensor.
func dense(shape []int) []int {
	steps, step := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		steps[i], step = step, step*shape[i]
	}
	return steps
}

// four merges axes that are contiguous in all operands until four are left,
// and pads with ones in front; false if more remain.
func four(shape []int, steps ...[]int) (size [4]int, out [2][4]int, ok bool) {
	var sizes []int
	kept := make([][]int, len(steps))
	for d, n := range shape {
		if n == 1 {
			continue
		}
		last := len(sizes) - 1
		join := last >= 0
		for i := range steps {
			join = join && kept[i][last] == steps[i][d]*n
		}
		if join {
			sizes[last] *= n
			for i := range steps {
				kept[i][last] = steps[i][d]
			}
			continue
		}
		sizes = append(sizes, n)
		for i := range steps {
			kept[i] = append(kept[i], steps[i][d])
		}
	}
	if len(sizes) > 4 {
		return size, out, false
	}
	size = [4]int{1, 1, 1, 1}
	for d, n := range sizes {
		at := 4 - len(sizes) + d
		size[at] = n
		for i := range steps {
			out[i][at] = kept[i][d]
		}
	}
	return size, out, true
}

// stretched are an operand's strides over a broadcast shape: 0 where it repeats.
func stretched(operand, shape []int) []int {
	steps := make([]int, len(shape))
	own := dense(operand)
	for i, d := range operand {
		if d > 1 {
			steps[len(shape)-len(operand)+i] = own[i]
		}
	}
	return steps
}

func (c *deviceCompiler) binary(n *node) bool {
	if len(n.inputs) != 2 {
		return false
	}
	a, b := c.shape(n.inputs[0]), c.shape(n.inputs[1])
	if slices.Equal(a, b) && n.op == "Add" {
		y := c.program.Add(a...)
		return c.made(n, &exec.Sum{A: c.in(n, 0), B: c.in(n, 1), Y: y}, y)
	}
	shape := make([]int, max(len(a), len(b)))
	for i := range shape {
		shape[i] = 1
		for _, s := range [][]int{a, b} {
			if j := i - len(shape) + len(s); j >= 0 && s[j] != 1 {
				if shape[i] != 1 && shape[i] != s[j] {
					return false
				}
				shape[i] = s[j]
			}
		}
	}
	size, steps, fits := four(shape, stretched(a, shape), stretched(b, shape))
	if !fits {
		return false
	}
	y := c.program.Add(shape...)
	return c.made(n, &exec.Binary{A: c.in(n, 0), B: c.in(n, 1), Y: y, Size: size, StepA: steps[0], StepB: steps[1], F: deviceOperators[n.op]}, y)
}

func (c *deviceCompiler) concat(n *node) bool {
	shapes := make([][]int, len(n.inputs))
	for i, name := range n.inputs {
		shapes[i] = c.shape(name)
	}
	axis, shape := concatenated(n, shapes)
	y := c.program.Add(shape...)
	row, at := count(shape[axis:]), 0
	for i, name := range n.inputs {
		part := count(c.shape(name)[axis:])
		c.program.Ops = append(c.program.Ops, &exec.Copy{X: c.in(n, i), Y: y, Size: [4]int{1, 1, count(shape[:axis]), part}, AtY: at,
			StepX: [4]int{0, 0, part, 1}, StepY: [4]int{0, 0, row, 1}})
		at += part
	}
	c.tensors[n.outputs[0]] = y
	return true
}

func (c *deviceCompiler) pad(n *node) bool {
	x := c.shape(n.inputs[0])
	pads, fill := n.ints("pads"), n.float("value", 0)
	if len(n.inputs) > 1 {
		pads = c.value(n.inputs[1]).ints
	}
	if len(n.inputs) > 2 && n.inputs[2] != "" {
		fill = c.value(n.inputs[2]).floats[0]
	}
	if n.str("mode", "constant") != "constant" || len(x) > 4 || len(pads) != 2*len(x) {
		return false
	}
	p := &exec.Pad{X: c.in(n, 0), From: [4]int{1, 1, 1, 1}, To: [4]int{1, 1, 1, 1}, Fill: fill}
	shape := make([]int, len(x))
	for i, d := range x {
		at := 4 - len(x) + i
		shape[i] = d + int(pads[i]) + int(pads[len(x)+i])
		p.From[at], p.To[at], p.Before[at] = d, shape[i], int(pads[i])
	}
	p.Y = c.program.Add(shape...)
	return c.made(n, p, p.Y)
}
