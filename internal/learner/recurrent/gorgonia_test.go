//go:build !cuda

// Gorgonia has a tag cuda of its own, for an engine that needs cuDNN 7: its tests run in the plain build.

package recurrent

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// unrolled is a one-layer network as a Gorgonia graph in float64: matrices of
// (inputs+1, hidden), (hidden+1, hidden) a gate, the last row the bias.
type unrolled struct {
	g      *gorgonia.ExprGraph
	x, h   [4]*gorgonia.Node // a gate's weights
	inputs []*gorgonia.Node
	ones   *gorgonia.Node
}

func (u *unrolled) matrix(name string, rows, columns int, at func(i, j int) float64) *gorgonia.Node {
	data := make([]float64, rows*columns)
	for i := range data {
		data[i] = at(i/columns, i%columns)
	}
	return gorgonia.NewMatrix(u.g, tensor.Float64, gorgonia.WithName(name), gorgonia.WithShape(rows, columns),
		gorgonia.WithValue(tensor.New(tensor.WithShape(rows, columns), tensor.WithBacking(data))))
}

// TestGorgonia holds the gradients of an LSTM and a GRU to Gorgonia's on the same
// graph. float32 against float64: 2e-5 of the largest.
func TestGorgonia(t *testing.T) {
	for _, cell := range []string{"lstm", "gru"} {
		t.Run(cell, func(t *testing.T) {
			n, err := New(Config{Cell: cell, Inputs: 4, Hidden: 6, Outputs: 1, Seed: 8})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 8))
			b := randomBatch(r, 3, 5, 4, false)
			if _, err := n.Forward(b); err != nil {
				t.Fatal(err)
			}
			d := []float32{.5, -1.25, .75}
			if err := n.Backward(d); err != nil {
				t.Fatal(err)
			}
			u := graphOf(n, b)
			head := u.matrix("head", 7, 1, func(i, _ int) float64 { return float64(n.head.w[n.head.place(n.headRow(i), 0)]) })
			logits := must(gorgonia.Mul(must(gorgonia.Concat(1, u.run(cell), u.ones)), head))
			weights := u.matrix("d", 3, 1, func(i, _ int) float64 { return float64(d[i]) })
			loss := must(gorgonia.Sum(must(gorgonia.HadamardProd(logits, weights))))
			all := append(append([]*gorgonia.Node{head}, u.x[:]...), u.h[:]...)
			if cell == "gru" { // x has no fourth part, the state no third
				all = append([]*gorgonia.Node{head}, u.x[0], u.x[1], u.x[2], u.h[0], u.h[1], u.h[3])
			}
			if _, err := gorgonia.Grad(loss, all...); err != nil {
				t.Fatal(err)
			}
			vm := gorgonia.NewTapeMachine(u.g)
			defer vm.Close()
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			compareCell(t, n, u)
			compareNode(t, head, func(i, _ int) (float32, bool) { return n.head.g[n.head.place(n.headRow(i), 0)], true })
		})
	}
}

