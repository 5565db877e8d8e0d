package hungarian

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The least sum of all ways to pair, by trying them.
func least(cost [][]float64, row int, taken uint) (sum float64, pairs int) {
	if row == len(cost) {
		return 0, 0
	}
	sum, pairs = least(cost, row+1, taken) // the row stays alone
	for j, c := range cost[row] {
		if taken>>j&1 == 0 {
			if s, n := least(cost, row+1, taken|1<<j); n+1 > pairs || n+1 == pairs && s+c < sum {
				sum, pairs = s+c, n+1
			}
		}
	}
	return sum, pairs
}

func TestAssign(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		n, m := r.IntN(6), r.IntN(6)
		cost := make([][]float64, n)
		for i := range cost {
			cost[i] = make([]float64, m)
			for j := range cost[i] {
				cost[i][j] = float64(r.IntN(8)) - 3 // many ties, some below 0
			}
		}
		got, taken, sum, pairs := Assign(cost), map[int]bool{}, 0.0, 0
		if len(got) != n {
			t.Fatalf("%d columns for %d rows", len(got), n)
		}
		for i, j := range got {
			if j < 0 {
				continue
			}
			if taken[j] {
				t.Fatalf("%v: column %d twice in %v", cost, j, got)
			}
			taken[j], sum, pairs = true, sum+cost[i][j], pairs+1
		}
		if want, most := least(cost, 0, 0); pairs != most || math.Abs(sum-want) > 1e-9 {
			t.Fatalf("%v: %v are %d pairs at %v, want %d at %v", cost, got, pairs, sum, most, want)
		}
	}
}
