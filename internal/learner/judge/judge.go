// Package judge measures predictions of passing: how well they order students, how
// far they can be believed, and whether they serve groups of students alike, each
// with 95 % bootstrap intervals over students.
//
// A *case* is one enrolment of a *population*: all who had registered by the day
// (whoever has left gets p = 0), or the active, who had not left. At risk means not
// expected to pass: p below one half.
package judge

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Case is one enrolment and how it ended.
type Case struct {
	Student string // the bootstrap draws students with all their cases
	Module  string
	Result  int // 0 withdrawn, 1 fail, 2 pass, 3 distinction
	Groups  map[string]string
}

// Passed tells whether the case ended well.
func (c Case) Passed() bool { return c.Result >= 2 }

// Said is what a model says of the cases, in their order.
type Said struct {
	Model   string
	P       []float64    // of passing
	Results [][4]float64 // nil for none
}

// Value is a figure with its interval.
type Value struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Figures of one model.
type Figures struct {
	Model     string           `json:"model"`
	N         int              `json:"n"`
	Passed    float64          `json:"passed"` // share
	Accuracy  Value            `json:"accuracy"`
	F1        Value            `json:"f1_at_risk"`
	AUC       Value            `json:"roc_auc"`
	PRAUC     Value            `json:"pr_auc_at_risk"`
	Brier     Value            `json:"brier"`
	ECE       Value            `json:"ece"`
	Accuracy4 *Value           `json:"result_accuracy,omitempty"`
	F14       *Value           `json:"result_macro_f1,omitempty"`
	Against   map[string]Value `json:"auc_less_that_of,omitempty"` // paired differences
	Bins      []Bin            `json:"bins"`
}

// Bin is a tenth of the probabilities.
type Bin struct {
	N    int     `json:"n"`
	Said float64 `json:"said"` // mean probability
	Came float64 `json:"came"` // share that passed
}

// Draws is how often the bootstrap draws.
const Draws = 1000

// weigh gives, for each draw, how often each case is drawn; nil for fewer than two
// students.
func weigh(cases []Case, draws int, seed uint64) [][]float32 {
	index, of := map[string]int{}, make([]int, len(cases))
	for i, c := range cases {
		if _, ok := index[c.Student]; !ok {
			index[c.Student] = len(index)
		}
		of[i] = index[c.Student]
	}
	if len(index) < 2 {
		return nil
	}
	r, count := rand.New(rand.NewPCG(seed, 7)), make([]float32, len(index))
	all := make([][]float32, draws)
	for d := range all {
		clear(count)
		for range count {
			count[r.IntN(len(count))]++
		}
		all[d] = make([]float32, len(cases))
		for i, s := range of {
			all[d][i] = count[s]
		}
	}
	return all
}

// Population judges several models on the same cases with the same draws; each is
// compared with those in against.
func Population(cases []Case, said []Said, against []string, seed uint64) []Figures {
	draws := weigh(cases, Draws, seed)
	ones := make([]float32, len(cases))
	for i := range ones {
		ones[i] = 1
	}
	out := make([]Figures, len(said))
	aucs := map[string][]float64{}
	whole := map[string]float64{}
	for m, s := range said {
		w := newWorker(cases, s)
		now := w.measure(ones)
		samples := make([][]float64, len(now))
		for _, d := range draws {
			for k, v := range w.measure(d) {
				samples[k] = append(samples[k], v)
			}
		}
		aucs[s.Model], whole[s.Model] = slices.Clone(samples[mAUC]), now[mAUC]
		value := func(k int) Value { return interval(now[k], samples[k]) }
		f := Figures{Model: s.Model, N: len(cases), Passed: w.passShare(), Accuracy: value(mAccuracy), F1: value(mF1), AUC: value(mAUC), PRAUC: value(mPRAUC), Brier: value(mBrier), ECE: value(mECE), Bins: w.bins(ones)}
		if s.Results != nil {
			a, b := value(mAccuracy4), value(mF14)
			f.Accuracy4, f.F14 = &a, &b
		}
		out[m] = f
	}
	for m := range out {
		for _, other := range against {
			if other == out[m].Model || aucs[other] == nil {
				continue
			}
			differences := make([]float64, len(draws))
			for d := range draws {
				differences[d] = aucs[out[m].Model][d] - aucs[other][d]
			}
			if out[m].Against == nil {
				out[m].Against = map[string]Value{}
			}
			out[m].Against[other] = interval(whole[out[m].Model]-whole[other], differences)
		}
	}
	return out
}

// interval is the middle 95 % of the samples, which it sorts.
func interval(value float64, samples []float64) Value {
	samples = slices.DeleteFunc(samples, math.IsNaN) // draws in which the figure does not exist
	if len(samples) == 0 {
		return Value{value, value, value}
	}
	slices.Sort(samples)
	n := len(samples)
	return Value{value, samples[n*25/1000], samples[n-1-n*25/1000]}
}
