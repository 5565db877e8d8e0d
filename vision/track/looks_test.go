package track_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"

	"classlens/model/pretrained"
	"classlens/vision/people"
	"classlens/vision/scene"
	"classlens/vision/video"
)

// TestLooksSideBySide: two looks under way find what one after the other finds, looks are finished in order, and there are
// never three.
func TestLooksSideBySide(t *testing.T) {
	rec, err := video.Open(context.Background(), "../../samples/lesson.mp4", video.Options{NoFlow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	var frames []scene.Frame
	for range 14 { // parts of the picture are looked at from the seventh look on
		step, err := rec.Next()
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, step.Frame)
	}
	one, err := people.NewDetector(people.Options{Threads: 1})
	if errors.Is(err, pretrained.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := people.NewDetector(people.Options{Threads: 2, Pipelined: true})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	var want, got [][]scene.Person
	var under []*people.Look
	finish := func() {
		p, err := under[0].Finish()
		if err != nil {
			t.Fatal(err)
		}
		got, under = append(got, p), under[1:]
	}
	for _, f := range frames {
		p, err := one.Detect(f)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, p)
		l, err := two.Start(f)
		if err != nil {
			t.Fatal(err)
		}
		if under = append(under, l); len(under) < 2 {
			continue
		}
		if _, err := two.Start(f); err == nil {
			t.Fatal("a third look was begun")
		}
		if _, err := under[1].Finish(); err == nil {
			t.Fatal("the second look was finished before the first")
		}
		if _, err := two.State(); err == nil {
			t.Fatal("a state was given while looks were under way")
		}
		finish()
	}
	finish()
	seen := 0
	for i := range want {
		seen += len(want[i])
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("frame %d: side by side %v, one by one %v", i, got[i], want[i])
		}
	}
	counts := two.Counts()
	if !maps.Equal(counts, one.Counts()) || counts["heads-1280"] == 0 && counts["heads-896"] == 0 {
		t.Errorf("looks made: %s side by side, %s one by one", fmt.Sprint(counts), fmt.Sprint(one.Counts()))
	}
	if seen < 5*len(frames) {
		t.Errorf("%d people in %d frames", seen, len(frames))
	}
}
