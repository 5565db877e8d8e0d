package model

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"classlens/cuda/driver"
)

// usualDevice is where networks run whose options name no device.
var usualDevice atomic.Pointer[string]

// UseDevice says where networks run that are loaded from now on and whose options name
// no device: "cpu", or what ChooseDevice gave.
func UseDevice(name string) { usualDevice.Store(&name) }

// device is where a network of these options runs.
func (o Options) device() string {
	if o.Device == "" {
		if usual := usualDevice.Load(); usual != nil {
			return *usual
		}
	}
	return o.Device
}

// ChooseDevice turns a setting into a device for Options and UseDevice, and a line that
// says why. "cpu" is the CPU. "cuda" and a GPU's UUID must work, else there is an error;
// "cuda" takes a simulated device when the environment names its library. "auto" takes
// a real device that passes the check and the CPU otherwise: never a simulated one.
// The check runs onnx, a network with free first dimensions, on the device and on the
// CPU: a wrong answer is worse than none.
func ChooseDevice(setting string, onnx []byte) (device, why string, err error) {
	if setting == "cpu" {
		return "cpu", "", nil
	}
	all, err := driver.Devices()
	if setting == "auto" {
		var name string
		for _, d := range all {
			if !d.Simulated {
				name = d.UUID
				break
			}
		}
		if name == "" {
			return "cpu", "no GPU found", nil
		}
		if err := CheckDevice(name, onnx); err != nil {
			return "cpu", fmt.Sprintf("the GPU is not used: %v", err), nil
		}
		return name, "", nil
	}
	if err == nil && len(all) == 0 {
		err = driver.ErrNoDevice
	}
	if err != nil {
		return "", "", fmt.Errorf("device %s: %w", setting, err)
	}
	if err := CheckDevice(setting, onnx); err != nil {
		return "", "", fmt.Errorf("device %s: %w", setting, err)
	}
	return setting, "", nil
}

// ErrWrongResult is wrapped by the error about a device whose results differ from the CPU's.
var ErrWrongResult = errors.New("its results differ from the CPU's")

// checkTolerance is the difference CheckDevice allows, as a share of an output's largest
// value: float32 sums in another order differ by some 1e-5 after a hundred layers.
const checkTolerance = 1e-3

// CheckDevice runs a network on a device and on the CPU with the same made-up input.
func CheckDevice(device string, onnx []byte) error {
	var out [2][]Tensor
	for i, name := range []string{"cpu", device} {
		n, err := Load(onnx, Options{Threads: 1, Device: name})
		if err != nil {
			return err
		}
		out[i], err = n.Run(madeUp(n.Inputs())...)
		err = errors.Join(err, n.DeviceError(), n.Close())
		if err != nil {
			return err
		}
	}
	for i, want := range out[0] {
		most, worst := 0.0, 0.0
		for k, v := range want.Data {
			most = math.Max(most, math.Abs(float64(v)))
			worst = math.Max(worst, math.Abs(float64(v-out[1][i].Data[k])))
		}
		if !(worst <= checkTolerance*math.Max(most, 1e-3)) {
			return fmt.Errorf("%w by %.2g in output %d", ErrWrongResult, worst, i)
		}
	}
	return nil
}

// madeUp is an input for each port: free sides are 1 (batches) or 64 (pictures), values a
// pattern between -1 and 1.
func madeUp(ports []Port) []Tensor {
	in := make([]Tensor, len(ports))
	for i, p := range ports {
		shape := make([]int, len(p.Shape))
		for k, d := range p.Shape {
			if shape[k] = d; d < 0 {
				shape[k] = 1
				if k > 1 {
					shape[k] = 64
				}
			}
		}
		in[i] = NewTensor(shape...)
		for k := range in[i].Data {
			in[i].Data[k] = float32(math.Sin(float64(k*k%977) + float64(i)))
		}
	}
	return in
}
