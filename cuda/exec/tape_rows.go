package exec

import "math"

// Average is the mean over H and W: (N, C, H, W) to (N, C).
func (t *Tape) Average(x *Var) *Var {
	planes, area := x.Shape[0]*x.Shape[1], x.Shape[2]*x.Shape[3]
	y := t.make(x.Shape[0], x.Shape[1])
	t.phase.Launch("global_pool", [3]int{ceil(planes, 4), 1, 1}, 128, x.Value, y.Value, planes, area)
	t.back = append(t.back, func() {
		dx, done := t.flow(x)
		t.phase.Launch("global_pool_backward", [3]int{planes, ceil(area, 128), 1}, 128, y.Grad, dx, area)
		done()
	})
	return y
}

// gemm is c (M, N) = a·b + bias; the kernel's name says which of a and b is transposed (gemm_tn: a).
func (t *Tape) gemm(name string, a, b, bias, c Memory, m, n, k int) {
	t.phase.launchOf(2*float64(m*n)*float64(k), name, [3]int{ceil(n, 64), ceil(m, 64), 1}, 256, a, b, bias, Memory{}, c, m, n, k, 0, 0, 0, float32(1), negative, positive)
}

// Linear is x·wᵀ + b: x (R, I), w (O, I), b (O) or nil.
func (t *Tape) Linear(x, w, b *Var) *Var {
	in, out := w.Shape[1], w.Shape[0]
	rows := count(x.Shape) / in
	y, bias := t.make(rows, out), Memory{}
	if b != nil {
		bias = b.Value
	}
	if t.halfLinear(x, w, b, y, rows) {
		return y
	}
	t.gemm("gemm_nt", x.Value, w.Value, bias, y.Value, rows, out, in)
	t.back = append(t.back, func() {
		if y.Grad.N == 0 {
			return // nothing reads it
		}
		dw, done := t.flow(w)
		t.gemm("gemm_tn", y.Grad, x.Value, Memory{}, dw, out, in, rows)
		done()
		if b != nil {
			t.fold(y.Grad, b, rows)
		}
		if !x.fixed {
			dx, done := t.flow(x)
			t.gemm("gemm_nn", y.Grad, w.Value, Memory{}, dx, rows, in, out)
			done()
		}
	})
	return y
}

// Select is s·x, s (R, N) of zeros and ones: the rows of x (N, D) that s picks.
func (t *Tape) Select(x *Var, s Memory, rows int) *Var {
	n, d := x.Shape[0], x.Shape[1]
	y := t.make(rows, d)
	t.gemm("gemm_nn", s, x.Value, Memory{}, y.Value, rows, d, n)
	t.back = append(t.back, func() {
		dx, done := t.flow(x)
		t.gemm("gemm_tn", s, y.Grad, Memory{}, dx, n, d, rows)
		done()
	})
	return y
}

// Add adds two tensors of one shape.
func (t *Tape) Add(a, b *Var) *Var {
	n := count(a.Shape)
	y := t.make(a.Shape...)
	t.phase.Launch("sum", [3]int{ceil(n, 256), 1, 1}, 256, a.Value, b.Value, y.Value, n, negative, positive)
	t.back = append(t.back, func() {
		for _, v := range []*Var{a, b} {
			switch {
			case v.fixed:
			case v.Grad.N == 0: // the gradient is that of the sum: no copy
				v.Grad = y.Grad
			default:
				all := t.recorder.Memory(n)
				t.phase.Launch("sum", [3]int{ceil(n, 256), 1, 1}, 256, v.Grad, y.Grad, all, n, negative, positive)
				v.Grad = all
			}
		}
	})
	return y
}

// Apply is a function of one element.
func (t *Tape) Apply(x *Var, f Function) *Var {
	n := count(x.Shape)
	y := t.make(x.Shape...)
	grid := [3]int{ceil(n, 256), 1, 1}
	t.phase.Launch("unary", grid, 256, x.Value, y.Value, n, int(f), float32(0))
	t.back = append(t.back, func() {
		dx, done := t.flow(x)
		t.phase.Launch("unary_backward", grid, 256, x.Value, y.Grad, dx, n, int(f), float32(0))
		done()
	})
	return y
}

// ScaleChannels multiplies each channel of x (N, C, H, W) by k (N, C).
func (t *Tape) ScaleChannels(x, k *Var) *Var {
	planes, area := x.Shape[0]*x.Shape[1], x.Shape[2]*x.Shape[3]
	y := t.make(x.Shape...)
	scale := func(from, to Memory) {
		n := planes * area
		t.phase.Launch("binary", [3]int{ceil(n, 256), 1, 1}, 256, from, k.Value, to, n, 1, planes, area, 0, 0, area, 1, 0, 0, 1, 0, int(Mul))
	}
	scale(x.Value, y.Value)
	t.back = append(t.back, func() {
		dk, done := t.flow(k)
		t.phase.Launch("plane_dot", [3]int{ceil(planes, 4), 1, 1}, 128, y.Grad, x.Value, dk, planes, area)
		done()
		dx, done := t.flow(x)
		scale(y.Grad, dx)
		done()
	})
	return y
}

