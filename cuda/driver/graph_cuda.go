//go:build cuda

package driver

/*
#include <cuda.h>
*/
import "C"

import (
	"errors"
	"unsafe"
)

// Graph is recorded work that is queued again with one call: for a network of many small kernels, whose launches would each
// cost the host more than the device. It refers to the buffers that it was recorded with, which must stay allocated.
type Graph struct {
	device *Device
	exec   C.CUgraphExec
	closed bool
}

// Capture records what record queues on s, without executing it. Work on other streams is not recorded unless they wait for an
// event of s, and s waits for one of theirs at the end. Buffers may be allocated inside, not freed.
func (s *Stream) Capture(record func() error) (*Graph, error) {
	if err := s.beginCapture(); err != nil {
		return nil, err
	}
	err := record()
	g := &Graph{device: s.device}
	if err2 := s.endCapture(g, err == nil); err == nil {
		err = err2
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (s *Stream) handle() C.CUstream { return *(*C.CUstream)(unsafe.Pointer(&s.s)) }

func (s *Stream) beginCapture() error {
	d := s.device
	return d.Do(func() error {
		if s.capturing {
			return callError("begin recording", "the stream records already")
		}
		// relaxed: a kernel that is loaded lazily at its first launch may be recorded
		err := d.call("begin recording", func() error {
			return result(C.cuStreamBeginCapture(s.handle(), C.CU_STREAM_CAPTURE_MODE_RELAXED))
		})
		if err == nil {
			s.capturing = true
			d.captures++
		}
		return err
	})
}

func (s *Stream) endCapture(g *Graph, keep bool) error {
	d := s.device
	return d.Do(func() error {
		var recorded C.CUgraph
		s.capturing = false
		d.captures--
		end := func() error { return result(C.cuStreamEndCapture(s.handle(), &recorded)) }
		err := d.call("end recording", end)
		if err != nil && d.Err() == nil {
			_ = end() // the stream must not stay in recording
		}
		if err == nil && keep {
			err = d.call("make graph", func() error { return result(C.cuGraphInstantiateWithFlags(&g.exec, recorded, 0)) })
		}
		if err == nil && keep {
			d.live.Graphs++
		}
		if recorded != nil && d.Err() == nil {
			err = errors.Join(err, d.call("destroy recording", func() error { return result(C.cuGraphDestroy(recorded)) }))
		}
		return err
	})
}

// Launch queues the recorded work on s (nil: the default stream).
func (g *Graph) Launch(s *Stream) error {
	d := g.device
	return d.Do(func() error {
		if g.closed {
			return callError("launch graph", "it is closed")
		}
		d.busy = true
		return d.call("launch graph", func() error {
			var stream C.CUstream
			if s != nil {
				stream = s.handle()
			}
			return result(C.cuGraphLaunch(g.exec, stream))
		})
	})
}

// Close frees the graph, after the work that was queued so far. A second call does nothing.
func (g *Graph) Close() error {
	d := g.device
	return d.Do(func() error {
		if g.closed {
			return nil
		}
		if d.busy {
			if err := d.synchronize(); err != nil {
				return err
			}
		}
		g.closed = true
		d.live.Graphs--
		return d.call("destroy graph", func() error { return result(C.cuGraphExecDestroy(g.exec)) })
	})
}
