package exec

// Copy moves a box of four axes between two tensors:
//
//	Y[AtY + Σ i·StepY] = X[AtX + Σ i·StepX], i below Size
//
// Transpose, slice, concat (one Copy per part) and expand are all of this kind. If a Copy
// does not fill Y, others must fill the rest.
type Copy struct {
	X, Y         int
	Size         [4]int
	AtX, AtY     int
	StepX, StepY [4]int
}

func (c *Copy) reads() []int { return []int{c.X} }
func (c *Copy) writes() int  { return c.Y }

func (c *Copy) emit(b *builder) error {
	total := count(c.Size[:])
	b.launch("copy_strided", [3]int{ceil(total, 256), 1, 1}, 256, b.at(c.X), b.at(c.Y), total, c.Size[1], c.Size[2], c.Size[3],
		c.AtX, c.StepX[0], c.StepX[1], c.StepX[2], c.StepX[3], c.AtY, c.StepY[0], c.StepY[1], c.StepY[2], c.StepY[3])
	return nil
}

// Pad puts Fill round X. From and To are the shapes in four axes, Before the padding in
// front; below 0 it cuts.
type Pad struct {
	X, Y             int
	From, To, Before [4]int
	Fill             float32
}

func (p *Pad) reads() []int { return []int{p.X} }
func (p *Pad) writes() int  { return p.Y }

func (p *Pad) emit(b *builder) error {
	total := count(p.To[:])
	b.launch("pad", [3]int{ceil(total, 256), 1, 1}, 256, b.at(p.X), b.at(p.Y), total, p.To[1], p.To[2], p.To[3], p.From[0], p.From[1], p.From[2], p.From[3],
		p.Before[0], p.Before[1], p.Before[2], p.Before[3], p.Fill)
	return nil
}
