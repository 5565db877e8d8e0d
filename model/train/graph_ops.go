package train

import (
	"fmt"
	"math"
	"slices"
)

// graphRun is one pass through a Graph.
type graphRun struct {
	tape   *Tape[float32]
	graph  *Graph
	values map[string]*Node[float32]
	ints   map[string][]int // shapes that the pass computed
}

// value is an op's float input; nil for one that is left out.
func (r *graphRun) value(n *graphNode, i int) *Node[float32] {
	if i >= len(n.in) || n.in[i] == "" {
		return nil
	}
	name := n.in[i]
	if v := r.values[name]; v != nil {
		return v
	}
	p := r.graph.by[name]
	if p == nil {
		panic(fmt.Sprintf("%s of %s is missing", name, n.kind))
	}
	v := r.tape.Use(p)
	r.values[name] = v
	return v
}

// whole is an op's input of integers; ok tells whether it is one.
func (r *graphRun) whole(n *graphNode, i int) (v []int, ok bool) {
	if i >= len(n.in) {
		return nil, false
	}
	if v, ok = r.ints[n.in[i]]; ok {
		return v, true
	}
	v, ok = r.graph.ints[n.in[i]]
	return v, ok
}

// axes are given as an input, or in older files as an attribute.
func (r *graphRun) axes(n *graphNode, i int) []int {
	if v, ok := r.whole(n, i); ok {
		return v
	}
	return n.ints["axes"]
}

func (r *graphRun) op(n *graphNode) error {
	if n.kind == "Shape" {
		r.ints[n.out[0]] = r.value(n, 0).Shape
		return nil
	}
	if r.shapeOp(n) {
		return nil
	}
	y := graphOps[n.kind](r, n)
	if y == nil {
		return fmt.Errorf("%s of %v is not known here", n.kind, n.in)
	}
	r.values[n.out[0]] = y
	return nil
}

// shapeOp computes with shapes, which have no gradient.
func (r *graphRun) shapeOp(n *graphNode) bool {
	all := make([][]int, len(n.in))
	for i := range n.in {
		v, ok := r.whole(n, i)
		if !ok {
			return false
		}
		all[i] = v
	}
	switch n.kind {
	case "Gather":
		var out []int
		for _, i := range all[1] {
			out = append(out, all[0][(i+len(all[0]))%len(all[0])])
		}
		r.ints[n.out[0]] = out
	case "Concat":
		r.ints[n.out[0]] = slices.Concat(all...)
	case "Unsqueeze", "Squeeze", "Cast":
		r.ints[n.out[0]] = all[0]
	case "Mul":
		r.ints[n.out[0]] = []int{all[0][0] * all[1][0]}
	default:
		return false
	}
	return true
}

type graphOp func(r *graphRun, n *graphNode) *Node[float32]

// eachOp makes an op of one input from its value and slope.
func eachOp(f func(v float64) (y, slope float64)) graphOp {
	return func(r *graphRun, n *graphNode) *Node[float32] {
		return r.tape.each1(r.value(n, 0), func(v float32) (float32, float32) {
			y, s := f(float64(v))
			return float32(y), float32(s)
		})
	}
}

// pairOp makes an op of two inputs that broadcast, from its value and slopes.
func pairOp(f func(a, b float32) (y, da, db float32)) graphOp {
	return func(r *graphRun, n *graphNode) *Node[float32] {
		return r.tape.pair(r.value(n, 0), r.value(n, 1), f)
	}
}

var graphOps map[string]graphOp

