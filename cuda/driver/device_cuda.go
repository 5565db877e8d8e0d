//go:build cuda

package driver

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"gorgonia.org/cu"
)

// Built says whether this program has the device layer.
const Built = true

// Device is an open device: one context, current on one OS thread, and everything in it.
type Device struct {
	info   Info
	ctx    cu.CUContext
	thread int           // the OS thread that owns the context
	jobs   chan job      // work for that thread
	gone   chan struct{} // closed by Close
	once   sync.Once

	mu      sync.Mutex
	lost    error         // the error that spoiled or stopped the device
	timeout time.Duration // how long a call may take

	// only the device's thread touches these
	busy     bool // work was queued since the last full synchronisation
	captures int  // streams that record
	heap     *heap
	pins     map[*Stream]*runtime.Pinner // Go memory of copies that may still run
	hosts    []*HostBuffer
	live     Counts
	plan     *faultPlan
}

type job struct {
	work  func() error
	reply chan error
}

// Counts are the objects of a device that have not been freed.
type Counts struct {
	Buffers, HostBuffers, Streams, Events, Modules, Graphs int
}

// Devices lists the devices that the driver finds; without a driver the list is empty. A driver that does not work is an
// error of class ErrNoDevice. The first call loads the driver, which can take a fraction of a second.
func Devices() ([]Info, error) {
	loaded, err := open(os.Getenv(LibraryVariable))
	if !loaded || err != nil {
		return nil, err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, convert("count devices", codeOf(err))
	}
	list := make([]Info, 0, n)
	for i := range n {
		info, err := describe(i)
		if err != nil {
			return nil, fmt.Errorf("device %d: %w", i, err)
		}
		list = append(list, info)
	}
	return list, nil
}

func describe(i int) (Info, error) {
	info := Info{Index: i, Simulated: simulated(), DriverVersion: cu.Version()}
	dev, err := cu.GetDevice(i)
	if err != nil {
		return info, convert("get device", codeOf(err))
	}
	if info.Name, err = dev.Name(); err != nil {
		return info, convert("get device name", codeOf(err))
	}
	info.Name = strings.TrimRight(info.Name, " \x00") // cu gives its whole buffer
	id, err := dev.UUID()
	if err != nil {
		return info, convert("get device UUID", codeOf(err))
	}
	info.UUID = "GPU-" + id.String()
	if info.Memory, err = dev.TotalMem(); err != nil {
		return info, convert("get device memory", codeOf(err))
	}
	for _, a := range []struct {
		what cu.DeviceAttribute
		to   *int
	}{
		{cu.ComputeCapabilityMajor, &info.ComputeMajor},
		{cu.ComputeCapabilityMinor, &info.ComputeMinor},
		{cu.MultiprocessorCount, &info.Multiprocessors},
		{cu.ClockRate, &info.Clock},
		{cu.MemoryClockRate, &info.MemoryClock},
		{cu.GlobalMemoryBusWidth, &info.MemoryBus},
	} {
		if *a.to, err = dev.Attribute(a.what); err != nil {
			return info, convert("get device attribute", codeOf(err))
		}
	}
	return info, nil
}

// Open makes a context on the device with this UUID, unless it is Unfit. Close the device after use.
func Open(uuid string) (*Device, error) {
	all, err := Devices()
	if err != nil {
		return nil, err
	}
	for _, info := range all {
		if info.UUID == uuid {
			if err := info.Unfit(); err != nil {
				return nil, err
			}
			return start(info)
		}
	}
	return nil, &Error{Op: "open device", Class: ErrNoDevice, Detail: fmt.Sprintf("none of %d devices has the UUID %s", len(all), uuid)}
}

// Usual time limits of a call. The simulated device interprets, on a CPU that others use, too.
const (
	usualTimeout     = 30 * time.Second
	simulatedTimeout = 30 * time.Minute
)

// timeoutTicks is how many ticks a time limit is divided into, so that only time in which this process ran counts: if it is suspended for a while, only one tick
// has passed when it resumes, and the device is not taken for stuck.
const timeoutTicks = 20

func start(info Info) (*Device, error) {
	d := &Device{info: info, jobs: make(chan job), gone: make(chan struct{}), timeout: usualTimeout,
		pins: map[*Stream]*runtime.Pinner{}}
	if interpreted() {
		d.timeout = simulatedTimeout
	}
	d.heap = newHeap(info.Simulated, d.memAlloc, d.memFree)
	d.plan = planFromEnvironment(info.Simulated)
	ready := make(chan error, 1)
	go d.own(ready)
	if err := <-ready; err != nil {
		return nil, err
	}
	return d, nil
}

