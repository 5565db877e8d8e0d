package model

import (
	"fmt"
	"math"
	"slices"

	"classlens/model/cpu"
)

// opCall is one op with its inputs, ready to be evaluated; optional inputs that
// are not given are nil.
type opCall struct {
	node    *node
	opset   int64
	in      []*value
	kernels cpu.Kernels // for matrix products; the zero value: plain loops
	steps   []func()    // what computes the results, see do
}

// opFunc evaluates an op in plain Go: it is the reference for the kernels, and runs what
// they do not cover. It checks shapes and allocates memory itself, and computes
// values in steps (do), so that later runs only repeat the steps. It may panic on shapes that do not
// fit: callOp turns that into an error.
type opFunc func(c *opCall) ([]*value, error)

// do runs a step now and records it; a plan repeats it in later runs, with inputs of the same shapes but other values, perhaps
// elsewhere in memory. So a step must look up its inputs' floats itself, fill the results in place, and allocate nothing.
func (c *opCall) do(step func()) {
	step()
	c.steps = append(c.steps, step)
}

// ops are all ops that the engine supports, by their ONNX names.
var ops map[string]opFunc

// inputCounts are the least and the largest number of inputs of an op (anyNumber: no limit). The required ones cannot be omitted by an empty name.
var inputCounts = map[string][2]int{
	"Conv": {2, 3}, "ConvTranspose": {2, 3}, "MaxPool": {1, 1}, "AveragePool": {1, 1}, "GlobalAveragePool": {1, 1}, "GlobalMaxPool": {1, 1},
	"BatchNormalization": {5, 5}, "LayerNormalization": {2, 3}, "Resize": {1, 4}, "Upsample": {1, 2}, "MatMul": {2, 2}, "Gemm": {2, 3}, "Softmax": {1, 1}, "LogSoftmax": {1, 1},
	"Clip": {1, 3}, "PRelu": {2, 2}, "Pad": {1, 4}, "Concat": {1, anyNumber}, "Reshape": {1, 2}, "Flatten": {1, 1}, "Transpose": {1, 1}, "Slice": {1, 5}, "Split": {1, 2},
	"Squeeze": {1, 2}, "Unsqueeze": {1, 2}, "Gather": {2, 2}, "Shape": {1, 1}, "Cast": {1, 1}, "Constant": {0, 0}, "ConstantOfShape": {1, 1}, "Expand": {2, 2}, "Where": {3, 3},
	"ReduceMean": {1, 2}, "ReduceSum": {1, 2}, "ReduceMax": {1, 2}, "ReduceMin": {1, 2}, "Identity": {1, 1}, "Dropout": {1, 3}, "LeakyRelu": {1, 1}, "CumSum": {2, 2},
	"LSTM": {3, 8}, "GRU": {3, 6}, opNamePerson: {5, 5}, opNameMeans: {1, 1}, "Max": {1, anyNumber}, "Min": {1, anyNumber},
}

const anyNumber = maxNodes

// shapeInputs are the inputs of an op whose values, not only their shapes, determine the shapes of the results.
func (n *node) shapeInputs() []string {
	switch n.op {
	case "ConstantOfShape":
		return n.inputs
	case "Reshape", "Expand", "Squeeze", "Unsqueeze", "Slice", "Split", "Pad", "Resize", "Upsample", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "CumSum":
		return n.inputs[1:]
	}
	return nil
}

// checkInputs checks the number of a supported op's inputs.
func (n *node) checkInputs() error {
	counts, ok := inputCounts[n.op]
	switch {
	case ok:
	case unaryOps[n.op] != nil:
		counts = [2]int{1, 1}
	default:
		counts = [2]int{2, 2}
	}
	if len(n.inputs) < counts[0] || len(n.inputs) > counts[1] || slices.Contains(n.inputs[:counts[0]], "") {
		return fmt.Errorf("%w: op %s (%s) has %d inputs (%d to %d are possible)", ErrMalformed, n.op, n.name, len(n.inputs), counts[0], counts[1])
	}
	return nil
}

