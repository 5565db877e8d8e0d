//go:build !cuda

package driver

import "time"

// Built says whether this program has the device layer.
const Built = false

// Without the tag cuda there are no devices, so that no value of these types but nil is ever made. A test compares the exported
// names and signatures with those of the tagged files.
type (
	// Device is an open device.
	Device struct{}
	// Buffer is memory on a device.
	Buffer struct{ device *Device }
	// HostBuffer is page-locked memory of the host.
	HostBuffer struct{}
	// Module is a loaded PTX text.
	Module struct{}
	// Kernel is a function that the device runs.
	Kernel struct{}
	// Stream is a queue of work.
	Stream struct{}
	// Event is a mark in a stream.
	Event struct{}
	// Graph is recorded work.
	Graph struct{}
)

// Counts is what of a device's things has not been given back.
type Counts struct {
	Buffers, HostBuffers, Streams, Events, Modules, Graphs int
}

// Usage is what a kernel takes of a multiprocessor.
type Usage struct {
	Registers    int // a thread; 0 on a simulated device
	Shared       int // static bytes a block
	Local        int // bytes a thread: spills and arrays
	MaxThreads   int // a block
	ActiveBlocks int // a multiprocessor, at the block size asked about; 0 on a simulated device
}

var errNotBuilt = &Error{Op: "open device", Class: ErrNoDevice, Detail: "built without CUDA"}

// Devices lists nothing.
func Devices() ([]Info, error) { return nil, nil }

// Open says that this program was built without CUDA.
func Open(uuid string) (*Device, error) { return nil, errNotBuilt }

func (d *Device) Info() Info                               { return Info{} }
func (d *Device) SetTimeout(t time.Duration)               {}
func (d *Device) Err() error                               { return errNotBuilt }
func (d *Device) Do(f func() error) error                  { return errNotBuilt }
func (d *Device) Synchronize() error                       { return errNotBuilt }
func (d *Device) Live() (c Counts)                         { return Counts{} }
func (d *Device) Close() error                             { return nil }
func (d *Device) Alloc(bytes int) (*Buffer, error)         { return nil, errNotBuilt }
func (d *Device) AllocHost(bytes int) (*HostBuffer, error) { return nil, errNotBuilt }
func (d *Device) Memory() (free, total int64, err error)   { return 0, 0, errNotBuilt }
func (d *Device) Statistics(kernel string) (s Statistics, err error) {
	return Statistics{}, errNotBuilt
}
func (d *Device) Trim() error                                    { return errNotBuilt }
func (d *Device) Load(ptx []byte) (*Module, error)               { return nil, errNotBuilt }
func (d *Device) NewStream() (*Stream, error)                    { return nil, errNotBuilt }
func (d *Device) NewEvent() (*Event, error)                      { return nil, errNotBuilt }
func (b *Buffer) Free() error                                    { return errNotBuilt }
func (b *Buffer) Len() int                                       { return 0 }
func (b *Buffer) Ptr() Ptr                                       { return 0 }
func (b *Buffer) At(offset int) Ptr                              { return 0 }
func (b *Buffer) Zero(s *Stream) error                           { return errNotBuilt }
func (b *Buffer) Fill(s *Stream, value byte) error               { return errNotBuilt }
func (b *Buffer) ZeroPart(s *Stream, at, n int) error            { return errNotBuilt }
func (b *Buffer) copyIn(s *Stream, at int, v []byte) error       { return errNotBuilt }
func (b *Buffer) copyOut(s *Stream, at int, v []byte) error      { return errNotBuilt }
func (h *HostBuffer) Bytes() []byte                              { return nil }
func (h *HostBuffer) Free() error                                { return errNotBuilt }
func (m *Module) Close() error                                   { return errNotBuilt }
func (m *Module) Kernels() map[string][]Param                    { return nil }
func (m *Module) Function(name string) (*Kernel, error)          { return nil, errNotBuilt }
func (k *Kernel) Name() string                                   { return "" }
func (k *Kernel) Params() []Param                                { return nil }
func (k *Kernel) Usage(threads, shared int) (u Usage, err error) { return Usage{}, errNotBuilt }
func (s *Stream) Synchronize() error                             { return errNotBuilt }
func (s *Stream) Wait(e *Event) error                            { return errNotBuilt }
func (s *Stream) Close() error                                   { return errNotBuilt }
func (s *Stream) Capture(record func() error) (*Graph, error)    { return nil, errNotBuilt }
func (e *Event) Record(s *Stream) error                          { return errNotBuilt }
func (e *Event) Synchronize() error                              { return errNotBuilt }
func (e *Event) Since(start *Event) (t time.Duration, err error) { return 0, errNotBuilt }
func (e *Event) Close() error                                    { return errNotBuilt }
func (g *Graph) Launch(s *Stream) error                          { return errNotBuilt }
func (g *Graph) Close() error                                    { return errNotBuilt }

func (b *Buffer) CopyFrom(s *Stream, at int, src *Buffer, from, n int) error { return errNotBuilt }

func (k *Kernel) Launch(s *Stream, grid, block [3]int, shared int, args ...any) error {
	return errNotBuilt
}
