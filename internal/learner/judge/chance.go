package judge

import (
	"math/rand/v2"
	"slices"
)

// chance is the median of measure over 200 random groupings with groups of the same
// sizes.
func chance(cases []Case, members map[string][]int, names []string, seed uint64, measure func(map[string][]int) float64) float64 {
	r, all := rand.New(rand.NewPCG(seed, 8)), make([]int, len(cases))
	for i := range all {
		all[i] = i
	}
	values := make([]float64, 200)
	for d := range values {
		r.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		shuffled, from := map[string][]int{}, 0
		for _, name := range names {
			shuffled[name] = all[from : from+len(members[name])]
			from += len(members[name])
		}
		values[d] = measure(shuffled)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
