package models

import (
	"math/rand/v2"
)

// Trees are boosted (values add up to a logit) or bagged (values are averaged
// probabilities), for each target.
type Trees struct {
	Binner  *Binner          `json:"binner"`
	Modules []string         `json:"modules"`
	Boosted bool             `json:"boosted"`
	Start   [Targets]float64 `json:"start"`
	Trees   [Targets][]*Tree `json:"trees"`
}

// TreeOptions say how trees are grown.
type TreeOptions struct {
	Count   int     `json:"count"`
	Leaves  int     `json:"leaves"`
	Least   int     `json:"least"`   // rows a leaf
	Lambda  float64 `json:"lambda"`  // ridge on a leaf's value
	Columns float64 `json:"columns"` // share looked at in a split
	Rows    float64 `json:"rows"`    // share drawn for a tree
	Rate    float64 `json:"rate"`
}

// Boosted and Bagged are the options that are taken.
var (
	Boosting = TreeOptions{Count: 160, Leaves: 15, Least: 40, Lambda: 5, Columns: 0.4, Rows: 0.7, Rate: 0.04}
	Bagging  = TreeOptions{Count: 200, Leaves: 200, Least: 8, Lambda: 0, Columns: 0.15, Rows: 0.63, Rate: 1}
)

// FitTrees fits gradient-boosted trees or, with boosted false, a random forest. No
// library that trains trees in Go is kept up (docs/learner-inputs.md), and XGBoost's would
// be a system library for two seconds of work: hence these.
func FitTrees(s *Set, o TreeOptions, boosted bool, seed uint64) *Trees {
	m, plain := fitPassing(s, o, boosted, seed), s.spread(1, spreadHide)
	bins := m.bins(plain)
	for t := range Targets {
		if t != Passed {
			m.fit(t, bins, plain.Truth(t), o, rand.New(rand.NewPCG(seed, uint64(t))))
		}
	}
	return m
}

// fitPassing fits trees that say only who passes.
func fitPassing(s *Set, o TreeOptions, boosted bool, seed uint64) *Trees {
	wide := s.spread(spreadWeeks, spreadHide)
	m := &Trees{Binner: newBinner(wide, personal(s)), Boosted: boosted}
	m.Modules = newEncoder(wide, nil, func(func([]float32)) {}).Modules
	m.fit(Passed, m.bins(wide), wide.Truth(Passed), o, rand.New(rand.NewPCG(seed, Passed)))
	return m
}

// passing are the trees of passing alone.
func (m *Trees) passing() *Trees {
	out := &Trees{Binner: m.Binner, Modules: m.Modules, Boosted: m.Boosted}
	out.Start[Passed], out.Trees[Passed] = m.Start[Passed], m.Trees[Passed]
	return out
}

// steps gives the logits to pass of each step of each row: [Steps] a row.
func (m *Trees) steps(s *Set, hide bool) [][]float32 {
	each := &Set{Columns: s.Columns}
	for _, r := range s.Rows {
		if hide {
			r.Module = ""
		}
		all := r.Steps
		for t := range all {
			r.Steps = all[t : t+1]
			each.Rows = append(each.Rows, r)
		}
	}
	bins, k := m.bins(each), 0
	out := make([][]float32, len(s.Rows))
	for i := range s.Rows {
		for range s.Rows[i].Steps {
			out[i] = append(out[i], float32(Logit(m.value(Passed, m.Trees[Passed], bins, k))))
			k++
		}
	}
	return out
}

// FitPlainTrees boosts trees that say only who passes, from the day of the prediction alone and
// with every module known: what another library's trees can be held to.
func FitPlainTrees(s *Set, o TreeOptions, seed uint64) *Trees {
	s = s.Present()
	m := &Trees{Binner: newBinner(s, personal(s)), Boosted: true}
	m.Modules = newEncoder(s, nil, func(func([]float32)) {}).Modules
	m.fit(Passed, m.bins(s), s.Truth(Passed), o, rand.New(rand.NewPCG(seed, Passed)))
	return m
}

// bins adds a column a module.
func (m *Trees) bins(s *Set) [][]uint8 {
	bins := m.Binner.bins(s)
	for _, name := range m.Modules {
		column := make([]uint8, len(s.Rows))
		for i := range s.Rows {
			column[i] = 1
			if s.Rows[i].Module == name {
				column[i] = 2
			}
		}
		bins = append(bins, column)
	}
	return bins
}

func (m *Trees) fit(target int, bins [][]uint8, truth []float32, o TreeOptions, r *rand.Rand) {
	var rows []int32
	sum := 0.0
	for i, y := range truth {
		if known(y) {
			rows, sum = append(rows, int32(i)), sum+float64(y)
		}
	}
	m.Start[target] = (sum + 0.5) / float64(len(rows)+1)
	if m.Boosted {
		m.Start[target] = Logit(m.Start[target])
	}
	if len(rows) < 2*o.Least {
		return
	}
	g := &grower{bins: bins, leaves: o.Leaves, least: o.Least, lambda: o.Lambda, columns: o.Columns, random: r, slope: make([]float32, len(truth)), curve: make([]float32, len(truth))}
	z := make([]float64, len(truth))
	for _, i := range rows {
		z[i] = m.Start[target]
		g.slope[i], g.curve[i] = -truth[i], 1
	}
	for range o.Count {
		drawn := make([]int32, 0, len(rows))
		for _, i := range rows {
			if m.Boosted {
				p := sigmoid(z[i])
				g.slope[i], g.curve[i] = float32(p-float64(truth[i])), float32(p*(1-p))
			}
			if r.Float64() < o.Rows {
				drawn = append(drawn, i)
			}
		}
		t := g.grow(drawn)
		for k := range t.Value {
			t.Value[k] *= float32(o.Rate)
		}
		if m.Boosted {
			for _, i := range rows {
				z[i] += t.predict(bins, int(i))
			}
		}
		m.Trees[target] = append(m.Trees[target], t)
	}
}

// Predict implements Model.
func (m *Trees) Predict(s *Set) ([]Prediction, error) {
	bins := m.bins(s)
	out := make([]Prediction, len(s.Rows))
	for i := range out {
		for t, trees := range m.Trees {
			out[i][t] = m.value(t, trees, bins, i)
		}
	}
	return out, nil
}

func (m *Trees) value(target int, trees []*Tree, bins [][]uint8, row int) float64 {
	sum := 0.0
	for _, t := range trees {
		sum += t.predict(bins, row)
	}
	switch {
	case m.Boosted:
		return sigmoid(m.Start[target] + sum)
	case len(trees) == 0:
		return m.Start[target]
	}
	return sum / float64(len(trees))
}
