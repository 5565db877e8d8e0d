package exec

// MatMul is a batch of matrix products. A (Batch, M, K), or (Batch, K, M) with TransA;
// B (Batch, K, N), or (Batch, N, K) with TransB; Bias (N); Residual and Y (Batch, M, N).
// A step of 0 between matrices takes the same one for the whole batch. TransA and
// TransB together are not there: (A·B)ᵀ = Bᵀ·Aᵀ.
type MatMul struct {
	A, B, Bias, Residual, Y int
	Batch, M, N, K          int
	StepA, StepB            int
	TransA, TransB          bool
	Alpha                   float32
	Clamp                   Clamp
}

func (m *MatMul) reads() []int { return []int{m.A, m.B, m.Bias, m.Residual} }
func (m *MatMul) writes() int  { return m.Y }

func (m *MatMul) emit(b *builder) error {
	lo, hi := m.Clamp.limits()
	name := "gemm_nn"
	switch {
	case m.TransA:
		name = "gemm_tn"
	case m.TransB:
		name = "gemm_nt"
	}
	b.launch(name, [3]int{ceil(m.N, 64), ceil(m.M, 64), m.Batch}, 256, b.at(m.A), b.at(m.B), b.at(m.Bias), b.at(m.Residual), b.at(m.Y),
		m.M, m.N, m.K, m.StepA, m.StepB, m.M*m.N, m.Alpha, lo, hi)
	return nil
}
