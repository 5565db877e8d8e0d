package exec

import "fmt"

// Softmax works on rows: X and Y (Rows, N).
type Softmax struct {
	X, Y      int
	Rows, N   int
	Logarithm bool
}

func (s *Softmax) reads() []int { return []int{s.X} }
func (s *Softmax) writes() int  { return s.Y }

func (s *Softmax) emit(b *builder) error {
	logarithm := 0
	if s.Logarithm {
		logarithm = 1
	}
	b.launch("softmax", [3]int{ceil(s.Rows, 4), 1, 1}, 128, b.at(s.X), b.at(s.Y), s.Rows, s.N, logarithm)
	return nil
}

// LayerNorm normalizes rows: X and Y (Rows, N), Scale and Shift (N), Shift may be None.
type LayerNorm struct {
	X, Scale, Shift, Y int
	Rows, N            int
	Epsilon            float32
}

func (l *LayerNorm) reads() []int { return []int{l.X, l.Scale, l.Shift} }
func (l *LayerNorm) writes() int  { return l.Y }

func (l *LayerNorm) emit(b *builder) error {
	b.launch("layer_norm", [3]int{ceil(l.Rows, 4), 1, 1}, 128, b.at(l.X), b.at(l.Scale), b.at(l.Shift), b.at(l.Y), b.at(None), b.at(None), l.Rows, l.N, l.Epsilon)
	return nil
}

// Attention is masked multi-head attention: Q, K, V, Y (B, T, Heads, D), Seen (B, T),
// Share (B, Heads, T, T) receives the shares.
type Attention struct {
	Q, K, V, Seen, Share, Y int
	B, T, Heads, D          int
	Scale                   float32
}

func (a *Attention) reads() []int { return []int{a.Q, a.K, a.V, a.Seen} }
func (a *Attention) writes() int  { return a.Y }

// scratch is the memory that the op fills besides its result.
func (a *Attention) scratch() []int { return []int{a.Share} }

// maxSteps is what the attention kernel's shared memory holds.
const maxSteps = 1024

func (a *Attention) emit(b *builder) error {
	if a.T > maxSteps {
		return fmt.Errorf("attention over %d steps, at most %d", a.T, maxSteps)
	}
	b.launch("attention", [3]int{a.T, a.Heads, a.B}, 128, b.at(a.Q), b.at(a.K), b.at(a.V), b.at(a.Seen), b.at(a.Share), b.at(a.Y), a.T, a.Heads, a.D, a.Scale)
	return nil
}
