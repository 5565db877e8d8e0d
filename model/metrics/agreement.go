package metrics

// Cohen is Cohen's kappa of two raters' labels 0..k-1: how much more they agree than by chance, 1 for always (Cohen, Educational and Psychological Measurement 20,
// 1960). Where each gave one and the same label throughout, chance explains it all and nothing was disagreed on: 1.
func Cohen(a, b []int, k int) float64 {
	n := float64(len(a))
	agreed, chance := 0.0, 0.0
	rows, columns := make([]float64, k), make([]float64, k)
	for i := range a {
		rows[a[i]]++
		columns[b[i]]++
		if a[i] == b[i] {
			agreed++
		}
	}
	for i := range k {
		chance += rows[i] * columns[i]
	}
	if chance == n*n {
		return 1
	}
	return (agreed/n - chance/(n*n)) / (1 - chance/(n*n))
}
