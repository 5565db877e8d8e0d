package model

import (
	"fmt"
	"math"
	"slices"
)

// like makes an empty value of v's kind with room for a shape.
func like(v *value, shape []int) *value {
	out := newValue(shape...)
	if v.isInt() {
		out.ints = make([]int64, len(out.floats))
		out.floats = nil
	}
	return out
}

// copyElement moves one element between values of one kind.
func copyElement(to *value, i int, from *value, j int) {
	if to.isInt() {
		to.ints[i] = from.ints[j]
	} else {
		to.floats[i] = from.floats[j]
	}
}

// copyRun moves n elements that lie together.
func copyRun(to *value, i int, from *value, j, n int) {
	if to.isInt() {
		copy(to.ints[i:i+n], from.ints[j:j+n])
	} else {
		copy(to.floats[i:i+n], from.floats[j:j+n])
	}
}

// reshaped is the same data in another shape.
func (c *opCall) reshaped(v *value, shape []int) *value {
	if count(shape) != v.len() {
		panic(fmt.Sprintf("%v cannot become %v", v.shape, shape))
	}
	out := &value{shape: slices.Clone(shape)}
	c.do(func() { out.floats, out.ints = v.floats, v.ints })
	return out
}

func opReshape(c *opCall) ([]*value, error) {
	in := c.in[0]
	want := c.node.ints("shape")
	if v := c.input(1); v != nil {
		want = v.ints
	}
	shape, free, known := make([]int, len(want)), -1, 1
	for i, d := range want {
		switch {
		case d == 0 && c.node.int("allowzero", 0) == 0:
			shape[i] = in.shape[i]
		case d == -1 && free < 0:
			free = i
			continue
		case d < 0 || d > maxElements:
			panic(fmt.Sprintf("shape %v", want))
		default:
			shape[i] = int(d)
		}
		known *= shape[i]
	}
	if free >= 0 {
		shape[free] = in.len() / known
	}
	return one(c.reshaped(in, shape))
}

func opFlatten(c *opCall) ([]*value, error) {
	axis := axisOf(c.node.int("axis", 1), len(c.in[0].shape))
	return one(c.reshaped(c.in[0], []int{count(c.in[0].shape[:axis]), count(c.in[0].shape[axis:])}))
}

func opTranspose(c *opCall) ([]*value, error) {
	in, n := c.in[0], len(c.in[0].shape)
	perm := c.node.ints("perm")
	if perm == nil {
		for i := n - 1; i >= 0; i-- {
			perm = append(perm, int64(i))
		}
	}
	strides, stride := make([]int, n), 1
	for i := n - 1; i >= 0; i-- {
		strides[i], stride = stride, stride*in.shape[i]
	}
	shape, step := make([]int, n), make([]int, n)
	seen := make([]bool, n)
	for i, p := range perm {
		shape[i], step[i], seen[p] = in.shape[p], strides[p], true
	}
	if slices.Contains(seen, false) {
		panic(fmt.Sprintf("permutation %v", perm))
	}
	if onlyOnesMove(in.shape, perm) {
		return one(c.reshaped(in, shape))
	}
	moved := n // axes behind those that move: what they hold lies together before and after
	for moved > 0 && perm[moved-1] == int64(moved-1) {
		moved--
	}
	run := count(shape[moved:])
	out := like(in, shape)
	index := make([]int, moved)
	c.do(func() {
		from := 0
		for i := 0; i < out.len(); i += run {
			copyRun(out, i, in, from, run)
			for d := moved - 1; d >= 0; d-- {
				index[d]++
				if from += step[d]; index[d] < shape[d] {
					break
				}
				from -= step[d] * shape[d]
				index[d] = 0
			}
		}
	})
	return one(out)
}

// onlyOnesMove: the axes longer than one stay in their order, so that the elements do.
func onlyOnesMove(shape []int, perm []int64) bool {
	last := int64(-1)
	for _, p := range perm {
		if shape[p] == 1 {
			continue
		}
		if p < last {
			return false
		}
		last = p
	}
	return true
}

// concatenated is the axis along which shapes are put together and the shape that they come to; it panics where
// they differ along another.
func concatenated(n *node, shapes [][]int) (axis int, shape []int) {
	axis, shape = axisOf(n.int("axis", 0), len(shapes[0])), slices.Clone(shapes[0])
	for _, s := range shapes[1:] {
		if len(s) != len(shape) || !slices.Equal(s[:axis], shape[:axis]) || !slices.Equal(s[axis+1:], shape[axis+1:]) {
			panic(fmt.Sprintf("%v beside %v along axis %d", shape, s, axis))
		}
		shape[axis] += s[axis]
	}
	return axis, shape
}

