package exec

// fuse merges ops that one kernel can do in the same pass:
//
//	convolution, product, sum, affine or resize, then a cut     the cut becomes its clamp
//	convolution or product, then a sum with another tensor      the other becomes its residual
//	resize, then such a sum                                     the other is added
//
// It changes the ops themselves, so a program is fused once.
func fuse(p *Program) {
	for changed := true; changed; {
		changed = false
		f := newFuser(p)
		for i, op := range p.Ops {
			if c, ok := op.(*Cut); ok && f.cut(c) {
				p.Ops[i], changed = nil, true
			} else if s, ok := op.(*Sum); ok {
				if at := f.sum(s, i); at >= 0 {
					p.Ops[i], p.Ops[at], changed = p.Ops[at], nil, true
				}
			}
			if changed {
				break
			}
		}
		kept := p.Ops[:0]
		for _, op := range p.Ops {
			if op != nil {
				kept = append(kept, op)
			}
		}
		p.Ops = kept
	}
}

// fuser knows which ops make and read each tensor.
type fuser struct {
	p     *Program
	uses  map[int]int // of memory
	maker map[int]int // index of the op; -1 when several write it
}

func newFuser(p *Program) *fuser {
	f := &fuser{p: p, uses: map[int]int{}, maker: map[int]int{}}
	for i, op := range p.Ops {
		for _, t := range op.reads() {
			if t != None {
				f.uses[p.root(t)]++
			}
		}
		w := p.root(op.writes())
		if _, twice := f.maker[w]; twice {
			i = -1
		}
		f.maker[w] = i
	}
	for _, t := range p.Outputs {
		f.uses[p.root(t)]++
	}
	return f
}

// only is the op that makes t, if t has exactly one reader and its memory has no other shape.
func (f *fuser) only(t int) (Op, int) {
	if f.p.Tensors[t].Of != None || f.uses[t] != 1 {
		return nil, -1
	}
	i, ok := f.maker[t]
	if !ok || i < 0 || f.p.Ops[i].writes() != t {
		return nil, -1
	}
	return f.p.Ops[i], i
}

// cut merges a cut into the op before it.
func (f *fuser) cut(c *Cut) bool {
	op, i := f.only(c.X)
	if i < 0 {
		return false
	}
	clamp, y := clampOf(op)
	if clamp == nil || clamp.On {
		return false
	}
	*clamp, *y = c.Clamp, c.Y
	return true
}

// clampOf points to an op's clamp and result; nil if it cannot clamp.
func clampOf(op Op) (*Clamp, *int) {
	switch o := op.(type) {
	case *Conv:
		return &o.Clamp, &o.Y
	case *ConvTranspose:
		return &o.Clamp, &o.Y
	case *MatMul:
		return &o.Clamp, &o.Y
	case *Sum:
		return &o.Clamp, &o.Y
	case *Affine:
		return &o.Clamp, &o.Y
	case *Resize:
		if o.Nearest {
			return nil, nil
		}
		return &o.Clamp, &o.Y
	}
	return nil, nil
}

// sum merges a sum into the later one of the ops that make its operands, and says which; that op
// then runs in the sum's place, where both operands are available.
func (f *fuser) sum(s *Sum, at int) int {
	best := -1
	for k, t := range []int{s.A, s.B} {
		op, i := f.only(t)
		other := []int{s.B, s.A}[k]
		if i > best && other != t && takesSum(op) {
			best = i
		}
	}
	if best < 0 {
		return -1
	}
	op := f.p.Ops[best]
	other := s.A
	if op.writes() == s.A {
		other = s.B
	}
	switch o := op.(type) {
	case *Conv:
		o.Residual, o.Clamp, o.Y = other, s.Clamp, s.Y
	case *MatMul:
		o.Residual, o.Clamp, o.Y = other, s.Clamp, s.Y
	case *Resize:
		o.Add, o.Clamp, o.Y = other, s.Clamp, s.Y
	}
	return best
}

func takesSum(op Op) bool {
	switch o := op.(type) {
	case *Conv:
		return !o.Clamp.On && o.Residual == None && o.Groups == 1
	case *MatMul:
		return !o.Clamp.On && o.Residual == None
	case *Resize:
		return !o.Clamp.On && o.Add == None && !o.Nearest
	}
	return false
}
