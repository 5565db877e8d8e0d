package clip

import (
	"math"
	"testing"
)

// Edges of one direction fill the bins of the direction across them, and blocks are of
// length one.
func TestHOGOfEdges(t *testing.T) {
	for _, c := range []struct {
		name   string
		bright func(x, y int) bool
		share  [hogBins]float64 // of a block's sum
	}{
		{"upright edge", func(x, _ int) bool { return x >= HOGSide/2 }, [hogBins]float64{0: 1}},
		{"level edge, between two bins", func(_, y int) bool { return y >= HOGSide/2 }, [hogBins]float64{4: .5, 5: .5}},
	} {
		rgb := make([]byte, 3*HOGSide*HOGSide)
		for i := range HOGSide * HOGSide {
			if c.bright(i%HOGSide, i/HOGSide) {
				rgb[3*i], rgb[3*i+1], rgb[3*i+2] = 200, 200, 200
			}
		}
		got := HOG(rgb)
		if len(got) != HOGValues {
			t.Fatalf("%d values", len(got))
		}
		const middle = 4 * hogBins * ((hogCells - 1) * (hogCells - 1) / 2) // the block in the middle
		sum, squares, bins := 0.0, 0.0, [hogBins]float64{}
		for i, v := range got[middle : middle+4*hogBins] {
			bins[i%hogBins] += float64(v)
			sum, squares = sum+float64(v), squares+float64(v)*float64(v)
		}
		for b, want := range c.share {
			if math.Abs(bins[b]/sum-want) > 1e-6 {
				t.Errorf("%s: %.3f in bin %d, not %.3f", c.name, bins[b]/sum, b, want)
			}
		}
		if math.Abs(squares-1) > 1e-5 {
			t.Errorf("%s: a block of length %v", c.name, math.Sqrt(squares))
		}
		for i, v := range got[:4*hogBins] { // nothing in the corner
			if v != 0 {
				t.Fatalf("%s: value %d of the corner is %v", c.name, i, v)
			}
		}
	}
}

// The mirror image's outlines are those of the picture that is mirrored, and both see the
// head above the middle.
func TestOutlinesMirror(t *testing.T) {
	const side = 256
	rgb, other := make([]byte, 3*side*side), make([]byte, 3*side*side)
	for i := range side * side {
		x, y := i%side, i/side
		v := byte(128 + 100*math.Sin(float64(x*x)/900)*math.Cos(float64(y)/(9+float64(x)/40)))
		for k := range 3 {
			rgb[3*i+k], other[3*(y*side+side-1-x)+k] = v, v
		}
	}
	a, b := Outlines(rgb, side), Outlines(other, side)
	differ := 0.0
	for i := range a[0] {
		if math.Abs(float64(a[0][i]-b[1][i])) > 1e-3 || math.Abs(float64(a[1][i]-b[0][i])) > 1e-3 {
			t.Fatalf("value %d: %v and %v, mirrored %v and %v", i, a[0][i], a[1][i], b[1][i], b[0][i])
		}
		differ = math.Max(differ, math.Abs(float64(a[0][i]-a[1][i])))
	}
	if differ < .1 {
		t.Errorf("the mirror image has the same outlines")
	}
	clear(rgb[3*side*160:])
	for i, v := range Outlines(rgb, side)[0] { // rows 20 to 156 are seen: the head, not what is below it
		if v != a[0][i] {
			t.Fatalf("value %d tells of what is below the head", i)
		}
	}
}
