package model

import (
	"slices"

	"classlens/model/cpu"
)

// group plans a layer or a chain; false when what it reads is not in the program.
func (c *compiler) group(g *group) bool {
	if g.single != nil {
		return c.layer(g.single)
	}
	return c.chain(g)
}

// residual gives the map that is added, and whether all is well with it.
func (c *compiler) residual(l *layer, channels, h, w int) (*mapping, bool) {
	if l == nil || l.residual == "" {
		return nil, true
	}
	m := c.get(l.residual)
	if m == nil {
		return nil, false
	}
	m = c.blocked(m)
	return m, m.c == channels && m.h == h && m.w == w
}

// layer plans one convolution.
func (c *compiler) layer(l *layer) bool {
	in := c.get(l.in)
	if in == nil || !l.fits(in) {
		return false
	}
	cout := l.weights.shape[0]
	h, w := l.size(in.h, in.w)
	if l.transpose {
		cout, h, w = l.weights.shape[1], 2*in.h, 2*in.w
	}
	other, ok := c.residual(l, cout, h, w)
	if !ok {
		return false
	}
	x := cpu.Instr{KH: l.win.kh, KW: l.win.kw, Stride: l.win.sh, Top: l.win.top, Left: l.win.left, Clamp: l.clamp}
	switch {
	case in.picture >= 0 && !l.depthwise && !l.transpose && in.c <= 8 && other == nil:
		x.Op = cpu.First
		in = c.readPicture(&x, l, in)
		x.Weights = c.weights(l, firstOrder)
		out := c.newMap(cout, h, w)
		c.emit(pending{instr: x, in: in, out: out, layer: l})
		c.maps[l.out] = out
		return c.err == nil
	case l.transpose:
		x.Op, x.Weights = cpu.Transposed, c.weights(l, transposedOrder)
	case l.depthwise:
		x.Op = cpu.Depthwise
		x.Kernel, x.Bias = c.depthwise(l)
	default:
		x.Op, x.Weights = cpu.Conv, c.weights(l, orderOf(l))
	}
	m := c.blocked(in)
	out := c.newMap(cout, h, w)
	c.emit(pending{instr: x, in: m, out: out, other: other, layer: l})
	c.maps[l.out] = out
	return c.err == nil
}

// fits: the map has the channels and the size the layer's kernel needs.
func (l *layer) fits(m *mapping) bool {
	channels := l.weights.shape[1]
	if l.depthwise || l.transpose {
		channels = l.weights.shape[0]
	}
	return m.c == channels && m.h+l.win.top+l.win.bottom >= l.win.kh && m.w+l.win.left+l.win.right >= l.win.kw
}

func (l *layer) size(h, w int) (int, int) {
	return (h+l.win.top+l.win.bottom-l.win.kh)/l.win.sh + 1, (w+l.win.left+l.win.right-l.win.kw)/l.win.sw + 1
}

// readPicture sets an instruction up to start with the picture itself, and gives what of
// it the layer reads.
func (c *compiler) readPicture(x *cpu.Instr, l *layer, in *mapping) *mapping {
	x.Port = c.port(in.picture)
	x.KH0, x.KW0, x.Stride0, x.Top0, x.Left0, x.H0, x.W0 = l.win.kh, l.win.kw, l.win.sh, l.win.top, l.win.left, in.h, in.w
	if in.scale != nil {
		x.Slope, x.Shift = c.vector(fill(in.scale, in.c)), c.vector(fill(in.shift, in.c))
	}
	read := *in
	read.c = l.planesRead()
	return &read
}

// chain plans [pointwise ->] depthwise [-> pointwise].
func (c *compiler) chain(g *group) bool {
	d := g.depthwise
	start := d
	if g.expand != nil {
		start = g.expand
	}
	in := c.get(start.in)
	if in == nil || !start.fits(in) || !g.fitTogether() {
		return false
	}
	h, w := in.h, in.w // of the depthwise layer's input
	fromPicture := g.expand != nil && !g.expand.pointwise()
	if fromPicture && (in.picture < 0 || in.c > 8) {
		return c.apart(g)
	}
	if g.expand != nil {
		h, w = g.expand.size(in.h, in.w)
	}
	if h+d.win.top+d.win.bottom < d.win.kh || w+d.win.left+d.win.right < d.win.kw {
		return false
	}
	oh, ow := d.size(h, w)
	channels := d.weights.shape[0]
	if g.project != nil {
		channels = g.project.weights.shape[0]
	}
	other, ok := c.residual(g.project, channels, oh, ow)
	if !ok {
		return false
	}
	x := cpu.Instr{Op: cpu.Chain, KH: d.win.kh, KW: d.win.kw, Stride: d.win.sh, Top: d.win.top, Left: d.win.left, Clamp1: d.clamp, Clamp: d.clamp}
	x.Kernel, x.Bias = c.depthwise(d)
	if g.project != nil {
		x.Weights, x.Clamp = c.weights(g.project, plainOrder), g.project.clamp
	}
	if g.expand != nil {
		x.Clamp0 = g.expand.clamp
		if x.FirstIsInput = fromPicture; fromPicture {
			in = c.readPicture(&x, g.expand, in)
			x.Weights0 = c.weights(g.expand, firstOrder)
			in = &mapping{c: in.c, h: h, w: w, picture: in.picture}
		} else {
			x.Weights0 = c.weights(g.expand, plainOrder)
		}
	}
	if !fromPicture {
		in = c.blocked(in)
	}
	out := c.newMap(channels, oh, ow)
	c.emit(pending{instr: x, in: in, out: out, other: other})
	name := d.out
	if g.project != nil {
		name = g.project.out
	}
	c.maps[name] = out
	return c.err == nil
}

