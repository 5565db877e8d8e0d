package judge

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// drawn makes cases whose outcome follows p, and what a model that says q would say.
func drawn(n int, seed uint64, say func(p float64, r *rand.Rand) float64) ([]Case, Said) {
	r := rand.New(rand.NewPCG(seed, 1))
	var cases []Case
	s := Said{Model: "m"}
	for i := range n {
		p := r.Float64()
		c := Case{Student: fmt.Sprint(i), Module: "AAA", Groups: map[string]string{"g": []string{"a", "b"}[i%2]}}
		if r.Float64() < p {
			c.Result = 2
		}
		cases = append(cases, c)
		s.P = append(s.P, say(p, r))
	}
	return cases, s
}

func honest(p float64, _ *rand.Rand) float64 { return p }

// The fast figures under weights are those of a plain loop over pairs and lists.
func TestAgainstPlainLoops(t *testing.T) {
	cases, s := drawn(300, 1, func(p float64, r *rand.Rand) float64 { return math.Round(p*20+r.NormFloat64()*3) / 20 }) // with ties
	for i := range s.P {
		s.P[i] = min(1, max(0, s.P[i]))
	}
	weight := make([]float32, len(cases))
	r := rand.New(rand.NewPCG(9, 9))
	var list []Case
	var p []float64
	for i := range weight {
		weight[i] = float32(r.IntN(3))
		for range int(weight[i]) {
			list, p = append(list, cases[i]), append(p, s.P[i])
		}
	}
	m := newWorker(cases, s).measure(weight)
	pairs, right, hits, brier := 0., 0., 0., 0.
	tp, fp, fn := 0., 0., 0.
	for i, a := range list {
		y := 0.
		if a.Passed() {
			y = 1
		}
		brier += (p[i] - y) * (p[i] - y) / float64(len(list))
		if (p[i] >= .5) == a.Passed() {
			hits += 1 / float64(len(list))
		}
		switch {
		case p[i] < .5 && !a.Passed():
			tp++
		case p[i] < .5:
			fp++
		case !a.Passed():
			fn++
		}
		for j, b := range list {
			if a.Passed() && !b.Passed() {
				pairs++
				if p[i] > p[j] {
					right++
				} else if p[i] == p[j] {
					right += .5
				}
			}
		}
	}
	for name, v := range map[string][2]float64{"AUC": {m[mAUC], right / pairs}, "accuracy": {m[mAccuracy], hits}, "Brier": {m[mBrier], brier}, "F1": {m[mF1], 2 * tp / (2*tp + fp + fn)}, "PR-AUC": {m[mPRAUC], plainPrecision(list, p)}, "ECE": {m[mECE], plainECE(list, p)}} {
		if math.Abs(v[0]-v[1]) > 1e-9 {
			t.Errorf("%s: %.12f, a plain loop says %.12f", name, v[0], v[1])
		}
	}
}

// plainPrecision is the mean over those who did not pass of the share of them among
// all with no larger p.
func plainPrecision(list []Case, p []float64) float64 {
	sum, n := 0., 0.
	for i, a := range list {
		if a.Passed() {
			continue
		}
		found, seen := 0., 0.
		for j, b := range list {
			if p[j] <= p[i] {
				seen++
				if !b.Passed() {
					found++
				}
			}
		}
		sum, n = sum+found/seen, n+1
	}
	return sum / n
}

func plainECE(list []Case, p []float64) float64 {
	sum := 0.
	for bin := range 10 {
		d := 0.
		for i, a := range list {
			if min(9, int(10*p[i])) == bin {
				d += p[i]
				if a.Passed() {
					d--
				}
			}
		}
		sum += math.Abs(d)
	}
	return sum / float64(len(list))
}

// A 95 % interval of an honest model's Brier score holds its expectation, E p(1-p) =
// 1/6, in about 95 of 100 draws of students.
func TestIntervalsCover(t *testing.T) {
	hit := 0
	for seed := range uint64(60) {
		cases, s := drawn(200, seed, honest)
		v := Population(cases, []Said{s}, nil, seed)[0].Brier
		if v.Low <= 1./6 && 1./6 <= v.High {
			hit++
		}
		if !(v.Low <= v.Value && v.Value <= v.High) {
			t.Errorf("%+v", v)
		}
	}
	if hit < 51 || hit == 60 { // binomial: below 52 or all 60 in one of 20
		t.Errorf("%d of 60 intervals hold the true value", hit)
	}
}

