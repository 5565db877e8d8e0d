package classroom

import (
	"math"
	"testing"
)

// Where a class attends is what most heads have in common: one who looks elsewhere
// does not move it, hidden students are passed over.
func TestDirectionIsTheMedian(t *testing.T) {
	n := &Network{directions: 2}
	got := n.Direction([][]float32{{1, -2, 9}, nil, {3, 0, 9}, {100, -1, 9}})
	if len(got) != 2 || got[0] != 3 || got[1] != -1 {
		t.Errorf("direction is %v, want [3 -1]", got)
	}
	if got := n.Direction([][]float32{{1, 4}, {2, 6}}); got[0] != 1.5 || got[1] != 5 {
		t.Errorf("of two it is %v, want [1.5 5]", got)
	}
	for _, none := range [][][]float32{nil, {nil, nil}} {
		if got := n.Direction(none); got != nil {
			t.Errorf("of nobody it is %v, want nil", got)
		}
	}
	if got := (&Network{}).Direction([][]float32{{1}}); got != nil {
		t.Errorf("a network that does not use it gives %v", got)
	}
}

// A student is judged by the way from the class's direction, not from the camera's:
// all embeddings and the direction moved alike change nothing.
func TestDecisionsAreRelativeToTheClass(t *testing.T) {
	n, err := Load(Default(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if n.directions == 0 {
		t.Fatal("the weights that ship use the class's direction; the file has no output direction")
	}
	e := make([]float32, n.dim)
	for i := range e {
		e[i] = float32(i%7)/7 - 0.5
	}
	decide := func(shift float32) Decision {
		moved, direction := append([]float32(nil), e...), make([]float32, n.directions)
		for i := range direction {
			moved[i] += shift
			direction[i] = shift
		}
		d, err := n.Decide([]Sequence{{Embeddings: [][]float32{moved}, Offsets: []float32{0}, Direction: direction}})
		if err != nil {
			t.Fatal(err)
		}
		return d[0]
	}
	a, b := decide(0), decide(0.5)
	for i := range a.Behaviour {
		if math.Abs(float64(a.Behaviour[i]-b.Behaviour[i])) > 1e-4 {
			t.Errorf("%s is %v, and %v with the whole class turned", Behaviours[i], a.Behaviour[i], b.Behaviour[i])
		}
	}
	other, err := n.Decide([]Sequence{{Embeddings: [][]float32{e}, Offsets: []float32{0}, Direction: append([]float32{2}, make([]float32, n.directions-1)...)}})
	if err != nil {
		t.Fatal(err)
	}
	if other[0].Behaviour == a.Behaviour {
		t.Error("where the class attends changes nothing")
	}
}
