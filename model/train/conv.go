package train

// Conv is a 2D convolution without bias: x (N, C, H, W), w (O, C/groups, k, k).
//
//	y[n,o,i,j] = Σ w[o,c,a,b] · x[n, g(o)+c, i·stride+a-pad, j·stride+b-pad], zeros outside
func (t *Tape[T]) Conv(x, w *Node[T], stride, pad, groups int) *Node[T] {
	c := convOf(x.Shape, w.Shape, stride, pad, groups)
	y := t.node(c.n, c.o, c.outH, c.outW)
	if c.k == 1 && stride == 1 && groups == 1 {
		pointwise(c, x, w, y)
		return y
	}
	c.each(func(xi, wi, yi, count int) {
		weight := w.Value[wi]
		in, out := x.Value[xi:], y.Value[yi:yi+count]
		for q := range out {
			out[q] += weight * in[q*stride]
		}
	})
	y.back = func() {
		c.each(func(xi, wi, yi, count int) {
			weight, sum := w.Value[wi], T(0)
			in, gin, gout := x.Value[xi:], x.Grad[xi:], y.Grad[yi:yi+count]
			for q, g := range gout {
				sum += g * in[q*stride]
				gin[q*stride] += weight * g
			}
			w.Grad[wi] += sum
		})
	}
	return y
}

// conv is the geometry of a convolution.
type conv struct{ n, c, h, w, o, k, stride, pad, groups, outH, outW int }

func convOf(x, w []int, stride, pad, groups int) conv {
	want(len(x) == 4 && len(w) == 4 && w[2] == w[3] && x[1]%groups == 0 && w[0]%groups == 0 && w[1] == x[1]/groups, "convolution of %v with %v in %d groups", x, w, groups)
	k := w[2]
	return conv{x[0], x[1], x[2], x[3], w[0], k, stride, pad, groups, (x[2]+2*pad-k)/stride + 1, (x[3]+2*pad-k)/stride + 1}
}

// each walks over all rows of all products: count outputs from yi on take one
// weight times every stride-th input from xi on.
func (c conv) each(do func(xi, wi, yi, count int)) {
	ci, co := c.c/c.groups, c.o/c.groups
	for n := range c.n {
		for o := range c.o {
			g := o / co
			for q := range ci {
				in := (n*c.c + g*ci + q) * c.h * c.w
				for a := range c.k {
					for b := range c.k {
						first, last := c.span(b)
						if first >= last {
							continue
						}
						for i := range c.outH {
							y := i*c.stride + a - c.pad
							if y < 0 || y >= c.h {
								continue
							}
							do(in+y*c.w+first*c.stride+b-c.pad, ((o*ci+q)*c.k+a)*c.k+b, ((n*c.o+o)*c.outH+i)*c.outW+first, last-first)
						}
					}
				}
			}
		}
	}
}

// span is the columns of the output whose input at tap b lies inside.
func (c conv) span(b int) (first, last int) {
	for first < c.outW && first*c.stride+b-c.pad < 0 {
		first++
	}
	last = c.outW
	for last > first && (last-1)*c.stride+b-c.pad >= c.w {
		last--
	}
	return first, last
}

// pointwise is the 1x1 convolution: rows of pixels in cache order.
func pointwise[T Float](c conv, x, w, y *Node[T]) {
	area := c.h * c.w
	for n := range c.n {
		for o := range c.o {
			out := y.Value[(n*c.o+o)*area:][:area]
			for q := range c.c {
				weight, in := w.Value[o*c.c+q], x.Value[(n*c.c+q)*area:][:area]
				for i, v := range in {
					out[i] += weight * v
				}
			}
		}
	}
	y.back = func() {
		for n := range c.n {
			for o := range c.o {
				g := y.Grad[(n*c.o+o)*area:][:area]
				for q := range c.c {
					at := (n*c.c + q) * area
					weight, sum, in, gin := w.Value[o*c.c+q], T(0), x.Value[at:][:area], x.Grad[at:][:area]
					for i, v := range g {
						sum += v * in[i]
						gin[i] += weight * v
					}
					w.Grad[o*c.c+q] += sum
				}
			}
		}
	}
}

// GlobalAverage is the mean over H and W: (N, C, H, W) to (N, C).
func (t *Tape[T]) GlobalAverage(x *Node[T]) *Node[T] {
	y := t.node(x.Shape[0], x.Shape[1])
	area := x.Shape[2] * x.Shape[3]
	for i := range y.Value {
		sum := T(0)
		for _, v := range x.Value[i*area : (i+1)*area] {
			sum += v
		}
		y.Value[i] = sum / T(area)
	}
	y.back = func() {
		for i, g := range y.Grad {
			for j := i * area; j < (i+1)*area; j++ {
				x.Grad[j] += g / T(area)
			}
		}
	}
	return y
}
