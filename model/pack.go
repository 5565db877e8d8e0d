package model

import (
	"slices"
	"sync"

	"classlens/model/cpu"
)

// packs are a network's weights in the order that the kernels read, made when a plan first needs them and kept
// until the network and all its twins are closed.
type packs struct {
	mu      sync.Mutex // held while a plan is compiled
	users   int
	weights map[weightKey]*cpu.Weights
	pairs   map[*layer][2]cpu.Vector // weights and bias of depthwise layers, and of heads' dot products
	vectors []cpu.Vector             // all vectors, including those of pairs
}

func newPacks() *packs {
	return &packs{users: 1, weights: map[weightKey]*cpu.Weights{}, pairs: map[*layer][2]cpu.Vector{}}
}

func (p *packs) use() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users++
}

// leave frees the memory after the last user.
func (p *packs) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users--; p.users > 0 {
		return
	}
	for _, w := range p.weights {
		w.Free()
	}
	for i := range p.vectors {
		p.vectors[i].Free()
	}
	p.weights, p.pairs, p.vectors = nil, nil, nil
}

// weightOrder is the order of a convolution's inputs for the
// micro-kernel.
type weightOrder int

const (
	plainOrder      weightOrder = iota // 1x1: channels
	spatialOrder                       // k x k: rows, columns, channels of full blocks; then those of a partial one
	firstOrder                         // reading the picture: rows, channels, columns
	firstHalf                          // the same, of the first half of the outputs
	transposedOrder                    // 2x2 transposed: four pointwise convolutions side by side
	headOrder                          // 1x1 at the end of a chain: the outputs that are not dots
)

func orderOf(l *layer) weightOrder {
	if l.win.kh == 1 && l.win.kw == 1 && l.win.top == 0 && l.win.left == 0 {
		return plainOrder
	}
	return spatialOrder
}

// weightKey identifies packed weights: one layer may be used in two ways (at different input
// shapes).
type weightKey struct {
	l     *layer
	order weightOrder
}

// weights packs a layer's weights, once per network.
func (c *compiler) weights(l *layer, order weightOrder) *cpu.Weights {
	key := weightKey{l, order}
	if w := c.net.packed.weights[key]; w != nil {
		return w
	}
	cout, k, bias, ordered := l.reorder(order)
	w, err := cpu.NewWeights(c.net.kernels, cout, k, ordered, bias)
	if err != nil {
		c.err = err
		return nil
	}
	c.net.packed.weights[key] = w
	return w
}

// reorder gives the weights as (cout, k): one row of inputs, in an order, per output.
func (l *layer) reorder(order weightOrder) (cout, k int, bias, w []float32) {
	s, src := l.weights.shape, l.weights.floats
	cout, bias = s[0], l.bias
	cin, area := s[1], s[2]*s[3]
	switch order {
	case plainOrder:
		return cout, cin, bias, src
	case headOrder:
		cout -= l.dots()
		if bias != nil {
			bias = bias[:cout]
		}
		return cout, cin, bias, src[:cout*cin]
	case transposedOrder:
		return l.reorderTransposed()
	case firstHalf:
		cout, k, bias, w = l.reorder(firstOrder)
		if bias != nil {
			bias = bias[:cout/2]
		}
		return cout / 2, k, bias, w[:cout/2*k]
	}
	kw := s[3]
	read := cin
	if order == firstOrder {
		read = l.planesRead()
	}
	k = area * read
	w = make([]float32, cout*k)
	whole := cin / cpu.Block * cpu.Block
	for o := range cout {
		for c := range read {
			for p := range area {
				var at int
				switch {
				case order == firstOrder:
					at = (p/kw*read+c)*kw + p%kw
				case c < whole:
					at = p*whole + c
				default:
					at = area*whole + p*(cin-whole) + c - whole
				}
				w[o*k+at] = src[(o*cin+c)*area+p]
			}
		}
	}
	return cout, k, bias, w
}

// mirrored tells whether the second half of the outputs is the first half negated, in half blocks: a first layer that is fused with a
// pooling then computes only the first half.
func (l *layer) mirrored() bool {
	half := l.weights.shape[0] / 2
	if l.weights.shape[0] != 2*half || half%cpu.HalfBlock != 0 {
		return false
	}
	negated := func(v []float32) bool {
		n := len(v) / 2
		for i, x := range v[:n] {
			if v[n+i] != -x {
				return false
			}
		}
		return true
	}
	return negated(l.weights.floats) && negated(l.bias)
}