func opConcat(c *opCall) ([]*value, error) {
	axis, shape := concatenated(c.node, shapesOf(c.in))
	out := like(c.in[0], shape)
	inner, row := count(shape[axis+1:]), count(shape[axis:])
	c.do(func() {
		at := 0
		for _, v := range c.in {
			part := v.shape[axis] * inner
			for o := range count(shape[:axis]) {
				copyRun(out, o*row+at, v, o*part, part)
			}
			at += part
		}
	})
	return one(out)
}

func opSplit(c *opCall) ([]*value, error) {
	in := c.in[0]
	axis := axisOf(c.node.int("axis", 0), len(in.shape))
	sizes := c.node.ints("split")
	if v := c.input(1); v != nil {
		sizes = v.ints
	}
	if sizes == nil {
		n := len(c.node.outputs)
		for range n {
			sizes = append(sizes, int64((in.shape[axis]+n-1)/n))
		}
		sizes[n-1] = int64(in.shape[axis]) - sizes[0]*int64(n-1)
	}
	var outs []*value
	start := 0
	for _, size := range sizes {
		outs = append(outs, c.slice(in, axis, start, start+int(size), 1))
		start += int(size)
	}
	return outs, nil
}

// slice takes every step-th index of one axis from start (inclusive) to end
// (exclusive); step may be negative.
func (c *opCall) slice(in *value, axis, start, end, step int) *value {
	n := 0
	if step > 0 && end > start {
		n = (end - start + step - 1) / step
	} else if step < 0 && end < start {
		n = (start - end - step - 1) / -step
	}
	shape := slices.Clone(in.shape)
	shape[axis] = n
	out := like(in, shape)
	inner := count(shape[axis+1:])
	c.do(func() {
		for o := range count(shape[:axis]) {
			from := (o*in.shape[axis] + start) * inner
			if step == 1 {
				copyRun(out, o*n*inner, in, from, n*inner)
				continue
			}
			for k := range n {
				copyRun(out, (o*n+k)*inner, in, from+k*step*inner, inner)
			}
		}
	})
	return out
}

func opSlice(c *opCall) ([]*value, error) {
	in := c.in[0]
	starts, ends, axes, steps := c.node.ints("starts"), c.node.ints("ends"), c.node.ints("axes"), []int64(nil)
	if len(c.in) > 1 {
		starts, ends, axes = c.in[1].ints, c.in[2].ints, nil
		if v := c.input(3); v != nil {
			axes = v.ints
		}
		if v := c.input(4); v != nil {
			steps = v.ints
		}
	}
	out := in
	for i := range starts {
		axis, step := i, 1
		if axes != nil {
			axis = axisOf(axes[i], len(in.shape))
		}
		if steps != nil {
			step = int(steps[i])
		}
		if step == 0 {
			panic("a step of 0")
		}
		size := out.shape[axis]
		bound := func(x int64) int {
			if x < 0 {
				x = max(x+int64(size), math.MinInt32)
			}
			if step < 0 {
				return int(min(max(x, -1), int64(size)-1))
			}
			return int(min(max(x, 0), int64(size)))
		}
		out = c.slice(out, axis, bound(starts[i]), bound(ends[i]), step)
	}
	return one(out)
}

func opSqueeze(c *opCall) ([]*value, error) {
	in, axes := c.in[0], c.axes(1)
	var shape []int
	for i, d := range in.shape {
		drop := axes == nil && d == 1
		for _, a := range axes {
			drop = drop || axisOf(a, len(in.shape)) == i
		}
		if !drop {
			shape = append(shape, d)
		}
	}
	return one(c.reshaped(in, shape))
}

func opUnsqueeze(c *opCall) ([]*value, error) {
	axes := c.axes(1)
	n := len(c.in[0].shape) + len(axes)
	shape := make([]int, n)
	for _, a := range axes {
		shape[axisOf(a, n)] = 1
	}
	rest := c.in[0].shape
	for i := range shape {
		if shape[i] == 0 {
			shape[i], rest = rest[0], rest[1:]
		}
	}
	return one(c.reshaped(c.in[0], shape))
}

