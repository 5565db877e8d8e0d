package video

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"classlens/vision/scene"
)

func TestMain(m *testing.M) {
	misbehaveIfAsked()
	RunWorkerIfAsked()
	os.Exit(m.Run())
}

// sharedVideo is a clip of the development data, which is not part of the project.
func sharedVideo(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for d := dir; d != "/"; d = filepath.Dir(d) {
		if p := filepath.Join(d, "shared", "data", "video", name); fileExists(p) {
			return p
		}
	}
	t.Skip("no shared/data/video beside the project")
	return ""
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readAll opens a recording and takes every step.
func readAll(t *testing.T, path string, o Options) (*Recording, []*scene.Step, error) {
	t.Helper()
	r, err := Open(context.Background(), path, o)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { r.Close() })
	var steps []*scene.Step
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r, steps, nil
		}
		if err != nil {
			return r, steps, err
		}
		steps = append(steps, s)
	}
}

func TestRealRecordings(t *testing.T) {
	for _, c := range []struct {
		name          string
		frames, steps int
	}{{"highschool_61s.mp4", 1842, 62}, {"cctv_11s.mp4", 219, 11}, {"college_handheld_13s.mp4", 0, 13}} {
		t.Run(c.name, func(t *testing.T) {
			r, steps, err := readAll(t, sharedVideo(t, c.name), Options{BetweenFPS: 6})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v gaps %v steps %d", r.Info(), r.Gaps(), len(steps))
			if c.frames > 0 && r.Info().Frames != c.frames {
				t.Errorf("%d frames, want %d", r.Info().Frames, c.frames)
			}
			if len(steps) < c.steps-1 || len(steps) > c.steps+1 {
				t.Errorf("%d steps, want about %d", len(steps), c.steps)
			}
			for i, s := range steps {
				if s.Index != i || s.Time < float64(i)-.03 || s.Time > float64(i)+.03 {
					t.Errorf("step %d is number %d at %.3f s", i, s.Index, s.Time)
				}
				if first := i == 0 || s.Shot != steps[i-1].Shot; (s.Flow == nil) != first {
					t.Errorf("step %d: flow %v", i, s.Flow != nil)
				}
			}
			if len(r.Gaps()) > 0 {
				t.Errorf("gaps %v", r.Gaps())
			}
		})
	}
}

// Instants half-way between steps change nothing about the steps, cuts or not.
func TestHalves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cuts.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-ss", "20", "-t", "6", "-i", "../../samples/lesson.mp4", "-vf", "negate=enable='between(t,2.3,4.3)'", "-threads", "3", path).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	_, want, err := readAll(t, path, Options{BetweenFPS: 6})
	if err != nil {
		t.Fatal(err)
	}
	_, all, err := readAll(t, path, Options{BetweenFPS: 6, Halves: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []*scene.Step
	for i, s := range all {
		if s.Half != (i%2 == 1) {
			t.Fatalf("at %.2f s: half %v", s.Time, s.Half)
		}
		if !s.Half {
			got = append(got, s)
			continue
		}
		if before := all[i-1]; s.Index != before.Index || math.Abs(s.Time-before.Time-.5) > .11 || s.Flow != nil || s.KeyFrame || len(s.Frame.Pix) != len(before.Frame.Pix) {
			t.Errorf("half at %.2f s after step %d: index %d, flow %v, key frame %v", s.Time, before.Index, s.Index, s.Flow != nil, s.KeyFrame)
		}
		if n := len(s.Between); n == 0 || s.Between[n-1].Time != s.Time {
			t.Errorf("half at %.2f s: %d frames lead to it", s.Time, n)
		}
	}
	if len(got) != len(want) || len(want) < 6 || want[len(want)-1].Shot != 2 {
		t.Fatalf("%d steps and %d halves, %d steps without them, the last of shot %d", len(got), len(all)-len(got), len(want), want[len(want)-1].Shot)
	}
	for i, w := range want {
		g := *got[i]
		g.Between, g.Camera = w.Between, w.Camera // since the half
		if !reflect.DeepEqual(&g, w) {
			t.Errorf("step %d is another one", i)
		}
	}
	if _, every, err := readAll(t, path, Options{Halves: true, Every: true}); err != nil || slices.ContainsFunc(every, func(s *scene.Step) bool { return s.Half }) {
		t.Errorf("every frame is a step: %v", err)
	}
}

// Flow that is computed of the pairs that the child gives is what it computes itself: of a camera that moves, too.
func TestFlowPairs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "moving.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-ss", "20", "-t", "3", "-i", "../../samples/lesson.mp4", "-vf", "crop=400:260:100+60*t:60+20*t", "-threads", "3", path).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	_, want, err := readAll(t, path, Options{StepSeconds: .5})
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := readAll(t, path, Options{StepSeconds: .5, FlowPairs: true})
	if err != nil || len(got) != len(want) {
		t.Fatal(len(got), len(want), err)
	}
	runtime.LockOSThread() // as the child is: DIS is kept by thread, and its first flow of a size is a little other than those after it
	defer runtime.UnlockOSThread()
	compared, moving := 0, 0
	for i, w := range want {
		g := got[i].Flow
		if w.Flow == nil {
			if g != nil {
				t.Fatalf("step %d has a flow", i)
			}
			continue
		}
		if g.Pair == nil || len(g.UV) > 0 || w.Flow.Pair != nil {
			t.Fatalf("step %d: pair %v, %d values", i, g.Pair != nil, len(g.UV))
		}
		if g.Pair.Camera != scene.Still() {
			moving++
		}
		if err := ComputeFlow(g); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(g, w.Flow) {
			t.Fatalf("step %d: another flow", i)
		}
		compared++
	}
	if compared < 4 || moving == 0 {
		t.Errorf("%d flows compared, the camera moved in %d", compared, moving)
	}
}

// TestPixelsThatAreNotSquare: pictures are as they are shown, so that a head is as wide as it is.
func TestPixelsThatAreNotSquare(t *testing.T) {
	for _, c := range []struct {
		name, shape   string
		width, height int
	}{
		{"camcorder.mp4", "4/3", 213, 120},
		{"tape.avi", "16/11", 233, 120},
		{"american.mkv", "8/9", 142, 120},
		{"square.mp4", "1/1", 160, 120},
		{"nearly.mp4", "1000/999", 160, 120},
		{"nonsense.mkv", "50/1", 160, 120},
		{"turned.mp4", "4/3", 120, 213},
	} {
		path := made(t, c.name, "-frames:v", "30", "-vf", "setsar="+c.shape, "-c:v", "mpeg4")
		if c.name == "turned.mp4" { // FFmpeg turns nothing that it encodes
			lying := path
			path = filepath.Join(t.TempDir(), c.name)
			if out, err := exec.Command("ffmpeg", "-v", "error", "-i", lying, "-c", "copy", "-metadata:s:v:0", "rotate=90", path).CombinedOutput(); err != nil {
				t.Fatalf("ffmpeg: %v: %s", err, out)
			}
		}
		r, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		info := r.Info()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if s.Frame.Width != c.width || s.Frame.Height != c.height || len(s.Frame.Pix) != 3*c.width*c.height || info.Width != c.width || info.Height != c.height {
			t.Errorf("%s with pixels of %s: a picture of %dx%d, told as %dx%d, want %dx%d", c.name, c.shape, s.Frame.Width, s.Frame.Height, info.Width, info.Height, c.width, c.height)
		}
	}
}
