package track

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLongLesson: forty students for a lesson of forty minutes, found four times
// in five, some bent down for minutes: the tracks come out in seconds, not
// minutes, and are the students.
func TestLongLesson(t *testing.T) {
	if testing.Short() {
		t.Skip("a long lesson")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	actors := room(5, 8)
	for i := range actors {
		base, found := actors[i], make([]bool, 2400)
		x := make([]float64, len(found))
		for q := range found {
			found[q] = rng.Float64() < 0.8 && (q/100+i)%9 != 0
			x[q] = base.w * 0.4 * math.Sin(float64(q)/7+float64(i))
		}
		actors[i].at = func(q int) (float64, float64, bool, bool) {
			bx, by, _, _ := base.at(q)
			return bx + x[q], by, true, found[q]
		}
	}
	s := stage{actors: actors, noise: 0.1}
	tracks := s.play(2400, Options{})
	if len(tracks) != 40 {
		t.Fatalf("%d tracks, want 40", len(tracks))
	}
	for i := range actors {
		var when []int // where the student was found, early, midway and late
		for _, from := range []int{20, 1200, 2200} {
			for q := from; ; q++ {
				if _, _, _, found := actors[i].at(q); found {
					when = append(when, q)
					break
				}
			}
		}
		s.sameOwner(t, tracks, i, when...)
	}
}
