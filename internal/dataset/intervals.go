package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"classlens/vision/scene"
)

// intervalNames are the files that label stretches of a recording: those of
// classlens analyze, or hand-made ones with boxes.csv.
var intervalNames = []string{"intervals.csv", "behaviour.csv"}

// deepest is how far below the folder such files are looked for.
const deepest = 3

// intervalFiles are the labelled recordings of a folder: one file each.
func intervalFiles(dir string) []string {
	byFolder := map[string]string{}
	root := dir
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		root = real
	}
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error { // what cannot be read is not there
		rel, relErr := filepath.Rel(root, p)
		if err != nil || relErr != nil {
			return nil
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if strings.Count(rel, "/") >= deepest {
				return fs.SkipDir
			}
			return nil
		}
		folder := path.Dir(rel)
		if i := slices.Index(intervalNames, path.Base(rel)); i >= 0 && (byFolder[folder] == "" || i == 0) {
			byFolder[folder] = rel
		}
		return nil
	})
	var files []string
	for _, f := range byFolder {
		files = append(files, f)
	}
	slices.Sort(files)
	return files
}

// readIntervals reads the project's own labels: intervals.csv (start_s, end_s,
// student, kind, label, p) and its video, with the boxes of timeline.csv, or of the
// columns x, y, w, h. One sample an interval, boxed at its middle; of labels given by
// hand (classlens label) one every few seconds. A folder may hold several recordings,
// each with its labels in a folder of its own.
func readIntervals(dir string) (*Set, error) {
	s := &Set{Boxes: HeadBox}
	labelled := map[string]string{} // file by recording
	for _, file := range intervalFiles(dir) {
		folder := filepath.Join(dir, filepath.FromSlash(path.Dir(file)))
		labels, err := labelsOf(folder)
		if err != nil {
			return nil, err
		}
		if labels != nil {
			if other := labelled[labels.SHA256]; other != "" {
				return nil, fmt.Errorf("%s and %s label the same recording, %s: name the folder of one rater (classlens label --agreement compares two)", other, file, labels.Recording)
			}
			labelled[labels.SHA256] = file
			if _, err := labels.video(folder); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if err := s.addIntervals(dir, file, path.Join(path.Dir(file), labels.Recording), true); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			continue
		}
		root, media, err := videoOf(dir, file)
		if err != nil {
			return nil, err
		}
		if root != dir {
			if s.Root != "" && s.Root != root {
				return nil, fmt.Errorf("the videos lie in both %s and %s", s.Root, root)
			}
			s.Root = root
		}
		if err := s.addIntervals(dir, file, media, false); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if len(labelled) > 0 && s.Root != "" {
		return nil, errors.New("labels given by hand and results of classlens analyze lie in one folder: name that of one rater")
	}
	return s, nil
}

// videoOf finds the recording that a labels file is about: the one video beside it,
// one that is named like the labels' folder, or the only one there is; in the set's
// folder, else in one of the two above it, as classlens analyze leaves it.
func videoOf(dir, labels string) (root, media string, err error) {
	own, err := filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	name := path.Base(path.Dir(labels))
	if name == "." {
		name = filepath.Base(own)
	}
	for up, at := 0, dir; up <= 2; up, at = up+1, filepath.Join(at, "..") {
		videos, err := videosBelow(at, up)
		if err != nil {
			return "", "", err
		}
		var beside, named []string
		for _, v := range videos {
			if up == 0 && path.Dir(v) == path.Dir(labels) {
				beside = append(beside, v)
			}
			if base := path.Base(v); strings.TrimSuffix(base, path.Ext(base)) == name {
				named = append(named, v)
			}
		}
		if len(named) == 0 && up == 0 && len(videos) == 1 {
			named = videos
		}
		switch {
		case len(beside) == 1:
			return at, beside[0], nil
		case len(named) == 1:
			return at, named[0], nil
		}
	}
	return "", "", fmt.Errorf("%s: no video beside it, and none named %s: put the recording there", labels, name)
}

// videosBelow lists the videos of a folder; above the set's own, of that folder alone.
func videosBelow(dir string, up int) ([]string, error) {
	var videos []string
	if up > 0 {
		entries, _ := os.ReadDir(dir) // what cannot be read is not there
		for _, e := range entries {
			if !e.IsDir() && IsVideo(e.Name()) {
				videos = append(videos, e.Name())
			}
		}
		return videos, nil
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !IsVideo(filepath.Base(p)) {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		videos = append(videos, filepath.ToSlash(rel))
		return err
	})
	return videos, err
}

// pieceSeconds is how much of an interval that was labelled by hand becomes one sample: as much as the network looks at. Whole intervals would be few samples, and
// ten minutes of writing would weigh as much as a second of a raised hand.
const pieceSeconds = 4.0

// longestSeconds an interval may be; video.max_hours has the same limit.
const longestSeconds = 48 * 3600

// nearSeconds is how far in time from a piece's middle its box may be: the student was seen while the piece lasted.
const nearSeconds = 2.0

// pieces cuts an interval into equal parts of about pieceSeconds.
func pieces(a, b float64) [][2]float64 {
	n := max(1, math.Round((b-a)/pieceSeconds))
	var all [][2]float64
	for i := range int(n) {
		all = append(all, [2]float64{a + (b-a)*float64(i)/n, a + (b-a)*float64(i+1)/n})
	}
	return all
}

// addIntervals adds a file's samples: one an interval, or one a piece of it.
func (s *Set) addIntervals(dir, file, media string, inPieces bool) error {
	folder := filepath.Join(dir, filepath.FromSlash(path.Dir(file)))
	heads, err := readHeads(folder)
	if err != nil {
		return err
	}
	t, err := readTable(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		return err
	}
	start, end, student, kind, label := t.column("start_s"), t.column("end_s"), t.column("student", "student_id"), t.column("kind"), t.column("label")
	if min(start, end, student, label) < 0 {
		return errors.New("it lacks one of start_s, end_s, student, label")
	}
	box, sure := t.boxColumns(), t.column("confidence")
	recording := strings.TrimSuffix(path.Base(media), path.Ext(media))
	for n, row := range t.rows {
		a, err1 := finite(cell(row, start))
		b, err2 := finite(cell(row, end))
		if err := errors.Join(err1, err2); err != nil || b < a {
			return fmt.Errorf("line %d: %q to %q is no interval", n+2, cell(row, start), cell(row, end))
		}
		x := Sample{Media: media, Label: -1, Level: -1, Attention: -1, Subject: recording + "/" + cell(row, student), Room: recording, Recording: recording, Start: a, End: b}
		if strings.EqualFold(cell(row, sure), "unsure") {
			continue // hand-made labels whose maker could not tell
		}
		what := "behaviour"
		if kind >= 0 {
			what = cell(row, kind)
		}
		if !x.setLabel(s, what, cell(row, label)) {
			continue
		}
		if b-a > longestSeconds {
			return fmt.Errorf("line %d: %q to %q is longer than any lesson", n+2, cell(row, start), cell(row, end))
		}
		if inPieces {
			for _, p := range pieces(a, b) {
				if x.Start, x.End, x.Box = p[0], p[1], heads.near(cell(row, student), (p[0]+p[1])/2, nearSeconds); !x.Box.Empty() {
					s.Samples = append(s.Samples, x)
				}
			}
			continue
		}
		if own, ok := boxAt(row, box); ok {
			x.Box = own
		} else if x.Box = heads.at(cell(row, student), (a+b)/2); x.Box.Empty() && heads != nil {
			continue // labelled, but never seen in a box
		}
		s.Samples = append(s.Samples, x)
	}
	return nil
}

// boxColumns are the columns x, y, w and h, or -1.
func (t *table) boxColumns() [4]int {
	return [4]int{t.column("x"), t.column("y"), t.column("w"), t.column("h")}
}

// boxAt reads a row's box; false where it has none.
func boxAt(row []string, columns [4]int) (scene.Box, bool) {
	var v [4]float64
	for i, c := range columns {
		var err error
		if v[i], err = finite(cell(row, c)); err != nil {
			return scene.Box{}, false
		}
	}
	b := scene.Box{X: v[0], Y: v[1], W: v[2], H: v[3]}
	return b, !b.Empty()
}

// setLabel takes what an interval says; false when it says nothing usable.
func (x *Sample) setLabel(s *Set, kind, label string) bool {
	switch kind {
	case "behaviour":
		if label == "" || label == "unknown" {
			return false
		}
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
