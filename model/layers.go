package model

import (
	"math"
	"slices"
)

// layer is a convolution with what is done in the same pass: adding a residual, and then
// a clamp.
type layer struct {
	conv      *node
	weights   *value
	bias      []float32
	win       window
	depthwise bool
	transpose bool
	in, out   string
	residual  string // "" for none
	clamp     [2]float32
	last      int // index of the last op that the layer covers
}

var noClamp = [2]float32{float32(math.Inf(-1)), float32(math.Inf(1))}

// pointwise tells whether the layer is a 1x1 convolution that moves by one.
func (l *layer) pointwise() bool {
	return !l.depthwise && !l.transpose && l.win.kh == 1 && l.win.kw == 1 && l.win.sh == 1 && l.win.top+l.win.left+l.win.bottom+l.win.right == 0
}

// group is what one instruction does: a layer, or a chain of up to three.
type group struct {
	expand, depthwise, project *layer // a chain; expand or project may be nil
	single                     *layer
}

// fusion says for each op whether a group covers it, and which group replaces it (at
// the last op that the group covers, where all its inputs are available).
type fusion struct {
	covered map[int]bool
	emit    map[int]*group
	upAdd   map[int]upAdd // at the Add: enlarge twofold and add in one pass
}

type upAdd struct {
	low, add, out string
	clamp         [2]float32
}

// fuser finds the layers and chains of a graph.
type fuser struct {
	g       *graph
	uses    map[string]int
	readers map[string][]int // ops that read a tensor
	made    map[string]int   // op that makes a tensor
	layers  []*layer
	byIn    map[string]*layer // the only reader of its input
	byOut   map[string]*layer
	taken   map[int]bool
}

func fuse(g *graph) fusion {
	f := &fuser{g: g, uses: g.uses(), readers: map[string][]int{}, made: map[string]int{}, byIn: map[string]*layer{}, byOut: map[string]*layer{}, taken: map[int]bool{}}
	for i, n := range g.nodes {
		for _, name := range n.inputs {
			f.readers[name] = append(f.readers[name], i)
		}
		for _, name := range n.outputs {
			f.made[name] = i
		}
	}
	for i, n := range g.nodes {
		if l := f.layerOf(i, n); l != nil {
			f.layers = append(f.layers, l)
		}
	}
	result := fusion{covered: f.taken, emit: map[int]*group{}, upAdd: f.upAdds()}
	f.addResiduals()
	for _, l := range f.layers {
		f.byOut[l.out] = l
		if f.uses[l.in] == 1 {
			f.byIn[l.in] = l
		}
	}
	inChain := map[*layer]bool{}
	for _, d := range f.layers {
		if c := f.chainOf(d, inChain); c != nil {
			for _, l := range []*layer{c.expand, c.depthwise, c.project} {
				if l != nil {
					inChain[l] = true
				}
			}
			result.emit[c.last()] = c
		}
	}
	for _, l := range f.layers {
		if !inChain[l] {
			result.emit[l.last] = &group{single: l}
		}
	}
	return result
}

func (c *group) last() int {
	if c.project != nil {
		return c.project.last
	}
	return c.depthwise.last
}

// only gives the single op that reads a tensor nobody else needs, or -1.
func (f *fuser) only(name string) int {
	if f.uses[name] == 1 && len(f.readers[name]) == 1 {
		return f.readers[name][0]
	}
	return -1
}