// fitTogether: each layer of a chain reads as many channels as the one before makes.
func (g *group) fitTogether() bool {
	channels := g.depthwise.weights.shape[0]
	return (g.expand == nil || g.expand.weights.shape[0] == channels) && (g.project == nil || g.project.weights.shape[1] == channels)
}

// apart plans a chain's layers one by one.
func (c *compiler) apart(g *group) bool {
	for _, l := range []*layer{g.expand, g.depthwise, g.project} {
		if l != nil && !c.layer(l) {
			return false
		}
	}
	return true
}

// upAdd plans a twofold enlargement with a sum.
func (c *compiler) upAdd(u upAdd) bool {
	low, add := c.get(u.low), c.get(u.add)
	if low == nil || add == nil || low.c != add.c || add.h != 2*low.h || add.w != 2*low.w {
		return false
	}
	low, add = c.blocked(low), c.blocked(add)
	out := c.newMap(low.c, add.h, add.w)
	c.emit(pending{instr: cpu.Instr{Op: cpu.UpAdd, Clamp: u.clamp}, in: low, other: add, out: out})
	c.maps[u.out] = out
	return true
}

// resizeOf is the op that enlarges for a fused sum.
func (n *Net) resizeOf(u upAdd) int {
	for i, x := range n.graph.nodes {
		if x.op == "Resize" && x.inputs[0] == u.low && n.fusion.covered[i] {
			return i
		}
	}
	return -1
}

// plain plans the ops that stand alone; false leaves the op to the tail.
func (c *compiler) plain(n *node) bool {
	if from, scale, shift, ok := c.net.graph.affineOf(n); ok {
		return c.affine(n, from, scale, shift)
	}
	in := c.get(n.inputs[0])
	if in == nil || c.net.graph.constants[n.inputs[0]] != nil {
		return false
	}
	switch n.op {
	case "Relu", "Clip", "Sigmoid", "PRelu", "LeakyRelu", "Neg", "Identity", "Dropout":
		return c.unary(n, in)
	case "Add", "Mul":
		return c.sum(n, in)
	case "MaxPool", "AveragePool":
		return c.pool(n, in)
	case "GlobalAveragePool":
		return c.made(n, cpu.Instr{Op: cpu.GlobalPool}, c.blocked(in), nil, in.c, 1, 1)
	case "Concat":
		return c.concat(n)
	case "Resize":
		return c.resize(n, in)
	}
	return false
}

// made emits an instruction whose result is the op's.
func (c *compiler) made(n *node, x cpu.Instr, in, other *mapping, channels, h, w int) bool {
	out := c.newMap(channels, h, w)
	c.emit(pending{instr: x, in: in, other: other, out: out})
	c.maps[n.outputs[0]] = out
	return c.err == nil
}

// affine: on a picture it is only remembered, the first layer does it.
func (c *compiler) affine(n *node, from string, scale, shift []float32) bool {
	in := c.get(from)
	if in == nil || (len(scale) != 1 && len(scale) != in.c) {
		return false
	}
	scale, shift = fill(scale, in.c), fill(shift, in.c)
	if in.picture < 0 {
		x := cpu.Instr{Op: cpu.Affine, Slope: c.vector(scale), Shift: c.vector(shift), Clamp: cpu.Unbounded}
		return c.made(n, x, in, nil, in.c, in.h, in.w)
	}
	m := *in
	m.packed = nil
	if in.scale != nil {
		scale, shift = slices.Clone(scale), slices.Clone(shift)
		for i := range scale {
			shift[i] += scale[i] * in.shift[i]
			scale[i] *= in.scale[i]
		}
	}
	m.scale, m.shift = scale, shift
	c.maps[n.outputs[0]] = &m
	return true
}

