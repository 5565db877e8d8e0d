package analysis

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"classlens/internal/config"
	"classlens/internal/safefile"
	"classlens/model"
)

// A panic costs the recording that it happens over: the reason is told, the folder is free again, and the program goes on.
func TestPanicCostsOneRecording(t *testing.T) {
	dir := t.TempDir()
	clip := filepath.Join(dir, "a.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=5:d=1", "-pix_fmt", "yuv420p", clip).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	cfg, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &Analyzer{options: Options{Config: cfg, Events: func(Event) {}}, device: model.Choice{Device: model.CPU}} // without a detector: its first use panics
	folder := filepath.Join(dir, "out")
	r := a.Run(context.Background(), clip, folder)
	if r.State != Failed || !errors.Is(r.Err, ErrFault) || !strings.Contains(r.Err.Error(), "nil pointer") || strings.Contains(r.Err.Error(), "\n") || r.Refused() {
		t.Fatalf("%+v", r)
	}
	if reason := readFailure(folder); reason != r.Err.Error() {
		t.Errorf("kept as %q", reason)
	}
	if owner := safefile.HeldBy(folder); owner != nil {
		t.Errorf("the folder is still %v's", owner)
	}
}

func TestCaught(t *testing.T) {
	var none []int
	err := caught(func() error { _ = none[len(os.Args)]; return nil })
	if !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), "index out of range") || !strings.Contains(err.Error(), "classlens/internal/analysis.TestCaught") {
		t.Error(err)
	}
	if err := caught(func() error { return nil }); err != nil {
		t.Error(err)
	}
}
