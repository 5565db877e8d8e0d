package model

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"classlens/model/cpu"
)

// Options say how a network is loaded.
type Options struct {
	Threads int    // 0: all cores
	ISA     string // "zen4", "avx512", "avx2", "base"; "" for the best the machine has
	Inputs  []string
	Outputs []string // tensors at which the graph is cut; nil: the file's own
	Device  string   // a GPU's UUID, "cuda" for the first one, or CPU; "" is CPU
	// MaxBatch is how many images a GPU is given at a time; more go through in parts,
	// whose copies and kernels overlap. 0: all at once.
	MaxBatch int
	// Precision of a GPU's convolutions and products; "" is Float32.
	Precision Precision
	Keep      bool    // a GPU keeps the inputs of a run for Again
	Person    *Person // read the maps of a network that finds a person's points; Outputs is not looked at
}

// Net is a network ready to run. It may be used by several goroutines; their
// runs take turns.
type Net struct {
	graph   *graph
	fusion  fusion
	kernels cpu.Kernels
	pool    *cpu.Pool

	mu        sync.Mutex
	plans     map[string]*plan
	recent    []string // keys of plans, oldest first
	packed    *packs   // shared with its twins
	closed    bool
	last      *plan // of the run before, with the shapes it was for
	lastShape [][]int
	in, out   [][]float32
	device    *onDevice // nil: the CPU
	person    *Person   // whose maps it reads
	lost      error     // why it left its device
}

// maxPlans is how many sets of input shapes are kept planned: on a GPU each size of
// batch has a recorded graph, twice where parts overlap.
const (
	maxPlans       = 8
	maxDevicePlans = 32
)

// ErrClosed is returned by a network that has been closed.
var ErrClosed = errors.New("the network is closed")

// Load reads a network from the bytes of an ONNX file, which it goes on to use: they must not change while it is open.
func Load(onnx []byte, o Options) (*Net, error) {
	file, err := readONNX(onnx)
	if err != nil {
		return nil, err
	}
	return load(file, o)
}

func load(file *graphFile, o Options) (*Net, error) {
	if o.Person != nil {
		o.Outputs = o.Person.add(file)
	}
	g, err := newGraph(file, o.Inputs, o.Outputs)
	if err != nil {
		return nil, err
	}
	kernels, err := cpu.ForISA(o.ISA)
	if err != nil {
		return nil, err
	}
	onDevice := o.Device != "" && o.Device != CPU
	g.rewrite()
	if !onDevice {
		g.forKernels(kernels)
	}
	n := &Net{graph: g, fusion: fuse(g), kernels: kernels, plans: map[string]*plan{}, packed: newPacks(), person: o.Person}
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.NumCPU()
	}
	if n.pool, err = cpu.NewPool(threads); err != nil {
		return nil, err
	}
	if onDevice {
		if err := n.openDevice(o); err != nil {
			return nil, errors.Join(err, n.Close())
		}
	}
	return n, nil
}

// ErrTakesTurns is returned by Twin for a network on a device, where runs take turns.
var ErrTakesTurns = errors.New("networks on a device have no twins: their runs take turns")

// Twin is a network with the same weights, which are not copied, and with threads and memory of its own: the
// two run side by side. Each is closed by itself.
func (n *Net) Twin() (*Net, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return nil, ErrClosed
	case n.device != nil:
		return nil, ErrTakesTurns
	}
	t := &Net{graph: n.graph, fusion: n.fusion, kernels: n.kernels, plans: map[string]*plan{}, packed: n.packed}
	var err error
	if t.pool, err = cpu.NewPool(n.pool.Threads()); err != nil {
		return nil, err
	}
	n.packed.use()
	return t, nil
}

