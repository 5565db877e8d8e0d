package clip

import (
	"math"

	"classlens/vision/scene"
)

// Parameters of the histogram of oriented gradients.
const (
	HOGSide   = 64 // pixels per side of the picture
	hogCell   = 8  // pixels per side of a cell
	hogBins   = 9  // directions
	hogCells  = HOGSide / hogCell
	HOGValues = (hogCells - 1) * (hogCells - 1) * 4 * hogBins // length of HOG's result
)

// HOG is the histogram of oriented gradients (Dalal and Triggs 2005) of a picture of
// 64 x 64 pixels, as Picture gives it: 8 x 8 cells, 9 directions, overlapping blocks of 2 x 2 cells.
func HOG(rgb []byte) []float32 {
	grey := func(x, y int) float64 {
		p := rgb[3*(min(max(y, 0), HOGSide-1)*HOGSide+min(max(x, 0), HOGSide-1)):]
		return 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
	}
	var hist [hogCells][hogCells][hogBins]float64
	for y := range HOGSide {
		for x := range HOGSide {
			gx, gy := grey(x+1, y)-grey(x-1, y), grey(x, y+1)-grey(x, y-1)
			angle := math.Mod(math.Atan2(gy, gx)+math.Pi, math.Pi) / math.Pi * hogBins
			low := int(angle) % hogBins
			share := angle - math.Floor(angle)
			strength := math.Hypot(gx, gy)
			hist[y/hogCell][x/hogCell][low] += strength * (1 - share)
			hist[y/hogCell][x/hogCell][(low+1)%hogBins] += strength * share
		}
	}
	out := make([]float32, 0, HOGValues)
	for y := range hogCells - 1 {
		for x := range hogCells - 1 {
			sum := 1e-3
			for _, h := range [][hogBins]float64{hist[y][x], hist[y][x+1], hist[y+1][x], hist[y+1][x+1]} {
				for _, v := range h {
					out = append(out, float32(v))
					sum += v * v
				}
			}
			for i := len(out) - 4*hogBins; i < len(out); i++ {
				out[i] = float32(float64(out[i]) / math.Sqrt(sum))
			}
		}
	}
	return out
}

// headSides is the side of what Outlines sees, in heads.
const headSides = 1.7

// Outlines gives the HOG of a labelled head and of its mirror image, from a picture of the square that
// Labelled gives for it, with side pixels per side.
func Outlines(rgb []byte, side int) (out [2][]float32) {
	q := headSides / sideInMarked * float64(side)
	x, y := float64(side)/2, float64(side)*(0.5-downInMarked/sideInMarked)
	head := Picture(scene.Frame{Pix: rgb, Width: side, Height: side}, Square{x - q/2, y - q/2, q}, HOGSide)
	other := make([]byte, 0, len(head))
	for y := range HOGSide {
		for x := range HOGSide {
			at := 3 * (y*HOGSide + HOGSide - 1 - x)
			other = append(other, head[at:at+3]...)
		}
	}
	return [2][]float32{HOG(head), HOG(other)}
}
