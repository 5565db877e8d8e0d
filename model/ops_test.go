package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Sums of values of all kinds of shapes against the walk through the stretched
// shape, the short ways among them.
func TestBinaryValueStretchesShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	minus := func(a, b float64) float64 { return a - b }
	for _, c := range [][2][]int{
		{{2, 3, 5}, {5}}, {{5}, {2, 3, 5}}, {{2, 3, 5}, {3, 5}}, {{2, 3, 5}, {1, 3, 5}}, {{5}, {1, 1, 5}}, {{1, 1, 5}, {5}}, {{2, 3, 5}, {3, 1}},
		{{2, 1, 5}, {3, 1}}, {{4}, {}}, {{}, {4}}, {{1}, {1, 1}}, {{0, 5}, {5}}, {{2, 3, 5}, {2, 1, 1}}, {{2, 3}, {2, 3}},
	} {
		a, b := newValue(c[0]...), newValue(c[1]...)
		for _, v := range []*value{a, b} {
			for i := range v.floats {
				v.floats[i] = r.Float32()
			}
		}
		want := []float32{}
		shape := broadcast(a.shape, b.shape, func(_, i, j int) { want = append(want, a.floats[i]-b.floats[j]) })
		got := (*room)(nil).binaryValue(minus, nil, a, b)
		if fast := (*room)(nil).binaryValue(minus, floatLoops["Sub"], a, b); !slices.Equal(fast.floats, got.floats) || !slices.Equal(fast.shape, got.shape) {
			t.Errorf("%v: the loop over slices gives %v, one by one %v", c, fast.floats, got.floats)
		}
		if fmt.Sprint(got.shape) != fmt.Sprint(shape) {
			t.Errorf("%v: shape %v, want %v", c, got.shape, shape)
		}
		for i, w := range want {
			if d := got.floats[i] - w; d > 1e-6 || d < -1e-6 || len(got.floats) != len(want) {
				t.Fatalf("%v: %v, want %v", c, got.floats, want)
			}
		}
	}
}
