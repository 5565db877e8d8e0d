package track

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"classlens/vision/scene"
)

// actor is one generated person: where the head is at a step, and whether the
// detector finds it.
type actor struct {
	w, h float64
	at   func(step int) (x, y float64, there, found bool)
}

func sitting(x, y, w float64) actor {
	return actor{w, w * 1.2, func(int) (float64, float64, bool, bool) { return x, y, true, true }}
}

// play feeds n steps of a stage to a tracker. Flow is exact: a point inside a
// head moves with it, one elsewhere stays (moves with the camera).
type stage struct {
	actors []actor
	cam    func(step int) (dx, dy float64) // picture = room + this
	shot   func(step int) int
	looks  func(step int) bool
	noise  float64 // sd of a detection's place, heads
	blind  bool    // flow sees nobody move
	halves bool    // every other one of its steps is a half, and they are half a second apart
}

func (s stage) head(i, step int) (scene.Box, bool, bool) {
	a := s.actors[i]
	x, y, there, found := a.at(step)
	if s.cam != nil {
		dx, dy := s.cam(step)
		x, y = x+dx, y+dy
	}
	return scene.Box{X: x - a.w/2, Y: y - a.h/2, W: a.w, H: a.h}, there, found
}

// Follow implements Follower: frames bear their step as their time.
func (s stage) Follow(a, b scene.Gray, pts []Point) ([]Point, []bool) {
	from, to := s.step(a.Time), s.step(b.Time)
	moved, ok := make([]Point, len(pts)), make([]bool, len(pts))
	for k, p := range pts {
		moved[k], ok[k] = p, true
		if s.cam != nil {
			ax, ay := s.cam(from)
			bx, by := s.cam(to)
			moved[k] = Point{p.X + bx - ax, p.Y + by - ay}
		}
		for i := range s.actors {
			h, there, _ := s.head(i, from)
			g, still, _ := s.head(i, to)
			if there && still && !s.blind && h.Contains(p.X, p.Y) {
				moved[k] = Point{p.X + g.X - h.X, p.Y + g.Y - h.Y}
			}
		}
	}
	return moved, ok
}

// seconds from step to step.
func (s stage) seconds() float64 {
	if s.halves {
		return 0.5
	}
	return 1
}

// step at a time.
func (s stage) step(time float64) int { return int(math.Round(time / s.seconds())) }

func (s stage) play(n int, o Options) []scene.Track {
	rng := rand.New(rand.NewPCG(1, 2))
	t := NewTracker(o, s)
	for q := range n {
		at := float64(q) * s.seconds()
		step := &scene.Step{Index: int(at), Half: float64(int(at)) != at, Time: at, Frame: scene.Frame{Width: 1000, Height: 600}, Camera: scene.Still(),
			Between: []scene.Gray{{Time: at, Width: 1000, Height: 600, Pix: make([]byte, 8)}}}
		if s.shot != nil {
			step.Shot = s.shot(q)
		}
		if s.cam != nil && q > 0 {
			ax, ay := s.cam(q - 1)
			bx, by := s.cam(q)
			step.Camera.B = [2]float64{bx - ax, by - ay}
		}
		people := []scene.Person{}
		for i, a := range s.actors {
			h, there, found := s.head(i, q)
			if there && found {
				h.X += rng.NormFloat64() * s.noise * a.w
				h.Y += rng.NormFloat64() * s.noise * a.h
				people = append(people, scene.Person{Head: h, Score: 0.8})
			}
		}
		if s.looks != nil && !s.looks(q) {
			people = nil
		}
		t.Add(step, people)
	}
	return t.Finish()
}

// owner names the visible track whose head holds the actor's at a step.
func (s stage) owner(tracks []scene.Track, i, step int) string {
	h, _, _ := s.head(i, step)
	x, y := h.Center()
	for _, t := range tracks {
		if v := t.Sightings[step]; v.Visible && v.Head.Contains(x, y) {
			return t.ID
		}
	}
	return ""
}

func room(rows, cols int) []actor {
	var out []actor
	for r := range rows {
		for c := range cols {
			w := 20 + 6*float64(r)
			out = append(out, sitting(100+float64(c)*4*w, 100+float64(r)*120, w))
		}
	}
	return out
}

