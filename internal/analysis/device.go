package analysis

import (
	"errors"
	"strings"

	"classlens/model"
)

// deviceLine says where the networks run, and why they do not where it was wanted.
func (a *Analyzer) deviceLine() (device, note string) {
	if a.device.Device == model.CPU {
		return model.CPU, a.device.Note
	}
	lost := a.deviceError()
	if lost == nil {
		return a.device.String(), ""
	}
	reason, _, _ := strings.Cut(lost.Error(), "\n") // the networks share the device: what the first one met is the reason
	return a.device.String() + ", then cpu", "the device failed and the rest went to the CPU: " + reason
}

// deviceError is why something of the run left the GPU for the CPU, nil while nothing has.
func (a *Analyzer) deviceError() error {
	return errors.Join(a.network.DeviceError(), a.detector.DeviceError(), a.flow.err())
}

// sayDevice tells once that a device is not used, or no longer.
func (a *Analyzer) sayDevice(recording string) {
	_, note := a.deviceLine()
	a.mu.Lock()
	say := note != "" && !a.said
	a.said = a.said || say
	a.mu.Unlock()
	if say {
		a.options.Events(Event{Kind: "note", Recording: recording, Text: note})
	}
}
