package track

import "classlens/vision/track/hungarian"

// blocked is the cost of a pair that must not be joined; larger than any real
// sum of costs here and small enough to add up without loss.
const blocked = 1e6

// assign gives the column of each row of cost, (n, m), at the least sum of costs: -1 where the row stays alone or its pair is blocked.
func assign(cost [][]float64) []int {
	pairs := hungarian.Assign(cost)
	for i, j := range pairs {
		if j >= 0 && cost[i][j] >= blocked {
			pairs[i] = -1
		}
	}
	return pairs
}