// layerOf makes a layer of a convolution whose weights are constant and whose
// kind the kernels know; nil otherwise.
func (f *fuser) layerOf(i int, n *node) *layer {
	if n.op != "Conv" && n.op != "ConvTranspose" {
		return nil
	}
	w := f.g.constants[n.inputs[1]]
	if w == nil || w.isInt() || len(w.shape) != 4 || f.g.constants[n.inputs[0]] != nil || n.str("auto_pad", "NOTSET") != "NOTSET" {
		return nil
	}
	win, err := windowOf(n, w.shape[2], w.shape[3], 1, 1)
	if err != nil || win.dh != 1 || win.dw != 1 || win.sh != win.sw {
		return nil
	}
	l := &layer{conv: n, weights: w, win: win, in: n.inputs[0], out: n.outputs[0], clamp: noClamp, last: i, transpose: n.op == "ConvTranspose"}
	groups := int(n.int("group", 1))
	switch {
	case l.transpose && (win.kh != 2 || win.kw != 2 || win.sh != 2 || win.top+win.left+win.bottom+win.right != 0 || groups != 1):
		return nil
	case groups == w.shape[0] && w.shape[1] == 1 && groups > 1:
		l.depthwise = true
	case groups != 1:
		return nil
	}
	if len(n.inputs) > 2 && n.inputs[2] != "" {
		b := f.g.constants[n.inputs[2]]
		if b == nil || b.isInt() {
			return nil
		}
		l.bias = b.floats
	}
	f.taken[i] = true
	f.absorbClamp(l)
	return l
}

// absorbClamp takes a following Relu or Clip into the layer.
func (f *fuser) absorbClamp(l *layer) {
	i := f.only(l.out)
	if i < 0 || f.taken[i] {
		return
	}
	clamp, ok := f.g.clampOf(f.g.nodes[i])
	if !ok {
		return
	}
	l.clamp, l.out, l.last = clamp, f.g.nodes[i].outputs[0], i
	f.taken[i] = true
}

// clampOf reads a Relu or a Clip with constant limits.
func (g *graph) clampOf(n *node) ([2]float32, bool) {
	switch n.op {
	case "Relu":
		return [2]float32{0, noClamp[1]}, true
	case "Clip":
		in := []*value{nil, nil, nil}
		for i, name := range n.inputs {
			if i == 0 || name == "" {
				continue
			}
			if in[i] = g.constants[name]; in[i] == nil || len(in[i].floats) != 1 {
				return noClamp, false
			}
		}
		lo, hi := n.clampLimits(in)
		return [2]float32{lo, hi}, true
	}
	return noClamp, false
}

// upAdds finds twofold bilinear enlargements whose only use is a sum.
func (f *fuser) upAdds() map[int]upAdd {
	found := map[int]upAdd{}
	for i, n := range f.g.nodes {
		if n.op != "Resize" || f.taken[i] || !f.g.isTwofold(n) {
			continue
		}
		j := f.only(n.outputs[0])
		if j < 0 || f.g.nodes[j].op != "Add" || f.taken[j] || len(f.g.nodes[j].inputs) != 2 {
			continue
		}
		sum := f.g.nodes[j]
		other := sum.inputs[0]
		if other == n.outputs[0] {
			other = sum.inputs[1]
		}
		if other == n.outputs[0] || f.g.constants[other] != nil {
			continue
		}
		f.taken[i], f.taken[j] = true, true
		found[j] = upAdd{low: n.inputs[0], add: other, out: sum.outputs[0], clamp: noClamp}
	}
	return found
}

// isTwofold: linear, half-pixel centres, both sides times two.
func (g *graph) isTwofold(n *node) bool {
	if n.str("mode", "nearest") != "linear" || n.str("coordinate_transformation_mode", "half_pixel") != "half_pixel" || g.opset < 11 {
		return false
	}
	if len(n.inputs) < 3 || (len(n.inputs) > 3 && n.inputs[3] != "") {
		return false
	}
	s := g.constants[n.inputs[2]]
	return s != nil && slices.Equal(s.floats, []float32{1, 1, 2, 2})
}

