package timeline

import (
	"fmt"
	"math"
	"testing"

	"classlens/vision/scene"
)

// class is students and a teacher, each at every step; turned gives the probability of turned, the others share the rest as 2 to 1 to look_forward and write.
func class(students, steps int, turned func(student, step int) float64) ([]scene.Track, map[string]map[int]Decision) {
	var tracks []scene.Track
	decisions := map[string]map[int]Decision{}
	for s := range students + 1 {
		t := scene.Track{ID: fmt.Sprintf("S%02d", s), Teacher: s == students}
		decisions[t.ID] = map[int]Decision{}
		for i := range steps {
			p := .9
			if !t.Teacher {
				p = turned(s, i)
			}
			t.Sightings = append(t.Sightings, scene.Sighting{Step: i, Visible: true})
			var d Decision
			d.Behaviour[0], d.Behaviour[2], d.Behaviour[4] = float32((1-p)*2/3), float32((1-p)/3), float32(p)
			decisions[t.ID][i] = d
		}
		tracks = append(tracks, t)
	}
	return tracks, decisions
}

func meanTurned(tracks []scene.Track, decisions map[string]map[int]Decision) float64 {
	sum, n := 0.0, 0
	for _, t := range tracks {
		for _, d := range decisions[t.ID] {
			if !t.Teacher {
				sum, n = sum+float64(d.Behaviour[4]), n+1
			}
		}
	}
	return sum / float64(n)
}

func TestTurnedIsDrawnToTheUsual(t *testing.T) {
	some := func(student, step int) float64 { return .05 + .6*float64((3*student+step)%10)/10 } // .05 to .59, mean .32
	for _, c := range []struct {
		name     string
		students int
		turned   func(student, step int) float64
		strength float64
		want     float64 // mean afterwards
		nothing  bool
	}{
		{"half way", 10, some, .5, math.Sqrt(.32 * UsualTurned), false},
		{"all the way", 10, some, 1, UsualTurned, false},
		{"switched off", 10, some, 0, .32, true},
		{"fewer than usual", 10, func(int, int) float64 { return .04 }, .5, .04, false},
		{"nobody turns for sure", 10, func(int, int) float64 { return 0 }, .5, 0, false},
		{"all turn for sure", 10, func(int, int) float64 { return 1 }, .5, 1, false}, // no odds can be told
		{"no class: four students", 4, func(int, int) float64 { return .4 }, .5, .4, true},
		{"one before a camera", 1, func(int, int) float64 { return .4 }, .5, .4, true},
		{"nobody", 0, some, .5, math.NaN(), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tracks, decisions := class(c.students, 20, c.turned)
			_, before := class(c.students, 20, c.turned)
			given := decisions
			decisions, got := shrinkTurned(tracks, given, c.strength)
			if (got == nil) != c.nothing {
				t.Fatalf("got %+v", got)
			}
			mean := meanTurned(tracks, decisions)
			if math.Abs(mean-c.want) > 1e-6 || math.IsNaN(mean) != math.IsNaN(c.want) {
				t.Errorf("mean %.7f, want %.7f", mean, c.want)
			}
			if got != nil && (math.Abs(got.Taken-mean) > 1e-6 || math.Abs(got.Found-meanTurned(tracks, before)) > 1e-6 || got.Strength != c.strength || got.Usual != UsualTurned) {
				t.Errorf("tells %+v of a mean of %.7f", got, mean)
			}
			for id, all := range decisions {
				for i, d := range all {
					sum := float32(0)
					for _, p := range d.Behaviour {
						sum += p
					}
					if math.Abs(float64(sum)-1) > 1e-6 || math.Abs(float64(d.Behaviour[0]-2*d.Behaviour[2])) > 1e-6 {
						t.Fatalf("%s at %d: %v", id, i, d.Behaviour)
					}
					if given[id][i].Behaviour != before[id][i].Behaviour {
						t.Fatalf("%s at %d: what was given changed", id, i)
					}
					if c.nothing && d.Behaviour != before[id][i].Behaviour {
						t.Fatalf("%s at %d changed", id, i)
					}
				}
			}
			if teacher := tracks[c.students].ID; decisions[teacher][0].Behaviour != before[teacher][0].Behaviour {
				t.Error("the teacher's changed")
			}
		})
	}
}

// Who turns more than others still does afterwards.
func TestDrawnTurnedKeepsTheOrder(t *testing.T) {
	tracks, decisions := class(10, 20, func(student, _ int) float64 { return .1 + .05*float64(student) })
	decisions, _ = shrinkTurned(tracks, decisions, .5)
	for s := 1; s < 10; s++ {
		if a, b := decisions[tracks[s-1].ID][0].Behaviour[4], decisions[tracks[s].ID][0].Behaviour[4]; a >= b {
			t.Errorf("student %d: %.3f, student %d: %.3f", s-1, a, s, b)
		}
	}
}

// The timeline is made from what was drawn, and its summary tells.
func TestBuildDrawsTurned(t *testing.T) {
	tracks, decisions := class(6, 20, func(student, _ int) float64 { return []float64{.45, .1}[min(student, 1)] }) // the first turned as likely as to the front: .37
	in := Input{Tracks: tracks, Decisions: decisions, Meanings: meanings, Options: Options{StepSeconds: 1}}
	if before := build(t, in); before.Students[0].Shares[4] != 1 || before.Summary().Turned != nil {
		t.Fatalf("shares %v, told %+v", before.Students[0].Shares, before.Summary().Turned)
	}
	in.Options.UsualTurned = 1
	after := build(t, in)
	want := Turned{Found: .1583, Usual: UsualTurned, Strength: 1, Taken: UsualTurned}
	if got := after.Summary().Turned; got == nil || *got != want {
		t.Errorf("told %+v, want %+v", got, want)
	}
	if after.Students[0].Shares[4] != 0 || after.Students[0].Shares[0] != 1 {
		t.Errorf("shares %v", after.Students[0].Shares)
	}
}
