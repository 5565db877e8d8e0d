package label

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// lesson is the content of timeline.csv: the steps, and where each student's head is at them.
type lesson struct {
	times    []float64 // of the steps, in seconds, increasing
	step     float64   // median seconds between two steps
	students []student // by name, teachers last
}

// student is one student over all steps.
type student struct {
	ID        string
	Teacher   bool
	Boxes     [][]float64 // by step: x, y, w, h of the head in pixels; nil where hidden
	Proposals []string    // by step: the network's behaviour, "" where hidden
}

// Limits of a file that is read: two days, five steps a second, and more students than any camera sees.
const (
	mostSeconds  = 48 * 3600
	mostSteps    = mostSeconds * 5
	mostStudents = 1000
)

// readLesson reads a timeline.csv.
func readLesson(name string) (*lesson, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := &lesson{}
	if err := l.read(csv.NewReader(f)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(l.times) == 0 {
		return nil, fmt.Errorf("%s: nobody was found in this recording: there is nobody to label", name)
	}
	l.step = 1
	if n := len(l.times); n > 1 {
		spacings := make([]float64, n-1)
		for i := range spacings {
			spacings[i] = l.times[i+1] - l.times[i]
		}
		slices.Sort(spacings)
		l.step = spacings[len(spacings)/2]
	}
	slices.SortStableFunc(l.students, func(a, b student) int {
		switch {
		case a.Teacher && !b.Teacher:
			return 1
		case b.Teacher && !a.Teacher:
			return -1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return l, nil
}

// The columns that are read.
var timelineHead = []string{"time_s", "student", "x", "y", "w", "h", "visible", "behaviour"}

func (l *lesson) read(r *csv.Reader) error {
	at := map[string]int{}
	for line := 1; ; line++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if line == 1 {
			if len(row) < len(timelineHead) || !slices.Equal(row[:len(timelineHead)], timelineHead) {
				return errors.New("its columns are not those of docs/formats.md")
			}
			continue
		}
		if err := l.add(row, at); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
	for i := range l.students { // those who are not in the last steps
		l.students[i].reach(len(l.times))
	}
	return nil
}

// reach adds empty steps up to a number of steps.
func (s *student) reach(steps int) {
	for len(s.Boxes) < steps {
		s.Boxes, s.Proposals = append(s.Boxes, nil), append(s.Proposals, "")
	}
}

// add adds a row; at holds each student's index.
func (l *lesson) add(row []string, at map[string]int) error {
	time, err := strconv.ParseFloat(row[0], 64)
	if err != nil || !(time >= 0 && time <= mostSeconds) {
		return fmt.Errorf("time %q", row[0])
	}
	n := len(l.times)
	if n > 0 && time < l.times[n-1] {
		return errors.New("out of order")
	}
	if n == 0 || time > l.times[n-1] {
		if n == mostSteps {
			return errors.New("more steps than two days have")
		}
		l.times = append(l.times, time)
		n++
	}
	id := row[1]
	i, known := at[id]
	if !known {
		if id == "" || len(l.students) == mostStudents {
			return fmt.Errorf("student %q", id)
		}
		i, at[id] = len(l.students), len(l.students)
		l.students = append(l.students, student{ID: id, Teacher: strings.HasPrefix(id, "T")})
	}
	s := &l.students[i]
	if len(s.Boxes) == n {
		return fmt.Errorf("a second row of %s", id)
	}
	s.reach(n)
	if row[6] != "1" {
		return nil
	}
	box := make([]float64, 4)
	for k := range box {
		if box[k], err = strconv.ParseFloat(row[2+k], 64); err != nil || math.IsNaN(box[k]) || math.IsInf(box[k], 0) {
			return fmt.Errorf("box of %s: %q", id, row[2+k])
		}
	}
	s.Boxes[n-1], s.Proposals[n-1] = box, row[7]
	return nil
}

// student finds a student by name; nil if there is none.
func (l *lesson) student(id string) *student {
	for i := range l.students {
		if l.students[i].ID == id {
			return &l.students[i]
		}
	}
	return nil
}

// from is the first step not before a time, with half a step's tolerance.
func (l *lesson) from(time float64) int {
	return sort.SearchFloat64s(l.times, time-l.step/2)
}

// start is the time at which a label begins whose first step is given.
func (l *lesson) start(step int) float64 { return l.times[step] }

// end is the time at which a label ends whose last step is the one before step. A step before a gap, or the last of all, lasts as long as
// others.
func (l *lesson) end(step int) float64 {
	if usual := l.times[step-1] + l.step; step == len(l.times) || l.times[step] > usual+l.step/2 {
		return usual
	}
	return l.times[step]
}