// TestGorgoniaAttention holds the gradients of an LSTM and a GRU with attention over the
// steps so far, with logits at each step, to Gorgonia's on the same graph: of the
// attention's own weights, of the head's and, through both, of the cell's.
func TestGorgoniaAttention(t *testing.T) {
	const rows, steps, inputs, hidden, wide = 3, 4, 3, 5, 4
	for _, cell := range []string{"lstm", "gru"} {
		t.Run(cell, func(t *testing.T) {
			n, err := New(Config{Cell: cell, Inputs: inputs, Hidden: hidden, Outputs: 1, Attention: wide, EachStep: true, Seed: 9})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(2, 9))
			b := randomBatch(r, rows, steps, inputs, false)
			if _, err := n.Forward(b); err != nil {
				t.Fatal(err)
			}
			d := make([]float32, rows*steps)
			for i := range d {
				d[i] = float32(r.NormFloat64())
			}
			if err := n.Backward(d); err != nil {
				t.Fatal(err)
			}
			u, a := graphOf(n, b), n.pay
			lookRow := func(i int) int { // the bias comes after the padded units
				if i == hidden {
					return a.units
				}
				return i
			}
			headRow := func(i int) int { // the state, what attention made of the states, a 1
				switch {
				case i < hidden:
					return i
				case i < 2*hidden:
					return a.units + i - hidden
				}
				return n.head.in - 1
			}
			look := u.matrix("look", hidden+1, wide, func(i, j int) float64 { return float64(a.look.w[a.look.place(lookRow(i), j)]) })
			score := u.matrix("score", wide, 1, func(i, _ int) float64 { return float64(a.score.w[a.score.place(i, 0)]) })
			head := u.matrix("head", 2*hidden+1, 1, func(i, _ int) float64 { return float64(n.head.w[n.head.place(headRow(i), 0)]) })
			spread := u.matrix("spread", 1, hidden, func(int, int) float64 { return 1 }) // a column to all units
			var sum, all, loss *gorgonia.Node
			for s, h := range u.states(cell) {
				e := must(gorgonia.Exp(must(gorgonia.Mul(must(gorgonia.Tanh(must(gorgonia.Mul(must(gorgonia.Concat(1, h, u.ones)), look)))), score))))
				weighted := must(gorgonia.HadamardProd(must(gorgonia.Mul(e, spread)), h))
				if s == 0 {
					sum, all = e, weighted
				} else {
					sum, all = must(gorgonia.Add(sum, e)), must(gorgonia.Add(all, weighted))
				}
				pooled := must(gorgonia.HadamardDiv(all, must(gorgonia.Mul(sum, spread))))
				logits := must(gorgonia.Mul(must(gorgonia.Concat(1, h, pooled, u.ones)), head))
				part := must(gorgonia.Sum(must(gorgonia.HadamardProd(logits, u.matrix(fmt.Sprint("d", s), rows, 1, func(i, _ int) float64 { return float64(d[i*steps+s]) })))))
				if loss == nil {
					loss = part
				} else {
					loss = must(gorgonia.Add(loss, part))
				}
			}
			nodes := append([]*gorgonia.Node{look, score, head}, u.x[0], u.x[1], u.x[2], u.h[0], u.h[1], u.h[3])
			if cell == "lstm" {
				nodes = append(nodes, u.x[3], u.h[2])
			}
			if _, err := gorgonia.Grad(loss, nodes...); err != nil {
				t.Fatal(err)
			}
			vm := gorgonia.NewTapeMachine(u.g)
			defer vm.Close()
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			compareNode(t, look, func(i, j int) (float32, bool) { return a.look.g[a.look.place(lookRow(i), j)], true })
			compareNode(t, score, func(i, _ int) (float32, bool) { return a.score.g[a.score.place(i, 0)], true })
			compareNode(t, head, func(i, _ int) (float32, bool) { return n.head.g[n.head.place(headRow(i), 0)], true })
			compareCell(t, n, u)
		})
	}
}

// compareCell compares the gradients of the first layer.
func compareCell(t *testing.T, n *Net, u *unrolled) {
	t.Helper()
	l, c := n.layers[0], n.config
	for g := range 4 {
		compareNode(t, u.x[g], func(i, j int) (float32, bool) {
			if i == c.Inputs {
				i = l.in + l.units
			}
			return l.m.g[l.m.place(i, gate(g, j))], !(c.Cell == "gru" && g == 3)
		})
		compareNode(t, u.h[g], func(i, j int) (float32, bool) {
			if i == c.Hidden { // one bias a gate lives with x, but for the GRU's fourth
				return l.m.g[l.m.place(l.in+l.units, gate(g, j))], c.Cell == "gru" && g == 3
			}
			return l.m.g[l.m.place(l.in+i, gate(g, j))], !(c.Cell == "gru" && g == 2)
		})
	}
}

// headRow is the head's input of hidden unit i, or of the bias after them.
func (n *Net) headRow(i int) int {
	if i == n.config.Hidden {
		return n.head.in - 1
	}
	return i
}

func must(n *gorgonia.Node, err error) *gorgonia.Node {
	if err != nil {
		panic(err)
	}
	return n
}