func init() {
	ops = map[string]opFunc{
		"Conv": opConv, "ConvTranspose": opConvTranspose, "MaxPool": opPool, "AveragePool": opPool, "GlobalAveragePool": opGlobalAveragePool,
		"GlobalMaxPool": opGlobalMaxPool, "BatchNormalization": opBatchNorm, "LayerNormalization": opLayerNorm, "Resize": opResize, "Upsample": opResize,
		"MatMul": opMatMul, "Gemm": opGemm, "Softmax": opSoftmax, "LogSoftmax": opSoftmax, "Clip": opClip, "PRelu": opPRelu,
		"Pad": opPad, "Concat": opConcat, "Reshape": opReshape, "Flatten": opFlatten, "Transpose": opTranspose, "Slice": opSlice, "Split": opSplit,
		"Squeeze": opSqueeze, "Unsqueeze": opUnsqueeze, "Gather": opGather, "Shape": opShape, "Cast": opCast, "Constant": opConstant,
		"ConstantOfShape": opConstantOfShape, "Expand": opExpand, "Where": opWhere,
		"ReduceMean": opReduce, "ReduceSum": opReduce, "ReduceMax": opReduce, "ReduceMin": opReduce,
		"Identity": opIdentity, "Dropout": opIdentity, "LeakyRelu": opLeakyRelu, "CumSum": opCumSum, "LSTM": opLSTM, "GRU": opGRU,
		opNamePerson: opPersonPoints, opNameMeans: opWindowMeans,
	}
	for name, f := range unaryOps {
		ops[name] = unary(f, nil)
	}
	ops["Relu"] = unary(unaryOps["Relu"], func(out, in []float32) {
		for i, x := range in {
			out[i] = max(x, 0)
		}
	})
	for name, f := range binaryOps {
		ops[name] = elementwise(f, floatLoops[name])
	}
	for name, f := range comparisons {
		ops[name] = compare(f)
	}
}

// callOp evaluates an op and turns a panic over impossible shapes into an error.
func callOp(f opFunc, c *opCall) (out []*value, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("%w: inputs of shapes %v do not fit (%v)", ErrMalformed, shapesOf(c.in), r)
		}
	}()
	if out, err = f(c); err != nil {
		return nil, err
	}
	return out, nil
}

func shapesOf(in []*value) [][]int {
	shapes := make([][]int, len(in))
	for i, v := range in {
		if v != nil {
			shapes[i] = v.shape
		}
	}
	return shapes
}

// newValue makes zeros of a shape; it panics if that is larger than any real network needs.
func newValue(shape ...int) *value {
	n := 1
	for _, d := range shape {
		if d < 0 || d > maxElements || n*d > maxElements {
			panic(fmt.Sprintf("a tensor of shape %v", shape))
		}
		n *= d
	}
	return &value{shape: slices.Clone(shape), floats: make([]float32, n)}
}

func one(v *value) ([]*value, error) { return []*value{v}, nil }

// input is the i-th input, nil when it is not given.
func (c *opCall) input(i int) *value {
	if i >= len(c.in) {
		return nil
	}
	return c.in[i]
}

// at is the i-th element as a number, whatever its kind.
func (v *value) at(i int) float64 {
	if v.isInt() {
		return float64(v.ints[i])
	}
	return float64(v.floats[i])
}

func (v *value) len() int { return count(v.shape) }

// axisOf makes a negative axis count from the end.
func axisOf(axis int64, dims int) int {
	if axis < 0 {
		axis += int64(dims)
	}
	if axis < 0 || int(axis) > dims {
		panic(fmt.Sprintf("axis %d of %d", axis, dims))
	}
	return int(axis)
}

// axes are given as an input (newer opsets) or an attribute.
func (c *opCall) axes(input int) []int64 {
	if v := c.input(input); v != nil {
		return v.ints
	}
	return c.node.ints("axes")
}

var unaryOps = map[string]func(float64) float64{
	"Relu": func(x float64) float64 { return math.Max(x, 0) }, "Neg": func(x float64) float64 { return -x },
	"Sigmoid": func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, "Tanh": math.Tanh, "Exp": math.Exp, "Log": math.Log,
	"Sqrt": math.Sqrt, "Abs": math.Abs, "Erf": math.Erf, "Sin": math.Sin, "Cos": math.Cos, "Floor": math.Floor, "Ceil": math.Ceil,
	"Reciprocal": func(x float64) float64 { return 1 / x }, "Softplus": func(x float64) float64 { return math.Log1p(math.Exp(x)) },
	"HardSwish": func(x float64) float64 { return x * min(max(x/6+.5, 0), 1) },
	"Not": func(x float64) float64 {
		if x == 0 {
			return 1
		}
		return 0
	},
}

// unary applies f to each element; loop, or nil, is the same over slices of floats.
func unary(f func(float64) float64, loop func(out, in []float32)) opFunc {
	return func(c *opCall) ([]*value, error) {
		in := c.in[0]
		if in.isInt() {
			out := &value{shape: in.shape, ints: make([]int64, len(in.ints))}
			c.do(func() {
				for i, x := range in.ints {
					out.ints[i] = int64(f(float64(x)))
				}
			})
			return one(out)
		}
		out := newValue(in.shape...)
		c.do(func() {
			if loop != nil {
				loop(out.floats, in.floats)
				return
			}
			for i, x := range in.floats {
				out.floats[i] = float32(f(float64(x)))
			}
		})
		return one(out)
	}
}

