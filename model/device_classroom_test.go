package model_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"

	"classlens/cuda/driver"
	"classlens/model"
	"classlens/model/classroom"
)

// The shipped network on the device against what ONNX Runtime made of the same input,
// with the tolerance that the CPU's engine is held to.
func TestClassroomOnDeviceEqualsONNXRuntime(t *testing.T) {
	if all, err := driver.Devices(); err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	raw, err := os.ReadFile("classroom/testdata/golden.bin")
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(raw)
	read := func(v any) {
		if err := binary.Read(r, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	var b, steps, size int32
	read(&b)
	read(&steps)
	read(&size)
	const channels, cells = 5, 12
	n := int(b * steps)
	coarse := make([]byte, n*channels*cells*cells)
	read(coarse)
	picture := model.NewTensor(n, channels, int(size), int(size))
	cell := int(size) / cells
	for i := range picture.Data {
		plane, y, x := i/int(size*size), i/int(size)%int(size), i%int(size)
		picture.Data[i] = float32(coarse[(plane*cells+y/cell)*cells+x/cell])/127.5 - 1
	}
	offset, seen := model.NewTensor(int(b), int(steps)), model.NewTensor(int(b), int(steps))
	read(offset.Data)
	read(seen.Data)
	names := []string{"behaviour", "attention", "engagement", "moments", "embedding"}
	net, err := model.Load(classroom.Default(), model.Options{Threads: 1, Device: "cuda", Outputs: names})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	out, err := net.Run(picture, offset, seen)
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for k, o := range out {
		want := make([]float32, len(o.Data))
		read(want)
		for i := range want {
			d := math.Abs(float64(o.Data[i]-want[i])) / (1 + math.Abs(float64(want[i])))
			if !(d <= 1e-4) {
				t.Fatalf("%s[%d] is %v, ONNX Runtime has %v", names[k], i, o.Data[i], want[i])
			}
			worst = math.Max(worst, d)
		}
	}
	t.Logf("worst difference %.2g", worst)
	if net.Device() == "cpu" {
		t.Error("the network ran on the CPU: ", net.DeviceError())
	}
}

// The check at start passes on a device that computes right.
func TestChooseDevice(t *testing.T) {
	if all, err := driver.Devices(); err != nil || len(all) == 0 {
		if _, _, err := model.ChooseDevice("cuda", classroom.Default()); err == nil {
			t.Error("cuda was chosen where there is no device")
		}
		if d, why, err := model.ChooseDevice("auto", classroom.Default()); d != "cpu" || why == "" || err != nil {
			t.Errorf("auto gave %q, %q, %v", d, why, err)
		}
		return
	}
	if d, _, err := model.ChooseDevice("cuda", classroom.Default()); d != "cuda" || err != nil {
		t.Errorf("%q, %v", d, err)
	}
}
