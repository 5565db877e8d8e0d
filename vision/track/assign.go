package track

import "math"

// blocked is the cost of a pair that must not be joined; larger than any real
// sum of costs here and small enough to add up without loss.
const blocked = 1e6

// assign solves the assignment problem: cost is (n, m); it gives the column of
// each row, -1 where the row stays alone or its pair is blocked. Each column is
// used once and the sum of costs is least (Hungarian method with potentials,
// after Jonker and Volgenant 1987; O(n²m)).
func assign(cost [][]float64) []int {
	n := len(cost)
	if n == 0 {
		return nil
	}
	m := len(cost[0])
	if m == 0 {
		out := make([]int, n)
		for i := range out {
			out[i] = -1
		}
		return out
	}
	if n > m { // the method wants no more rows than columns
		t := make([][]float64, m)
		for j := range t {
			t[j] = make([]float64, n)
			for i := range t[j] {
				t[j][i] = cost[i][j]
			}
		}
		out := make([]int, n)
		for i := range out {
			out[i] = -1
		}
		for j, i := range assign(t) {
			if i >= 0 {
				out[i] = j
			}
		}
		return out
	}
	// Row and column 0 are the method's dummies.
	u, v := make([]float64, n+1), make([]float64, m+1)
	owner, way := make([]int, m+1), make([]int, m+1)
	least, used := make([]float64, m+1), make([]bool, m+1)
	for i := 1; i <= n; i++ {
		owner[0] = i
		for j := range least {
			least[j], used[j] = math.Inf(1), false
		}
		j0 := 0
		for {
			used[j0] = true
			i0, delta, j1 := owner[j0], math.Inf(1), 0
			for j := 1; j <= m; j++ {
				if used[j] {
					continue
				}
				if d := cost[i0-1][j-1] - u[i0] - v[j]; d < least[j] {
					least[j], way[j] = d, j0
				}
				if least[j] < delta {
					delta, j1 = least[j], j
				}
			}
			for j := 0; j <= m; j++ {
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
	out := make([]int, n)
	for i := range out {
		out[i] = -1
	}
	for j := 1; j <= m; j++ {
		if i := owner[j]; i > 0 && cost[i-1][j-1] < blocked {
			out[i-1] = j - 1
		}
	}
	return out
}
