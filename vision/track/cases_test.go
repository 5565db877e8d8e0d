package track

import (
	"math"
	"testing"

	"classlens/vision/scene"
)

// The cases of a real lesson, each on generated detections.

// walk is a path through corners, at so many heads a second, beginning at a
// step; before it and after it the actor is absent unless it stays.
func path(w float64, from int, speed float64, stays bool, corners ...[2]float64) actor {
	h := w * 1.2
	return actor{w, h, func(q int) (float64, float64, bool, bool) {
		left := float64(q-from) * speed * h
		if left < 0 {
			return 0, 0, false, false
		}
		for i := 1; i < len(corners); i++ {
			a, b := corners[i-1], corners[i]
			d := math.Hypot(b[0]-a[0], b[1]-a[1])
			if left <= d {
				return a[0] + (b[0]-a[0])*left/d, a[1] + (b[1]-a[1])*left/d, true, true
			}
			left -= d
		}
		last := corners[len(corners)-1]
		return last[0], last[1], stays, stays
	}}
}

func find(tracks []scene.Track, id string) *scene.Track {
	for i := range tracks {
		if tracks[i].ID == id {
			return &tracks[i]
		}
	}
	return nil
}

// sameOwner fails unless the actor has one and the same track at the steps.
func (s stage) sameOwner(t *testing.T, tracks []scene.Track, i int, steps ...int) string {
	t.Helper()
	first := s.owner(tracks, i, steps[0])
	for _, q := range steps {
		if got := s.owner(tracks, i, q); got != first || got == "" {
			t.Fatalf("actor %d is %q at %d and %q at %d", i, first, steps[0], got, q)
		}
	}
	return first
}

func TestTeacherAmongTheRows(t *testing.T) {
	actors := room(3, 4) // rows at y 100, 220, 340
	n := len(actors)
	actors = append(actors, path(28, 0, 1.5, true, [2]float64{50, 160}, [2]float64{600, 160}, [2]float64{600, 280}, [2]float64{60, 280}, [2]float64{60, 160}, [2]float64{500, 160}))
	s := stage{actors: actors, noise: 0.06}
	tracks := s.play(60, Options{})
	if len(tracks) != n+1 {
		t.Fatalf("%d tracks, want %d", len(tracks), n+1)
	}
	for i := range n {
		if id := s.sameOwner(t, tracks, i, 0, 15, 30, 45, 59); id == "T01" {
			t.Errorf("student %d became the teacher", i)
		}
	}
	teacher := find(tracks, "T01")
	if teacher == nil || !teacher.Teacher {
		t.Fatal("no teacher")
	}
	right := 0
	for q := range 60 {
		if s.owner(tracks, n, q) == "T01" {
			right++
		}
	}
	if right < 54 {
		t.Errorf("the teacher is T01 at %d of 60 steps", right)
	}
}

func TestLatecomer(t *testing.T) {
	actors := room(2, 4)
	n := len(actors)
	actors = append(actors, path(26, 20, 1.5, true, [2]float64{600, 500}, [2]float64{300, 400}))
	s := stage{actors: actors, noise: 0.06}
	tracks := s.play(70, Options{})
	if len(tracks) != n+1 {
		t.Fatalf("%d tracks, want %d", len(tracks), n+1)
	}
	id := s.sameOwner(t, tracks, n, 40, 55, 69)
	tr := find(tracks, id)
	if tr.Teacher {
		t.Error("a latecomer is no teacher")
	}
	for q := range 19 {
		if tr.Sightings[q].Visible {
			t.Fatalf("%s is shown at %d, before coming in", id, q)
		}
	}
}

