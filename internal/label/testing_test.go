package label

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"classlens/internal/safefile"
	"classlens/vision/video"
)

func TestMain(m *testing.M) {
	video.RunWorkerIfAsked()
	if folder := os.Getenv(asRater); folder != "" {
		labelUntilKilled(folder)
	}
	os.Exit(m.Run())
}

const sample = "../../samples/lesson.mp4"

// results makes a folder as classlens analyze leaves it, of the sample's exact truth: the timeline is all that labelling reads of it. Students are s01 to s17 there.
func results(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../samples/lesson/boxes.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll() // time_s, student_id, x, y, w, h, visibility
	if err != nil {
		t.Fatal(err)
	}
	out := [][]string{{"time_s", "student", "x", "y", "w", "h", "visible", "behaviour"}}
	for _, r := range rows[1:] {
		seen := []string{strings.TrimSuffix(r[0], ".0"), strings.ToUpper(r[1])}
		if r[2] == "" {
			out = append(out, append(seen, "", "", "", "", "0", ""))
		} else {
			out = append(out, append(append(seen, r[2:6]...), "1", "read"))
		}
	}
	dir := filepath.Join(t.TempDir(), "out", "lesson")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, timelineName), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// options are those of the sample and a folder of results.
func options(t *testing.T, dir string) Options {
	t.Helper()
	sum, err := safefile.Sum(sample)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Results: dir, Recording: sample, SHA256: sum, Video: video.Options{StepSeconds: 1, Hang: 10 * time.Minute}, Rater: "anna", Kinds: []string{"behaviour"}, Window: 10}
}

// session opens the sample; the test closes it.
func session(t *testing.T, o Options) *Session {
	t.Helper()
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// small is a lesson of so many students and steps of a second, all in view but the last step of the last student.
func small(students, steps int) *lesson {
	l := &lesson{step: 1}
	for i := range steps {
		l.times = append(l.times, float64(i))
	}
	for i := range students {
		s := student{ID: fmt.Sprintf("S%02d", i+1)}
		for range steps {
			s.Boxes, s.Proposals = append(s.Boxes, []float64{10, 20, 5, 6}), append(s.Proposals, "read")
		}
		l.students = append(l.students, s)
	}
	l.students[students-1].Boxes[steps-1] = nil
	return l
}

// do applies changes and fails where one does.
func do(t *testing.T, l *labels, changes ...change) {
	t.Helper()
	for _, c := range changes {
		c.Version = l.state().Version
		if _, err := l.apply(c, func(change) bool { return true }); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
	}
}

// lines are a file's without its header.
func lines(t *testing.T, name string) []string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(raw), "\n")[1:], func(s string) bool { return s == "" })
}
