package models

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"classlens/internal/learner/logs"
)

// drawn makes rows of a few steps whose chance to pass follows z of the last ones;
// column 3 is sometimes not known.
func drawn(n int, seed uint64, z func(steps [][]float32, module string) float64) *Set {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &Set{Columns: []string{"a", "b", "c", "holes", "progress"}}
	for i := range n {
		row := Row{Student: fmt.Sprint(i), Module: []string{"AAA", "BBB"}[i%2], Present: true}
		for t := range 4 {
			v := []float32{float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64()), float32(t) / 4}
			if t > 0 { // of these only c is new each week
				v[0], v[1], v[3] = row.Steps[0][0], row.Steps[0][1], row.Steps[0][3]
			} else if r.Float64() < .2 {
				v[3] = float32(math.NaN())
			}
			row.Steps = append(row.Steps, v)
		}
		result := logs.Fail
		if r.Float64() < sigmoid(z(row.Steps, row.Module)) {
			result = logs.Pass
		}
		for range row.Steps {
			row.Truth = append(row.Truth, TruthOf(result, float32(r.Float64()), float32(math.NaN())))
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

func last(steps [][]float32) []float32 { return steps[len(steps)-1] }

func lossOf(t *testing.T, m Model, s *Set) float64 {
	t.Helper()
	p, err := m.Predict(s)
	if err != nil {
		t.Fatal(err)
	}
	return passLoss(s.Rows, p)
}

// best is the loss of one who knows z.
func best(s *Set, z func([][]float32, string) float64) float64 {
	p := make([]Prediction, len(s.Rows))
	for i, r := range s.Rows {
		p[i][Passed] = sigmoid(z(r.Steps, r.Module))
	}
	return passLoss(s.Rows, p)
}

// Each kind of model learns the kind of law that it is there for, to within a share
// of what there is to know.
func TestModelsLearnTheirLaws(t *testing.T) {
	linear := func(s [][]float32, m string) float64 {
		z := 1.5*float64(last(s)[0]) - float64(last(s)[1])
		if m == "BBB" {
			z++
		}
		return z
	}
	crossed := func(s [][]float32, _ string) float64 { // no sum of columns tells this
		return 3 * math.Copysign(1, float64(last(s)[0])) * math.Copysign(1, float64(last(s)[1]))
	}
	holes := func(s [][]float32, _ string) float64 {
		if known(last(s)[3]) {
			return 2
		}
		return -2
	}
	weeks := func(s [][]float32, _ string) float64 { // needs the weeks before the last
		return 1.5 * float64(s[0][2]+s[1][2]+s[2][2]+s[3][2])
	}
	sequence := func(cell string, attention int) func(s *Set) Model {
		o := Recurrence
		o.Cell, o.Attention, o.Seeds, o.Batch, o.Epochs, o.Hidden = cell, attention, 1, 32, 15, 16
		return func(s *Set) Model {
			m, err := FitSequence(s, nil, o, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
	feed := func(o FeedForwardOptions) func(s *Set) Model {
		o.Seeds, o.Batch, o.Epochs = 1, 32, 15
		return func(s *Set) Model {
			m, err := FitFeedForward(s, nil, o, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
	lr := func(s *Set) Model { return FitLinear(s) }
	boosted := func(s *Set) Model { return FitTrees(s, Boosting, true, 1) }
	bagged := func(s *Set) Model { return FitTrees(s, Bagging, false, 1) }
	for _, c := range []struct {
		name  string
		fit   func(*Set) Model
		law   func([][]float32, string) float64
		share float64 // of the way from knowing nothing to knowing the law
	}{
		{"lr, linear", lr, linear, .85}, {"lr, holes", lr, holes, .8}, {"boosted, linear", boosted, linear, .75}, {"boosted, crossed", boosted, crossed, .85}, {"boosted, holes", boosted, holes, .9},
		{"bagged, linear", bagged, linear, .6}, {"perceptron, crossed", feed(Perceptron), crossed, .6}, {"picture, weeks", feed(Picture), weeks, .7},
		{"lstm, weeks", sequence("lstm", 0), weeks, .7}, {"gru, weeks", sequence("gru", 0), weeks, .7}, {"attention, weeks", sequence("lstm", 8), weeks, .7}, {"lstm, holes", sequence("lstm", 0), holes, .7},
	} {
		train, test := drawn(1500, 1, c.law), drawn(1500, 2, c.law)
		nothing, all := lossOf(t, FitMajority(train), test), best(test, c.law)
		got := lossOf(t, c.fit(train), test)
		if share := (nothing - got) / (nothing - all); share < c.share {
			t.Errorf("%s: loss %.3f, of %.3f (majority) to %.3f (who knows the law): %.2f of the way, want %.2f", c.name, got, nothing, all, share, c.share)
		}
	}
}

// The logistic regression's gradient is zero where Newton stopped.
func TestNewtonStopsAtTheMinimum(t *testing.T) {
	s := drawn(400, 3, func(s [][]float32, _ string) float64 { return float64(last(s)[0]) })
	m := FitLinear(s)
	s = s.spread(spreadWeeks, spreadHide)
	x, w := m.Encoder.last(s), m.Encoder.Width()
	gradient := make([]float64, w+1)
	for j := range w {
		gradient[j] = ridge * float64(len(s.Rows)) * m.Weights[Passed][j]
	}
	for i, y := range s.Truth(Passed) {
		d := sigmoid(score(m.Weights[Passed], x[i*w:(i+1)*w])) - float64(y)
		for j := range w {
			gradient[j] += d * float64(x[i*w+j])
		}
		gradient[w] += d
	}
	for j, g := range gradient {
		if math.Abs(g) > 1e-3 {
			t.Errorf("gradient %d is %g", j, g)
		}
	}
}

// The slopes of perceptron and convolutional net are those of differences.
func TestFeedForwardGradients(t *testing.T) {
	s := drawn(6, 4, func([][]float32, string) float64 { return 0 })
	for _, steps := range []int{0, 4} {
		m := &FeedForward{Hidden: 5, Steps: steps, Encoder: newEncoder(s, []int{0, 1, 2, 3}, allSteps(s))}
		n := m.build(0, rand.New(rand.NewPCG(1, 1)))
		x, at := m.input(s), []int{0, 1, 2, 3, 4, 5}
		loss := func() float64 { v, _ := lastLoss(s, at, n.forward(x, true), Recurrence.Share); return v }
		_, slope := lastLoss(s, at, n.forward(x, true), Recurrence.Share)
		n.backward(slope)
		for k, p := range n.params() {
			for _, i := range []int{0, len(p.w) / 2, len(p.w) - 1} {
				const h = 1e-3
				old := p.w[i]
				p.w[i] = old + h
				up := loss()
				p.w[i] = old - h
				down := loss()
				p.w[i] = old
				if want := (up - down) / (2 * h); math.Abs(want-float64(p.g[i])) > 1e-3+.02*math.Abs(want) {
					t.Errorf("steps %d, parameter %d[%d]: slope %g, differences say %g", steps, k, i, p.g[i], want)
				}
			}
		}
	}
}

// What comes after a step moves nothing of what a model says at it.
func TestLaterStepsMoveNothing(t *testing.T) {
	s := drawn(60, 5, func(s [][]float32, _ string) float64 { return float64(last(s)[0]) })
	o := Recurrence
	o.Seeds, o.Epochs, o.Hidden, o.Attention = 1, 2, 16, 8
	m, err := FitSequence(s, nil, o, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	short := &Set{Columns: s.Columns}
	for _, r := range s.Rows {
		r.Steps, r.Truth = r.Steps[:2], r.Truth[:2]
		short.Rows = append(short.Rows, r)
	}
	a, _ := m.Predict(short)
	mixed := &Set{Columns: s.Columns, Rows: append(slices.Clone(short.Rows), s.Rows...)} // padded to longer rows beside them
	b, _ := m.Predict(mixed)
	for i := range a {
		for k := range a[i] {
			if math.Abs(a[i][k]-b[i][k]) > 1e-6 {
				t.Fatalf("row %d: %v alone, %v beside longer rows", i, a[i], b[i])
			}
		}
	}
}

// The skip connection says at each step, of shorter and longer rows, what logistic regression says of
// that snapshot, with the module and without; a net on it says no worse after an epoch.
func TestSkip(t *testing.T) {
	s := drawn(400, 12, func(s [][]float32, m string) float64 { return 2*float64(last(s)[0]) + map[string]float64{"AAA": 2}[m] })
	s.Rows[3].Steps, s.Rows[3].Truth = s.Rows[3].Steps[:2], s.Rows[3].Truth[:2]
	lr := FitLinear(s)
	o := Recurrence
	o.Seeds, o.Epochs, o.Hidden, o.skip = 1, 1, 16, lr
	m, err := FitSequence(s, nil, o, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := m.sequences(s, true, nil)
	bare := &Set{Columns: s.Columns}
	for _, r := range s.Rows {
		r.Module = ""
		bare.Rows = append(bare.Rows, r)
	}
	for hidden, set := range []*Set{s, bare} {
		want, _ := lr.Predict(set)
		at, most := make([]int, len(s.Rows)), 0
		for i := range at {
			at[i], most = i, max(most, len(s.Rows[i].Steps))
		}
		logits, all := make([]float32, len(at)*most*Targets), make([]bool, len(at))
		for i := range all {
			all[i] = hidden == 1
		}
		q.skipTo(logits, at, most, all)
		for i := range at {
			z := logits[(i*most+len(s.Rows[i].Steps)-1)*Targets:]
			if got := sigmoid(float64(z[Passed])); math.Abs(got-want[i][Passed]) > 1e-5 {
				t.Fatalf("row %d, hidden %d: %g, logistic regression says %g", i, hidden, got, want[i][Passed])
			}
		}
	}
	if got, line := lossOf(t, m, s), lossOf(t, lr, s); got > line+.01 {
		t.Errorf("loss %.4f, that of logistic regression %.4f", got, line)
	}
}

// The loss of a batch and its slope agree, the order of a course's students included; of pairs only those of one course
// count, and only of who is there on the day.
func TestLossSlope(t *testing.T) {
	s := drawn(12, 3, func(s [][]float32, m string) float64 { return float64(last(s)[0]) })
	s.Rows[1].Present = false
	for i := range s.Rows {
		s.Rows[i].Presentation = []string{"2013B", "2013J"}[i/2%2]
	}
	o := Recurrence
	m := &Sequence{Encoder: newEncoder(s, personal(s), allSteps(s))}
	q, at := m.sequences(s, true, nil), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	r := rand.New(rand.NewPCG(1, 1))
	logits := make([]float32, len(at)*4*Targets)
	for i := range logits {
		logits[i] = float32(r.NormFloat64())
	}
	_, slope := o.loss(q, at, 4, logits)
	for i := range logits {
		const e = 1.0 / 64
		up, down := slices.Clone(logits), slices.Clone(logits)
		up[i], down[i] = up[i]+e, down[i]-e
		a, _ := o.loss(q, at, 4, up)
		b, _ := o.loss(q, at, 4, down)
		if want := (a - b) / (2 * e); math.Abs(want-float64(slope[i])) > 2e-5 {
			t.Fatalf("logit %d: slope %g, want %g", i, slope[i], want)
		}
	}
	plain := o
	plain.Rank = 0
	with, _ := o.loss(q, at, 4, logits)
	without, _ := plain.loss(q, at, 4, logits)
	sum, n := 0.0, 0.0
	for i, a := range s.Rows {
		for j, b := range s.Rows {
			if a.Present && b.Present && a.Module == b.Module && a.Presentation == b.Presentation && a.Truth[3][Passed] > b.Truth[3][Passed] {
				d := float64(logits[(i*4+3)*Targets+Passed] - logits[(j*4+3)*Targets+Passed])
				sum, n = sum+math.Log1p(math.Exp(-d)), n+1
			}
		}
	}
	if n == 0 || math.Abs(with-without-sum/n) > 1e-6 {
		t.Errorf("the order costs %g, want %g over %g pairs", with-without, sum/n, n)
	}
}

// With trees the skip connection is the mean of both logits at each step when it predicts. While the net learns, the
// trees asked of a student have not seen this student: with the outcomes of one fold's students turned round, what
// is said of them stays as it was to the bit, and what is said of others does not.
func TestSkipTrees(t *testing.T) {
	s := drawn(600, 12, func(s [][]float32, m string) float64 {
		return 2*float64(last(s)[0])*float64(last(s)[1]) + map[string]float64{"AAA": 2}[m]
	})
	for i := range s.Rows {
		s.Rows[i].Student = fmt.Sprint("student", i/2) // two rows each: in one fold
	}
	o := Recurrence
	o.grow = func(s *Set, seed uint64) *Trees { return fitPassing(s, Boosting, true, seed) }
	o.skip, o.trees = FitLinear(s), FitTrees(s, Boosting, true, 1).passing()
	before := o.outOfFold(s, 1)
	m := &Sequence{Encoder: newEncoder(s, personal(s), allSteps(s)), Skip: o.skip, Trees: o.trees}
	line, _ := o.skip.Predict(s)
	trees, _ := o.trees.Predict(s)
	for hidden, q := range []*sequences{m.sequences(s, false, nil), m.sequences(s, true, before)} {
		for i, r := range s.Rows {
			t1 := len(r.Steps) - 1
			got, want := float64(q.skip[0][i][t1*Targets+Passed]), (Logit(line[i][Passed])+Logit(trees[i][Passed]))/2
			if hidden == 1 {
				want = (Logit(line[i][Passed]) + float64(before[0][i][t1])) / 2
			}
			if math.Abs(got-want) > 1e-4 {
				t.Fatalf("row %d: %g, want %g", i, got, want)
			}
			if got := float64(q.skip[0][i][t1*Targets+Score]); math.Abs(got-Logit(line[i][Score])) > 1e-4 {
				t.Fatalf("row %d: the score's logit %g is not logistic regression's", i, got)
			}
		}
	}
	const fold = 2
	for i := range s.Rows {
		if foldOf(s.Rows[i].Student, o.Folds) == fold {
			s.Rows[i].Truth = slices.Clone(s.Rows[i].Truth)
			for k := range s.Rows[i].Truth {
				s.Rows[i].Truth[k][Passed] = 1 - s.Rows[i].Truth[k][Passed]
			}
		}
	}
	after := o.outOfFold(s, 1)
	var count, moved [2]int
	for hidden := range after {
		for i, r := range s.Rows {
			k := 0
			if foldOf(r.Student, o.Folds) == fold {
				k = 1
			}
			count[k]++
			if !slices.Equal(after[hidden][i], before[hidden][i]) {
				moved[k]++
			}
		}
	}
	if count[1] < 200 || moved[1] > 0 {
		t.Errorf("%d of %d rows are told their own outcome", moved[1], count[1])
	}
	if 2*moved[0] < count[0] {
		t.Errorf("only %d of %d other rows know of these students", moved[0], count[0])
	}
}

// A net that is built on trees, alone or in a stack, takes how good a course is from itself without them.
func TestLeader(t *testing.T) {
	s := drawn(400, 12, func(s [][]float32, m string) float64 { return 2 * float64(last(s)[0]) })
	f, err := Fit("stack", s, nil, Options{Seed: 1, Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	net, bare := f.Members[2], f.Leader()
	if net.Kind != "lstm" || net.Sequence.Trees == nil || bare == nil || bare.Sequence.Trees != nil || f.Members[0].Leader() != nil {
		t.Fatalf("leader %+v of %+v", bare, net)
	}
	full, err := net.Predict(s)
	if err != nil {
		t.Fatal(err)
	}
	less, err := bare.Predict(s)
	if err != nil {
		t.Fatal(err)
	}
	trees, _ := net.Sequence.Trees.Predict(s)
	line, _ := net.Sequence.Skip.Predict(s)
	for i := range full {
		if got, want := Logit(full[i][Passed])-Logit(less[i][Passed]), (Logit(trees[i][Passed])-Logit(line[i][Passed]))/2; math.Abs(got-want) > 1e-3 {
			t.Fatalf("row %d: the trees add %g, want %g", i, got, want)
		}
	}
}

// A module that was not there in training sets no flag, and nothing breaks.
func TestUnseenModule(t *testing.T) {
	s := drawn(300, 6, func(s [][]float32, m string) float64 { return map[string]float64{"AAA": 2, "BBB": -2}[m] })
	o := Options{Seed: 1, Quick: true}
	for _, kind := range Kinds {
		m, err := Fit(kind, s, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		strange := &Set{Columns: s.Columns}
		for _, r := range s.Rows[:20] {
			r.Module = "ZZZ"
			strange.Rows = append(strange.Rows, r)
		}
		p, err := m.Predict(strange)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, v := range p {
			if !(v[Passed] > 0 && v[Passed] < 1) {
				t.Fatalf("%s: %v", kind, v)
			}
			if r := v.Results(); math.Abs(r[0]+r[1]+r[2]+r[3]-1) > 1e-9 || math.Abs(r[2]+r[3]-v[Passed]) > 1e-9 {
				t.Fatalf("%s: results %v of p %v", kind, r, v[Passed])
			}
		}
	}
}

// With a validation set a net keeps its best epoch, not its last.
func TestEarlyStopping(t *testing.T) {
	law := func(s [][]float32, _ string) float64 { return .7 * float64(last(s)[0]) }
	train, valid := drawn(60, 7, law), drawn(400, 8, law)
	o := Recurrence
	o.Seeds, o.Epochs, o.Patience, o.Batch, o.Dropout, o.Rate, o.Hidden = 1, 40, 5, 16, 0, 1e-2, 16
	losses := []float64{}
	m, err := FitSequence(train, valid, o, 1, func(_, _ int, _, v float64) { losses = append(losses, v) })
	if err != nil {
		t.Fatal(err)
	}
	least := slices.Min(losses)
	if got := lossOf(t, m, valid); math.Abs(got-least) > 1e-6 {
		t.Errorf("kept an epoch of loss %.4f, the best was %.4f of %v", got, least, losses)
	}
	if len(losses) == o.Epochs || m.Epochs != slices.Index(losses, least)+1 {
		t.Errorf("%d epochs run, best said to be %d: %v", len(losses), m.Epochs, losses)
	}
}

func TestTemperature(t *testing.T) {
	law := func(s [][]float32, _ string) float64 { return float64(last(s)[0]) }
	s := drawn(4000, 9, law)
	p := make([]Prediction, len(s.Rows))
	for i, r := range s.Rows {
		for k := range p[i] {
			p[i][k] = sigmoid(2.5 * law(r.Steps, r.Module)) // too sure by 2.5
		}
	}
	heat := Temperatures(s, p)
	if math.Abs(heat[Passed]-2.5) > .3 {
		t.Errorf("temperature %.2f, want 2.5", heat[Passed])
	}
	if heat[Trend] != 1 {
		t.Errorf("without truths the temperature is %g", heat[Trend])
	}
}

// Who repeats a module is given what it takes for them to pass as often as is said, from the students within each
// course: a course in which few pass must not look like repeaters who fail, and a handful decides nothing.
func TestRepeating(t *testing.T) {
	law := func(s [][]float32, _ string) float64 { return float64(last(s)[0]) }
	for _, c := range []struct {
		every int     // one student in so many repeats
		gap   float64 // what repeating does to the log-odds
		low   bool    // the course with all repeaters is one in which few pass
		want  float64
	}{{10, -1.2, false, -1.2}, {10, 0, true, 0}, {10, .8, true, .8}, {400, -3, false, 0}} {
		s := drawn(6000, 21, func(s [][]float32, m string) float64 { return law(s, m) })
		r := rand.New(rand.NewPCG(3, 3))
		p := make([]Prediction, len(s.Rows))
		for i := range s.Rows {
			row := &s.Rows[i]
			row.Repeats = i%c.every == 0 // all in one module, as every is even
			z := law(row.Steps, row.Module)
			p[i][Passed] = sigmoid(2 * z) // heat 2
			if row.Repeats {
				z += c.gap
			}
			if c.low && row.Module == "AAA" {
				z -= 1.5
			}
			result := logs.Fail
			if r.Float64() < sigmoid(z) {
				result = logs.Pass
			}
			row.Truth[len(row.Truth)-1] = TruthOf(result, 0, float32(math.NaN()))
		}
		if got := repeating(s, p, 2); math.Abs(got-c.want) > .25 || c.every > 100 && got != 0 {
			t.Errorf("%+v: %.3f", c, got)
		}
	}
	// What is added reaches the prediction, of those alone.
	s := drawn(40, 4, law)
	f := &Fitted{Kind: "lr", Linear: FitLinear(s)}
	before, err := f.Predict(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Rows[3].Repeats, f.Repeats = true, -.7
	after, err := f.Predict(s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range after {
		want := 0.
		if i == 3 {
			want = -.7
		}
		if got := Logit(after[i][Passed]) - Logit(before[i][Passed]); math.Abs(got-want) > 1e-9 || after[i][Withdrew] != before[i][Withdrew] {
			t.Errorf("row %d: %g added, want %g", i, got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		result                     logs.Result
		passed, withdrew, excelled float32
	}{{logs.Withdrawn, 0, 1, -1}, {logs.Fail, 0, 0, -1}, {logs.Pass, 1, -1, 0}, {logs.Distinction, 1, -1, 1}, {logs.NoResult, -1, -1, -1}} {
		got := TruthOf(c.result, .5, 1)
		for k, want := range []float32{c.passed, c.withdrew, c.excelled} {
			if v := got[k]; want < 0 && known(v) || want >= 0 && v != want {
				t.Errorf("%v: target %d is %g, want %g", c.result, k, v, want)
			}
		}
	}
}

// A damaged model is an error, no panic.
func TestDamagedModels(t *testing.T) {
	s := drawn(80, 10, func(s [][]float32, _ string) float64 { return float64(last(s)[0]) })
	for _, kind := range []string{"mlp", "lstm"} {
		m, err := Fit(kind, s, nil, Options{Seed: 1, Quick: true})
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, cut := range []int{4, 40} {
			var bad Fitted
			if err := json.Unmarshal(data, &bad); err != nil {
				t.Fatal(err)
			}
			if bad.FeedForward != nil {
				bad.FeedForward.Weights[0] = bad.FeedForward.Weights[0][:len(bad.FeedForward.Weights[0])-cut]
			} else {
				bad.Sequence.Nets[0] = bad.Sequence.Nets[0][:len(bad.Sequence.Nets[0])-cut]
			}
			if _, err := bad.Predict(s); err == nil {
				t.Errorf("%s without its last %d bytes: no error", kind, cut)
			}
		}
	}
	if _, err := (&Fitted{Kind: "lr"}).Predict(s); err == nil {
		t.Error("a model without weights: no error")
	}
	if _, err := Fit("oracle", s, nil, Options{}); err == nil {
		t.Error("an unknown kind: no error")
	}
}

// Bins: few values have one each, cut midway; a value that most students share does not
// take the cuts from the others; edges rise, and every bin of training is one of 63.
func TestBins(t *testing.T) {
	if got := edgesOf([]float32{1, 1, 2, 4, 4}); !slices.Equal(got, []float32{1.5, 3}) {
		t.Errorf("three values: %v", got)
	}
	if got := edgesOf(nil); got != nil {
		t.Errorf("no values: %v", got)
	}
	next := math.Nextafter32(1, 2)
	if got := edgesOf([]float32{1, next}); len(got) != 1 || !(got[0] >= 1 && got[0] < next) {
		t.Errorf("neighbours: %v", got)
	}
	r := rand.New(rand.NewPCG(11, 1))
	var values []float32
	for i := range 10000 {
		v := float32(0) // nine in ten
		if i%10 == 0 {
			v = float32(r.NormFloat64())
		}
		values = append(values, v)
	}
	slices.Sort(values)
	edges := edgesOf(values)
	b := &Binner{Columns: []int{0}, Edges: [][]float32{edges}}
	count := map[uint8]int{}
	for _, v := range values {
		count[b.bin(0, v)]++
	}
	if !slices.IsSorted(edges) || len(slices.Compact(slices.Clone(edges))) != len(edges) || len(edges) > maxBins-2 {
		t.Fatalf("%d edges: %v", len(edges), edges)
	}
	if len(count) < 60 || count[b.bin(0, 0)] != 9000 || count[0] != 0 {
		t.Errorf("%d bins hold something, that of 0 %d", len(count), count[b.bin(0, 0)])
	}
	for bin, n := range count {
		if bin != b.bin(0, 0) && n > 40 {
			t.Errorf("bin %d holds %d of 1000", bin, n)
		}
	}
	if b.bin(0, float32(math.NaN())) != 0 {
		t.Error("what is not known has bin 0")
	}
}
