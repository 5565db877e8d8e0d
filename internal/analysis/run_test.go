package analysis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"classlens/internal/config"
	"classlens/vision/scene"
	"classlens/vision/video"
)

// A decoder that dies half way costs the rest, not what was read.
func TestBrokenOffRecordingKeepsWhatWasRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		steps int
		kept  bool
	}{
		{"crash", fmt.Errorf("/home/somebody/a.mp4: %w", video.ErrCrashed), 5, true},
		{"hang", fmt.Errorf("/home/somebody/a.mp4: %w", video.ErrHung), 5, true},
		{"crash at once", video.ErrCrashed, 0, false},
		{"interrupted", fmt.Errorf("%w (%w)", video.ErrCrashed, context.Canceled), 5, false},
		{"full disk", errors.New("no space left on device"), 5, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := newSpool(t.TempDir(), rawCodec{1, 1})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for i := range c.steps {
				if err := s.Add(&scene.Step{Index: i, Time: float64(i), Frame: scene.Frame{Width: 1, Height: 1, Pix: []byte{1, 2, 3}}}); err != nil {
					t.Fatal(err)
				}
			}
			a := &Analyzer{options: Options{Config: config.Config{Video: config.Video{StepSeconds: 1}}}}
			r := &run{Analyzer: a, path: "/home/somebody/a.mp4", spool: s, duration: 20}
			if kept := r.brokeOff(c.err); kept != c.kept {
				t.Fatalf("kept %v, want %v", kept, c.kept)
			}
			if c.kept && (r.lost.Start != 5 || r.lost.End != 20 || strings.Contains(r.lost.Reason, "somebody")) { // a report names no folder
				t.Errorf("the lost span is %+v", r.lost)
			}
		})
	}
}
