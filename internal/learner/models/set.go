// Package models predicts how an enrolment will end from its weekly features:
// majority, logistic regression, random forest, gradient-boosted trees, a
// multilayer perceptron, a convolutional net over the week × activity picture, LSTM,
// GRU, LSTM with attention, and a stack of them.
//
// All models answer the same *targets*, each a number from 0 to 1 and each learnt
// with cross-entropy. Four-way results come from conditional probabilities:
//
//	P(Withdrawn) = (1-p)·w   P(Fail) = (1-p)·(1-w)   P(Pass) = p·(1-d)   P(Distinction) = p·d
//
// so that the passing probability is the same in both.
package models

import (
	"math"

	"classlens/internal/learner/logs"
)

// Targets of a prediction.
const (
	Passed        = iota // Pass or Distinction
	Withdrew             // of those who did not pass: withdrawn
	Distinguished        // of those who passed: with distinction
	Score                // final mean score of the course work / 100, what is missing counts 0
	Trend                // the next score is at least the mean of those so far
	Targets
)

// Row is one enrolment up to the day of the prediction.
type Row struct {
	Enrolment    int // index into the log
	Student      string
	Module       string
	Presentation string
	Day          int                // of the prediction
	Steps        [][]float32        // a snapshot a week, oldest first; the last is of the day of the prediction
	Truth        [][Targets]float32 // of each step; NaN is not known
	// Present: the student is there on the day of the prediction. Of the others,
	// who left before, models that learn from every step take the steps until then.
	Present bool
	Repeats bool // the student was in an earlier presentation of the module once it had begun
	Behind  int  // steps between the last one and the day of the prediction: 0 when present
}

// Last is the snapshot of the day of the prediction.
func (r *Row) Last() []float32 { return r.Steps[len(r.Steps)-1] }

// Set is what a model learns from or predicts.
type Set struct {
	Columns []string
	Rows    []Row
}

// Present gives the set with only the rows of those who are there.
func (s *Set) Present() *Set {
	out := &Set{Columns: s.Columns}
	for _, r := range s.Rows {
		if r.Present {
			out.Rows = append(out.Rows, r)
		}
	}
	return out
}

// spread gives the rows that models of one day learn from: those who are there, as of
// the day and of the weeks before it, so that a few courses give many days; of some
// students the module is hidden, so that one that was never seen has its say.
func (s *Set) spread(weeks int, hide float64) *Set {
	out := &Set{Columns: s.Columns}
	for i, r := range s.Rows {
		if !r.Present {
			continue
		}
		if r.Enrolment*7919%1000 < int(1000*hide) {
			r.Module = ""
		}
		for back := range min(weeks, len(r.Steps)) {
			q := s.Rows[i]
			q.Module, q.Steps, q.Truth = r.Module, r.Steps[:len(r.Steps)-back], r.Truth[:len(r.Steps)-back]
			out.Rows = append(out.Rows, q)
		}
	}
	return out
}

// Truth of a target on the day of the prediction, a value a row.
func (s *Set) Truth(target int) []float32 {
	out := make([]float32, len(s.Rows))
	for i := range s.Rows {
		out[i] = s.Rows[i].Truth[len(s.Rows[i].Truth)-1][target]
	}
	return out
}

// Prediction is what a model says of a row.
type Prediction [Targets]float64

// Results gives the probabilities of the four results in logs' order.
func (p Prediction) Results() [logs.Results]float64 {
	no := 1 - p[Passed]
	return [logs.Results]float64{no * p[Withdrew], no * (1 - p[Withdrew]), p[Passed] * (1 - p[Distinguished]), p[Passed] * p[Distinguished]}
}

// Model is a fitted model.
type Model interface {
	// Predict gives a prediction a row.
	Predict(s *Set) ([]Prediction, error)
}

// TruthOf turns how an enrolment ended into targets; score and trend are NaN or 0 to 1.
func TruthOf(r logs.Result, score, trend float32) [Targets]float32 {
	nan := float32(math.NaN())
	t := [Targets]float32{nan, nan, nan, score, trend}
	switch r {
	case logs.Withdrawn:
		t[Passed], t[Withdrew] = 0, 1
	case logs.Fail:
		t[Passed], t[Withdrew] = 0, 0
	case logs.Pass:
		t[Passed], t[Distinguished] = 1, 0
	case logs.Distinction:
		t[Passed], t[Distinguished] = 1, 1
	}
	return t
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// Logit is the inverse of the logistic function, kept within ±12.
func Logit(p float64) float64 { return max(-12, min(12, math.Log(p/(1-p)))) }

func known(v float32) bool { return v == v }
