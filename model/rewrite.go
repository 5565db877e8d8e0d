package model

import (
	"slices"

	"classlens/model/cpu"
)

// rewrite changes the graph into an equivalent one that runs faster. It depends on what
// the kernels are good at, so it is not part of newGraph: the plain
// loops that tests compare the kernels with run the graph as it is in the file.
func (g *graph) rewrite() {
	g.foldNegatedCopies()
	g.clampBeforePooling()
	g.mergePointwise()
	g.transposeConstants()
}

// readersOf lists the ops that read each tensor.
func (g *graph) readersOf() map[string][]int {
	m := map[string][]int{}
	for i, n := range g.nodes {
		for _, name := range n.inputs {
			m[name] = append(m[name], i)
		}
	}
	return m
}

// foldNegatedCopies turns Concat(Conv(x), Neg(Conv(x))), the first half of a concatenated
// ReLU, into one convolution whose weights are repeated, negated. It pays off
// if the doubled channels need fewer blocks than two maps would: 24 channels fill
// one and a half.
func (g *graph) foldNegatedCopies() {
	uses, readers := g.uses(), g.readersOf()
	gone := map[*node]bool{}
	for _, conv := range g.nodes {
		if conv.op != "Conv" || len(conv.inputs) < 2 || len(conv.outputs) != 1 || uses[conv.outputs[0]] != 2 || len(readers[conv.outputs[0]]) != 2 {
			continue
		}
		neg, concat := g.nodes[readers[conv.outputs[0]][0]], g.nodes[readers[conv.outputs[0]][1]]
		if neg.op != "Neg" {
			neg, concat = concat, neg
		}
		if neg.op != "Neg" || concat.op != "Concat" || concat.int("axis", 1) != 1 || len(neg.outputs)*len(concat.outputs) != 1 || uses[neg.outputs[0]] != 1 ||
			!slices.Equal(concat.inputs, []string{conv.outputs[0], neg.outputs[0]}) || !g.negate(conv) {
			continue
		}
		conv.outputs = []string{concat.outputs[0]}
		gone[neg], gone[concat] = true, true
	}
	g.nodes = slices.DeleteFunc(g.nodes, func(n *node) bool { return gone[n] })
}

// negate makes a convolution repeat its outputs, negated; false if it cannot, or if that would
// cost more than copying.
func (g *graph) negate(conv *node) bool {
	w := g.constants[conv.inputs[1]]
	if w == nil || w.isInt() || len(w.shape) != 4 || conv.int("group", 1) != 1 {
		return false
	}
	cout := w.shape[0]
	if cpu.Blocks(2*cout) >= 2*cpu.Blocks(cout) {
		return false
	}
	bias := make([]float32, cout)
	if len(conv.inputs) > 2 && conv.inputs[2] != "" {
		b := g.constants[conv.inputs[2]]
		if b == nil || len(b.floats) != cout {
			return false
		}
		copy(bias, b.floats)
	}
	shape := slices.Clone(w.shape)
	shape[0] *= 2
	names := []string{conv.inputs[0], conv.outputs[0] + "/both weights", conv.outputs[0] + "/both biases"}
	g.constants[names[1]] = &value{shape: shape, floats: withNegated(w.floats)}
	g.constants[names[2]] = &value{shape: []int{2 * cout}, floats: withNegated(bias)}
	conv.inputs = names
	return true
}

func withNegated(v []float32) []float32 {
	both := slices.Clone(v)
	for _, x := range v {
		both = append(both, -x)
	}
	return both
}

// clampBeforePooling turns Relu(MaxPool(Conv(x))) into MaxPool(Relu(Conv(x))), which gives
// the same numbers, because a convolution clamps its results at no cost.
func (g *graph) clampBeforePooling() {
	uses, readers := g.uses(), g.readersOf()
	made, _ := producers(g.nodes) // checked before
	for i, pool := range g.nodes {
		if pool.op != "MaxPool" || len(pool.inputs) != 1 || len(pool.outputs) != 1 || uses[pool.outputs[0]] != 1 || len(readers[pool.outputs[0]]) != 1 {
			continue
		}
		conv := made[pool.inputs[0]]
		j := readers[pool.outputs[0]][0]
		relu := g.nodes[j]
		if conv == nil || conv.op != "Conv" || uses[pool.inputs[0]] != 1 || relu.op != "Relu" || len(relu.outputs) != 1 {
			continue
		}
		between := pool.outputs[0]
		pool.inputs, relu.inputs = []string{between}, []string{pool.inputs[0]}
		pool.outputs, relu.outputs = relu.outputs, []string{between}
		g.nodes[i], g.nodes[j] = relu, pool
	}
}

