package label

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"classlens/internal/safefile"
	"classlens/internal/timeline"
)

// IntervalsName is the name of the file that holds the labels.
const IntervalsName = "intervals.csv"

// Kinds of label.
var Kinds = []string{"behaviour", "attention", "engagement"}

// Values are the possible labels of each kind. "unknown" means that the rater looked and cannot tell, which differs from no label.
var Values = map[string][]string{
	"behaviour":  append(slices.Clone(timeline.Behaviours), timeline.Unknown),
	"attention":  {timeline.OnTask, timeline.OffTask, timeline.Unknown},
	"engagement": {"0", "1", "2", "3"},
}

// interval is one label, on the steps First <= step < End.
type interval struct {
	Student string `json:"student"`
	Kind    string `json:"kind"`
	Label   string `json:"label"`
	First   int    `json:"first"`
	End     int    `json:"end"`
}

func (v interval) compare(o interval) int {
	return cmp.Or(cmp.Compare(v.Student, o.Student), cmp.Compare(slices.Index(Kinds, v.Kind), slices.Index(Kinds, o.Kind)), cmp.Compare(v.First, o.First))
}

// labels are a rater's labels of a lesson; the file on disk is always equal. Labels of one student and kind do not overlap. Safe for concurrent use.
type labels struct {
	mu      sync.Mutex
	name    string
	lesson  *lesson
	all     []interval // in order; never modified in place, since undo and readers share it
	version int        // counts the changes of all
	undo    [][]interval
	redo    [][]interval
}

// mostUndo bounds how many changes can be undone.
const mostUndo = 500

// mostBytes of an intervals.csv: one label per step for thirty students over eight hours would be 40 MB.
const mostBytes = 64 << 20

// openLabels reads a file of labels; a missing file means no labels.
func openLabels(name string, l *lesson) (*labels, error) {
	out := &labels{name: name, lesson: l, version: 1}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > mostBytes {
		return nil, fmt.Errorf("%s: %d MB are more than any lesson's labels", name, info.Size()>>20)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if out.all, err = parse(raw, l); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

var intervalsHead = []string{"start_s", "end_s", "student", "kind", "label", "p"}

// parse reads intervals.csv strictly: it refuses what it could not write back unchanged, so that saving never loses anything.
func parse(raw []byte, l *lesson) ([]interval, error) {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff")))).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || !slices.Equal(rows[0], intervalsHead) {
		return nil, fmt.Errorf("its columns are not %s", strings.Join(intervalsHead, ","))
	}
	all := make([]interval, 0, len(rows)-1)
	lines := map[interval]int{}
	for i, row := range rows[1:] {
		v, err := parseRow(row, l)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		all, lines[v] = append(all, v), i+2
	}
	slices.SortStableFunc(all, interval.compare)
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; a.Student == b.Student && a.Kind == b.Kind && b.First < a.End {
			return nil, fmt.Errorf("line %d overlaps another %s of %s", lines[b], b.Kind, b.Student)
		}
	}
	return all, nil
}

func parseRow(row []string, l *lesson) (interval, error) {
	start, err1 := strconv.ParseFloat(row[0], 64)
	end, err2 := strconv.ParseFloat(row[1], 64)
	v := interval{Student: row[2], Kind: row[3], Label: row[4]}
	values, known := Values[v.Kind]
	switch {
	case err1 != nil || err2 != nil || math.IsNaN(start) || math.IsNaN(end) || start >= end:
		return v, fmt.Errorf("%q to %q is no interval", row[0], row[1])
	case l.student(v.Student) == nil:
		return v, fmt.Errorf("there is no student %q in this lesson", v.Student)
	case !known:
		return v, fmt.Errorf("unknown kind %q: want %s", v.Kind, strings.Join(Kinds, ", "))
	case !slices.Contains(values, v.Label):
		return v, fmt.Errorf("unknown %s %q: want %s", v.Kind, v.Label, strings.Join(values, ", "))
	}
	if v.First, v.End = l.from(start), l.from(end); v.First >= v.End {
		return v, fmt.Errorf("no step of this lesson lies between %s and %s s", row[0], row[1])
	}
	return v, nil
}

