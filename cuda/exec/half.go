package exec

import (
	"fmt"
	"math"

	"classlens/cuda/driver"
)

// Precision is the type in which a net's convolutions and products with weights are computed. Sums, and
// every input and output, are always float32.
type Precision int

// The precisions. FP16 rounds to 11 bits and ends at 65504; BF16 rounds to 8 bits and
// reaches as far as float32. Both run on tensor cores and halve what is read and written.
const (
	Float32 Precision = iota
	BF16
	FP16
)

func (p Precision) String() string { return [...]string{"float32", "bf16", "fp16"}[p] }

// ParsePrecision finds a precision by its name; "" is Float32.
func ParsePrecision(name string) (Precision, bool) {
	for p := Float32; p <= FP16; p++ {
		if name == p.String() || name == "" && p == Float32 {
			return p, true
		}
	}
	return Float32, false
}

// kind is how the kernels number a half precision.
func (p Precision) kind() int { return int(p - BF16) }

// Layout is a tensor's layout in memory.
type Layout int

// The layouts. Last is (N, area, C) in 16 bits, C padded to a multiple of 8; Flat is row-major in 16 bits.
const (
	First Layout = iota
	Last
	Flat
)

// eight rounds n up to a multiple of 8: 8 channels are 16 bytes.
func eight(n int) int { return ceil(n, 8) * 8 }

// bytes of a tensor in memory.
func (p *Program) bytes(t int) int {
	s := p.Tensors[t].Shape
	switch p.Tensors[t].Layout {
	case Last:
		return 2 * s[0] * eight(s[1]) * count(s[2:])
	case Flat:
		return 2 * eight(count(s))
	}
	return 4 * count(s)
}

// halve rewrites a fused program so that convolutions and products with weights run in
// half precision. Between two of them a tensor stays in 16 bits; if any other op
// reads or makes it, a conversion is inserted.
func halve(p *Program, kind Precision) {
	h := halver{p: p, kind: kind, half: map[int]int{}, flat: map[int]int{}, missing: map[int]bool{}}
	old := p.Ops
	p.Ops = nil
	for _, op := range old {
		if !h.convolution(op) && !h.average(op) && !h.product(op) {
			for _, t := range op.reads() {
				h.float(t)
			}
			p.Ops = append(p.Ops, op)
		}
	}
	for _, t := range p.Outputs {
		h.float(t)
	}
}

type halver struct {
	p          *Program
	kind       Precision
	half, flat map[int]int  // the same values in 16 bits
	missing    map[int]bool // made in 16 bits only so far
}

// float makes a tensor available in float32.
func (h *halver) float(t int) {
	if t == None {
		return
	}
	if t = h.p.root(t); h.missing[t] {
		delete(h.missing, t)
		h.p.Ops = append(h.p.Ops, &convert{X: h.half[t], Y: t, kind: h.kind})
	}
}

// last makes a tensor available in 16 bits, channels last.
func (h *halver) last(t int) int {
	if t == None {
		return None
	}
	if at, ok := h.half[t]; ok {
		return at
	}
	h.float(t)
	h.half[t] = h.p.Add(h.p.Tensors[t].Shape...)
	h.p.Tensors[h.half[t]].Layout = Last
	h.p.Ops = append(h.p.Ops, &convert{X: t, Y: h.half[t], kind: h.kind})
	return h.half[t]
}

// made gives the 16-bit tensor that replaces t from here on.
func (h *halver) made(t int) int {
	h.half[t] = h.p.Add(h.p.Tensors[t].Shape...)
	h.p.Tensors[h.half[t]].Layout = Last
	h.missing[t] = true
	return h.half[t]
}

// variable tells whether a tensor is not a constant, has four axes, and shares its memory with no other shape.
func (h *halver) variable(t int) bool {
	x := h.p.Tensors[t]
	return x.Constant == nil && x.Of == None && len(x.Shape) == 4
}

func (h *halver) convolution(op Op) bool {
	c, ok := op.(*Conv)
	if !ok || !h.variable(c.X) || !h.variable(c.Y) || h.p.Tensors[c.W].Constant == nil || c.Bias != None && h.p.Tensors[c.Bias].Constant == nil || c.Residual != None && !h.variable(c.Residual) {
		return false
	}
	x, w, y := h.p.Tensors[c.X].Shape, h.p.Tensors[c.W].Shape, h.p.Tensors[c.Y].Shape
	deep := c.Groups == x[1] && w[1] == 1 && y[1] == x[1] && c.Groups > 1
	if y[0]*y[2]*y[3] > 128*65535 { // blocks down the grid
		return false
	}
	if deep && (c.Residual != None || c.Window.DH != 1 || c.Window.DW != 1) || !deep && c.Groups != 1 {
		return false
	}
	n := &halfConv{X: h.last(c.X), Residual: h.last(c.Residual), conv: c, depthwise: deep, kind: h.kind}
	n.Y = h.made(c.Y)
	h.p.Ops = append(h.p.Ops, n)
	return true
}

