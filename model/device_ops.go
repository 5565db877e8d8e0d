package model

import (
	"math"
	"slices"

	"classlens/cuda/exec"
)

var deviceFunctions = map[string]exec.Function{
	"Neg": exec.Negate, "Sigmoid": exec.Sigmoid, "Tanh": exec.Tanh, "Exp": exec.Exp, "Log": exec.Log, "Sqrt": exec.Sqrt, "Abs": exec.Abs, "Erf": exec.Erf,
	"Sin": exec.Sine, "Cos": exec.Cosine, "Floor": exec.Floor, "Ceil": exec.Ceil, "Reciprocal": exec.Reciprocal, "Softplus": exec.Softplus,
	"HardSwish": exec.HardSwish, "LeakyRelu": exec.Leaky,
}

var deviceOperators = map[string]exec.Operator{
	"Add": exec.Add, "Sub": exec.Sub, "Mul": exec.Mul, "Div": exec.Div, "Max": exec.Max, "Min": exec.Min, "PRelu": exec.PRelu,
}

func windowFor(w window) exec.Window {
	return exec.Window{KH: w.kh, KW: w.kw, SH: w.sh, SW: w.sw, DH: w.dh, DW: w.dw, Top: w.top, Left: w.left}
}

func (c *deviceCompiler) conv(n *node) bool {
	x, w := c.shape(n.inputs[0]), c.value(n.inputs[1])
	if len(x) != 4 || w == nil || len(w.shape) != 4 {
		return false
	}
	win, err := windowOf(n, w.shape[2], w.shape[3], x[2], x[3])
	groups := int(n.int("group", 1))
	if err != nil || groups < 1 || w.shape[1]*groups != x[1] || w.shape[0]%groups != 0 {
		return false
	}
	oh, ow := win.size(x[2], x[3])
	y := c.program.Add(x[0], w.shape[0], oh, ow)
	return c.made(n, &exec.Conv{X: c.in(n, 0), W: c.in(n, 1), Bias: c.in(n, 2), Residual: exec.None, Y: y, Window: windowFor(win), Groups: groups}, y)
}

func (c *deviceCompiler) convTranspose(n *node) bool {
	x, w := c.shape(n.inputs[0]), c.value(n.inputs[1])
	if len(x) != 4 || w == nil || len(w.shape) != 4 || n.int("group", 1) != 1 || w.shape[0] != x[1] {
		return false
	}
	win, err := windowOf(n, w.shape[2], w.shape[3], x[2], x[3])
	if err != nil {
		return false
	}
	extra := n.ints("output_padding", 0, 0)
	oh := (x[2]-1)*win.sh - win.top - win.bottom + (win.kh-1)*win.dh + 1 + int(extra[0])
	ow := (x[3]-1)*win.sw - win.left - win.right + (win.kw-1)*win.dw + 1 + int(extra[1])
	y := c.program.Add(x[0], w.shape[1], oh, ow)
	return c.made(n, &exec.ConvTranspose{X: c.in(n, 0), W: c.in(n, 1), Bias: c.in(n, 2), Y: y, Window: windowFor(win)}, y)
}

func (c *deviceCompiler) pool(n *node) bool {
	x, k := c.shape(n.inputs[0]), n.ints("kernel_shape")
	if len(x) != 4 || len(k) != 2 || n.int("ceil_mode", 0) != 0 || len(n.outputs) != 1 {
		return false
	}
	win, err := windowOf(n, int(k[0]), int(k[1]), x[2], x[3])
	if err != nil || win.dh != 1 || win.dw != 1 {
		return false
	}
	oh, ow := win.size(x[2], x[3])
	y := c.program.Add(x[0], x[1], oh, ow)
	return c.made(n, &exec.Pool{X: c.in(n, 0), Y: y, Window: windowFor(win), Average: n.op == "AveragePool", Counted: n.int("count_include_pad", 0) != 0}, y)
}

func (c *deviceCompiler) globalPool(n *node) bool {
	x := c.shape(n.inputs[0])
	shape := slices.Clone(x)
	for i := range shape[2:] {
		shape[2+i] = 1
	}
	how := exec.ReduceMean
	if n.op == "GlobalMaxPool" {
		how = exec.ReduceMax
	}
	y := c.program.Add(shape...)
	return c.made(n, &exec.Reduce{X: c.in(n, 0), Y: y, Outer: x[0] * x[1], N: count(x[2:]), Inner: 1, How: how}, y)
}

// batchNorm compiles a batch norm that was not merged into a convolution: a factor and an offset per channel.
func (c *deviceCompiler) batchNorm(n *node) bool {
	x := c.shape(n.inputs[0])
	var p [4]*value
	for i := range p {
		if p[i] = c.value(n.inputs[i+1]); p[i] == nil || p[i].len() != x[1] {
			return false
		}
	}
	scale, shift := newValue(x[1]), newValue(x[1])
	for k := range x[1] {
		f := p[0].at(k) / math.Sqrt(p[3].at(k)+float64(n.float("epsilon", 1e-5)))
		scale.floats[k], shift.floats[k] = float32(f), float32(p[1].at(k)-p[2].at(k)*f)
	}
	y := c.program.Add(x...)
	return c.made(n, &exec.Affine{X: c.in(n, 0), Scale: c.one(scale), Shift: c.one(shift), Y: y, Planes: x[0] * x[1], C: x[1], Area: count(x[2:])}, y)
}