// PlanesRead is how many of the leading planes of an input, (N, C, H, W), the network uses: C minus the planes at the
// end whose weights are all zero.
func (n *Net) PlanesRead(input string) int {
	read, all := 0, 0
	for _, p := range n.graph.inputs {
		if p.Name == input && len(p.Shape) == 4 {
			all = p.Shape[1]
		}
	}
	for _, node := range n.graph.nodes {
		for i, name := range node.inputs {
			if name != input {
				continue
			}
			var w *value
			if node.op == "Conv" && i == 0 && node.int("group", 1) == 1 {
				w = n.graph.constants[node.inputs[1]]
			}
			if w == nil || len(w.shape) != 4 {
				return all
			}
			read = max(read, (&layer{weights: w}).planesRead())
		}
	}
	return read
}

// planesRead is how many of the picture's planes a first layer reads: planes at the end
// whose weights are all zero, such as flow if the network was not trained on it, are skipped.
func (l *layer) planesRead() int {
	s, area := l.weights.shape, l.weights.shape[2]*l.weights.shape[3]
	for c := s[1] - 1; c > 0; c-- {
		for o := range s[0] {
			if at := (o*s[1] + c) * area; slices.ContainsFunc(l.weights.floats[at:at+area], func(w float32) bool { return w != 0 }) {
				return c + 1
			}
		}
	}
	return 1
}

// mostDots is how many outputs of a head are cheaper as dot products than as
// another half block of the micro-kernel.
const mostDots = 3

// dots is how many of a head's outputs, the last ones, are computed as dot products.
func (l *layer) dots() int {
	if n := l.weights.shape[0] % cpu.Block; n <= mostDots {
		return n
	}
	return 0
}

// head packs a 1x1 layer for the end of a chain.
func (c *compiler) head(l *layer, x *cpu.Instr) {
	cout, cin, dots := l.weights.shape[0], l.weights.shape[1], l.dots()
	x.HeadN = cout
	if cout > dots {
		x.Head = c.weights(l, headOrder)
	}
	if dots == 0 {
		return
	}
	v, ok := c.net.packed.pairs[l]
	if !ok {
		wide := cpu.Blocks(cin) * cpu.Block
		w, b := make([]float32, dots*wide), make([]float32, dots)
		for d := range dots {
			o := cout - dots + d
			copy(w[d*wide:], l.weights.floats[o*cin:(o+1)*cin])
			if l.bias != nil {
				b[d] = l.bias[o]
			}
		}
		v = [2]cpu.Vector{c.vector(w), c.vector(b)}
		c.net.packed.pairs[l] = v
	}
	x.Dots, x.DotBias = v[0], v[1]
}

// reorderTransposed gives the weights of a 2x2 transposed convolution as four pointwise ones: outputs are (part, channel), part being
// the pixel of the 2x2 patch.
func (l *layer) reorderTransposed() (cout, k int, bias, w []float32) {
	cin, channels := l.weights.shape[0], l.weights.shape[1]
	wide := cpu.Blocks(channels) * cpu.Block
	cout = 4 * wide
	bias, w = make([]float32, cout), make([]float32, cout*cin)
	for part := range 4 {
		for o := range channels {
			if l.bias != nil {
				bias[part*wide+o] = l.bias[o]
			}
			for c := range cin {
				w[(part*wide+o)*cin+c] = l.weights.floats[(c*channels+o)*4+part]
			}
		}
	}
	return cout, cin, bias, w
}

// depthwise packs a depthwise layer as [block][kernel][16], with its bias.
func (c *compiler) depthwise(l *layer) (kernel, bias cpu.Vector) {
	if v, ok := c.net.packed.pairs[l]; ok {
		return v[0], v[1]
	}
	channels, area := l.weights.shape[0], l.weights.shape[2]*l.weights.shape[3]
	k := make([]float32, cpu.Blocks(channels)*cpu.Block*area)
	for ch := range channels {
		for p := range area {
			k[(ch/cpu.Block*area+p)*cpu.Block+ch%cpu.Block] = l.weights.floats[ch*area+p]
		}
	}
	b := make([]float32, channels)
	copy(b, l.bias)
	kernel, bias = c.vector(k), c.vector(b)
	c.net.packed.pairs[l] = [2]cpu.Vector{kernel, bias}
	return kernel, bias
}
