package metrics

import (
	"cmp"
	"math"
	"slices"
)

// AUC is the area under the ROC curve: the chance that a positive scores above a
// negative, ties half. NaN when one of the two is missing.
func AUC(score []float64, positive []bool) float64 {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	var ranks float64 // sum of the positives' ranks, ties sharing the mean
	var yes, no int
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && score[order[j]] == score[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			if positive[k] {
				ranks += float64(i+j+1) / 2
				yes++
			} else {
				no++
			}
		}
		i = j
	}
	if yes == 0 || no == 0 {
		return math.NaN()
	}
	return (ranks - float64(yes)*float64(yes+1)/2) / (float64(yes) * float64(no))
}

// Bin is one bar of a reliability diagram.
type Bin struct {
	From       float64 `json:"from"` // confidences in (From, To]
	To         float64 `json:"to"`
	N          int     `json:"n"`
	Confidence float64 `json:"confidence"` // mean
	Accuracy   float64 `json:"accuracy"`
}

// Reliability sorts the confidences 0..1 into equal bins.
func Reliability(confidence []float64, right []bool, bins int) []Bin {
	out := make([]Bin, bins)
	for i := range out {
		out[i].From, out[i].To = float64(i)/float64(bins), float64(i+1)/float64(bins)
	}
	for i, c := range confidence {
		b := &out[min(max(int(math.Ceil(c*float64(bins)))-1, 0), bins-1)]
		b.N++
		b.Confidence += c
		if right[i] {
			b.Accuracy++
		}
	}
	for i := range out {
		if n := float64(out[i].N); n > 0 {
			out[i].Confidence /= n
			out[i].Accuracy /= n
		}
	}
	return out
}

// ECE is the expected calibration error over 15 bins (Guo et al. 2017).
func ECE(confidence []float64, right []bool) float64 {
	sum := 0.0
	for _, b := range Reliability(confidence, right, 15) {
		sum += float64(b.N) * math.Abs(b.Confidence-b.Accuracy)
	}
	return sum / float64(max(len(confidence), 1))
}

// LogLoss is the mean of -log p of the true class, in nats.
func LogLoss(p [][]float64, truth []int) float64 {
	sum := 0.0
	for i, t := range truth {
		sum -= math.Log(max(p[i][t], 1e-12))
	}
	return sum / float64(max(len(truth), 1))
}

// Temperature finds the T that makes softmax(log p / T) fit the truth best, by
// golden section over log T in 0.1..10. Give it a validation set, not the test set.
func Temperature(p [][]float64, truth []int) float64 {
	loss := func(logT float64) float64 { return LogLoss(WithTemperature(p, math.Exp(logT)), truth) }
	const golden = 0.6180339887498949
	a, b := math.Log(0.1), math.Log(10)
	c, d := b-golden*(b-a), a+golden*(b-a)
	fc, fd := loss(c), loss(d)
	for b-a > 1e-4 {
		if fc < fd {
			b, d, fd = d, c, fc
			c = b - golden*(b-a)
			fc = loss(c)
		} else {
			a, c, fc = c, d, fd
			d = a + golden*(b-a)
			fd = loss(d)
		}
	}
	return math.Exp((a + b) / 2)
}

// WithTemperature is softmax(log p / T), row by row.
func WithTemperature(p [][]float64, temperature float64) [][]float64 {
	out := make([][]float64, len(p))
	for i, row := range p {
		q, sum := make([]float64, len(row)), 0.0
		for j, v := range row {
			q[j] = math.Pow(max(v, 1e-12), 1/temperature)
			sum += q[j]
		}
		for j := range q {
			q[j] /= sum
		}
		out[i] = q
	}
	return out
}

// Point is one threshold of a coverage curve.
type Point struct {
	Threshold float64 `json:"threshold"`
	Coverage  float64 `json:"coverage"` // share of samples at least as sure
	Accuracy  float64 `json:"accuracy"` // of those
}

// Coverage tells how accurate the surest shares are: what saying "unsure" buys.
func Coverage(confidence []float64, right []bool, shares ...float64) []Point {
	order := make([]int, len(confidence))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(confidence[b], confidence[a]) })
	var out []Point
	for _, s := range shares {
		n := min(max(int(math.Round(s*float64(len(order)))), 1), len(order))
		if n == 0 {
			continue
		}
		good := 0
		for _, i := range order[:n] {
			if right[i] {
				good++
			}
		}
		out = append(out, Point{confidence[order[n-1]], float64(n) / float64(len(order)), float64(good) / float64(n)})
	}
	return out
}
