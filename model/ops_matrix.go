package model

import (
	"fmt"
	"math"
	"slices"
)

// opMatMul multiplies the last two axes; those before are broadcast. A third input, which
// startFromBiases gives it, is added to each row.
func opMatMul(c *opCall) ([]*value, error) {
	a, b := c.in[0], c.in[1]
	if len(a.shape) == 1 {
		a = c.reshaped(a, []int{1, a.shape[0]})
	}
	if len(b.shape) == 1 {
		b = c.reshaped(b, []int{b.shape[0], 1})
	}
	na, nb := len(a.shape), len(b.shape)
	m, k, n := a.shape[na-2], a.shape[na-1], b.shape[nb-1]
	if b.shape[nb-2] != k {
		panic(fmt.Sprintf("%v times %v", a.shape, b.shape))
	}
	batch := newBroadcast(a.shape[:na-2], b.shape[:nb-2])
	out, bias := newValue(append(slices.Clone(batch.shape), m, n)...), c.input(2)
	c.do(func() {
		if bias == nil {
			clear(out.floats)
		} else {
			for at := 0; at < len(out.floats); at += n {
				copy(out.floats[at:at+n], bias.floats)
			}
		}
		if nb == 2 { // one second factor for all: one tall product
			c.product(a, b, out, batch.total*m, k, n)
			return
		}
		batch.each(func(i, ia, ib int) { c.matmul(a.floats[ia*m*k:], b.floats[ib*k*n:], out.floats[i*m*n:], m, k, n) })
	})
	if len(c.in[0].shape) == 1 || len(c.in[1].shape) == 1 {
		shape := slices.Clone(batch.shape)
		if len(c.in[0].shape) > 1 {
			shape = append(shape, m)
		}
		if len(c.in[1].shape) > 1 {
			shape = append(shape, n)
		}
		return one(c.reshaped(out, shape))
	}
	return one(out)
}

// product is matmul of values, which knows of packed constants.
func (c *opCall) product(a, b, out *value, m, k, n int) {
	if b.packed != nil {
		c.kernels.MatMulPacked(a.floats, b.packed, out.floats, m)
		return
	}
	c.matmul(a.floats, b.floats, out.floats, m, k, n)
}

// matmul adds a (m, k) times b (k, n) to out (m, n), rows of b in cache order.
func (c *opCall) matmul(a, b, out []float32, m, k, n int) {
	if c.kernels.MatMul(a, b, out, m, k, n) {
		return
	}
	for i := range m {
		o := out[i*n : (i+1)*n]
		for j := range k {
			x, row := a[i*k+j], b[j*n:(j+1)*n]
			if x == 0 {
				continue
			}
			for q, y := range row {
				o[q] += x * y
			}
		}
	}
}

func opGemm(c *opCall) ([]*value, error) {
	a, b := c.in[0], c.in[1]
	if c.node.int("transA", 0) != 0 {
		a = c.transposed(a)
	}
	if c.node.int("transB", 0) != 0 {
		b = c.transposed(b)
	}
	m, k, n := a.shape[0], a.shape[1], b.shape[1]
	if b.shape[0] != k {
		panic(fmt.Sprintf("%v times %v", a.shape, b.shape))
	}
	out := newValue(m, n)
	alpha, beta := float64(c.node.float("alpha", 1)), float64(c.node.float("beta", 1))
	bias := c.input(2)
	first := bias != nil && alpha == 1 && beta == 1 && repeats(bias.shape, out.shape) // the product is added to it
	c.do(func() {
		if !first {
			clear(out.floats)
		} else {
			for at := 0; at < m*n; at += len(bias.floats) {
				copy(out.floats[at:], bias.floats)
			}
		}
		c.product(a, b, out, m, k, n)
	})
	if bias != nil && !first {
		return one(c.binary(func(x, y float64) float64 { return alpha*x + beta*y }, nil, out, bias))
	} else if alpha != 1 {
		return one(c.binary(func(x, y float64) float64 { return x * y }, floatLoops["Mul"], out, &value{shape: []int{1}, floats: []float32{float32(alpha)}}))
	}
	return one(out)
}

func (c *opCall) transposed(v *value) *value {
	out := newValue(v.shape[1], v.shape[0])
	c.do(func() { transpose(out.floats, v.floats, v.shape[0], v.shape[1]) })
	return out
}

func transposed(v *value) *value {
	return (&opCall{}).transposed(v)
}

// transpose writes in (rows, columns) to out (columns, rows).
func transpose(out, in []float32, rows, columns int) {
	for r := range rows {
		for q := range columns {
			out[q*rows+r] = in[r*columns+q]
		}
	}
}

