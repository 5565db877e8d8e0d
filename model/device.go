package model

import (
	"errors"
	"fmt"
	"slices"

	"classlens/cuda/driver"
	"classlens/cuda/exec"
)

// onDevice is a network's state on a CUDA device. For each set of input shapes, the graph's ops are passed
// to cuda/exec as a program; ops without a kernel run in plain Go after it, as they do
// after the CPU's kernels.
type onDevice struct {
	net       *exec.Net
	constants map[*value]*exec.Constant
	most      int // images at a time, reduced when memory ran out; 0: no limit
	frames    []*exec.Frames
	keep      bool // the inputs, for Again
}

// Precision is the type in which a GPU computes convolutions and products with weights; sums, inputs
// and outputs are float32. The CPU always uses float32.
type Precision string

// The precisions. FP16 and BF16 run on tensor cores and move half as many bytes; FP16
// rounds to 11 bits, BF16 to 8.
const (
	Float32 Precision = "float32"
	FP16    Precision = "fp16"
	BF16    Precision = "bf16"
)

// openDevice prepares a network for the device in its options.
func (n *Net) openDevice(o Options) error {
	precision, ok := exec.ParsePrecision(string(o.Precision))
	if !ok {
		return fmt.Errorf("precision %q: there are %s, %s and %s", o.Precision, Float32, FP16, BF16)
	}
	d, err := exec.Open(o.Device)
	if err != nil {
		return err
	}
	n.device = &onDevice{net: exec.NewNet(d, precision), most: o.MaxBatch, constants: map[*value]*exec.Constant{}, keep: o.Keep}
	return nil
}

// Device says where the network runs: "cpu", or the device's name.
func (n *Net) Device() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.device == nil {
		return CPU
	}
	return n.device.net.Device().Info().Name
}

// DeviceError is why the network moved from its device to the CPU; nil while it has not.
func (n *Net) DeviceError() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lost
}

// runDevice evaluates the network on its device. If memory runs out, the batch is
// halved until it fits. If not even one picture fits, or the device fails in any
// other way, the network moves to the CPU for good and remembers why.
func (n *Net) runDevice(in, out []Tensor) error {
	err := n.runParts(in, out)
	if failed := (*driver.Error)(nil); !errors.As(err, &failed) && !exec.OutOfMemory(err) {
		return err
	}
	n.leaveDevice(err)
	p, err := n.planFor(in)
	if err != nil {
		return err
	}
	return n.run(p, in, out)
}

// leaveDevice moves the network to the CPU.
func (n *Net) leaveDevice(why error) {
	n.lost = why
	for _, p := range n.plans {
		p.free()
	}
	for _, f := range n.device.frames {
		_ = f.Free() // further errors of a failed device add nothing
	}
	n.device.net.Close()
	n.device, n.plans, n.recent, n.last = nil, map[string]*plan{}, nil, nil
}

// runParts runs the whole batch, or as many images at a time as memory allows.
func (n *Net) runParts(in, out []Tensor) error {
	images := batchOf(in)
	for {
		most := n.device.most
		var err error
		if most > 0 && images > most {
			err = n.inParts(in, out, images, most)
		} else {
			most = images
			var p *plan
			if p, err = n.planFor(in); err == nil {
				err = n.run(p, in, out)
			}
		}
		if !exec.OutOfMemory(err) || most < 2 {
			return err
		}
		n.forgetPlans()
		n.device.most = most / 2
	}
}

// forgetPlans frees all plans, to regain memory.
func (n *Net) forgetPlans() {
	for _, p := range n.plans {
		p.free()
	}
	n.plans, n.recent, n.last = map[string]*plan{}, nil, nil
}

// batchOf is the common first dimension of the inputs, 0 when they have none.
func batchOf(in []Tensor) int {
	images := 0
	for i, t := range in {
		if len(t.Shape) == 0 || (i > 0 && t.Shape[0] != images) {
			return 0
		}
		images = t.Shape[0]
	}
	return images
}

// flight is a part of a batch that the device works on.
type flight struct {
	plan        *plan
	first, size int
}