// own is the device's goroutine. It never unlocks its thread: when it returns, the thread ends with it.
func (d *Device) own(ready chan<- error) {
	runtime.LockOSThread()
	d.thread = syscall.Gettid()
	err := d.call("make context", func() error {
		var err error
		d.ctx, err = cu.Device(d.info.Index).MakeContext(cu.SchedAuto)
		return err
	})
	ready <- err
	if err != nil {
		return
	}
	for {
		select {
		case j := <-d.jobs:
			j.reply <- j.work()
		case <-d.gone:
			return
		}
	}
}

// Info describes the device.
func (d *Device) Info() Info { return d.info }

// SetTimeout sets how long one call may take before the device counts as stuck.
func (d *Device) SetTimeout(t time.Duration) {
	d.mu.Lock()
	d.timeout = t
	d.mu.Unlock()
}

// Err is the error that made the device unusable, or nil.
func (d *Device) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}

// Do runs f on the device's thread, where calls need no switch of threads: use it for a series of launches. f must
// not wait for another goroutine that uses the device.
func (d *Device) Do(f func() error) error {
	if syscall.Gettid() == d.thread {
		return f()
	}
	d.mu.Lock()
	lost, limit := d.lost, d.timeout
	d.mu.Unlock()
	if lost != nil {
		return lost
	}
	tick := time.NewTicker(max(limit/timeoutTicks, 1))
	defer tick.Stop()
	j := job{work: f, reply: make(chan error, 1)}
	jobs, gone, waitsFor := d.jobs, d.gone, "wait for the device's thread"
	for left := timeoutTicks; left > 0; {
		select {
		case jobs <- j:
			jobs, gone, waitsFor = nil, nil, "wait for a call to end"
		case err := <-j.reply:
			return err
		case <-gone:
			return callError("use device", "it is closed")
		case <-tick.C:
			left--
		}
	}
	return d.lose(stuckError(waitsFor, limit))
}

// call makes one driver call on the device's thread, and is the place where calls are made to fail in tests.
func (d *Device) call(op string, f func() error) error {
	if err := d.Err(); err != nil {
		return err
	}
	code := 0
	if d.plan != nil {
		code = d.plan.next(op)
	}
	if code == 0 {
		err := f()
		var own *Error
		if errors.As(err, &own) {
			return err
		}
		code = codeOf(err)
	}
	if code == 0 {
		return nil
	}
	err := convert(op, code)
	if class := classOf(code); class == ErrContextSpoiled || class == ErrStuck {
		return d.lose(err)
	}
	return err
}

// lose marks the device as unusable; the first reason is kept.
func (d *Device) lose(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost == nil {
		d.lost = err
	}
	return d.lost
}

// Synchronize waits until everything queued on the device is done.
func (d *Device) Synchronize() error { return d.Do(d.synchronize) }

func (d *Device) synchronize() error {
	err := d.call("synchronize device", cu.Synchronize)
	if err == nil {
		d.busy = false
		d.unpin(nil)
	}
	return err
}

// Live counts the objects on the device that have not been freed; pooled memory does not count.
func (d *Device) Live() (c Counts) {
	_ = d.Do(func() error { c = d.live; return nil })
	return c
}

// Close waits for the device's work, frees everything and destroys the context. A stuck device is abandoned.
// A second call does nothing.
func (d *Device) Close() error {
	var err error
	d.once.Do(func() {
		lost := d.Err()
		if errors.Is(lost, ErrStuck) {
			abandon(d) // it may still write to what its copies named
			close(d.gone)
			return
		}
		d.mu.Lock()
		d.lost = nil // destroying is the one call that a spoiled context still takes
		d.mu.Unlock()
		err = d.Do(func() error {
			d.plan = nil
			if lost == nil {
				_ = d.synchronize()
				d.heap.trim()
			}
			err := d.call("destroy context", d.ctx.Destroy)
			for s := range d.pins {
				d.unpin(s)
			}
			return err
		})
		d.lose(callError("use device", "it is closed"))
		close(d.gone)
		if lost != nil {
			err = nil // nothing more was to be expected
		}
	})
	return err
}

// abandoned are stuck devices: their memory must stay.
var abandoned struct {
	sync.Mutex
	devices []*Device
}

func abandon(d *Device) {
	abandoned.Lock()
	abandoned.devices = append(abandoned.devices, d)
	abandoned.Unlock()
}

// hold pins Go memory until the stream (nil: the device) is synchronized. Call it on the device's thread.
func (d *Device) hold(s *Stream, p *byte) {
	if d.pins[s] == nil {
		d.pins[s] = new(runtime.Pinner)
	}
	d.pins[s].Pin(p)
}

// unpin releases what hold pinned.
func (d *Device) unpin(s *Stream) {
	if p := d.pins[s]; p != nil {
		p.Unpin()
		delete(d.pins, s)
	}
}
