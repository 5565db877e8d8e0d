package seats

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"classlens/internal/safefile"
	"classlens/vision/scene"
)

// class is a recording of a room with rows of chairs in perspective: a student
// on each chair but those that are away, named by the tracker's order.
func class(seed uint64, move func(x, y float64) (float64, float64), away ...int) ([]scene.Track, []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	var tracks []scene.Track
	var chairs []int
	for i := range 30 {
		row, col := i/6, i%6
		size := 22 + 7*float64(row)
		x, y := 640+(float64(col)-2.5)*3.2*size, 150+float64(row)*(70+14*float64(row))
		absent := false
		for _, a := range away {
			absent = absent || a == i
		}
		if absent {
			continue
		}
		// Where a head usually is differs from week to week by a sixth of it.
		x, y = move(x+rng.NormFloat64()*size/6, y+rng.NormFloat64()*size/6)
		tracks = append(tracks, scene.Track{ID: Name(len(tracks) + 1), SeatX: x, SeatY: y, SeatW: size, SeatH: 1.2 * size})
		chairs = append(chairs, i)
	}
	return append(tracks, scene.Track{ID: "T01", Teacher: true, SeatX: 900, SeatY: 90, SeatW: 20, SeatH: 24}), append(chairs, -1)
}

func still(x, y float64) (float64, float64) { return x, y }

// names says who sits on which chair. Tracks are put in order by their names, so
// places tell which is which.
func names(t *testing.T, tracks []scene.Track, at map[[2]float64]int) map[int]string {
	t.Helper()
	out := map[int]string{}
	for _, k := range tracks {
		if !k.Teacher {
			out[at[[2]float64{k.SeatX, k.SeatY}]] = k.ID
		}
	}
	return out
}

func places(tracks []scene.Track, chairs []int) map[[2]float64]int {
	at := map[[2]float64]int{}
	for i, k := range tracks {
		at[[2]float64{k.SeatX, k.SeatY}] = chairs[i]
	}
	return at
}

// TestSameChairNextWeek: names stay with the chairs when others are away, when
// somebody comes who was not there, and when the camera was moved.
func TestSameChairNextWeek(t *testing.T) {
	file := filepath.Join(t.TempDir(), "room.json")
	first, chairs := class(1, still, 3, 11, 29)
	at := places(first, chairs)
	r, err := Update(context.Background(), file, "week 1", first, 1280, 720)
	if err != nil || r.Known != 0 || r.New != 27 {
		t.Fatalf("first week: %+v, %v", r, err)
	}
	known := names(t, first, at)
	for i, k := range first[:27] {
		if k.ID != Name(i+1) {
			t.Fatalf("a first recording keeps the tracker's names: %s is %s", Name(i+1), k.ID)
		}
	}
	for week, c := range []struct {
		name string
		move func(x, y float64) (float64, float64)
		w, h int
		away []int
	}{
		{"others away", still, 1280, 720, []int{0, 5, 17, 18, 22}},
		{"half the class", still, 1280, 720, []int{0, 1, 2, 6, 7, 8, 12, 13, 14, 18, 19, 20, 24, 25, 26}},
		{"nudged", func(x, y float64) (float64, float64) { return x + 31, y - 14 }, 1280, 720, []int{4, 9}},
		{"nudged by a head and turned", func(x, y float64) (float64, float64) { return 0.999*x - 0.035*y + 40, 0.035*x + 0.999*y - 20 }, 1280, 720, []int{7}},
		{"zoomed", func(x, y float64) (float64, float64) { return 1.05*x - 30, 1.05*y - 18 }, 1280, 720, []int{29}},
		{"recorded larger", func(x, y float64) (float64, float64) { return 1.5 * x, 1.5 * y }, 1920, 1080, nil},
	} {
		tracks, chairs := class(uint64(week+2), c.move, c.away...)
		if c.w != 1280 {
			for i := range tracks {
				tracks[i].SeatW, tracks[i].SeatH = 1.5*tracks[i].SeatW, 1.5*tracks[i].SeatH
			}
		}
		at := places(tracks, chairs)
		r, err := Update(context.Background(), file, c.name, tracks, c.w, c.h)
		if err != nil || r.Other {
			t.Fatalf("%s: %+v, %v", c.name, r, err)
		}
		for chair, id := range names(t, tracks, at) {
			if known[chair] == "" {
				known[chair] = id
			}
			if known[chair] != id {
				t.Errorf("%s: chair %d is %s, was %s", c.name, chair, id, known[chair])
			}
		}
		if last := tracks[len(tracks)-1]; last.ID != "T01" {
			t.Errorf("%s: the last is %s, want the teacher", c.name, last.ID)
		}
		for i := 1; i < len(tracks)-1; i++ {
			if number(tracks[i].ID) <= number(tracks[i-1].ID) {
				t.Errorf("%s: %s after %s", c.name, tracks[i].ID, tracks[i-1].ID)
			}
		}
	}
	m, err := Load(file)
	if err != nil || len(m.Views) != 1 || len(m.Views[0].Seats) != 30 {
		t.Fatalf("after seven weeks: %d views, %v", len(m.Views), err)
	}
	if known[3] != "S28" && known[11] != "S28" && known[29] != "S28" {
		t.Errorf("the first who came later is not S28: %v", known)
	}
}

