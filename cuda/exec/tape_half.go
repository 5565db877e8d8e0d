package exec

// half gives memory in the tape's half precision, converted once a phase and place.
func (t *Tape) half(m Memory) Memory {
	if to, ok := t.rounded[m]; ok {
		return to
	}
	to := t.recorder.Memory(ceil(m.N, 2))
	t.phase.Launch("to_half", [3]int{ceil(m.N, 512), 1, 1}, 256, m, to, m.N, t.precision.kind())
	t.rounded[m] = to
	return to
}

// tensor multiplies z pairs of matrices on tensor cores, (m, k) by (k, n) as the layout says, with float32 results one after the
// other; a step of 0 takes the same matrix each time.
func (t *Tape) tensor(layout string, a, b, bias, c Memory, m, n, k, stepA, stepB, z int) {
	t.phase.launchOf(2*float64(z)*float64(m*n)*float64(k)/tensorCores, "gemm_"+t.precision.String()+"_"+layout, [3]int{ceil(n, 64), ceil(m, 128), z}, 256, a, b, bias, Memory{}, c, m, n, k, stepA, stepB, m*n, z*k, float32(1), negative, positive, 1)
}

// halfPointwise is a convolution of single pixels as products: y = w·x a picture, dx = wᵀ·dy, dw = Σ dy·xᵀ. Rows of 16 bits must
// be whole pieces of 8.
func (t *Tape) halfPointwise(x, w, y *Var, win Window, groups int) bool {
	n, c, o, area := x.Shape[0], x.Shape[1], w.Shape[0], x.Shape[2]*x.Shape[3]
	if t.precision == Float32 || groups != 1 || win.KH*win.KW*win.SH*win.SW != 1 || win.Top != 0 || c%8 != 0 || area%8 != 0 {
		return false
	}
	hx, hw := t.half(x.Value), t.half(w.Value)
	t.tensor("nn", hw, hx, Memory{}, y.Value, o, area, c, 0, c*area, n)
	t.back = append(t.back, func() {
		dy := t.half(y.Grad)
		parts := t.recorder.Memory(n * o * c)
		t.tensor("nt", dy, hx, Memory{}, parts, o, c, area, o*area, c*area, n)
		t.fold(parts, w, n)
		if !x.fixed {
			dx, done := t.flow(x)
			t.tensor("tn", hw, dy, Memory{}, dx, c, area, o, 0, o*area, n)
			done()
		}
	})
	return true
}

// halfLinear is a fully connected layer whose sides are multiples of 8.
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
	t.tensor("nt", hx, hw, bias, y.Value, rows, out, in, 0, 0, 1)
	t.back = append(t.back, func() {
		if y.Grad.N == 0 {
			return // nothing reads it
		}
		dy := t.half(y.Grad)
		dw, done := t.flow(w)
		t.tensor("tn", dy, hx, Memory{}, dw, out, in, rows, 0, 0, 1)
		done()
		if b != nil {
			t.fold(y.Grad, b, rows)
		}
		if !x.fixed {
			dx, done := t.flow(x)
			t.tensor("nn", dy, hw, Memory{}, dx, rows, in, out, 0, 0, 1)
			done()
		}
	})
	return true
}
