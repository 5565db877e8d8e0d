package train

import (
	"math"

	"classlens/model/cpu"
)

// epsilon keeps norms from dividing by zero; ONNX's default.
const epsilon = 1e-5

// BatchStats are a batch norm's running mean and variance, for inference:
// running = (1-momentum)·running + momentum·batch.
type BatchStats[T Float] struct {
	Mean, Variance []T
	Momentum       T
}

// NewBatchStats starts at mean 0, variance 1.
func NewBatchStats[T Float](channels int) *BatchStats[T] {
	s := &BatchStats[T]{Mean: make([]T, channels), Variance: make([]T, channels), Momentum: 0.1}
	for i := range s.Variance {
		s.Variance[i] = 1
	}
	return s
}

// add takes a batch's mean and unbiased variance of channel k; nil takes nothing.
func (s *BatchStats[T]) add(k int, mean, variance T) {
	if s != nil {
		s.Mean[k] += s.Momentum * (mean - s.Mean[k])
		s.Variance[k] += s.Momentum * (variance - s.Variance[k])
	}
}

// BatchNorm normalizes each channel of x (N, C, H, W) over N, H, W, then scales and
// shifts it (Ioffe and Szegedy 2015). It updates the running statistics (nil: none), whose
// variance is the unbiased one, as in PyTorch.
func (t *Tape[T]) BatchNorm(x, scale, shift *Node[T], running *BatchStats[T]) *Node[T] {
	n, c, area := x.Shape[0], x.Shape[1], x.Shape[2]*x.Shape[3]
	y := t.node(x.Shape...)
	normed, count := t.buffer(len(x.Value)), n*area
	if f := single32(x.Value); f != nil {
		b := cpu.Norm{N: n, C: c, Area: area, Scale: single32(scale.Value), Normed: single32(normed), Moments: make([]float32, 3*c)}
		kernels.BatchNorm(b, f, single32(shift.Value), single32(y.Value), epsilon)
		for k := range c {
			running.add(k, T(b.Moments[3*k]), T(b.Moments[3*k+2])*T(count)/T(max(count-1, 1)))
		}
		y.back = func() {
			kernels.BatchNormBack(b, single32(y.Grad), single32(x.Grad), single32(scale.Grad), single32(shift.Grad))
		}
		return y
	}
	inverse := make([]T, c)
	for k := range c {
		var sum, squares float64
		each(n, c, area, k, func(i int) { sum += float64(x.Value[i]) })
		mean := sum / float64(count)
		each(n, c, area, k, func(i int) { d := float64(x.Value[i]) - mean; squares += d * d })
		variance := squares / float64(count)
		inverse[k] = T(1 / math.Sqrt(variance+epsilon))
		each(n, c, area, k, func(i int) {
			normed[i] = (x.Value[i] - T(mean)) * inverse[k]
			y.Value[i] = normed[i]*scale.Value[k] + shift.Value[k]
		})
		running.add(k, T(mean), T(squares/float64(max(count-1, 1))))
	}
	y.back = func() {
		for k := range c {
			var g, gn T // sums of the gradient, and of the gradient times the normed value
			each(n, c, area, k, func(i int) { g += y.Grad[i]; gn += y.Grad[i] * normed[i] })
			scale.Grad[k] += gn
			shift.Grad[k] += g
			f := scale.Value[k] * inverse[k]
			each(n, c, area, k, func(i int) { x.Grad[i] += f * (y.Grad[i] - (g+normed[i]*gn)/T(count)) })
		}
	}
	return y
}

// each visits channel k's elements.
func each(n, c, area, k int, do func(i int)) {
	for b := range n {
		at := (b*c + k) * area
		for i := at; i < at+area; i++ {
			do(i)
		}
	}
}

// LayerNorm norms the last axis, then scales and shifts (Ba et al. 2016).
func (t *Tape[T]) LayerNorm(x, scale, shift *Node[T]) *Node[T] {
	d := x.Shape[len(x.Shape)-1]
	rows := len(x.Value) / d
	y := t.node(x.Shape...)
	normed, inverse := make([]T, len(x.Value)), make([]T, rows)
	for r := range rows {
		in := x.Value[r*d : (r+1)*d]
		var mean, variance float64
		for _, v := range in {
			mean += float64(v) / float64(d)
		}
		for _, v := range in {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(d)
		}
		inverse[r] = T(1 / math.Sqrt(variance+epsilon))
		for j, v := range in {
			normed[r*d+j] = (v - T(mean)) * inverse[r]
			y.Value[r*d+j] = normed[r*d+j]*scale.Value[j] + shift.Value[j]
		}
	}
	y.back = func() {
		for r := range rows {
			var g, gn T
			for j := range d {
				i := r*d + j
				v := y.Grad[i] * scale.Value[j]
				g += v
				gn += v * normed[i]
				scale.Grad[j] += y.Grad[i] * normed[i]
				shift.Grad[j] += y.Grad[i]
			}
			for j := range d {
				i := r*d + j
				x.Grad[i] += inverse[r] * (y.Grad[i]*scale.Value[j] - (g+normed[i]*gn)/T(d))
			}
		}
	}
	return y
}

// FixedNorm norms each channel by the running statistics, which stay as they are.
func (t *Tape[T]) FixedNorm(x, scale, shift *Node[T], running *BatchStats[T]) *Node[T] {
	n, c, area := x.Shape[0], x.Shape[1], x.Shape[2]*x.Shape[3]
	y := t.node(x.Shape...)
	inverse := make([]T, c)
	for k := range c {
		inverse[k] = T(1 / math.Sqrt(float64(running.Variance[k])+epsilon))
		each(n, c, area, k, func(i int) { y.Value[i] = (x.Value[i]-running.Mean[k])*inverse[k]*scale.Value[k] + shift.Value[k] })
	}
	y.back = func() {
		for k := range c {
			each(n, c, area, k, func(i int) {
				g := y.Grad[i]
				x.Grad[i] += g * inverse[k] * scale.Value[k]
				scale.Grad[k] += g * (x.Value[i] - running.Mean[k]) * inverse[k]
				shift.Grad[k] += g
			})
		}
	}
	return y
}