// addResiduals takes sums into the later of the layers that feed them.
func (f *fuser) addResiduals() {
	byOut := map[string]*layer{}
	for _, l := range f.layers {
		byOut[l.out] = l
	}
	for i, n := range f.g.nodes {
		if n.op != "Add" || f.taken[i] || len(n.inputs) != 2 || n.inputs[0] == n.inputs[1] {
			continue
		}
		var best *layer
		other := ""
		for k, name := range n.inputs {
			l := byOut[name]
			usable := l != nil && f.uses[name] == 1 && !l.depthwise && !l.transpose && l.clamp == noClamp && l.residual == "" && f.g.constants[n.inputs[1-k]] == nil
			if usable && (best == nil || l.last > best.last) {
				best, other = l, n.inputs[1-k]
			}
		}
		if best == nil {
			continue
		}
		delete(byOut, best.out)
		best.residual, best.out, best.last = other, n.outputs[0], i
		f.taken[i] = true
		f.absorbClamp(best)
		byOut[best.out] = best
	}
}

// chainOf builds the chain around a depthwise layer; nil if it has none. A
// pointwise layer between two depthwise ones belongs to the first one's chain, unless
// it widens the map: then it belongs to the second one's, so that the wide map is never stored.
func (f *fuser) chainOf(d *layer, inChain map[*layer]bool) *group {
	if !d.depthwise {
		return nil
	}
	c := &group{depthwise: d}
	if e := f.byOut[d.in]; e != nil && !inChain[e] && f.uses[d.in] == 1 && e.residual == "" && !e.depthwise && !e.transpose && (e.pointwise() || f.first(e)) {
		c.expand = e
	}
	if p := f.byIn[d.out]; p != nil && p.pointwise() && p.in == d.out && p.residual != d.out && !inChain[p] && (c.expand == nil || !f.widens(p)) {
		c.project = p
	}
	if c.expand == nil && c.project == nil {
		return nil
	}
	return c
}

// widens tells whether a pointwise layer makes at least twice as many channels for a depthwise one alone.
func (f *fuser) widens(p *layer) bool {
	next := f.byIn[p.out]
	return next != nil && next.depthwise && p.residual == "" && p.weights.shape[0] >= 2*p.weights.shape[1]
}

// first tells whether the layer reads the picture itself, perhaps through
// normalising constants.
func (f *fuser) first(l *layer) bool {
	if l.depthwise || l.transpose || l.weights.shape[1] > 8 {
		return false
	}
	name := l.in
	for {
		for _, p := range f.g.inputs {
			if p.Name == name {
				return true
			}
		}
		i, ok := f.made[name]
		if !ok || f.uses[name] != 1 {
			return false
		}
		from, _, _, ok := f.g.affineOf(f.g.nodes[i])
		if !ok {
			return false
		}
		name = from
	}
}

// affineOf reads Add, Sub, Mul or Div by a constant a channel (or one for all):
// the result is from*scale + shift, with slices of length 1 or C.
func (g *graph) affineOf(n *node) (from string, scale, shift []float32, ok bool) {
	if len(n.inputs) != 2 || !slices.Contains([]string{"Add", "Sub", "Mul", "Div"}, n.op) {
		return "", nil, nil, false
	}
	from, constant, swapped := n.inputs[0], g.constants[n.inputs[1]], false
	if constant == nil {
		from, constant, swapped = n.inputs[1], g.constants[n.inputs[0]], true
	}
	if constant == nil || constant.isInt() || g.constants[from] != nil || !perChannel(constant.shape) || swapped && n.op == "Div" {
		return "", nil, nil, false
	}
	k := constant.floats
	scale, shift = make([]float32, len(k)), make([]float32, len(k))
	for i, v := range k {
		switch {
		case n.op == "Add":
			scale[i], shift[i] = 1, v
		case n.op == "Sub" && swapped:
			scale[i], shift[i] = -1, v
		case n.op == "Sub":
			scale[i], shift[i] = 1, -v
		case n.op == "Mul":
			scale[i] = v
		default:
			scale[i] = 1 / v
		}
	}
	return from, scale, shift, true
}

// perChannel: a shape that broadcasts over NCHW as one value a channel or one
// for all.
func perChannel(shape []int) bool {
	switch len(shape) {
	case 0:
		return true
	case 1:
		return shape[0] == 1
	case 3:
		return shape[1] == 1 && shape[2] == 1
	case 4:
		return shape[0] == 1 && shape[2] == 1 && shape[3] == 1
	}
	return false
}
