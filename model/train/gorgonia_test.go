//go:build !cuda

// Gorgonia has a tag cuda of its own, for an engine that needs cuDNN 7: its tests run in the plain build.

package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A convolution, ReLU, a dense layer and cross-entropy: Gorgonia's tape machine must
// give the same loss and the same gradients.
func TestGorgoniaAgrees(t *testing.T) {
	m := &maker{r: rand.New(rand.NewPCG(4, 4))}
	x, w, d := m.param(2, 3, 6, 6), m.param(4, 3, 3, 3), m.param(5, 4*6*6)
	labels := []int{3, 1}

	tape := &Tape[float64]{}
	h := tape.ReLU(tape.Conv(tape.Use(x), tape.Use(w), 1, 1, 1))
	l := ClassLoss[float64]{}.Loss(tape, tape.Linear(tape.Reshape(h, 2, 4*6*6), tape.Use(d), nil), labels)
	tape.Backward(l)

	g := gorgonia.NewGraph()
	node := func(p *Param[float64]) *gorgonia.Node {
		v := tensor.New(tensor.WithShape(p.Shape...), tensor.WithBacking(append([]float64(nil), p.Value...)))
		return gorgonia.NewTensor(g, gorgonia.Float64, len(p.Shape), gorgonia.WithName(p.Name), gorgonia.WithShape(p.Shape...), gorgonia.WithValue(v))
	}
	gx, gw, gd := node(x), node(w), node(d)
	c := gorgonia.Must(gorgonia.Conv2d(gx, gw, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
	r := gorgonia.Must(gorgonia.Reshape(gorgonia.Must(gorgonia.Rectify(c)), tensor.Shape{2, 4 * 6 * 6}))
	logits := gorgonia.Must(gorgonia.Mul(r, gorgonia.Must(gorgonia.Transpose(gd, 1, 0))))
	hot := make([]float64, 2*5)
	for i, k := range labels {
		hot[i*5+k] = -0.5 // minus the mean over two rows
	}
	target := gorgonia.NewTensor(g, gorgonia.Float64, 2, gorgonia.WithName("target"), gorgonia.WithShape(2, 5), gorgonia.WithValue(tensor.New(tensor.WithShape(2, 5), tensor.WithBacking(hot))))
	logp := gorgonia.Must(gorgonia.Log(gorgonia.Must(gorgonia.SoftMax(logits))))
	loss := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(logp, target))))
	if _, err := gorgonia.Grad(loss, gx, gw, gd); err != nil {
		t.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(g, gorgonia.BindDualValues(gx, gw, gd))
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	if v := loss.Value().Data().(float64); math.Abs(v-l.Value[0]) > 1e-9*(1+math.Abs(v)) {
		t.Errorf("loss %v, Gorgonia says %v", l.Value[0], v)
	}
	for i, n := range []*gorgonia.Node{gx, gw, gd} {
		grad, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		for j, want := range grad.Data().([]float64) {
			if got := m.params[i].Grad[j]; math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
				t.Fatalf("input %d, element %d: gradient %v, Gorgonia says %v", i, j, got, want)
			}
		}
	}
}
