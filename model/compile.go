package model

import (
	"fmt"
	"maps"
	"slices"

	"classlens/cuda/exec"
	"classlens/model/cpu"
)

// plan is a network made ready for one set of input shapes: a program of kernels for
// as much of it as they cover, and a tail of ops that run in plain Go after it.
type plan struct {
	program *cpu.Program // nil if it would be empty, and on a device
	device  *exec.Ready  // the program on a device
	images  int          // batch size
	reads   []int        // by port of the program: the network's input that it reads
	makes   []string     // by port of the program: the tensor that it makes
	shapes  [][]int      // of makes
	scratch [][]float32  // by port: memory for tensors that only the tail reads

	tail    []*node
	settled bool              // the tail was evaluated: later runs repeat its steps
	given   []*value          // what the tail reads: the network's inputs, then what the program makes
	steps   []tailStep        // of the tail
	results []*value          // by output of the network: the tail's result; nil if the program makes it
	known   map[string]*value // what follows from the shapes, if known before the tail runs

	frames *exec.Frames // from which the pictures are cropped; nil: they are inputs
	maps   [][2]int     // height and width of the maps that a Sight searches
}

// free frees the program's memory.
func (p *plan) free() {
	if p.device != nil {
		p.device.Free()
	}
	p.program.Free()
}

// compiler translates a graph into the instructions of a plan for the CPU.
type compiler struct {
	net    *Net
	images int
	maps   map[string]*mapping
	order  []*mapping // in the order in which instructions make them
	instrs []pending
	reads  []int
	failed map[string]bool // tensors made by ops that the kernels do not cover
	tail   []*node
	err    error
}

// mapping is a feature map of the program, or a picture that is still an input, at most
// scaled and shifted by constants.
type mapping struct {
	c, h, w      int
	picture      int       // index of the network's input, or -1 for a feature map
	scale, shift []float32 // of a picture; nil: none
	packed       *mapping  // of a picture: the feature map it was copied to
	first, last  int       // the instructions that make it, and that read it last
	at           int64     // place in the arena
}

// pending is an instruction whose maps have no place in the arena yet.
type pending struct {
	instr          cpu.Instr
	in, out, other *mapping
	layer          *layer // of a Conv or First
}

func (m *mapping) floats() int64 { return int64(cpu.Blocks(m.c)) * cpu.Block * int64(m.h) * int64(m.w) }

// compile plans the network for inputs of these shapes. Inputs of four dimensions with the same
// batch size are pictures, which the program can read; others are left to the tail.
func (n *Net) compile(shapes [][]int) (*plan, error) {
	n.packed.mu.Lock()
	defer n.packed.mu.Unlock()
	c := &compiler{net: n, maps: map[string]*mapping{}, failed: map[string]bool{}}
	for i, s := range shapes {
		if len(s) == 4 && (c.images == 0 || s[0] == c.images) && s[0] > 0 && s[1] > 0 && s[2] > 0 && s[3] > 0 {
			c.images = s[0]
			c.maps[n.graph.inputs[i].Name] = &mapping{c: s[1], h: s[2], w: s[3], picture: i}
		} else {
			c.failed[n.graph.inputs[i].Name] = true
		}
	}
	for i, node := range n.graph.nodes {
		c.step(i, node)
		if c.err != nil {
			return nil, c.err
		}
	}
	return c.finish()
}

// step plans one op, or leaves it to the tail.
func (c *compiler) step(i int, node *node) {
	f := c.net.fusion
	if g, ok := f.emit[i]; ok {
		if !c.group(g) {
			c.leave(g.nodes(c.net.graph, f, i)...)
		}
		return
	}
	if u, ok := f.upAdd[i]; ok {
		if !c.upAdd(u) {
			c.leave(c.net.graph.nodes[c.net.resizeOf(u)], node)
		}
		return
	}
	if f.covered[i] || c.plain(node) {
		return
	}
	c.leave(node)
}

// leave gives ops to the tail.
func (c *compiler) leave(nodes ...*node) {
	for _, n := range nodes {
		c.tail = append(c.tail, n)
		for _, out := range n.outputs {
			c.failed[out] = true
		}
	}
}

// nodes are the ops a group covers, in order.
func (g *group) nodes(graph *graph, f fusion, last int) []*node {
	want := map[string]bool{graph.nodes[last].outputs[0]: true}
	stop := map[string]bool{}
	for _, l := range []*layer{g.expand, g.depthwise, g.project, g.single} {
		if l != nil {
			stop[l.residual] = true
		}
	}
	var found []*node
	for i := last; i >= 0; i-- {
		n := graph.nodes[i]
		if !f.covered[i] || !want[n.outputs[0]] {
			continue
		}
		found = append(found, n)
		if n.op == "Conv" || n.op == "ConvTranspose" {
			if (g.expand != nil && n == g.expand.conv) || (g.expand == nil && g.depthwise != nil && n == g.depthwise.conv) || (g.single != nil && n == g.single.conv) {
				break
			}
		}
		for _, name := range n.inputs {
			if !stop[name] {
				want[name] = true
			}
		}
	}
	slices.Reverse(found)
	return found
}

