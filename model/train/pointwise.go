package train

import "math"

// each1 makes an elementwise op: f gives a value and its derivative.
func (t *Tape[T]) each1(x *Node[T], f func(v T) (y, slope T)) *Node[T] {
	y := t.node(x.Shape...)
	slopes := t.buffer(len(x.Value))
	for i, v := range x.Value {
		y.Value[i], slopes[i] = f(v)
	}
	y.back = func() {
		for i, g := range y.Grad {
			x.Grad[i] += g * slopes[i]
		}
	}
	return y
}

// ReLU6 cuts off below 0 and above 6.
func (t *Tape[T]) ReLU6(x *Node[T]) *Node[T] {
	if f := single32(x.Value); f != nil {
		y := t.node(x.Shape...)
		kernels.ReLU6(f, single32(y.Value))
		y.back = func() { kernels.ReLU6Back(single32(y.Value), single32(y.Grad), single32(x.Grad)) }
		return y
	}
	return t.each1(x, func(v T) (T, T) {
		if v <= 0 {
			return 0, 0
		}
		if v >= 6 {
			return 6, 0
		}
		return v, 1
	})
}

// ReLU cuts off below 0.
func (t *Tape[T]) ReLU(x *Node[T]) *Node[T] {
	return t.each1(x, func(v T) (T, T) {
		if v <= 0 {
			return 0, 0
		}
		return v, 1
	})
}

// Tanh is the hyperbolic tangent.
func (t *Tape[T]) Tanh(x *Node[T]) *Node[T] {
	return t.each1(x, func(v T) (T, T) { y := T(math.Tanh(float64(v))); return y, 1 - y*y })
}

// Sigmoid is 1/(1+e^-x).
func (t *Tape[T]) Sigmoid(x *Node[T]) *Node[T] {
	return t.each1(x, func(v T) (T, T) { y := sigmoid(v); return y, y * (1 - y) })
}

func sigmoid[T Float](v T) T { return T(1 / (1 + math.Exp(-float64(v)))) }

// Log is the natural logarithm, of at least 1e-9.
func (t *Tape[T]) Log(x *Node[T]) *Node[T] {
	return t.each1(x, func(v T) (T, T) {
		if v < 1e-9 {
			return T(math.Log(1e-9)), 0
		}
		return T(math.Log(float64(v))), 1 / v
	})
}

// Add adds two tensors of one shape.
func (t *Tape[T]) Add(a, b *Node[T]) *Node[T] {
	want(len(a.Value) == len(b.Value), "%v plus %v", a.Shape, b.Shape)
	y := t.node(a.Shape...)
	copy(y.Value, a.Value)
	addTo(y.Value, b.Value)
	y.back = func() {
		addTo(a.Grad, y.Grad)
		addTo(b.Grad, y.Grad)
	}
	return y
}

// Mul multiplies two tensors element by element.
func (t *Tape[T]) Mul(a, b *Node[T]) *Node[T] {
	want(len(a.Value) == len(b.Value), "%v times %v", a.Shape, b.Shape)
	y := t.node(a.Shape...)
	for i := range y.Value {
		y.Value[i] = a.Value[i] * b.Value[i]
	}
	y.back = func() {
		for i, g := range y.Grad {
			a.Grad[i] += g * b.Value[i]
			b.Grad[i] += g * a.Value[i]
		}
	}
	return y
}

// ScaleChannels multiplies each channel of x (N, C, H, W) by k (N, C): the last
// step of squeeze-and-excitation (Hu et al. 2018).
func (t *Tape[T]) ScaleChannels(x, k *Node[T]) *Node[T] {
	area := x.Shape[2] * x.Shape[3]
	want(len(k.Value)*area == len(x.Value), "channels of %v times %v", x.Shape, k.Shape)
	y := t.node(x.Shape...)
	for i := range y.Value {
		y.Value[i] = x.Value[i] * k.Value[i/area]
	}
	y.back = func() {
		for i, g := range y.Grad {
			x.Grad[i] += g * k.Value[i/area]
			k.Grad[i/area] += g * x.Value[i]
		}
	}
	return y
}

// Weighted is Σ weight·loss of losses of one number each.
func (t *Tape[T]) Weighted(losses []*Node[T], weights []T) *Node[T] {
	y := t.node(1)
	for i, l := range losses {
		y.Value[0] += weights[i] * l.Value[0]
	}
	y.back = func() {
		for i, l := range losses {
			l.Grad[0] += weights[i] * y.Grad[0]
		}
	}
	return y
}

// Reshape gives the same values another shape.
func (t *Tape[T]) Reshape(x *Node[T], shape ...int) *Node[T] {
	want(size(shape) == len(x.Value), "%v as %v", x.Shape, shape)
	y := &Node[T]{Shape: shape, Value: x.Value, Grad: x.Grad} // one memory: nothing to pass back
	return y
}

// Rows picks rows of x (R, D) by their numbers, some perhaps more than once.
func (t *Tape[T]) Rows(x *Node[T], index []int) *Node[T] {
	d := x.Shape[len(x.Shape)-1]
	y := t.node(len(index), d)
	for r, from := range index {
		copy(y.Value[r*d:(r+1)*d], x.Value[from*d:])
	}
	y.back = func() {
		for r, from := range index {
			axpy(x.Grad[from*d:][:d], 1, y.Grad[r*d:(r+1)*d])
		}
	}
	return y
}

// Columns cuts columns from..to out of x (R, D).
func (t *Tape[T]) Columns(x *Node[T], from, to int) *Node[T] {
	d := x.Shape[len(x.Shape)-1]
	rows, w := len(x.Value)/d, to-from
	y := t.node(rows, w)
	for r := range rows {
		copy(y.Value[r*w:(r+1)*w], x.Value[r*d+from:r*d+to])
	}
	y.back = func() {
		for r := range rows {
			for j := range w {
				x.Grad[r*d+from+j] += y.Grad[r*w+j]
			}
		}
	}
	return y
}

// Linear is x·wᵀ + b: x (R, I), w (O, I), b (O) or nil.
func (t *Tape[T]) Linear(x, w, b *Node[T]) *Node[T] {
	in, out := w.Shape[1], w.Shape[0]
	want(len(x.Value)%in == 0, "%v by a layer of %v", x.Shape, w.Shape)
	rows := len(x.Value) / in
	y := t.node(rows, out)
	turned := t.buffer(len(w.Value))
	transpose(w.Value, turned, out, in)
	if b != nil {
		for r := range rows {
			copy(y.Value[r*out:(r+1)*out], b.Value)
		}
	}
	matmul(x.Value, turned, y.Value, rows, in, out)
	y.back = func() {
		if b != nil {
			for r := range rows {
				axpy(b.Grad, 1, y.Grad[r*out:(r+1)*out])
			}
		}
		flipped := t.buffer(len(y.Grad))
		transpose(y.Grad, flipped, rows, out)
		matmul(flipped, x.Value, w.Grad, out, rows, in)
		if x.Grad != nil {
			matmul(y.Grad, w.Value, x.Grad, rows, out, in)
		}
	}
	return y
}
