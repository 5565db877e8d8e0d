package room

import (
	"fmt"
	"testing"
)

// judgePlan is what scripts/train-heads/judge.yaml draws.
func judgePlan(seed int64) *Plan {
	p := DefaultPlan()
	p.Seed, p.Seconds, p.FPS, p.Widths = seed, 12, 5, []int{640}
	return &p
}

func students(s *Scene) int {
	n := 0
	for _, a := range s.Actors {
		if a.stops == nil {
			n++
		}
	}
	return n
}

// The camera of 9888/008 saw nobody, that of 1/083 two students: both get another. A room with enough in view stays as it was
// (places and numbers drawn before there was a second camera).
func TestClipsShowStudents(t *testing.T) {
	a := testAssets(t)
	for _, c := range []struct {
		seed     int64
		n        int
		kind     string
		students int // 0: some
		camera   Vec // as students
	}{
		{9888, 8, "single/ceiling", 0, Vec{}},
		{1, 83, "groups/ceiling", 0, Vec{}},
		{9100, 3, "groups/ceiling", 3, Vec{1.1175, 2.9, -1.3574}},
		{9777, 18, "single/ceiling", 4, Vec{-1.1086, 2.9, -1.3880}},
	} {
		s, kind, err := NewClip(a, judgePlan(c.seed), c.n)
		if err != nil || kind != c.kind {
			t.Fatalf("%d/%03d: %s, %v, want %s", c.seed, c.n, kind, err, c.kind)
		}
		s.Frame(2)
		heads := 0
		for _, p := range s.Truth(2) {
			if p.Row >= 0 && p.SeenHead.W > 0 {
				heads++
			}
		}
		if heads < fewStudents {
			t.Errorf("%d/%03d: %d students' heads are to be seen", c.seed, c.n, heads)
		}
		if c.students > 0 && (students(s) != c.students || s.Camera.Pos.Sub(c.camera).Len() > 1e-3) {
			t.Errorf("%d/%03d: %d students before %v, drew %d before %v", c.seed, c.n, c.students, c.camera, students(s), s.Camera.Pos)
		}
		again, _, err := NewClip(a, judgePlan(c.seed), c.n)
		if err != nil || again.Camera.Pos != s.Camera.Pos || len(again.Actors) != len(s.Actors) {
			t.Errorf("%d/%03d: drawn twice, another camera or class (%v)", c.seed, c.n, err)
		}
	}
}

// However small a room is and wherever its cameras may hang, somebody is to be seen.
func TestSmallestClipsShowStudents(t *testing.T) {
	a := testAssets(t)
	for _, layout := range Layouts {
		for _, kind := range CameraKinds {
			t.Run(fmt.Sprint(layout, "/", kind), func(t *testing.T) {
				p := judgePlan(5)
				p.Rows, p.Cols, p.Layouts, p.Cameras = 1, 1, map[string]float64{layout: 1}, map[string]float64{kind: 1}
				s, _, err := NewClip(a, p, 0)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := students(s), min(fewStudents, len(s.Room.Seats)); got < want {
					t.Errorf("%d students, want %d", got, want)
				}
			})
		}
	}
}
