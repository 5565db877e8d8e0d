package label

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"classlens/internal/dataset"
)

// window is a stretch of one student that was drawn to be labelled: the steps First <= step < End.
type window struct {
	Student string `json:"student"`
	First   int    `json:"first"`
	End     int    `json:"end"`
}

// draw settles the windows: those that the folder was begun with, or new ones; begun tells whether the folder existed. All labels in a folder are in drawn windows, or
// none are: a mixture of random and chosen moments would not be representative of the lesson.
func (s *Session) draw(begun bool) error {
	o, had := s.options, s.about.Sample
	w := dataset.Windows{Count: o.Sample, Seed: o.Seed, Seconds: o.Window, Blind: o.Blind}
	n, _ := s.labels.count()
	switch {
	case o.Sample == 0 && had == nil && o.Blind:
		return fmt.Errorf("%w: --blind goes with --sample", ErrUsage)
	case o.Sample == 0 && had == nil:
		return nil
	case o.Sample == 0:
		w = *had
	case had == nil && begun && n > 0:
		return fmt.Errorf("%s was begun without --sample: its moments were chosen, not drawn; label the sample as another --rater", s.folder)
	case had == nil:
	case had.Seed != o.Seed || had.Seconds != o.Window:
		return fmt.Errorf("%s was begun with --seed %d --window %g: go on with these, or label as another --rater", s.folder, had.Seed, had.Seconds)
	case o.Sample < had.Count:
		return fmt.Errorf("%s was begun with --sample %d, which can grow, not shrink", s.folder, had.Count)
	}
	s.blind = o.Blind || had != nil && had.Blind // labels begun blind stay blind
	if had != nil {
		w.Blind = had.Blind // and labels not begun blind never count as blind
	}
	s.windows = s.lesson.draw(w)
	if len(s.windows) == 0 {
		return errors.New("no student is in view for half of any window: nothing can be drawn; a shorter --window may do")
	}
	s.about.Sample = &w
	return nil
}

// draw takes the first windows in the order of the SHA-256 of seed, student and start. That is random, but the same for every rater and on every machine, and a larger
// sample begins with the smaller one. Candidates are the cells of a grid over the lesson in which the student is in view for at least half of the steps, except the teacher's.
func (l *lesson) draw(w dataset.Windows) []window {
	type ranked struct {
		window
		rank [sha256.Size]byte
	}
	var all []ranked
	for _, s := range l.students {
		if s.Teacher {
			continue
		}
		for start := 0.0; start < l.times[len(l.times)-1]; start += w.Seconds {
			v := window{s.ID, l.from(start), l.from(start + w.Seconds)}
			if v.End > v.First && l.end(v.End)-l.start(v.First) > 0.9*w.Seconds && 2*s.visible(v.First, v.End) >= v.End-v.First {
				key := strconv.FormatUint(w.Seed, 10) + " " + s.ID + " " + strconv.FormatFloat(start, 'f', -1, 64)
				all = append(all, ranked{v, sha256.Sum256([]byte(key))})
			}
		}
	}
	slices.SortFunc(all, func(a, b ranked) int { return bytes.Compare(a.rank[:], b.rank[:]) })
	var drawn []window
	for _, r := range all[:min(len(all), w.Count)] {
		drawn = append(drawn, r.window)
	}
	return drawn
}

// visible counts the steps at which the student is in view.
func (s *student) visible(first, end int) int {
	n := 0
	for _, b := range s.Boxes[first:end] {
		if b != nil {
			n++
		}
	}
	return n
}

// allowed tells whether a change stays within one drawn window, if windows were drawn.
func (s *Session) allowed(c change) bool {
	return s.windows == nil || slices.ContainsFunc(s.windows, func(w window) bool { return w.Student == c.Student && w.First <= c.First && c.End <= w.End })
}
