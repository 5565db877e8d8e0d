package exec

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"classlens/cuda/driver"
)

// Ready is a program that is ready to run: its memory, its stream and, from the second run
// on, a recorded graph of copies and kernels. Runs of two Readies overlap: while the
// kernels of one run, the other's tensors are copied.
type Ready struct {
	net     *Net
	program *Program
	calls   []call
	stream  *driver.Stream
	arena   *driver.Buffer
	places  placement
	tables  []*driver.Buffer
	staging *driver.HostBuffer // page-locked: inputs, then outputs
	in, out []transfer
	graph   *driver.Graph
	again   *driver.Graph // without the copies of the inputs
	plain   bool          // recording failed: launch one by one
	frames  *Frames
	runs    int
	repeats int
}

// transfer is a tensor that is copied between host and device.
type transfer struct {
	size  int       // elements
	host  []float32 // in the staging memory; nil: nothing travels
	at    int       // byte in the arena
	fixed []float32 // an output that is a constant
}

// call is a launch with addresses for arguments.
type call struct {
	kernel *driver.Kernel // nil: size bytes of the arena become 0, from at on
	at     int
	size   int
	grid   [3]int
	block  [3]int
	args   []any
}

func (r *Ready) prepare() error {
	b := &builder{net: r.net, program: r.program}
	for _, op := range r.program.Ops {
		if err := op.emit(b); err != nil {
			return err
		}
	}
	r.frames = b.frames
	var err error
	if r.stream, err = r.net.device.NewStream(); err != nil {
		return err
	}
	if r.arena, err = r.net.device.Alloc(max(r.places.size, alignment)); err != nil {
		return err
	}
	if err := r.stage(); err != nil {
		return err
	}
	for _, l := range b.all {
		c := call{grid: l.grid, block: [3]int{l.block, 1, 1}, args: l.args}
		if l.kernel == "" {
			o := l.args[0].(offset)
			r.calls = append(r.calls, call{at: r.places.at[r.program.root(o.tensor)] + 4*o.element, size: 4 * l.args[1].(int)})
			continue
		}
		if c.kernel, err = r.net.device.Kernel(l.kernel); err != nil {
			return err
		}
		for i, a := range c.args {
			switch t := a.(type) {
			case place:
				c.args[i], err = r.address(int(t))
			case offset:
				var first driver.Ptr
				first, err = r.address(t.tensor)
				c.args[i] = first + driver.Ptr(4*t.element)
			}
			if err != nil {
				return err
			}
		}
		r.calls = append(r.calls, c)
	}
	return nil
}

// stage allocates the page-locked memory through which inputs and outputs are copied: copies
// from there overlap with kernels, and a device that hangs never writes to the caller's
// memory.
func (r *Ready) stage() error {
	total := 0
	travel := func(tensors []int) []transfer {
		all := make([]transfer, len(tensors))
		for i, t := range tensors {
			all[i] = transfer{size: r.program.size(t), at: -1}
			root := r.program.root(t)
			if c := r.program.Tensors[root].Constant; c != nil {
				all[i].fixed = c.Data
			} else if at, ok := r.places.at[root]; ok { // else an input that nothing reads
				all[i].at = at
				total += all[i].size
			}
		}
		return all
	}
	r.in, r.out = travel(r.program.Inputs), travel(r.program.Outputs)
	var err error
	if r.staging, err = r.net.device.AllocHost(max(4*total, 4)); err != nil {
		return err
	}
	first := 0
	for _, all := range [][]transfer{r.in, r.out} {
		for i := range all {
			if t := &all[i]; t.at >= 0 {
				t.host = driver.HostSlice[float32](r.staging, 4*first, t.size)
				first += t.size
			}
		}
	}
	return nil
}

// address is a tensor's address.
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

// Bytes is the device memory that the program takes, without the weights.
func (r *Ready) Bytes() int { return r.places.size }

// Launches are the names of the kernels of one run, in order.
func (r *Ready) Launches() []string {
	var names []string
	for _, c := range r.calls {
		if c.kernel != nil {
			names = append(names, c.kernel.Name())
		}
	}
	return names
}

// Run copies the inputs in, runs the program and copies the outputs out; the slices
// are as long as the tensors.
func (r *Ready) Run(in, out [][]float32) error {
	if err := r.Start(in); err != nil {
		return err
	}
	return r.Finish(out)
}

// Start copies the inputs and queues a run; Finish must follow before the next Start. The
// first run queues the kernels one by one; the second records copies and kernels as a
// graph, which later runs replay with one call.
func (r *Ready) Start(in [][]float32) error {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	if err := fits(r.in, in, "inputs"); err != nil {
		return err
	}
	for i, t := range r.in {
		copy(t.host, in[i])
	}
	return r.net.device.Do(r.launch)
}

