package metrics

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// Interval is a 95 % bootstrap interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// draws is how often the bootstrap draws the groups anew.
const draws = 1000

// Bootstrap draws whole groups with replacement and gives the middle 95 % of
// what measure makes of each draw. groups names each sample's group; measure gets
// the indices of the drawn samples. Fewer than two groups give no interval: false.
// The same seed gives the same interval.
func Bootstrap(groups []string, seed uint64, measure func(samples []int) float64) (Interval, bool) {
	values := resample(groups, seed, measure)
	if values == nil {
		return Interval{}, false
	}
	return middle(values), true
}

// Paired compares two models on the same samples: the interval of measure(second)
// minus measure(first) over the same draws, and the share of draws in which the
// second is not better.
func Paired(groups []string, seed uint64, first, second func(samples []int) float64) (difference Interval, notBetter float64, ok bool) {
	values := resample(groups, seed, func(s []int) float64 { return second(s) - first(s) })
	if values == nil {
		return Interval{}, 0, false
	}
	worse := 0
	for _, v := range values {
		if v <= 0 {
			worse++
		}
	}
	return middle(values), float64(worse) / float64(len(values)), true
}

func middle(values []float64) Interval {
	slices.SortFunc(values, cmp.Compare[float64])
	n := len(values)
	return Interval{values[n*25/1000], values[n-1-n*25/1000]}
}

func resample(groups []string, seed uint64, measure func([]int) float64) []float64 {
	members := map[string][]int{}
	var names []string
	for i, g := range groups {
		if members[g] == nil {
			names = append(names, g)
		}
		members[g] = append(members[g], i)
	}
	if len(names) < 2 {
		return nil
	}
	r := rand.New(rand.NewPCG(seed, 1))
	values, samples := make([]float64, draws), make([]int, 0, len(groups))
	for d := range values {
		samples = samples[:0]
		for range names {
			samples = append(samples, members[names[r.IntN(len(names))]]...)
		}
		values[d] = measure(samples)
	}
	return values
}

// Pick gives the values at the indices.
func Pick[T any](all []T, at []int) []T {
	out := make([]T, len(at))
	for i, j := range at {
		out[i] = all[j]
	}
	return out
}
