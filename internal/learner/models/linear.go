package models

import "math"

// Linear is logistic regression for each target.
type Linear struct {
	Encoder *Encoder           `json:"encoder"`
	Weights [Targets][]float64 `json:"weights"` // the last is the constant
}

// ridge is the weight of half the squared weights beside the mean loss: sklearn's 1/C a row.
// Chosen on courses of 2013J held out (docs/measured.md).
const ridge = .01

// spreadWeeks and spreadHide say what passing is learnt from by models of one day:
// this many weeks up to the day, and this share of the rows without their module.
// Chosen on courses of 2013J held out (docs/measured.md).
const (
	spreadWeeks = 3
	spreadHide  = .3
)

// FitLinear fits by Newton's method.
func FitLinear(s *Set) *Linear {
	wide, plain := s.spread(spreadWeeks, spreadHide), s.spread(1, spreadHide)
	e := newEncoder(wide, personal(s), lastSteps(wide))
	m := &Linear{Encoder: e}
	x := e.last(plain)
	for t := range Targets {
		if t == Passed {
			m.Weights[t] = newton(e.last(wide), e.Width(), wide.Truth(t))
		} else {
			m.Weights[t] = newton(x, e.Width(), plain.Truth(t))
		}
	}
	return m
}

// Predict implements Model.
func (m *Linear) Predict(s *Set) ([]Prediction, error) {
	x, w := m.Encoder.last(s), m.Encoder.Width()
	out := make([]Prediction, len(s.Rows))
	for i := range out {
		for t := range Targets {
			out[i][t] = sigmoid(score(m.Weights[t], x[i*w:(i+1)*w]))
		}
	}
	return out, nil
}

// steps gives the logits of each step of each row: [Steps][Targets] a row.
func (m *Linear) steps(s *Set, hide bool) [][]float32 {
	out, x := make([][]float32, len(s.Rows)), make([]float32, m.Encoder.Width())
	for i := range s.Rows {
		module := s.Rows[i].Module
		if hide {
			module = ""
		}
		for _, step := range s.Rows[i].Steps {
			m.Encoder.encode(x, step, module)
			for t := range Targets {
				out[i] = append(out[i], float32(max(-12, min(12, score(m.Weights[t], x)))))
			}
		}
	}
	return out
}

func score(weights []float64, x []float32) float64 {
	z := weights[len(x)]
	for j, v := range x {
		z += weights[j] * float64(v)
	}
	return z
}

// newton minimizes mean cross-entropy + ridge/2·|w|², the constant free, over the rows
// whose truth is known.
func newton(x []float32, width int, truth []float32) []float64 {
	w := make([]float64, width+1)
	h, g := make([]float64, (width+1)*(width+1)), make([]float64, width+1)
	pull := 0.0 // ridge beside the sum
	for _, y := range truth {
		if known(y) {
			pull += ridge
		}
	}
	for range 12 {
		clear(h)
		clear(g)
		for i, y := range truth {
			if !known(y) {
				continue
			}
			row := x[i*width : (i+1)*width]
			p := sigmoid(score(w, row))
			accumulate(h, g, row, p*(1-p), p-float64(y))
		}
		for j := range width {
			h[j*(width+1)+j] += pull
			g[j] += pull * w[j]
		}
		h[len(h)-1] += 1e-6
		step := solve(h, g, width+1)
		largest := 0.0
		for j := range w {
			w[j] -= step[j]
			largest = max(largest, math.Abs(step[j]))
		}
		if largest < 1e-5 {
			break
		}
	}
	return w
}

// accumulate adds curve·xxᵀ to the lower half of h and slope·x to g, x with a 1 at its end.
func accumulate(h, g []float64, x []float32, curve, slope float64) {
	n := len(g)
	for a, v := range x {
		if v == 0 {
			continue
		}
		g[a] += slope * float64(v)
		k, row := curve*float64(v), h[a*n:a*n+a+1]
		for b := range row {
			row[b] += k * float64(x[b])
		}
	}
	g[n-1] += slope
	last := h[(n-1)*n:]
	for b, v := range x {
		last[b] += curve * float64(v)
	}
	last[n-1] += curve
}

// solve gives h⁻¹g by Cholesky's decomposition of the lower half of h, which it overwrites.
func solve(h, g []float64, n int) []float64 {
	for i := range n {
		for j := range i + 1 {
			sum := h[i*n+j]
			for k := range j {
				sum -= h[i*n+k] * h[j*n+k]
			}
			if i == j {
				h[i*n+i] = math.Sqrt(max(sum, 1e-12))
			} else {
				h[i*n+j] = sum / h[j*n+j]
			}
		}
	}
	v := make([]float64, n)
	for i := range n {
		v[i] = g[i]
		for k := range i {
			v[i] -= h[i*n+k] * v[k]
		}
		v[i] /= h[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			v[i] -= h[k*n+i] * v[k]
		}
		v[i] /= h[i*n+i]
	}
	return v
}

// Majority says the training share of each target for everyone.
type Majority struct {
	Shares [Targets]float64 `json:"shares"`
}

// FitMajority counts.
func FitMajority(s *Set) *Majority {
	s = s.Present()
	m := &Majority{}
	for t := range Targets {
		sum, n := 0.5, 1.0
		for _, y := range s.Truth(t) {
			if known(y) {
				sum, n = sum+float64(y), n+1
			}
		}
		m.Shares[t] = sum / n
	}
	return m
}

// Predict implements Model.
func (m *Majority) Predict(s *Set) ([]Prediction, error) {
	out := make([]Prediction, len(s.Rows))
	for i := range out {
		out[i] = m.Shares
	}
	return out, nil
}