// format writes intervals.csv; the column p stays empty, since people give no probabilities.
func format(all []interval, l *lesson) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{intervalsHead}
	number := func(v float64) string { return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64) }
	for _, v := range all {
		rows = append(rows, []string{number(l.start(v.First)), number(l.end(v.End)), v.Student, v.Kind, v.Label, ""})
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

// erase removes the labels of a student and kind on the steps first <= step < end.
func erase(all []interval, student, kind string, first, end int) []interval {
	var out []interval
	for _, v := range all {
		if v.Student != student || v.Kind != kind || v.End <= first || v.First >= end {
			out = append(out, v)
			continue
		}
		if before := v; before.First < first {
			before.End = first
			out = append(out, before)
		}
		if after := v; after.End > end {
			after.First = end
			out = append(out, after)
		}
	}
	return out
}

// paint sets a label, replacing what was there, and merges it with equal labels on either side.
func paint(all []interval, v interval) []interval {
	out := erase(all, v.Student, v.Kind, v.First, v.End)
	out = slices.DeleteFunc(out, func(o interval) bool {
		if o.Student != v.Student || o.Kind != v.Kind || o.Label != v.Label || o.End != v.First && o.First != v.End {
			return false
		}
		v.First, v.End = min(v.First, o.First), max(v.End, o.End)
		return true
	})
	out = append(out, v)
	slices.SortStableFunc(out, interval.compare)
	return out
}

// split divides the label that covers the steps on both sides of at; false if there is none.
func split(all []interval, student, kind string, at int) ([]interval, bool) {
	for i, v := range all {
		if v.Student == student && v.Kind == kind && v.First < at && at < v.End {
			out := slices.Insert(slices.Clone(all), i+1, v)
			out[i].End, out[i+1].First = at, at
			return out, true
		}
	}
	return all, false
}

// change is a request of the page.
type change struct {
	Version int    `json:"version"` // of the labels that the page shows
	Do      string `json:"do"`      // paint, erase, split, undo or redo
	Student string `json:"student"`
	Kind    string `json:"kind"`
	Label   string `json:"label"`
	First   int    `json:"first"`
	End     int    `json:"end"`
}

// The ways a change can fail that the page tells apart.
var (
	errStale  = errors.New("the labels were changed in another tab")
	errChange = errors.New("no such change")
)

// apply makes a change and saves it; on an error nothing has changed.
func (l *labels) apply(c change, allowed func(change) bool) (labelsNow, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Version != l.version {
		return l.now(), errStale
	}
	next, err := l.changed(c, allowed)
	if err != nil {
		return l.now(), err
	}
	raw, err := format(next, l.lesson)
	if err != nil {
		return l.now(), err
	}
	if err := safefile.WriteFile(l.name, raw); err != nil {
		return l.now(), err
	}
	switch c.Do {
	case "undo":
		l.undo, l.redo = l.undo[:len(l.undo)-1], append(l.redo, l.all)
	case "redo":
		l.redo, l.undo = l.redo[:len(l.redo)-1], append(l.undo, l.all)
	default:
		if l.undo, l.redo = append(l.undo, l.all), nil; len(l.undo) > mostUndo {
			l.undo = l.undo[1:]
		}
	}
	l.all = next
	l.version++
	return l.now(), nil
}

// changed gives the labels after a change.
func (l *labels) changed(c change, allowed func(change) bool) ([]interval, error) {
	switch c.Do {
	case "undo", "redo":
		from := map[string][][]interval{"undo": l.undo, "redo": l.redo}[c.Do]
		if len(from) == 0 {
			return nil, fmt.Errorf("%w: nothing to %s", errChange, c.Do)
		}
		return from[len(from)-1], nil
	}
	values, known := Values[c.Kind]
	switch {
	case l.lesson.student(c.Student) == nil || !known:
		return nil, fmt.Errorf("%w: student %q, kind %q", errChange, c.Student, c.Kind)
	case c.First < 0 || c.First >= c.End || c.End > len(l.lesson.times):
		return nil, fmt.Errorf("%w: from step %d to %d of %d", errChange, c.First, c.End, len(l.lesson.times))
	case !allowed(c):
		return nil, fmt.Errorf("%w: only the drawn windows are labelled", errChange)
	}
	switch c.Do {
	case "paint":
		if !slices.Contains(values, c.Label) {
			return nil, fmt.Errorf("%w: label %q", errChange, c.Label)
		}
		return paint(l.all, interval{c.Student, c.Kind, c.Label, c.First, c.End}), nil
	case "erase":
		next := erase(l.all, c.Student, c.Kind, c.First, c.End)
		if slices.Equal(next, l.all) {
			return nil, fmt.Errorf("%w: nothing is labelled there", errChange)
		}
		return next, nil
	case "split":
		next, ok := split(l.all, c.Student, c.Kind, c.First)
		if !ok {
			return nil, fmt.Errorf("%w: no label covers both sides of the step", errChange)
		}
		return next, nil
	}
	return nil, fmt.Errorf("%w: %q", errChange, c.Do)
}

// labelsNow is what the page is sent: the labels, and how many changes can be undone and redone.
type labelsNow struct {
	Version int        `json:"version"`
	Labels  []interval `json:"labels"`
	Undo    int        `json:"undo"`
	Redo    int        `json:"redo"`
}

// now needs mu held.
func (l *labels) now() labelsNow {
	n := labelsNow{l.version, l.all, len(l.undo), len(l.redo)}
	if n.Labels == nil {
		n.Labels = []interval{}
	}
	return n
}

func (l *labels) state() labelsNow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now()
}

// count gives the number of labels and of students who have one.
func (l *labels) count() (n, students int) {
	seen := map[string]bool{}
	now := l.state()
	for _, v := range now.Labels {
		seen[v.Student] = true
	}
	return len(now.Labels), len(seen)
}
