package models

import "math"

// Temperatures gives for each target the temperature by which logits must be divided
// to minimize the cross-entropy on a validation set; 1 where fewer than 50 rows
// have a known truth. Each course has a constant of its own meanwhile: how far logits
// can be believed is one question, how many pass in a course another, and an error
// in the second must not make the first look small. One number a target can neither
// change an order of students nor overfit.
func Temperatures(s *Set, p []Prediction) []float64 {
	heat := make([]float64, Targets)
	for t := range heat {
		heat[t] = temperature(s, p, t)
	}
	return heat
}

// alone is how many rows a course needs for a constant of its own.
const alone = 20

func temperature(s *Set, p []Prediction, target int) float64 {
	type course struct{ logits, truth []float64 }
	courses, count := map[[2]string]*course{}, 0
	var names [][2]string // in the order of rows: sums must not depend on the map's
	for i, y := range s.Truth(target) {
		if !known(y) {
			continue
		}
		key := [2]string{s.Rows[i].Module, s.Rows[i].Presentation}
		if courses[key] == nil {
			courses[key] = &course{}
			names = append(names, key)
		}
		c := courses[key]
		c.logits, c.truth, count = append(c.logits, Logit(p[i][target])), append(c.truth, float64(y)), count+1
	}
	if count < 50 {
		return 1
	}
	loss := func(heat float64) float64 {
		sum := 0.0
		for _, name := range names {
			c := courses[name]
			z, passed := make([]float64, len(c.logits)), 0.0
			for i := range z {
				z[i], passed = c.logits[i]/heat, passed+c.truth[i]
			}
			shift := 0.0
			if len(z) >= alone {
				shift = Offset(z, passed/float64(len(z)))
			}
			for i, y := range c.truth {
				sum += entropy(y, sigmoid(z[i]+shift))
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

// Offset is what must be added to logits for their mean probability to be the share,
// within ±4.
func Offset(logits []float64, share float64) float64 {
	low, high := -4., 4.
	for range 30 {
		mid, sum := (low+high)/2, 0.0
		for _, z := range logits {
			sum += sigmoid(z + mid)
		}
		if sum < share*float64(len(logits)) {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}
