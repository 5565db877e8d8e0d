package exec

// Unary is a function of one element; K is the slope of leaky units.
type Unary struct {
	X, Y int
	F    Function
	K    float32
}

// Function is the function that Unary applies.
type Function int

// The functions, as the kernel numbers them; Sine and Cosine have one of their own.
const (
	Relu Function = iota
	Negate
	Sigmoid
	Tanh
	Exp
	Log
	Sqrt
	Abs
	Erf
	Sine
	Cosine
	Floor
	Ceil
	Reciprocal
	Softplus
	HardSwish
	Leaky
)

func (u *Unary) reads() []int { return []int{u.X} }
func (u *Unary) writes() int  { return u.Y }

func (u *Unary) emit(b *builder) error {
	n := b.program.size(u.Y)
	grid := [3]int{ceil(n, 256), 1, 1}
	if u.F == Sine || u.F == Cosine {
		b.launch("wave", grid, 256, b.at(u.X), b.at(u.Y), n, int(u.F-Sine))
		return nil
	}
	b.launch("unary", grid, 256, b.at(u.X), b.at(u.Y), n, int(u.F), u.K)
	return nil
}

// Operator is the operator that Binary applies.
type Operator int

// The operators, as the kernel numbers them. PRelu is a if it is not negative, else a·b.
const (
	Add Operator = iota
	Sub
	Mul
	Div
	Max
	Min
	PRelu
)

// Binary is a function of two elements over four axes; a step of 0 repeats an operand
// along an axis.
type Binary struct {
	A, B, Y      int
	Size         [4]int
	StepA, StepB [4]int
	F            Operator
}

func (o *Binary) reads() []int { return []int{o.A, o.B} }
func (o *Binary) writes() int  { return o.Y }

func (o *Binary) emit(b *builder) error {
	total := count(o.Size[:])
	b.launch("binary", [3]int{ceil(total, 256), 1, 1}, 256, b.at(o.A), b.at(o.B), b.at(o.Y), total, o.Size[1], o.Size[2], o.Size[3],
		o.StepA[0], o.StepA[1], o.StepA[2], o.StepA[3], o.StepB[0], o.StepB[1], o.StepB[2], o.StepB[3], int(o.F))
	return nil
}

// Sum adds two tensors of one shape.
type Sum struct {
	A, B, Y int
	Clamp   Clamp
}

func (s *Sum) reads() []int { return []int{s.A, s.B} }
func (s *Sum) writes() int  { return s.Y }

func (s *Sum) emit(b *builder) error {
	n := b.program.size(s.Y)
	lo, hi := s.Clamp.limits()
	b.launch("sum", [3]int{ceil(n, 256), 1, 1}, 256, b.at(s.A), b.at(s.B), b.at(s.Y), n, lo, hi)
	return nil
}

// Cut limits elements to Clamp.
type Cut struct {
	X, Y  int
	Clamp Clamp
}

func (c *Cut) reads() []int { return []int{c.X} }
func (c *Cut) writes() int  { return c.Y }

func (c *Cut) emit(b *builder) error {
	n := b.program.size(c.Y)
	lo, hi := c.Clamp.limits()
	b.launch("cut", [3]int{ceil(n, 256), 1, 1}, 256, b.at(c.X), b.at(c.Y), n, lo, hi)
	return nil
}

// Affine scales and shifts channels: X and Y (Planes, Area), Scale and Shift (C), plane
// p of channel p mod C.
type Affine struct {
	X, Scale, Shift, Y int
	Planes, C, Area    int
	Clamp              Clamp
}

func (a *Affine) reads() []int { return []int{a.X, a.Scale, a.Shift} }
func (a *Affine) writes() int  { return a.Y }

func (a *Affine) emit(b *builder) error {
	lo, hi := a.Clamp.limits()
	b.launch("affine", [3]int{a.Planes, ceil(a.Area, 256), 1}, 256, b.at(a.X), b.at(a.Scale), b.at(a.Shift), b.at(a.Y), a.C, a.Area, lo, hi)
	return nil
}