func (c *compiler) unary(n *node, in *mapping) bool {
	var x cpu.Instr
	switch n.op {
	case "Identity", "Dropout":
		c.maps[n.outputs[0]] = in
		return true
	case "Sigmoid":
		x.Op = cpu.Sigmoid
	case "Neg":
		x = cpu.Instr{Op: cpu.Affine, Slope: c.vector(fill([]float32{-1}, in.c)), Shift: c.vector(make([]float32, in.c)), Clamp: cpu.Unbounded}
	case "LeakyRelu":
		x = cpu.Instr{Op: cpu.PRelu, Slope: c.vector(fill([]float32{n.float("alpha", .01)}, in.c))}
	case "PRelu":
		slope := c.net.graph.constants[n.inputs[1]]
		if slope == nil || !perChannel(slope.shape) || (len(slope.floats) != 1 && len(slope.floats) != in.c) {
			return false
		}
		x = cpu.Instr{Op: cpu.PRelu, Slope: c.vector(fill(slope.floats, in.c))}
	default:
		clamp, ok := c.net.graph.clampOf(n)
		if !ok {
			return false
		}
		x = cpu.Instr{Op: cpu.Clamp, Clamp: clamp}
	}
	return c.made(n, x, c.blocked(in), nil, in.c, in.h, in.w)
}

// sum is Add of equal maps, or Mul by one factor a channel (squeeze and excite).
func (c *compiler) sum(n *node, a *mapping) bool {
	b := c.get(n.inputs[1])
	if b == nil || len(n.inputs) != 2 || a.c != b.c {
		return false
	}
	if n.op == "Mul" {
		if a.h == 1 && a.w == 1 {
			a, b = b, a
		}
		if b.h != 1 || b.w != 1 {
			return false
		}
		return c.made(n, cpu.Instr{Op: cpu.Scale, Clamp: cpu.Unbounded}, c.blocked(a), c.blocked(b), a.c, a.h, a.w)
	}
	if a.h != b.h || a.w != b.w {
		return false
	}
	return c.made(n, cpu.Instr{Op: cpu.Add, Clamp: cpu.Unbounded}, c.blocked(a), c.blocked(b), a.c, a.h, a.w)
}

func (c *compiler) pool(n *node, in *mapping) bool {
	k := n.ints("kernel_shape")
	if len(k) != 2 || len(n.outputs) != 1 || n.int("ceil_mode", 0) != 0 || n.int("count_include_pad", 0) != 0 && n.op == "AveragePool" {
		return false
	}
	win, err := windowOf(n, int(k[0]), int(k[1]), in.h, in.w)
	if err != nil || win.dh != 1 || win.dw != 1 || win.sh != win.sw || (n.op == "MaxPool" && win.kh != win.kw) ||
		in.h+win.top+win.bottom < win.kh || in.w+win.left+win.right < win.kw {
		return false
	}
	h, w := win.size(in.h, in.w)
	x := cpu.Instr{Op: cpu.MaxPool, KH: win.kh, KW: win.kw, Stride: win.sh, Top: win.top, Left: win.left}
	if n.op == "AveragePool" {
		x.Op = cpu.AveragePool
	}
	return c.made(n, x, c.blocked(in), nil, in.c, h, w)
}

func (c *compiler) concat(n *node) bool {
	if n.int("axis", 0) != 1 {
		return false
	}
	var parts []*mapping
	channels := 0
	for _, name := range n.inputs {
		m := c.get(name)
		if m == nil || (len(parts) > 0 && (m.h != parts[0].h || m.w != parts[0].w)) {
			return false
		}
		parts = append(parts, m)
		channels += m.c
	}
	out := c.newMap(channels, parts[0].h, parts[0].w)
	at := 0
	for i := range parts {
		m := c.blocked(parts[i])
		c.emit(pending{instr: cpu.Instr{Op: cpu.Concat, AtChannel: at}, in: m, out: out})
		at += m.c
	}
	c.maps[n.outputs[0]] = out
	return true
}

func (c *compiler) resize(n *node, in *mapping) bool {
	transform := n.str("coordinate_transformation_mode", "half_pixel")
	half := 0
	switch mode := n.str("mode", "nearest"); {
	case c.net.graph.opset < 11:
		return false
	case mode == "linear" && transform == "half_pixel":
		half = 1
	case mode == "linear" && transform == "asymmetric":
	case mode == "nearest" && transform == "asymmetric" && n.str("nearest_mode", "") == "floor":
		half = -1
	default:
		return false
	}
	call := &opCall{node: n, opset: c.net.graph.opset}
	for _, name := range n.inputs {
		call.in = append(call.in, c.net.graph.constants[name])
	}
	h, w, err := resizeSize(call, []int{1, in.c, in.h, in.w})
	if err != nil || h < 1 || w < 1 {
		return false
	}
	if half == 1 && h == 2*in.h && w == 2*in.w {
		return c.made(n, cpu.Instr{Op: cpu.UpAdd, Clamp: cpu.Unbounded}, c.blocked(in), nil, in.c, h, w)
	}
	return c.made(n, cpu.Instr{Op: cpu.Resize, HalfPixel: half}, c.blocked(in), nil, in.c, h, w)
}
