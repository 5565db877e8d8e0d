package exec

import (
	"errors"
	"fmt"
	"math"

	"classlens/cuda/driver"
)

// Frames is a block of a device's memory for frames and their flows: each is copied
// there once, and the classroom network's pictures are cropped from it. Copies run on a
// stream of their own, concurrently with the kernels of earlier runs. It is not safe for concurrent use.
type Frames struct {
	device *Device
	block  *driver.Buffer
	upload *driver.Stream
	ready  *driver.Event // behind the last copy
	places []Held        // taken parts, by place
	stages [2]stage      // page-locked memory, by turns
	next   int
}

// stage is page-locked memory through which a frame is copied; free is an event after its last copy.
type stage struct {
	host *driver.HostBuffer
	free *driver.Event
	used bool
}

// Held is the place of a frame, in units of 16 bytes.
type Held struct{ at, size, flow int }

// ErrFull means that a block of frames has no room for another one.
var ErrFull = errors.New("no room for another frame")

// unit of the places in a block: what the copies and tables want.
const unit = 16

// NewFrames allocates a block of this many bytes, below 64 GiB.
func (n *Net) NewFrames(bytes int) (*Frames, error) {
	f := &Frames{device: n.device}
	err := func() (err error) {
		if f.block, err = n.device.Alloc(bytes); err != nil {
			return err
		}
		if f.upload, err = n.device.NewStream(); err != nil {
			return err
		}
		if f.ready, err = n.device.NewEvent(); err != nil {
			return err
		}
		for i := range f.stages {
			if f.stages[i].free, err = n.device.NewEvent(); err != nil {
				return err
			}
		}
		return nil
	}()
	if err != nil {
		return nil, errors.Join(err, f.Free())
	}
	return f, nil
}

// Put copies a frame, (h, w, 3) bytes, and its flow, (fh, fw, 2) or nil. The slices may be
// changed after it returns. ErrFull means that Drop must be called first.
func (f *Frames) Put(rgb []byte, flow []float32) (Held, error) {
	first := ceil(len(rgb), unit)
	h := Held{size: first + ceil(4*len(flow), unit)}
	i := 0
	for ; i < len(f.places); i++ { // the first gap that is wide enough
		if p := f.places[i]; h.at+h.size <= p.at {
			break
		} else {
			h.at = p.at + p.size
		}
	}
	if (h.at+h.size)*unit > f.block.Len() {
		return Held{}, ErrFull
	}
	h.flow = h.at + first
	s := &f.stages[f.next]
	f.next = 1 - f.next
	if s.used {
		if err := s.free.Synchronize(); err != nil {
			return Held{}, err
		}
	}
	if s.host == nil || len(s.host.Bytes()) < h.size*unit {
		if s.host != nil {
			if err := s.host.Free(); err != nil {
				return Held{}, err
			}
			s.host = nil
		}
		host, err := f.device.AllocHost(h.size * unit)
		if err != nil {
			return Held{}, err
		}
		s.host = host
	}
	copy(s.host.Bytes(), rgb)
	if len(flow) > 0 {
		copy(driver.HostSlice[float32](s.host, first*unit, len(flow)), flow)
	}
	s.used = true
	err := errors.Join(driver.CopyIn(f.upload, f.block, h.at*unit, s.host.Bytes()[:h.size*unit]), s.free.Record(f.upload), f.ready.Record(f.upload))
	if err != nil {
		return Held{}, err
	}
	f.places = append(f.places, Held{})
	copy(f.places[i+1:], f.places[i:])
	f.places[i] = h
	return h, nil
}

// Drop frees a frame's part of the block; runs that read it must be finished.
func (f *Frames) Drop(h Held) {
	for i, p := range f.places {
		if p == h {
			f.places = append(f.places[:i], f.places[i+1:]...)
			return
		}
	}
}

// Free frees the memory.
func (f *Frames) Free() error {
	var errs []error
	for _, s := range f.stages {
		if s.host != nil {
			errs = append(errs, s.host.Free())
		}
		if s.free != nil {
			errs = append(errs, s.free.Close())
		}
	}
	if f.ready != nil {
		errs = append(errs, f.ready.Close())
	}
	if f.upload != nil {
		errs = append(errs, f.upload.Close())
	}
	if f.block != nil {
		errs = append(errs, f.block.Free())
	}
	return errors.Join(errs...)
}

// Crop is a square of a frame that the kernel crops.
type Crop struct {
	Frame                                Held
	Width, Height, FlowWidth, FlowHeight int
	X, Y, Side                           float64 // top left corner and side, source pixels
	Rate                                 float64 // what flow is multiplied by; 0 where there is none
	Scale                                float64 // source pixels a cell of the flow
}

// CropNumbers is how many numbers describe a crop to the kernel.
const CropNumbers = 16

// Write writes the crop to the table that the kernel reads.
func (c *Crop) Write(to []float32) {
	x, y := math.Floor(c.X), math.Floor(c.Y)
	for i, v := range []int{c.Frame.at, c.Frame.flow, c.Width, c.Height, c.FlowWidth, c.FlowHeight, int(x), int(y)} {
		to[i] = math.Float32frombits(uint32(int32(v)))
	}
	for i, v := range []float64{c.X - x, c.Y - y, c.Side, c.Rate, c.Scale} {
		to[8+i] = float32(v)
	}
}

// Clip crops pictures from frames: Crops (N, CropNumbers), Y (N, 5, s, s).
type Clip struct {
	Frames   *Frames
	Crops, Y int
}

func (c *Clip) reads() []int { return []int{c.Crops} }
func (c *Clip) writes() int  { return c.Y }

func (c *Clip) emit(b *builder) error {
	y := b.shape(c.Y)
	if len(y) != 4 || y[1] != 5 || y[2] != y[3] {
		return fmt.Errorf("crops of shape %v, want (N, 5, S, S)", y)
	}
	b.frames = c.Frames
	b.launch("clip", [3]int{y[0], ceil(y[2]*y[3], 128), 1}, 128, c.Frames.block, b.at(c.Crops), b.at(c.Y), y[2])
	return nil
}
