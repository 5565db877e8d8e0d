package exec

// Pool is max or average pooling. X (N, C, h, w), Y (N, C, oh, ow).
type Pool struct {
	X, Y    int
	Window  Window // dilation 1
	Average bool
	Counted bool // the average counts padding as zeros
}

func (p *Pool) reads() []int { return []int{p.X} }
func (p *Pool) writes() int  { return p.Y }

func (p *Pool) emit(b *builder) error {
	x, y, w := b.shape(p.X), b.shape(p.Y), p.Window
	grid := [3]int{x[0] * x[1], ceil(y[2]*y[3], 128), 1}
	args := []any{b.at(p.X), b.at(p.Y), x[2], x[3], y[2], y[3], w.KH, w.KW, w.SH, w.SW, w.Top, w.Left}
	if !p.Average {
		b.launch("max_pool", grid, 128, args...)
		return nil
	}
	counted := 0
	if p.Counted {
		counted = 1
	}
	b.launch("average_pool", grid, 128, append(args, counted)...)
	return nil
}

// Reduction says what Reduce does with the elements.
type Reduction int

// The reductions, as the kernels number them.
const (
	ReduceSum Reduction = iota
	ReduceMean
	ReduceMax
	ReduceMin
)

// Reduce joins one axis: X (Outer, N, Inner) to Y (Outer, Inner).
type Reduce struct {
	X, Y            int
	Outer, N, Inner int
	How             Reduction
}

func (r *Reduce) reads() []int { return []int{r.X} }
func (r *Reduce) writes() int  { return r.Y }

func (r *Reduce) emit(b *builder) error {
	switch {
	case r.Inner == 1 && r.How == ReduceMean:
		b.launch("global_pool", [3]int{ceil(r.Outer, 4), 1, 1}, 128, b.at(r.X), b.at(r.Y), r.Outer, r.N)
	case r.Inner == 1:
		b.launch("reduce_rows", [3]int{ceil(r.Outer, 4), 1, 1}, 128, b.at(r.X), b.at(r.Y), r.Outer, r.N, int(r.How))
	default:
		b.launch("reduce", [3]int{r.Outer, ceil(r.Inner, 128), 1}, 128, b.at(r.X), b.at(r.Y), r.N, r.Inner, int(r.How))
	}
	return nil
}

// Side says from what a row or column of a resized map is interpolated: two neighbours, and the
// weight of the second.
type Side struct {
	First, Second int
	Share         float32
}

// Resize resizes maps. X (N, C, h, w), Y and Add (N, C, oh, ow); Rows (oh)
// and Columns (ow) say from what. Nearest uses only First.
type Resize struct {
	X, Add, Y     int
	Rows, Columns []Side
	Nearest       bool
	Clamp         Clamp
}

func (r *Resize) reads() []int { return []int{r.X, r.Add} }
func (r *Resize) writes() int  { return r.Y }

func (r *Resize) emit(b *builder) error {
	x, y := b.shape(r.X), b.shape(r.Y)
	var sides []int32
	var shares []float32
	for _, list := range [][]Side{r.Rows, r.Columns} {
		for _, s := range list {
			sides, shares = append(sides, int32(s.First), int32(s.Second)), append(shares, s.Share)
		}
	}
	where, err := b.net.ints("", func() []int32 { return sides })
	if err != nil {
		return err
	}
	grid := [3]int{x[0] * x[1], ceil(y[2]*y[3], 128), 1}
	if r.Nearest {
		b.launch("resize_nearest", grid, 128, b.at(r.X), where, b.at(r.Y), x[2], x[3], y[2], y[3])
		return nil
	}
	share, err := b.net.floats(shares)
	if err != nil {
		return err
	}
	lo, hi := r.Clamp.limits()
	b.launch("resize_linear", grid, 128, b.at(r.X), where, share, b.at(r.Add), b.at(r.Y), x[2], x[3], y[2], y[3], lo, hi)
	return nil
}