func (c *deviceCompiler) layerNorm(n *node) bool {
	x := c.shape(n.inputs[0])
	axis := axisOf(n.int("axis", -1), len(x))
	if len(n.outputs) != 1 {
		return false
	}
	y := c.program.Add(x...)
	return c.made(n, &exec.LayerNorm{X: c.in(n, 0), Scale: c.in(n, 1), Shift: c.in(n, 2), Y: y, Rows: count(x[:axis]), N: count(x[axis:]), Epsilon: n.float("epsilon", 1e-5)}, y)
}

func (c *deviceCompiler) resize(n *node) bool {
	x := c.shape(n.inputs[0])
	call := &opCall{node: n, opset: c.net.graph.opset}
	for i, name := range n.inputs {
		v := c.value(name)
		if i > 0 && name != "" && v == nil {
			return false
		}
		call.in = append(call.in, v)
	}
	h, w, err := resizeSize(call, x)
	if err != nil || h < 1 || w < 1 {
		return false
	}
	transform := n.str("coordinate_transformation_mode", "half_pixel")
	if n.op == "Upsample" || c.net.graph.opset < 11 {
		transform = "asymmetric"
	}
	r := &exec.Resize{X: c.in(n, 0), Add: exec.None, Nearest: n.str("mode", "nearest") == "nearest", Rows: sides(n, x[2], h, transform), Columns: sides(n, x[3], w, transform)}
	r.Y = c.program.Add(x[0], x[1], h, w)
	return c.made(n, r, r.Y)
}

// sides says from which rows (or columns) each one of a resized map is computed, as in opResize.
func sides(n *node, in, out int, transform string) []exec.Side {
	all := make([]exec.Side, out)
	for i := range all {
		at := resizeSource(i, in, out, transform)
		if n.str("mode", "nearest") == "nearest" {
			all[i].First = nearest(at, in, n)
			all[i].Second = all[i].First
			continue
		}
		at = min(max(at, 0), float64(in-1))
		first := int(at)
		all[i] = exec.Side{First: first, Second: min(first+1, in-1), Share: float32(at - float64(first))}
	}
	return all
}

func (c *deviceCompiler) softmax(n *node) bool {
	x := c.shape(n.inputs[0])
	def := int64(-1)
	if c.net.graph.opset < 13 {
		def = 1
	}
	axis := axisOf(n.int("axis", def), len(x))
	rows, size, inner := count(x[:axis]), x[axis], count(x[axis+1:])
	if c.net.graph.opset < 13 {
		size, inner = size*inner, 1
	}
	if inner != 1 {
		return false
	}
	y := c.program.Add(x...)
	return c.made(n, &exec.Softmax{X: c.in(n, 0), Y: y, Rows: rows, N: size, Logarithm: n.op == "LogSoftmax"}, y)
}

// clip is Clip and Relu.
func (c *deviceCompiler) clip(n *node) bool {
	in := []*value{nil, nil, nil}
	for i, name := range n.inputs {
		if i > 0 && name != "" {
			if in[i] = c.value(name); in[i] == nil || len(in[i].floats) != 1 {
				return false
			}
		}
	}
	clamp := exec.Clamp{On: true, Hi: float32(math.Inf(1))}
	if n.op == "Clip" {
		clamp.Lo, clamp.Hi = n.clampLimits(in)
	}
	y := c.program.Add(c.shape(n.inputs[0])...)
	return c.made(n, &exec.Cut{X: c.in(n, 0), Y: y, Clamp: clamp}, y)
}

func (c *deviceCompiler) unary(n *node) bool {
	y := c.program.Add(c.shape(n.inputs[0])...)
	return c.made(n, &exec.Unary{X: c.in(n, 0), Y: y, F: deviceFunctions[n.op], K: n.float("alpha", .01)}, y)
}

func (c *deviceCompiler) reduce(n *node) bool {
	x := c.shape(n.inputs[0])
	axes := n.ints("axes")
	if len(n.inputs) > 1 && n.inputs[1] != "" {
		axes = c.value(n.inputs[1]).ints
	}
	first, last := 0, len(x)-1
	if axes != nil {
		first, last = len(x), -1
		for _, a := range axes {
			first, last = min(first, axisOf(a, len(x))), max(last, axisOf(a, len(x)))
		}
		if last-first+1 != len(axes) {
			return false // axes with others between them
		}
	}
	var shape []int
	for i, d := range x {
		if i < first || i > last {
			shape = append(shape, d)
		} else if n.int("keepdims", 1) != 0 {
			shape = append(shape, 1)
		}
	}
	how := map[string]exec.Reduction{"ReduceSum": exec.ReduceSum, "ReduceMean": exec.ReduceMean, "ReduceMax": exec.ReduceMax, "ReduceMin": exec.ReduceMin}[n.op]
	y := c.program.Add(shape...)
	return c.made(n, &exec.Reduce{X: c.in(n, 0), Y: y, Outer: count(x[:first]), N: count(x[first : last+1]), Inner: count(x[last+1:]), How: how}, y)
}
