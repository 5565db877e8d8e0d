package score

import "math"

// bestSum is the largest sum of gains of a one-to-one pairing of rows and
// columns (Hungarian method on the negated gains, squared up with zeros).
func bestSum(gain [][]float64) float64 {
	n := len(gain)
	if n == 0 {
		return 0
	}
	n = max(n, len(gain[0]))
	at := func(i, j int) float64 {
		if i < len(gain) && j < len(gain[i]) {
			return -gain[i][j]
		}
		return 0
	}
	u, v := make([]float64, n+1), make([]float64, n+1)
	owner, way := make([]int, n+1), make([]int, n+1)
	for i := 1; i <= n; i++ {
		owner[0] = i
		j0 := 0
		least, used := make([]float64, n+1), make([]bool, n+1)
		for j := range least {
			least[j] = math.Inf(1)
		}
		for {
			used[j0] = true
			i0, delta, j1 := owner[j0], math.Inf(1), 0
			for j := 1; j <= n; j++ {
				if used[j] {
					continue
				}
				if d := at(i0-1, j-1) - u[i0] - v[j]; d < least[j] {
					least[j], way[j] = d, j0
				}
				if least[j] < delta {
					delta, j1 = least[j], j
				}
			}
			for j := range least {
				if used[j] {
					u[owner[j]] += delta
					v[j] -= delta
				} else {
					least[j] -= delta
				}
			}
			if j0 = j1; owner[j0] == 0 {
				break
			}
		}
		for j0 != 0 {
			j1 := way[j0]
			owner[j0] = owner[j1]
			j0 = j1
		}
	}
	sum := 0.0
	for j := 1; j <= n; j++ {
		sum -= at(owner[j]-1, j-1)
	}
	return sum
}
