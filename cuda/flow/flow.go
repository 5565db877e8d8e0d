// Package flow computes dense optical flow on a CUDA device, coarse to fine, with the kernels flow_* of cuda/kernels. A *pair* is two
// grey pictures of one size; a *level* is all pairs at one resolution of the pyramid.
package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"classlens/cuda/driver"
	"classlens/cuda/kernels"
)

// rounds of Gauss-Newton per patch; more change the error by less than a hundredth of a pixel.
const rounds = 12

// coarsest is the smallest side of a level, in pixels.
const coarsest = 16

// level holds the planes of all pairs at one size.
type level struct {
	h, w, gh, gw            int
	from, to, patches, flow *driver.Buffer
}

// Flow computes the flow of a fixed number of pairs of a fixed size. It is not safe for concurrent use.
type Flow struct {
	device  *driver.Device
	modules []*driver.Module
	kernels map[string]*driver.Kernel
	pairs   int
	levels  []level // finest first
	stream  *driver.Stream
	host    *driver.HostBuffer // page-locked: both pictures, which the flow then replaces
	graph   *driver.Graph      // of a run at rate; nil before the second one, or if it cannot be recorded
	rate    float32
	runs    int
}

// New allocates memory for pairs of grey pictures of h x w pixels, both at least 16. Close frees it.
func New(d *driver.Device, pairs, h, w int) (*Flow, error) {
	if pairs < 1 || h < coarsest || w < coarsest {
		return nil, fmt.Errorf("flow: %d pairs of %d x %d pixels; want at least one, of %d x %d", pairs, w, h, coarsest, coarsest)
	}
	f := &Flow{device: d, kernels: map[string]*driver.Kernel{}, pairs: pairs}
	if err := f.open(h, w); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Flow) open(h, w int) (err error) {
	if f.stream, err = f.device.NewStream(); err != nil {
		return err
	}
	if f.host, err = f.device.AllocHost(4 * 2 * f.pairs * h * w); err != nil {
		return err
	}
	for _, m := range kernels.Modules() {
		if !strings.HasPrefix(m.Name, "flow_") {
			continue
		}
		module, err := f.device.Load([]byte(m.PTX))
		if err != nil {
			return err
		}
		f.modules = append(f.modules, module)
		for _, name := range m.Kernels {
			if f.kernels[name], err = module.Function(name); err != nil {
				return err
			}
		}
	}
	for ; min(h, w) >= coarsest; h, w = h/2, w/2 {
		l := level{h: h, w: w, gh: (h-8+3)/4 + 1, gw: (w-8+3)/4 + 1}
		for _, b := range []struct {
			to    **driver.Buffer
			count int
		}{{&l.from, h * w}, {&l.to, h * w}, {&l.patches, 2 * l.gh * l.gw}, {&l.flow, 2 * h * w}} {
			if *b.to, err = f.device.Alloc(4 * f.pairs * b.count); err != nil {
				f.levels = append(f.levels, l)
				return err
			}
		}
		f.levels = append(f.levels, l)
	}
	return nil
}

// Close frees the device's memory. A second call does nothing.
func (f *Flow) Close() error {
	var errs []error
	if f.graph != nil {
		errs = append(errs, f.graph.Close())
	}
	if f.stream != nil {
		errs = append(errs, f.stream.Close())
	}
	if f.host != nil {
		errs = append(errs, f.host.Free())
	}
	for _, l := range f.levels {
		for _, b := range []*driver.Buffer{l.from, l.to, l.patches, l.flow} {
			if b != nil {
				errs = append(errs, b.Free())
			}
		}
	}
	for _, m := range f.modules {
		errs = append(errs, m.Close())
	}
	f.graph, f.stream, f.host, f.levels, f.modules = nil, nil, nil, nil, nil
	return errors.Join(errs...)
}

// grey is a brightness from 0 to 255.
type grey interface{ uint8 | float32 }

// Between gives the displacement of each pixel from from to to, (pairs, h, w, 2) in pixels times rate. from and to are pictures, (pairs, h, w). The
// second call records a graph of copies and kernels, which later calls at the same rate replay.
func Between[T grey](f *Flow, from, to []T, rate float32) ([]float32, error) {
	if len(f.levels) == 0 {
		return nil, fmt.Errorf("flow: used after Close")
	}
	top := f.levels[0]
	if n := f.pairs * top.h * top.w; len(from) != n || len(to) != n {
		return nil, fmt.Errorf("flow: pictures of %d and %d values, want %d", len(from), len(to), n)
	}
	n := len(from)
	host := driver.HostSlice[float32](f.host, 0, 2*n)
	for i := range n {
		host[i], host[n+i] = float32(from[i]), float32(to[i])
	}
	if err := f.device.Do(func() error { return f.run(rate) }); err != nil { // as one call: nobody else may copy while a graph is recorded
		return nil, err
	}
	if err := f.stream.Synchronize(); err != nil {
		return nil, err
	}
	return slices.Clone(host), nil
}

// run queues one computation, from the second on as a graph.
func (f *Flow) run(rate float32) error {
	if f.graph != nil && f.rate != rate {
		err := f.graph.Close()
		if f.graph, f.runs = nil, 0; err != nil {
			return err
		}
	}
	f.runs++
	f.rate = rate
	if f.runs == 2 {
		g, err := f.stream.Capture(func() error { return f.queue(rate) })
		if err != nil && f.device.Err() != nil {
			return err
		}
		if err == nil {
			f.graph = g
		}
	}
	if f.graph != nil {
		return f.graph.Launch(f.stream)
	}
	return f.queue(rate)
}

// queue copies the pictures to the device, launches the kernels (from fine to coarse for the pictures, back to fine for the flow) and copies the flow back.
func (f *Flow) queue(rate float32) error {
	top, n := f.levels[0], f.pairs*f.levels[0].h*f.levels[0].w
	host := driver.HostSlice[float32](f.host, 0, 2*n)
	if err := driver.CopyIn(f.stream, top.from, 0, host[:n]); err != nil {
		return err
	}
	if err := driver.CopyIn(f.stream, top.to, 0, host[n:]); err != nil {
		return err
	}
	for i := 1; i < len(f.levels); i++ {
		above, l := f.levels[i-1], f.levels[i]
		if err := f.launch("flow_halve", l.h*l.w, 128, above.from, l.from, above.h, above.w); err != nil {
			return err
		}
		if err := f.launch("flow_halve", l.h*l.w, 128, above.to, l.to, above.h, above.w); err != nil {
			return err
		}
	}
	for i := len(f.levels) - 1; i >= 0; i-- {
		l, coarse, factor := f.levels[i], any(driver.Ptr(0)), float32(1)
		if i+1 < len(f.levels) {
			coarse = f.levels[i+1].flow
		}
		if i == 0 {
			factor = rate
		}
		if err := f.launch("flow_patches", l.gh*l.gw, 4, l.from, l.to, coarse, l.patches, l.h, l.w, l.gh, l.gw, rounds); err != nil {
			return err
		}
		if err := f.launch("flow_dense", l.h*l.w, 128, l.from, l.to, l.patches, l.flow, l.h, l.w, l.gh, l.gw, factor); err != nil {
			return err
		}
	}
	return driver.CopyOut(f.stream, host, top.flow, 0)
}

// launch starts a kernel over n items, with per items per block.
func (f *Flow) launch(name string, n, per int, args ...any) error {
	return f.kernels[name].Launch(f.stream, [3]int{(n + per - 1) / per, f.pairs, 1}, [3]int{128, 1, 1}, 0, args...)
}
