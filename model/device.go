package model

import (
	"errors"
	"fmt"

	"classlens/cuda/driver"
	"classlens/cuda/exec"
)

// onDevice is what a network has on a CUDA device. The graph's ops are handed to
// cuda/exec as a program for each set of input shapes; what it has no kernel for runs
// in plain Go after it, as behind the CPU's kernels.
type onDevice struct {
	net       *exec.Net
	constants map[*value]*exec.Constant
	most      int // images at a time, after memory ran out; 0: no limit
}

// openDevice readies a network for the device of its options.
func (n *Net) openDevice(name string) error {
	d, err := exec.Open(name)
	if err != nil {
		return err
	}
	net, err := exec.NewNet(d)
	if err != nil {
		return errors.Join(err, d.Close())
	}
	n.device = &onDevice{net: net, constants: map[*value]*exec.Constant{}}
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

// DeviceError is why the network left its device for the CPU, nil while it has not.
func (n *Net) DeviceError() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lost
}

// runDevice evaluates the network on its device. When memory runs out, the batch is
// halved until it fits. When not even one picture fits, or the device fails in any
// other way, the network goes on on the CPU and remembers why.
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

// leaveDevice makes the CPU run what follows.
func (n *Net) leaveDevice(why error) {
	n.lost = why
	for _, p := range n.plans {
		p.free()
	}
	n.device.net.Close()
	n.device, n.plans, n.recent, n.last = nil, map[string]*plan{}, nil, nil
}

// runParts runs the whole batch, or as many images at a time as memory allows.
func (n *Net) runParts(in, out []Tensor) error {
	images := batchOf(in)
	for {
		if most := n.device.most; most > 0 && images > most {
			err := n.inParts(in, out, images, most)
			if !exec.OutOfMemory(err) {
				return err
			}
			if most == 1 {
				return err
			}
			n.device.most = most / 2
			continue
		}
		p, err := n.planFor(in)
		if err == nil {
			err = n.run(p, in, out)
		}
		if !exec.OutOfMemory(err) || images < 2 {
			return err
		}
		n.forgetPlans()
		n.device.most = (images + 1) / 2
	}
}

// forgetPlans frees all plans: memory is needed.
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

// inParts runs most images at a time and joins the results.
func (n *Net) inParts(in, out []Tensor, images, most int) error {
	for first := 0; first < images; first += most {
		size := min(most, images-first)
		part, got := make([]Tensor, len(in)), make([]Tensor, len(out))
		for i, t := range in {
			each := count(t.Shape[1:])
			part[i] = Tensor{Shape: append([]int{size}, t.Shape[1:]...), Data: t.Data[first*each : (first+size)*each]}
		}
		p, err := n.planFor(part)
		if err == nil {
			err = n.run(p, part, got)
		}
		if exec.OutOfMemory(err) {
			n.forgetPlans()
		}
		if err != nil {
			return err
		}
		for i, t := range got {
			if len(t.Shape) == 0 || t.Shape[0] != size {
				return fmt.Errorf("output %s of shape %v cannot be joined from parts: %w", n.graph.outputs[i].Name, t.Shape, driver.ErrMemory)
			}
			if first == 0 {
				out[i].resize(append([]int{images}, t.Shape[1:]...))
			}
			copy(out[i].Data[first*count(t.Shape[1:]):], t.Data)
		}
	}
	return nil
}

// constant is a graph's constant for the device: one a value, so that plans share it.
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
