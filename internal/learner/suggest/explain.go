package suggest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// explainer compares cases with a reference.
type explainer struct {
	o         Options
	predict   Predict
	names     []string       // of groups that can be replaced, in the order of first sight
	of        []int          // group of each column, -1: never replaced
	days      []int          // of the reference's steps
	reference [][]float32    // medians of the peers, by step
	low, high []float32      // range of each column among all cases
	spread    []float64      // of each column at the last step: 1.48 times the median absolute deviation
	at        map[string]int // column by name
}

// newExplainer takes as reference the medians of the half of the cases that the
// model gives the better chances.
func newExplainer(cases []Case, p []float64, predict Predict, o Options) *explainer {
	e := &explainer{o: o, predict: predict, at: map[string]int{}}
	for i, c := range o.Columns {
		e.at[c] = i
		g := groupOf(c)
		if g == "course" {
			e.of = append(e.of, -1)
			continue
		}
		k := slices.Index(e.names, g)
		if k < 0 {
			k = len(e.names)
			e.names = append(e.names, g)
		}
		e.of = append(e.of, k)
	}
	middle := median(slices.Clone(p))
	for _, c := range cases {
		if len(c.Days) > len(e.days) {
			e.days = c.Days
		}
	}
	width := len(o.Columns)
	e.low, e.high, e.spread = make([]float32, width), make([]float32, width), make([]float64, width)
	for back := range e.days { // steps before the last: late-comers have fewer
		row := make([]float32, width)
		for k := range row {
			var v []float64
			known, peers := 0, 0
			for i, c := range cases {
				if p[i] < middle || len(c.Steps) <= back {
					continue
				}
				peers++
				if x := c.Steps[len(c.Steps)-1-back][k]; x == x {
					known++
					v = append(v, float64(x))
				}
			}
			row[k] = float32(math.NaN())
			if 2*known > peers {
				row[k] = float32(median(v))
			}
		}
		e.reference = append(e.reference, row)
	}
	slices.Reverse(e.reference)
	e.ranges(cases)
	return e
}

func (e *explainer) ranges(cases []Case) {
	for k := range e.o.Columns {
		e.low[k], e.high[k] = float32(math.Inf(1)), float32(math.Inf(-1))
		var v []float64
		for _, c := range cases {
			for _, s := range c.Steps {
				if x := s[k]; x == x {
					e.low[k], e.high[k] = min(e.low[k], x), max(e.high[k], x)
				}
			}
			if x := c.Steps[len(c.Steps)-1][k]; x == x {
				v = append(v, float64(x))
			}
		}
		if len(v) == 0 {
			continue
		}
		m := median(v)
		for i := range v {
			v[i] = math.Abs(v[i] - m)
		}
		e.spread[k] = 1.48 * median(v)
	}
}

// median sorts v.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// mix is the student as if, in the groups that `like` names, they had gone on like
// the reference after step t (t = -1: from the start): own value at t plus what the
// reference gained since. A value that the student lacks and the reference has stays
// lacking; columns keep to the range that cases have.
func (e *explainer) mix(c Case, like []bool, t int) Case {
	out := Case{Student: c.Student, Module: c.Module, Days: c.Days, Repeats: c.Repeats, Steps: make([][]float32, len(c.Steps))}
	shift := len(e.reference) - len(c.Steps)
	for s, own := range c.Steps {
		row := slices.Clone(own)
		if s > t {
			for k, g := range e.of {
				if g >= 0 && like[g] {
					row[k] = e.goOn(c, k, s, t, shift)
				}
			}
		}
		out.Steps[s] = row
	}
	return out
}

func (e *explainer) goOn(c Case, k, s, t, shift int) float32 {
	now := e.reference[s+shift][k]
	if t < 0 {
		return now
	}
	own, then := c.Steps[t][k], e.reference[t+shift][k]
	switch {
	case own != own && then != then:
		return now
	case own != own:
		return own
	case then != then || now != now:
		return own
	}
	return min(max(own+now-then, e.low[k]), e.high[k])
}