// TestAnotherRoom: a recording that does not fit keeps its own names and leaves
// the file as it is.
func TestAnotherRoom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "room.json")
	first, _ := class(1, still)
	if _, err := Update(context.Background(), file, "week 1", first, 1280, 720); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(file)
	var other []scene.Track
	for i := range 12 { // a circle of large heads
		s, c := math.Sincos(float64(i) / 2)
		other = append(other, scene.Track{ID: Name(i + 1), SeatX: 640 + 500*c, SeatY: 360 + 300*s, SeatW: 90, SeatH: 110})
	}
	r, err := Update(context.Background(), file, "another room", other, 1280, 720)
	if err != nil || !r.Other {
		t.Fatalf("%+v, %v", r, err)
	}
	if after, _ := os.ReadFile(file); string(after) != string(before) {
		t.Error("the file was changed")
	}
	for i, k := range other {
		if k.ID != Name(i+1) {
			t.Errorf("%s was renamed %s", Name(i+1), k.ID)
		}
	}
}

// TestViews: the seats of a second camera position are kept apart, also when
// next week's recording begins with that position.
func TestViews(t *testing.T) {
	two := func(firstView int) []scene.Track {
		var all []scene.Track
		for v := range 2 {
			for i := range 8 {
				x := 100 + 120*float64(i)
				y := 200 + 130*float64(v) + 25*float64(i%3)*float64(v)
				all = append(all, scene.Track{ID: Name(len(all) + 1), View: v ^ firstView, SeatX: x, SeatY: y, SeatW: 30, SeatH: 36})
			}
		}
		return all
	}
	m := &Map{Format: format}
	a, b := two(0), two(1)
	m.rename(a, 1280, 720, false)
	if r := m.rename(b, 1280, 720, false); r.Known != 16 || len(m.Views) != 2 {
		t.Fatalf("%+v, %d views", r, len(m.Views))
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].SeatX != b[i].SeatX || a[i].SeatY != b[i].SeatY {
			t.Errorf("%s at %v, %v is %s", a[i].ID, b[i].SeatX, b[i].SeatY, b[i].ID)
		}
	}
}

// TestOneStudent: before a webcam there is one seat, wherever the head is.
func TestOneStudent(t *testing.T) {
	m := &Map{Format: format}
	for _, x := range []float64{300, 700, 500} {
		tracks := []scene.Track{{ID: "S01", SeatX: x, SeatY: 250, SeatW: 160, SeatH: 200}}
		if m.rename(tracks, 1280, 720, false); tracks[0].ID != "S01" {
			t.Errorf("at %v the one student is %s", x, tracks[0].ID)
		}
	}
	if len(m.Views) != 1 || len(m.Views[0].Seats) != 1 {
		t.Errorf("%+v", m.Views)
	}
}

