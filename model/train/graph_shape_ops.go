package train

import (
	"slices"
)

func reshapeOp(r *graphRun, n *graphNode) *Node[float32] {
	x := r.value(n, 0)
	to, ok := r.whole(n, 1)
	if !ok {
		return nil
	}
	shape, known, free := slices.Clone(to), 1, -1
	for i, d := range shape {
		switch d {
		case -1:
			free = i
			continue
		case 0:
			shape[i] = x.Shape[i]
		}
		known *= shape[i]
	}
	if free >= 0 {
		shape[free] = len(x.Value) / known
	}
	return r.tape.Reshape(x, shape...)
}

func flattenOp(r *graphRun, n *graphNode) *Node[float32] {
	x := r.value(n, 0)
	rows := size(x.Shape[:n.int("axis", 1)])
	return r.tape.Reshape(x, rows, len(x.Value)/rows)
}

func squeezeOp(r *graphRun, n *graphNode) *Node[float32] {
	x := r.value(n, 0)
	shape := slices.Clone(x.Shape)
	axes := r.axes(n, 1)
	for i := range axes {
		axes = append(slices.Clone(axes[:i]), append([]int{(axes[i] + len(shape)) % len(shape)}, axes[i+1:]...)...)
	}
	slices.Sort(axes)
	for _, a := range slices.Backward(axes) {
		shape = slices.Delete(shape, a, a+1)
	}
	return r.tape.Reshape(x, shape...)
}

func unsqueezeOp(r *graphRun, n *graphNode) *Node[float32] {
	x, axes := r.value(n, 0), slices.Clone(r.axes(n, 1))
	shape, rank := slices.Clone(x.Shape), len(x.Shape)+len(axes)
	for i, a := range axes {
		axes[i] = (a + rank) % rank
	}
	slices.Sort(axes)
	for _, a := range axes {
		shape = slices.Insert(shape, a, 1)
	}
	return r.tape.Reshape(x, shape...)
}

// picked makes a tensor of elements of x, some perhaps more than once.
func (t *Tape[T]) picked(x *Node[T], from []int, shape ...int) *Node[T] {
	y := t.node(shape...)
	for i, k := range from {
		y.Value[i] = x.Value[k]
	}
	y.back = func() {
		if x.Grad == nil {
			return
		}
		for i, k := range from {
			x.Grad[k] += y.Grad[i]
		}
	}
	return y
}

// strides are how far apart neighbours along each axis lie.
func strides(shape []int) []int {
	out, step := make([]int, len(shape)), 1
	for k := len(shape) - 1; k >= 0; k-- {
		out[k], step = step, step*shape[k]
	}
	return out
}

// places lists where the elements of shape lie, from first on, steps apart along each axis.
func places(shape, steps []int, first int) []int {
	out := []int{first}
	for k, d := range shape {
		next := make([]int, 0, len(out)*d)
		for _, at := range out {
			for i := range d {
				next = append(next, at+i*steps[k])
			}
		}
		out = next
	}
	return out
}

func transposeOp(r *graphRun, n *graphNode) *Node[float32] {
	x, order := r.value(n, 0), n.ints["perm"]
	if len(order) != len(x.Shape) {
		return nil
	}
	all := strides(x.Shape)
	shape, steps := make([]int, len(order)), make([]int, len(order))
	for i, k := range order {
		shape[i], steps[i] = x.Shape[k], all[k]
	}
	return r.tape.picked(x, places(shape, steps, 0), shape...)
}

func sliceOp(r *graphRun, n *graphNode) *Node[float32] {
	x := r.value(n, 0)
	starts, ok1 := r.whole(n, 1)
	ends, ok2 := r.whole(n, 2)
	axes, ok3 := r.whole(n, 3)
	if !ok1 || !ok2 || !ok3 {
		return nil
	}
	by, given := r.whole(n, 4)
	shape, steps, first := slices.Clone(x.Shape), strides(x.Shape), 0
	for i, axis := range axes {
		axis = (axis + len(shape)) % len(shape)
		d, step := x.Shape[axis], 1
		if given {
			step = by[i]
		}
		if step < 1 {
			return nil
		}
		within := func(v int) int {
			if v < 0 {
				v += d
			}
			return min(max(v, 0), d)
		}
		from, to := within(starts[i]), within(ends[i])
		first += from * steps[axis]
		shape[axis] = max((to-from+step-1)/step, 0)
		steps[axis] *= step
	}
	return r.tape.picked(x, places(shape, steps, first), shape...)
}

func gatherOp(r *graphRun, n *graphNode) *Node[float32] {
	x := r.value(n, 0)
	index, ok := r.whole(n, 1)
	if !ok {
		return nil
	}
	axis := (n.int("axis", 0) + len(x.Shape)) % len(x.Shape)
	d, inner := x.Shape[axis], size(x.Shape[axis+1:])
	outer := size(x.Shape[:axis])
	var from []int
	for o := range outer {
		for _, k := range index {
			for i := range inner {
				from = append(from, (o*d+(k+d)%d)*inner+i)
			}
		}
	}
	shape := slices.Clone(x.Shape[:axis])
	if !r.scalar(n.in[1]) {
		shape = append(shape, len(index))
	}
	return r.tape.picked(x, from, append(shape, x.Shape[axis+1:]...)...)
}

// scalar tells whether a constant of integers has no axis.
func (r *graphRun) scalar(name string) bool { return r.graph.scalars[name] }

func concatOp(r *graphRun, n *graphNode) *Node[float32] {
	var all []*Node[float32]
	for i := range n.in {
		all = append(all, r.value(n, i))
	}
	axis := (n.int("axis", 0) + len(all[0].Shape)) % len(all[0].Shape)
	shape := slices.Clone(all[0].Shape)
	shape[axis] = 0
	for _, x := range all {
		shape[axis] += x.Shape[axis]
	}
	y := r.tape.node(shape...)
	outer, inner := size(shape[:axis]), size(shape[axis+1:])
	wide := shape[axis] * inner
	at := 0
	for _, x := range all {
		w := x.Shape[axis] * inner
		for o := range outer {
			copy(y.Value[o*wide+at:], x.Value[o*w:(o+1)*w])
		}
		at += w
	}
	y.back = func() {
		at := 0
		for _, x := range all {
			w := x.Shape[axis] * inner
			for o := range outer {
				if x.Grad != nil {
					axpy(x.Grad[o*w:(o+1)*w], 1, y.Grad[o*wide+at:][:w])
				}
			}
			at += w
		}
	}
	return y
}
