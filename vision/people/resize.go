package people

/*
#cgo CFLAGS: -O3 -Wall -std=c11
#include "resize.h"
*/
import "C"

import (
	"image"
	"math"

	"classlens/vision/scene"
)

// resizer converts frames of one size to a net's input: planar float32 RGB. It
// enlarges by bicubic interpolation (a = -0.75, as OpenCV does: edges of small heads are sharper
// than with bilinear interpolation) and shrinks by averaging areas, so
// that no pixel is skipped. It allocates once.
type resizer struct {
	fw, fh, w, h int // of the frame; of the picture in the input
	pw, ph       int // of the input; the rest to the right and below the picture is zero
	cols, rows   axis
	line         []float32 // a source row, and one value more
	ring         []float32 // source rows resized along x, (rows.most, 3, w)
}

// axis says, for each output place along one side, from which source places it is made.
type axis struct {
	places  []int32 // (n, 2): the first, and how many
	most    int
	weights []float32 // (n, most)
}

func newResizer(fw, fh, w, h, pw, ph int) *resizer {
	r := &resizer{fw: fw, fh: fh, w: w, h: h, pw: pw, ph: ph, cols: axisFor(fw, w), rows: axisFor(fh, h)}
	r.line, r.ring = make([]float32, 3*fw+1), make([]float32, r.rows.most*3*w)
	return r
}

// axisFor gives the weights of n source places for m.
func axisFor(n, m int) axis {
	a := axis{places: make([]int32, 2*m)}
	ratio := float64(n) / float64(m)
	all := make([]taps, m)
	for i := range all {
		if ratio > 1 {
			all[i] = areaTaps(float64(i)*ratio, float64(i+1)*ratio, n)
		} else {
			all[i] = cubicTaps((float64(i)+0.5)*ratio-0.5, n)
		}
		a.most = max(a.most, len(all[i].w))
	}
	a.weights = make([]float32, m*a.most)
	for i, t := range all {
		a.places[2*i], a.places[2*i+1] = int32(t.first), int32(len(t.w))
		copy(a.weights[i*a.most:], t.w)
	}
	return a
}

// c gives the axis to C, for one call.
func (a *axis) c() C.cl_axis {
	return C.cl_axis{C.int(len(a.places) / 2), C.int(a.most), (*C.int)(&a.places[0]), (*C.float)(&a.weights[0])}
}

// taps are the source places that make one output place.
type taps struct {
	first int
	w     []float32
}

// areaTaps covers the span [a, b) of the source.
func areaTaps(a, b float64, n int) taps {
	first, last := int(a), min(int(math.Ceil(b-1e-9)), n)
	t := taps{first: first, w: make([]float32, max(last-first, 1))}
	for k := range t.w {
		lo, hi := math.Max(a, float64(first+k)), math.Min(b, float64(first+k+1))
		t.w[k] = float32(math.Max(hi-lo, 0) / (b - a))
	}
	return t
}

// cubicTaps are the four weights around x; those beyond the border are added to the
// outermost place.
func cubicTaps(x float64, n int) taps {
	const a = -0.75
	x0 := int(math.Floor(x))
	f := x - float64(x0)
	near := func(d float64) float64 { return (a+2)*d*d*d - (a+3)*d*d + 1 }
	far := func(d float64) float64 { return a*d*d*d - 5*a*d*d + 8*a*d - 4*a }
	w := [4]float64{far(1 + f), near(f), near(1 - f), far(2 - f)}
	first := min(max(x0-1, 0), max(n-4, 0))
	t := taps{first: first, w: make([]float32, min(4, n))}
	for k, v := range w {
		at := min(max(x0-1+k, 0), n-1) - first
		t.w[at] += float32(v)
	}
	return t
}

// into writes a part of the resized frame to dst, (3, part's height, part's
// width), each value v as v·gain + bias.
func (r *resizer) into(dst []float32, f scene.Frame, part image.Rectangle, gain, bias float32) {
	pitch, plane := part.Dx(), part.Dx()*part.Dy()
	seen := part.Intersect(image.Rect(0, 0, r.w, r.h))
	if seen != part {
		clear(dst[:3*plane])
	}
	if seen.Empty() {
		return
	}
	_, _ = f.Pix[3*r.fw*r.fh-1], dst[3*plane-1]
	C.cl_resize((*C.uchar)(&f.Pix[0]), C.int(r.fw), r.cols.c(), r.rows.c(),
		C.cl_part{C.int(seen.Min.X), C.int(seen.Min.Y), C.int(seen.Max.X), C.int(seen.Max.Y)},
		C.float(gain), C.float(bias), (*C.float)(&r.line[0]), (*C.float)(&r.ring[0]), (*C.float)(&dst[0]), C.long(plane), C.long(pitch))
}
