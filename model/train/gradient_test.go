package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// maker draws the inputs of a case: random, and away from kinks by being drawn anew
// for each seed.
type maker struct {
	r      *rand.Rand
	params []*Param[float64]
}

func (m *maker) param(shape ...int) *Param[float64] {
	p := NewParam[float64](fmt.Sprint("p", len(m.params)), true, shape...)
	for i := range p.Value {
		p.Value[i] = m.r.NormFloat64()
	}
	m.params = append(m.params, p)
	return p
}

// build makes an op's inputs once and gives the op as a function of a tape.
type build func(m *maker) func(t *Tape[float64]) *Node[float64]

func unary1(op func(t *Tape[float64], x *Node[float64]) *Node[float64], shape ...int) build {
	return func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x := m.param(shape...)
		return func(t *Tape[float64]) *Node[float64] { return op(t, t.Use(x)) }
	}
}

func convCase(n, c, h, w, o, k, stride, pad, groups int) build {
	return func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, weights := m.param(n, c, h, w), m.param(o, c/groups, k, k)
		return func(t *Tape[float64]) *Node[float64] { return t.Conv(t.Use(x), t.Use(weights), stride, pad, groups) }
	}
}

var seen = []float64{1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0} // three sequences of four, the last hidden all along

func lossCase(l ClassLoss[float64]) build {
	return unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] { return l.Loss(t, x, []int{2, -1, 0, 1}) }, 4, 3)
}

var cases = map[string]build{
	"conv 1x1":                               convCase(2, 3, 4, 5, 2, 1, 1, 0, 1),
	"conv 1x1 stride 2":                      convCase(2, 3, 5, 5, 2, 1, 2, 0, 1),
	"conv 3x3":                               convCase(2, 3, 5, 4, 2, 3, 1, 1, 1),
	"conv 3x3 stride 2":                      convCase(1, 2, 7, 6, 3, 3, 2, 1, 1),
	"conv 5x5 no padding":                    convCase(1, 2, 6, 7, 2, 5, 1, 0, 1),
	"depthwise":                              convCase(2, 3, 5, 5, 3, 3, 1, 1, 3),
	"depthwise stride 2":                     convCase(2, 3, 6, 5, 3, 3, 2, 1, 3),
	"grouped":                                convCase(1, 4, 5, 5, 6, 3, 1, 1, 2),
	"wider than the map":                     convCase(1, 1, 2, 2, 1, 5, 1, 2, 1),
	"global average":                         unary1((*Tape[float64]).GlobalAverage, 2, 3, 4, 5),
	"relu6":                                  unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] { return t.ReLU6(stretch(t, x)) }, 3, 7),
	"relu":                                   unary1((*Tape[float64]).ReLU, 3, 7),
	"tanh":                                   unary1((*Tape[float64]).Tanh, 3, 7),
	"sigmoid":                                unary1((*Tape[float64]).Sigmoid, 3, 7),
	"columns":                                unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] { return t.Columns(x, 1, 4) }, 3, 5),
	"reshape":                                unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] { return t.Tanh(t.Reshape(t.Sigmoid(x), 5, 3)) }, 3, 5),
	"a node used twice":                      unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] { return t.Add(t.Mul(x, x), x) }, 3, 5),
	"cross-entropy":                          lossCase(ClassLoss[float64]{}),
	"cross-entropy, weighted, smooth, focal": lossCase(ClassLoss[float64]{Weights: []float64{1, 2, 0.5}, Smoothing: 0.1, Focal: 2}),
	"binary":                                 unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] { return t.BinaryLoss(x, []int{1, 0, -1, 1}) }, 4),
	"smooth L1": unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] {
		return t.SmoothL1(x, []float64{0, 5, 1, -3}, []float64{1, 2, 0, 1}, 0.7)
	}, 4),
	"mean pool": unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] { return t.MeanPool(x, seen, 4) }, 12, 3),
	"batch norm": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, a, b := m.param(3, 2, 3, 2), m.param(2), m.param(2)
		return func(t *Tape[float64]) *Node[float64] { return t.BatchNorm(t.Use(x), t.Use(a), t.Use(b), nil) }
	},
	"fixed norm": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, a, b := m.param(2, 2, 3, 2), m.param(2), m.param(2)
		running := &BatchStats[float64]{Mean: []float64{0.3, -1}, Variance: []float64{2, 0.5}}
		return func(t *Tape[float64]) *Node[float64] { return t.FixedNorm(t.Use(x), t.Use(a), t.Use(b), running) }
	},
	"rows": unary1(func(t *Tape[float64], x *Node[float64]) *Node[float64] { return t.Rows(x, []int{2, 0, 0, 1, 2}) }, 3, 4),
	"layer norm": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, a, b := m.param(4, 5), m.param(5), m.param(5)
		return func(t *Tape[float64]) *Node[float64] { return t.LayerNorm(t.Use(x), t.Use(a), t.Use(b)) }
	},
	"linear": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, w, b := m.param(4, 5), m.param(3, 5), m.param(3)
		return func(t *Tape[float64]) *Node[float64] { return t.Linear(t.Use(x), t.Use(w), t.Use(b)) }
	},
	"scale channels": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, k := m.param(2, 3, 2, 2), m.param(2, 3)
		return func(t *Tape[float64]) *Node[float64] { return t.ScaleChannels(t.Use(x), t.Use(k)) }
	},
	"attention": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		q, k, v := m.param(12, 6), m.param(12, 6), m.param(12, 6)
		return func(t *Tape[float64]) *Node[float64] { return t.Attend(t.Use(q), t.Use(k), t.Use(v), seen, 4, 2) }
	},
	"attention pooling": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, s := m.param(12, 3), m.param(12)
		return func(t *Tape[float64]) *Node[float64] { y, _ := t.Pool(t.Use(x), t.Use(s), seen, 4); return y }
	},
	"cumulative": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, s := m.param(5), m.param(3)
		return func(t *Tape[float64]) *Node[float64] {
			return t.BinaryLoss(t.Cumulative(t.Use(x), t.Use(s)), Above([]int{0, 3, -1, 1, 2}, 4))
		}
	},
	"lstm": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, wx, wh, b := m.param(12, 3), m.param(8, 3), m.param(8, 2), m.param(8)
		return func(t *Tape[float64]) *Node[float64] {
			return t.LSTM(t.Use(x), t.Use(wx), t.Use(wh), t.Use(b), seen, 4)
		}
	},
	"gru": func(m *maker) func(t *Tape[float64]) *Node[float64] {
		x, wx, wh, b, c := m.param(12, 3), m.param(6, 3), m.param(6, 2), m.param(6), m.param(6)
		return func(t *Tape[float64]) *Node[float64] {
			return t.GRU(t.Use(x), t.Use(wx), t.Use(wh), t.Use(b), t.Use(c), seen, 4)
		}
	},
}