func graphOf(n *Net, b Batch) *unrolled {
	u := &unrolled{g: gorgonia.NewGraph()}
	l, c := n.layers[0], n.config
	for g := range 4 {
		u.x[g] = u.matrix(fmt.Sprintf("x%d", g), c.Inputs+1, c.Hidden, func(i, j int) float64 {
			if i == c.Inputs {
				i = l.in + l.units
			}
			return float64(l.m.w[l.m.place(i, gate(g, j))])
		})
		u.h[g] = u.matrix(fmt.Sprintf("h%d", g), c.Hidden+1, c.Hidden, func(i, j int) float64 {
			if i == c.Hidden { // one bias a gate: here only where x has none
				if c.Cell == "gru" && g == 3 {
					return float64(l.m.w[l.m.place(l.in+l.units, gate(g, j))])
				}
				return 0
			}
			return float64(l.m.w[l.m.place(l.in+i, gate(g, j))])
		})
	}
	u.ones = u.matrix("ones", b.Rows, 1, func(int, int) float64 { return 1 })
	for t := range b.Steps {
		u.inputs = append(u.inputs, u.matrix(fmt.Sprintf("in%d", t), b.Rows, c.Inputs+1, func(i, j int) float64 {
			if j == c.Inputs {
				return 1
			}
			return float64(b.X[(i*b.Steps+t)*c.Inputs+j])
		}))
	}
	return u
}

// run gives the last state.
func (u *unrolled) run(cell string) *gorgonia.Node {
	all := u.states(cell)
	return all[len(all)-1]
}

// states gives the state at each step.
func (u *unrolled) states(cell string) (all []*gorgonia.Node) {
	rows, hidden := u.ones.Shape()[0], u.h[0].Shape()[1]
	h := u.matrix("h", rows, hidden, func(int, int) float64 { return 0 })
	c := u.matrix("c", rows, hidden, func(int, int) float64 { return 0 })
	one := u.matrix("1", rows, hidden, func(int, int) float64 { return 1 })
	for _, x := range u.inputs {
		joined := must(gorgonia.Concat(1, h, u.ones))
		fromX := func(g int) *gorgonia.Node { return must(gorgonia.Mul(x, u.x[g])) }
		fromH := func(g int) *gorgonia.Node { return must(gorgonia.Mul(joined, u.h[g])) }
		sum := func(g int) *gorgonia.Node { return must(gorgonia.Add(fromX(g), fromH(g))) }
		times := func(a, b *gorgonia.Node) *gorgonia.Node { return must(gorgonia.HadamardProd(a, b)) }
		if cell == "lstm" {
			i, f, o := must(gorgonia.Sigmoid(sum(0))), must(gorgonia.Sigmoid(sum(1))), must(gorgonia.Sigmoid(sum(3)))
			c = must(gorgonia.Add(times(f, c), times(i, must(gorgonia.Tanh(sum(2))))))
			h = times(o, must(gorgonia.Tanh(c)))
			all = append(all, h)
			continue
		}
		reset, z := must(gorgonia.Sigmoid(sum(0))), must(gorgonia.Sigmoid(sum(1)))
		n := must(gorgonia.Tanh(must(gorgonia.Add(fromX(2), times(reset, fromH(3))))))
		h = must(gorgonia.Add(times(must(gorgonia.Sub(one, z)), n), times(z, h)))
		all = append(all, h)
	}
	return all
}

// compareNode compares a node's gradient with ours where ours says it counts.
func compareNode(t *testing.T, n *gorgonia.Node, ours func(i, j int) (float32, bool)) {
	t.Helper()
	grad, err := n.Grad()
	columns := n.Shape()[1]
	for i := range n.Shape()[0] {
		for j := range columns {
			got, counts := ours(i, j)
			if !counts {
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", n.Name(), err)
			}
			want := grad.Data().([]float64)[i*columns+j]
			if math.Abs(want-float64(got)) > 2e-5*(1+math.Abs(want)) {
				t.Errorf("%s[%d,%d]: gradient %g, Gorgonia has %g", n.Name(), i, j, got, want)
			}
		}
	}
}
