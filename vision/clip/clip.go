// Package clip crops what the classroom network sees of a student from a frame:
// a square around head and upper body, with the flow in it.
//
// The geometry is the same in training and at run time. For a head box of width w
// and height h, the head's size is s = sqrt(w·h); the square has a side of 3.6 s and
// its centre is 0.6 s below the head's, so that a raised hand fits in at the top and the
// hands on the desk at the bottom.
package clip

/*
#cgo CFLAGS: -O3 -Wall -std=c11
#include "resample.h"
*/
import "C"

import (
	"math"
	"runtime"
	"sync"
	"unsafe"

	"classlens/vision/scene"
)

// The geometry, in head sizes.
const (
	sideInHeads = 3.6
	downInHeads = 0.6
)

// Square is the part of the frame that is cropped.
type Square struct{ X, Y, Side float64 } // top left corner and side, source pixels

// Around is the square for a head box.
func Around(head scene.Box) Square {
	s := math.Sqrt(math.Max(head.W*head.H, 1))
	x, y := head.Center()
	side := sideInHeads * s
	return Square{x - side/2, y + downInHeads*s - side/2, side}
}

// The geometry for labelled boxes: for head and upper body in lengths of the box's longer side, for heads
// in head sizes.
const (
	sideInBoxes  = 1.6
	sideInMarked = 3.2
	downInMarked = 0.5
)

// Labelled is the square for a labelled box: around a box of head and upper body, or, if it
// is a head box (head), around the head and what is below it.
func Labelled(box scene.Box, head bool) Square {
	x, y := box.Center()
	side := sideInBoxes * math.Max(math.Max(box.W, box.H), 1)
	if head {
		s := math.Sqrt(math.Max(box.W*box.H, 1))
		side, y = sideInMarked*s, y+downInMarked*s
	}
	return Square{x - side/2, y - side/2, side}
}

// taps are the source pixels and weights from which each of n output pixels is computed.
type taps struct {
	first, count []int32
	most         int
	weights      []float32 // (n, most)
}

// tapsOf gives the taps that resample side source pixels, from start on, to n: a triangle filter
// with the width of two output pixels when shrinking, bilinear when enlarging. Beyond the frame,
// which has limit pixels, its edge is repeated.
func tapsOf(start, side float64, n, limit int) taps {
	step := side / float64(n)
	reach := math.Max(step, 1)
	t := taps{first: make([]int32, n), count: make([]int32, n), most: int(2*reach) + 2}
	t.weights = make([]float32, n*t.most)
	for i := range n {
		middle := start + (float64(i)+0.5)*step - 0.5
		a, b := int(math.Ceil(middle-reach)), int(math.Floor(middle+reach))
		lo, hi := min(max(a, 0), limit-1), min(max(b, 0), limit-1)
		w := t.weights[i*t.most:][:hi-lo+1]
		sum := float32(0)
		for k := a; k <= b; k++ {
			v := float32(1 - math.Abs(float64(k)-middle)/reach)
			if v <= 0 {
				continue
			}
			w[min(max(k, lo), hi)-lo] += v
			sum += v
		}
		for j := range w {
			w[j] /= sum
		}
		t.first[i], t.count[i] = int32(lo), int32(hi-lo+1)
	}
	return t
}

// c gives the taps to C and pins their memory.
func (t *taps) c(p *runtime.Pinner) C.cl_taps {
	p.Pin(&t.first[0])
	p.Pin(&t.count[0])
	p.Pin(&t.weights[0])
	return C.cl_taps{C.int(len(t.first)), C.int(t.most), (*C.int)(&t.first[0]), (*C.int)(&t.count[0]), (*C.float)(&t.weights[0])}
}

// span is the number of source pixels from the first to the last that are read.
func (t *taps) span() int {
	from, to := t.first[0], t.first[0]+t.count[0]
	for i, f := range t.first {
		from, to = min(from, f), max(to, f+t.count[i])
	}
	return int(to - from)
}

// buffers are reused: a square's intermediate rows take some hundred kilobytes.
var buffers = sync.Pool{New: func() any { return new([]float32) }}

// Picture crops the square as (size, size, 3) RGB.
func Picture(f scene.Frame, q Square, size int) []byte {
	columns, rows := tapsOf(q.X, q.Side, size, f.Width), tapsOf(q.Y, q.Side, size, f.Height)
	line := max(columns.span(), size)*3 + 4
	need := line + rows.span()*size*3 + 4
	buffer := buffers.Get().(*[]float32)
	defer buffers.Put(buffer)
	if cap(*buffer) < need {
		*buffer = make([]float32, need)
	}
	b := (*buffer)[:need]
	out := make([]byte, size*size*3)
	var pin runtime.Pinner
	defer pin.Unpin()
	_ = f.Pix[3*f.Width*f.Height-1]
	C.cl_clip_picture((*C.uchar)(&f.Pix[0]), C.int(f.Width), columns.c(&pin), rows.c(&pin), (*C.float)(&b[0]), (*C.float)(&b[line]), (*C.uchar)(unsafe.Pointer(&out[0])))
	return out
}

// Flow crops the square from the flow as (size, size, 2), in sides of the
// square per second. Without flow it is nil.
func Flow(f *scene.Flow, q Square, size int) []float32 {
	if f == nil || f.Interval <= 0 {
		return nil
	}
	columns := tapsOf(q.X/f.Scale, q.Side/f.Scale, size, f.Width)
	rows := tapsOf(q.Y/f.Scale, q.Side/f.Scale, size, f.Height)
	out := make([]float32, size*size*2)
	var pin runtime.Pinner
	defer pin.Unpin()
	_ = f.UV[2*f.Width*f.Height-1]
	C.cl_clip_flow((*C.float)(&f.UV[0]), C.int(f.Width), columns.c(&pin), rows.c(&pin), C.float(float32(1/(f.Interval*q.Side))), (*C.float)(&out[0]))
	return out
}
