package dataset

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"

	"classlens/vision/scene"
)

// readIntervals reads the project's own labels: intervals.csv (start_s, end_s,
// student, kind, label, p) with one video beside it, and the boxes of timeline.csv
// where that is there too. One sample an interval, boxed at its middle.
func readIntervals(dir string) (*Set, error) {
	videos, err := mediaIndex(dir, videoTypes...)
	if err != nil {
		return nil, err
	}
	if len(videos) != 1 {
		return nil, fmt.Errorf("%d videos lie beside intervals.csv, want one", len(videos))
	}
	s := &Set{Boxes: HeadBox}
	var media, recording string
	for name, file := range videos {
		recording, media = name, file
	}
	heads, err := readHeads(filepath.Join(dir, "timeline.csv"))
	if err != nil {
		return nil, err
	}
	t, err := readTable(filepath.Join(dir, "intervals.csv"))
	if err != nil {
		return nil, err
	}
	start, end, student, kind, label := t.column("start_s"), t.column("end_s"), t.column("student"), t.column("kind"), t.column("label")
	if min(start, end, student, kind, label) < 0 {
		return nil, errors.New("intervals.csv lacks one of start_s, end_s, student, kind, label")
	}
	for n, row := range t.rows {
		a, err1 := strconv.ParseFloat(cell(row, start), 64)
		b, err2 := strconv.ParseFloat(cell(row, end), 64)
		if err := errors.Join(err1, err2); err != nil || b < a {
			return nil, fmt.Errorf("intervals.csv line %d: %q to %q is no interval", n+2, cell(row, start), cell(row, end))
		}
		x := Sample{Media: media, Label: -1, Level: -1, Attention: -1, Subject: recording + "/" + cell(row, student), Room: recording, Recording: recording, Start: a, End: b}
		if !x.setLabel(s, cell(row, kind), cell(row, label)) {
			continue
		}
		x.Box = heads.at(cell(row, student), (a+b)/2)
		s.Samples = append(s.Samples, x)
	}
	return s, nil
}

// setLabel takes what an interval says; false when it says nothing usable.
func (x *Sample) setLabel(s *Set, kind, label string) bool {
	switch kind {
	case "behaviour":
		x.Label = s.classIndex(label)
	case "attention":
		on, ok := map[string]int{"on_task": 1, "off_task": 0}[label]
		if !ok {
			return false
		}
		x.Attention = on
	case "engagement":
		level, err := strconv.Atoi(label)
		if err != nil || level < 0 || level > 3 {
			return false
		}
		x.Level = level
	default:
		return false
	}
	return true
}

// heads are a timeline's visible head boxes by student.
type heads map[string][]timedBox

type timedBox struct {
	time float64
	box  scene.Box
}

// readHeads reads timeline.csv; a file that is not there gives none.
func readHeads(file string) (heads, error) {
	if !exists(file) {
		return nil, nil
	}
	t, err := readTable(file)
	if err != nil {
		return nil, err
	}
	columns := [6]int{t.column("time_s"), t.column("x"), t.column("y"), t.column("w"), t.column("h"), t.column("student")}
	h := heads{}
	for _, row := range t.rows {
		var v [5]float64
		ok := true
		for i := range v {
			var err error
			v[i], err = strconv.ParseFloat(cell(row, columns[i]), 64)
			ok = ok && err == nil
		}
		if ok { // hidden students have empty boxes
			name := cell(row, columns[5])
			h[name] = append(h[name], timedBox{v[0], scene.Box{X: v[1], Y: v[2], W: v[3], H: v[4]}})
		}
	}
	return h, nil
}

// at is the student's box nearest in time.
func (h heads) at(student string, time float64) scene.Box {
	best, least := scene.Box{}, math.Inf(1)
	for _, b := range h[student] {
		if d := math.Abs(b.time - time); d < least {
			best, least = b.box, d
		}
	}
	return best
}
