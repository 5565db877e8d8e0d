package classroom

import (
	"math"
	"os"
	"testing"

	"classlens/model"
)

// The shipped network on the engine against what ONNX Runtime made of the same
// input (scripts/train-classroom/golden.py). Float32 sums in another order differ
// by some 1e-6; 1e-4 leaves room for depth.
func TestEqualsONNXRuntime(t *testing.T) { equalsStored(t, model.CPU) }

func TestMediumEqualsONNXRuntime(t *testing.T) {
	clip, err := os.ReadFile("testdata/golden-m.bin")
	if err != nil {
		t.Fatal(err)
	}
	onnx, err := Shipped("m")
	if err != nil {
		t.Fatal(err)
	}
	equalsClip(t, model.CPU, onnx, clip)
}

// equalsStored holds a device to the stored outputs and tells the worst difference.
func equalsStored(t *testing.T, device string) {
	t.Helper()
	equalsClip(t, device, Default(), storedClip)
}

func equalsClip(t *testing.T, device string, onnx, clip []byte) {
	t.Helper()
	in, want, err := readClip(clip)
	if err != nil {
		t.Fatal(err)
	}
	got, err := runWhole(onnx, model.Options{Device: device}, in)
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for k, w := range want {
		if len(w) != len(got[k]) {
			t.Fatalf("%d values of %s, %d are stored", len(got[k]), storedPorts[k], len(w))
		}
		for i := range w {
			d := math.Abs(float64(got[k][i]-w[i])) / (1 + math.Abs(float64(w[i])))
			if !(d <= 1e-4) {
				t.Fatalf("%s[%d] is %v, ONNX Runtime has %v", storedPorts[k], i, got[k][i], w[i])
			}
			worst = math.Max(worst, d)
		}
	}
	t.Logf("worst difference %.2g", worst)
}