func TestLeavesAndComesBack(t *testing.T) {
	actors := room(2, 4)
	base := actors[5]
	bx, by, _, _ := base.at(0)
	actors[5].at = func(q int) (float64, float64, bool, bool) {
		switch {
		case q < 20 || q >= 60:
			return bx, by, true, true
		case q < 28:
			return bx + 30*float64(q-19), by + 20*float64(q-19), true, true
		case q >= 52:
			return bx + 30*float64(60-q), by + 20*float64(60-q), true, true
		}
		return 0, 0, false, false
	}
	s := stage{actors: actors, noise: 0.06}
	tracks := s.play(90, Options{})
	if len(tracks) != 8 {
		t.Fatalf("%d tracks, want 8", len(tracks))
	}
	id := s.sameOwner(t, tracks, 5, 5, 15, 65, 89)
	for q := 34; q < 48; q++ {
		if v := find(tracks, id).Sightings[q]; v.Visible {
			t.Fatalf("%s is shown at %d, while away", id, q)
		}
	}
}

func TestChangesSeats(t *testing.T) {
	actors := room(2, 4)
	n := len(actors)
	w := actors[4].w
	actors = append(actors, actor{w, 1.2 * w, func(q int) (float64, float64, bool, bool) {
		x := 600.0
		switch {
		case q >= 45:
			x = 850
		case q > 35:
			x += 25 * float64(q-35)
		}
		return x, 400, true, true
	}})
	s := stage{actors: actors, noise: 0.06}
	tracks := s.play(90, Options{})
	if len(tracks) != n+1 {
		t.Fatalf("%d tracks, want %d", len(tracks), n+1)
	}
	if id := s.sameOwner(t, tracks, n, 10, 30, 50, 80); find(tracks, id).Teacher {
		t.Error("who changes seats once is no teacher")
	}
}

// TestWalksFast: somebody three heads farther at each look, whom flow loses, is one person all the same: a student who leaves a
// seat and stands elsewhere, and a teacher who goes from place to place and is nobody's seat where they stood.
func TestWalksFast(t *testing.T) {
	actors := room(3, 4)
	n := len(actors)
	w := actors[0].w
	teacher := actor{1.5 * w, 1.8 * w, func(q int) (float64, float64, bool, bool) {
		switch {
		case q < 8:
			return 80, 60, true, true
		case q < 13:
			return 80 + 90*float64(q-7), 60, true, true
		}
		return 620, 60, true, q != 20
	}}
	bx, by, _, _ := actors[9].at(0)
	actors[9].at = func(q int) (float64, float64, bool, bool) {
		if q < 10 {
			return bx, by, true, true
		}
		return bx + 3*1.2*w*math.Min(float64(q-9), 6), by + 30, true, true
	}
	s := stage{actors: append(actors, teacher), noise: 0.06, blind: true}
	tracks := s.play(24, Options{})
	if len(tracks) != n+1 {
		t.Fatalf("%d tracks, want %d", len(tracks), n+1)
	}
	if id := s.sameOwner(t, tracks, n, 0, 5, 9, 12, 15, 23); id != "T01" {
		t.Errorf("the teacher is %s", id)
	}
	s.sameOwner(t, tracks, 9, 0, 9, 11, 14, 20, 23)
	for i := range n {
		if i != 9 {
			s.sameOwner(t, tracks, i, 0, 12, 23)
		}
	}
	for _, k := range tracks {
		if v := k.Sightings[14]; v.Visible && v.Head.Contains(80, 60) {
			t.Errorf("%s is held where the teacher stood before", k.ID)
		}
	}
}

// TestFlickerIsNoWalk: false heads here and there, sure ones even, become nobody who walks.
func TestFlickerIsNoWalk(t *testing.T) {
	actors := room(2, 4)
	for k := range 3 {
		x := 60 + 300*float64(k)
		actors = append(actors, actor{20, 24, func(q int) (float64, float64, bool, bool) {
			return x + 40*float64(q%2), 40, true, q%7 == 2*k || q%7 == 2*k+1 // two looks in a row, a head or two apart
		}})
	}
	s := stage{actors: actors, noise: 0.05, blind: true}
	for _, k := range s.play(40, Options{MinSum: 100, MinHits: 30}) { // seats are not what is asked here
		if k.Teacher {
			t.Errorf("%s walks", k.ID)
		}
	}
}

