package exec

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"classlens/cuda/driver"
)

// Net is what the programs of one network share on a device: the stream, and the
// weights as the kernels want them. Its methods take turns.
type Net struct {
	device *Device
	stream *driver.Stream
	mu     sync.Mutex

	packed map[packing]*driver.Buffer
	tables map[string]*driver.Buffer
	owner  *Ready // whose tables are being made
}

// packing names weights in the cache: one constant may be packed in several ways.
type packing struct {
	c          *Constant
	mpad, kpad int
}

// NewNet makes an empty net on a device; it closes the device when it is closed.
func NewNet(d *Device) (*Net, error) {
	s, err := d.NewStream()
	if err != nil {
		return nil, err
	}
	return &Net{device: d, stream: s, packed: map[packing]*driver.Buffer{}, tables: map[string]*driver.Buffer{}}, nil
}

// Device is where the net runs.
func (n *Net) Device() *Device { return n.device }

// constant is a constant's values as they are.
func (n *Net) constant(c *Constant) (*driver.Buffer, error) {
	return n.cached(packing{c: c}, func() []float32 { return c.Data })
}

// weights are packed for the tiles, see packWeights.
func (n *Net) weights(c *Constant, groups, m, k, mpad, kpad int) (*driver.Buffer, error) {
	return n.cached(packing{c, mpad, kpad}, func() []float32 { return packWeights(c.Data, groups, m, k, mpad, kpad) })
}

func (n *Net) cached(key packing, data func() []float32) (*driver.Buffer, error) {
	if b := n.packed[key]; b != nil {
		return b, nil
	}
	b, err := driver.Upload(n.device.Device, data())
	if err == nil {
		n.packed[key] = b
	}
	return b, err
}

// ints is a table of integers; tables of one key are the same and made once.
func (n *Net) ints(key string, data func() []int32) (*driver.Buffer, error) {
	if b := n.tables[key]; key != "" && b != nil {
		return b, nil
	}
	b, err := driver.Upload(n.device.Device, data())
	if err != nil {
		return nil, err
	}
	if key != "" {
		n.tables[key] = b
	} else {
		n.owner.tables = append(n.owner.tables, b)
	}
	return b, nil
}

// floats is a table of one program.
func (n *Net) floats(data []float32) (*driver.Buffer, error) {
	b, err := driver.Upload(n.device.Device, data)
	if err == nil {
		n.owner.tables = append(n.owner.tables, b)
	}
	return b, err
}

// Ready is a program made ready to run.
type Ready struct {
	net     *Net
	program *Program
	calls   []call
	arena   *driver.Buffer
	places  placement
	tables  []*driver.Buffer
	graph   *driver.Graph
	plain   bool // recording failed: launch one by one
	runs    int
}

// call is a launch with everything in place.
type call struct {
	kernel *driver.Kernel
	grid   [3]int
	block  [3]int
	args   []any
}

// Prepare fuses and places a program and loads what it needs. The program must not be
// changed or prepared again afterwards.
func (n *Net) Prepare(p *Program) (*Ready, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := p.check(); err != nil {
		return nil, err
	}
	fuse(p)
	r := &Ready{net: n, program: p, places: placeAll(p)}
	n.owner = r
	err := r.prepare()
	n.owner = nil
	if err != nil {
		return nil, errors.Join(err, r.free())
	}
	return r, nil
}

func (r *Ready) prepare() error {
	b := &builder{net: r.net, program: r.program}
	for _, op := range r.program.Ops {
		if err := op.emit(b); err != nil {
			return err
		}
	}
	var err error
	if r.arena, err = r.net.device.Alloc(max(r.places.size, alignment)); err != nil {
		return err
	}
	for _, l := range b.all {
		c := call{grid: l.grid, block: [3]int{l.block, 1, 1}, args: l.args}
		if c.kernel, err = r.net.device.Kernel(l.kernel); err != nil {
			return err
		}
		for i, a := range c.args {
			if t, ok := a.(place); ok {
				if c.args[i], err = r.address(int(t)); err != nil {
					return err
				}
			}
		}
		r.calls = append(r.calls, c)
	}
	return nil
}