// RunFrame is Run for a program whose inputs are the bytes of a frame and integers, see FrameInput.
func (r *Ready) RunFrame(frame []byte, at []int32, out [][]float32) error {
	err := func() error {
		r.net.mu.Lock()
		defer r.net.mu.Unlock()
		if len(r.in) != 2 || 4*r.in[0].size < len(frame) || r.in[1].size != len(at) {
			return fmt.Errorf("a frame of %d bytes and %d integers given to a program of other inputs", len(frame), len(at))
		}
		copy(bytesOf(r.in[0].host), frame)
		for i, v := range at {
			r.in[1].host[i] = math.Float32frombits(uint32(v))
		}
		return r.net.device.Do(r.launch)
	}()
	if err != nil {
		return err
	}
	return r.Finish(out)
}

// bytesOf views numbers as bytes.
func bytesOf(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// Finish waits for the run that Start queued and gives its outputs.
func (r *Ready) Finish(out [][]float32) error {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	if err := fits(r.out, out, "outputs"); err != nil {
		return err
	}
	if err := r.stream.Synchronize(); err != nil {
		return err
	}
	for i, t := range r.out {
		if t.fixed != nil {
			copy(out[i], t.fixed)
		} else {
			copy(out[i], t.host)
		}
	}
	return nil
}

func fits(all []transfer, host [][]float32, what string) error {
	if len(all) != len(host) {
		return fmt.Errorf("%d %s given, the program has %d", len(host), what, len(all))
	}
	for i, t := range all {
		if t.size != len(host[i]) {
			return fmt.Errorf("%s: tensor %d has %d elements, %d given", what, i, t.size, len(host[i]))
		}
	}
	return nil
}

func (r *Ready) launch() error {
	r.runs++
	if r.frames != nil { // outside the graph: which copies it waits for changes
		if err := r.stream.Wait(r.frames.ready); err != nil {
			return err
		}
	}
	return r.replay(&r.graph, r.runs > 1, r.each)
}

// replay launches a graph, after recording it if it is time to; before that it queues the same work directly.
func (r *Ready) replay(graph **driver.Graph, record bool, each func() error) error {
	if *graph == nil && !r.plain && record {
		g, err := r.stream.Capture(each)
		if err != nil && r.net.device.Err() != nil {
			return err
		}
		*graph, r.plain = g, err != nil
	}
	if *graph != nil {
		return (*graph).Launch(r.stream)
	}
	return each()
}

// Again is Run on the previous run's inputs, which are still on the device if the program has Keep: it measures the cost of a network whose
// pictures are made there.
func (r *Ready) Again(out [][]float32) error {
	err := func() error {
		r.net.mu.Lock()
		defer r.net.mu.Unlock()
		if !r.program.Keep || r.runs == 0 {
			return errors.New("the inputs of no run were kept on the device")
		}
		r.repeats++
		return r.net.device.Do(func() error { return r.replay(&r.again, r.repeats > 1, r.compute) })
	}()
	if err != nil {
		return err
	}
	return r.Finish(out)
}

// each queues the copies and kernels of a run.
func (r *Ready) each() error {
	for _, t := range r.in {
		if t.host != nil {
			if err := driver.CopyIn(r.stream, r.arena, t.at, t.host); err != nil {
				return err
			}
		}
	}
	return r.compute()
}

// compute queues the kernels of a run and the copies of its outputs.
func (r *Ready) compute() error {
	for _, c := range r.calls {
		if c.kernel == nil {
			if err := r.arena.ZeroPart(r.stream, c.at, c.size); err != nil {
				return err
			}
			continue
		}
		if err := c.kernel.Launch(r.stream, c.grid, c.block, 0, c.args...); err != nil {
			return err
		}
	}
	for _, t := range r.out {
		if t.host != nil {
			if err := driver.CopyOut(r.stream, t.host, r.arena, t.at); err != nil {
				return err
			}
		}
	}
	return nil
}

// Free frees the program's memory.
func (r *Ready) Free() error {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	return r.free()
}

func (r *Ready) free() error {
	var errs []error
	for _, g := range []*driver.Graph{r.graph, r.again} {
		if g != nil {
			errs = append(errs, g.Close())
		}
	}
	if r.stream != nil {
		errs = append(errs, r.stream.Close())
	}
	for _, b := range append(slices.Clone(r.tables), r.arena) {
		if b != nil {
			errs = append(errs, b.Free())
		}
	}
	if r.staging != nil {
		errs = append(errs, r.staging.Free())
	}
	r.graph, r.again, r.stream, r.tables, r.arena, r.staging, r.calls = nil, nil, nil, nil, nil, nil, nil
	return errors.Join(errs...)
}
