package exec

import (
	"errors"
	"fmt"

	"classlens/cuda/driver"
)

// Memory is a part of a device's memory in elements of 4 bytes; the zero value is none.
type Memory struct {
	block *driver.Buffer
	first int // element in the block
	N     int
}

// Ptr is the address for a kernel.
func (m Memory) Ptr() driver.Ptr {
	if m.block == nil {
		return 0
	}
	return m.block.At(4 * m.first)
}

// Part is n elements from the first on.
func (m Memory) Part(first, n int) Memory {
	if first < 0 || n < 0 || first+n > m.N {
		panic("exec: a part outside its memory")
	}
	return Memory{m.block, m.first + first, n}
}

// Recorder collects launches for work that is not a Program: a training step, whose weights
// change. Launches belong to a phase; a phase is recorded as a CUDA graph when it runs for
// the second time. All memory lives until Close. The first error is kept and returned
// by Run.
type Recorder struct {
	device *Device
	stream *driver.Stream
	blocks []*driver.Buffer
	hosts  []*driver.HostBuffer
	free   Memory // what is left of the last block
	phases []*Phase
	err    error
}

// Phase is a series of copies and launches.
type Phase struct {
	recorder *Recorder
	steps    []func() error
	graph    *driver.Graph
	runs     int
	needs    []need
	// Changing means that arguments change from run to run, so there is no graph.
	Changing bool
}

// NewRecorder makes an empty one; it does not close the device.
func NewRecorder(d *Device) (*Recorder, error) {
	s, err := d.NewStream()
	if err != nil {
		return nil, err
	}
	return &Recorder{device: d, stream: s}, nil
}

func (r *Recorder) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// blockSize is how many elements are allocated at a time.
const blockSize = 4 << 20

// Memory allocates n elements of zeros, aligned to 256 bytes.
func (r *Recorder) Memory(n int) Memory {
	if n < 0 || n > maxElements { // kernels count in 32 bits
		r.fail(fmt.Errorf("a tensor of %d elements, more than 2³⁰: take a smaller batch", n))
		return Memory{}
	}
	n4 := ceil(max(n, 1), alignment/4) * alignment / 4
	if r.free.N < n4 && r.err == nil {
		size := max(n4, blockSize)
		b, err := r.device.Alloc(4 * size)
		if err == nil {
			r.blocks = append(r.blocks, b)
			err = b.Zero(r.stream)
		}
		if err != nil {
			r.fail(err)
		}
		r.free = Memory{b, 0, size}
	}
	if r.err != nil {
		return Memory{}
	}
	m := r.free.Part(0, n)
	r.free = r.free.Part(n4, r.free.N-n4)
	return m
}

// Table allocates memory that holds these integers.
func (r *Recorder) Table(v []int32) Memory {
	m := r.Memory(len(v))
	if r.err == nil {
		r.fail(errors.Join(driver.CopyIn(r.stream, m.block, 4*m.first, v), r.stream.Synchronize()))
	}
	return m
}

// Write and Read copy at once, outside the phases.
func (r *Recorder) Write(m Memory, v []float32) error {
	return errors.Join(driver.CopyIn(r.stream, m.block, 4*m.first, v), r.stream.Synchronize())
}

// Read copies the memory's first len(v) elements.
func (r *Recorder) Read(v []float32, m Memory) error {
	return errors.Join(driver.CopyOut(r.stream, v, m.block, 4*m.first), r.stream.Synchronize())
}

// Host allocates n elements of page-locked host memory.
func Host[T float32 | int32](r *Recorder, n int) []T {
	if r.err != nil {
		return make([]T, n)
	}
	h, err := r.device.AllocHost(4 * max(n, 1))
	if err != nil {
		r.fail(err)
		return make([]T, n)
	}
	r.hosts = append(r.hosts, h)
	return driver.HostSlice[T](h, 0, n)
}

// Phase begins a phase.
func (r *Recorder) Phase() *Phase {
	p := &Phase{recorder: r}
	r.phases = append(r.phases, p)
	return p
}

func (p *Phase) add(step func() error) { p.steps = append(p.steps, step) }

// In copies page-locked memory to the device.
func In[T float32 | int32](p *Phase, m Memory, host []T) {
	p.add(func() error { return driver.CopyIn(p.recorder.stream, m.block, 4*m.first, host) })
}

// Out copies memory of the device to page-locked memory.
func Out(p *Phase, host []float32, m Memory) {
	p.add(func() error { return driver.CopyOut(p.recorder.stream, host, m.block, 4*m.first) })
}

// Launch appends a kernel; arguments are Memory, numbers, or a pointer to a number that
// is read when the phase runs (which must then be Changing).
func (p *Phase) Launch(name string, grid [3]int, block int, args ...any) {
	p.launchOf(0, name, grid, block, args...)
}

// launchOf is Launch for a kernel with much arithmetic; its first argument is the number of float32 multiplications and additions, or
// of those that take as long as the work on tensor cores.
func (p *Phase) launchOf(operations float64, name string, grid [3]int, block int, args ...any) {
	r := p.recorder
	n := need{kernel: name, operations: operations}
	for _, a := range args {
		if m, ok := a.(Memory); ok {
			n.bytes += 4 * float64(m.N)
		}
	}
	p.needs = append(p.needs, n)
	k, err := r.device.Kernel(name)
	if err != nil {
		r.fail(err)
		return
	}
	given := make([]any, len(args))
	p.add(func() error {
		for i, a := range args {
			switch v := a.(type) {
			case Memory:
				given[i] = v.Ptr()
			case *float32:
				given[i] = *v
			default:
				given[i] = a
			}
		}
		return k.Launch(r.stream, grid, [3]int{block, 1, 1}, 0, given...)
	})
}

// Run queues a phase.
func (p *Phase) Run() error {
	r := p.recorder
	if r.err != nil {
		return r.err
	}
	each := func() error {
		for _, s := range p.steps {
			if err := s(); err != nil {
				return err
			}
		}
		return nil
	}
	return r.device.Do(func() (err error) {
		p.runs++
		if p.graph == nil && p.runs == 2 && !p.Changing {
			if p.graph, err = r.stream.Capture(each); err != nil {
				return fmt.Errorf("record a phase: %w", err)
			}
		}
		if p.graph != nil {
			return p.graph.Launch(r.stream)
		}
		return each()
	})
}

// Wait waits for everything that was queued.
func (r *Recorder) Wait() error {
	if r.err != nil {
		return r.err
	}
	return r.stream.Synchronize()
}

// Close frees everything.
func (r *Recorder) Close() error {
	var errs []error
	for _, p := range r.phases {
		if p.graph != nil {
			errs = append(errs, p.graph.Close())
		}
	}
	errs = append(errs, r.stream.Close())
	for _, b := range r.blocks {
		errs = append(errs, b.Free())
	}
	for _, h := range r.hosts {
		errs = append(errs, h.Free())
	}
	r.phases, r.blocks, r.hosts = nil, nil, nil
	r.fail(errors.New("the recorder is closed"))
	return errors.Join(errs...)
}
