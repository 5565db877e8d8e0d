package model

import (
	"errors"
	"fmt"
	"slices"

	"classlens/cuda/driver"
	"classlens/cuda/exec"
	"classlens/vision/scene"
)

// Frames keeps frames on a network's device, so that pictures are cropped there: each
// frame is copied once, however many people are in it. It is not safe for concurrent use.
type Frames struct {
	net  *Net
	data *exec.Frames
}

// HeldFrame is a frame on the device.
type HeldFrame struct {
	at            exec.Held
	width, height int
	flow          *scene.Flow // its shape
}

// Crop is a square of a frame, in source pixels.
type Crop struct {
	Frame      HeldFrame
	X, Y, Side float64
}

// ErrFramesFull means that frames must be dropped before another one can be put.
var ErrFramesFull = exec.ErrFull

// ErrNotOnDevice means that the network runs on the CPU, perhaps only since now: the caller must crop the
// pictures there, too.
var ErrNotOnDevice = errors.New("the network is not on a device")

// cropPlanes of a picture: RGB and flow.
const cropPlanes = 5

// colours are RGB alone, of 0 to 255, as a network with a Person takes them.
const colours = 3

// toBytes maps a crop's colours, -1 to 1, to 0 to 255: the factor, which is also the offset.
var toBytes = &value{shape: []int{colours}, floats: []float32{127.5, 127.5, 127.5}}

// cropShape is the shape of a crop for the network: planes and side; 0 if it takes no crops.
func (n *Net) cropShape() (planes, side int) {
	s := n.graph.inputs[0].Shape
	switch {
	case len(n.graph.inputs) != 1 || len(s) != 4:
	case n.person != nil && s[1] == colours:
		return colours, n.person.Side
	case s[1] == cropPlanes && s[2] > 0 && s[2] == s[3]:
		return cropPlanes, s[2]
	}
	return 0, 0
}

// NewFrames allocates memory for frames, in bytes, on the device of a network whose only input is pictures
// (N, 5, S, S) of RGB and flow, or that has a Person. The error wraps ErrNotOnDevice if there is no device, or not enough memory.
func (n *Net) NewFrames(bytes int) (*Frames, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.device == nil {
		return nil, ErrNotOnDevice
	}
	if _, side := n.cropShape(); side == 0 {
		return nil, fmt.Errorf("the network takes no pictures of RGB and flow: %w", ErrNotOnDevice)
	}
	f, err := n.device.net.NewFrames(bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotOnDevice, err)
	}
	n.device.frames = append(n.device.frames, f)
	return &Frames{n, f}, nil
}

// Put copies a frame and its flow, which may be nil, to the device. It does not wait for runs.
func (f *Frames) Put(frame scene.Frame, flow *scene.Flow) (HeldFrame, error) {
	h := HeldFrame{width: frame.Width, height: frame.Height}
	var uv []float32
	if flow != nil && flow.Interval > 0 {
		shape := *flow
		uv, shape.UV, h.flow = flow.UV, nil, &shape
	}
	f.net.mu.Lock()
	defer f.net.mu.Unlock()
	if f.net.device == nil {
		return h, ErrNotOnDevice
	}
	var err error
	if h.at, err = f.data.Put(frame.Pix, uv); err != nil && !errors.Is(err, exec.ErrFull) {
		f.net.leaveDevice(err)
		err = ErrNotOnDevice
	}
	return h, err
}

// Drop frees a frame's memory; runs that use it must be finished.
func (f *Frames) Drop(h HeldFrame) { f.data.Drop(h.at) }

// Close frees the memory.
func (f *Frames) Close() error {
	f.net.mu.Lock()
	defer f.net.mu.Unlock()
	if f.net.device == nil {
		return nil // it went with the device
	}
	for key, p := range f.net.plans {
		if p.frames == f.data {
			f.net.forget(key)
		}
	}
	n := f.net.device
	n.frames = slices.DeleteFunc(n.frames, func(g *exec.Frames) bool { return g == f.data })
	return f.data.Free()
}

