package metrics

// Ordered judges levels 0..k-1 whose order counts.
type Ordered struct {
	N       int     `json:"n"`
	Kappa   float64 `json:"quadratic_weighted_kappa"` // 1 perfect, 0 chance, below 0 worse
	MAE     float64 `json:"mae"`                      // mean distance in levels
	MacroE  float64 `json:"macro_mae"`                // mean over the levels that occur of their MAE
	MacroSE float64 `json:"mean_class_mse"`           // the same of squared distances
}

// Order scores predicted levels.
func Order(truth, predicted []int, k int) Ordered {
	c := Confusion(truth, predicted, k)
	o := Ordered{N: len(truth), Kappa: kappa(c, len(truth))}
	present := 0
	for i := range k {
		var n, sum, squares float64
		for j := range k {
			d := float64(i - j)
			if d < 0 {
				d = -d
			}
			n += float64(c[i][j])
			sum += d * float64(c[i][j])
			squares += d * d * float64(c[i][j])
		}
		if n == 0 {
			continue
		}
		present++
		o.MAE += sum
		o.MacroE += sum / n
		o.MacroSE += squares / n
	}
	if present > 0 {
		o.MAE /= float64(len(truth))
		o.MacroE /= float64(present)
		o.MacroSE /= float64(present)
	}
	return o
}

// kappa is Cohen's kappa with quadratic weights: 1 - Σ w·observed / Σ w·expected.
// When all truths and predictions are one level, nothing was disagreed on: 1.
func kappa(c [][]int, n int) float64 {
	k := len(c)
	rows, columns := make([]float64, k), make([]float64, k)
	for i := range k {
		for j := range k {
			rows[i] += float64(c[i][j])
			columns[j] += float64(c[i][j])
		}
	}
	var observed, expected float64
	for i := range k {
		for j := range k {
			w := float64((i - j) * (i - j))
			observed += w * float64(c[i][j])
			expected += w * rows[i] * columns[j] / float64(max(n, 1))
		}
	}
	if expected == 0 {
		return 1
	}
	return 1 - observed/expected
}
