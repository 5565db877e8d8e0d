package score

import "classlens/vision/track/hungarian"

// bestSum is the largest sum of gains, 0 or above, of a one-to-one pairing of rows and columns.
func bestSum(gain [][]float64) float64 {
	cost := make([][]float64, len(gain))
	for i, row := range gain {
		cost[i] = make([]float64, len(row))
		for j, g := range row {
			cost[i][j] = -g
		}
	}
	sum := 0.0
	for i, j := range hungarian.Assign(cost) {
		if j >= 0 {
			sum += gain[i][j]
		}
	}
	return sum
}