// get is the map of a tensor; nil if the program does not make it.
func (c *compiler) get(name string) *mapping { return c.maps[name] }

// blocked is the tensor as a feature map in blocks of channels: a picture is packed into one first.
func (c *compiler) blocked(m *mapping) *mapping {
	if m.picture < 0 {
		return m
	}
	if m.packed == nil {
		m.packed = c.newMap(m.c, m.h, m.w)
		c.emit(pending{instr: cpu.Instr{Op: cpu.Pack, Port: c.port(m.picture)}, out: m.packed})
		if m.scale != nil {
			plain := m.packed
			m.packed = c.newMap(m.c, m.h, m.w)
			c.emit(pending{instr: cpu.Instr{Op: cpu.Affine, Slope: c.vector(fill(m.scale, m.c)), Shift: c.vector(fill(m.shift, m.c)), Clamp: cpu.Unbounded}, in: plain, out: m.packed})
		}
	}
	return m.packed
}

// port is the program's number for one of the network's inputs.
func (c *compiler) port(input int) int {
	if p := slices.Index(c.reads, input); p >= 0 {
		return p
	}
	c.reads = append(c.reads, input)
	return len(c.reads) - 1
}

func (c *compiler) newMap(channels, h, w int) *mapping {
	m := &mapping{c: channels, h: h, w: w, picture: -1}
	c.order = append(c.order, m)
	return m
}

// emit appends an instruction and updates the lifetimes of its maps.
func (c *compiler) emit(p pending) {
	i := len(c.instrs)
	c.instrs = append(c.instrs, p)
	for _, m := range []*mapping{p.in, p.other} {
		if m != nil && m.picture < 0 {
			m.last = i
		}
	}
	if p.out != nil {
		if p.out.last == 0 && p.out.first == 0 {
			p.out.first = i
		}
		p.out.last = i
	}
}

// vector copies v to memory for the kernels, which the network owns and frees.
func (c *compiler) vector(v []float32) cpu.Vector {
	x, err := cpu.NewVector(v)
	if err != nil {
		c.err = err
		return x
	}
	c.net.packed.vectors = append(c.net.packed.vectors, x)
	return x
}

// fill stretches one value to n, or gives v itself.
func fill(v []float32, n int) []float32 {
	if len(v) == n {
		return v
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = v[0]
	}
	return out
}

// finish unpacks what the tail or the caller reads, places the maps in the arena and makes the program.
func (c *compiler) finish() (*plan, error) {
	p := &plan{images: c.images, tail: c.tail}
	wanted := map[string]bool{}
	for _, n := range c.tail {
		for _, name := range n.inputs {
			wanted[name] = true
		}
	}
	for _, o := range c.net.graph.outputs {
		wanted[o.Name] = true
	}
	var outSizes []int
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		m := c.get(name)
		if m == nil || (m.picture >= 0 && m.scale == nil) {
			continue
		}
		m = c.blocked(m)
		c.emit(pending{instr: cpu.Instr{Op: cpu.Unpack, Port: len(p.makes)}, in: m})
		p.makes = append(p.makes, name)
		p.shapes = append(p.shapes, []int{c.images, m.c, m.h, m.w})
		outSizes = append(outSizes, m.c*m.h*m.w)
	}
	p.reads = c.reads // not earlier: what was just unpacked may have added some
	if c.err != nil || len(p.makes) == 0 {
		return p, c.err
	}
	if len(p.makes) > maxPorts || len(c.reads) > maxPorts {
		return nil, fmt.Errorf("%d inputs and %d outputs at once: %w", len(c.reads), len(p.makes), ErrUnsupported)
	}
	c.joinPools()
	c.joinHeads()
	if c.err != nil {
		return p, c.err
	}
	group := min(c.images, imagesTogether)
	arena := c.place(int64(group))
	instrs := make([]cpu.Instr, len(c.instrs))
	for i, x := range c.instrs {
		instrs[i] = x.instr
		for _, part := range []struct {
			from *mapping
			to   *cpu.Map
		}{{x.in, &instrs[i].In}, {x.out, &instrs[i].Out}, {x.other, &instrs[i].Other}} {
			if m := part.from; m != nil {
				*part.to = cpu.Map{C: m.c, H: m.h, W: m.w, At: m.at, Size: m.floats()}
			}
		}
		if instrs[i].Op == cpu.Chain && !instrs[i].FirstIsInput {
			instrs[i].In.H, instrs[i].In.W = x.in.h, x.in.w
		}
	}
	var inSizes []int
	for _, input := range c.reads {
		m := c.maps[c.net.graph.inputs[input].Name]
		inSizes = append(inSizes, m.c*m.h*m.w)
	}
	program, err := cpu.NewProgram(c.net.kernels, c.net.pool, cpu.Code{Instrs: instrs, Group: group, Arena: arena, Inputs: inSizes, Outputs: outSizes})
	p.program = program
	return p, err
}