// inParts runs most images at a time and joins the results. Two parts are in flight at
// once: while the kernels of one run, the other's pictures are copied.
func (n *Net) inParts(in, out []Tensor, images, most int) (err error) {
	var inFlight [2]*flight
	land := func(slot int) error {
		f := inFlight[slot]
		inFlight[slot] = nil
		if f == nil {
			return nil
		}
		return n.land(f, out, images)
	}
	defer func() {
		for slot := range inFlight {
			err = errors.Join(err, land(slot))
		}
	}()
	for k, first := 0, 0; first < images; k, first = k+1, first+most {
		size, slot := min(most, images-first), k%2
		part := make([]Tensor, len(in))
		for i, t := range in {
			each := count(t.Shape[1:])
			part[i] = Tensor{Shape: append([]int{size}, t.Shape[1:]...), Data: t.Data[first*each : (first+size)*each]}
		}
		if err := land(slot); err != nil {
			return err
		}
		if n.planned(part, slot) == nil { // making a plan may free the other part's
			if err := land(1 - slot); err != nil {
				return err
			}
		}
		p, err := n.planIn(part, slot)
		if err != nil {
			return err
		}
		if p.device == nil || len(p.tail) > 0 || !n.allMade(p) {
			if err := n.runPart(p, part, out, images, first); err != nil {
				return err
			}
			continue
		}
		n.in = n.in[:0]
		for _, i := range p.reads {
			n.in = append(n.in, part[i].Data)
		}
		if err := p.device.Start(n.in); err != nil {
			return err
		}
		inFlight[slot] = &flight{p, first, size}
	}
	return nil
}

// land waits for a part and writes its results to their rows.
func (n *Net) land(f *flight, out []Tensor, images int) error {
	n.out = n.out[:0]
	for i, name := range f.plan.makes {
		shape := f.plan.shapes[i]
		at := slices.IndexFunc(n.graph.outputs, func(p Port) bool { return p.Name == name })
		to, err := n.rows(out, at, shape, images, f.first, f.size)
		if err != nil {
			return err
		}
		n.out = append(n.out, to)
	}
	return f.plan.device.Finish(n.out)
}

// runPart runs a part whose last ops run in plain Go.
func (n *Net) runPart(p *plan, part, out []Tensor, images, first int) error {
	got := make([]Tensor, len(out))
	if err := n.run(p, part, got); err != nil {
		return err
	}
	for i, t := range got {
		to, err := n.rows(out, i, t.Shape, images, first, part[0].Shape[0])
		if err != nil {
			return err
		}
		copy(to, t.Data)
	}
	return nil
}

// rows are the rows of an output, allocated at the first part, for the results of a part.
func (n *Net) rows(out []Tensor, at int, shape []int, images, first, size int) ([]float32, error) {
	if len(shape) == 0 || shape[0] != size {
		return nil, fmt.Errorf("output %s of shape %v cannot be joined from parts: %w", n.graph.outputs[at].Name, shape, driver.ErrMemory)
	}
	each := count(shape[1:])
	if first == 0 {
		out[at].Resize(append([]int{images}, shape[1:]...)...)
	}
	return out[at].Data[first*each : (first+size)*each], nil
}

// constant is a graph's constant for the device; plans share it.
func (d *onDevice) constant(v *value) *exec.Constant {
	c := d.constants[v]
	if c == nil {
		c = &exec.Constant{Shape: v.shape, Data: v.floats}
		if v.isInt() {
			c.Data = make([]float32, len(v.ints))
			for i := range c.Data {
				c.Data[i] = float32(v.ints[i])
			}
		}
		d.constants[v] = c
	}
	return c
}

// Limit is the roofline of a run on the device, in seconds: see exec.Ready.Limit. 0 on
// the CPU.
func (n *Net) Limit(in ...Tensor) (float64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.device == nil {
		return 0, nil
	}
	p, err := n.planFor(in)
	if err != nil || p.device == nil {
		return 0, err
	}
	return p.device.Limit(n.device.net.Device().Info().Peak()), nil
}

// Again evaluates the network, which must have been loaded with Keep, on the previous run's inputs, which are still on the device: it measures the cost for
// pictures that are made there. ErrNotOnDevice means that the network runs on the CPU, or partly so, or that the previous run was in parts.
func (n *Net) Again(out []Tensor) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.device == nil || n.last == nil || n.last.device == nil || len(n.last.tail) > 0 || !n.allMade(n.last) || len(out) != len(n.graph.outputs) {
		return ErrNotOnDevice
	}
	n.out = n.out[:0]
	for i, name := range n.last.makes {
		at := slices.IndexFunc(n.graph.outputs, func(p Port) bool { return p.Name == name })
		out[at].Resize(n.last.shapes[i]...)
		n.out = append(n.out, out[at].Data)
	}
	return n.last.device.Again(n.out)
}