// TestPlaceBetweenTwo: two neighbours lean towards each other by turns, so that one place is now the one's, now the other's.
func TestPlaceBetweenTwo(t *testing.T) {
	actors := room(2, 4)
	x, y, _, _ := actors[1].at(0)
	u, _, _, _ := actors[2].at(0)
	for k, i := range []int{1, 2} {
		at := []float64{x, u}[k]
		actors[i].at = func(q int) (float64, float64, bool, bool) {
			if q%10 == 4+5*k {
				return (x + u) / 2, y, true, true
			}
			return at, y, true, true
		}
	}
	s := stage{actors: actors, noise: 0.04, blind: true}
	tracks := s.play(60, Options{})
	if len(tracks) != len(actors) {
		t.Fatalf("%d tracks, want %d", len(tracks), len(actors))
	}
	s.sameOwner(t, tracks, 1, 0, 4, 14, 33, 44, 59)
	s.sameOwner(t, tracks, 2, 0, 9, 19, 33, 49, 59)
}

// TestBehindOneAnother: where several nets are fused, two heads half a head apart that are found at once are two students; a weak second find on a head is none.
func TestBehindOneAnother(t *testing.T) {
	for _, c := range []struct {
		score float64 // of the lower one's finds
		every int     // step of so many at which it is found
		hold  float64 // Options.HoldScore: above 0 where several nets are fused
		two   bool
	}{{0.8, 1, 0.8, true}, {0.55, 3, 0.8, true}, {0.3, 1, 0.8, false}, {0.8, 14, 0.8, false}, {0.8, 1, 0, false}} {
		tr := NewTracker(Options{HoldScore: c.hold}, nil)
		for q := range 40 {
			people := []scene.Person{{Head: scene.Box{X: 100, Y: 100, W: 20, H: 24}, Score: 0.9}, {Head: scene.Box{X: 300, Y: 100, W: 20, H: 24}, Score: 0.9}}
			if q%c.every == 0 {
				people = append(people, scene.Person{Head: scene.Box{X: 102, Y: 112.5, W: 20, H: 24}, Score: c.score})
			}
			tr.Add(&scene.Step{Index: q, Time: float64(q), Frame: scene.Frame{Width: 1000, Height: 600}, Camera: scene.Still()}, people)
		}
		if tracks := tr.Finish(); (len(tracks) == 3) != c.two {
			t.Errorf("%+v: %d tracks", c, len(tracks))
		}
	}
}

// TestHoldScore: who is surely but seldom seen is held where they sit if it is asked for, and only then.
func TestHoldScore(t *testing.T) {
	actors := room(2, 4)
	x, y, _, _ := actors[3].at(0)
	actors[3].at = func(q int) (float64, float64, bool, bool) { return x, y, true, q >= 30 && q%4 == 0 }
	s := stage{actors: actors, noise: 0.05}
	for _, score := range []float64{0, 0.7, 0.9} { // the stage's heads have 0.8
		tracks := s.play(60, Options{HoldScore: score})
		held := s.owner(tracks, 3, 5) != ""
		if want := score == 0.7; held != want {
			t.Errorf("with %v held at 5: %v", score, held)
		}
		if s.owner(tracks, 3, 32) == "" {
			t.Errorf("with %v not found at 32", score)
		}
	}
	// Seen for 12 of 60 s they may have passed by.
	actors[3].at = func(q int) (float64, float64, bool, bool) { return x, y, true, q >= 30 && q <= 42 && q%4 == 2 }
	if s.owner(s.play(60, Options{HoldScore: 0.7}), 3, 5) != "" {
		t.Error("who is seen for 12 of 60 s is held before that")
	}
}