func init() { // not a literal: Run refers to it
	graphOps = map[string]graphOp{
		"Add": addOp,
		"Sub": pairOp(func(a, b float32) (float32, float32, float32) { return a - b, 1, -1 }),
		"Mul": pairOp(func(a, b float32) (float32, float32, float32) { return a * b, b, a }),
		"Div": pairOp(func(a, b float32) (float32, float32, float32) { return a / b, 1 / b, -a / (b * b) }),
		"Min": pairOp(func(a, b float32) (float32, float32, float32) {
			if a <= b {
				return a, 1, 0
			}
			return b, 0, 1
		}),
		"Max": pairOp(func(a, b float32) (float32, float32, float32) {
			if a >= b {
				return a, 1, 0
			}
			return b, 0, 1
		}),
		"Pow":     pairOp(func(a, b float32) (float32, float32, float32) { return powered(a, b) }),
		"Sqrt":    eachOp(func(v float64) (float64, float64) { y := math.Sqrt(v); return y, .5 / y }),
		"Abs":     eachOp(func(v float64) (float64, float64) { return math.Abs(v), math.Copysign(1, v) }),
		"Sin":     eachOp(func(v float64) (float64, float64) { return math.Sin(v), math.Cos(v) }),
		"Cos":     eachOp(func(v float64) (float64, float64) { return math.Cos(v), -math.Sin(v) }),
		"Tanh":    eachOp(func(v float64) (float64, float64) { y := math.Tanh(v); return y, 1 - y*y }),
		"Sigmoid": eachOp(func(v float64) (float64, float64) { y := 1 / (1 + math.Exp(-v)); return y, y * (1 - y) }),
		"Softplus": eachOp(func(v float64) (float64, float64) {
			return math.Max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))), 1 / (1 + math.Exp(-v))
		}),
		"Relu": func(r *graphRun, n *graphNode) *Node[float32] { return r.tape.ReLU(r.value(n, 0)) },
		"Clip": clipOp, "Conv": convOp, "MatMul": matmulOp, "Gemm": gemmOp, "Softmax": softmaxOp, "LayerNormalization": layerNormOp, "ReduceMean": meanOp,
		"Reshape": reshapeOp, "Flatten": flattenOp, "Squeeze": squeezeOp, "Unsqueeze": unsqueezeOp, "Transpose": transposeOp, "Concat": concatOp, "Slice": sliceOp, "Gather": gatherOp,
	}
}

func addOp(r *graphRun, n *graphNode) *Node[float32] {
	a, b := r.value(n, 0), r.value(n, 1)
	if slices.Equal(a.Shape, b.Shape) && a.Grad != nil && b.Grad != nil {
		return r.tape.Add(a, b)
	}
	return r.tape.pair(a, b, func(a, b float32) (float32, float32, float32) { return a + b, 1, 1 })
}

func powered(a, b float32) (y, da, db float32) {
	p := math.Pow(float64(a), float64(b))
	if a > 0 {
		db = float32(p * math.Log(float64(a)))
	}
	return float32(p), float32(float64(b) * math.Pow(float64(a), float64(b)-1)), db
}

// pair is an elementwise op of two tensors whose shapes are matched from the right, an
// axis of 1 being repeated.
func (t *Tape[T]) pair(a, b *Node[T], f func(a, b T) (y, da, db T)) *Node[T] {
	shape, ia, ib := broadcast(a.Shape, b.Shape)
	y := t.node(shape...)
	sa, sb := t.buffer(len(y.Value)), t.buffer(len(y.Value))
	for i := range y.Value {
		y.Value[i], sa[i], sb[i] = f(a.Value[ia(i)], b.Value[ib(i)])
	}
	y.back = func() {
		for i, g := range y.Grad {
			if a.Grad != nil {
				a.Grad[ia(i)] += g * sa[i]
			}
			if b.Grad != nil {
				b.Grad[ib(i)] += g * sb[i]
			}
		}
	}
	return y
}

