package track

import (
	"math"

	"classlens/vision/scene"
)

// A view is what one camera position shows; shots of the same view share their
// seats. It is known again by a thumbnail too small to show a face.
const (
	thumbW, thumbH = 32, 18
	sameView       = 0.9 // correlation of two thumbnails of one view: people move, walls do not
)

type view struct{ thumb []float64 }

// viewOf gives the index of the step's view, a new one when none is like it.
func (t *Tracker) viewOf(step *scene.Step) int {
	thumb := thumbnail(step)
	best, at := sameView, -1
	for i, v := range t.views {
		if c := correlation(v.thumb, thumb); c > best {
			best, at = c, i
		}
	}
	if at < 0 || thumb == nil {
		t.views = append(t.views, view{thumb})
		return len(t.views) - 1
	}
	return at
}

// thumbnail averages the step's picture, or its last grey frame, over a coarse
// grid; nil when it has neither.
func thumbnail(step *scene.Step) []float64 {
	w, h, n, pix := step.Frame.Width, step.Frame.Height, 3, step.Frame.Pix
	if len(pix) < 3*w*h || w == 0 || h == 0 {
		if len(step.Between) == 0 {
			return nil
		}
		g := step.Between[len(step.Between)-1]
		w, h, n, pix = g.Width, g.Height, 1, g.Pix
		if len(pix) < w*h || w == 0 || h == 0 {
			return nil
		}
	}
	out := make([]float64, thumbW*thumbH)
	count := make([]float64, len(out))
	for y := range h {
		for x := range w {
			i := y*thumbH/h*thumbW + x*thumbW/w
			for c := range n {
				out[i] += float64(pix[(y*w+x)*n+c])
			}
			count[i]++
		}
	}
	for i := range out {
		if count[i] > 0 {
			out[i] /= count[i]
		}
	}
	return out
}

// correlation of two thumbnails, -1 to 1; 0 for a flat or missing one.
func correlation(a, b []float64) float64 {
	if len(a) == 0 || len(a) != len(b) {
		return 0
	}
	n := float64(len(a))
	var ma, mb float64
	for i := range a {
		ma, mb = ma+a[i]/n, mb+b[i]/n
	}
	var ab, aa, bb float64
	for i := range a {
		u, v := a[i]-ma, b[i]-mb
		ab, aa, bb = ab+u*v, aa+u*u, bb+v*v
	}
	if aa < 1e-9 || bb < 1e-9 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
