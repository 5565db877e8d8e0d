//go:build cuda

package driver

import (
	"time"

	"gorgonia.org/cu"
)

// Stream is a queue of work; work in two streams is ordered only by events. A nil *Stream is the default stream.
type Stream struct {
	device    *Device
	s         cu.Stream
	capturing bool
	closed    bool
}

// NewStream makes a stream that does not wait for the default one.
func (d *Device) NewStream() (*Stream, error) {
	s := &Stream{device: d}
	err := d.Do(func() error {
		err := d.call("make stream", func() (err error) { s.s, err = cu.MakeStream(cu.NonBlocking); return err })
		if err == nil {
			d.live.Streams++
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Stream) raw() cu.Stream {
	if s == nil {
		return cu.NoStream
	}
	return s.s
}

// Synchronize waits until the stream's work is done. Host memory that was copied to is valid then.
func (s *Stream) Synchronize() error {
	return s.device.Do(func() error {
		err := s.device.call("synchronize stream", s.s.Synchronize)
		if err == nil {
			s.device.unpin(s)
		}
		return err
	})
}

// Wait lets later work of the stream begin only after the event.
func (s *Stream) Wait(e *Event) error {
	return s.device.Do(func() error {
		return s.device.call("wait for event", func() error { return s.s.Wait(e.e, 0) })
	})
}

// Close frees the stream after its work is done. A second call does nothing.
func (s *Stream) Close() error {
	d := s.device
	return d.Do(func() error {
		if s.closed {
			return nil
		}
		s.closed = true
		d.live.Streams--
		err := d.call("synchronize stream", s.s.Synchronize)
		d.unpin(s)
		if err2 := d.call("destroy stream", s.s.Destroy); err == nil {
			err = err2
		}
		return err
	})
}

// Event is a mark in a stream.
type Event struct {
	device *Device
	e      cu.Event
	closed bool
}

// NewEvent makes an event that can measure time.
func (d *Device) NewEvent() (*Event, error) {
	e := &Event{device: d}
	err := d.Do(func() error {
		err := d.call("make event", func() (err error) { e.e, err = cu.MakeEvent(cu.DefaultEvent); return err })
		if err == nil {
			d.live.Events++
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Record puts the mark after the work queued on s so far (nil: the default stream).
func (e *Event) Record(s *Stream) error {
	return e.device.Do(func() error {
		e.device.busy = true
		return e.device.call("record event", func() error { return e.e.Record(s.raw()) })
	})
}

// Synchronize waits until the work before the mark is done.
func (e *Event) Synchronize() error {
	return e.device.Do(func() error { return e.device.call("synchronize event", e.e.Synchronize) })
}

// Since is the device's time between two marks, both reached.
func (e *Event) Since(start *Event) (t time.Duration, err error) {
	err = e.device.Do(func() error {
		return e.device.call("measure time", func() error {
			ms, err := start.e.Elapsed(e.e)
			t = time.Duration(ms * float64(time.Millisecond))
			return err
		})
	})
	return t, err
}

// Close gives the event back. A second call does nothing.
func (e *Event) Close() error {
	return e.device.Do(func() error {
		if e.closed {
			return nil
		}
		e.closed = true
		e.device.live.Events--
		return e.device.call("destroy event", func() error { return cu.DestroyEvent(&e.e) })
	})
}
