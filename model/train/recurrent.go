package train

// LSTM runs a long short-term memory (Hochreiter and Schmidhuber 1997) over the
// steps of x (B·T, D) and gives the last output (B, H). wx is (4H, D), wh (4H, H), b
// (4H), gates in the order input, forget, cell, output. Steps that were not seen
// leave the state as it is.
func (t *Tape[T]) LSTM(x, wx, wh, b *Node[T], seen []T, steps int) *Node[T] {
	h, batch := wh.Shape[1], len(seen)/steps
	gates := t.Linear(x, wx, b) // of all steps at once
	out, cell := t.Const(make([]T, batch*h), batch, h), t.Const(make([]T, batch*h), batch, h)
	for i := range steps {
		g := t.Add(t.every(gates, i, steps), t.Linear(out, wh, nil))
		in, forget := t.Sigmoid(t.Columns(g, 0, h)), t.Sigmoid(t.Columns(g, h, 2*h))
		new, open := t.Tanh(t.Columns(g, 2*h, 3*h)), t.Sigmoid(t.Columns(g, 3*h, 4*h))
		next := t.Add(t.Mul(forget, cell), t.Mul(in, new))
		keep := stepSeen(seen, i, steps)
		out, cell = t.choose(t.Mul(open, t.Tanh(next)), out, keep), t.choose(next, cell, keep)
	}
	return out
}

// GRU runs a gated recurrent unit (Cho et al. 2014; the reset gate before the
// product, as PyTorch has it) like LSTM: wx (3H, D), wh (3H, H), b and c (3H), gates in
// the order reset, update, new.
func (t *Tape[T]) GRU(x, wx, wh, b, c *Node[T], seen []T, steps int) *Node[T] {
	h, batch := wh.Shape[1], len(seen)/steps
	gates := t.Linear(x, wx, b)
	out := t.Const(make([]T, batch*h), batch, h)
	for i := range steps {
		gx, gh := t.every(gates, i, steps), t.Linear(out, wh, c)
		reset := t.Sigmoid(t.Add(t.Columns(gx, 0, h), t.Columns(gh, 0, h)))
		update := t.Sigmoid(t.Add(t.Columns(gx, h, 2*h), t.Columns(gh, h, 2*h)))
		new := t.Tanh(t.Add(t.Columns(gx, 2*h, 3*h), t.Mul(reset, t.Columns(gh, 2*h, 3*h))))
		// (1-update)·new + update·out
		next := t.Add(new, t.Mul(update, t.Add(out, t.each1(new, func(v T) (T, T) { return -v, -1 }))))
		out = t.choose(next, out, stepSeen(seen, i, steps))
	}
	return out
}

// MeanPool is the mean of the steps that were seen: (B·T, D) to (B, D).
func (t *Tape[T]) MeanPool(x *Node[T], seen []T, steps int) *Node[T] {
	pooled, _ := t.Pool(x, t.Const(make([]T, len(seen)), len(seen)), seen, steps)
	return pooled
}

func stepSeen[T Float](seen []T, i, steps int) []bool {
	out := make([]bool, len(seen)/steps)
	for b := range out {
		out[b] = seen[b*steps+i] != 0
	}
	return out
}

// every picks step i of each sequence: (B·T, D) to (B, D).
func (t *Tape[T]) every(x *Node[T], i, steps int) *Node[T] {
	d := x.Shape[len(x.Shape)-1]
	batch := len(x.Value) / d / steps
	y := t.node(batch, d)
	for b := range batch {
		copy(y.Value[b*d:(b+1)*d], x.Value[(b*steps+i)*d:])
	}
	y.back = func() {
		for b := range batch {
			axpy(x.Grad[(b*steps+i)*d:][:d], 1, y.Grad[b*d:(b+1)*d])
		}
	}
	return y
}

// choose takes each row from yes where it says so, else from no.
func (t *Tape[T]) choose(yes, no *Node[T], which []bool) *Node[T] {
	d := len(yes.Value) / len(which)
	y := t.node(yes.Shape...)
	from := func(b int) *Node[T] {
		if which[b] {
			return yes
		}
		return no
	}
	for b := range which {
		copy(y.Value[b*d:(b+1)*d], from(b).Value[b*d:(b+1)*d])
	}
	y.back = func() {
		for b := range which {
			axpy(from(b).Grad[b*d:(b+1)*d], 1, y.Grad[b*d:(b+1)*d])
		}
	}
	return y
}
