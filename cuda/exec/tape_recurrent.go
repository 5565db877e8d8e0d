package exec

// cells is what the two recurrent nets share: the products of all steps, and the states
// between them, (T+1, B, H): zeros at the start, then the state after each step.
type cells struct {
	t                     *Tape
	gx                    *Var   // (B·T, gates·H): the inputs' part of all steps
	wh                    *Var   // (gates·H, H)
	seen                  Memory // (B, T)
	batch, steps, h, wide int    // wide is gates·H
	out, kept             Memory // state; each step's gates (T, B, gates·H)
}

func (t *Tape) cells(gx, wh *Var, seen Memory, steps int) *cells {
	h, wide := wh.Shape[1], wh.Shape[0]
	c := &cells{t: t, gx: gx, wh: wh, seen: seen, steps: steps, h: h, wide: wide, batch: count(gx.Shape) / wide / steps}
	c.out, c.kept = t.recorder.Memory((steps+1)*c.batch*h), t.recorder.Memory(steps*c.batch*wide)
	return c
}

// state is step i's part of memory laid out like out, gates of one like kept, input of
// one like gx, mask of one like seen.
func (c *cells) state(m Memory, i int) Memory { return m.Part(i*c.batch*c.h, c.batch*c.h) }
func (c *cells) gates(m Memory, i int) Memory { return m.Part(i*c.batch*c.wide, c.batch*c.wide) }
func (c *cells) input(m Memory, i int) Memory { return m.Part(i*c.wide, m.N-i*c.wide) }
func (c *cells) mask(i int) Memory            { return c.seen.Part(i, c.seen.N-i) }

func (c *cells) grid() [3]int { return [3]int{ceil(c.batch*c.h, 128), 1, 1} }

// last is the state after the last step.
func (c *cells) last() *Var {
	return &Var{Shape: []int{c.batch, c.h}, Value: c.state(c.out, c.steps)}
}

// before adds to what passed a step round its gates what came through them: gates·wh.
func (c *cells) before(gates, round Memory) Memory {
	to := c.t.recorder.Memory(round.N)
	c.t.phase.launchOf(2*float64(c.batch*c.h)*float64(c.wide), "gemm_nn", [3]int{ceil(c.h, 64), ceil(c.batch, 64), 1}, 256, gates, c.wh.Value, Memory{}, round, to, c.batch, c.h, c.wide, 0, 0, 0, float32(1), negative, positive)
	return to
}

// weights writes the gradient of wh: the gates' gradients of all steps (T, B, wide) by the states before them.
func (c *cells) weights(gates Memory) {
	dw, done := c.t.flow(c.wh)
	c.t.gemm("gemm_tn", gates, c.out, Memory{}, dw, c.wide, c.h, c.steps*c.batch)
	done()
}

// LSTM runs a long short-term memory over steps and gives its last output (B, H): gx
// (B·T, 4H) are the inputs' products with their bias, in the order input, forget, cell, output; wh
// (4H, H), seen (B, T). A step that is not seen leaves the state as it is.
func (t *Tape) LSTM(gx, wh *Var, seen Memory, steps int) *Var {
	c := t.cells(gx, wh, seen, steps)
	cell, gh := t.recorder.Memory(c.out.N), t.recorder.Memory(c.batch*c.wide)
	for i := range steps {
		if i > 0 {
			t.gemm("gemm_nt", c.state(c.out, i), wh.Value, Memory{}, gh, c.batch, c.wide, c.h)
		}
		from := gh
		if i == 0 {
			from = Memory{} // the state is zeros
		}
		t.phase.Launch("lstm_step", c.grid(), 128, c.input(gx.Value, i), from, Memory{}, c.state(cell, i), c.state(c.out, i), c.mask(i), c.gates(c.kept, i),
			c.state(cell, i+1), c.state(c.out, i+1), c.batch, c.h, steps*c.wide, steps)
	}
	y := c.last()
	t.back = append(t.back, func() {
		all := t.recorder.Memory(c.kept.N) // (T, B, 4H)
		dout, dcell := y.Grad, t.recorder.Memory(c.batch*c.h)
		for i := steps - 1; i >= 0; i-- {
			before, round := t.recorder.Memory(c.batch*c.h), t.recorder.Memory(c.batch*c.h)
			t.phase.Launch("lstm_step_backward", c.grid(), 128, c.gates(c.kept, i), c.state(cell, i), c.mask(i), dout, dcell, c.gates(all, i), before, round, c.batch, c.h, c.wide, steps)
			if dcell = before; i > 0 {
				dout = c.before(c.gates(all, i), round)
			}
		}
		c.weights(all)
		dgx, done := t.flow(gx)
		t.phase.Launch("copy_strided", [3]int{ceil(all.N, 256), 1, 1}, 256, all, dgx, all.N, c.batch, steps, c.wide, 0, 0, c.wide, c.batch*c.wide, 1, 0, 0, steps*c.wide, c.wide, 1)
		done()
	})
	return y
}

// GRU runs a gated recurrent unit likewise: gx (B·T, 3H) in the order reset, update, new; wh
// (3H, H) with a bias of its own, b (3H).
func (t *Tape) GRU(gx, wh, b *Var, seen Memory, steps int) *Var {
	c := t.cells(gx, wh, seen, steps)
	gh := t.recorder.Memory(c.kept.N) // (T, B, 3H): the backward pass needs them again
	for i := range steps {
		t.gemm("gemm_nt", c.state(c.out, i), wh.Value, b.Value, c.gates(gh, i), c.batch, c.wide, c.h)
		t.phase.Launch("gru_step", c.grid(), 128, c.input(gx.Value, i), c.gates(gh, i), c.state(c.out, i), c.mask(i), c.gates(c.kept, i), c.state(c.out, i+1),
			c.batch, c.h, steps*c.wide, steps)
	}
	y := c.last()
	t.back = append(t.back, func() {
		dgh := t.recorder.Memory(c.kept.N)
		dgx, doneX := t.flow(gx)
		dout := y.Grad
		for i := steps - 1; i >= 0; i-- {
			round := t.recorder.Memory(c.batch * c.h)
			t.phase.Launch("gru_step_backward", c.grid(), 128, c.gates(c.kept, i), c.gates(gh, i), c.state(c.out, i), c.mask(i), dout, c.input(dgx, i), c.gates(dgh, i), round,
				c.batch, c.h, steps*c.wide, steps)
			if i > 0 {
				dout = c.before(c.gates(dgh, i), round)
			}
		}
		doneX()
		c.weights(dgh)
		t.fold(dgh, b, steps*c.batch)
	})
	return y
}
