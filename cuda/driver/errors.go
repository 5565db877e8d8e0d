package driver

import (
	"errors"
	"fmt"
)

// The classes of errors, for errors.Is. They say what can be done next.
var (
	// ErrNoDevice: there is no usable device, or this program was built without CUDA. Use the CPU.
	ErrNoDevice = errors.New("no CUDA device")
	// ErrCall: this call failed, the device is as it was. Correct the arguments, or ask for less.
	ErrCall = errors.New("CUDA call failed")
	// ErrContextSpoiled: a kernel failed and took everything on the device with it. Close the device; no retry in this
	// process is promised to work.
	ErrContextSpoiled = errors.New("CUDA context spoiled")
	// ErrStuck: the device did not answer in time. Its thread stays behind; close the device and use another.
	ErrStuck = errors.New("CUDA device stuck")
	// ErrMemory: the device's memory does not suffice. It is an ErrCall, too: a smaller batch may do.
	ErrMemory = errors.New("out of device memory")
)

// Error is a driver's refusal.
type Error struct {
	Op     string // what was tried: "load module", "launch sgemm"
	Code   int    // CUresult; 0 when no driver function was called
	Name   string // CUDA_ERROR_...
	Detail string // more, where the device tells more: the simulated one names kernel, line, thread and instruction
	Class  error  // one of the four
}

func (e *Error) Error() string {
	s := e.Op + ": " + e.Class.Error()
	if e.Name != "" {
		s += fmt.Sprintf(": %s (%d)", e.Name, e.Code)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Is finds the class, and ErrMemory.
func (e *Error) Is(target error) bool {
	return target == e.Class || target == ErrMemory && e.Code == codeOutOfMemory
}

const codeOutOfMemory = 2

// callError is an ErrCall that this package found before any driver function was called.
func callError(op, format string, args ...any) error {
	return &Error{Op: op, Class: ErrCall, Detail: fmt.Sprintf(format, args...)}
}
