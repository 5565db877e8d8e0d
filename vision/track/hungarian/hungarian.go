// Package hungarian solves the assignment problem: rows and columns paired one to one at the least sum of costs.
package hungarian

import "math"

// Assign gives the column of each row of cost, (n, m), and -1 where there are fewer columns than rows and the row
// stays alone. Each column is used once, as many pairs are made as can be, and the sum of their costs is least
// (Hungarian method with potentials, after Jonker and Volgenant 1987; O(min(n, m)²·max(n, m))). Costs are finite.
func Assign(cost [][]float64) []int {
	n := len(cost)
	if n == 0 {
		return nil
	}
	m := len(cost[0])
	out := make([]int, n)
	for i := range out {
		out[i] = -1
	}
	if n > m { // the method wants no more rows than columns
		for j, i := range Assign(transposed(cost, m)) {
			out[i] = j
		}
		return out
	}
	s := solver{cost: cost, u: make([]float64, n+1), v: make([]float64, m+1), owner: make([]int, m+1), way: make([]int, m+1), least: make([]float64, m+1), used: make([]bool, m+1)}
	for i := range n {
		s.add(i + 1)
	}
	for j, i := range s.owner[1:] {
		if i > 0 {
			out[i-1] = j
		}
	}
	return out
}

func transposed(cost [][]float64, columns int) [][]float64 {
	t := make([][]float64, columns)
	for j := range t {
		t[j] = make([]float64, len(cost))
		for i := range cost {
			t[j][i] = cost[i][j]
		}
	}
	return t
}

// solver holds the rows that are paired so far. Rows and columns count from 1; 0 is the method's dummy.
type solver struct {
	cost  [][]float64
	u, v  []float64 // potentials of rows and columns
	owner []int     // row of each column, 0 for none
	way   []int     // column before this one on the cheapest way to it
	least []float64 // what that way costs
	used  []bool
}

// add pairs one more row: along the cheapest way to a free column every row on it moves on by one.
func (s *solver) add(row int) {
	s.owner[0] = row
	for j := range s.least {
		s.least[j], s.used[j] = math.Inf(1), false
	}
	at := 0
	for s.owner[at] != 0 {
		at = s.step(at)
	}
	for at != 0 {
		before := s.way[at]
		s.owner[at] = s.owner[before]
		at = before
	}
}

// step goes on from a column's row to the nearest column that was not used, and moves the potentials so that the way there costs nothing.
func (s *solver) step(from int) (nearest int) {
	s.used[from] = true
	row, delta := s.owner[from], math.Inf(1)
	for j := 1; j < len(s.owner); j++ {
		if s.used[j] {
			continue
		}
		if d := s.cost[row-1][j-1] - s.u[row] - s.v[j]; d < s.least[j] {
			s.least[j], s.way[j] = d, from
		}
		if s.least[j] < delta {
			delta, nearest = s.least[j], j
		}
	}
	for j, used := range s.used {
		if used {
			s.u[s.owner[j]] += delta
			s.v[j] -= delta
		} else {
			s.least[j] -= delta
		}
	}
	return nearest
}