func TestSeatedClass(t *testing.T) {
	s := stage{actors: room(3, 5), noise: 0.08}
	tracks := s.play(40, Options{})
	if len(tracks) != 15 {
		t.Fatalf("%d tracks, want 15", len(tracks))
	}
	for i, tr := range tracks {
		if want := fmt.Sprintf("S%02d", i+1); tr.ID != want || tr.Teacher {
			t.Errorf("track %d is %s (teacher %v), want %s", i, tr.ID, tr.Teacher, want)
		}
		if len(tr.Sightings) != 40 {
			t.Fatalf("%s has %d sightings", tr.ID, len(tr.Sightings))
		}
		for q := range 40 {
			if got := s.owner(tracks, i, q); got != tr.ID {
				t.Fatalf("actor %d at %d is %q, want %s", i, q, got, tr.ID)
			}
		}
	}
}

// TestHalves: a half helps to follow and has no sighting. Somebody nearer to the camera appears where a student has been found for a second, hides that student and goes on
// past the others: only the size tells that the student does not walk away.
func TestHalves(t *testing.T) {
	s := stage{actors: room(1, 5), noise: 0.05, halves: true}
	const n, enters = 60, 4
	passer := func(q int) (x, y float64, there bool) {
		x = 262 + 22*float64(q-enters)
		return x, 104, q >= enters && x < 500
	}
	for i := range s.actors {
		x, y, _, _ := s.actors[i].at(0)
		s.actors[i].at = func(q int) (float64, float64, bool, bool) {
			px, _, there := passer(q)
			return x, y, true, q >= enters-2 && (!there || math.Abs(px-x) > 24)
		}
	}
	s.actors = append(s.actors, actor{32, 38, func(q int) (float64, float64, bool, bool) {
		x, y, there := passer(q)
		return x, y, there, there
	}})
	tracks := s.play(n, Options{HoldScore: 0.8, LookSeconds: 0.5})
	for i := range 5 {
		id := fmt.Sprintf("S%02d", i+1)
		k := slices.IndexFunc(tracks, func(t scene.Track) bool { return t.ID == id })
		if k < 0 {
			t.Fatalf("no %s among %d tracks", id, len(tracks))
		}
		sightings := tracks[k].Sightings
		if len(sightings) != n/2 {
			t.Fatalf("%s has %d sightings in %d steps", id, len(sightings), n/2)
		}
		for q, v := range sightings {
			if v.Step != q || v.Time != float64(q) {
				t.Fatalf("%s: sighting %d is of step %d at %g s", id, q, v.Step, v.Time)
			}
			x, y, _, found := s.actors[i].at(2 * q)
			if found && (!v.Visible || !v.Head.Contains(x, y) || v.Head.W > 1.3*s.actors[i].w) {
				t.Errorf("%s at %d s is at %v, visible %v", id, q, v.Head, v.Visible)
			}
		}
	}
	for _, tr := range tracks {
		if v := tr.Sightings[enters/2-1]; tr.Teacher && v.Visible {
			t.Errorf("%s is at %v before it was there", tr.ID, v.Head)
		}
	}
	if !slices.ContainsFunc(tracks, func(t scene.Track) bool { return t.Teacher }) {
		t.Error("nobody walks by")
	}
}

// TestMissedForLong: a bent head is not found for half a minute; the seat keeps
// its student.
func TestMissedForLong(t *testing.T) {
	actors := room(2, 4)
	base := actors[3]
	actors[3].at = func(q int) (float64, float64, bool, bool) {
		x, y, _, _ := base.at(q)
		return x, y, true, q < 10 || q > 40
	}
	s := stage{actors: actors, noise: 0.08}
	tracks := s.play(60, Options{})
	if len(tracks) != 8 {
		t.Fatalf("%d tracks, want 8", len(tracks))
	}
	if a, b := s.owner(tracks, 3, 5), s.owner(tracks, 3, 55); a != b || a == "" {
		t.Errorf("the student is %q before and %q after", a, b)
	}
}

