//go:build !cuda

// Gorgonia has a tag cuda of its own, for an engine that needs cuDNN 7: its tests run in the plain build.

package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// judge is a Gorgonia graph with the parameters' values as its inputs.
type judge struct {
	t     *testing.T
	g     *gorgonia.ExprGraph
	nodes []*gorgonia.Node
	parts [][]float64 // our gradient of each node
}

// node puts values into the graph; gradient is ours of them.
func (j *judge) node(value, gradient []float64, shape ...int) *gorgonia.Node {
	v := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), value...)))
	n := gorgonia.NewTensor(j.g, gorgonia.Float64, len(shape), gorgonia.WithName(fmt.Sprint("n", len(j.nodes))), gorgonia.WithShape(shape...), gorgonia.WithValue(v))
	j.nodes, j.parts = append(j.nodes, n), append(j.parts, gradient)
	return n
}

// same compares the sum of a node's elements, weighted as loss weighs them, and all
// gradients.
func (j *judge) same(y *gorgonia.Node, want float64) {
	j.t.Helper()
	k := make([]float64, y.Shape().TotalSize())
	for i := range k {
		k[i] = math.Sin(float64(3*i + 1))
	}
	weights := gorgonia.NewTensor(j.g, gorgonia.Float64, y.Dims(), gorgonia.WithName("weights"), gorgonia.WithShape(y.Shape()...), gorgonia.WithValue(tensor.New(tensor.WithShape(y.Shape()...), tensor.WithBacking(k))))
	loss := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(y, weights))))
	if _, err := gorgonia.Grad(loss, j.nodes...); err != nil {
		j.t.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(j.g, gorgonia.BindDualValues(j.nodes...))
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		j.t.Fatal(err)
	}
	if v := loss.Value().Data().(float64); math.Abs(v-want) > 1e-9*(1+math.Abs(v)) {
		j.t.Errorf("loss %v, Gorgonia says %v", want, v)
	}
	for i, n := range j.nodes {
		grad, err := n.Grad()
		if err != nil {
			j.t.Fatal(err)
		}
		for e, want := range grad.Data().([]float64) {
			if got := j.parts[i][e]; math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
				j.t.Fatalf("input %d, element %d: gradient %v, Gorgonia says %v", i, e, got, want)
			}
		}
	}
}

// Batch norm after a convolution, then the sigmoid.
func TestGorgoniaAgreesOnNorms(t *testing.T) {
	m := &maker{r: rand.New(rand.NewPCG(5, 5))}
	x, w, a, b := m.param(3, 2, 5, 5), m.param(4, 2, 3, 3), m.param(4), m.param(4)
	tape := &Tape[float64]{}
	l := loss(tape, tape.Sigmoid(tape.BatchNorm(tape.Conv(tape.Use(x), tape.Use(w), 1, 1, 1), tape.Use(a), tape.Use(b), nil)))
	tape.Backward(l)
	j := &judge{t: t, g: gorgonia.NewGraph()}
	c := gorgonia.Must(gorgonia.Conv2d(j.node(x.Value, x.Grad, 3, 2, 5, 5), j.node(w.Value, w.Grad, 4, 2, 3, 3), tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
	y, _, _, _, err := gorgonia.BatchNorm(c, j.node(a.Value, a.Grad, 1, 4, 1, 1), j.node(b.Value, b.Grad, 1, 4, 1, 1), 0.1, epsilon)
	if err != nil {
		t.Fatal(err)
	}
	j.same(gorgonia.Must(gorgonia.Sigmoid(y)), l.Value[0])
}

// One head of self-attention over one sequence.
func TestGorgoniaAgreesOnAttention(t *testing.T) {
	m := &maker{r: rand.New(rand.NewPCG(6, 6))}
	x, q, k, v := m.param(4, 3), m.param(5, 3), m.param(5, 3), m.param(5, 3)
	tape := &Tape[float64]{}
	n := tape.Use(x)
	l := loss(tape, tape.Attend(tape.Linear(n, tape.Use(q), nil), tape.Linear(n, tape.Use(k), nil), tape.Linear(n, tape.Use(v), nil), []float64{1, 1, 1, 1}, 4, 1))
	tape.Backward(l)
	j := &judge{t: t, g: gorgonia.NewGraph()}
	gx := j.node(x.Value, x.Grad, 4, 3)
	part := func(p *Param[float64]) *gorgonia.Node {
		return gorgonia.Must(gorgonia.Mul(gx, gorgonia.Must(gorgonia.Transpose(j.node(p.Value, p.Grad, 5, 3), 1, 0))))
	}
	gq, gk, gv := part(q), part(k), part(v)
	scores := gorgonia.Must(gorgonia.Mul(gorgonia.Must(gorgonia.Mul(gq, gorgonia.Must(gorgonia.Transpose(gk, 1, 0)))), gorgonia.NewConstant(1/math.Sqrt(5))))
	j.same(gorgonia.Must(gorgonia.Mul(gorgonia.Must(gorgonia.SoftMax(scores)), gv)), l.Value[0])
}

// An LSTM over three steps of two sequences, each gate a matrix of its own there.
func TestGorgoniaAgreesOnLSTM(t *testing.T) {
	const batch, steps, dim, hidden = 2, 3, 3, 4
	m := &maker{r: rand.New(rand.NewPCG(7, 7))}
	x, wx, wh := m.param(batch*steps, dim), m.param(4*hidden, dim), m.param(4*hidden, hidden)
	tape := &Tape[float64]{}
	zero := tape.Const(make([]float64, 4*hidden), 4*hidden)
	l := loss(tape, tape.LSTM(tape.Use(x), tape.Use(wx), tape.Use(wh), zero, []float64{1, 1, 1, 1, 1, 1}, steps))
	tape.Backward(l)
	j := &judge{t: t, g: gorgonia.NewGraph()}
	mul := func(a, b *gorgonia.Node) *gorgonia.Node { return gorgonia.Must(gorgonia.Mul(a, b)) }
	had := func(a, b *gorgonia.Node) *gorgonia.Node { return gorgonia.Must(gorgonia.HadamardProd(a, b)) }
	turned := func(p *Param[float64], gate, in int) *gorgonia.Node {
		at := gate * hidden * in
		return gorgonia.Must(gorgonia.Transpose(j.node(p.Value[at:at+hidden*in], p.Grad[at:at+hidden*in], hidden, in), 1, 0))
	}
	var gx, gh [4]*gorgonia.Node
	for g := range gx {
		gx[g], gh[g] = turned(wx, g, dim), turned(wh, g, hidden)
	}
	var out, cell *gorgonia.Node
	for i := range steps {
		var value, gradient []float64
		for b := range batch {
			at := (b*steps + i) * dim
			value, gradient = append(value, x.Value[at:at+dim]...), append(gradient, x.Grad[at:at+dim]...)
		}
		in := j.node(value, gradient, batch, dim)
		gate := func(g int) *gorgonia.Node {
			z := mul(in, gx[g])
			if out != nil {
				z = gorgonia.Must(gorgonia.Add(z, mul(out, gh[g])))
			}
			return z
		}
		sigmoid := func(g int) *gorgonia.Node { return gorgonia.Must(gorgonia.Sigmoid(gate(g))) }
		next := had(sigmoid(0), gorgonia.Must(gorgonia.Tanh(gate(2))))
		if cell != nil {
			next = gorgonia.Must(gorgonia.Add(had(sigmoid(1), cell), next))
		}
		open := sigmoid(3)
		cell = next
		out = had(open, gorgonia.Must(gorgonia.Tanh(cell)))
	}
	j.same(out, l.Value[0])
}

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