// explain gives the reasons of one student: Shapley values of the groups by random
// orders (Štrumbelj and Kononenko 2014), on the log-odds.
func (e *explainer) explain(c Case, p float64) (Student, error) {
	n := len(e.names)
	effect, err := e.shapley(c)
	if err != nil {
		return Student{}, err
	}
	e.share(c, effect)
	out := Student{Student: c.Student, Pass: p}
	act := make([]bool, n)
	for g, name := range e.names {
		_, act[g] = textOf(name)
	}
	like, err := ask(e.predict, []Case{e.mix(c, act, -1)})
	if err != nil {
		return Student{}, err
	}
	out.Room = like[0]
	total := 0.
	for _, v := range effect {
		total += min(v, 0)
	}
	for g, name := range e.names {
		if effect[g] > -.1 || effect[g] > .1*total { // at least a tenth of all that lowers
			continue
		}
		r := Reason{Group: name, Effect: round(effect[g])}
		r.Text, r.Act = textOf(name)
		if r.Weeks, r.Since, err = e.when(c, g); err != nil {
			return Student{}, err
		}
		if r.Figures = e.figures(c, g); len(r.Figures) == 0 {
			r.Text = e.without(c, g)
		}
		out.Reasons = append(out.Reasons, r)
	}
	slices.SortStableFunc(out.Reasons, func(a, b Reason) int { return cmp.Compare(a.Effect, b.Effect) })
	return out, nil
}

// falls gives what the last two steps did to each case, beside what they did to the
// reference.
func (e *explainer) falls(cases []Case, p []float64) ([]float64, error) {
	like := make([]bool, len(e.names))
	for g := range like {
		like[g] = true
	}
	before := make([]Case, len(cases))
	for i, c := range cases {
		before[i] = e.mix(c, like, len(c.Steps)-3)
	}
	q, err := ask(e.predict, before)
	if err != nil {
		return nil, err
	}
	for i := range q {
		q[i] = logit(p[i]) - logit(q[i])
	}
	return q, nil
}

func (e *explainer) shapley(c Case) ([]float64, error) {
	n := len(e.names)
	r := rand.New(rand.NewPCG(e.o.Seed, 11))
	var cases []Case
	var orders [][]int
	for k := range e.o.Orders {
		order := r.Perm(n)
		if k%2 == 1 { // each order and its reverse: less spread for the same work
			order = slices.Clone(orders[k-1])
			slices.Reverse(order)
		}
		orders = append(orders, order)
		like := make([]bool, n)
		for g := range like {
			like[g] = true
		}
		cases = append(cases, e.mix(c, like, -1))
		for _, g := range order {
			like[g] = false
			cases = append(cases, e.mix(c, like, -1))
		}
	}
	p, err := ask(e.predict, cases)
	if err != nil {
		return nil, err
	}
	effect, at := make([]float64, n), 0
	for _, order := range orders {
		for i, g := range order {
			effect[g] += (logit(p[at+i+1]) - logit(p[at+i])) / float64(e.o.Orders)
		}
		at += n + 1
	}
	return effect, nil
}

// share gives the effect of the points to handing in and scores, of which points
// are the product: by how far each lies below the reference, on a log scale. Who has
// no score at all has handed nothing in: that is the reason, not the scores.
func (e *explainer) share(c Case, effect []float64) {
	points, handed, scores := slices.Index(e.names, "points"), slices.Index(e.names, "handing in"), slices.Index(e.names, "scores")
	if points < 0 || handed < 0 || scores < 0 {
		return
	}
	if k, ok := e.at["score_mean"]; ok && c.Steps[len(c.Steps)-1][k] != c.Steps[len(c.Steps)-1][k] {
		effect[handed] += effect[points] + effect[scores]
		effect[points], effect[scores] = 0, 0
		return
	}
	lack := func(column string) float64 {
		k, ok := e.at[column]
		if !ok {
			return 0
		}
		own, peers := c.Steps[len(c.Steps)-1][k], e.reference[len(e.reference)-1][k]
		if own != own || peers != peers {
			return 0
		}
		return max(0, math.Log(float64(max(peers, .01)))-math.Log(float64(max(own, .01))))
	}
	a, b := lack("handed_share"), lack("score_mean")
	if a+b == 0 {
		return
	}
	effect[handed] += effect[points] * a / (a + b)
	effect[scores] += effect[points] * b / (a + b)
	effect[points] = 0
}

