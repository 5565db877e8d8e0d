// Package clip cuts what the classroom network sees of a student out of a frame:
// a square round head and upper body, with the flow in it.
//
// The geometry is the same in training and at run time. From a head box of width w
// and height h, the head's size is s = sqrt(w·h); the square has a side of 3.6 s and
// its middle lies 0.6 s below the head's: above a raised hand still fits, below the
// hands on the desk.
package clip

import (
	"math"

	"classlens/vision/scene"
)

// The geometry, in head sizes.
const (
	sideInHeads = 3.6
	downInHeads = 0.6
)

// Square is the part of the frame that is cut out.
type Square struct{ X, Y, Side float64 } // top left corner and side, source pixels

// Around is the square of a head box.
func Around(head scene.Box) Square {
	s := math.Sqrt(math.Max(head.W*head.H, 1))
	x, y := head.Center()
	side := sideInHeads * s
	return Square{x - side/2, y + downInHeads*s - side/2, side}
}

// The geometry of labelled boxes: of head and upper body in the box's longer side, of heads in
// head sizes.
const (
	sideInBoxes  = 1.6
	sideInMarked = 3.2
	downInMarked = 0.5
)

// Labelled is the square of a labelled box: round a box of head and upper body, or
// round a head box and what is below it.
func Labelled(box scene.Box, head bool) Square {
	x, y := box.Center()
	side := sideInBoxes * math.Max(math.Max(box.W, box.H), 1)
	if head {
		s := math.Sqrt(math.Max(box.W*box.H, 1))
		side, y = sideInMarked*s, y+downInMarked*s
	}
	return Square{x - side/2, y - side/2, side}
}

// taps are the source pixels and weights that make one pixel of the result.
type taps struct {
	first   int
	weights []float32
}

// tapsOf resamples side source pixels from start to n: a triangle as wide as an
// output pixel when shrinking, bilinear when enlarging. Beyond the frame its edge
// is repeated.
func tapsOf(start, side float64, n, limit int) []taps {
	out := make([]taps, n)
	step := side / float64(n)
	reach := math.Max(step, 1)
	for i := range out {
		middle := start + (float64(i)+0.5)*step - 0.5
		a, b := int(math.Ceil(middle-reach)), int(math.Floor(middle+reach))
		lo, hi := min(max(a, 0), limit-1), min(max(b, 0), limit-1)
		w := make([]float32, hi-lo+1)
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
		out[i] = taps{lo, w}
	}
	return out
}

// Picture cuts the square out as size x size RGB, row-major.
func Picture(f scene.Frame, q Square, size int) []byte {
	columns, rows := tapsOf(q.X, q.Side, size, f.Width), tapsOf(q.Y, q.Side, size, f.Height)
	first := rows[0].first
	last := rows[size-1].first + len(rows[size-1].weights)
	for _, r := range rows { // at the frame's edge rows may repeat
		first, last = min(first, r.first), max(last, r.first+len(r.weights))
	}
	narrow := make([]float32, (last-first)*size*3)
	for y := first; y < last; y++ {
		shrinkRow(narrow[(y-first)*size*3:], f.Pix[y*f.Width*3:(y+1)*f.Width*3], columns)
	}
	out := make([]byte, size*size*3)
	sum := make([]float32, size*3)
	for i, r := range rows {
		clear(sum)
		for k, w := range r.weights {
			row := narrow[(r.first+k-first)*size*3:][:size*3]
			for j, v := range row {
				sum[j] += w * v
			}
		}
		for j, v := range sum {
			out[i*size*3+j] = byte(v + 0.5)
		}
	}
	return out
}

func shrinkRow(out []float32, in []byte, columns []taps) {
	for i, c := range columns {
		var r, g, b float32
		p := in[c.first*3:]
		for k, w := range c.weights {
			r += w * float32(p[3*k])
			g += w * float32(p[3*k+1])
			b += w * float32(p[3*k+2])
		}
		out[3*i], out[3*i+1], out[3*i+2] = r, g, b
	}
}

// Flow cuts the square out of the flow as size x size x 2, in sides of the
// square a second. No flow gives nil.
func Flow(f *scene.Flow, q Square, size int) []float32 {
	if f == nil || f.Interval <= 0 {
		return nil
	}
	columns := tapsOf(q.X/f.Scale, q.Side/f.Scale, size, f.Width)
	rows := tapsOf(q.Y/f.Scale, q.Side/f.Scale, size, f.Height)
	k := float32(1 / (f.Interval * q.Side))
	out := make([]float32, size*size*2)
	for i, r := range rows {
		for j, c := range columns {
			var u, v float32
			for a, wr := range r.weights {
				line := f.UV[2*((r.first+a)*f.Width+c.first):]
				for b, wc := range c.weights {
					u += wr * wc * line[2*b]
					v += wr * wc * line[2*b+1]
				}
			}
			out[2*(i*size+j)], out[2*(i*size+j)+1] = u*k, v*k
		}
	}
	return out
}