// Attend is masked multi-head attention: q, k, v (B·T, D), seen (B, T).
func (t *Tape) Attend(q, k, v *Var, seen Memory, steps, heads int) *Var {
	d := q.Shape[len(q.Shape)-1]
	b, wide := count(q.Shape)/d/steps, d/heads
	scale := float32(1 / math.Sqrt(float64(wide)))
	y, share := t.make(q.Shape...), t.recorder.Memory(b*heads*steps*steps)
	grid := [3]int{steps, heads, b}
	t.phase.Launch("attention", grid, 128, q.Value, k.Value, v.Value, seen, share, y.Value, steps, heads, wide, scale)
	t.back = append(t.back, func() {
		ds := t.recorder.Memory(share.N)
		dq, doneQ := t.flow(q)
		t.phase.Launch("attention_query", grid, 128, k.Value, v.Value, share, y.Grad, ds, dq, steps, heads, wide, scale)
		doneQ()
		dk, doneK := t.flow(k)
		dv, doneV := t.flow(v)
		t.phase.Launch("attention_key", grid, 128, q.Value, share, ds, y.Grad, dk, dv, steps, heads, wide)
		doneK()
		doneV()
	})
	return y
}

// Pool is attention pooling: x (B·T, D) weighted by the softmax of score (B·T) over the
// steps; without a score, the mean of the seen steps.
func (t *Tape) Pool(x, score *Var, seen Memory, steps int) *Var {
	d := x.Shape[len(x.Shape)-1]
	b := count(x.Shape) / d / steps
	y, moment, by := t.make(b, d), t.recorder.Memory(b*steps), Memory{}
	if score != nil {
		by = score.Value
	}
	t.phase.Launch("attention_pool", [3]int{b, 1, 1}, 128, x.Value, by, seen, moment, y.Value, steps, d)
	t.back = append(t.back, func() {
		dx, done := t.flow(x)
		ds, doneScore := Memory{}, func() {}
		if score != nil {
			ds, doneScore = t.flow(score)
		}
		t.phase.Launch("attention_pool_backward", [3]int{b, 1, 1}, 128, x.Value, moment, y.Grad, dx, ds, steps, d)
		done()
		doneScore()
	})
	return y
}

// Cumulative gives the logits of ordered levels: a score (N) minus increasing thresholds.
func (t *Tape) Cumulative(score, steps *Var) *Var {
	n, k := count(score.Shape), count(steps.Shape)
	y := t.make(n, k)
	t.phase.Launch("cumulative", [3]int{ceil(n*k, 128), 1, 1}, 128, score.Value, steps.Value, y.Value, n, k)
	t.back = append(t.back, func() {
		ds, done := t.flow(score)
		dt, doneSteps := t.flow(steps)
		t.phase.Launch("cumulative_backward", [3]int{1, 1, 1}, 128, steps.Value, y.Grad, ds, dt, n, k)
		done()
		doneSteps()
	})
	return y
}

// Numbers of a loss that change with the labels: 1 / the sum of what is labelled.
type Numbers struct{ Inverse float32 }

// Loss is what all losses need beside their inputs.
type Loss struct {
	Phase   *Phase   // in which the loss is launched
	Each    Memory   // receives the loss of each row or element
	Numbers *Numbers // read at each launch
	Share   float32  // factor on the gradient: the loss's part in the whole
	Control Memory   // holds the loss scale, another factor on the gradient; the zero Memory means none
}

// ClassLoss is the loss of logits (N, K), a row each; it sets their gradient. labels (N) are -1 where there is none; weights (K) may be
// the zero Memory.
func (t *Tape) ClassLoss(l Loss, logits *Var, labels, weights Memory, smoothing, focal float32) {
	rows, k := logits.Shape[0], logits.Shape[1]
	logits.Grad = t.recorder.Memory(rows * k)
	l.Phase.Launch("class_loss", [3]int{ceil(rows, 4), 1, 1}, 128, logits.Value, labels, weights, l.Control, l.Each, logits.Grad, rows, k, &l.Numbers.Inverse, smoothing, focal, l.Share)
}

// BinaryLoss is the loss of logits of yes and no; targets are 1, 0, or -1 where there is none.
func (t *Tape) BinaryLoss(l Loss, logits *Var, targets Memory) {
	all := count(logits.Shape)
	logits.Grad = t.recorder.Memory(all)
	l.Phase.Launch("binary_loss", [3]int{ceil(all, 128), 1, 1}, 128, logits.Value, targets, l.Control, l.Each, logits.Grad, all, &l.Numbers.Inverse, l.Share)
}

// PointLoss is a weighted loss of coordinates: quadratic near the target, linear beyond reach.
func (t *Tape) PointLoss(l Loss, x *Var, target, weight Memory, reach float32) {
	all := count(x.Shape)
	x.Grad = t.recorder.Memory(all)
	l.Phase.Launch("point_loss", [3]int{ceil(all, 128), 1, 1}, 128, x.Value, target, weight, l.Control, l.Each, x.Grad, all, &l.Numbers.Inverse, reach, l.Share)
}