func TestSeldomLooks(t *testing.T) {
	actors := room(2, 4)
	for i := range actors {
		base := actors[i]
		actors[i].at = func(q int) (float64, float64, bool, bool) { // all sway by a head
			x, y, _, _ := base.at(q)
			return x + base.w*math.Sin(float64(q)/4+float64(i)), y, true, true
		}
	}
	s := stage{actors: actors, looks: func(q int) bool { return q%4 == 0 }, noise: 0.05}
	tracks := s.play(60, Options{})
	if len(tracks) != 8 {
		t.Fatalf("%d tracks, want 8", len(tracks))
	}
	for i := range actors {
		first := s.owner(tracks, i, 0)
		for q := range 57 {
			if got := s.owner(tracks, i, q); got != first || got == "" {
				t.Fatalf("actor %d is %q at 0 and %q at %d", i, first, got, q)
			}
		}
	}
}

// TestPassingBy: a head goes in front of a found one and hides it; neither
// takes the other's name.
func TestFalseDetections(t *testing.T) {
	actors := room(2, 4)
	actors = append(actors, actor{20, 24, func(q int) (float64, float64, bool, bool) { return 700, 500, true, q == 7 || q == 8 }})
	s := stage{actors: actors}
	if tracks := s.play(30, Options{}); len(tracks) != 8 {
		t.Errorf("%d tracks, want 8: two sightings make no student", len(tracks))
	}
}

func TestMovingCamera(t *testing.T) {
	s := stage{actors: room(3, 4), noise: 0.06, cam: func(q int) (float64, float64) {
		return 60 * math.Sin(float64(q)/5), 25 * math.Cos(float64(q)/3)
	}}
	tracks := s.play(40, Options{})
	if len(tracks) != 12 {
		t.Fatalf("%d tracks, want 12", len(tracks))
	}
	for i := range s.actors {
		first := s.owner(tracks, i, 0)
		for q := range 40 {
			if got := s.owner(tracks, i, q); got != first || got == "" {
				t.Fatalf("actor %d is %q at 0 and %q at %d", i, first, got, q)
			}
		}
	}
}

func TestSameTwice(t *testing.T) {
	s := stage{actors: room(3, 5), noise: 0.25}
	a, b := s.play(40, Options{}), s.play(40, Options{})
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("the same input gave two outputs")
	}
}

func TestEmpty(t *testing.T) {
	if tracks := NewTracker(Options{}, nil).Finish(); len(tracks) != 0 {
		t.Errorf("no step: %d tracks", len(tracks))
	}
	if tracks := (stage{}).play(5, Options{}); len(tracks) != 0 {
		t.Errorf("nobody: %d tracks", len(tracks))
	}
}

func TestAssign(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n, m := 1+rng.IntN(5), 1+rng.IntN(5)
		cost := make([][]float64, n)
		for i := range cost {
			cost[i] = make([]float64, m)
			for j := range cost[i] {
				cost[i][j] = math.Floor(rng.Float64()*10) - 3
				if rng.IntN(4) == 0 {
					cost[i][j] = blocked
				}
			}
		}
		got := assign(cost)
		sum, used := 0.0, map[int]bool{}
		for i, j := range got {
			if j < 0 {
				continue
			}
			if used[j] || cost[i][j] >= blocked {
				t.Fatalf("%v: %v uses a column twice or a blocked pair", cost, got)
			}
			used[j] = true
			sum += cost[i][j] - blocked
		}
		if want := brute(cost, 0, map[int]bool{}); math.Abs(sum-want) > 1e-6 {
			t.Fatalf("%v: %v costs %v, best %v", cost, got, sum, want)
		}
	}
}

// brute is the least sum over all assignments, leaving a row alone at 0 and
// a pair at its cost less blocked.
func brute(cost [][]float64, i int, used map[int]bool) float64 {
	if i == len(cost) {
		return 0
	}
	best := brute(cost, i+1, used)
	for j, c := range cost[i] {
		if used[j] || c >= blocked {
			continue
		}
		used[j] = true
		best = math.Min(best, c-blocked+brute(cost, i+1, used))
		used[j] = false
	}
	return best
}
