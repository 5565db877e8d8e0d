package dataset

import (
	"math"
	"path/filepath"

	"classlens/vision/scene"
)

// heads are a recording's visible head boxes by student.
type heads map[string][]timedBox

type timedBox struct {
	time float64
	box  scene.Box
}

// readHeads reads a folder's timeline.csv, or a hand-made boxes.csv; neither gives
// none.
func readHeads(folder string) (heads, error) {
	file := filepath.Join(folder, "timeline.csv")
	if !exists(file) {
		file = filepath.Join(folder, "boxes.csv")
	}
	if !exists(file) {
		return nil, nil
	}
	t, err := readTable(file)
	if err != nil {
		return nil, err
	}
	time, student, columns := t.column("time_s"), t.column("student", "student_id"), t.boxColumns()
	h := heads{}
	for _, row := range t.rows {
		at, err := finite(cell(row, time))
		if box, ok := boxAt(row, columns); ok && err == nil { // hidden students have empty boxes
			name := cell(row, student)
			h[name] = append(h[name], timedBox{at, box})
		}
	}
	return h, nil
}

// at is the student's box nearest in time.
func (h heads) at(student string, time float64) scene.Box {
	return h.near(student, time, math.Inf(1))
}

// near is the same where that is within so many seconds, else empty.
func (h heads) near(student string, time, within float64) scene.Box {
	best, least := scene.Box{}, within
	for _, b := range h[student] {
		if d := math.Abs(b.time - time); d < least {
			best, least = b.box, d
		}
	}
	return best
}