// stretch spreads values over both kinks of ReLU6.
func stretch(t *Tape[float64], x *Node[float64]) *Node[float64] {
	return t.each1(x, func(v float64) (float64, float64) { return 4*v + 2, 4 })
}

// loss weighs an op's outputs with fixed numbers, so that every output's gradient
// differs.
func loss(t *Tape[float64], y *Node[float64]) *Node[float64] {
	l := t.node(1)
	k := func(i int) float64 { return math.Sin(float64(3*i + 1)) }
	for i, v := range y.Value {
		l.Value[0] += k(i) * v
	}
	l.back = func() {
		for i := range y.Grad {
			y.Grad[i] += k(i) * l.Grad[0]
		}
	}
	return l
}

// Every op's gradient against central differences in float64, for three draws of
// the inputs. A step of 1e-6 leaves an error near 1e-9.
func TestGradients(t *testing.T) {
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			for s := range uint64(3) {
				m := &maker{r: rand.New(rand.NewPCG(s, 7))}
				run := b(m)
				tape := &Tape[float64]{}
				tape.Backward(loss(tape, run(tape)))
				for pi, p := range m.params {
					for i := range p.Value {
						got, wanted := p.Grad[i], difference(run, p, i)
						if math.Abs(got-wanted) > 1e-6*(1+math.Abs(wanted)) {
							t.Fatalf("seed %d, input %d, element %d: gradient %g, central difference %g", s, pi, i, got, wanted)
						}
					}
				}
			}
		})
	}
}

func difference(run func(*Tape[float64]) *Node[float64], p *Param[float64], i int) float64 {
	const step = 1e-6
	at := p.Value[i]
	value := func(v float64) float64 {
		p.Value[i] = v
		tape := &Tape[float64]{}
		return loss(tape, run(tape)).Value[0]
	}
	high, low := value(at+step), value(at-step)
	p.Value[i] = at
	return (high - low) / (2 * step)
}
