package track

import (
	"math"
	"slices"

	"classlens/vision/scene"
)

// A view is what one camera position shows; shots of the same view share their
// seats. It is known again by a thumbnail too small to show a face.
const (
	thumbW, thumbH = 32, 18
	sameView       = 0.85 // correlation of two thumbnails of one view: people move, walls do not
	shiftCells     = 3    // how far aside a view is still known: a tenth of the picture
	settleReach    = 1.5  // heads from where a head was before the cut
	settleHeads    = 3
)

// view holds what its last step showed and where the camera then was.
type view struct {
	thumb    []float64
	cam      pose
	activity activity
}

// viewOf gives the view of the first step after a cut and the camera's pose in
// it: a known view when the pictures agree, moved aside by some cells of the thumbnail if
// need be, else a new one.
func (t *Tracker) viewOf(step *scene.Step) (int, pose) {
	thumb := thumbnail(step)
	best, at, bx, by := sameView, -1, 0, 0
	for i, v := range t.views {
		for dy := -shiftCells; dy <= shiftCells; dy++ {
			for dx := -shiftCells; dx <= shiftCells; dx++ {
				if c := correlation(v.thumb, thumb, dx, dy); c > best {
					best, at, bx, by = c, i, dx, dy
				}
			}
		}
	}
	if at < 0 || thumb == nil {
		t.views = append(t.views, view{thumb: thumb, cam: still})
		return len(t.views) - 1, still
	}
	cam := t.views[at].cam
	cam.B[0] += float64(bx*step.Frame.Width) / thumbW
	cam.B[1] += float64(by*step.Frame.Height) / thumbH
	return at, cam
}

// settle refines the pose after a cut to a known view by the heads found at its
// first look: most are where heads of their size were last, moved by one offset.
func (t *Tracker) settle(now int, hits []*hit) {
	var dx, dy []float64
	size := 0.0
	for _, h := range hits {
		best, found := settleReach, false
		var bx, by float64
		for _, k := range t.done {
			if k.view != t.steps[now].view || math.Abs(math.Log(k.h/h.h)) > joinSizeLog {
				continue
			}
			l := k.last()
			if d := math.Max(math.Abs(l.cx-h.cx)/h.w, math.Abs(l.cy-h.cy)/h.h); d < best {
				best, found, bx, by = d, true, h.cx-l.cx, h.cy-l.cy
			}
		}
		if found {
			dx, dy, size = append(dx, bx), append(dy, by), size+h.h
		}
	}
	if len(dx) < settleHeads {
		return
	}
	size /= float64(len(dx))
	mx, my := median(slices.Clone(dx)), median(slices.Clone(dy))
	near := 0
	for i := range dx {
		if math.Hypot(dx[i]-mx, dy[i]-my) < apart*size {
			near++
		}
	}
	if 2*near < len(dx) {
		return
	}
	cam := &t.steps[now].cam
	cam.B[0] += cam.A[0][0]*mx + cam.A[0][1]*my
	cam.B[1] += cam.A[1][0]*mx + cam.A[1][1]*my
	for _, h := range hits {
		h.cx, h.cy = h.cx-mx, h.cy-my
	}
}

// thumbnail averages the step's picture over a coarse grid, a few samples a
// cell; nil when it has none.
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
	const a = 4 // samples a cell and axis
	out := make([]float64, thumbW*thumbH)
	for i := range out {
		for k := range a * a {
			x := ((i%thumbW)*a + k%a) * w / (thumbW * a)
			y := ((i/thumbW)*a + k/a) * h / (thumbH * a)
			for c := range n {
				out[i] += float64(pix[(y*w+x)*n+c]) / float64(a*a*n)
			}
		}
	}
	return out
}

// correlation of two thumbnails, -1 to 1, the second one moved by so many
// cells; 0 for a flat or missing one.
func correlation(a, b []float64, dx, dy int) float64 {
	if len(a) == 0 || len(a) != len(b) {
		return 0
	}
	var n, sa, sb, ab, aa, bb float64
	for y := max(0, -dy); y < min(thumbH, thumbH-dy); y++ {
		for x := max(0, -dx); x < min(thumbW, thumbW-dx); x++ {
			u, v := a[y*thumbW+x], b[(y+dy)*thumbW+x+dx]
			n, sa, sb, ab, aa, bb = n+1, sa+u, sb+v, ab+u*v, aa+u*u, bb+v*v
		}
	}
	aa, bb, ab = aa-sa*sa/n, bb-sb*sb/n, ab-sa*sb/n
	if aa < 1e-6*n || bb < 1e-6*n {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
