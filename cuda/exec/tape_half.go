package exec

// half gives memory in the tape's half precision; it is converted once per phase.
func (t *Tape) half(m Memory) Memory {
	if to, ok := t.rounded[m]; ok {
		return to
	}
	to := t.recorder.Memory(ceil(m.N, 2))
	t.phase.Launch("to_half", [3]int{ceil(m.N, 512), 1, 1}, 256, m, to, m.N, t.precision.kind())
	t.rounded[m] = to
	return to
}

// product is a batch of matrix products on tensor cores: c (m, n) = a (m, k) times b (k, n), plus bias.
type product struct {
	layout       string // n or t for each of a and b: as above, or transposed
	a, b         Memory // in half precision
	bias, c      Memory // in float32; the results follow each other
	m, n, k      int
	batch        int
	stepA, stepB int // from one matrix of the batch to the next; 0: it is always the same one
}

// multiply launches a product.
func (t *Tape) multiply(p product) {
	work := 2 * float64(p.batch) * float64(p.m*p.n) * float64(p.k) / tensorCores
	t.phase.launchOf(work, "gemm_"+t.precision.String()+"_"+p.layout, [3]int{ceil(p.n, 64), ceil(p.m, 128), p.batch}, 256, p.a, p.b, p.bias, Memory{}, p.c, p.m, p.n, p.k, p.stepA, p.stepB, p.m*p.n, p.batch*p.k, float32(1), negative, positive, 1)
}

// halfPointwise is a pointwise convolution as products: y = w·x per picture, dx = wᵀ·dy, dw = Σ dy·xᵀ. It is false, and does nothing, if
// the layer is another one, or if a row is not a multiple of 8 values, which the kernels need.
func (t *Tape) halfPointwise(x, w, y *Var, win Window, groups int) bool {
	n, c, o, area := x.Shape[0], x.Shape[1], w.Shape[0], x.Shape[2]*x.Shape[3]
	if t.precision == Float32 || groups != 1 || win.KH*win.KW*win.SH*win.SW != 1 || win.Top != 0 || c%8 != 0 || area%8 != 0 {
		return false
	}
	hx, hw := t.half(x.Value), t.half(w.Value)
	t.multiply(product{layout: "nn", a: hw, b: hx, c: y.Value, m: o, n: area, k: c, batch: n, stepB: c * area})
	t.back = append(t.back, func() {
		dy := t.half(y.Grad)
		parts := t.recorder.Memory(n * o * c)
		t.multiply(product{layout: "nt", a: dy, b: hx, c: parts, m: o, n: c, k: area, batch: n, stepA: o * area, stepB: c * area})
		t.fold(parts, w, n)
		if !x.fixed {
			dx, done := t.flow(x)
			t.multiply(product{layout: "tn", a: hw, b: dy, c: dx, m: c, n: area, k: o, batch: n, stepB: o * area})
			done()
		}
	})
	return true
}

// halfLinear is a fully connected layer; it is false, and does nothing, if a side is not a multiple of 8.
func (t *Tape) halfLinear(x, w, b, y *Var, rows int) bool {
	in, out := w.Shape[1], w.Shape[0]
	if t.precision == Float32 || in%8 != 0 || out%8 != 0 {
		return false
	}
	bias := Memory{}
	if b != nil {
		bias = b.Value
	}
	hx, hw := t.half(x.Value), t.half(w.Value)
	t.multiply(product{layout: "nt", a: hx, b: hw, bias: bias, c: y.Value, m: rows, n: out, k: in, batch: 1})
	t.back = append(t.back, func() {
		if y.Grad.N == 0 {
			return // nothing reads it
		}
		dy := t.half(y.Grad)
		dw, done := t.flow(w)
		t.multiply(product{layout: "tn", a: dy, b: hx, c: dw, m: out, n: in, k: rows, batch: 1})
		done()
		if b != nil {
			t.fold(y.Grad, b, rows)
		}
		if !x.fixed {
			dx, done := t.flow(x)
			t.multiply(product{layout: "nn", a: dy, b: hw, c: dx, m: rows, n: in, k: out, batch: 1})
			done()
		}
	})
	return true
}
