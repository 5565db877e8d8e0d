package learner

import (
	"math"
	"slices"
	"testing"

	"classlens/internal/learner/models"
)

// rowsOf makes a course of n students of whom so many passed.
func rowsOf(from int, module, presentation string, n, passed int) (rows []models.Row) {
	for i := range n {
		y := float32(0)
		if i < passed {
			y = 1
		}
		rows = append(rows, models.Row{Enrolment: from + i, Module: module, Presentation: presentation, Present: true, Steps: [][]float32{{0}}, Truth: [][models.Targets]float32{{y}}})
	}
	return rows
}

// The usual level of a course: its module's of the same season, else of the other with
// the difference between the seasons, else the mean of the modules.
func TestUsualLevels(t *testing.T) {
	s := &models.Set{}
	s.Rows = append(s.Rows, rowsOf(0, "AAA", "2013B", 98, 49)...)   // log-odds 0
	s.Rows = append(s.Rows, rowsOf(100, "AAA", "2013J", 98, 74)...) // log 3
	s.Rows = append(s.Rows, rowsOf(200, "BBB", "2013J", 98, 49)...) // 0
	s.Rows = append(s.Rows, rowsOf(200, "BBB", "2013J", 98, 98)...) // copies do not count
	s.Rows = append(s.Rows, rowsOf(400, "ZZZ", "2013J", 19, 19)...) // too few
	s.Rows = append(s.Rows, rowsOf(500, "AAA", "2012J", 98, 1)...)  // not the latest
	s.Rows[0].Truth[0][models.Passed] = float32(math.NaN())         // no result
	s.Rows = append(s.Rows, rowsOf(600, "AAA", "2013B", 1, 1)...)   // instead of it
	l := levelsOf(s)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %g, want %g", what, got, want)
		}
	}
	target := func(module, presentation string, want float64, seen bool) {
		t.Helper()
		z, s := l.target(module, presentation)
		near(module+" "+presentation, z, want)
		if s != seen {
			t.Errorf("%s seen: %v", module, s)
		}
	}
	january := (math.Log(3) + l.Rates["AAA"]["2012J"]) / 2 // the J's of AAA; B is at 0
	target("AAA", "2014B", 0, true)
	target("AAA", "2014J", math.Log(3), true)
	target("BBB", "2014B", -january, true)
	target("CCC", "2014B", -january/2, false)
	target("CCC", "2014J", math.Log(3)/2, false)
	target("AAA", "spring", math.Log(3), true) // a name that tells no season: the latest
	if l.Rates["ZZZ"] != nil || len(l.Rates["BBB"]) != 1 {
		t.Errorf("%+v", l.Rates)
	}
}

// A course's mean is drawn by its share towards the usual, its order stays; a few
// students, and those of other courses, are left alone.
func TestShifts(t *testing.T) {
	l := levelsOf(&models.Set{Rows: rowsOf(0, "AAA", "2013J", 98, 74)}) // three quarters
	var rows []models.Row
	var said []models.Prediction
	for i := range 40 {
		rows = append(rows, models.Row{Module: "AAA", Presentation: "2014J", Present: true})
		said = append(said, models.Prediction{.3 + .4*float64(i)/39})
	}
	rows, said = append(rows, models.Row{Module: "AAA", Presentation: "2015J", Present: true}), append(said, models.Prediction{.5})
	shifts := l.shifts(rows, said, said)
	if len(shifts) != 1 {
		t.Fatalf("%v", shifts)
	}
	sum := 0.0
	for _, p := range said[:40] {
		sum += sigmoid(models.Logit(p[models.Passed])+shifts[[2]string{"AAA", "2014J"}]/drawnSeen) / 40
	}
	if math.Abs(sum-.75) > 1e-6 {
		t.Errorf("the whole way leads to %g", sum)
	}
	// Of a module that was not there in training only what is beyond .5 is taken back.
	for i := range 40 {
		rows[i].Module = "NEW"
	}
	key := [2]string{"NEW", "2014J"}
	if z := l.shifts(rows, said, said)[key]; math.Abs(z-(offsetOf(said[:40], .75)-freeUnseen)) > 1e-6 || z < .4 {
		t.Errorf("far from the usual: %g", z)
	}
	for i := range said[:40] {
		said[i][models.Passed] = sigmoid(models.Logit(said[i][models.Passed]) + .7)
	}
	if z := l.shifts(rows, said, said)[key]; z != 0 {
		t.Errorf("near the usual: %g", z)
	}
	for i := range said[:40] {
		said[i][models.Passed] = sigmoid(models.Logit(said[i][models.Passed]) + 1.8)
	}
	if z := l.shifts(rows, said, said)[key]; !(z < -.4) {
		t.Errorf("far above the usual: %g", z)
	}
	// What another model says of the course stands for its level, however far off said is.
	off := slices.Clone(said)
	for i := range off[:40] {
		off[i][models.Passed] = sigmoid(models.Logit(off[i][models.Passed]) - 2)
	}
	if z, want := l.shifts(rows, off, said)[key], 2+l.shifts(rows, said, said)[key]; math.Abs(z-want) > 1e-6 {
		t.Errorf("led by another model: %g, want %g", z, want)
	}
	if (*Levels)(nil).shifts(rows, said, said) != nil {
		t.Error("no levels, but shifts")
	}
}

// offsetOf is the offset that leads to a mean, from models.Offset.
func offsetOf(said []models.Prediction, share float64) float64 {
	var z []float64
	for _, p := range said {
		z = append(z, models.Logit(p[models.Passed]))
	}
	return models.Offset(z, share)
}
