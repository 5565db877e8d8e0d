package classroom

import (
	"errors"
	"strings"
	"testing"

	"classlens/cuda/driver"
	"classlens/model"
)

// needDevice gives a device's UUID and skips where there is none, real or simulated.
func needDevice(t *testing.T) driver.Info {
	t.Helper()
	all, err := driver.Devices()
	if err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	return all[0]
}

// The shipped network on the device against what ONNX Runtime made of the same input,
// with the tolerance that the CPU's engine is held to.
func TestOnDeviceEqualsONNXRuntime(t *testing.T) { equalsStored(t, needDevice(t).UUID) }

// A device that computes right passes the check at start, also with weights of another
// origin; one that computes wrong is not used, and it is said.
func TestChooseDevice(t *testing.T) {
	if c, err := ChooseDevice("cpu", Default()); c.Device != model.CPU || c.Note != "" || err != nil {
		t.Errorf("cpu gave %+v, %v", c, err)
	}
	if _, err := ChooseDevice("cuda:99", Default()); !errors.Is(err, driver.ErrNoDevice) {
		t.Errorf("cuda:99 gave %v", err)
	}
	info := needDevice(t)
	for _, setting := range []string{"cuda", "cuda:0", "cuda:" + info.UUID, "cuda:" + info.UUID[4:20]} {
		if c, err := model.FindDevice(setting); c.Device != info.UUID || err != nil {
			t.Errorf("%s gave %+v, %v", setting, c, err)
		}
	}
	if c, err := model.FindDevice("auto"); err != nil || (c.Device == model.CPU) != info.Simulated {
		t.Errorf("auto gave %+v, %v where the device is simulated: %v", c, err, info.Simulated)
	}
	c, err := ChooseDevice("cuda", Default())
	if err != nil || c.Device != info.UUID || c.Note != "" || strings.Contains(c.String(), "simulated") != info.Simulated {
		t.Errorf("cuda gave %+v, %v", c, err)
	}
}

func TestWrongDeviceIsNotUsed(t *testing.T) {
	needDevice(t)
	own := storedClip
	defer func() { storedClip = own }()
	storedClip = append([]byte(nil), own...)
	storedClip[len(storedClip)-2] ^= 0x40 // the exponent of the last stored value: the device differs from it
	c, err := ChooseDevice("cuda", Default())
	if err != nil || c.Device != model.CPU || !strings.Contains(c.Note, "is not used: its results are wrong: embedding[") {
		t.Errorf("%+v, %v", c, err)
	}
}