// opSoftmax is Softmax and LogSoftmax; before opset 13 they flatten all axes
// from the given one on.
func opSoftmax(c *opCall) ([]*value, error) {
	in := c.in[0]
	def := int64(-1)
	if c.opset < 13 {
		def = 1
	}
	axis := axisOf(c.node.int("axis", def), len(in.shape))
	outer, n, inner := count(in.shape[:axis]), in.shape[axis], count(in.shape[axis+1:])
	if c.opset < 13 {
		n, inner = n*inner, 1
	}
	out := newValue(in.shape...)
	c.do(func() {
		for o := range outer {
			for i := range inner {
				softmaxRow(in.floats, out.floats, o*n*inner+i, inner, n, c.node.op == "LogSoftmax")
			}
		}
	})
	return one(out)
}

func softmaxRow(in, out []float32, at, stride, n int, logarithm bool) {
	most := math.Inf(-1)
	for k := range n {
		most = math.Max(most, float64(in[at+k*stride]))
	}
	sum := 0.0
	for k := range n {
		sum += math.Exp(float64(in[at+k*stride]) - most)
	}
	for k := range n {
		x := float64(in[at+k*stride]) - most
		if logarithm {
			out[at+k*stride] = float32(x - math.Log(sum))
		} else {
			out[at+k*stride] = float32(math.Exp(x) / sum)
		}
	}
}

// opReduce is ReduceMean, ReduceSum, ReduceMax and ReduceMin.
func opReduce(c *opCall) ([]*value, error) {
	in := c.in[0]
	axes := c.axes(1)
	reduced := make([]bool, len(in.shape))
	for _, a := range axes {
		reduced[axisOf(a, len(in.shape))] = true
	}
	var kept, full []int
	n := 1
	for i, d := range in.shape {
		if axes == nil || reduced[i] {
			reduced[i] = true
			full, n = append(full, 1), n*d
		} else {
			kept, full = append(kept, d), append(full, d)
		}
	}
	start := map[string]float64{"ReduceMax": math.Inf(-1), "ReduceMin": math.Inf(1)}[c.node.op]
	both, out := newBroadcast(in.shape, full), newValue(full...)
	sums := make([]float64, len(out.floats))
	c.do(func() {
		for i := range sums {
			sums[i] = start
		}
		both.each(func(_, i, j int) {
			x := in.at(i)
			switch c.node.op {
			case "ReduceMax":
				sums[j] = math.Max(sums[j], x)
			case "ReduceMin":
				sums[j] = math.Min(sums[j], x)
			default:
				sums[j] += x
			}
		})
		for i, s := range sums {
			if c.node.op == "ReduceMean" {
				s /= float64(n)
			}
			out.floats[i] = float32(s)
		}
	})
	if c.node.int("keepdims", 1) == 0 {
		return one(c.reshaped(out, kept))
	}
	return one(out)
}

func opLayerNorm(c *opCall) ([]*value, error) {
	in := c.in[0]
	axis := axisOf(c.node.int("axis", -1), len(in.shape))
	n, epsilon := count(in.shape[axis:]), float64(c.node.float("epsilon", 1e-5))
	out, bias := newValue(in.shape...), c.input(2)
	if bias == nil {
		bias = newValue(n)
	}
	c.do(func() {
		scale, shift := c.in[1].floats[:n], bias.floats[:n]
		for at := 0; at < len(in.floats); at += n {
			mean, variance := 0.0, 0.0
			for _, x := range in.floats[at : at+n] {
				mean += float64(x)
			}
			mean /= float64(n)
			for _, x := range in.floats[at : at+n] {
				variance += (float64(x) - mean) * (float64(x) - mean)
			}
			k := 1 / math.Sqrt(variance/float64(n)+epsilon)
			for i, x := range in.floats[at : at+n] {
				out.floats[at+i] = float32((float64(x)-mean)*k*float64(scale[i]) + float64(shift[i]))
			}
		}
	})
	return one(out)
}

func opBatchNorm(c *opCall) ([]*value, error) {
	in := c.in[0]
	epsilon := float64(c.node.float("epsilon", 1e-5))
	channels, inner := in.shape[1], count(in.shape[2:])
	out := newValue(in.shape...)
	c.do(func() {
		for i, x := range in.floats {
			k := i / inner % channels
			scale, shift, mean, variance := c.in[1].floats[k], c.in[2].floats[k], c.in[3].floats[k], c.in[4].floats[k]
			out.floats[i] = float32((float64(x)-float64(mean))/math.Sqrt(float64(variance)+epsilon)*float64(scale) + float64(shift))
		}
	})
	return one(out)
}