// The ops with parameters among the elementwise ones.
func opClip(c *opCall) ([]*value, error) {
	out := newValue(c.in[0].shape...)
	c.do(func() {
		lo, hi := c.node.clampLimits(c.in)
		for i, x := range c.in[0].floats {
			out.floats[i] = min(max(x, lo), hi)
		}
	})
	return one(out)
}

// clampLimits of a Clip op, from attributes (old) or inputs (since opset 11).
func (n *node) clampLimits(in []*value) (lo, hi float32) {
	lo, hi = n.float("min", float32(math.Inf(-1))), n.float("max", float32(math.Inf(1)))
	if len(in) > 1 && in[1] != nil {
		lo = in[1].floats[0]
	}
	if len(in) > 2 && in[2] != nil {
		hi = in[2].floats[0]
	}
	return lo, hi
}

func opPRelu(c *opCall) ([]*value, error) {
	return elementwise(func(x, slope float64) float64 {
		if x < 0 {
			return x * slope
		}
		return x
	}, nil)(c)
}

func opLeakyRelu(c *opCall) ([]*value, error) {
	slope := float64(c.node.float("alpha", .01))
	return unary(func(x float64) float64 {
		if x < 0 {
			return x * slope
		}
		return x
	}, nil)(c)
}

func opIdentity(c *opCall) ([]*value, error) { return one(c.in[0]) }

var binaryOps = map[string]func(a, b float64) float64{
	"Add": func(a, b float64) float64 { return a + b }, "Sub": func(a, b float64) float64 { return a - b },
	"Mul": func(a, b float64) float64 { return a * b }, "Div": func(a, b float64) float64 { return a / b },
	"Pow": math.Pow, "Max": math.Max, "Min": math.Min,
}

var comparisons = map[string]func(a, b float64) bool{
	"Equal": func(a, b float64) bool { return a == b }, "Greater": func(a, b float64) bool { return a > b },
	"Less": func(a, b float64) bool { return a < b }, "And": func(a, b float64) bool { return a != 0 && b != 0 },
	"Or": func(a, b float64) bool { return a != 0 || b != 0 },
}

// broadcast is two shapes stretched to a common one.
type broadcast struct {
	shape, index   []int
	stepsA, stepsB []int // along each axis, 0 where it is stretched
	total          int
}

func newBroadcast(a, b []int) *broadcast {
	n := max(len(a), len(b))
	shape, sa, sb := make([]int, n), make([]int, n), make([]int, n)
	strideA, strideB := 1, 1
	for i := n - 1; i >= 0; i-- {
		da, db := 1, 1
		if j := i - n + len(a); j >= 0 {
			da = a[j]
		}
		if j := i - n + len(b); j >= 0 {
			db = b[j]
		}
		if da != db && da != 1 && db != 1 {
			panic(fmt.Sprintf("%v and %v cannot be broadcast", a, b))
		}
		if shape[i] = max(da, db); da == 0 || db == 0 {
			shape[i] = 0
		}
		if da > 1 {
			sa[i] = strideA
		}
		if db > 1 {
			sb[i] = strideB
		}
		strideA, strideB = strideA*da, strideB*db
	}
	total := 1
	for _, d := range shape {
		if total *= d; total > maxElements {
			panic(fmt.Sprintf("a tensor of shape %v", shape))
		}
	}
	return &broadcast{shape, make([]int, n), sa, sb, total}
}

// each walks through the common shape; f gets the element's number and its places in a and b.
func (s *broadcast) each(f func(i, ia, ib int)) {
	clear(s.index)
	ia, ib := 0, 0
	for i := range s.total {
		f(i, ia, ib)
		for d := len(s.shape) - 1; d >= 0; d-- {
			s.index[d]++
			ia, ib = ia+s.stepsA[d], ib+s.stepsB[d]
			if s.index[d] < s.shape[d] {
				break
			}
			ia, ib = ia-s.stepsA[d]*s.shape[d], ib-s.stepsB[d]*s.shape[d]
			s.index[d] = 0
		}
	}
}

