package analysis

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"classlens/cuda/driver"
	"classlens/internal/config"
	"classlens/model"
	"classlens/vision/scene"
	"classlens/vision/video"
)

func TestMain(m *testing.M) {
	video.RunWorkerIfAsked()
	os.Exit(m.Run())
}

// deviceRun is what a run left behind.
type deviceRun struct {
	rows  [][]string // of timeline.csv
	run   runLine
	notes []string
}

// analyzeOn analyzes two seconds of four students of the sample, every half second,
// with inputs of the people nets that a simulated device can do in seconds.
func analyzeOn(t *testing.T, recording, device, precision string) (out deviceRun, result Result, err error) {
	t.Helper()
	return analyzeWith(t, recording, map[string]any{"run.device": device, "run.precision": precision})
}

func analyzeWith(t *testing.T, recording string, settings map[string]any) (out deviceRun, result Result, err error) {
	t.Helper()
	maps.Copy(settings, map[string]any{"video.step_seconds": 0.5, "people.preset": "default", "report.keyframes": 1})
	c, err := config.Load("", settings)
	if err != nil {
		t.Fatal(err)
	}
	labels, err := config.LoadLabels("")
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{Config: c, Labels: labels, PeopleScale: 0.25, Events: func(e Event) {
		if e.Kind == "note" {
			out.notes = append(out.notes, e.Text)
		}
	}})
	if err != nil {
		return out, Result{}, err
	}
	defer a.Close()
	folder := t.TempDir()
	result = a.Run(context.Background(), recording, folder)
	if result.Err != nil {
		return out, result, nil
	}
	f, err := os.Open(filepath.Join(folder, "timeline.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if out.rows, err = csv.NewReader(f).ReadAll(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s summary
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	out.run = s.Run
	return out, result, nil
}

func fourStudents(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "four.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-ss", "20", "-t", "2", "-i", "../../samples/lesson.mp4", "-vf", "crop=240:136:384:120", "-qp", "4", "-threads", "3", path).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	return path
}

// timelineTolerance is what a number of the timeline may differ by between devices:
// the last of three decimals that are written.
const timelineTolerance = 0.0015

// The same recording gives the same timeline on the CPU and on the device: the same
// rows, students, states; numbers within the tolerance.
func TestDeviceGivesTheSameTimeline(t *testing.T) {
	if all, err := driver.Devices(); err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	recording := fourStudents(t)
	want, _, err := analyzeOn(t, recording, "cpu", "auto")
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := analyzeOn(t, recording, "cuda", "auto")
	if err != nil {
		t.Fatal(err)
	}
	if want.run.Device != "cpu" || !strings.HasPrefix(got.run.Device, "cuda: ") || got.run.Note != "" || len(got.notes) > 0 {
		t.Errorf("devices %q and %q, said %q, %v", want.run.Device, got.run.Device, got.run.Note, got.notes)
	}
	visible := 0
	for _, r := range want.rows[1:] {
		if r[6] == "1" {
			visible++
		}
	}
	if visible < 8 {
		t.Errorf("only %d rows of visible students: the comparison says little", visible)
	}
	if worst := sameTimeline(t, want.rows, got.rows); !t.Failed() {
		t.Logf("%d rows, %d visible; worst difference %.2g; decided on %s", len(want.rows)-1, visible, worst, got.run.Device)
	}
}

// sameTimeline compares cell by cell and gives the largest difference of numbers.
func sameTimeline(t *testing.T, want, got [][]string) float64 {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	worst := 0.0
	for i := range want {
		for j, w := range want[i] {
			a, err1 := strconv.ParseFloat(w, 64)
			b, err2 := strconv.ParseFloat(got[i][j], 64)
			if err1 != nil || err2 != nil {
				if w != got[i][j] {
					t.Errorf("row %d, %s: %q, want %q", i, want[0][j], got[i][j], w)
				}
				continue
			}
			d := math.Abs(a - b)
			if j >= 2 && j <= 5 { // boxes are pixels, written with one decimal
				d /= 100
			}
			worst = max(worst, d)
			if !(d <= timelineTolerance) {
				t.Errorf("row %d, %s: %s, want %s", i, want[0][j], got[i][j], w)
			}
		}
	}
	return worst
}

// A device that fails, at start or in the middle, leaves the recording to the CPU: the same
// timeline to its end, and it is said. (model tries every call and code on one network.)
func TestDeviceFailsInTheMiddle(t *testing.T) {
	all, err := driver.Devices()
	if err != nil || len(all) == 0 || !all[0].Simulated {
		t.Skip("needs the simulated device")
	}
	recording := fourStudents(t)
	want, _, err := analyzeOn(t, recording, "cpu", "auto")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		call, code int
		says       string
	}{
		{40, 2, "is not used: "},               // out of memory in the check at start
		{900, 719, "the rest went to the CPU"}, // a launch that fails later
	} {
		t.Run(fmt.Sprintf("%d at call %d", c.code, c.call), func(t *testing.T) {
			t.Setenv(driver.FaultVariable, fmt.Sprintf("%d:%d", c.call, c.code))
			got, result, err := analyzeOn(t, recording, "cuda", "float32")
			if err != nil || result.State != Done {
				t.Fatal(result, err)
			}
			sameTimeline(t, want.rows, got.rows)
			if len(got.notes) != 1 || got.run.Note != got.notes[0] || !strings.Contains(got.run.Note, c.says) {
				t.Errorf("device %q, note %q, said %q; want one that says %q", got.run.Device, got.run.Note, got.notes, c.says)
			}
		})
	}
}

