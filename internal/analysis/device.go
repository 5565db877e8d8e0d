package analysis

import (
	"errors"
	"strings"

	"classlens/model"
)

// deviceLine says where the networks run; note says why that is not, or no longer, the device that was asked for.
func (a *Analyzer) deviceLine() (device, note string) {
	if a.device.Device == model.CPU {
		return model.CPU, a.device.Note
	}
	lost := a.deviceError()
	if lost == nil {
		return a.device.String(), ""
	}
	reason, _, _ := strings.Cut(lost.Error(), "\n") // the networks share the device, so the first one's error is the reason for all
	return a.device.String() + ", then cpu", "the device failed and the rest went to the CPU: " + reason
}

// deviceError is why part of the work moved from the GPU to the CPU; nil while nothing has.
func (a *Analyzer) deviceError() error {
	return errors.Join(a.network.DeviceError(), a.detector.DeviceError(), a.flow.err())
}

// sayDevice reports, once, that a device is not used, or no longer.
func (a *Analyzer) sayDevice(recording string) {
	_, note := a.deviceLine()
	a.mu.Lock()
	say := note != "" && !a.deviceSaid
	a.deviceSaid = a.deviceSaid || say
	a.mu.Unlock()
	if say {
		a.options.Events(Event{Kind: "note", Recording: recording, Text: note})
	}
}
