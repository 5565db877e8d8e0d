package metrics

// Confusion counts [truth][prediction]; both are 0..k-1.
func Confusion(truth, predicted []int, k int) [][]int {
	c := make([][]int, k)
	for i := range c {
		c[i] = make([]int, k)
	}
	for i, t := range truth {
		c[t][predicted[i]]++
	}
	return c
}

// ClassScore is how one class fared.
type ClassScore struct {
	Precision float64 `json:"precision"` // 0 where the class was never predicted
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Support   int     `json:"support"`   // samples of the class
	Predicted int     `json:"predicted"` // times it was predicted
}

// Scores judge a choice among classes.
type Scores struct {
	N        int          `json:"n"`
	Accuracy float64      `json:"accuracy"`
	Majority float64      `json:"majority"`          // accuracy of always saying the commonest class
	Balanced float64      `json:"balanced_accuracy"` // mean recall of the classes that occur
	MacroF1  float64      `json:"macro_f1"`          // mean F1 of the classes that occur
	Classes  []ClassScore `json:"classes"`
}

// Classify scores predictions of k classes. No samples give zeros.
func Classify(truth, predicted []int, k int) Scores {
	return FromConfusion(Confusion(truth, predicted, k))
}

// FromConfusion scores a confusion matrix [truth][prediction].
func FromConfusion(c [][]int) Scores {
	k := len(c)
	s := Scores{Classes: make([]ClassScore, k)}
	right, most, present := 0, 0, 0
	for i := range k {
		x := &s.Classes[i]
		for j := range k {
			x.Support += c[i][j]
			x.Predicted += c[j][i]
		}
		s.N += x.Support
		right += c[i][i]
		most = max(most, x.Support)
		x.Precision, x.Recall = ratio(c[i][i], x.Predicted), ratio(c[i][i], x.Support)
		x.F1 = ratio(2*c[i][i], x.Support+x.Predicted)
		if x.Support > 0 {
			present++
			s.Balanced += x.Recall
			s.MacroF1 += x.F1
		}
	}
	s.Accuracy, s.Majority = ratio(right, s.N), ratio(most, s.N)
	if present > 0 {
		s.Balanced /= float64(present)
		s.MacroF1 /= float64(present)
	}
	return s
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Argmax is the index of the largest value, the first of equals; -1 for none.
func Argmax(p []float64) int {
	best := -1
	for i, v := range p {
		if best < 0 || v > p[best] {
			best = i
		}
	}
	return best
}
