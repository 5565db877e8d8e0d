package exec

import "slices"

// alignment of tensors in the arena, in bytes: what the widest loads and the memory's
// sectors want.
const alignment = 256

// placement is the offset of each tensor's memory in the arena.
type placement struct {
	at   map[int]int // by the tensor that owns the memory
	size int
}

// span is a tensor's lifetime: the indices of the first and the last op that uses it.
type span struct{ tensor, first, last, bytes int }

// placeAll gives each tensor a place that does not overlap with any tensor alive at the same time (first
// fit, in the order in which they are made). Inputs live from before the first op, outputs until the end.
func placeAll(p *Program) placement {
	spans := map[int]*span{}
	var order []int
	touch := func(t, i int) {
		if t == None || p.Tensors[p.root(t)].Constant != nil {
			return
		}
		t = p.root(t)
		if spans[t] == nil {
			spans[t] = &span{t, i, i, (p.bytes(t) + alignment - 1) / alignment * alignment}
			order = append(order, t)
		}
		spans[t].last = i
	}
	for _, t := range p.Inputs {
		touch(t, -1)
	}
	for i, op := range p.Ops {
		for _, t := range op.reads() {
			touch(t, i)
		}
		touch(op.writes(), i)
		if s, ok := op.(interface{ scratch() []int }); ok {
			for _, t := range s.scratch() {
				touch(t, i)
			}
		}
	}
	for _, t := range p.Outputs {
		touch(t, len(p.Ops))
	}
	if p.Keep {
		for _, t := range p.Inputs {
			touch(t, len(p.Ops))
		}
	}
	result := placement{at: map[int]int{}}
	var placed []*span
	for _, t := range order {
		s := spans[t]
		var busy []*span
		for _, q := range placed {
			if q.last >= s.first && q.first <= s.last {
				busy = append(busy, q)
			}
		}
		slices.SortFunc(busy, func(a, b *span) int { return result.at[a.tensor] - result.at[b.tensor] })
		at := 0
		for _, q := range busy {
			if at+s.bytes <= result.at[q.tensor] {
				break
			}
			at = max(at, result.at[q.tensor]+q.bytes)
		}
		result.at[t] = at
		placed = append(placed, s)
		result.size = max(result.size, at+s.bytes)
	}
	return result
}
