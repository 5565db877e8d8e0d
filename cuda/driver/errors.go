package driver

import (
	"errors"
	"fmt"
	"time"
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

// Codes of CUresult that are not about the one call. What is not listed is ErrCall.
var classes = map[int]error{
	3: ErrNoDevice, 4: ErrNoDevice, // not initialized, deinitialized
	34: ErrNoDevice, 46: ErrNoDevice, // stub library, device unavailable
	100: ErrNoDevice, 101: ErrNoDevice, // no device, invalid device
	802: ErrNoDevice, 803: ErrNoDevice, 804: ErrNoDevice, // system not ready, driver mismatch, forward compatibility

	201: ErrContextSpoiled, 709: ErrContextSpoiled, // context invalid, destroyed
	214: ErrContextSpoiled, 220: ErrContextSpoiled, // memory or link damaged beyond repair
	700: ErrContextSpoiled, 710: ErrContextSpoiled, // illegal address, assertion
	714: ErrContextSpoiled, 715: ErrContextSpoiled, 716: ErrContextSpoiled, 717: ErrContextSpoiled, // stack, instruction, alignment, space
	718: ErrContextSpoiled, 719: ErrContextSpoiled, // program counter, launch failed
	999: ErrContextSpoiled, // unknown: nothing may be assumed

	702: ErrStuck, 909: ErrStuck, // a kernel or a wait took too long
}

// classOf sorts a CUresult other than success into the four classes.
func classOf(code int) error {
	if c, ok := classes[code]; ok {
		return c
	}
	return ErrCall
}

// callError is an ErrCall that this package found before any driver function was called.
func callError(op, format string, args ...any) error {
	return &Error{Op: op, Class: ErrCall, Detail: fmt.Sprintf(format, args...)}
}

// stuckError says that the device's thread did not come back.
func stuckError(op string, after time.Duration) error {
	return &Error{Op: op, Class: ErrStuck, Detail: fmt.Sprintf("no answer within %s", after)}
}

var errNotBuilt = &Error{Op: "open device", Class: ErrNoDevice, Detail: "built without CUDA"}