// LoadFile reads a network from an ONNX file.
func LoadFile(path string, o Options) (*Net, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	n, err := Load(b, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Inputs are the network's inputs in the order in which Run takes them.
func (n *Net) Inputs() []Port { return slices.Clone(n.graph.inputs) }

// Outputs are the network's outputs in the order in which Run gives them.
func (n *Net) Outputs() []Port { return slices.Clone(n.graph.outputs) }

// ISA is the instruction set the kernels were chosen for.
func (n *Net) ISA() string { return n.kernels.Name() }

// Run evaluates the network and gives fresh tensors.
func (n *Net) Run(in ...Tensor) ([]Tensor, error) {
	out := make([]Tensor, len(n.graph.outputs))
	return out, n.RunInto(in, out)
}

// RunInto evaluates the network into out: tensors whose data have room for the
// result are filled in place, others are replaced. A network that the kernels
// cover whole allocates nothing after the first call at a shape.
func (n *Net) RunInto(in, out []Tensor) error {
	if len(in) != len(n.graph.inputs) || len(out) != len(n.graph.outputs) {
		return fmt.Errorf("%d inputs and %d outputs given, the network has %d and %d", len(in), len(out), len(n.graph.inputs), len(n.graph.outputs))
	}
	for i := range in {
		if err := n.checkInput(in[i], n.graph.inputs[i]); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return ErrClosed
	}
	if n.device != nil {
		return n.runDevice(in, out)
	}
	p, err := n.planFor(in)
	if err != nil {
		return err
	}
	return n.run(p, in, out)
}

func (n *Net) checkInput(t Tensor, p Port) error {
	if err := t.check(); err != nil {
		return fmt.Errorf("input %s: %w", p.Name, err)
	}
	if p.Shape == nil {
		return nil
	}
	fits := len(p.Shape) == len(t.Shape)
	for i := 0; fits && i < len(p.Shape); i++ {
		// The first dimension is the number of pictures: files that fix it to 1 run on more all the same.
		fits = p.Shape[i] < 0 || p.Shape[i] == t.Shape[i] || i == 0
	}
	if !fits {
		return fmt.Errorf("input %s has shape %v, the network wants %v", p.Name, t.Shape, p.Shape)
	}
	return nil
}

// planFor finds or makes the plan for these shapes.
func (n *Net) planFor(in []Tensor) (*plan, error) {
	if n.last != nil && slices.EqualFunc(in, n.lastShape, func(t Tensor, s []int) bool { return slices.Equal(t.Shape, s) }) {
		return n.last, nil
	}
	p, err := n.planIn(in, 0)
	if err == nil {
		n.last, n.lastShape = p, sizesOf(in)
	}
	return p, err
}

func sizesOf(in []Tensor) [][]int {
	shapes := make([][]int, len(in))
	for i := range in {
		shapes[i] = slices.Clone(in[i].Shape)
	}
	return shapes
}

// planKey names a plan; plans of two slots can be under way at once.
func planKey(in []Tensor, slot int) string { return fmt.Sprint(sizesOf(in), slot) }

// planned: the plan is there already.
func (n *Net) planned(in []Tensor, slot int) bool { return n.plans[planKey(in, slot)] != nil }

// planIn finds or makes the plan for these shapes in a slot.
func (n *Net) planIn(in []Tensor, slot int) (*plan, error) {
	key := planKey(in, slot)
	if p := n.plans[key]; p != nil {
		return p, nil
	}
	return n.addPlan(key, func() (*plan, error) {
		if n.device != nil {
			return n.compileDevice(sizesOf(in), nil)
		}
		return n.compile(sizesOf(in))
	})
}

// addPlan makes a plan and keeps it under a key; the oldest goes where there are too many.
func (n *Net) addPlan(key string, build func() (*plan, error)) (*plan, error) {
	most := maxPlans
	if n.device != nil {
		most = maxDevicePlans
	}
	if len(n.recent) == most {
		n.plans[n.recent[0]].free()
		delete(n.plans, n.recent[0])
		n.recent, n.last = n.recent[1:], nil
	}
	p, err := build()
	if err != nil {
		return nil, err
	}
	n.plans[key] = p
	n.recent = append(n.recent, key)
	return p, nil
}

// run evaluates the program, then the tail.
func (n *Net) run(p *plan, in, out []Tensor) error {
	if p.program != nil || p.device != nil {
		if err := n.runProgram(p, in, out); err != nil {
			return err
		}
	}
	if len(p.tail) == 0 && n.allMade(p) {
		return nil
	}
	return n.runTail(p, in, out)
}

// allMade: every output comes from the program.
func (n *Net) allMade(p *plan) bool {
	for _, o := range n.graph.outputs {
		if !slices.Contains(p.makes, o.Name) {
			return false
		}
	}
	return true
}

func (n *Net) runProgram(p *plan, in, out []Tensor) error {
	n.in, n.out = n.in[:0], n.out[:0]
	for _, i := range p.reads {
		n.in = append(n.in, in[i].Data)
	}
	if p.scratch == nil {
		p.scratch = make([][]float32, len(p.makes))
	}
	for i, name := range p.makes {
		size := count(p.shapes[i])
		var to []float32
		for j, o := range n.graph.outputs {
			if o.Name == name {
				out[j].resize(p.shapes[i])
				to = out[j].Data
			}
		}
		if to == nil {
			if p.scratch[i] == nil {
				p.scratch[i] = make([]float32, size)
			}
			to = p.scratch[i]
		}
		n.out = append(n.out, to)
	}
	if p.device != nil {
		return p.device.Run(n.in, n.out)
	}
	return p.program.Run(p.images, n.in, n.out)
}

// resize makes room for a shape, keeping the memory where it is enough.
func (t *Tensor) resize(shape []int) {
	if size := count(shape); cap(t.Data) >= size {
		t.Data = t.Data[:size]
	} else {
		t.Data = make([]float32, size)
	}
	t.Shape = append(t.Shape[:0], shape...)
}

// runTail evaluates the ops that the kernels do not cover.
func (n *Net) runTail(p *plan, in, out []Tensor) error {
	values := map[string]*value{}
	for i, port := range n.graph.inputs {
		values[port.Name] = &value{shape: in[i].Shape, floats: in[i].Data}
	}
	for i, name := range p.makes {
		values[name] = &value{shape: p.shapes[i], floats: n.out[i]}
	}
	find := func(name string) *value {
		if v := n.graph.constants[name]; v != nil {
			return v
		}
		if v := p.known[name]; v != nil {
			return v
		}
		return values[name]
	}
	p.room.used = 0
	for _, x := range p.tail {
		call := &opCall{node: x, opset: n.graph.opset, kernels: n.kernels, room: &p.room, in: make([]*value, len(x.inputs))}
		fixed := !p.settled && n.followsFromShapes(p, x)
		if fixed {
			call.room = nil
		}
		for i, name := range x.inputs {
			if call.in[i] = find(name); call.in[i] == nil && name != "" {
				return fmt.Errorf("op %s (%s) reads %q, which nothing has made", x.op, x.name, name)
			}
		}
		made, err := callOp(ops[x.op], call)
		if err != nil {
			return fmt.Errorf("op %s (%s): %w", x.op, x.name, err)
		}
		for i, name := range x.outputs {
			switch {
			case i >= len(made):
			case fixed:
				p.keep(name, made[i])
			default:
				values[name] = made[i]
			}
		}
	}
	if !p.settled {
		p.settled = true
		p.tail = slices.DeleteFunc(p.tail, func(x *node) bool { return p.known[x.outputs[0]] != nil })
	}
	for i, o := range n.graph.outputs {
		if slices.Contains(p.makes, o.Name) {
			continue
		}
		v := find(o.Name)
		if v == nil {
			return fmt.Errorf("nothing has made the output %s", o.Name)
		}
		out[i].resize(v.shape)
		for j := range out[i].Data {
			out[i].Data[j] = float32(v.at(j))
		}
	}
	return nil
}

// followsFromShapes: an op gives the same at each run of the plan, since it reads nothing but constants, the shapes of what the tail is given, and
// what follows from those.
func (n *Net) followsFromShapes(p *plan, x *node) bool {
	given := func(name string) bool {
		return slices.Contains(p.makes, name) || slices.ContainsFunc(n.graph.inputs, func(port Port) bool { return port.Name == name })
	}
	if x.op == "Shape" && given(x.inputs[0]) {
		return true
	}
	return !slices.ContainsFunc(x.inputs, func(name string) bool { return name != "" && n.graph.constants[name] == nil && p.known[name] == nil })
}

// Close frees the weights and plans. Runs in work are waited for.
func (n *Net) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	for _, p := range n.plans {
		p.free()
	}
	if n.device != nil {
		n.device.net.Close()
	}
	n.packed.leave()
	n.pool.Free()
	n.plans, n.last = nil, nil
	return nil
}
