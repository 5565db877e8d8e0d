package exec

import "math"

// Var is a tensor on a tape with its gradient by the loss. Row-major, pictures NCHW.
type Var struct {
	Shape []int
	Value Memory
	Grad  Memory // none until something has flowed back
	fixed bool   // no gradient is wanted
	own   Memory // where a weight's gradient must go; none for what is made on the way
}

// Tape records the launches of a training step: ops forward and, in reverse order, their
// gradients. The gradients of weights are written, not added to, so each weight may be used only once.
type Tape struct {
	recorder  *Recorder
	phase     *Phase
	back      []func()
	precision Precision
	rounded   map[Memory]Memory // what was converted to half precision
}

// NewTape records into the phase. In a half precision pointwise convolutions and products with weights, forward
// and backward, run on tensor cores; the rest, all sums, and what is kept, are float32.
func NewTape(p *Phase, precision Precision) *Tape {
	return &Tape{recorder: p.recorder, phase: p, precision: precision, rounded: map[Memory]Memory{}}
}

// Data is a tensor without a gradient.
func (t *Tape) Data(m Memory, shape ...int) *Var { return &Var{Shape: shape, Value: m, fixed: true} }

// Weight is a tensor whose gradient is written to grad.
func (t *Tape) Weight(value, grad Memory, shape ...int) *Var {
	return &Var{Shape: shape, Value: value, own: grad}
}

func (t *Tape) make(shape ...int) *Var {
	return &Var{Shape: shape, Value: t.recorder.Memory(count(shape))}
}

// Backward writes the launches of all gradients into another phase.
func (t *Tape) Backward(p *Phase) {
	t.phase = p
	for i := len(t.back) - 1; i >= 0; i-- {
		t.back[i]()
	}
	t.back = nil
}

// flow gives the memory for an op's gradient by v; done adds it to the gradients of
// other ops by v.
func (t *Tape) flow(v *Var) (to Memory, done func()) {
	n := count(v.Shape)
	switch {
	case v.own.N > 0:
		return v.own, func() { v.Grad = v.own }
	case v.Grad.N == 0:
		to = t.recorder.Memory(n)
		return to, func() { v.Grad = to }
	}
	to = t.recorder.Memory(n)
	return to, func() {
		old, all := v.Grad, t.recorder.Memory(n)
		t.phase.Launch("sum", [3]int{ceil(n, 256), 1, 1}, 256, old, to, all, n, negative, positive)
		v.Grad = all
	}
}

var negative, positive = float32(math.Inf(-1)), float32(math.Inf(1))

// Conv is a convolution without bias: x (N, C, H, W), w (O, C/groups, k, k).
func (t *Tape) Conv(x, w *Var, stride, pad, groups int) *Var {
	k := w.Shape[2]
	win := Window{KH: k, KW: k, SH: stride, SW: stride, DH: 1, DW: 1, Top: pad, Left: pad}
	y := t.make(x.Shape[0], w.Shape[0], (x.Shape[2]+2*pad-k)/stride+1, (x.Shape[3]+2*pad-k)/stride+1)
	if groups == x.Shape[1] && w.Shape[0] == groups && w.Shape[1] == 1 {
		t.depthwise(x, w, y, win)
		return y
	}
	if t.halfPointwise(x, w, y, win, groups) {
		return y
	}
	m, inner := w.Shape[0]/groups, w.Shape[1]*k*k
	rows := rowsOf(m)
	kpad, mpad := ceil(inner, depth)*depth, ceil(m, rows)*rows
	packed := t.pack(w, groups, m, kpad, mpad, 0)
	area, pixels := y.Shape[2]*y.Shape[3], x.Shape[0]*y.Shape[2]*y.Shape[3]
	grid := [3]int{ceil(pixels, 4096/rows), mpad / rows, groups}
	none, work := Memory{}, operationsOf(w, y)
	if (&Conv{Window: win, Groups: groups}).pointwise(x.Shape, y.Shape) {
		t.phase.launchOf(work, nameOf("pointwise", rows), grid, 256, x.Value, packed, none, none, y.Value, m, mpad, inner, kpad, pixels, area, negative, positive)
	} else {
		taps := t.recorder.Table(tapsOf(win, x.Shape, w.Shape, kpad))
		t.phase.launchOf(work, nameOf("conv", rows), grid, 256, x.Value, packed, taps, none, none, y.Value, m, mpad, kpad, pixels, area, y.Shape[3],
			count(x.Shape[1:]), w.Shape[1]*x.Shape[2]*x.Shape[3], x.Shape[2], x.Shape[3], stride, stride, pad, pad, negative, positive)
	}
	t.back = append(t.back, func() {
		t.convWeight(x, w, y, win, groups)
		if !x.fixed {
			t.convInput(x, w, y, win, groups)
		}
	})
	return y
}

