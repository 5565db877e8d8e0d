package cpu

/*
#include "engine.h"
static void dw_forward(const struct cl_kernels *k, struct cl_planes p, const float *x, const float *w, float *y) { k->dw_forward(&p, x, w, y); }
static void dw_backward(const struct cl_kernels *k, struct cl_planes p, const float *x, const float *w, const float *gy, float *gx, float *gw) {
	k->dw_backward(&p, x, w, gy, gx, gw);
}
static void norm_forward(const struct cl_kernels *k, int n, int c, int area, const float *x, const float *scale, const float *shift, float *y,
                         float *normed, float *moments, float epsilon) {
	k->norm_forward(n, c, area, x, scale, shift, y, normed, moments, epsilon);
}
static void norm_backward(const struct cl_kernels *k, int n, int c, int area, const float *gy, const float *normed, const float *scale,
                          const float *moments, float *gx, float *gscale, float *gshift) {
	k->norm_backward(n, c, area, gy, normed, scale, moments, gx, gscale, gshift);
}
static void cut_forward(const struct cl_kernels *k, const float *x, float *y, long n) { k->cut_forward(x, y, n); }
static void cut_backward(const struct cl_kernels *k, const float *y, const float *gy, float *gx, long n) { k->cut_backward(y, gy, gx, n); }
static void transpose(const struct cl_kernels *k, const float *x, float *out, int r, int c) { k->transpose(x, out, r, c); }
static void add_to(const struct cl_kernels *k, float *y, const float *x, long n) { k->add_to(y, x, n); }
*/
import "C"

// Planes is a depthwise convolution on planar maps: N images of C planes (H, W), one
// kernel of side K per plane, Pad zeros around. OutH and OutW follow from the rest.
type Planes struct{ N, C, H, W, K, Stride, Pad, OutH, OutW int }

func (p Planes) c() C.struct_cl_planes {
	return C.struct_cl_planes{n: C.int(p.N), c: C.int(p.C), h: C.int(p.H), w: C.int(p.W), k: C.int(p.K), s: C.int(p.Stride), pad: C.int(p.Pad), oh: C.int(p.OutH), ow: C.int(p.OutW)}
}

func (p Planes) check(x, w, y []float32) {
	_, _, _ = x[p.N*p.C*p.H*p.W-1], w[p.C*p.K*p.K-1], y[p.N*p.C*p.OutH*p.OutW-1]
}

// Depthwise adds the convolution of x with w (C, K, K) to y.
func (k Kernels) Depthwise(p Planes, x, w, y []float32) {
	p.check(x, w, y)
	C.dw_forward(k.c, p.c(), floats(x), floats(w), floats(y))
}

// DepthwiseBack adds the gradients of Depthwise by x and w, given that by y.
func (k Kernels) DepthwiseBack(p Planes, x, w, gy, gx, gw []float32) {
	p.check(x, w, gy)
	p.check(gx, gw, gy)
	C.dw_backward(k.c, p.c(), floats(x), floats(w), floats(gy), floats(gx), floats(gw))
}

// Norm is a batch norm over maps (N, C, Area), with what its forward pass leaves for the backward pass.
type Norm struct {
	N, C, Area int
	Scale      []float32 // (C)
	Normed     []float32 // (N, C, Area): written by BatchNorm
	Moments    []float32 // (C, 3): mean, 1/deviation, variance; written by BatchNorm
}

// BatchNorm normalizes each channel of x, then scales and shifts it (shift (C)), into y.
func (k Kernels) BatchNorm(b Norm, x, shift, y []float32, epsilon float32) {
	last := b.N*b.C*b.Area - 1
	_, _, _, _, _, _ = x[last], y[last], b.Normed[last], b.Scale[b.C-1], shift[b.C-1], b.Moments[3*b.C-1]
	C.norm_forward(k.c, C.int(b.N), C.int(b.C), C.int(b.Area), floats(x), floats(b.Scale), floats(shift), floats(y), floats(b.Normed), floats(b.Moments), C.float(epsilon))
}

// BatchNormBack adds the gradients of BatchNorm by x, scale and shift, given that by y.
func (k Kernels) BatchNormBack(b Norm, gy, gx, gscale, gshift []float32) {
	last := b.N*b.C*b.Area - 1
	_, _, _, _, _, _, _ = gy[last], b.Normed[last], gx[last], b.Scale[b.C-1], gscale[b.C-1], gshift[b.C-1], b.Moments[3*b.C-1]
	C.norm_backward(k.c, C.int(b.N), C.int(b.C), C.int(b.Area), floats(gy), floats(b.Normed), floats(b.Scale), floats(b.Moments), floats(gx), floats(gscale), floats(gshift))
}

// ReLU6 writes min(max(x, 0), 6) to y.
func (k Kernels) ReLU6(x, y []float32) {
	if len(x) > 0 {
		_ = y[len(x)-1]
		C.cut_forward(k.c, floats(x), floats(y), C.long(len(x)))
	}
}

// ReLU6Back adds ReLU6's gradient: gy where y is between 0 and 6.
func (k Kernels) ReLU6Back(y, gy, gx []float32) {
	if len(y) > 0 {
		_, _ = gy[len(y)-1], gx[len(y)-1]
		C.cut_backward(k.c, floats(y), floats(gy), floats(gx), C.long(len(y)))
	}
}

// Transpose writes the transpose of x (rows, columns) to out.
func (k Kernels) Transpose(x, out []float32, rows, columns int) {
	if rows*columns > 0 {
		_, _ = x[rows*columns-1], out[rows*columns-1]
		C.transpose(k.c, floats(x), floats(out), C.int(rows), C.int(columns))
	}
}

// AddTo adds x to y.
func (k Kernels) AddTo(y, x []float32) {
	if len(x) > 0 {
		_ = y[len(x)-1]
		C.add_to(k.c, floats(y), floats(x), C.long(len(x)))
	}
}
