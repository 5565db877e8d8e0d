package judge

import (
	"cmp"
	"math"
	"slices"
)

// What a worker measures, in order.
const (
	mAccuracy = iota
	mF1
	mAUC
	mPRAUC
	mBrier
	mECE
	mAccuracy4
	mF14
	measures
)

// worker measures one model under many weightings of the cases: sorted once, each
// weighting takes time in proportion to the cases.
type worker struct {
	p      []float64 // ascending
	passed []bool
	at     []int // index of the case
	truth  []int
	result []int // likeliest; nil for none
}

func newWorker(cases []Case, s Said) *worker {
	order := make([]int, len(cases))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.P[a], s.P[b]) })
	w := &worker{at: order}
	for _, i := range order {
		w.p, w.passed, w.truth = append(w.p, s.P[i]), append(w.passed, cases[i].Passed()), append(w.truth, cases[i].Result)
		if s.Results != nil {
			best := 0
			for k, v := range s.Results[i] {
				if v > s.Results[i][best] {
					best = k
				}
			}
			w.result = append(w.result, best)
		}
	}
	return w
}

func (w *worker) measure(weight []float32) [measures]float64 {
	var m [measures]float64
	var total, right, brier, tp, fp, fn float64
	for k, i := range w.at {
		c := float64(weight[i])
		y := 0.0
		if w.passed[k] {
			y = 1
		}
		total, brier = total+c, brier+c*(w.p[k]-y)*(w.p[k]-y)
		switch risk := w.p[k] < 0.5; {
		case risk && !w.passed[k]:
			tp, right = tp+c, right+c
		case risk:
			fp += c
		case !w.passed[k]:
			fn += c
		default:
			right += c
		}
	}
	m[mAccuracy], m[mBrier] = right/total, brier/total
	if tp > 0 {
		m[mF1] = 2 * tp / (2*tp + fp + fn)
	}
	m[mAUC], m[mPRAUC] = w.order(weight)
	for _, b := range w.weightedBins(weight) {
		m[mECE] += math.Abs(b[1]-b[2]) / total
	}
	if w.result != nil {
		m[mAccuracy4], m[mF14] = w.four(weight)
	}
	return m
}

// order gives the area under the ROC curve, equal probabilities counted half, and the
// average precision of finding those who did not pass.
func (w *worker) order(weight []float32) (auc, precision float64) {
	var failed, all, area, found, sum float64
	for k, i := range w.at {
		c := float64(weight[i])
		if !w.passed[k] {
			all += c
		}
		sum += c
	}
	passedAll, seen := sum-all, 0.0
	for k := 0; k < len(w.at); {
		var good, bad float64
		for p := w.p[k]; k < len(w.at) && w.p[k] == p; k++ {
			if c := float64(weight[w.at[k]]); w.passed[k] {
				good += c
			} else {
				bad += c
			}
		}
		area += good * (failed + bad/2)
		failed, seen = failed+bad, seen+good+bad
		if seen > 0 {
			found += bad * failed / seen
		}
	}
	if all == 0 || passedAll == 0 {
		return math.NaN(), math.NaN()
	}
	return area / (all * passedAll), found / all
}

// weightedBins gives weight, sum of probabilities and weight of those who passed,
// by tenth.
func (w *worker) weightedBins(weight []float32) (bins [10][3]float64) {
	for k, i := range w.at {
		b, c := &bins[min(9, int(10*w.p[k]))], float64(weight[i])
		b[0], b[1] = b[0]+c, b[1]+c*w.p[k]
		if w.passed[k] {
			b[2] += c
		}
	}
	return bins
}

func (w *worker) bins(weight []float32) []Bin {
	var out []Bin
	for _, b := range w.weightedBins(weight) {
		n := max(b[0], 1)
		out = append(out, Bin{N: int(b[0]), Said: b[1] / n, Came: b[2] / n})
	}
	return out
}

// passShare is the share of the cases that passed.
func (w *worker) passShare() float64 {
	n := 0.0
	for _, p := range w.passed {
		if p {
			n++
		}
	}
	return n / max(1, float64(len(w.passed)))
}

// four gives accuracy and macro-F1 of the four results.
func (w *worker) four(weight []float32) (accuracy, macro float64) {
	var hit, said, came [4]float64
	total := 0.0
	for k, i := range w.at {
		c := float64(weight[i])
		total += c
		said[w.result[k]] += c
		came[w.truth[k]] += c
		if w.result[k] == w.truth[k] {
			hit[w.result[k]] += c
		}
	}
	for k := range hit {
		accuracy += hit[k] / total
		if said[k]+came[k] > 0 {
			macro += 2 * hit[k] / (said[k] + came[k]) / 4
		}
	}
	return accuracy, macro
}

// AUC is the area under the ROC curve of p for truths of 0 and 1; 0.5 when one of
// them does not occur.
func AUC(truth, p []float64) float64 {
	var cases []Case
	for _, y := range truth {
		cases = append(cases, Case{Result: 3 * int(y)})
	}
	ones := make([]float32, len(p))
	for i := range ones {
		ones[i] = 1
	}
	v, _ := newWorker(cases, Said{P: p}).order(ones)
	if v != v {
		return 0.5
	}
	return v
}
