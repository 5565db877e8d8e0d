package models

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// param is a matrix that is trained by AdamW (Loshchilov and Hutter 2019).
type param struct {
	w, g, first, second []float32
	decay               float32
}

func newParam(n int, decay float32) *param {
	return &param{make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n), decay}
}

func (p *param) step(rate float64, taken int) {
	c1, c2 := 1-math.Pow(0.9, float64(taken)), 1-math.Pow(0.999, float64(taken))
	for i, g := range p.g {
		p.first[i] = 0.9*p.first[i] + 0.1*g
		p.second[i] = 0.999*p.second[i] + 0.001*g*g
		p.w[i] -= float32(rate) * (float32(float64(p.first[i])/c1/(math.Sqrt(float64(p.second[i])/c2)+1e-8)) + p.decay*p.w[i])
	}
	clear(p.g)
}

// layer is a step of a feed-forward net. backward follows a forward of the same
// batch, adds to the gradients and gives that of the input.
type layer interface {
	forward(x []float32, train bool) []float32
	backward(dy []float32) []float32
	params() []*param
}

// linear is y = xWᵀ + b over rows of in values.
type linear struct {
	in, out int
	w, b    *param
	x       []float32
}

func newLinear(in, out int, r *rand.Rand) *linear {
	l := &linear{in: in, out: out, w: newParam(in*out, 0.01), b: newParam(out, 0)}
	for i := range l.w.w {
		l.w.w[i] = float32(r.NormFloat64() * math.Sqrt(1/float64(in)))
	}
	return l
}

func matrix(data []float32, rows, columns int) blas32.General {
	return blas32.General{Rows: rows, Cols: columns, Stride: columns, Data: data}
}

func (l *linear) forward(x []float32, _ bool) []float32 {
	n := len(x) / l.in
	l.x = x
	y := make([]float32, n*l.out)
	for i := range n {
		copy(y[i*l.out:], l.b.w)
	}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, matrix(x, n, l.in), matrix(l.w.w, l.out, l.in), 1, matrix(y, n, l.out))
	return y
}

func (l *linear) backward(dy []float32) []float32 {
	n := len(dy) / l.out
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, matrix(dy, n, l.out), matrix(l.x, n, l.in), 1, matrix(l.w.g, l.out, l.in))
	for i := range n {
		for j, v := range dy[i*l.out : (i+1)*l.out] {
			l.b.g[j] += v
		}
	}
	dx := make([]float32, n*l.in)
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix(dy, n, l.out), matrix(l.w.w, l.out, l.in), 0, matrix(dx, n, l.in))
	return dx
}

func (l *linear) params() []*param { return []*param{l.w, l.b} }

// relu cuts at 0 and, in training, drops a share of the values.
type relu struct {
	drop   float64
	random *rand.Rand
	slope  []float32
}

func (l *relu) forward(x []float32, train bool) []float32 {
	y := make([]float32, len(x))
	l.slope = make([]float32, len(x))
	for i, v := range x {
		k := float32(1)
		if train && l.drop > 0 {
			k = float32(1 / (1 - l.drop))
			if l.random.Float64() < l.drop {
				k = 0
			}
		}
		if v > 0 {
			y[i], l.slope[i] = v*k, k
		}
	}
	return y
}

func (l *relu) backward(dy []float32) []float32 {
	for i := range dy {
		dy[i] *= l.slope[i]
	}
	return dy
}

func (l *relu) params() []*param { return nil }

// windows lays three neighbouring weeks side by side, zeros beyond the ends:
// (N, T, C) to (N, T, 3·C). A linear layer after it is a convolution over weeks
// whose filters see all kinds of activity at once.
type windows struct{ steps, width int }

func (l *windows) each(n int, do func(wide, narrow int)) {
	for i := range n / (l.steps * l.width) {
		for t := range l.steps {
			for k := range 3 {
				if from := t + k - 1; from >= 0 && from < l.steps {
					do(((i*l.steps+t)*3+k)*l.width, (i*l.steps+from)*l.width)
				}
			}
		}
	}
}

func (l *windows) forward(x []float32, _ bool) []float32 {
	y := make([]float32, 3*len(x))
	l.each(len(x), func(wide, narrow int) { copy(y[wide:wide+l.width], x[narrow:]) })
	return y
}

func (l *windows) backward(dy []float32) []float32 {
	dx := make([]float32, len(dy)/3)
	l.each(len(dx), func(wide, narrow int) {
		for j, v := range dy[wide : wide+l.width] {
			dx[narrow+j] += v
		}
	})
	return dx
}

func (l *windows) params() []*param { return nil }

// pool gives the last week and the mean of all: (N, T, C) to (N, 2·C).
type pool struct{ steps, width int }

func (l *pool) forward(x []float32, _ bool) []float32 {
	n := len(x) / (l.steps * l.width)
	y := make([]float32, 2*n*l.width)
	for i := range n {
		out := y[2*i*l.width : 2*(i+1)*l.width]
		for t := range l.steps {
			in := x[(i*l.steps+t)*l.width:][:l.width]
			for j, v := range in {
				out[l.width+j] += v / float32(l.steps)
			}
			copy(out, in)
		}
	}
	return y
}

func (l *pool) backward(dy []float32) []float32 {
	n := len(dy) / (2 * l.width)
	dx := make([]float32, n*l.steps*l.width)
	for i := range n {
		in := dy[2*i*l.width : 2*(i+1)*l.width]
		for t := range l.steps {
			out := dx[(i*l.steps+t)*l.width:][:l.width]
			for j := range out {
				out[j] = in[l.width+j] / float32(l.steps)
				if t == l.steps-1 {
					out[j] += in[j]
				}
			}
		}
	}
	return dx
}

func (l *pool) params() []*param { return nil }
