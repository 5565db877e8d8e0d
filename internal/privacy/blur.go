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
	columns, rows := placesOf(x1-x0), placesOf(y1-y0)
	patch := means(f, x0, y0, columns, rows)
	cx, cy := b.Center()
	for y := y0; y < y1; y++ {
		dy := (float64(y) + .5 - cy) / (b.H / 2)
		if dy*dy > 1 {
			continue
		}
		reach := math.Sqrt(1-dy*dy) * b.W / 2 // of the ellipse in this row
		var across [cells][3]float64
		for j := range across {
			for c := range across[j] {
				across[j][c] = rows[y-y0].between(patch[rows[y-y0].low][j][c], patch[rows[y-y0].high][j][c])
			}
		}
		from, to := max(x0, int(math.Ceil(cx-reach-.5))), min(x1-1, int(math.Floor(cx+reach-.5)))
		for x := from; x <= to; x++ {
			at := columns[x-x0]
			p := f.Pix[3*(y*f.Width+x):]
			for c := range 3 {
				p[c] = byte(at.between(across[at.low][c], across[at.high][c]) + .5)
			}
		}
	}
}

// place is where a row or column of pixels lies among the patches: in one, and between the middles of two.
type place struct {
	patch, low, high int
	share            float64 // of the high one
}

func (p place) between(low, high float64) float64 { return low*(1-p.share) + high*p.share }

// placesOf are those of n pixels.
func placesOf(n int) []place {
	all := make([]place, n)
	for i := range all {
		u := min(max((float64(i)+.5)/float64(n)*cells-.5, 0), cells-1)
		all[i] = place{patch: i * cells / n, low: int(u), high: min(int(u)+1, cells-1), share: u - math.Floor(u)}
	}
	return all
}

// means are the mean colours of the patches: row, column, channel.
func means(f scene.Frame, x0, y0 int, columns, rows []place) (m [cells][cells][3]float64) {
	var sums [cells][cells][3]int
	var n [cells][cells]int
	for y, row := range rows {
		p := f.Pix[3*((y0+y)*f.Width+x0):]
		for _, column := range columns {
			s := &sums[row.patch][column.patch]
			s[0], s[1], s[2] = s[0]+int(p[0]), s[1]+int(p[1]), s[2]+int(p[2])
			n[row.patch][column.patch]++
			p = p[3:]
		}
	}
	for i := range cells {
		for j := range cells {
			for c := range 3 {
				if n[i][j] > 0 {
					m[i][j][c] = float64(sums[i][j][c]) / float64(n[i][j])
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
