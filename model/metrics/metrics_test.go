package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v ± %v", name, got, want, tolerance)
	}
}

// The wanted figures were worked out by hand.
func TestClassify(t *testing.T) {
	truth := []int{0, 0, 0, 1, 1, 2, 2, 2, 2, 0}
	predicted := []int{0, 1, 0, 1, 1, 2, 0, 2, 1, 0}
	s := Classify(truth, predicted, 4) // class 3 never occurs
	near(t, "accuracy", s.Accuracy, 0.7, 1e-12)
	near(t, "majority", s.Majority, 0.4, 1e-12)
	near(t, "balanced", s.Balanced, (0.75+1+0.5)/3, 1e-12)
	near(t, "macro F1", s.MacroF1, (0.75+2.0/3+2.0/3)/3, 1e-12)
	near(t, "precision of 1", s.Classes[1].Precision, 0.5, 1e-12)
	if s.Classes[3] != (ClassScore{}) {
		t.Errorf("a class that never occurs scores %+v", s.Classes[3])
	}
	if got := Classify(nil, nil, 2); got.N != 0 || got.Accuracy != 0 || math.IsNaN(got.MacroF1) {
		t.Errorf("no samples: %+v", got)
	}
}

func TestOrder(t *testing.T) {
	truth := []int{0, 1, 2, 3, 3, 1}
	predicted := []int{0, 2, 2, 1, 3, 1}
	o := Order(truth, predicted, 4)
	near(t, "mae", o.MAE, 0.5, 1e-12)
	near(t, "macro mae", o.MacroE, (0+0.5+0+1)/4, 1e-12)
	near(t, "mean class mse", o.MacroSE, (0+0.5+0+2)/4, 1e-12)
	// Σ w·observed = 1+4 = 5; Σ w·expected/6 with rows 1,2,1,2 and columns 1,2,2,1
	expected := 0.0
	rows, columns := []float64{1, 2, 1, 2}, []float64{1, 2, 2, 1}
	for i := range rows {
		for j := range columns {
			expected += float64((i-j)*(i-j)) * rows[i] * columns[j] / 6
		}
	}
	near(t, "kappa", o.Kappa, 1-5/expected, 1e-12)
	near(t, "kappa of the truth", Order(truth, truth, 4).Kappa, 1, 1e-12)
}

func TestAUC(t *testing.T) {
	near(t, "auc", AUC([]float64{0.1, 0.4, 0.35, 0.8}, []bool{false, false, true, true}), 0.75, 1e-12)
	near(t, "auc of ties", AUC([]float64{1, 1, 1, 1}, []bool{false, true, false, true}), 0.5, 1e-12)
	if !math.IsNaN(AUC([]float64{1, 2}, []bool{true, true})) {
		t.Error("an AUC without negatives should be NaN")
	}
}

func TestCalibration(t *testing.T) {
	near(t, "ece", ECE([]float64{0.9, 0.9, 0.6, 0.6}, []bool{true, true, true, false}), 0.5*0.1+0.5*0.1, 1e-12)
	// Truth drawn from known probabilities, then overconfident by a power of 2: T must come out as 2.
	r := rand.New(rand.NewPCG(1, 2))
	var p [][]float64
	var truth []int
	for range 20000 {
		a := r.Float64()
		q := 0
		if r.Float64() > a {
			q = 1
		}
		truth = append(truth, q)
		p = append(p, WithTemperature([][]float64{{a, 1 - a}}, 0.5)[0])
	}
	near(t, "temperature", Temperature(p, truth), 2, 0.1)
}

func TestCoverage(t *testing.T) {
	got := Coverage([]float64{0.9, 0.5, 0.8, 0.4}, []bool{true, false, true, true}, 0.5, 1)
	if len(got) != 2 || got[0] != (Point{0.8, 0.5, 1}) || got[1] != (Point{0.4, 1, 0.75}) {
		t.Errorf("%+v", got)
	}
}

func TestBootstrap(t *testing.T) {
	var groups []string
	var value, better []float64
	r := rand.New(rand.NewPCG(3, 4))
	for g := range 50 {
		for range 4 { // four equal samples a group: the group counts, not the sample
			groups = append(groups, string(rune('A'+g)))
		}
		v := r.NormFloat64()
		value = append(value, v, v, v, v)
		better = append(better, v+1, v+1, v+1, v+1)
	}
	mean := func(x []float64) func([]int) float64 {
		return func(s []int) float64 {
			sum := 0.0
			for _, i := range s {
				sum += x[i]
			}
			return sum / float64(len(s))
		}
	}
	i, ok := Bootstrap(groups, 1, mean(value))
	if !ok {
		t.Fatal("no interval")
	}
	near(t, "width over 4 standard errors of 50 groups", (i.High-i.Low)/(2*1.96/math.Sqrt(50)), 1, 0.35)
	again, _ := Bootstrap(groups, 1, mean(value))
	if again != i {
		t.Errorf("the same seed gave %v and %v", i, again)
	}
	d, notBetter, ok := Paired(groups, 1, mean(value), mean(better))
	if !ok || notBetter != 0 {
		t.Errorf("paired: %v %v", notBetter, ok)
	}
	near(t, "paired low", d.Low, 1, 1e-9)
	if _, ok := Bootstrap([]string{"a", "a"}, 1, mean(value)); ok {
		t.Error("one group gave an interval")
	}
}