// when gives the effect of one group by step, all other groups the student's own,
// and the day from which on most of it came: the step where half is reached.
func (e *explainer) when(c Case, g int) ([]float64, int, error) {
	like := make([]bool, len(e.names))
	like[g] = true
	e.alsoPoints(like, g)
	var cases []Case
	for t := -1; t < len(c.Steps); t++ {
		cases = append(cases, e.mix(c, like, t))
	}
	p, err := ask(e.predict, cases)
	if err != nil {
		return nil, 0, err
	}
	weeks := make([]float64, len(c.Steps))
	for t := range weeks {
		weeks[t] = round(logit(p[t+1]) - logit(p[t]))
	}
	total := logit(p[len(p)-1]) - logit(p[0])
	for t := range weeks {
		if total < 0 && logit(p[t+1])-logit(p[0]) <= total/2 {
			return weeks, c.Days[t], nil
		}
	}
	return weeks, c.Days[len(c.Days)-1], nil
}

// alsoPoints moves the points along with what they are made of.
func (e *explainer) alsoPoints(like []bool, g int) {
	if p := slices.Index(e.names, "points"); p >= 0 && (e.names[g] == "handing in" || e.names[g] == "scores") {
		like[p] = true
	}
}

// figures are the group's columns that lie furthest from the reference, in spreads, on the worse
// side; where there are none, of those columns of which no side is the worse one.
func (e *explainer) figures(c Case, g int) []Figure {
	type far struct {
		Figure
		by    float64
		worse bool
	}
	var all []far
	now := c.Steps[len(c.Steps)-1]
	active := slices.Index(e.o.Columns, "clicks_days")
	for k, of := range e.of {
		own, peers := float64(now[k]), float64(e.reference[len(e.reference)-1][k])
		if of != g || own != own || peers != peers || own == peers {
			continue
		}
		name := e.o.Columns[k]
		if name == "since_seen" && active >= 0 && now[active] == 0 {
			continue // who was never seen has a made-up number there, above all others; that there are no clicks is told
		}
		t := toldOf(name)
		if t.worse != either && !t.worseThan(own, peers) {
			continue
		}
		by := math.Abs(own-peers) / max(e.spread[k], 1e-3*float64(e.high[k]-e.low[k]), 1e-9)
		if strings.HasPrefix(name, "rank_") || strings.HasPrefix(name, "place") {
			by /= 4 // a plain figure says more to people
		}
		f := Figure{Column: name, Text: t.text, Value: round(t.unit.natural(own)), Peers: round(t.unit.natural(peers)), unit: t.unit}
		if f.own() != f.peers() { // told alike it tells nothing
			all = append(all, far{f, by, t.worse != either})
		}
	}
	slices.SortStableFunc(all, func(a, b far) int {
		if a.worse != b.worse {
			if a.worse {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.by, a.by)
	})
	var out []Figure
	for _, f := range all {
		if len(out) == 3 || f.worse != all[0].worse {
			break
		}
		if !slices.ContainsFunc(out, f.alike) {
			out = append(out, f.Figure)
		}
	}
	return out
}

// without says why a group that lowers the chance has no figure to show for it.
func (e *explainer) without(c Case, g int) string {
	for k, of := range e.of {
		own, peers := c.Steps[len(c.Steps)-1][k], e.reference[len(e.reference)-1][k]
		if of == g && own != own && peers == peers {
			return "nothing to go by yet, unlike the peers"
		}
	}
	return "none of its figures is worse than the peers' by itself"
}

func round(v float64) float64 {
	v = math.Round(v*1000) / 1000
	if v == 0 {
		return 0 // no minus zero
	}
	return v
}
