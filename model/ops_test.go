package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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
		both := newBroadcast(a.shape, b.shape)
		both.each(func(_, i, j int) { want = append(want, a.floats[i]-b.floats[j]) })
		shape := both.shape
		got := new(opCall).binary(minus, nil, a, b)
		if fast := new(opCall).binary(minus, floatLoops["Sub"], a, b); !slices.Equal(fast.floats, got.floats) || !slices.Equal(fast.shape, got.shape) {
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

// What the first run of a plan settles: a shape that comes from values is another one when these are others, and a place that is none is an error at
// a later run as at the first.
func TestValuesThatPlansDependOn(t *testing.T) {
	s := newSmall(3, 4)
	s.file.inputs = append(s.file.inputs, Port{Name: "sides", Shape: []int{2}}, Port{Name: "place", Shape: []int{1}})
	toInts := map[string]attribute{"to": {i: typeInt64}}
	s.last = "sides"
	sides := s.op("Cast", toInts).last
	s.last = "x"
	shaped := s.op("Reshape", nil, sides).last
	shape := s.op("Shape", nil).last
	s.last = "x"
	again := s.op("Reshape", nil, shape).last
	s.last = "place"
	place := s.op("Cast", toInts).last
	s.last = "x"
	row := s.op("Gather", nil, place).last
	for _, outputs := range [][]string{{row}, {shaped, again, row}} { // settled after the first run, and never
		file := *s.file
		for _, name := range outputs {
			file.outputs = append(file.outputs, Port{Name: name})
		}
		n, err := load(&file, Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		x := randomTensor(rand.New(rand.NewPCG(1, 2)), -1, 1, 3, 4)
		for _, c := range []struct {
			rows, columns, place int
		}{{6, 2, 1}, {2, 6, 3}, {6, 2, 2}, {12, 1, -1}} {
			got, err := n.Run(x, Tensor{[]int{2}, []float32{float32(c.rows), float32(c.columns)}}, Tensor{[]int{1}, []float32{float32(c.place)}})
			if wrong := c.place == 3; wrong || err != nil {
				if !wrong || !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "Gather") {
					t.Errorf("%+v: %v", c, err)
				}
				continue
			}
			for i, name := range outputs {
				want := Tensor{[]int{c.rows, c.columns}, x.Data}
				if name == row {
					want = Tensor{[]int{1, 4}, x.Data[(c.place+3)%3*4:][:4]}
				}
				if fmt.Sprint(got[i]) != fmt.Sprint(want) {
					t.Errorf("%+v: %s is %v, want %v", c, name, got[i], want)
				}
			}
		}
		if n.last.settled != (len(outputs) == 1) {
			t.Errorf("%v: settled is %v", outputs, n.last.settled)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}
