package model

import (
	"slices"

	"classlens/cuda/exec"
)

// matMul multiplies the last two axes. A right side without a batch of its own turns
// the left one's batch into rows.
func (c *deviceCompiler) matMul(n *node) bool {
	a, b := c.shape(n.inputs[0]), c.shape(n.inputs[1])
	if len(a) < 2 || len(b) < 2 || a[len(a)-1] != b[len(b)-2] {
		return false
	}
	m, k, columns := a[len(a)-2], a[len(a)-1], b[len(b)-1]
	left, right := a[:len(a)-2], b[:len(b)-2]
	x := &exec.MatMul{A: c.in(n, 0), B: c.in(n, 1), Bias: exec.None, Residual: exec.None, Batch: 1, M: m, N: columns, K: k, StepA: m * k, StepB: k * columns, Alpha: 1}
	batch := left
	switch {
	case count(right) == 1 && len(right) <= len(left):
		x.M *= count(left)
	case slices.Equal(left, right):
		x.Batch = count(left)
	case count(left) == 1 && len(left) <= len(right):
		x.Batch, x.StepA, batch = count(right), 0, right
	default:
		return false
	}
	x.Y = c.program.Add(append(slices.Clone(batch), m, columns)...)
	return c.made(n, x, x.Y)
}

func (c *deviceCompiler) gemm(n *node) bool {
	a, b := slices.Clone(c.shape(n.inputs[0])), slices.Clone(c.shape(n.inputs[1]))
	x := &exec.MatMul{A: c.in(n, 0), B: c.in(n, 1), Bias: exec.None, Residual: exec.None, Batch: 1, Alpha: n.float("alpha", 1),
		TransA: n.int("transA", 0) != 0, TransB: n.int("transB", 0) != 0}
	if x.TransA && x.TransB {
		return false
	}
	if x.TransA {
		a[0], a[1] = a[1], a[0]
	}
	if x.TransB {
		b[0], b[1] = b[1], b[0]
	}
	if len(a) != 2 || len(b) != 2 || a[1] != b[0] {
		return false
	}
	x.M, x.K, x.N = a[0], a[1], b[1]
	if len(n.inputs) > 2 && n.inputs[2] != "" {
		bias := c.shape(n.inputs[2])
		if n.float("beta", 1) != 1 || count(bias) != x.N || bias[len(bias)-1] != x.N {
			return false
		}
		x.Bias = c.in(n, 2)
	}
	x.Y = c.program.Add(x.M, x.N)
	return c.made(n, x, x.Y)
}