// TestSteadilySeenByOne: whom one of several fused nets alone sees, with little more than steadyTop, is a student when found at nearly every look.
func TestSteadilySeenByOne(t *testing.T) {
	class := room(2, 4)
	for _, c := range []struct {
		name     string
		hold     float64
		score    float64
		found    func(q int) bool
		students int
	}{
		{"at every look", 0.8, 0.42, func(int) bool { return true }, 9},
		{"at nine of ten looks", 0.8, 0.42, func(q int) bool { return q%10 != 3 }, 9},
		{"at six of ten looks", 0.8, 0.42, func(q int) bool { return q%10 < 6 }, 8},
		{"less surely", 0.8, 0.35, func(int) bool { return true }, 8},
		{"with one net at most looks", 0, 0.42, func(int) bool { return true }, 8},
	} {
		tr := NewTracker(Options{HoldScore: c.hold}, nil)
		for q := range 40 {
			var people []scene.Person
			for i := range class {
				h, _, _ := stage{actors: class}.head(i, q)
				people = append(people, scene.Person{Head: h, Score: 0.9})
			}
			if c.found(q) {
				people = append(people, scene.Person{Head: scene.Box{X: 700, Y: 300, W: 24, H: 29}, Score: c.score})
			}
			tr.Add(&scene.Step{Index: q, Time: float64(q), Frame: scene.Frame{Width: 1000, Height: 600}, Camera: scene.Still()}, people)
		}
		if n := len(tr.Finish()); n != c.students {
			t.Errorf("%s: %d students, want %d", c.name, n, c.students)
		}
	}
}

// TestCutOffHead: a head at the picture's edge of which now all, now half is seen is one student's; elsewhere a hand beside a head is not part of it.
func TestCutOffHead(t *testing.T) {
	for _, edge := range []bool{true, false} {
		tr := NewTracker(Options{}, nil)
		class := stage{actors: room(2, 4)}
		for q := range 20 {
			people := []scene.Person{}
			for i := range class.actors {
				h, _, _ := class.head(i, q)
				people = append(people, scene.Person{Head: h, Score: 0.8})
			}
			h := scene.Box{X: 0, Y: 500, W: 40, H: 48}
			if q%8 >= 4 {
				h = scene.Box{X: 8, Y: 512, W: 22, H: 26} // half of it
			}
			if !edge {
				h.X += 100
			}
			tr.Add(&scene.Step{Index: q, Time: float64(q), Camera: scene.Still(), Frame: scene.Frame{Width: 1000, Height: 600}}, append(people, scene.Person{Head: h, Score: 0.8}))
		}
		want := 9
		if !edge {
			want = 10
		}
		if n := len(tr.Finish()); n != want {
			t.Errorf("at the edge %v: %d tracks, want %d", edge, n, want)
		}
	}
}

// TestWalksInFront: one who passes close before a seat hides its student, and
// takes no name.
func TestWalksInFront(t *testing.T) {
	actors := room(2, 4)
	n := len(actors)
	x, y, _, _ := actors[1].at(0)
	walker := path(30, 10, 1.2, false, [2]float64{x - 200, y + 4}, [2]float64{x + 500, y + 4})
	actors = append(actors, walker)
	for i := range n {
		base := actors[i]
		actors[i].at = func(q int) (float64, float64, bool, bool) {
			bx, by, _, _ := base.at(q)
			wx, wy, there, _ := walker.at(q)
			return bx, by, true, !there || math.Hypot(wx-bx, wy-by) > 30
		}
	}
	s := stage{actors: actors, noise: 0.05}
	tracks := s.play(50, Options{})
	for i := range n {
		s.sameOwner(t, tracks, i, 0, 5, 40, 49)
	}
	students := 0
	for _, tr := range tracks {
		if !tr.Teacher {
			students++
		}
	}
	if students != n {
		t.Errorf("%d students, want %d", students, n)
	}
}

