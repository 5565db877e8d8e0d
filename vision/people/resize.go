package people

import (
	"image"
	"math"

	"classlens/vision/scene"
)

// resizer brings frames of one size to a net's input: planar float32 RGB. It
// enlarges by bicubic interpolation (a = -0.75, as OpenCV does: detectors see sharper
// edges on small heads than with straight lines) and reduces by area, so
// that nothing is skipped. It allocates once.
type resizer struct {
	fw, fh, w, h int // of the frame; of the picture in the input
	pw, ph       int // of the input; right and bottom of the picture are filled with zeros
	cols, rows   []taps
	ring         [][]float32 // horizontally resized source rows, (3, w) each
	at           []int       // which source row each ring slot holds
	from, to     int         // the part's columns
}

// taps are the source places that make one output place.
type taps struct {
	first int
	w     []float32
}

func newResizer(fw, fh, w, h, pw, ph int) *resizer {
	r := &resizer{fw: fw, fh: fh, w: w, h: h, pw: pw, ph: ph, cols: tapsFor(fw, w), rows: tapsFor(fh, h)}
	n := 1
	for _, t := range r.rows {
		n = max(n, len(t.w))
	}
	r.ring, r.at = make([][]float32, n), make([]int, n)
	for i := range r.ring {
		r.ring[i], r.at[i] = make([]float32, 3*w), -1
	}
	return r
}

// tapsFor gives the weights along one axis of n source places to m.
func tapsFor(n, m int) []taps {
	out := make([]taps, m)
	ratio := float64(n) / float64(m)
	for i := range out {
		if ratio > 1 {
			out[i] = areaTaps(float64(i)*ratio, float64(i+1)*ratio, n)
		} else {
			out[i] = cubicTaps((float64(i)+0.5)*ratio-0.5, n)
		}
	}
	return out
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

// cubicTaps are the four weights about x; what falls off the border goes to
// its last place.
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
	for i := range r.at {
		r.at[i] = -1
	}
	pw, plane := part.Dx(), part.Dx()*part.Dy()
	r.from, r.to = min(part.Min.X, r.w), min(part.Max.X, r.w)
	w := r.to - r.from
	bottom := min(part.Max.Y, r.h)
	if w < pw || bottom < part.Max.Y {
		clear(dst[:3*plane])
	}
	n := len(r.ring)
	for y := part.Min.Y; y < bottom; y++ {
		t := r.rows[y]
		for k := range t.w {
			src := t.first + k
			if slot := src % n; r.at[slot] != src {
				r.row(r.ring[slot], f.Pix[src*3*r.fw:(src+1)*3*r.fw])
				r.at[slot] = src
			}
		}
		for c := range 3 {
			out := dst[c*plane+(y-part.Min.Y)*pw:][:w]
			r.column(out, t, c*r.w+r.from)
			for i, v := range out {
				out[i] = min(max(v, 0), 255)*gain + bias
			}
		}
	}
}

// row resizes one source row (interleaved RGB) along x into three planes, as
// far as the part reaches.
func (r *resizer) row(dst []float32, src []byte) {
	red, green, blue := dst[:r.w], dst[r.w:2*r.w], dst[2*r.w:3*r.w]
	for x := r.from; x < r.to; x++ {
		t := &r.cols[x]
		p := src[3*t.first:]
		if len(t.w) == 4 {
			w, p := t.w[:4], p[:12]
			red[x] = w[0]*float32(p[0]) + w[1]*float32(p[3]) + w[2]*float32(p[6]) + w[3]*float32(p[9])
			green[x] = w[0]*float32(p[1]) + w[1]*float32(p[4]) + w[2]*float32(p[7]) + w[3]*float32(p[10])
			blue[x] = w[0]*float32(p[2]) + w[1]*float32(p[5]) + w[2]*float32(p[8]) + w[3]*float32(p[11])
			continue
		}
		var a, b, c float32
		for k, w := range t.w {
			a += w * float32(p[3*k])
			b += w * float32(p[3*k+1])
			c += w * float32(p[3*k+2])
		}
		red[x], green[x], blue[x] = a, b, c
	}
}

// column adds up the ring's rows for one output row; plane is where its plane
// and part begin in them.
func (r *resizer) column(out []float32, t taps, plane int) {
	n := len(r.ring)
	get := func(k int) []float32 { return r.ring[(t.first+k)%n][plane : plane+len(out)] }
	if len(t.w) == 4 {
		a, b, c, d := get(0), get(1), get(2), get(3)
		w0, w1, w2, w3 := t.w[0], t.w[1], t.w[2], t.w[3]
		for i := range out {
			out[i] = w0*a[i] + w1*b[i] + w2*c[i] + w3*d[i]
		}
		return
	}
	clear(out)
	for k, w := range t.w {
		for i, v := range get(k) {
			out[i] += w * v
		}
	}
}
