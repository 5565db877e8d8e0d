package train

import "classlens/model/cpu"

// Conv is a 2D convolution without bias: x (N, C, H, W), w (O, C/groups, k, k).
//
//	y[n,o,i,j] = Σ w[o,c,a,b] · x[n, g(o)+c, i·stride+a-pad, j·stride+b-pad], zeros outside
func (t *Tape[T]) Conv(x, w *Node[T], stride, pad, groups int) *Node[T] {
	c := convOf(x.Shape, w.Shape, stride, pad, groups)
	y := t.node(c.n, c.o, c.outH, c.outW)
	switch {
	case c.k == 1 && stride == 1 && groups == 1 && pad == 0:
		pointwise(t, c, x, w, y)
	case groups == 1:
		dense2D(t, c, x, w, y)
	case groups == c.c && c.o == c.c && single32(x.Value) != nil && x.Grad != nil:
		depthwise(c, x, w, y)
	default:
		grouped(c, x, w, y)
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

// grouped is the plain loop: any convolution.
func grouped[T Float](c conv, x, w, y *Node[T]) {
	c.each(func(xi, wi, yi, count int) {
		weight := w.Value[wi]
		in, out := x.Value[xi:], y.Value[yi:yi+count]
		for q := range out {
			out[q] += weight * in[q*c.stride]
		}
	})
	y.back = func() {
		c.each(func(xi, wi, yi, count int) {
			weight, sum := w.Value[wi], T(0)
			in, gin, gout := x.Value[xi:], x.Grad[xi:], y.Grad[yi:yi+count]
			for q, g := range gout {
				sum += g * in[q*c.stride]
				gin[q*c.stride] += weight * g
			}
			w.Grad[wi] += sum
		})
	}
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

// depthwise is one kernel a channel, in C.
func depthwise[T Float](c conv, x, w, y *Node[T]) {
	p := cpu.Planes{N: c.n, C: c.c, H: c.h, W: c.w, K: c.k, Stride: c.stride, Pad: c.pad, OutH: c.outH, OutW: c.outW}
	kernels.Depthwise(p, single32(x.Value), single32(w.Value), single32(y.Value))
	y.back = func() {
		kernels.DepthwiseBack(p, single32(x.Value), single32(w.Value), single32(y.Grad), single32(x.Grad), single32(w.Grad))
	}
}

// wideEnough is how many pixels a matrix product should have beside each other:
// small maps of several images are put together.
const wideEnough = 256

// pointwise is the 1x1 convolution: a matrix product over the pixels.
func pointwise[T Float](t *Tape[T], c conv, x, w, y *Node[T]) {
	area := c.h * c.w
	group := min(max(1, wideEnough/area), c.n)
	in, out := t.buffer(c.c*group*area), t.buffer(c.o*group*area)
	for n := 0; n < c.n; n += group {
		k := min(group, c.n-n)
		if k == 1 {
			matmul(w.Value, x.Value[n*c.c*area:], y.Value[n*c.o*area:], c.o, c.c, area)
			continue
		}
		gather(x.Value[n*c.c*area:], in, k, c.c, area)
		clear(out)
		matmul(w.Value, in, out, c.o, c.c, k*area)
		scatter(out, y.Value[n*c.o*area:], k, c.o, area)
	}
	y.back = func() {
		turned, flipped, gin := t.buffer(len(w.Value)), t.buffer(len(in)), t.buffer(len(in))
		transpose(w.Value, turned, c.o, c.c)
		for n := 0; n < c.n; n += group {
			k := min(group, c.n-n)
			from, g := x.Value[n*c.c*area:], y.Grad[n*c.o*area:]
			if k > 1 {
				gather(from, in, k, c.c, area)
				gather(g, out, k, c.o, area)
				from, g = in, out
			}
			transpose(from, flipped, c.c, k*area)
			matmul(g, flipped, w.Grad, c.o, k*area, c.c)
			if x.Grad == nil {
				continue
			}
			if k == 1 {
				matmul(turned, g, x.Grad[n*c.c*area:], c.c, c.o, area)
				continue
			}
			clear(gin)
			matmul(turned, g, gin, c.c, c.o, k*area)
			scatter(gin, x.Grad[n*c.c*area:], k, c.c, area)
		}
	}
}

// gather puts k images of c planes side by side: (k, c, area) to (c, k·area).
func gather[T Float](from, to []T, k, c, area int) {
	for n := range k {
		for q := range c {
			copy(to[(q*k+n)*area:][:area], from[(n*c+q)*area:])
		}
	}
}

// scatter adds them back to where they came from.
func scatter[T Float](from, to []T, k, c, area int) {
	for n := range k {
		for q := range c {
			axpy(to[(n*c+q)*area:][:area], 1, from[(q*k+n)*area:][:area])
		}
	}
}

// dense2D is a convolution over all channels: each image's patches as a matrix.
func dense2D[T Float](t *Tape[T], c conv, x, w, y *Node[T]) {
	inner, area := c.c*c.k*c.k, c.outH*c.outW
	patches := t.buffer(inner * area)
	for n := range c.n {
		copyPatches(c, x.Value[n*c.c*c.h*c.w:], patches)
		matmul(w.Value, patches, y.Value[n*c.o*area:], c.o, inner, area)
	}
	y.back = func() {
		flipped, turned := t.buffer(inner*area), t.buffer(len(w.Value))
		transpose(w.Value, turned, c.o, inner)
		for n := range c.n {
			g := y.Grad[n*c.o*area:]
			copyPatches(c, x.Value[n*c.c*c.h*c.w:], patches)
			transpose(patches, flipped, inner, area)
			matmul(g, flipped, w.Grad, c.o, area, inner)
			if x.Grad != nil {
				clear(patches)
				matmul(turned, g, patches, inner, c.o, area)
				addPatches(c, x.Grad[n*c.c*c.h*c.w:], patches)
			}
		}
	}
}

// copyPatches copies one image (C, H, W) to (C·k·k, outH·outW); addPatches adds the
// patches back to the image.
func copyPatches[T Float](c conv, image, patches []T) {
	clear(patches)
	c.rows(func(at, row, count int) {
		out := patches[row : row+count]
		for q := range out {
			out[q] = image[at+q*c.stride]
		}
	})
}

func addPatches[T Float](c conv, image, patches []T) {
	c.rows(func(at, row, count int) {
		for q, v := range patches[row : row+count] {
			image[at+q*c.stride] += v
		}
	})
}

// rows walks over the patches' rows: count patches from row on hold every stride-th
// pixel of the image from at on.
func (c conv) rows(do func(at, row, count int)) {
	for q := range c.c {
		for a := range c.k {
			for b := range c.k {
				first, last := c.span(b)
				for i := range c.outH {
					if r := i*c.stride + a - c.pad; r >= 0 && r < c.h && first < last {
						do((q*c.h+r)*c.w+first*c.stride+b-c.pad, (((q*c.k+a)*c.k+b)*c.outH+i)*c.outW+first, last-first)
					}
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
