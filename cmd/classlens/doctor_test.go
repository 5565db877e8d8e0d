package main

import (
	"path/filepath"
	"strings"
	"testing"

	"classlens/cuda/driver"
	"classlens/model/pretrained"
)

// doctor names every device with its UUID and says which is simulated; without one it says
// that the networks run on the CPU, which is nothing to mend.
func TestDeviceInDoctor(t *testing.T) {
	stdout, _, _ := classlens(t, "doctor")
	all, err := driver.Devices()
	if err != nil || len(all) == 0 {
		if !strings.Contains(stdout, "note     gpu ") || !strings.Contains(stdout, "the networks run on the CPU") {
			t.Errorf("printed %q", stdout)
		}
		return
	}
	for _, d := range all {
		if !strings.Contains(stdout, "ok       gpu ") || !strings.Contains(stdout, d.UUID) || strings.Contains(stdout, "simulated") != d.Simulated {
			t.Errorf("printed %q, the device is %+v", stdout, d)
		}
	}
}

// A net that is there and is not what it should be is no "ok".
func TestDamagedNetInDoctor(t *testing.T) {
	whole, err := pretrained.Path("faceboxes")
	if err != nil {
		t.Skip(err)
	}
	cache := t.TempDir()
	put(t, "half", cache, "nets", filepath.Base(whole))
	t.Setenv("CLASSLENS_CACHE", cache)
	if stdout, _, code := classlens(t, "doctor"); code != exitFailed || !strings.Contains(stdout, "missing  net        faceboxes: ") || !strings.Contains(stdout, "damaged: run make setup") {
		t.Errorf("exit %d, printed %q", code, stdout)
	}
}

// An old driver is named as what it is, and what would be new enough.
func TestOldDriverInDoctor(t *testing.T) {
	if all, err := driver.Devices(); err != nil || len(all) == 0 || !all[0].Simulated {
		t.Skip("needs the simulated device")
	}
	t.Setenv("CLASSLENS_SIM_DRIVER", "11080")
	stdout, _, _ := classlens(t, "doctor")
	if !strings.Contains(stdout, "note     gpu ") || !strings.Contains(stdout, "not used") || !strings.Contains(stdout, "its driver is for CUDA 11.8, the kernels need one for CUDA 12.2 (535) or newer") {
		t.Errorf("printed %q", stdout)
	}
}
