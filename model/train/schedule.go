package train

import (
	"fmt"
	"math"
)

// Schedule is how the learning rate changes over a run.
type Schedule struct {
	Kind   string  `yaml:"kind"`   // constant, step, exponential or cosine
	Rate   float64 `yaml:"rate"`   // the highest
	Warm   int     `yaml:"warm"`   // steps over which it rises from 0 to Rate
	Every  int     `yaml:"every"`  // step: steps between falls; exponential: steps a factor
	Factor float64 `yaml:"factor"` // step, exponential: what it is multiplied with
	Total  int     `yaml:"total"`  // cosine: steps of the whole run, warm-up included
	Least  float64 `yaml:"least"`  // cosine: rate at the end
}

// Check says what is wrong with a schedule.
func (s Schedule) Check() error {
	switch {
	case s.Rate <= 0:
		return fmt.Errorf("schedule: rate is %g, it must be above 0", s.Rate)
	case s.Kind == "constant":
	case s.Kind == "cosine":
		if s.Total <= s.Warm {
			return fmt.Errorf("schedule: total is %d, it must be above warm (%d)", s.Total, s.Warm)
		}
	case s.Kind == "step" || s.Kind == "exponential":
		if s.Every <= 0 || s.Factor <= 0 || s.Factor >= 1 {
			return fmt.Errorf("schedule: %s wants every above 0 and a factor between 0 and 1, not %d and %g", s.Kind, s.Every, s.Factor)
		}
	default:
		return fmt.Errorf("schedule: kind is %q; it must be constant, step, exponential or cosine", s.Kind)
	}
	return nil
}

// At is the rate of a step, counted from 0.
func (s Schedule) At(step int) float64 {
	if step < s.Warm {
		return s.Rate * float64(step+1) / float64(s.Warm)
	}
	n := float64(step - s.Warm)
	switch s.Kind {
	case "step":
		return s.Rate * math.Pow(s.Factor, math.Floor(n/float64(s.Every)))
	case "exponential":
		return s.Rate * math.Pow(s.Factor, n/float64(s.Every))
	case "cosine":
		done := math.Min(n/float64(s.Total-s.Warm), 1)
		return s.Least + (s.Rate-s.Least)*(1+math.Cos(math.Pi*done))/2
	}
	return s.Rate
}
