package models

import "math"

// Temperatures gives for each target the temperature by which logits must be divided
// to minimize the cross-entropy on a validation set; 1 where fewer than 50 rows
// have a known truth. One number a target can neither change an order of students
// nor overfit.
func Temperatures(s *Set, p []Prediction) []float64 {
	heat := make([]float64, Targets)
	for t := range heat {
		heat[t] = temperature(s.Truth(t), p, t)
	}
	return heat
}

func temperature(truth []float32, p []Prediction, target int) float64 {
	known := 0
	for _, y := range truth {
		if y == y {
			known++
		}
	}
	if known < 50 {
		return 1
	}
	loss := func(heat float64) float64 {
		sum := 0.0
		for i, y := range truth {
			if y == y {
				sum += entropy(float64(y), sigmoid(Logit(p[i][target])/heat))
			}
		}
		return sum
	}
	low, high := math.Log(0.4), math.Log(4.) // golden section over the logarithm
	ratio := (math.Sqrt(5) - 1) / 2
	for range 30 {
		a, b := high-ratio*(high-low), low+ratio*(high-low)
		if loss(math.Exp(a)) < loss(math.Exp(b)) {
			high = b
		} else {
			low = a
		}
	}
	return math.Exp((low + high) / 2)
}
