package video

import (
	"encoding/binary"
	"math"

	"classlens/vision/scene"
)

// thumbnail is a picture as 32x18 mean brightnesses, minus their mean: a lamp being
// switched on or a cloud changes it little, another view changes all of it.
type thumbnail struct {
	cell   [32 * 18]float64
	spread float64 // standard deviation
}

// cutLikeness is the correlation below which two pictures show different views.
// Neighbouring frames of one view stay above 0.9 even when somebody walks by.
const cutLikeness = 0.45

func newThumbnail(g scene.Gray) (t thumbnail) {
	const w, h = 32, 18
	mean := 0.0
	for cy := range h {
		y0, y1 := cy*g.Height/h, max((cy+1)*g.Height/h, cy*g.Height/h+1)
		for cx := range w {
			x0, x1 := cx*g.Width/w, max((cx+1)*g.Width/w, cx*g.Width/w+1)
			sum := 0
			for y := y0; y < min(y1, g.Height); y++ {
				sum += total(g.Pix[y*g.Width+x0 : y*g.Width+min(x1, g.Width)])
			}
			v := float64(sum) / float64((y1-y0)*(x1-x0))
			t.cell[cy*w+cx] = v
			mean += v / (w * h)
		}
	}
	for i := range t.cell {
		t.cell[i] -= mean
		t.spread += t.cell[i] * t.cell[i] / (w * h)
	}
	t.spread = math.Sqrt(t.spread)
	return t
}

// total sums pixels, eight at a time in four 16-bit lanes, each of which takes 64 rounds of two pixels without overflow.
func total(pix []byte) (sum int) {
	const even = 0x00ff00ff00ff00ff
	for len(pix) >= 8 {
		lanes := uint64(0)
		for n := 0; n < 64 && len(pix) >= 8; n++ {
			v := binary.LittleEndian.Uint64(pix)
			lanes += v&even + v>>8&even
			pix = pix[8:]
		}
		sum += int(lanes&0xffff + lanes>>16&0xffff + lanes>>32&0xffff + lanes>>48)
	}
	for _, p := range pix {
		sum += int(p)
	}
	return sum
}

// likeness is the correlation of two thumbnails, -1 to 1; two blank pictures have
// likeness 1, a blank and another one 0.
func (t thumbnail) likeness(o thumbnail) float64 {
	const blank = 2 // grey levels
	if t.spread < blank || o.spread < blank {
		if t.spread < blank && o.spread < blank {
			return 1
		}
		return 0
	}
	sum := 0.0
	for i := range t.cell {
		sum += t.cell[i] * o.cell[i]
	}
	return sum / float64(len(t.cell)) / (t.spread * o.spread)
}

// change is the mean difference of two thumbnails, as a share of the full range.
func (t thumbnail) change(o thumbnail) float64 {
	sum := 0.0
	for i := range t.cell {
		sum += math.Abs(t.cell[i] - o.cell[i])
	}
	return sum / float64(len(t.cell)) / 255
}
