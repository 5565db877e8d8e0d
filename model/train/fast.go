package train

import "classlens/model/cpu"

// kernels do float32's heavy loops; every machine has at least the base set. The
// plain loops beside them are float64's, and the reference.
var kernels, _ = cpu.ForISA("")

// single32 is v when it is float32, else nil.
func single32[T Float](v []T) []float32 {
	f, _ := any(v).([]float32)
	return f
}

// matmul adds a (m, k) times b (k, n) to out (m, n), all row-major.
func matmul[T Float](a, b, out []T, m, k, n int) {
	if f := single32(a); f != nil && kernels.MatMul(f, single32(b), single32(out), m, k, n) {
		return
	}
	for i := range m {
		for j := range k {
			axpy(out[i*n:(i+1)*n], a[i*k+j], b[j*n:(j+1)*n])
		}
	}
}

// transpose writes the transpose of x (r, c) to out.
func transpose[T Float](x, out []T, r, c int) {
	if f := single32(x); f != nil {
		kernels.Transpose(f, single32(out), r, c)
		return
	}
	for i := range r {
		for j := range c {
			out[j*r+i] = x[i*c+j]
		}
	}
}

// addTo adds x to y.
func addTo[T Float](y, x []T) {
	if f := single32(x); f != nil {
		kernels.AddTo(single32(y), f)
		return
	}
	for i, v := range x {
		y[i] += v
	}
}