// mergePointwise merges two consecutive pointwise convolutions with
// nothing between them, W2(W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2), if that takes fewer
// products, as with a projection to 96 channels that is read only by one to 48. The weights are
// multiplied in float64; the result differs only by the rounding of the map between.
func (g *graph) mergePointwise() {
	uses, readers := g.uses(), g.readersOf()
	gone := map[*node]bool{}
	for _, first := range g.nodes {
		if len(first.outputs) != 1 || uses[first.outputs[0]] != 1 || len(readers[first.outputs[0]]) != 1 {
			continue
		}
		second := g.nodes[readers[first.outputs[0]][0]]
		w1, b1 := g.pointwiseOf(first)
		w2, b2 := g.pointwiseOf(second)
		if w1 == nil || w2 == nil || second.inputs[0] != first.outputs[0] || w2.shape[1] != w1.shape[0] {
			continue
		}
		cin, middle, cout := w1.shape[1], w1.shape[0], w2.shape[0]
		if cin*cout >= middle*(cin+cout) {
			continue
		}
		w, b := make([]float32, cout*cin), make([]float32, cout)
		row := make([]float64, cin)
		for o := range cout {
			clear(row)
			sum := float64(b2[o])
			for m, k := range w2.floats[o*middle : (o+1)*middle] {
				sum += float64(k) * float64(b1[m])
				for i, x := range w1.floats[m*cin : (m+1)*cin] {
					row[i] += float64(k) * float64(x)
				}
			}
			b[o] = float32(sum)
			for i, x := range row {
				w[o*cin+i] = float32(x)
			}
		}
		names := []string{first.inputs[0], second.outputs[0] + "/merged weights", second.outputs[0] + "/merged biases"}
		g.constants[names[1]] = &value{shape: []int{cout, cin, 1, 1}, floats: w}
		g.constants[names[2]] = &value{shape: []int{cout}, floats: b}
		second.inputs = names
		gone[first] = true
	}
	g.nodes = slices.DeleteFunc(g.nodes, func(n *node) bool { return gone[n] })
}

// pointwiseOf gives a pointwise convolution's weights (cout, cin, 1, 1) and biases; nil if n is
// something else or its weights are not constants.
func (g *graph) pointwiseOf(n *node) (w *value, bias []float32) {
	if n.op != "Conv" || len(n.inputs) < 2 || len(n.outputs) != 1 || n.int("group", 1) != 1 || n.str("auto_pad", "NOTSET") != "NOTSET" {
		return nil, nil
	}
	if win, err := windowOf(n, 1, 1, 1, 1); err != nil || win.sh*win.sw != 1 || win.top+win.left+win.bottom+win.right != 0 {
		return nil, nil
	}
	w = g.constants[n.inputs[1]]
	if w == nil || w.isInt() || len(w.shape) != 4 || w.shape[2]*w.shape[3] != 1 || len(w.floats) != w.shape[0]*w.shape[1] {
		return nil, nil
	}
	if len(n.inputs) < 3 || n.inputs[2] == "" {
		return w, make([]float32, w.shape[0])
	}
	b := g.constants[n.inputs[2]]
	if b == nil || len(b.floats) != w.shape[0] {
		return nil, nil
	}
	return w, b.floats
}

// transposeConstants transposes constant second factors of Gemm to the layout that matrix products
// read, once instead of at every run.
func (g *graph) transposeConstants() {
	for _, n := range g.nodes {
		if n.op != "Gemm" || len(n.inputs) < 2 || n.int("transB", 0) == 0 {
			continue
		}
		b := g.constants[n.inputs[1]]
		if b == nil || b.isInt() || len(b.shape) != 2 {
			continue
		}
		name := n.inputs[1] + "/transposed"
		g.constants[name] = transposed(b)
		attrs := map[string]attribute{}
		for k, v := range n.attrs {
			if k != "transB" {
				attrs[k] = v
			}
		}
		n.inputs = append([]string{n.inputs[0], name}, n.inputs[2:]...)
		n.attrs = attrs
	}
}

// forKernels prepares constant factors and biases for the CPU kernels' matrix products.
func (g *graph) forKernels(kernels cpu.Kernels) {
	g.startFromBiases()
	g.packMatrices(kernels)
}

// startFromBiases turns Add(MatMul(x, w), b) with constants w and b into one op, MatMul with a third
// input, which is an extension of ours: sums begin with the biases, which saves a pass over the results.
func (g *graph) startFromBiases() {
	uses, readers := g.uses(), g.readersOf()
	gone := map[*node]bool{}
	for _, product := range g.nodes {
		if product.op != "MatMul" || len(product.inputs) != 2 || len(product.outputs) != 1 || uses[product.outputs[0]] != 1 || len(readers[product.outputs[0]]) != 1 {
			continue
		}
		at := readers[product.outputs[0]][0]
		add, w := g.nodes[at], g.constants[product.inputs[1]]
		if add.op != "Add" || len(add.inputs) != 2 || len(add.outputs) != 1 || w == nil || w.isInt() || len(w.shape) != 2 {
			continue
		}
		name := add.inputs[0]
		if name == product.outputs[0] {
			name = add.inputs[1]
		}
		if b := g.constants[name]; b == nil || b.isInt() || !slices.Equal(b.shape, w.shape[1:]) {
			continue
		}
		gone[product] = true
		g.nodes[at] = &node{op: product.op, name: product.name, attrs: product.attrs, inputs: []string{product.inputs[0], product.inputs[1], name}, outputs: add.outputs}
	}
	g.nodes = slices.DeleteFunc(g.nodes, func(n *node) bool { return gone[n] })
}

// packedColumns is the fewest columns worth packing: panels are padded with zeros.
const packedColumns = 16

// packMatrices packs constant second factors in the order in which the kernels read them, once instead of at every run.
func (g *graph) packMatrices(kernels cpu.Kernels) {
	for _, n := range g.nodes {
		if len(n.inputs) < 2 || (n.op != "MatMul" && n.op != "Gemm") || n.int("transB", 0) != 0 {
			continue
		}
		if b := g.constants[n.inputs[1]]; b != nil && b.packed == nil && !b.isInt() && len(b.shape) == 2 && b.shape[1] >= packedColumns && len(b.floats) > 0 {
			b.packed = kernels.PackMatrix(b.floats, b.shape[0], b.shape[1])
		}
	}
}
