//go:build cuda

package driver

import (
	"fmt"
	"time"
)

// Codes of CUresult that are not about the one call. What is not listed is ErrCall.
var classes = map[int]error{
	3: ErrNoDevice, 4: ErrNoDevice, // not initialized, deinitialized
	34: ErrNoDevice, 46: ErrNoDevice, // stub library, device unavailable
	100: ErrNoDevice, 101: ErrNoDevice, // no device, invalid device
	36: ErrNoDevice, 209: ErrNoDevice, 221: ErrNoDevice, 222: ErrNoDevice, 223: ErrNoDevice, // the driver cannot compile the kernels for the device
	802: ErrNoDevice, 803: ErrNoDevice, 804: ErrNoDevice, // system not ready, driver mismatch, forward compatibility
	805: ErrNoDevice, 807: ErrNoDevice, 808: ErrNoDevice, 809: ErrNoDevice, // the server that shares the device among processes (MPS) refuses

	201: ErrContextSpoiled, 709: ErrContextSpoiled, // context invalid, destroyed
	214: ErrContextSpoiled, 220: ErrContextSpoiled, // memory or link damaged beyond repair
	700: ErrContextSpoiled, 710: ErrContextSpoiled, // illegal address, assertion
	714: ErrContextSpoiled, 715: ErrContextSpoiled, 716: ErrContextSpoiled, 717: ErrContextSpoiled, // stack, instruction, alignment, space
	718: ErrContextSpoiled, 719: ErrContextSpoiled, // program counter, launch failed
	226: ErrContextSpoiled, 721: ErrContextSpoiled, // contained error, tensor memory
	806: ErrContextSpoiled, 810: ErrContextSpoiled, // the server that shares the device failed, or ended this process' part
	999: ErrContextSpoiled, // unknown: nothing may be assumed

	702: ErrStuck, 909: ErrStuck, // a kernel or a wait took too long
}

// hints say what a person can do about a code that the driver's name of it does not tell.
var hints = map[int]string{
	34:  "the library found is the stub for linking, not the driver's own libcuda.so.1",
	46:  "another process holds the device for itself (nvidia-smi -q -d COMPUTE)",
	209: "the kernels need compute capability 8.0 or newer",
	221: "the driver's PTX compiler is missing: install libnvidia-ptxjitcompiler.so.1 of the driver's version",
	222: "the kernels need a driver for CUDA 12.2 (535) or newer",
	223: "CUDA_DISABLE_PTX_JIT is set: unset it, the kernels are PTX",
	802: "on machines with NVSwitch nvidia-fabricmanager must run",
	803: "the driver's library and its kernel module are of two versions: restart the machine",
	804: "the compatibility libcuda does not support this card: use the driver's own",
}

// classOf sorts a CUresult other than success into the four classes.
func classOf(code int) error {
	if c, ok := classes[code]; ok {
		return c
	}
	return ErrCall
}

// stuckError says that the device's thread did not come back.
func stuckError(op string, after time.Duration) error {
	return &Error{Op: op, Class: ErrStuck, Detail: fmt.Sprintf("no answer within %s", after)}
}