// average is a mean over pictures that are in 16 bits anyway.
func (h *halver) average(op Op) bool {
	r, ok := op.(*Reduce)
	if !ok || r.Inner != 1 || r.How != ReduceMean || !h.missing[h.p.root(r.X)] || !h.variable(r.X) {
		return false
	}
	x := h.p.Tensors[r.X].Shape
	if r.N != count(x[2:]) || x[1]%8 != 0 {
		return false
	}
	h.p.Ops = append(h.p.Ops, &halfAverage{X: h.half[r.X], Y: r.Y, kind: h.kind})
	return true
}

// leastRows is the fewest rows of a product for which the conversion pays off.
const leastRows = 16

// product converts a product with constant weights.
func (h *halver) product(op Op) bool {
	m, ok := op.(*MatMul)
	if !ok || m.Batch != 1 || m.TransA || m.M < leastRows || m.K%8 != 0 || h.p.Tensors[m.B].Constant == nil || h.p.Tensors[m.A].Constant != nil {
		return false
	}
	if m.TransB && m.N%4 != 0 || !m.TransB && m.N%8 != 0 {
		return false
	}
	for _, t := range []int{m.A, m.Bias, m.Residual} {
		h.float(t)
	}
	a, ok := h.flat[m.A]
	if !ok {
		a = h.p.Add(m.M, m.K)
		h.p.Tensors[a].Layout = Flat
		h.flat[m.A] = a
		h.p.Ops = append(h.p.Ops, &convert{X: m.A, Y: a, kind: h.kind})
	}
	h.p.Ops = append(h.p.Ops, &halfMatMul{A: a, matmul: m, kind: h.kind})
	return true
}

// convert converts between float32 and 16 bits.
type convert struct {
	X, Y int
	kind Precision
}

func (c *convert) reads() []int { return []int{c.X} }
func (c *convert) writes() int  { return c.Y }

func (c *convert) emit(b *builder) error {
	from, to := b.program.Tensors[c.X], b.program.Tensors[c.Y]
	if to.Layout == Flat {
		n := count(to.Shape)
		b.launch("to_half", [3]int{ceil(n, 512), 1, 1}, 256, b.at(c.X), b.at(c.Y), n, c.kind.kind())
		return nil
	}
	s := from.Shape
	pad, area := eight(s[1]), count(s[2:])
	if from.Layout == Last {
		b.launch("first_float", [3]int{ceil(area, 32), ceil(pad, 32), s[0]}, 256, b.at(c.X), b.at(c.Y), s[1], pad, area, c.kind.kind())
		return nil
	}
	b.launch("last_half", [3]int{ceil(s[0]*area, 128), pad / 8, 1}, 128, b.at(c.X), b.at(c.Y), s[0]*area, s[1], pad, area, c.kind.kind())
	return nil
}

// halfConv is a Conv whose pictures are in 16 bits, channels last.
type halfConv struct {
	X, Residual, Y int
	conv           *Conv
	depthwise      bool
	kind           Precision
}

func (c *halfConv) reads() []int { return []int{c.X, c.Residual} }
func (c *halfConv) writes() int  { return c.Y }

// tensorCores is the ratio of a device's peak throughput in half precision to that in float32: A100 16,
// H100 15, others less.
const tensorCores = 16

func (c *halfConv) work(p *Program) float64 {
	if c.depthwise {
		return c.conv.work(p)
	}
	return c.conv.work(p) / tensorCores
}

func (c *halfConv) emit(b *builder) error {
	x, y := b.shape(c.X), b.shape(c.Y)
	w := b.program.Tensors[c.conv.W].Constant
	win, channels, m := c.conv.Window, eight(x[1]), eight(y[1])
	lo, hi := c.conv.Clamp.limits()
	bias := any(driver.Ptr(0))
	if c.conv.Bias != None {
		v := b.program.Tensors[c.conv.Bias].Constant
		buffer, err := b.net.cached(packing{c: v, mpad: m}, func(d *Device) (*driver.Buffer, error) { return driver.Upload(d.Device, fill(v.Data, 1, m)) })
		if err != nil {
			return err
		}
		bias = buffer
	}
	if c.depthwise {
		weights, err := b.net.cached(packing{c: w, mpad: channels, kind: c.kind}, func(d *Device) (*driver.Buffer, error) {
			return driver.Upload(d.Device, packDepthwise(w.Data, x[1], channels))
		})
		if err != nil {
			return err
		}
		if win.KH == 3 && win.KW == 3 {
			total := x[0] * y[2] * ceil(y[3], 2) * channels / 8
			b.launch("depthwise_"+c.kind.String()+"_3x3", [3]int{ceil(total, 128), 1, 1}, 128, b.at(c.X), weights, bias, b.at(c.Y), total, channels/8, x[2], x[3], y[2], y[3],
				win.SH, win.SW, win.Top, win.Left, lo, hi)
			return nil
		}
		total := x[0] * y[2] * y[3] * channels / 8
		b.launch("depthwise_"+c.kind.String(), [3]int{ceil(total, 128), 1, 1}, 128, b.at(c.X), weights, bias, b.at(c.Y), total, channels/8, x[2], x[3], y[2], y[3],
			win.KH, win.KW, win.SH, win.SW, win.Top, win.Left, lo, hi)
		return nil
	}
	weights, err := b.net.cached(packing{c: w, mpad: m, kpad: channels, kind: c.kind}, func(d *Device) (*driver.Buffer, error) {
		return driver.Upload(d.Device, packHalf(w.Data, w.Shape, m, channels, c.kind))
	})
	if err != nil {
		return err
	}
	wide, pixels := 64, y[0]*y[2]*y[3]
	if ceil(m, 32)*32 < ceil(m, 64)*64 {
		wide = 32
	}
	b.launch(fmt.Sprintf("conv_%s_%d", c.kind, wide), [3]int{ceil(m, wide), ceil(pixels, 128), 1}, 256, b.at(c.X), weights, bias, b.at(c.Residual), b.at(c.Y), m, pixels, x[2], x[3], channels,
		y[2], y[3], win.KH, win.KW, win.SH, win.SW, win.DH, win.DW, win.Top, win.Left, lo, hi, 0)
	return nil
}