func TestPairedDifferences(t *testing.T) {
	cases, a := drawn(400, 5, honest)
	b := Said{Model: "b", P: a.P}
	worse, near := Said{Model: "worse"}, Said{Model: "near"}
	r := rand.New(rand.NewPCG(4, 4))
	for _, p := range a.P {
		worse.P = append(worse.P, min(1, max(0, p+.5*r.NormFloat64())))
		near.P = append(near.P, min(1, max(0, p+.05*r.NormFloat64())))
	}
	f := Population(cases, []Said{a, b, worse, near}, []string{"m"}, 1)
	if v := f[1].Against["m"]; v != (Value{}) {
		t.Errorf("a model less itself: %+v", v)
	}
	v := f[2].Against["m"]
	if !(v.High < 0) {
		t.Errorf("a noisy model less the honest one: %+v", v)
	}
	v = f[3].Against["m"]
	if alone := f[0].AUC.High - f[0].AUC.Low; v.High-v.Low > .4*alone {
		t.Errorf("two models much alike: the paired interval is %.3f wide, that of one AUC %.3f", v.High-v.Low, alone)
	}
	if f[0].ECE.Value > .08 || f[0].Against != nil {
		t.Errorf("%+v", f[0])
	}
}

// The bootstrap draws students, with all their courses.
func TestStudentsAreDrawnWhole(t *testing.T) {
	cases := []Case{{Student: "a"}, {Student: "b"}, {Student: "a"}, {Student: "c"}}
	for _, w := range weigh(cases, 50, 1) {
		if w[0] != w[2] || w[0]+w[1]+w[3] != 3 {
			t.Fatalf("%v", w)
		}
	}
	if weigh(cases[:1], 10, 1) != nil {
		t.Error("one student has no interval")
	}
}

// In group b the model misses half of those who fail: the gap says so, and shuffled
// names say how much would come by chance.
func TestGapIsFound(t *testing.T) {
	cases, s := drawn(2000, 3, honest)
	even := Fair(cases, s, "g", 1)
	for i := range s.P {
		if cases[i].Groups["g"] == "b" && i%4 == 1 {
			s.P[i] = .9
		}
	}
	odd := Fair(cases, s, "g", 1)
	if even.Gap.Value > .1 || even.Gap.Low > even.Chance*2 {
		t.Errorf("no difference, gap %+v, by chance %.3f", even.Gap, even.Chance)
	}
	if odd.Gap.Value < .25 || odd.Gap.Low < 2*odd.Chance {
		t.Errorf("half of a group missed, gap %+v, by chance %.3f", odd.Gap, odd.Chance)
	}
	if len(odd.Groups) != 2 || odd.Groups[0].N != 1000 || !(odd.Groups[1].Found.High < odd.Groups[0].Found.Low) {
		t.Errorf("%+v", odd.Groups)
	}
}

func TestFourResults(t *testing.T) {
	cases := []Case{{Student: "a", Result: 0}, {Student: "b", Result: 1}, {Student: "c", Result: 2}, {Student: "d", Result: 3}}
	s := Said{Model: "m", P: []float64{.1, .2, .8, .9}, Results: [][4]float64{{1, 0, 0, 0}, {1, 0, 0, 0}, {0, 0, 1, 0}, {0, 0, 1, 0}}}
	f := Population(cases, []Said{s}, nil, 1)[0]
	if f.Accuracy4.Value != .5 || math.Abs(f.F14.Value-(2./3+2./3)/4) > 1e-9 || f.AUC.Value != 1 {
		t.Errorf("%+v %+v", f.Accuracy4, f.F14)
	}
}

// A figure that does not exist is null in JSON, and no error.
func TestAllPassed(t *testing.T) {
	cases := []Case{{Student: "a", Result: 2}, {Student: "b", Result: 3}}
	data, err := json.Marshal(Population(cases, []Said{{Model: "m", P: []float64{.5, .7}}}, nil, 1))
	if err != nil || !strings.Contains(string(data), `"roc_auc":{"high":null,"low":null,"value":null}`) {
		t.Errorf("%v: %s", err, data)
	}
	if v := AUC([]float64{1, 1}, []float64{.1, .2}); v != .5 {
		t.Errorf("AUC %g without anyone who failed", v)
	}
}
