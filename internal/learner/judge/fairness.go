package judge

import (
	"math"
	"slices"
)

// Group is how a model serves one group of students.
type Group struct {
	Name     string `json:"name"`
	N        int    `json:"n"`
	Passed   Value  `json:"passed"`   // share that passed
	Said     Value  `json:"said"`     // mean probability said
	AUC      Value  `json:"roc_auc"`  // within the group
	Found    Value  `json:"found"`    // of those who did not pass, share at risk (true positive rate)
	Bothered Value  `json:"bothered"` // of those who passed, share at risk (false positive rate)
}

// Fairness compares the groups of one attribute.
type Fairness struct {
	Attribute string  `json:"attribute"`
	Groups    []Group `json:"groups"`
	// Gap is the equal-opportunity gap: the largest difference of Found between groups of
	// at least 100 cases (Hardt, Price and Srebro 2016). It cannot be below 0, so its
	// interval lies above 0 even where nothing differs; Chance is the median gap when the
	// groups' names are shuffled.
	Gap    Value   `json:"equal_opportunity_gap"`
	Chance float64 `json:"gap_by_chance"`
}

const leastGroup = 100

// Fair judges one model by the groups of an attribute.
func Fair(cases []Case, s Said, attribute string, seed uint64) Fairness {
	f := Fairness{Attribute: attribute}
	members := map[string][]int{}
	for i, c := range cases {
		members[c.Groups[attribute]] = append(members[c.Groups[attribute]], i)
	}
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	draws := weigh(cases, Draws, seed)
	ones := make([]float32, len(cases))
	for i := range ones {
		ones[i] = 1
	}
	gap := func(weight []float32, members map[string][]int) float64 {
		low, high := math.Inf(1), math.Inf(-1)
		for _, name := range names {
			if len(members[name]) >= leastGroup {
				v := rates(cases, s.P, members[name], weight)[2]
				low, high = min(low, v), max(high, v)
			}
		}
		return max(0, high-low)
	}
	samples := make([]float64, 0, len(draws))
	for _, d := range draws {
		samples = append(samples, gap(d, members))
	}
	f.Gap = interval(gap(ones, members), samples)
	f.Chance = chance(cases, members, names, seed, func(m map[string][]int) float64 { return gap(ones, m) })
	for _, name := range names {
		f.Groups = append(f.Groups, groupOf(cases, s, name, members[name], draws, ones))
	}
	return f
}

func groupOf(cases []Case, s Said, name string, at []int, draws [][]float32, ones []float32) Group {
	var own []Case
	said := Said{Model: s.Model}
	for _, i := range at {
		own, said.P = append(own, cases[i]), append(said.P, s.P[i])
	}
	w := newWorker(own, said)
	auc := func(weight []float32) float64 {
		local := make([]float32, len(at))
		for k, i := range at {
			local[k] = weight[i]
		}
		v, _ := w.order(local)
		return v
	}
	now := append(rates(cases, s.P, at, ones), auc(ones))
	samples := make([][]float64, len(now))
	for _, d := range draws {
		for k, v := range append(rates(cases, s.P, at, d), auc(d)) {
			if v == v {
				samples[k] = append(samples[k], v)
			}
		}
	}
	value := func(k int) Value { return interval(now[k], samples[k]) }
	if name == "" {
		name = "not known"
	}
	return Group{Name: name, N: len(at), Passed: value(0), Said: value(1), Found: value(2), Bothered: value(3), AUC: value(4)}
}

// rates gives the share passed, the mean probability, and the shares at risk of those who
// did not pass and of those who did.
func rates(cases []Case, p []float64, at []int, weight []float32) []float64 {
	var n, passed, said, foundRisk, bothered float64
	for _, i := range at {
		c := float64(weight[i])
		n, said = n+c, said+c*p[i]
		risk := 0.0
		if p[i] < 0.5 {
			risk = c
		}
		if cases[i].Passed() {
			passed, bothered = passed+c, bothered+risk
		} else {
			foundRisk += risk
		}
	}
	return []float64{passed / n, said / n, foundRisk / (n - passed), bothered / passed}
}
