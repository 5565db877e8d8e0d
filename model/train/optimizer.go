package train

import (
	"fmt"
	"math"
)

// Rule is how an optimizer uses gradients.
type Rule string

// The rules; Decay is decoupled (Loshchilov and Hutter 2019) in AdamW, added to
// the gradient in the others.
const (
	SGD     Rule = "sgd"     // with Momentum
	RMSprop Rule = "rmsprop" // Momentum is the mean square's: 0.99
	Adam    Rule = "adam"
	AdamW   Rule = "adamw"
)

// Optimizer changes parameters by their gradients. Its exported fields are its
// whole state: written down and read again it goes on bit for bit.
type Optimizer[T Float] struct {
	Rule     Rule
	Momentum float64 // SGD, RMSprop; Adam's first beta
	Beta2    float64 // Adam's second
	Epsilon  float64
	Decay    float64
	Steps    int
	First    map[string][]T // moments by parameter
	Second   map[string][]T

	LossScale, GoodSteps float32 // of training in FP16: 0 before it has begun
}

// NewOptimizer gives a rule its usual settings.
func NewOptimizer[T Float](rule Rule, decay float64) (*Optimizer[T], error) {
	o := &Optimizer[T]{Rule: rule, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: decay, First: map[string][]T{}, Second: map[string][]T{}}
	switch rule {
	case RMSprop:
		o.Momentum = 0.99
	case SGD, Adam, AdamW:
	default:
		return nil, fmt.Errorf("optimizer %q: want sgd, rmsprop, adam or adamw", rule)
	}
	return o, nil
}

// Step moves the parameters by one step of the given rate and clears their
// gradients.
func (o *Optimizer[T]) Step(params []*Param[T], rate float64) {
	o.Steps++
	for _, p := range params {
		decay := 0.0
		if p.Decay {
			decay = o.Decay
		}
		o.param(p, rate, decay)
		clear(p.Grad)
	}
}

func (o *Optimizer[T]) param(p *Param[T], rate, decay float64) {
	first, second := o.moments(o.First, p), o.moments(o.Second, p)
	fix1, fix2 := 1-math.Pow(o.Momentum, float64(o.Steps)), 1-math.Pow(o.Beta2, float64(o.Steps))
	for i, w := range p.Value {
		v, g := float64(w), float64(p.Grad[i])
		if o.Rule == AdamW {
			v -= rate * decay * v
		} else {
			g += decay * v
		}
		switch o.Rule {
		case SGD:
			m := o.Momentum*float64(first[i]) + g
			first[i] = T(m)
			v -= rate * m
		case RMSprop:
			s := o.Momentum*float64(second[i]) + (1-o.Momentum)*g*g
			second[i] = T(s)
			v -= rate * g / (math.Sqrt(s) + o.Epsilon)
		default:
			m, s := o.Momentum*float64(first[i])+(1-o.Momentum)*g, o.Beta2*float64(second[i])+(1-o.Beta2)*g*g
			first[i], second[i] = T(m), T(s)
			v -= rate * (m / fix1) / (math.Sqrt(s/fix2) + o.Epsilon)
		}
		p.Value[i] = T(v)
	}
}

func (o *Optimizer[T]) moments(m map[string][]T, p *Param[T]) []T {
	if m[p.Name] == nil {
		m[p.Name] = make([]T, len(p.Value))
	}
	return m[p.Name]
}

// ClipNorm scales all gradients down together where their norm is above most, and
// gives the norm before.
func ClipNorm[T Float](params []*Param[T], most float64) float64 {
	sum := 0.0
	for _, p := range params {
		for _, g := range p.Grad {
			sum += float64(g) * float64(g)
		}
	}
	norm := math.Sqrt(sum)
	if norm > most {
		k := T(most / norm)
		for _, p := range params {
			for i := range p.Grad {
				p.Grad[i] *= k
			}
		}
	}
	return norm
}

// Average is an exponential moving average of the parameters; the averaged net is
// the one to test and ship.
type Average[T Float] struct {
	Keep   float64 // share kept a step, such as 0.999
	Values map[string][]T
	Steps  int
}

// Add takes the parameters after a step. Early averages are kept short, so that
// the start is forgotten: keep = min(Keep, (1+n)/(10+n)).
func (a *Average[T]) Add(params []*Param[T]) {
	if a.Values == nil {
		a.Values = map[string][]T{}
	}
	k := T(math.Min(a.Keep, float64(1+a.Steps)/float64(10+a.Steps)))
	a.Steps++
	for _, p := range params {
		v := a.Values[p.Name]
		if v == nil {
			a.Values[p.Name] = append([]T(nil), p.Value...)
			continue
		}
		for i, w := range p.Value {
			v[i] = k*v[i] + (1-k)*w
		}
	}
}
