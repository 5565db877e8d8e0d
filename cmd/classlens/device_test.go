package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"classlens/cuda/driver"
)

// smallPeople gives the program in a test's process small inputs for the people nets, that a simulated device can do in
// seconds; firstFails lets the device fail in the first process of a run only.
const (
	smallPeople = "CLASSLENS_TEST_PEOPLE_SCALE"
	firstFails  = "CLASSLENS_TEST_FIRST_FAILS"
)

func deviceIfAsked() {
	peopleScale, _ = strconv.ParseFloat(os.Getenv(smallPeople), 64)
	if os.Getenv(firstFails) != "" && os.Getenv(lossesVariable) != "" {
		os.Unsetenv(driver.FaultVariable)
	}
}

// deviceResult is a recording's outcome on a device.
type deviceResult struct {
	device, note string
	timeline     [][]string
}

// onDevices analyzes copies of two seconds of four students, one after the other on each device, in a process of its own, and gives what
// became of each, what was said, and the exit code.
func onDevices(t *testing.T, count int, device string, env ...string) (results []deviceResult, said string, code int) {
	t.Helper()
	if all, err := driver.Devices(); err != nil || len(all) == 0 || !all[0].Simulated {
		t.Skip("needs the simulated device")
	}
	dir, out := t.TempDir(), t.TempDir()
	recording := clip(t, "four.mp4", "-t", "2", "-vf", "crop=240:136:384:120", "-qp", "4")
	video, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"analyze", "--out", out, "--set", "run.device=" + device, "--set", "run.precision=float32", "--set", "run.at_once=1", "--set", "people.preset=fast", "--set", "video.step_seconds=0.5", "--set", "report.keyframes=0"}
	names := []string{"one", "two", "three", "four"}[:count]
	for _, n := range names {
		path := filepath.Join(dir, n+".mp4")
		if err := os.WriteFile(path, video, 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1", smallPeople+"=0.375", "CLASSLENS_SIM_RACES=0"), env...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	for _, n := range names {
		raw, err := os.ReadFile(filepath.Join(out, n, "summary.json"))
		if err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
		var s struct {
			Run struct {
				Device string `json:"device"`
				Note   string `json:"device_note"`
			} `json:"run"`
		}
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(filepath.Join(out, n, "timeline.csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, deviceResult{s.Run.Device, s.Run.Note, rows})
	}
	return results, log.String(), cmd.ProcessState.ExitCode()
}

// sameRows compares timelines of one video: numbers within what devices may differ by.
func sameRows(t *testing.T, want, got [][]string) {
	t.Helper()
	if len(got) != len(want) || len(want) < 5 {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		for j, w := range want[i] {
			a, err1 := strconv.ParseFloat(w, 64)
			b, err2 := strconv.ParseFloat(got[i][j], 64)
			if w != got[i][j] && (err1 != nil || err2 != nil || !(math.Abs(a-b) <= .0015 || j >= 2 && j <= 5 && math.Abs(a-b) <= .15)) {
				t.Errorf("row %d, %s: %q, want %q", i, want[0][j], got[i][j], w)
			}
		}
	}
}

// A GPU whose context is spoiled ends its use in the process: the recording under way ends on the CPU, a fresh process does the others
// on the GPU, and all come to the same.
func TestDeviceIsLostAndAFreshProcessGoesOn(t *testing.T) {
	got, said, code := onDevices(t, 3, "cuda", driver.FaultVariable+"=900:719", firstFails+"=1")
	if code != exitDone || strings.Count(said, "a fresh one goes on with 2 recordings") != 1 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	if !strings.HasSuffix(got[0].device, ", then cpu") || !strings.Contains(got[0].note, "719") {
		t.Errorf("the first was done on %q, note %q", got[0].device, got[0].note)
	}
	for _, r := range got[1:] {
		if !strings.HasPrefix(r.device, "cuda: ") || strings.HasSuffix(r.device, "cpu") || r.note != "" {
			t.Errorf("another was done on %q, note %q", r.device, r.note)
		}
		sameRows(t, got[0].timeline, r.timeline)
	}
}

// After three lost GPUs the rest is analyzed on the CPU, and the exit code says so.
func TestDeviceIsLostThreeTimes(t *testing.T) {
	got, said, code := onDevices(t, 4, "cuda", driver.FaultVariable+"=900:719")
	if code != exitPartial || strings.Count(said, "a fresh one goes on with") != 3 || strings.Count(said, "GPUs failed 3 times") != 1 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	for i, r := range got {
		if i < 3 != strings.HasSuffix(r.device, ", then cpu") || i == 3 && r.device != "cpu" {
			t.Errorf("recording %d was done on %q", i, r.device)
		}
		sameRows(t, got[0].timeline, r.timeline)
	}
}

// Two GPUs share the recordings; where one is lost the other does the rest.
func TestDevicesShareRecordings(t *testing.T) {
	got, said, code := onDevices(t, 2, "cuda:all", "CLASSLENS_SIM_DEVICES=2")
	if code != exitDone || got[0].device == got[1].device {
		t.Fatalf("exit code %d, done on %q and %q\n%s", code, got[0].device, got[1].device, said)
	}
	for _, r := range got {
		if !strings.HasPrefix(r.device, "cuda: ") || strings.HasSuffix(r.device, "cpu") || r.note != "" {
			t.Errorf("done on %q, note %q", r.device, r.note)
		}
	}
	sameRows(t, got[0].timeline, got[1].timeline)
}