// TestAgain: a recording that is analyzed again, or whose run was killed after it
// had named its students, changes no place and counts no time more.
func TestAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "room.json")
	first, _ := class(1, still)
	second, _ := class(2, still)
	for name, tracks := range map[string][]scene.Track{"week 1": first, "week 2": second} {
		if _, err := Update(context.Background(), file, name, slices.Clone(tracks), 1280, 720); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Update(context.Background(), file, "week 2", slices.Clone(second), 1280, 720); err != nil || r.New != 0 || r.Known == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Errorf("the file was\n%s\nand is\n%s", before, after)
	}
	// A better look at the same recording may find one more: that seat is new.
	more := append(slices.Clone(second), scene.Track{ID: "S90", SeatX: 1200, SeatY: 60, SeatW: 16, SeatH: 18})
	if r, err := Update(context.Background(), file, "week 2", more, 1280, 720); err != nil || r.New != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if m, err := Load(file); err != nil || len(m.Taken) != 2 || m.Views[0].Seats[0].Recordings != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestBadFiles: what is no seat file is named and not overwritten.
func TestBadFiles(t *testing.T) {
	seat := `{"student":"S01","x":1,"y":2,"w":3,"h":4,"recordings":1}`
	for _, c := range []struct{ name, text string }{
		{"empty", ""},
		{"text", "seats of room 12"},
		{"a later format", `{"classlens_seats":2,"width":1,"height":1,"views":[]}`},
		{"unknown keys", `{"classlens_seats":1,"width":1,"height":1,"views":[],"faces":[]}`},
		{"no size", `{"classlens_seats":1,"views":[{"seats":[` + seat + `]}]}`},
		{"twice", `{"classlens_seats":1,"width":9,"height":9,"views":[{"seats":[` + seat + "," + seat + `]}]}`},
		{"a name", `{"classlens_seats":1,"width":9,"height":9,"views":[{"seats":[` + strings.Replace(seat, "S01", "Mary", 1) + `]}]}`},
		{"flat", `{"classlens_seats":1,"width":9,"height":9,"views":[{"seats":[` + strings.Replace(seat, `"h":4`, `"h":0`, 1) + `]}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "room.json")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			tracks, _ := class(1, still)
			for _, err := range []error{Check(file), func() error { _, err := Update(context.Background(), file, "week 1", tracks, 1280, 720); return err }()} {
				if err == nil || !strings.Contains(err.Error(), "room.json") || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %v", err)
				}
			}
			if left, _ := os.ReadFile(file); string(left) != c.text {
				t.Error("the file was overwritten")
			}
		})
	}
	if err := Check(filepath.Join(t.TempDir(), "no", "room.json")); err == nil {
		t.Error("a folder that is not there is fine")
	}
	if err := Check(t.TempDir()); err == nil {
		t.Error("a folder is a seat file")
	}
	if err := Check("/proc/room.json"); err == nil {
		t.Error("a file that cannot be written is fine")
	}
	dir := t.TempDir()
	if err := Check(filepath.Join(dir, "room.json")); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the check left %v (%v)", left, err)
	}
}

// TestTwoRunsAtOnce: nothing that one run adds is lost to another.
func TestTwoRunsAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "room.json")
	first, _ := class(1, still)
	if _, err := Update(context.Background(), file, "week 1", first, 1280, 720); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			tracks, _ := class(uint64(i+9), still)
			// One more sits at a desk of their own.
			tracks = append(tracks, scene.Track{ID: "S40", SeatX: 1000 + 30*float64(i), SeatY: 60, SeatW: 16, SeatH: 18})
			if _, err := Update(context.Background(), file, fmt.Sprint("lesson ", i), tracks, 1280, 720); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	m, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range m.Views[0].Seats {
		seen[s.Student] = true
	}
	if len(seen) != 38 || m.Views[0].Seats[0].Recordings != 9 {
		t.Errorf("%d seats, want 38; the first in %d recordings: %s", len(seen), m.Views[0].Seats[0].Recordings, fmt.Sprint(seen))
	}
}

// TestUpdateHeedsItsContext: who waits for a seat file that a stopped process holds can be interrupted, and leaves the file as it was.
func TestUpdateHeedsItsContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "room.json")
	first, _ := class(1, still)
	if _, err := Update(context.Background(), file, "week 1", first, 1280, 720); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := safefile.LockFile(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		second, _ := class(2, still)
		_, err := Update(ctx, file, "week 2", second, 1280, 720)
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), file) {
			t.Errorf("interrupted: %v", err)
		}
	case <-time.After(time.Minute): // only to end what hangs
		t.Error("the wait for the seat file cannot be interrupted")
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file was changed (%v)", err)
	}
}
