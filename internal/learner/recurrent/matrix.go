package recurrent

// block is how many outputs lie together; every width is rounded up to it.
const block = 16

func blocks(n int) int { return (n + block - 1) / block * block }

// matrix is in inputs by out outputs (whole blocks) in the kernels' layout, with
// its gradient. Its last input is a bias where the input it meets ends with a 1.
type matrix struct {
	in, out int
	w, g    []float32
}

// place is where the weight from input i to output o lies (see recurrent.h).
func (m matrix) place(i, o int) int {
	panel := o / 64
	wide := min(m.out-panel*64, 64)
	return panel*64*m.in + i*wide + o%64
}
