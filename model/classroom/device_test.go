package classroom

import (
	"errors"
	"math"
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
	if c, err := ChooseDevice("cpu", "", Default()); c.Device != model.CPU || c.Note != "" || err != nil {
		t.Errorf("cpu gave %+v, %v", c, err)
	}
	if _, err := ChooseDevice("cuda:99", "", Default()); !errors.Is(err, driver.ErrNoDevice) {
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
	own := autoTolerance
	defer func() { autoTolerance = own }()
	for i, p := range []struct {
		setting            string
		network, detectors model.Precision
	}{{"auto", "", ""}, {"auto", model.FP16, ""}, {"float32", model.Float32, model.Float32}, {"bf16", model.BF16, model.BF16}} {
		if autoTolerance = own; i > 0 { // half precision of the weights that ship differs by more than is allowed, and by less than this
			autoTolerance = halfTolerance[model.FP16]
		}
		c, err := ChooseDevice("cuda", p.setting, Default())
		if err != nil || c.Device != info.UUID || c.Note != "" || strings.Contains(c.String(), "simulated") != info.Simulated || c.Network != p.network || c.Detectors != p.detectors ||
			strings.Contains(c.String(), "16") != (p.network != model.Float32 && p.network != "") {
			t.Errorf("cuda in %s gave %+v, %v", p.setting, c, err)
		}
	}
}

func TestWrongDeviceIsNotUsed(t *testing.T) {
	needDevice(t)
	own := storedClip
	defer func() { storedClip = own }()
	storedClip = append([]byte(nil), own...)
	storedClip[len(storedClip)-2] ^= 0x40 // the exponent of the last stored value: the device differs from it
	c, err := ChooseDevice("cuda", "float32", Default())
	if err != nil || c.Device != model.CPU || !strings.Contains(c.Note, "is not used: its results are wrong: embedding[") {
		t.Errorf("%+v, %v", c, err)
	}
}

// Pictures and sequences in batches that are filled up give what they give alone on
// the CPU.
func TestDeviceBatches(t *testing.T) {
	info := needDevice(t)
	cpu, err := Load(Default(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	gpu, err := LoadOn(Default(), model.Options{Threads: 1, Device: info.UUID})
	if err != nil {
		t.Fatal(err)
	}
	defer gpu.Close()
	for k, want := range map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 7: 8, 9: 12, 13: 16, 97: 128, 128: 128, 129: 256} {
		if got := gpu.batch(k); got != want {
			t.Errorf("%d go in a batch of %d, want %d", k, got, want)
		}
		if got := cpu.batch(k); got != k {
			t.Errorf("on the CPU %d go in a batch of %d", k, got)
		}
	}
	const pictures = 5
	rgb, uv := make([][]byte, pictures), make([][]float32, pictures)
	for i := range rgb {
		rgb[i] = make([]byte, 3*cpu.Size()*cpu.Size())
		for k := range rgb[i] {
			rgb[i][k] = byte(k * (i + 3) / 7)
		}
	}
	var embeddings [2][][]float32
	var decided [2][]Decision
	for i, n := range []*Network{cpu, gpu} {
		if embeddings[i], err = n.Embed(rgb, uv); err != nil {
			t.Fatal(err)
		}
		var seqs []Sequence
		for k := range pictures {
			seqs = append(seqs, Sequence{Embeddings: [][]float32{nil, embeddings[0][k], embeddings[0][(k+1)%pictures]}, Offsets: []float32{-1, 0, 1}})
		}
		if decided[i], err = n.Decide(seqs); err != nil {
			t.Fatal(err)
		}
	}
	if len(embeddings[1]) != pictures || len(decided[1]) != pictures {
		t.Fatalf("%d embeddings, %d decisions", len(embeddings[1]), len(decided[1]))
	}
	near := func(what string, a, b float32) {
		if d := math.Abs(float64(a - b)); !(d <= 1e-4*(1+math.Abs(float64(a)))) {
			t.Errorf("%s: %v on the device, %v on the CPU", what, b, a)
		}
	}
	for i := range pictures {
		for k, v := range embeddings[0][i] {
			near("embedding", v, embeddings[1][i][k])
		}
		for k, v := range decided[0][i].Behaviour {
			near("behaviour", v, decided[1][i].Behaviour[k])
		}
		for k, v := range decided[0][i].Moments {
			near("moments", v, decided[1][i].Moments[k])
		}
	}
	if err := gpu.DeviceError(); err != nil {
		t.Error(err)
	}
}
