package recurrent

/*
#cgo CFLAGS: -O3 -Wall
#include <stdlib.h>
#include "recurrent.h"

static void forward(const struct rnn_kernels *k, int cell, int steps, int rows, int in, int units, const float *x, long ldx, const float *mask,
                    const float *w, float *h, float *c, float *gates, float *tanhc) {
    k->forward(cell, steps, rows, in, units, x, ldx, mask, w, h, c, gates, tanhc);
}
static void backward(const struct rnn_kernels *k, int cell, int steps, int rows, int in, int units, const float *x, long ldx, const float *mask,
                     const float *wt, const float *h, const float *c, float *gates, const float *tanhc, const float *dout, int from, float *dx,
                     long lddx, float *dw, float *dh, float *dc) {
    k->backward(cell, steps, rows, in, units, x, ldx, mask, wt, h, c, gates, tanhc, dout, from, dx, lddx, dw, dh, dc);
}
static void multiply(const struct rnn_kernels *r, int rows, int k, int n, const float *a, long lda, const float *w, float *out, long ldo, int add) {
    r->multiply(rows, k, n, a, lda, w, out, ldo, add);
}
static void outer(const struct rnn_kernels *r, int rows, int k, int n, const float *a, long lda, const float *g, long ldg, float *dw) {
    r->outer(rows, k, n, a, lda, g, ldg, dw);
}
static void tanh_(const struct rnn_kernels *r, long n, float *x) { r->tanh(n, x); }
static void adam(const struct rnn_kernels *r, long n, float *p, float *g, float *m, float *v, float scale, float rate, float b1, float b2,
                 float eps, float decay) {
    r->adam(n, p, g, m, v, scale, rate, b1, b2, eps, decay);
}
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// kernels are the C kernels of one instruction set; recurrent.h says what each does.
type kernels struct{ c *C.struct_rnn_kernels }

// kernelsFor gives the kernels of "avx512", "avx2" or "base"; "" the best here.
func kernelsFor(isa string) (kernels, error) {
	name := C.CString(isa)
	defer C.free(unsafe.Pointer(name))
	k := C.rnn_kernels_for(name)
	if k == nil {
		return kernels{}, fmt.Errorf("recurrent: this machine has no %q kernels", isa)
	}
	return kernels{k}, nil
}

func (k kernels) name() string { return C.GoString(k.c.name) }

func floats(v []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(v))) }

// aligned is n zeros at a multiple of 64 bytes (the collector does not move them).
func aligned(n int) []float32 {
	v := make([]float32, n+16)
	skip := int(-(uintptr(unsafe.Pointer(unsafe.SliceData(v))) / 4)) & 15
	return v[skip : skip+n : skip+n]
}

// multiply does out [rows][ldo] = a [rows][lda] m, or adds to it.
func (k kernels) multiply(rows int, a []float32, lda int, m matrix, out []float32, ldo int, add bool) {
	plus := C.int(0)
	if add {
		plus = 1
	}
	C.multiply(k.c, C.int(rows), C.int(m.in), C.int(m.out), floats(a), C.long(lda), floats(m.w), floats(out), C.long(ldo), plus)
}

// outer does m.g += a' g over the rows.
func (k kernels) outer(rows int, a []float32, lda int, g []float32, ldg int, m matrix) {
	C.outer(k.c, C.int(rows), C.int(m.in), C.int(m.out), floats(a), C.long(lda), floats(g), C.long(ldg), floats(m.g))
}

// tanh works in place; len(x) is a multiple of 16.
func (k kernels) tanh(x []float32) { C.tanh_(k.c, C.long(len(x)), floats(x)) }

// adam is one step of AdamW over all parameters; it zeroes the gradient.
func (k kernels) adam(p, g, m, v []float32, scale, rate, b1, b2, eps, decay float64) {
	C.adam(k.c, C.long(len(p)), floats(p), floats(g), floats(m), floats(v), C.float(scale), C.float(rate), C.float(b1), C.float(b2), C.float(eps), C.float(decay))
}

// transpose writes the transpose of the inputs from up to to of m.
func transpose(m matrix, from, to int, out []float32) {
	C.rnn_transpose(C.int(m.in), C.int(m.out), C.int(from), C.int(to), floats(m.w), floats(out))
}

func (k kernels) forward(l *layer, steps, rows int, mask []float32) {
	C.forward(k.c, l.cell, C.int(steps), C.int(rows), C.int(l.in), C.int(l.units), floats(l.x), C.long(l.ldx), floats(mask), floats(l.m.w),
		floats(l.h), floats(l.c), floats(l.gates), floats(l.tanhc))
}

func (k kernels) backward(l *layer, steps, rows int, mask, dout []float32, from int, dx []float32) {
	C.backward(k.c, l.cell, C.int(steps), C.int(rows), C.int(l.in), C.int(l.units), floats(l.x), C.long(l.ldx), floats(mask), floats(l.wt),
		floats(l.h), floats(l.c), floats(l.gates), floats(l.tanhc), floats(dout), C.int(from), floats(dx), C.long(blocks(l.in)), floats(l.m.g),
		floats(l.dh), floats(l.dc))
}

type cell = C.int

const (
	lstm cell = C.RNN_LSTM
	gru  cell = C.RNN_GRU
)