// pack packs weights, which change at each step, for the kernels' tiles.
func (t *Tape) pack(w *Var, groups, m, kpad, mpad, backward int) Memory {
	to := t.recorder.Memory(groups * kpad * mpad)
	t.phase.Launch("pack_weights", [3]int{ceil(to.N, 256), 1, 1}, 256, w.Value, to, to.N, m, w.Shape[1], w.Shape[2]*w.Shape[3], kpad, mpad, backward)
	return to
}

func (t *Tape) convInput(x, w, y *Var, win Window, groups int) {
	cg, m, area := w.Shape[1], w.Shape[0]/groups, y.Shape[2]*y.Shape[3]
	rows := rowsOf(cg)
	kpad, mpad := ceil(m*win.KH*win.KW, depth)*depth, ceil(cg, rows)*rows
	packed := t.pack(w, groups, m, kpad, mpad, 1)
	var taps []int32
	for o := range m {
		for a := range win.KH {
			for b := range win.KW {
				taps = append(taps, int32(o*area), int32(a<<16|b))
			}
		}
	}
	for len(taps) < 2*kpad {
		taps = append(taps, 0, outside<<16)
	}
	dx, done := t.flow(x)
	pixels := x.Shape[0] * x.Shape[2] * x.Shape[3]
	t.phase.launchOf(operationsOf(w, y), nameOf("conv_input", rows), [3]int{ceil(pixels, 4096/rows), mpad / rows, groups}, 256, y.Grad, packed, t.recorder.Table(taps), Memory{}, dx,
		cg, mpad, kpad, pixels, x.Shape[2]*x.Shape[3], x.Shape[3], w.Shape[0]*area, m*area, y.Shape[2], y.Shape[3], win.SH, win.SW, win.Top, win.Left)
	done()
}

// pixelsAPart is how many pixels a block of conv_weight sums over: enough work for a block, and
// enough blocks for a device.
const pixelsAPart = 4096

func (t *Tape) convWeight(x, w, y *Var, win Window, groups int) {
	cg, m := w.Shape[1], w.Shape[0]/groups
	rows := rowsOf(m)
	k, pixels := cg*win.KH*win.KW, x.Shape[0]*y.Shape[2]*y.Shape[3]
	per := min(pixelsAPart, ceil(pixels, 16)*16)
	splits := ceil(pixels, per)
	part := t.recorder.Memory(splits * count(w.Shape))
	taps := t.recorder.Table(tapsOf(win, x.Shape, w.Shape, k))
	t.phase.launchOf(operationsOf(w, y), nameOf("conv_weight", rows), [3]int{ceil(k, 4096/rows), ceil(m, rows), groups * splits}, 256, y.Grad, x.Value, taps, part,
		m, k, groups, pixels, per, y.Shape[2]*y.Shape[3], y.Shape[3], x.Shape[1], cg*x.Shape[2]*x.Shape[3], x.Shape[2], x.Shape[3], win.SH, win.SW, win.Top, win.Left)
	t.fold(part, w, splits)
}

// fold adds up the parts of a weight's gradient.
func (t *Tape) fold(part Memory, w *Var, parts int) {
	n := count(w.Shape)
	dw, done := t.flow(w)
	t.phase.Launch("fold", [3]int{ceil(n, 32), 1, 1}, 256, part, dw, parts, n, parts, 0)
	done()
}

// partsOf a sum over pictures, a block each.
func partsOf(pictures int) int { return min(pictures, 16) }

