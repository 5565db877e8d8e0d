package model

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
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

	mu      sync.Mutex
	plans   map[string]*plan
	recent  []string // keys of plans, oldest first
	packed  *packs   // shared with its twins
	closed  bool
	last    *plan  // of the run before
	key     []byte // of the plan that is sought
	in, out [][]float32
	device  *onDevice // nil: the CPU
	person  *Person   // whose maps it reads
	lost    error     // why it left its device
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
		threads = runtime.GOMAXPROCS(0)
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
// result are filled in place, others are replaced. On the CPU it allocates nothing after the
// first call at a shape, if it is given the same memory at each; that stays alive until
// another is given at this shape, or Close.
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
	p, err := n.planIn(in, 0)
	if err == nil {
		n.last = p
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

// planned is the plan for these shapes in a slot, nil where it is not made yet, with n.key its key. Plans of two slots can be under way at once.
func (n *Net) planned(in []Tensor, slot int) *plan {
	n.key = strconv.AppendInt(n.key[:0], int64(slot), 10)
	for i := range in {
		n.key = append(n.key, ':')
		for _, d := range in[i].Shape {
			n.key = strconv.AppendInt(append(n.key, ' '), int64(d), 10)
		}
	}
	return n.plans[string(n.key)]
}

// planIn finds or makes the plan for these shapes in a slot.
func (n *Net) planIn(in []Tensor, slot int) (*plan, error) {
	if p := n.planned(in, slot); p != nil {
		return p, nil
	}
	return n.addPlan(string(n.key), func() (*plan, error) {
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
				out[j].Resize(p.shapes[i]...)
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

// runTail evaluates the ops that the kernels do not cover: at the first run of a plan one after the other, which settles shapes and memory, later
// by taking their steps again.
func (n *Net) runTail(p *plan, in, out []Tensor) error {
	if !p.settled {
		if err := n.settleTail(p, in); err != nil {
			return err
		}
	} else {
		p.give(in, n.out)
		if err := p.takeSteps(); err != nil {
			return err
		}
	}
	for i, v := range p.results {
		if v == nil { // made by the program
			continue
		}
		out[i].Resize(v.shape...)
		if !v.isInt() {
			copy(out[i].Data, v.floats)
			continue
		}
		for j := range out[i].Data {
			out[i].Data[j] = float32(v.ints[j])
		}
	}
	return nil
}

// give has the tail read a run's inputs and what the program made of them.
func (p *plan) give(in []Tensor, made [][]float32) {
	for i := range in {
		p.given[i].floats = in[i].Data
	}
	for i := range p.makes {
		p.given[len(in)+i].floats = made[i]
	}
}

// tailStep is a step of an op (opCall.do).
type tailStep struct {
	of   *node
	take func()
}

// takeSteps computes the tail anew.
func (p *plan) takeSteps() (err error) {
	var of *node
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("op %s (%s): %w: its inputs do not fit (%v)", of.op, of.name, ErrMalformed, r)
		}
	}()
	for i := range p.steps {
		of = p.steps[i].of
		p.steps[i].take()
	}
	return nil
}

// settleTail evaluates the tail op after op and keeps their steps, but for those of ops that give the same at each run: they read nothing but constants,
// shapes, and what follows from those. Where a shape depends on more than that, the next run settles anew.
func (n *Net) settleTail(p *plan, in []Tensor) error {
	values, fixed := map[string]*value{}, map[string]bool{"": true}
	for _, known := range []map[string]*value{n.graph.constants, p.known} {
		for name, v := range known {
			values[name], fixed[name] = v, true
		}
	}
	p.given, p.steps, p.results = nil, nil, nil
	settled := true
	add := func(name string, shape []int) {
		v := &value{shape: slices.Clone(shape)}
		values[name], p.given = v, append(p.given, v)
	}
	for i, port := range n.graph.inputs {
		add(port.Name, in[i].Shape)
	}
	for i, name := range p.makes {
		add(name, p.shapes[i])
	}
	p.give(in, n.out)
	var left []*node
	for _, x := range p.tail {
		call := &opCall{node: x, opset: n.graph.opset, kernels: n.kernels, in: make([]*value, len(x.inputs))}
		for i, name := range x.inputs {
			if call.in[i] = values[name]; call.in[i] == nil && name != "" {
				return fmt.Errorf("op %s (%s) reads %q, which nothing has made", x.op, x.name, name)
			}
		}
		made, err := callOp(ops[x.op], call)
		if err != nil {
			return fmt.Errorf("op %s (%s): %w", x.op, x.name, err)
		}
		varies := func(name string) bool { return !fixed[name] }
		follows := x.op == "Shape" || !slices.ContainsFunc(x.inputs, varies)
		for i, name := range x.outputs {
			if i < len(made) {
				values[name], fixed[name] = made[i], follows
			}
		}
		if follows {
			continue
		}
		settled = settled && !slices.ContainsFunc(x.shapeInputs(), varies)
		left = append(left, x)
		for _, take := range call.steps {
			p.steps = append(p.steps, tailStep{x, take})
		}
	}
	for _, o := range n.graph.outputs {
		v := values[o.Name]
		if v == nil {
			return fmt.Errorf("nothing has made the output %s", o.Name)
		}
		if slices.Contains(p.makes, o.Name) {
			v = nil
		}
		p.results = append(p.results, v)
	}
	if p.settled = settled; settled {
		p.tail = left
	}
	return nil
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