// forget frees one plan.
func (n *Net) forget(key string) {
	n.plans[key].free()
	delete(n.plans, key)
	n.recent = slices.DeleteFunc(n.recent, func(k string) bool { return k == key })
	n.last = nil
}

// ClipRun is a run that was started by StartClips.
type ClipRun struct {
	net   *Net
	crops []Crop
	out   []Tensor
	plan  *plan // nil: it is done
}

// StartClips begins a run on pictures that the device crops from frames in f. batch is the size
// of the batch, at least the number of crops. A network can have one such run at a time.
// Finish gives the outputs; ErrNotOnDevice means that the network moved to the CPU, see DeviceError.
func (n *Net) StartClips(f *Frames, crops []Crop, batch int) (*ClipRun, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := &ClipRun{net: n, crops: crops, out: make([]Tensor, len(n.graph.outputs))}
	if n.device == nil {
		return nil, ErrNotOnDevice
	}
	most := n.device.most
	for most == 0 || batch <= most {
		p, err := n.startClips(f, crops, batch)
		if err == nil {
			r.plan = p
			return r, nil
		}
		if !exec.OutOfMemory(err) || batch < 2 {
			return nil, n.leave(err)
		}
		n.forgetPlans()
		most = batch / 2
		n.device.most = most
	}
	// More than fit in memory: all are run here, part by part.
	for first := 0; first < batch; first += most {
		size := min(most, batch-first)
		part := crops[min(first, len(crops)-1):min(first+size, len(crops))]
		p, err := n.startClips(f, part, size)
		if err == nil {
			err = n.land(&flight{p, first, size}, r.out, batch)
		}
		if err == nil {
			continue
		}
		if !exec.OutOfMemory(err) || most < 2 {
			return nil, n.leave(err)
		}
		n.forgetPlans()
		most /= 2
		n.device.most, first = most, -most // anew, in smaller parts
	}
	return r, nil
}

// leave moves the network to the CPU if err is the driver's; other errors are returned.
func (n *Net) leave(err error) error {
	if failed := (*driver.Error)(nil); !errors.As(err, &failed) {
		return err
	}
	n.leaveDevice(err)
	return ErrNotOnDevice
}

func (n *Net) startClips(f *Frames, crops []Crop, batch int) (*plan, error) {
	key := fmt.Sprintf("clips %d %p", batch, f)
	p := n.plans[key]
	if p == nil {
		planes, side := n.cropShape()
		var err error
		if p, err = n.addPlan(key, func() (*plan, error) { return n.compileDevice([][]int{{batch, planes, side, side}}, f.data) }); err != nil {
			return nil, err
		}
		if p.device == nil || len(p.tail) > 0 || !n.allMade(p) {
			return nil, fmt.Errorf("the device does not support all of the network: %w", ErrNotOnDevice)
		}
	}
	table := make([]float32, batch*exec.CropNumbers)
	for i := range batch {
		c := crops[min(i, len(crops)-1)] // what fills the batch up is dropped
		e := exec.Crop{Frame: c.Frame.at, Width: c.Frame.width, Height: c.Frame.height, X: c.X, Y: c.Y, Side: c.Side, Scale: 1}
		if w := c.Frame.flow; w != nil {
			e.FlowWidth, e.FlowHeight, e.Scale, e.Rate = w.Width, w.Height, w.Scale, 1/(w.Interval*c.Side)
		}
		e.Write(table[i*exec.CropNumbers:])
	}
	return p, p.device.Start([][]float32{table})
}

// Finish waits for the run and gives its outputs.
func (r *ClipRun) Finish() ([]Tensor, error) {
	if r.plan == nil {
		return r.out, nil
	}
	n := r.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.device == nil {
		return nil, ErrNotOnDevice
	}
	p := r.plan
	r.plan = nil
	to := make([][]float32, len(p.makes))
	for i, name := range p.makes {
		for j, o := range n.graph.outputs {
			if o.Name == name {
				r.out[j].Resize(p.shapes[i]...)
				to[i] = r.out[j].Data
			}
		}
	}
	if err := p.device.Finish(to); err != nil {
		return nil, n.leave(err)
	}
	return r.out, nil
}