// fill pads rows to width with zeros.
func fill(v []float32, rows, width int) []float32 {
	out, n := make([]float32, rows*width), len(v)/rows
	for r := range rows {
		copy(out[r*width:], v[r*n:(r+1)*n])
	}
	return out
}

// packHalf turns weights (M, C, taps) into (m, taps, c) in 16 bits, padded with zeros.
func packHalf(w []float32, shape []int, m, c int, kind Precision) []uint16 {
	channels, taps := shape[1], count(shape[2:])
	out := make([]uint16, m*taps*c)
	for i, v := range w {
		out[(i/(channels*taps)*taps+i%taps)*c+i/taps%channels] = kind.round(v)
	}
	return out
}

// packDepthwise turns (C, 1, taps) into (taps, 2, c/8, 4): of each eight channels the first four, then the last four.
func packDepthwise(w []float32, channels, c int) []float32 {
	taps := len(w) / channels
	out := make([]float32, taps*c)
	for i, v := range w {
		k := i / taps
		out[i%taps*c+k%8/4*c/2+k/8*4+k%4] = v
	}
	return out
}

// round converts a number to 16 bits, rounding to nearest, ties to even.
func (p Precision) round(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return 0x7fff
	}
	if p == BF16 {
		return uint16((bits + 0x7fff + bits>>16&1) >> 16)
	}
	sign, size := uint16(bits>>16&0x8000), bits&0x7fffffff
	switch {
	case size >= 0x477ff000: // 65520: nearer to 2^16 than to the largest number
		return sign | 0x7c00
	case size < 0x38800000: // below 2^-14 in units of 2^-24
		return sign | uint16(math.RoundToEven(math.Abs(float64(v))*(1<<24)))
	}
	return sign + uint16((size-0x38000000+0xfff+size>>13&1)>>13)
}

// halfAverage is the mean over a picture's area: X (N, C, h, w) in 16 bits, Y (N, C).
type halfAverage struct {
	X, Y int
	kind Precision
}

func (a *halfAverage) reads() []int { return []int{a.X} }
func (a *halfAverage) writes() int  { return a.Y }

func (a *halfAverage) emit(b *builder) error {
	x := b.shape(a.X)
	b.launch("pool_half", [3]int{ceil(x[1], 64), x[0], 1}, 128, b.at(a.X), b.at(a.Y), x[1], count(x[2:]), a.kind.kind())
	return nil
}

// halfMatMul is a MatMul whose rows and weights are in 16 bits.
type halfMatMul struct {
	A      int // (M, K), flat
	matmul *MatMul
	kind   Precision
}

func (m *halfMatMul) reads() []int            { return []int{m.A, m.matmul.Bias, m.matmul.Residual} }
func (m *halfMatMul) writes() int             { return m.matmul.Y }
func (m *halfMatMul) work(p *Program) float64 { return m.matmul.work(p) / tensorCores }

func (m *halfMatMul) emit(b *builder) error {
	x := m.matmul
	w := b.program.Tensors[x.B].Constant
	weights, err := b.net.cached(packing{c: w, kind: m.kind}, func(d *Device) (*driver.Buffer, error) {
		v := make([]uint16, len(w.Data))
		for i, f := range w.Data {
			v[i] = m.kind.round(f)
		}
		return driver.Upload(d.Device, v)
	})
	if err != nil {
		return err
	}
	name := "gemm_" + m.kind.String() + "_nn"
	if x.TransB {
		name = "gemm_" + m.kind.String() + "_nt"
	}
	lo, hi := x.Clamp.limits()
	b.launch(name, [3]int{ceil(x.N, 64), ceil(x.M, 128), 1}, 256, b.at(m.A), weights, b.at(x.Bias), b.at(x.Residual), b.at(x.Y), x.M, x.N, x.K, 0, 0, 0, x.K, x.Alpha, lo, hi, 1)
	return nil
}
