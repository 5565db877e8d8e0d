package recurrent

import "math"

// layer is one recurrent layer and what its last pass left behind.
type layer struct {
	cell      cell
	in, units int
	m         matrix // inputs: x, state, 1; outputs: panels of four gates of 16 units
	wt        []float32
	x         []float32 // [steps][rows][ldx], not its own
	ldx       int
	h         []float32 // [steps+1][rows][units+16], a 1 after the units
	c         []float32 // [steps+1][rows][units]
	gates     []float32 // [steps][rows][4*units]
	tanhc     []float32 // [steps][rows][units]
	dh, dc    []float32 // [rows][units]
	dropped   []float32 // its input after dropout
	keep      []float32
}

// gate is the output of gate g of unit u.
func gate(g, u int) int { return u/block*64 + g*block + u%block }

// initialize draws weights from ±1/sqrt(hidden); an LSTM's forget gates start
// open (bias 1), see Jozefowicz, Zaremba and Sutskever 2015.
func (n *Net) initialize() {
	r := n.random(1)
	fill := func(m matrix, inputs []int, outputs []int, limit float64) {
		for _, i := range inputs {
			for _, o := range outputs {
				m.w[m.place(i, o)] = float32((2*r.Float64() - 1) * limit)
			}
		}
	}
	hidden := n.config.Hidden
	limit := 1 / math.Sqrt(float64(hidden))
	for _, l := range n.layers {
		fill(l.m, l.inputs(hidden, min(l.in, n.inputsOf(l))), l.outputs(hidden), limit)
		l.freeze(l.m.w)
		if l.cell == lstm {
			for u := range hidden {
				l.m.w[l.m.place(l.in+l.units, gate(1, u))] += 1
			}
		}
	}
	states := span(0, hidden)
	if n.pay != nil {
		fill(n.pay.look, append(states, n.pay.units), span(0, n.config.Attention), limit)
		fill(n.pay.score, span(0, n.config.Attention), []int{0}, 1/math.Sqrt(float64(n.config.Attention)))
		states = append(states, span(blocks(hidden), blocks(hidden)+hidden)...)
	}
	fill(n.head, append(states, n.head.in-1), span(0, n.config.Outputs), 1/math.Sqrt(float64(len(states))))
}

// inputsOf is how many of a layer's inputs are not padding.
func (n *Net) inputsOf(l *layer) int {
	if l == n.layers[0] {
		return n.config.Inputs
	}
	return n.config.Hidden
}

func span(from, to int) []int {
	var s []int
	for i := from; i < to; i++ {
		s = append(s, i)
	}
	return s
}

func (l *layer) inputs(hidden, in int) []int {
	return append(append(span(0, in), span(l.in, l.in+hidden)...), l.in+l.units)
}

func (l *layer) outputs(hidden int) []int {
	var all []int
	for u := range hidden {
		for g := range 4 {
			all = append(all, gate(g, u))
		}
	}
	return all
}

// freeze zeroes what a GRU does not have: its candidate's two halves (x's, and the
// state's that the reset gate scales; both have a bias) are outputs 2 and 3 of one
// matrix, so x must not reach output 3, nor the state output 2.
func (l *layer) freeze(w []float32) {
	if l.cell != gru {
		return
	}
	for u := range l.units {
		for i := range l.m.in {
			if i < l.in {
				w[l.m.place(i, gate(3, u))] = 0
			} else if i < l.in+l.units {
				w[l.m.place(i, gate(2, u))] = 0
			}
		}
	}
}

// turn writes the transposes that backward reads: the states' part, then x's.
func (l *layer) turn() {
	wide := 4 * l.units
	states, x := wide*l.units, wide*blocks(l.in)
	if len(l.wt) != states+x {
		l.wt = aligned(states + x)
	}
	transpose(l.m, l.in, l.in+l.units, l.wt[:states])
	transpose(l.m, 0, l.in, l.wt[states:])
}
