package track_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"classlens/model/pretrained"
	"classlens/vision/people"
	"classlens/vision/scene"
	"classlens/vision/track"
	"classlens/vision/track/lucas"
	"classlens/vision/track/score"
	"classlens/vision/video"
)

func TestMain(m *testing.M) {
	video.RunWorkerIfAsked()
	os.Exit(m.Run())
}

// shared finds a file of the development data beside the clone.
func shared(t *testing.T, name string) string {
	t.Helper()
	if dir := os.Getenv("CLASSLENS_SHARED"); dir != "" {
		return filepath.Join(dir, name)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skipf("no shared/%s beside the clone", name)
		}
		dir = up
	}
}

// spent is what a run took; classlens bench track has the times.
type spent struct {
	steps  int
	counts map[string]int
}

// tracksOf runs detector and tracker over a recording.
func tracksOf(t *testing.T, path, preset string) ([]scene.Track, spent) {
	t.Helper()
	d, err := people.NewDetector(people.Options{Preset: preset, Threads: 1})
	if errors.Is(err, pretrained.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rec, err := video.Open(context.Background(), path, video.Options{BetweenFPS: 6, NoFlow: true, Halves: d.Halves(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	tr := track.NewTracker(track.Options{HoldScore: d.HoldScore(), LookSeconds: d.LookSeconds(1)}, &lucas.Follower{})
	var s spent
	shot := 0
	for {
		step, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if step.Shot != shot {
			d.Reset()
			shot = step.Shot
		}
		found, err := d.Detect(step.Frame)
		if err != nil {
			t.Fatal(err)
		}
		tr.Add(step, found)
		s.steps++
	}
	tracks := tr.Finish()
	s.counts = d.Counts()
	return tracks, s
}

// TestClips scores the development clips and the rendered lesson. The figures of
// the log go into docs/measured.md; the limits keep them from getting worse.
func TestClips(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the nets over three recordings")
	}
	for _, c := range []struct {
		name, video, truth, preset string
		recall, precision, idf1    float64
		switches                   int
	}{
		{"highschool_61s", "data/video/highschool_61s.mp4", "data/truth/highschool_61s", "default", .91, .98, .91, 15},
		{"cctv_11s", "data/video/cctv_11s.mp4", "data/truth/cctv_11s", "default", .98, .91, .94, 0},
		{"cctv_11s", "data/video/cctv_11s.mp4", "data/truth/cctv_11s", "best", .98, .98, .98, 0},
		{"lesson", "../../samples/lesson.mp4", "../../samples/lesson", "default", .96, .88, .9, 16},
	} {
		t.Run(c.name+" "+c.preset, func(t *testing.T) {
			t.Parallel()
			clip, dir := c.video, c.truth
			if c.name != "lesson" {
				clip, dir = shared(t, clip), shared(t, dir)
			}
			preset := c.preset
			if p := os.Getenv("CLASSLENS_TEST_PRESET"); p != "" {
				preset = p
			}
			tracks, s := tracksOf(t, clip, preset)
			truth, ignore, err := score.ReadTruth(dir)
			if err != nil {
				t.Fatal(err)
			}
			r := score.Score(truth, ignore, score.Rows(tracks))
			t.Logf("%s %s: %d tracks, recall %.3f precision %.3f IDF1 %.3f switches %d area %.2f; %v",
				c.name, preset, len(tracks), r.Recall, r.Precision, r.IDF1, r.Switches, r.AreaRatio, s.counts)
			if r.Recall < c.recall || r.Precision < c.precision || r.IDF1 < c.idf1 || r.Switches > c.switches {
				t.Errorf("worse than recall %.2f, precision %.2f, IDF1 %.2f, %d switches", c.recall, c.precision, c.idf1, c.switches)
			}
			if path := os.Getenv("CLASSLENS_TEST_ROWS"); path != "" {
				writeRows(t, filepath.Join(path, c.name+".csv"), tracks)
			}
		})
	}
}