// readersOf lists the instructions that read each map.
func (c *compiler) readersOf() map[*mapping][]int {
	readers := map[*mapping][]int{}
	for i, x := range c.instrs {
		for _, m := range []*mapping{x.in, x.other} {
			if m != nil {
				readers[m] = append(readers[m], i)
			}
		}
	}
	return readers
}

// drop removes instructions, and the maps that no instruction makes any more. The others keep their
// first and last, which are then no longer indices; only their order matters.
func (c *compiler) drop(gone map[int]bool, unused map[*mapping]bool) {
	kept := c.instrs[:0]
	for i, x := range c.instrs {
		if !gone[i] {
			kept = append(kept, x)
		}
	}
	c.instrs = kept
	c.order = slices.DeleteFunc(c.order, func(m *mapping) bool { return unused[m] })
}

// joinPools fuses a first layer with the pooling that alone reads its result, so
// that the large map between them stays in the cache.
func (c *compiler) joinPools() {
	readers := c.readersOf()
	gone, unused := map[int]bool{}, map[*mapping]bool{}
	for i := range c.instrs {
		first := &c.instrs[i]
		r := readers[first.out]
		if first.instr.Op != cpu.First || len(r) != 1 || c.instrs[r[0]].instr.Op != cpu.MaxPool {
			continue
		}
		pool := c.instrs[r[0]]
		x := pool.instr
		x.Op, x.FirstIsInput, x.Pool, x.Port, x.Weights0 = cpu.Chain, true, true, first.instr.Port, first.instr.Weights
		x.KH0, x.KW0, x.Stride0, x.Top0, x.Left0, x.H0, x.W0 = first.instr.KH0, first.instr.KW0, first.instr.Stride0, first.instr.Top0, first.instr.Left0, first.instr.H0, first.instr.W0
		x.Slope, x.Shift, x.Clamp0 = first.instr.Slope, first.instr.Shift, first.instr.Clamp
		if first.layer.mirrored() {
			x.Mirrored, x.Weights0 = true, c.weights(first.layer, firstHalf)
		}
		in := &mapping{c: first.in.c, h: first.out.h, w: first.out.w, picture: first.in.picture}
		c.instrs[r[0]] = pending{instr: x, in: in, out: pool.out}
		gone[i], unused[first.out] = true, true
	}
	c.drop(gone, unused)
}

// joinHeads extends a chain by the 1x1 layer (and the sigmoid) that alone reads its result, if that
// layer makes an output: the map between them is never written, and the output is written as plain
// planes.
func (c *compiler) joinHeads() {
	readers := c.readersOf()
	only := func(m *mapping, op cpu.Op) int { // the single instruction that reads a map, if it is of this kind
		if r := readers[m]; len(r) == 1 && c.instrs[r[0]].instr.Op == op {
			return r[0]
		}
		return -1
	}
	gone := map[int]bool{}
	unused := map[*mapping]bool{}
	for i := range c.instrs {
		chain := &c.instrs[i]
		if chain.instr.Op != cpu.Chain || chain.instr.Weights == nil || chain.out.c > cpu.HeadChannels {
			continue
		}
		h := only(chain.out, cpu.Conv)
		if h < 0 || c.instrs[h].layer == nil || !c.instrs[h].layer.pointwise() || c.instrs[h].other != nil {
			continue
		}
		all := []int{h}
		last := c.instrs[h].out
		if s := only(last, cpu.Sigmoid); s >= 0 {
			all, last = append(all, s), c.instrs[s].out
		}
		u := only(last, cpu.Unpack)
		if u < 0 {
			continue
		}
		x := &chain.instr
		x.HeadClamp, x.HeadPort, x.HeadSigmoid = c.instrs[h].instr.Clamp, c.instrs[u].instr.Port, len(all) == 2
		c.head(c.instrs[h].layer, x)
		unused[chain.out] = true
		for _, j := range all {
			unused[c.instrs[j].out] = true
		}
		for _, j := range append(all, u) {
			gone[j] = true
		}
	}
	c.drop(gone, unused)
}

const (
	maxPorts       = 64
	imagesTogether = 4 // images that the program processes together: their maps still fit in the caches
)

// place gives each map a place in the arena that does not overlap with any map in use at the same
// time (first fit, in the order in which they are made), and returns the arena's size.
func (c *compiler) place(group int64) int64 {
	var placed []*mapping
	size := int64(0)
	for _, m := range c.order {
		need := m.floats() * group
		var busy []*mapping
		for _, q := range placed {
			if q.last >= m.first && q.first <= m.last {
				busy = append(busy, q)
			}
		}
		slices.SortFunc(busy, func(a, b *mapping) int { return int(a.at - b.at) })
		at := int64(0)
		for _, q := range busy {
			if at+need <= q.at {
				break
			}
			at = max(at, q.at+q.floats()*group)
		}
		m.at = at
		placed = append(placed, m)
		size = max(size, at+need)
	}
	return size
}