// broadcast gives the shape of two and where an element of it comes from.
func broadcast(a, b []int) (shape []int, ia, ib func(int) int) {
	rank := max(len(a), len(b))
	shape = make([]int, rank)
	full := func(s []int) []int { return append(slices.Repeat([]int{1}, rank-len(s)), s...) }
	fa, fb := full(a), full(b)
	for i := range shape {
		shape[i] = max(fa[i], fb[i])
		want((fa[i] == shape[i] || fa[i] == 1) && (fb[i] == shape[i] || fb[i] == 1), "%v with %v", a, b)
	}
	from := func(s []int) func(int) int {
		if slices.Equal(s, shape) {
			return func(i int) int { return i }
		}
		table := make([]int, size(shape))
		for i := range table {
			rest, step := i, 1
			for k := rank - 1; k >= 0; k-- {
				if s[k] > 1 {
					table[i] += rest % shape[k] * step
				}
				rest, step = rest/shape[k], step*s[k]
			}
		}
		return func(i int) int { return table[i] }
	}
	return shape, from(fa), from(fb)
}

func clipOp(r *graphRun, n *graphNode) *Node[float32] {
	low, high := float32(math.Inf(-1)), float32(math.Inf(1))
	if v := r.value(n, 1); v != nil {
		low = v.Value[0]
	}
	if v := r.value(n, 2); v != nil {
		high = v.Value[0]
	}
	if low == 0 && high == 6 {
		return r.tape.ReLU6(r.value(n, 0))
	}
	return r.tape.each1(r.value(n, 0), func(v float32) (float32, float32) {
		if v <= low {
			return low, 0
		}
		if v >= high {
			return high, 0
		}
		return v, 1
	})
}

func convOp(r *graphRun, n *graphNode) *Node[float32] {
	x, w, b := r.value(n, 0), r.value(n, 1), r.value(n, 2)
	pads, stride := n.ints["pads"], n.int("strides", 1)
	if pads == nil {
		pads = []int{0, 0, 0, 0}
	}
	pad := pads[0]
	if slices.Min(pads) != slices.Max(pads) { // TensorFlow's
		x, pad = r.tape.padded(x, pads), 0
	}
	y := r.tape.Conv(x, w, stride, pad, n.int("group", 1))
	if b == nil {
		return y
	}
	return r.tape.shifted(y, b)
}

// padded surrounds the pictures of x (N, C, H, W) with zeros: top, left, bottom, right.
func (t *Tape[T]) padded(x *Node[T], pads []int) *Node[T] {
	h, w := x.Shape[2], x.Shape[3]
	y := t.node(x.Shape[0], x.Shape[1], h+pads[0]+pads[2], w+pads[1]+pads[3])
	wide := y.Shape[3]
	row := func(i int) int { return (i/h*y.Shape[2]+i%h+pads[0])*wide + pads[1] }
	rows := len(x.Value) / w
	for i := range rows {
		copy(y.Value[row(i):], x.Value[i*w:(i+1)*w])
	}
	y.back = func() {
		if x.Grad == nil {
			return
		}
		for i := range rows {
			axpy(x.Grad[i*w:(i+1)*w], 1, y.Grad[row(i):][:w])
		}
	}
	return y
}

// shifted adds b (C) to the channels of x (N, C, H, W).
func (t *Tape[T]) shifted(x, b *Node[T]) *Node[T] {
	area, c := x.Shape[2]*x.Shape[3], x.Shape[1]
	y := t.node(x.Shape...)
	for i, v := range x.Value {
		y.Value[i] = v + b.Value[i/area%c]
	}
	y.back = func() {
		addTo(x.Grad, y.Grad)
		for i, g := range y.Grad {
			b.Grad[i/area%c] += g
		}
	}
	return y
}

// matmulOp multiplies x (…, M, K) with w (K, N) or w (…, K, N).
func matmulOp(r *graphRun, n *graphNode) *Node[float32] {
	return r.tape.product(r.value(n, 0), r.value(n, 1))
}

