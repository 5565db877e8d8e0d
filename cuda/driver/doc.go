// Package driver is the only access to CUDA devices: devices, memory, modules, kernels, streams, events and graphs.
//
// It needs the build tag cuda (and the headers in cuda/include, see the Makefile); without the tag every function returns
// ErrNoDevice, so that callers need no tag of their own. With the tag, the program still starts and works if no driver is
// installed: libcuda is loaded at the first call of Devices.
//
// Terms: a device is opened by UUID and owns one context on one OS thread. A buffer is memory on the device. A stream is a queue of
// work, an event a mark in it, a graph a recorded queue that is replayed with one call. A simulated device (cuda/simulator) is
// used only if the environment variable CLASSLENS_LIBCUDA holds the path of its library.
//
// Every method may be called from any goroutine; a device executes its calls one after another on its thread. An error belongs to
// one of four classes, see ErrNoDevice. After ErrContextSpoiled or ErrStuck, a device returns nothing but that error: close it.
package driver

import "fmt"

// Info describes a device without opening it.
type Info struct {
	Index           int    // the driver's ordinal
	UUID            string // as nvidia-smi prints it: GPU-8-4-4-4-12 hexadecimal digits
	Name            string
	ComputeMajor    int
	ComputeMinor    int
	Multiprocessors int
	Memory          int64 // bytes in all
	Clock           int   // of the multiprocessors, kHz
	MemoryClock     int   // kHz; data moves twice per clock
	MemoryBus       int   // bits
	Simulated       bool
	DriverVersion   int // the CUDA version that the driver speaks: 12020 is 12.2
}

// What the kernels' PTX needs: ISA 8.2, which drivers for CUDA 12.2 (535) and newer can read, and compute capability 8.0.
const (
	OldestDriver  = 12020
	oldestCompute = 8
)

// Unfit says why the kernels cannot run on this device; nil if they can. Open refuses an unfit device.
func (i Info) Unfit() error {
	why := ""
	switch {
	case i.DriverVersion < OldestDriver:
		why = fmt.Sprintf("its driver is for CUDA %d.%d, the kernels need one for CUDA 12.2 (535) or newer: update it", i.DriverVersion/1000, i.DriverVersion%1000/10)
	case i.ComputeMajor < oldestCompute:
		why = fmt.Sprintf("its compute capability is %d.%d, the kernels need 8.0 (Ampere) or newer", i.ComputeMajor, i.ComputeMinor)
	default:
		return nil
	}
	return &Error{Op: "use " + i.Name, Class: ErrNoDevice, Detail: why}
}

// LibraryVariable names the environment variable that replaces libcuda.so.1 by another library, the simulated device's.
const LibraryVariable = "CLASSLENS_LIBCUDA"

// RehearsalVariable names the environment variable that makes a simulated device count as a real one, for tests of what the program does only on real
// devices, such as keeping freed memory for the next request, or choosing the device without being asked.
const RehearsalVariable = "CLASSLENS_SIM_AS_CARD"

// Statistics is what a simulated device has counted for a kernel since it was loaded. The counts are exact and the same in
// every run; they show waste, not time.
type Statistics struct {
	Launches         uint64
	WarpInstructions uint64 // executed, by warps of 32 threads
	SharedAccesses   uint64 // by warps
	Replays          uint64 // of shared accesses, because of bank conflicts
	GlobalAccesses   uint64 // by warps
	Sectors          uint64 // of 32 bytes, moved in excess of the needed ones
	Instructions     uint64 // in the PTX
	Executed         uint64 // of these, executed at least once
}

// FaultVariable names the environment variable that makes calls of a simulated device fail: with "N:CODE", the Nth call
// (from 1) is not made but returns this CUresult. A real device never reads it.
const FaultVariable = "CLASSLENS_CUDA_FAIL"

// Peak is the device's theoretical throughput: float32 operations and bytes of its memory per second.
func (i Info) Peak() (flops, bytes float64) {
	lanes := 128.0 // per multiprocessor, from compute capability 8.6 on
	if i.ComputeMajor < 8 || (i.ComputeMajor == 8 && i.ComputeMinor == 0) {
		lanes = 64
	}
	return 2 * lanes * float64(i.Multiprocessors) * float64(i.Clock) * 1e3, 2 * float64(i.MemoryClock) * 1e3 * float64(i.MemoryBus) / 8
}
