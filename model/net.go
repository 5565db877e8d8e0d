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
	Device  string   // a GPU's UUID, "cuda" for the first one, or CPU; "" means CPU
	// MaxBatch is how many images a GPU gets at a time; a larger batch is processed in parts,
	// whose copies and kernels overlap. 0: all at once.
	MaxBatch int
	// Precision of a GPU's convolutions and products; "" means Float32.
	Precision Precision
	Keep      bool    // a GPU keeps the inputs of a run for Again
	Person    *Person // decode the maps of a network that finds a person's points; Outputs is ignored
}

// Net is a network ready to run. It may be used concurrently, but its
// runs take turns; Twin gives one that runs at the same time.
type Net struct {
	graph   *graph
	fusion  fusion
	kernels cpu.Kernels
	pool    *cpu.Pool
	packed  *packs // shared with its twins

	mu      sync.Mutex // held during a run; guards what follows
	plans   map[string]*plan
	recent  []string // keys of plans, oldest first
	closed  bool
	last    *plan       // of the previous run
	key     []byte      // buffer for the key of a plan
	in, out [][]float32 // buffers for the arguments of a program
	device  *onDevice   // nil: the CPU
	person  *Person     // whose maps it decodes
	lost    error       // why it moved from its device to the CPU
}

// maxPlans is how many sets of input shapes have a plan at once. On a GPU there are more, since each batch
// size has a recorded graph, or two if parts overlap.
const (
	maxPlans       = 8
	maxDevicePlans = 32
)

// ErrClosed is returned by a network that has been closed.
var ErrClosed = errors.New("the network is closed")

// Load reads a network from the bytes of an ONNX file. It keeps using them: they must not change while the network is open.
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

// Twin is a network that shares the weights but has its own threads and memory, so that the
// two run concurrently. Each must be closed.
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

// ISA is the instruction set that the kernels use.
func (n *Net) ISA() string { return n.kernels.Name() }

// Run evaluates the network and returns new tensors.
func (n *Net) Run(in ...Tensor) ([]Tensor, error) {
	out := make([]Tensor, len(n.graph.outputs))
	return out, n.RunInto(in, out)
}

// RunInto evaluates the network into out: tensors whose data have room for the
// result are filled in place, others are replaced. On the CPU, calls after the first at a shape
// allocate nothing if they pass the same memory; the network keeps that memory alive until
// other memory is passed at this shape, or Close.
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
		// The first dimension is the batch size: networks whose file fixes it to 1 can run on more, too.
		fits = p.Shape[i] < 0 || p.Shape[i] == t.Shape[i] || i == 0
	}
	if !fits {
		return fmt.Errorf("input %s has shape %v, the network wants %v", p.Name, t.Shape, p.Shape)
	}
	return nil
}

// planFor finds or makes the plan for these inputs, and remembers it as last.
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

// planned is the plan for these shapes in a slot, nil if it is not made yet; it sets n.key. Plans in two slots can run at once.
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

// addPlan makes a plan and stores it under a key; if there are too many, the oldest is freed.
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

// run executes the program, then the tail.
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

// allMade tells whether the program makes every output.
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

// runTail executes the ops that the kernels do not cover. The first run of a plan evaluates them one by one, which settles shapes and memory and records
// steps; later runs only repeat the steps.
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

// give sets what the tail reads: a run's inputs, and what the program made from them.
func (p *plan) give(in []Tensor, made [][]float32) {
	for i := range in {
		p.given[i].floats = in[i].Data
	}
	for i := range p.makes {
		p.given[len(in)+i].floats = made[i]
	}
}

// tailStep is a recorded step of an op (opCall.do).
type tailStep struct {
	of   *node
	take func()
}

// takeSteps repeats the recorded steps of the tail.
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

// settleTail evaluates the tail op by op and records the steps. Ops whose result is the same in every run, because they read only constants, shapes and what follows
// from these, are not recorded. If a shape depends on anything else, nothing is settled and the next run evaluates the tail again.
func (n *Net) settleTail(p *plan, in []Tensor) error {
	p.steps, p.results = nil, nil
	t := n.newTail(p, in)
	var varying []*node
	settled := true
	for _, x := range p.tail {
		steps, fixed, err := t.evaluate(x)
		if err != nil {
			return err
		}
		if fixed {
			continue
		}
		settled = settled && !slices.ContainsFunc(x.shapeInputs(), t.varies)
		varying = append(varying, x)
		for _, take := range steps {
			p.steps = append(p.steps, tailStep{x, take})
		}
	}
	for _, o := range n.graph.outputs {
		v := t.values[o.Name]
		if v == nil {
			return fmt.Errorf("nothing has made the output %s", o.Name)
		}
		if slices.Contains(p.makes, o.Name) {
			v = nil
		}
		p.results = append(p.results, v)
	}
	if p.settled = settled; settled {
		p.tail = varying
	}
	return nil
}

// tail holds the tensors of a tail while it is evaluated.
type tail struct {
	net    *Net
	values map[string]*value
	fixed  map[string]bool // the same in every run
}

// newTail knows the constants, what follows from the shapes, and the values that p.give sets.
func (n *Net) newTail(p *plan, in []Tensor) *tail {
	t := &tail{n, map[string]*value{}, map[string]bool{"": true}}
	for _, known := range []map[string]*value{n.graph.constants, p.known} {
		for name, v := range known {
			t.values[name], t.fixed[name] = v, true
		}
	}
	p.given = nil
	add := func(name string, shape []int) {
		v := &value{shape: slices.Clone(shape)}
		t.values[name], p.given = v, append(p.given, v)
	}
	for i, port := range n.graph.inputs {
		add(port.Name, in[i].Shape)
	}
	for i, name := range p.makes {
		add(name, p.shapes[i])
	}
	p.give(in, n.out)
	return t
}

func (t *tail) varies(name string) bool { return !t.fixed[name] }

// evaluate computes one op; fixed tells whether its result is the same in every run.
func (t *tail) evaluate(x *node) (steps []func(), fixed bool, err error) {
	call := &opCall{node: x, opset: t.net.graph.opset, kernels: t.net.kernels, in: make([]*value, len(x.inputs))}
	for i, name := range x.inputs {
		if call.in[i] = t.values[name]; call.in[i] == nil && name != "" {
			return nil, false, fmt.Errorf("op %s (%s) reads %q, which nothing has made", x.op, x.name, name)
		}
	}
	made, err := callOp(ops[x.op], call)
	if err != nil {
		return nil, false, fmt.Errorf("op %s (%s): %w", x.op, x.name, err)
	}
	fixed = x.op == "Shape" || !slices.ContainsFunc(x.inputs, t.varies)
	for i, name := range x.outputs {
		if i < len(made) {
			t.values[name], t.fixed[name] = made[i], fixed
		}
	}
	return call.steps, fixed, nil
}

// Close waits for a run that is in progress, and frees the weights and plans.
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
