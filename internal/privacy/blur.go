// Package privacy makes faces unrecognisable in pictures that are written.
package privacy

import (
	"math"

	"classlens/vision/scene"
)

// cells is how many patches a head is reduced to each way: what remains of a
// face is its mean colours in 25 patches, which no sharpening brings back.
const cells = 5

// Blur replaces an ellipse over the head, a third larger than its box, by a few
// smooth patches of mean colour, in place.
func Blur(f scene.Frame, head scene.Box) {
	b := head.Scale(1.35, 1.35)
	x0, y0 := max(0, int(math.Floor(b.X))), max(0, int(math.Floor(b.Y)))
	x1, y1 := min(f.Width, int(math.Ceil(b.X+b.W))), min(f.Height, int(math.Ceil(b.Y+b.H)))
	if x1 <= x0 || y1 <= y0 {
		return
	}
	patch := means(f, x0, y0, x1, y1)
	cx, cy := b.Center()
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			dx, dy := (float64(x)+.5-cx)/(b.W/2), (float64(y)+.5-cy)/(b.H/2)
			if dx*dx+dy*dy > 1 {
				continue
			}
			u := (float64(x-x0)+.5)/float64(x1-x0)*cells - .5
			v := (float64(y-y0)+.5)/float64(y1-y0)*cells - .5
			p := f.Pix[3*(y*f.Width+x):]
			for c := range 3 {
				p[c] = byte(between(&patch, u, v, c) + .5)
			}
		}
	}
}

type patches [cells][cells][3]float64

// means are the mean colours of the patches.
func means(f scene.Frame, x0, y0, x1, y1 int) (m patches) {
	var n [cells][cells]float64
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			i, j := (y-y0)*cells/(y1-y0), (x-x0)*cells/(x1-x0)
			n[i][j]++
			for c := range 3 {
				m[i][j][c] += float64(f.Pix[3*(y*f.Width+x)+c])
			}
		}
	}
	for i := range cells {
		for j := range cells {
			for c := range 3 {
				if n[i][j] > 0 {
					m[i][j][c] /= n[i][j]
				} else if j > 0 { // a head of fewer pixels than patches
					m[i][j][c] = m[i][j-1][c]
				} else if i > 0 {
					m[i][j][c] = m[i-1][j][c]
				}
			}
		}
	}
	return m
}

// between is the bilinear mean of four patches.
func between(m *patches, u, v float64, c int) float64 {
	u, v = min(max(u, 0), cells-1), min(max(v, 0), cells-1)
	j, i := int(u), int(v)
	j1, i1 := min(j+1, cells-1), min(i+1, cells-1)
	fx, fy := u-float64(j), v-float64(i)
	return (m[i][j][c]*(1-fx)+m[i][j1][c]*fx)*(1-fy) + (m[i1][j][c]*(1-fx)+m[i1][j1][c]*fx)*fy
}
