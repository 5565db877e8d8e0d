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

// stuckError says that the device's thread did not come back.
func stuckError(op string, after time.Duration) error {
	return &Error{Op: op, Class: ErrStuck, Detail: fmt.Sprintf("no answer within %s", after)}
}
