package dataset

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"classlens/vision/scene"
)

// engagementWords are EngageNet's levels, and their usual spellings.
var engagementWords = map[string]int{
	"not-engaged": 0, "not engaged": 0, "disengaged": 0, "barely-engaged": 1, "barely engaged": 1, "engaged": 2, "highly-engaged": 3, "highly engaged": 3,
	"0": 0, "1": 1, "2": 2, "3": 3,
}

// readTables reads the CSV files of a folder: AVA's (no header: video, second, x1, y1,
// x2, y2, action, person) or EngageNet-like ones (a header with the clip's name and its label).
func readTables(dir string) (*Set, error) {
	media, err := mediaIndex(dir, append(append([]string(nil), videoTypes...), pictureTypes...)...)
	if err != nil {
		return nil, err
	}
	s := &Set{Boxes: NoBox}
	for _, file := range tables(dir) {
		t, err := readTable(file)
		if err != nil {
			return nil, err
		}
		if isAVA(t.head) {
			err = s.addAVA(t, media)
		} else {
			err = s.addClips(t, media)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return s, nil
}

// isAVA tells whether a first row is data of AVA's form.
func isAVA(row []string) bool {
	if len(row) != 7 && len(row) != 8 {
		return false
	}
	for _, v := range row[1:6] {
		if _, err := finite(v); err != nil {
			return false
		}
	}
	return true
}

func (s *Set) addAVA(t *table, media map[string]string) error {
	s.Boxes, s.Shares = UpperBox, true
	for n, row := range append([][]string{t.first}, t.rows...) {
		if !isAVA(row) {
			return fmt.Errorf("line %d: want video, second, x1, y1, x2, y2, action and person", n+1)
		}
		var v [5]float64
		for i := range v {
			v[i], _ = finite(row[i+1]) // isAVA parsed them
		}
		x := Sample{Media: named(media, row[0]), Box: scene.Box{X: v[1], Y: v[2], W: v[3] - v[1], H: v[4] - v[2]}, Label: s.classIndex(strings.TrimSpace(row[6])),
			Level: -1, Attention: -1, Recording: row[0], Start: v[0], End: v[0]}
		if len(row) == 8 {
			x.Subject = row[0] + "/" + strings.TrimSpace(row[7])
		}
		s.Samples = append(s.Samples, x)
	}
	return nil
}

// named is the medium of that name, or the name itself where there is none.
func named(media map[string]string, name string) string {
	if m, ok := media[strings.TrimSuffix(name, path.Ext(name))]; ok {
		return m
	}
	return name
}

var errNoColumns = errors.New("no columns that name a clip (clip, chunk, video, file, clipid, video_id) and its label (label, engagement, behaviour, class)")

func (s *Set) addClips(t *table, media map[string]string) error {
	clip, label := t.column("clip", "chunk", "clipid", "video_id", "video", "file", "filename", "name"), t.column("label", "engagement", "behaviour", "behavior", "class")
	if clip < 0 || label < 0 {
		return errNoColumns
	}
	subject, room, part := t.column("subject", "subject_id", "participant", "person"), t.column("room"), t.column("split", "part", "set")
	for n, row := range t.rows {
		name, text := cell(row, clip), cell(row, label)
		if name == "" || text == "" {
			return fmt.Errorf("line %d: the clip or its label is missing", n+2)
		}
		x := Sample{Media: named(media, name), Label: -1, Level: -1, Attention: -1, Subject: cell(row, subject), Room: cell(row, room), Part: partOf(cell(row, part), t.name),
			Recording: strings.TrimSuffix(path.Base(name), path.Ext(name))}
		if level, ok := engagementWords[strings.ToLower(text)]; ok {
			x.Level = level
		} else {
			x.Label = s.classIndex(text)
		}
		s.Samples = append(s.Samples, x)
	}
	return nil
}

// partOf reads train, val or test from a cell, else from the file's name.
func partOf(text, file string) string {
	for _, from := range []string{text, strings.TrimSuffix(file, filepath.Ext(file))} {
		from = strings.ToLower(from)
		switch {
		case strings.Contains(from, "train"):
			return "train"
		case strings.Contains(from, "val"):
			return "val"
		case strings.Contains(from, "test"):
			return "test"
		}
	}
	return ""
}