func (t *Tape[T]) product(a, b *Node[T]) *Node[T] {
	ra, rb := len(a.Shape), len(b.Shape)
	want(ra >= 2 && rb >= 2 && a.Shape[ra-1] == b.Shape[rb-2], "%v times %v", a.Shape, b.Shape)
	m, k, w := a.Shape[ra-2], a.Shape[ra-1], b.Shape[rb-1]
	y := t.node(append(slices.Clone(a.Shape[:ra-1]), w)...)
	times := len(a.Value) / (m * k)
	if rb == 2 { // one product
		times, m = 1, m*times
	}
	want(len(b.Value) == times*k*w, "%v times %v", a.Shape, b.Shape)
	for i := range times {
		matmul(a.Value[i*m*k:(i+1)*m*k], b.Value[i*k*w:(i+1)*k*w], y.Value[i*m*w:(i+1)*m*w], m, k, w)
	}
	y.back = func() {
		turned := t.buffer(max(m, w) * k)
		for i := range times {
			g := y.Grad[i*m*w : (i+1)*m*w]
			if a.Grad != nil {
				transpose(b.Value[i*k*w:(i+1)*k*w], turned[:k*w], k, w)
				matmul(g, turned[:k*w], a.Grad[i*m*k:(i+1)*m*k], m, w, k)
			}
			if b.Grad != nil {
				transpose(a.Value[i*m*k:(i+1)*m*k], turned[:m*k], m, k)
				matmul(turned[:m*k], g, b.Grad[i*k*w:(i+1)*k*w], k, m, w)
			}
		}
	}
	return y
}

func gemmOp(r *graphRun, n *graphNode) *Node[float32] {
	want(n.int("transB", 0) == 1 && n.int("transA", 0) == 0, "a Gemm without transB")
	for _, k := range []string{"alpha", "beta"} {
		v, ok := n.floats[k]
		want(!ok || v == 1, "a Gemm with %s %g", k, v)
	}
	return r.tape.Linear(r.value(n, 0), r.value(n, 1), r.value(n, 2))
}

func softmaxOp(r *graphRun, n *graphNode) *Node[float32] {
	x := r.value(n, 0)
	if axis := n.int("axis", -1); axis != -1 && axis != len(x.Shape)-1 {
		return nil
	}
	d := x.Shape[len(x.Shape)-1]
	y := r.tape.node(x.Shape...)
	copy(y.Value, x.Value)
	for i := 0; i < len(y.Value); i += d {
		softmax(y.Value[i : i+d])
	}
	y.back = func() {
		for i := 0; i < len(y.Value); i += d {
			sum := float32(0)
			for j := i; j < i+d; j++ {
				sum += y.Grad[j] * y.Value[j]
			}
			for j := i; j < i+d; j++ {
				x.Grad[j] += y.Value[j] * (y.Grad[j] - sum)
			}
		}
	}
	return y
}

func layerNormOp(r *graphRun, n *graphNode) *Node[float32] {
	if e, ok := n.floats["epsilon"]; ok && math.Abs(float64(e)-epsilon) > 1e-9 {
		return nil
	}
	return r.tape.LayerNorm(r.value(n, 0), r.value(n, 1), r.value(n, 2))
}

// meanOp is the mean over one axis.
func meanOp(r *graphRun, n *graphNode) *Node[float32] {
	x, axes := r.value(n, 0), r.axes(n, 1)
	if len(axes) != 1 {
		return nil
	}
	axis := (axes[0] + len(x.Shape)) % len(x.Shape)
	count, inner := x.Shape[axis], size(x.Shape[axis+1:])
	shape := slices.Clone(x.Shape)
	shape[axis] = 1
	if n.int("keepdims", 1) == 0 {
		shape = slices.Delete(shape, axis, axis+1)
	}
	y := r.tape.node(shape...)
	to := func(i int) int { return i/(inner*count)*inner + i%inner }
	for i, v := range x.Value {
		y.Value[to(i)] += v / float32(count)
	}
	y.back = func() {
		if x.Grad == nil {
			return
		}
		for i := range x.Value {
			x.Grad[i] += y.Grad[to(i)] / float32(count)
		}
	}
	return y
}