func (t *Tape) depthwise(x, w, y *Var, win Window) {
	n, c := x.Shape[0], x.Shape[1]
	h, wide, oh, ow := x.Shape[2], x.Shape[3], y.Shape[2], y.Shape[3]
	three := win.KH == 3 && win.KW == 3
	grid := [3]int{n * c, ceil(oh*ow, 128), 1}
	if three {
		t.phase.launchOf(operationsOf(w, y), "depthwise_3x3", grid, 128, x.Value, w.Value, Memory{}, y.Value, c, h, wide, oh, ow, win.SH, win.SW, win.Top, win.Left, negative, positive)
	} else {
		t.phase.launchOf(operationsOf(w, y), "depthwise", grid, 128, x.Value, w.Value, Memory{}, y.Value, c, h, wide, oh, ow, win.KH, win.KW, win.SH, win.SW, 1, 1, win.Top, win.Left, negative, positive)
	}
	t.back = append(t.back, func() {
		parts := partsOf(n)
		part := t.recorder.Memory(parts * count(w.Shape))
		if three {
			t.phase.launchOf(operationsOf(w, y), "depthwise_weight_3x3", [3]int{c, parts, 1}, 128, y.Grad, x.Value, part, n, c, h, wide, oh, ow, win.SH, win.SW, win.Top, win.Left)
		} else {
			t.phase.launchOf(operationsOf(w, y), "depthwise_weight", [3]int{c, parts, win.KH * win.KW}, 128, y.Grad, x.Value, part, n, c, h, wide, oh, ow, win.KW, win.SH, win.SW, 1, 1, win.Top, win.Left)
		}
		t.fold(part, w, parts)
		if !x.fixed {
			dx, done := t.flow(x)
			t.phase.launchOf(operationsOf(w, y), "depthwise_input", [3]int{n * c, ceil(h*wide, 128), 1}, 128, y.Grad, w.Value, dx, c, h, wide, oh, ow, win.KH, win.KW, win.SH, win.SW, 1, 1, win.Top, win.Left)
			done()
		}
	})
}

// Norm is batch norm by the batch's statistics, with a clamp. Affine holds the gradients'
// order: (2, C), shift then scale; running (2, C) the running mean and variance.
func (t *Tape) Norm(x *Var, scale, shift, affineGrad, running Memory, momentum, epsilon float32, c Clamp) *Var {
	n, ch, area := x.Shape[0], x.Shape[1], x.Shape[2]*x.Shape[3]
	lo, hi := c.limits()
	y, parts := t.make(x.Shape...), partsOf(n)
	moments, mean, inverse := t.recorder.Memory(2*parts*ch), t.recorder.Memory(ch), t.recorder.Memory(ch)
	t.phase.Launch("batch_moments", [3]int{ch, parts, 1}, 128, x.Value, moments, n, ch, area)
	t.phase.Launch("batch_finish", [3]int{ceil(ch, 128), 1, 1}, 128, moments, mean, inverse, running.Part(0, ch), running.Part(ch, ch), n, ch, area, parts, momentum, epsilon)
	grid := [3]int{n * ch, ceil(area, 256), 1}
	t.phase.Launch("batch_norm", grid, 256, x.Value, mean, inverse, scale, shift, y.Value, ch, area, lo, hi)
	t.back = append(t.back, func() {
		part := t.recorder.Memory(parts * 2 * ch)
		t.phase.Launch("batch_norm_sums", [3]int{ch, parts, 1}, 128, x.Value, y.Grad, mean, inverse, scale, shift, part, n, ch, area, lo, hi)
		t.phase.Launch("fold", [3]int{ceil(2*ch, 32), 1, 1}, 256, part, affineGrad, parts, 2*ch, parts, 0)
		dx, done := t.flow(x)
		t.phase.Launch("batch_norm_input", grid, 256, x.Value, y.Grad, mean, inverse, scale, shift, affineGrad, dx, ch, area, float32(n*area), lo, hi)
		done()
	})
	return y
}

// operationsOf a convolution, and of each of its gradients.
func operationsOf(w, y *Var) float64 {
	return 2 * float64(count(y.Shape)) * float64(count(w.Shape[1:]))
}

func nameOf(kernel string, rows int) string {
	return kernel + map[int]string{16: "_16", 32: "_32", 64: "_64"}[rows]
}
