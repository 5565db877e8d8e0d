package model

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"classlens/cuda/driver"
)

// auto passes over GPUs that the kernels do not run on, and says why where no other is left.
func TestAutomaticDevice(t *testing.T) {
	fit := driver.Info{UUID: "GPU-1", Name: "H100", ComputeMajor: 9, DriverVersion: driver.OldestDriver}
	old, early, simulated := fit, fit, fit
	old.UUID, old.ComputeMajor, old.ComputeMinor = "GPU-2", 7, 5
	early.UUID, early.DriverVersion = "GPU-3", 11080
	simulated.UUID, simulated.Simulated = "GPU-4", true
	for _, c := range []struct {
		all          []driver.Info
		device, note string
	}{
		{nil, CPU, ""}, {[]driver.Info{simulated}, CPU, ""}, {[]driver.Info{simulated, old, early, fit}, "GPU-1", ""},
		{[]driver.Info{simulated, old, early}, CPU, "its compute capability is 7.5, the kernels need 8.0"}, {[]driver.Info{early}, CPU, "its driver is for CUDA 11.8, the kernels need one for CUDA 12.2 (535)"},
	} {
		if got := automatic(c.all, nil); got.Device != c.device || !strings.Contains(got.Note, c.note) || (c.note == "") != (got.Note == "") {
			t.Errorf("of %v auto takes %q, %q", c.all, got.Device, got.Note)
		}
	}
}

// A list of devices is taken apart; cuda:all names each; networks on two of them work side by side and give what
// the CPU gives. The driver counts its devices once a process, so two simulated ones need another process.
func TestSeveralDevices(t *testing.T) {
	for setting, want := range map[string][]string{"auto": {"auto"}, "cpu": {"cpu"}, "cuda:1,cuda:0": {"cuda:0", "cuda:1"}, "cuda:GPU-5,cuda:GPU-5": {"cuda:GPU-5"}} {
		if got, err := SplitDevices(setting); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s became %q, %v", setting, got, err)
		}
	}
	needDevice(t)
	const two = "CLASSLENS_TEST_TWO_DEVICES"
	all, err := driver.Devices()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv(two) == "" {
		if !all[0].Simulated {
			t.Skip("needs the simulated device")
		}
		child := exec.Command(os.Args[0], "-test.run=^TestSeveralDevices$", "-test.v")
		child.Env = append(os.Environ(), two+"=1", "CLASSLENS_SIM_DEVICES=2")
		if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "both devices agree") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	settings, err := SplitDevices("cuda:all")
	if err != nil || len(settings) != 2 || settings[0] == settings[1] {
		t.Fatalf("cuda:all became %q, %v", settings, err)
	}
	c := kernelCases[9]
	in := randomTensor(rand.New(rand.NewPCG(1, 1)), -1, 1, append([]int{3}, c.shape[1:]...)...)
	want := plainGraph(t, c.build(), Options{}, in)
	var both sync.WaitGroup
	for _, s := range settings {
		both.Go(func() {
			choice, err := FindDevice(s)
			if err != nil {
				t.Error(err)
				return
			}
			n, err := load(c.build(), Options{Threads: 1, Device: choice.Device})
			if err != nil {
				t.Error(err)
				return
			}
			defer n.Close()
			for range 3 {
				got, err := n.Run(in)
				if err != nil || n.DeviceError() != nil {
					t.Error(s, err, n.DeviceError())
					return
				}
				if d := difference(t, got[0], want[0]); !(d <= 2e-5) {
					t.Errorf("%s differs by %.2g", s, d)
				}
			}
		})
	}
	both.Wait()
	if !t.Failed() {
		t.Log("both devices agree")
	}
}