// address is where a tensor lies.
func (r *Ready) address(t int) (driver.Ptr, error) {
	root := r.program.root(t)
	if c := r.program.Tensors[root].Constant; c != nil {
		b, err := r.net.constant(c)
		if err != nil {
			return 0, err
		}
		return b.Ptr(), nil
	}
	at, ok := r.places.at[root]
	if !ok {
		return 0, fmt.Errorf("tensor %d has no place", t)
	}
	return r.arena.At(at), nil
}

// Bytes is the device memory the program takes beside the weights.
func (r *Ready) Bytes() int { return r.places.size }

// Launches are the names of the kernels of one run, in order.
func (r *Ready) Launches() []string {
	var names []string
	for _, c := range r.calls {
		names = append(names, c.kernel.Name())
	}
	return names
}

// Run copies the inputs in, runs the program and copies the outputs out; the slices
// are as long as the tensors. The first run launches the kernels one by one; the
// second records them as a graph, which later runs replay with one call.
func (r *Ready) Run(in, out [][]float32) error {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	if len(in) != len(r.program.Inputs) || len(out) != len(r.program.Outputs) {
		return fmt.Errorf("%d inputs and %d outputs given, the program has %d and %d", len(in), len(out), len(r.program.Inputs), len(r.program.Outputs))
	}
	s := r.net.stream
	return r.net.device.Do(func() error {
		for i, t := range r.program.Inputs {
			if err := r.copy(t, in[i], func(b *driver.Buffer, at int) error { return driver.CopyIn(s, b, at, in[i]) }); err != nil {
				return err
			}
		}
		if err := r.launch(s); err != nil {
			return err
		}
		for i, t := range r.program.Outputs {
			if err := r.copy(t, out[i], func(b *driver.Buffer, at int) error { return driver.CopyOut(s, out[i], b, at) }); err != nil {
				return err
			}
		}
		return s.Synchronize()
	})
}

// copy finds a tensor's place in the arena for a transfer.
func (r *Ready) copy(t int, host []float32, move func(b *driver.Buffer, at int) error) error {
	if n := r.program.size(t); n != len(host) {
		return fmt.Errorf("tensor %d has %d elements, %d given", t, n, len(host))
	}
	root := r.program.root(t)
	if c := r.program.Tensors[root].Constant; c != nil { // an output that is a constant
		copy(host, c.Data)
		return nil
	}
	at, ok := r.places.at[root]
	if !ok {
		return nil // an input that nothing reads
	}
	return move(r.arena, at)
}

func (r *Ready) launch(s *driver.Stream) error {
	r.runs++
	if r.graph == nil && !r.plain && r.runs > 1 && len(r.calls) > 1 {
		g, err := s.Capture(func() error { return r.each(s) })
		if err != nil && r.net.device.Err() != nil {
			return err
		}
		r.graph, r.plain = g, err != nil
	}
	if r.graph != nil {
		return r.graph.Launch(s)
	}
	return r.each(s)
}

func (r *Ready) each(s *driver.Stream) error {
	for _, c := range r.calls {
		if err := c.kernel.Launch(s, c.grid, c.block, 0, c.args...); err != nil {
			return err
		}
	}
	return nil
}

// Free gives the program's memory back.
func (r *Ready) Free() error {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	return r.free()
}

func (r *Ready) free() error {
	var errs []error
	if r.graph != nil {
		errs = append(errs, r.graph.Close())
	}
	for _, b := range append(slices.Clone(r.tables), r.arena) {
		if b != nil {
			errs = append(errs, b.Free())
		}
	}
	r.graph, r.tables, r.arena, r.calls = nil, nil, nil, nil
	return errors.Join(errs...)
}

// Close gives the weights, the stream and the device back; programs are freed before.
func (n *Net) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, b := range n.packed {
		errs = append(errs, b.Free())
	}
	for _, b := range n.tables {
		errs = append(errs, b.Free())
	}
	n.packed, n.tables = nil, nil
	errs = append(errs, n.stream.Close(), n.device.Close())
	return errors.Join(errs...)
}