// What flow of another kind changes: motion, which is its length, in body heights a second, and probabilities, as the network looks at it.
const (
	motionTolerance = .15
	lookTolerance   = .01
)

// With run.flow: cuda the same students are at the same places, and what is decided of them differs by what another flow makes of it. A device
// whose flow fails leaves flow to the CPU, and it is said.
func TestDeviceFlow(t *testing.T) {
	all, err := driver.Devices()
	if err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	t.Setenv("CLASSLENS_SIM_RACES", "0") // the kernels' tests look for them; here it takes half of the time
	recording := fourStudents(t)
	want, _, err := analyzeWith(t, recording, map[string]any{"run.device": "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := analyzeWith(t, recording, map[string]any{"run.device": "cuda", "run.flow": "cuda"})
	if err != nil {
		t.Fatal(err)
	}
	if got.run.Note != "" || got.run.Timings["flow"] <= 0 || want.run.Timings["flow"] != 0 {
		t.Errorf("note %q, seconds of flow on the device %v, on the CPU %v", got.run.Note, got.run.Timings["flow"], want.run.Timings["flow"])
	}
	if len(got.rows) != len(want.rows) {
		t.Fatalf("%d rows, want %d", len(got.rows), len(want.rows))
	}
	var moved, said float64
	numbers := 0
	for i, row := range want.rows[1:] {
		for j, w := range row {
			a, err1 := strconv.ParseFloat(w, 64)
			b, err2 := strconv.ParseFloat(got.rows[i+1][j], 64)
			if err1 != nil || err2 != nil {
				if w != got.rows[i+1][j] {
					t.Errorf("row %d, %s: %q, want %q", i+1, want.rows[0][j], got.rows[i+1][j], w)
				}
				continue
			}
			d := math.Abs(a - b)
			if j < 7 { // times and boxes follow from no flow
				d /= 100
				if !(d <= timelineTolerance) {
					t.Errorf("row %d, %s: %s, want %s", i+1, want.rows[0][j], got.rows[i+1][j], w)
				}
				continue
			}
			if numbers++; want.rows[0][j] == "motion" {
				moved = max(moved, d)
			} else {
				said = max(said, d)
			}
		}
	}
	if !(moved <= motionTolerance && said <= lookTolerance) || numbers < 50 || moved == 0 {
		t.Errorf("%d numbers: motion differs by %.3f, others by %.4f", numbers, moved, said)
	}
	t.Logf("%d numbers: motion differs by %.3f body heights a second at most, others by %.4f", numbers, moved, said)

	if _, _, err := analyzeWith(t, recording, map[string]any{"run.device": "cpu", "run.flow": "cuda"}); err == nil || !strings.Contains(err.Error(), "run.flow") {
		t.Errorf("flow on a GPU that is not asked for: %v", err)
	}
}

// Flow that the device fails at is computed by the CPU, as if the device had not been.
func TestDeviceFlowFails(t *testing.T) {
	pair := func() *scene.Flow {
		f := &scene.Flow{Width: 40, Height: 32, Scale: 3, Interval: .04, Pair: &scene.FlowPair{Camera: scene.Still()}}
		for i := range 40 * 32 {
			f.Pair.From = append(f.Pair.From, byte(128+90*math.Sin(float64(i%40)/3)*math.Cos(float64(i/40)/4)))
			f.Pair.To = append(f.Pair.To, byte(128+90*math.Sin(float64(i%40-1)/3)*math.Cos(float64(i/40)/4)))
		}
		return f
	}
	all, err := driver.Devices()
	if err != nil || len(all) == 0 || !all[0].Simulated {
		t.Skip("needs the simulated device")
	}
	runtime.LockOSThread() // OpenCV's DIS is kept by thread, and its first flow of a size is a little other than those after it
	defer runtime.UnlockOSThread()
	var want *scene.Flow
	for range 2 {
		want = pair()
		if err := video.ComputeFlow(want); err != nil {
			t.Fatal(err)
		}
	}
	choice, err := model.FindDevice("cuda")
	if err != nil {
		t.Fatal(err)
	}
	if newGPUFlow(choice, "auto") != nil || newGPUFlow(choice, "cpu") != nil || newGPUFlow(model.Choice{Device: model.CPU}, "auto") != nil {
		t.Error("flow is computed on a simulated device, or a GPU, that nobody asked for")
	}
	for _, call := range []int{0, 1, 5, 20, 30, 40} {
		t.Setenv(driver.FaultVariable, fmt.Sprintf("%d:719", call))
		f := newGPUFlow(choice, "cuda")
		for range 3 {
			got := pair()
			if err := f.compute(got); err != nil || got.Pair != nil || len(got.UV) != len(want.UV) {
				t.Fatal(err)
			}
			if same := slices.Equal(got.UV, want.UV); same != (f.err() != nil) {
				t.Errorf("call %d fails: flow as the CPU has it %v, error %v", call, same, f.err())
			}
		}
		if (f.err() == nil) != (call == 0) {
			t.Errorf("call %d fails: error %v", call, f.err())
		}
		if err := f.close(); err != nil && call == 0 {
			t.Error(err)
		}
	}
}