func TestCutAwayAndBack(t *testing.T) {
	s := stage{actors: room(2, 4), noise: 0.06,
		shot: func(q int) int { return min(q/20, 2) }}
	tr := NewTracker(Options{}, s)
	for q := range 60 {
		// The second shot shows the board: another picture, nobody in it.
		board := q/20 == 1
		pix := make([]byte, 64*36*3)
		for i := range pix {
			if board {
				pix[i] = byte(i / 100)
			} else {
				pix[i] = byte(i % 97)
			}
		}
		step := &scene.Step{Index: q, Time: float64(q), Shot: min(q/20, 2), Camera: scene.Still(), Frame: scene.Frame{Width: 64, Height: 36, Pix: pix}}
		people := []scene.Person{}
		for i := range s.actors {
			if h, _, _ := s.head(i, q); !board {
				people = append(people, scene.Person{Head: h, Score: 0.8})
			}
		}
		tr.Add(step, people)
	}
	tracks := tr.Finish()
	if len(tracks) != 8 {
		t.Fatalf("%d tracks, want 8: seats carry on over a cut back", len(tracks))
	}
	for i := range s.actors {
		s.sameOwner(t, tracks, i, 0, 19, 40, 59)
	}
	for _, k := range tracks {
		if k.Sightings[30].Visible {
			t.Fatalf("%s is shown while the camera shows the board", k.ID)
		}
	}
}

// TestNudge: the camera is knocked to the side and its motion is found badly.
func TestNudge(t *testing.T) {
	s := stage{actors: room(3, 4), noise: 0.05, cam: func(q int) (float64, float64) {
		if q < 20 {
			return 0, 0
		}
		return 45, 12
	}}
	tracks := s.play(50, Options{})
	if len(tracks) != 12 {
		t.Fatalf("%d tracks, want 12", len(tracks))
	}
	for i := range s.actors {
		s.sameOwner(t, tracks, i, 0, 19, 20, 35, 49)
	}
}

func TestWebcam(t *testing.T) {
	one := actor{200, 260, func(q int) (float64, float64, bool, bool) {
		return 500 + 380*math.Sin(float64(q)/6), 250 + 60*math.Cos(float64(q)/4), true, q%9 != 4
	}}
	s := stage{actors: []actor{one}, noise: 0.05}
	tracks := s.play(60, Options{})
	if len(tracks) != 1 || tracks[0].ID != "S01" || tracks[0].Teacher {
		t.Fatalf("%d tracks, want S01 alone", len(tracks))
	}
	s.sameOwner(t, tracks, 0, 0, 10, 30, 59)
}

// TestStandingTeacher stays at the board and is never seen to walk.
func TestStandingTeacher(t *testing.T) {
	s := stage{actors: room(2, 4)}
	tr := NewTracker(Options{}, nil)
	for q := range 20 {
		step := &scene.Step{Index: q, Time: float64(q), Camera: scene.Still(), Frame: scene.Frame{Width: 1000, Height: 600}}
		people := []scene.Person{{Head: scene.Box{X: 800, Y: 50, W: 20, H: 24}, Body: scene.Box{X: 780, Y: 50, W: 60, H: 170}, Score: 0.9}}
		for side := range 2 {
			for i, k := range []int{scene.LeftShoulder, scene.LeftHip, scene.LeftKnee, scene.LeftAnkle} {
				people[0].Points[k+side] = scene.Keypoint{X: 800 + 20*float64(side), Y: 80 + 45*float64(i), Score: 0.8}
			}
		}
		for i := range s.actors {
			h, _, _ := s.head(i, q)
			people = append(people, scene.Person{Head: h, Score: 0.8})
		}
		tr.Add(step, people)
	}
	tracks := tr.Finish()
	if len(tracks) != 9 || tracks[8].ID != "T01" || !tracks[8].Teacher {
		t.Fatalf("%d tracks, want eight students and T01", len(tracks))
	}
}