// floatLoops are the common operators over slices of one length: a float64's sum, difference, product or quotient of two
// float32, rounded, is the float32's own (Figueroa 1995), so that nothing differs but the time.
var floatLoops = map[string]func(out, a, b []float32){
	"Add": func(out, a, b []float32) {
		for i, x := range a {
			out[i] = x + b[i]
		}
	},
	"Sub": func(out, a, b []float32) {
		for i, x := range a {
			out[i] = x - b[i]
		}
	},
	"Mul": func(out, a, b []float32) {
		for i, x := range a {
			out[i] = x * b[i]
		}
	},
	"Div": func(out, a, b []float32) {
		for i, x := range a {
			out[i] = x / b[i]
		}
	},
}

// elementwise applies f, over slices of floats by loop where there is one.
func elementwise(f func(a, b float64) float64, loop func(out, a, b []float32)) opFunc {
	return func(c *opCall) ([]*value, error) {
		out := c.in[0]
		for _, b := range c.in[1:] {
			out = c.binary(f, loop, out, b)
		}
		return one(out)
	}
}

// floats is the result for floats of one shape, and for those of which one is the other's part over and over; nil for others.
func (c *opCall) floats(loop func(out, a, b []float32), a, b *value) *value {
	if a.isInt() || b.isInt() {
		return nil
	}
	switch {
	case slices.Equal(a.shape, b.shape):
		out := newValue(a.shape...)
		c.do(func() { loop(out.floats, a.floats, b.floats) })
		return out
	case repeats(b.shape, a.shape):
		out, n := newValue(a.shape...), len(b.floats)
		c.do(func() {
			for i := 0; i < len(out.floats); i += n {
				loop(out.floats[i:i+n], a.floats[i:i+n], b.floats)
			}
		})
		return out
	case repeats(a.shape, b.shape):
		out, n := newValue(b.shape...), len(a.floats)
		c.do(func() {
			for i := 0; i < len(out.floats); i += n {
				loop(out.floats[i:i+n], a.floats, b.floats[i:i+n])
			}
		})
		return out
	}
	return nil
}

// repeats: a tensor of the small shape, stretched to the large one, is itself over
// and over again, such as a bias.
func repeats(small, large []int) bool {
	if len(small) > len(large) {
		return false
	}
	for len(small) > 0 && small[0] == 1 {
		small = small[1:]
	}
	return len(small) <= len(large) && slices.Equal(small, large[len(large)-len(small):]) && !slices.Contains(large, 0)
}

// binary applies f to two tensors stretched to one shape; loop, or nil, is the same over slices.
func (c *opCall) binary(f func(a, b float64) float64, loop func(out, a, b []float32), a, b *value) *value {
	if loop == nil {
		loop = func(out, a, b []float32) {
			for i, x := range a {
				out[i] = float32(f(float64(x), float64(b[i])))
			}
		}
	}
	if out := c.floats(loop, a, b); out != nil {
		return out
	}
	both := newBroadcast(a.shape, b.shape)
	if a.isInt() && b.isInt() {
		out := &value{shape: both.shape, ints: make([]int64, both.total)}
		c.do(func() {
			both.each(func(i, ia, ib int) { out.ints[i] = int64(f(float64(a.ints[ia]), float64(b.ints[ib]))) })
		})
		return out
	}
	out := newValue(both.shape...)
	c.do(func() {
		both.each(func(i, ia, ib int) { out.floats[i] = float32(f(a.at(ia), b.at(ib))) })
	})
	return out
}

func compare(f func(a, b float64) bool) opFunc {
	return func(c *opCall) ([]*value, error) {
		a, b := c.in[0], c.in[1]
		both := newBroadcast(a.shape, b.shape)
		out := &value{shape: both.shape, ints: make([]int64, both.total)}
		c.do(func() {
			both.each(func(i, ia, ib int) {
				if out.ints[i] = 0; f(a.at(ia), b.at(ib)) {
					out.ints[i] = 1
				}
			})
		})
		return one(out)
	}
}

func opWhere(c *opCall) ([]*value, error) {
	condition, a, b := c.in[0], c.in[1], c.in[2]
	out := newValue(newBroadcast(condition.shape, newBroadcast(a.shape, b.shape).shape).shape...)
	whole := newValue(out.shape...) // a, stretched
	overC, overA, overB := newBroadcast(out.shape, condition.shape), newBroadcast(out.shape, a.shape), newBroadcast(out.shape, b.shape)
	c.do(func() {
		overA.each(func(i, _, j int) { whole.floats[i] = float32(a.at(j)) })
		overB.each(func(i, _, j int) { out.floats[i] = float32(b.at(j)) })
		overC.each(func(i, _, j int) {
			if condition.ints[j] != 0 {
				out.floats[i] = whole.floats[i]
			}
		})
	})
	return one(out)
}
