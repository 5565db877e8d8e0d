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
	courses, count := truthsByCourse(s, target)
	if count < 50 {
		return 1
	}
	loss := func(heat float64) float64 {
		sum := 0.0
		for _, c := range courses {
			z := make([]float64, len(c.rows))
			for k, i := range c.rows {
				z[k] = Logit(p[i][target]) / heat
			}
			shift := c.constant(z)
			for k, y := range c.truth {
				sum += entropy(y, sigmoid(z[k]+shift))
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

// courseTruths are the rows of a course whose truth is known, and that truth.
type courseTruths struct {
	rows  []int
	truth []float64
}

// truthsByCourse are in the order of rows, so that sums are always the same; n counts their rows.
func truthsByCourse(s *Set, target int) (all []*courseTruths, n int) {
	courses := map[[2]string]*courseTruths{}
	for i, y := range s.Truth(target) {
		if !known(y) {
			continue
		}
		key := [2]string{s.Rows[i].Module, s.Rows[i].Presentation}
		c := courses[key]
		if c == nil {
			c = &courseTruths{}
			courses[key], all = c, append(all, c)
		}
		c.rows, c.truth, n = append(c.rows, i), append(c.truth, float64(y)), n+1
	}
	return all, n
}

// constant is what makes the mean chance of a course's logits its true share; 0 for a small course.
func (c *courseTruths) constant(logits []float64) float64 {
	if len(logits) < alone {
		return 0
	}
	passed := 0.0
	for _, y := range c.truth {
		passed += y
	}
	return Offset(logits, passed/float64(len(logits)))
}

// leastRepeats is how many students who repeat a module are needed to say anything of them.
const leastRepeats = 20

// repeating is what must be added to the log-odds to pass of students who repeat the module, each course with a
// constant of its own as in Temperatures: how good a course is must not pass for how good they are. A normal prior
// with mean 0 and deviation 1 keeps a few students from deciding much; 0 where there are too few.
func repeating(s *Set, p []Prediction, heat float64) (add float64) {
	courses, _ := truthsByCourse(s, Passed)
	count := 0
	for _, c := range courses {
		for _, i := range c.rows {
			if s.Rows[i].Repeats {
				count++
			}
		}
	}
	if count < leastRepeats {
		return 0
	}
	for range 20 { // Newton's method; the courses' constants follow
		slope, curve := add, 1. // of the prior
		for _, c := range courses {
			z := make([]float64, len(c.rows))
			for k, i := range c.rows {
				if z[k] = Logit(p[i][Passed]) / heat; s.Rows[i].Repeats {
					z[k] += add
				}
			}
			shift := c.constant(z)
			for k, i := range c.rows {
				if s.Rows[i].Repeats {
					q := sigmoid(z[k] + shift)
					slope, curve = slope+q-c.truth[k], curve+q*(1-q)
				}
			}
		}
		add -= slope / curve
	}
	return add
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