func opGather(c *opCall) ([]*value, error) {
	in, index := c.in[0], c.in[1]
	axis := axisOf(c.node.int("axis", 0), len(in.shape))
	if !index.isInt() {
		panic("places that are no integers")
	}
	shape := slices.Concat(in.shape[:axis], index.shape, in.shape[axis+1:])
	out := like(in, shape)
	inner, n := count(in.shape[axis+1:]), len(index.ints)
	c.do(func() {
		for o := range count(in.shape[:axis]) {
			for k, which := range index.ints {
				if which < 0 {
					which += int64(in.shape[axis])
				}
				if which < 0 || which >= int64(in.shape[axis]) {
					panic(fmt.Sprintf("place %d of %d", which, in.shape[axis]))
				}
				copyRun(out, (o*n+k)*inner, in, (o*in.shape[axis]+int(which))*inner, inner)
			}
		}
	})
	return one(out)
}

func opShape(c *opCall) ([]*value, error) {
	out := &value{shape: []int{len(c.in[0].shape)}, ints: make([]int64, len(c.in[0].shape))}
	for i, d := range c.in[0].shape {
		out.ints[i] = int64(d)
	}
	return one(out)
}

func opCast(c *opCall) ([]*value, error) {
	in := c.in[0]
	switch c.node.int("to", 0) {
	case typeFloat, typeDouble:
		out := newValue(in.shape...)
		c.do(func() {
			for i := range out.floats {
				out.floats[i] = float32(in.at(i))
			}
		})
		return one(out)
	case typeInt32, typeInt64, typeBool:
		out := &value{shape: in.shape, ints: make([]int64, in.len())}
		c.do(func() {
			for i := range out.ints {
				x := in.at(i)
				if out.ints[i] = int64(x); c.node.int("to", 0) == typeBool && x != 0 {
					out.ints[i] = 1
				}
			}
		})
		return one(out)
	}
	return nil, fmt.Errorf("cast to element type %d: %w", c.node.int("to", 0), ErrUnsupported)
}

func opConstant(c *opCall) ([]*value, error) {
	for name, a := range c.node.attrs {
		switch name {
		case "value":
			return one(a.t)
		case "value_float":
			return one(&value{shape: []int{}, floats: []float32{a.f}})
		case "value_int":
			return one(&value{shape: []int{}, ints: []int64{a.i}})
		case "value_floats":
			return one(&value{shape: []int{len(a.floats)}, floats: a.floats})
		case "value_ints":
			return one(&value{shape: []int{len(a.ints)}, ints: a.ints})
		}
	}
	return nil, fmt.Errorf("a constant without a value: %w", ErrUnsupported)
}

// intsToShape reads a shape given as a tensor.
func intsToShape(v *value) []int {
	shape := make([]int, len(v.ints))
	for i, d := range v.ints {
		shape[i] = int(d)
	}
	return shape
}

func opConstantOfShape(c *opCall) ([]*value, error) {
	out := newValue(intsToShape(c.in[0])...)
	fill := c.node.attrs["value"].t
	if fill != nil && fill.isInt() {
		out = like(fill, out.shape)
	}
	for i := range out.len() {
		if fill != nil {
			copyElement(out, i, fill, 0)
		}
	}
	return one(out)
}

func opExpand(c *opCall) ([]*value, error) {
	in := c.in[0]
	both := newBroadcast(in.shape, intsToShape(c.in[1]))
	out := like(in, both.shape)
	c.do(func() {
		both.each(func(i, from, _ int) { copyElement(out, i, in, from) })
	})
	return one(out)
}

func opPad(c *opCall) ([]*value, error) {
	in, n := c.in[0], len(c.in[0].shape)
	if mode := c.node.str("mode", "constant"); mode != "constant" {
		return nil, fmt.Errorf("pad mode %s: %w", mode, ErrUnsupported)
	}
	pads, fill := c.node.ints("pads"), c.node.float("value", 0)
	if v := c.input(1); v != nil {
		pads = v.ints
	}
	if v := c.input(2); v != nil {
		fill = v.floats[0]
	}
	shape := make([]int, n)
	for i := range shape {
		shape[i] = in.shape[i] + int(pads[i]) + int(pads[n+i])
	}
	out := newValue(shape...)
	index := make([]int, n)
	c.do(func() {
		for i := range out.floats {
			from, inside := 0, true
			for d := range n {
				x := index[d] - int(pads[d])
				inside = inside && x >= 0 && x < in.shape[d]
				from = from*in.shape[d] + x
			}
			if out.floats[i] = fill; inside {
				out.floats[i] = in.floats[from]
			}
			for d := n - 1; d >= 0; d-- {
				if index[d]++; index[d] < shape[d] {
					break
				}
				index[d] = 0
			}
		}
	})
	return one(out)
}
