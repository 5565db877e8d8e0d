// Package dataset reads labelled classroom data in the forms that are about (COCO
// boxes, YOLO, ClaBehavior, the CCTV set, DAiSEE, AVA and EngageNet-like CSV, and
// the project's own intervals) into one form, splits it so that no subject, room
// or time leaks, checks that, and counts what is in it.
//
// A *sample* is one person at one instant or over one span of one recording; a
// *group* is what must not be on both sides of a split.
package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"classlens/vision/scene"
)

// BoxKind says what a sample's box holds.
type BoxKind string

// The kinds of box.
const (
	HeadBox  BoxKind = "head"
	UpperBox BoxKind = "upper" // head and upper body
	NoBox    BoxKind = "none"  // the whole picture or clip shows one person
)

// Sample is one labelled person.
type Sample struct {
	Media     string       `json:"media"`             // picture or video, relative to the set's folder, slashes
	Image     string       `json:"image,omitempty"`   // what the set's own labels call it, where that is another name
	Box       scene.Box    `json:"box,omitzero"`      // pixels of the medium
	Label     int          `json:"label"`             // index into Classes, -1 for none
	Level     int          `json:"level"`             // engagement 0..3, -1 for none
	Attention int          `json:"attention"`         // 1 on task, 0 off task, -1 for none
	Subject   string       `json:"subject,omitempty"` // "" where the set does not say
	Room      string       `json:"room,omitempty"`
	Recording string       `json:"recording,omitempty"`
	Start     float64      `json:"start_s,omitempty"` // seconds from the recording's first frame
	End       float64      `json:"end_s,omitempty"`   // equal to Start for one instant
	Part      string       `json:"part,omitempty"`    // train, val or test where the set itself says
	Track     string       `json:"track,omitempty"`   // one student's take: samples of one track, in time order, are one sequence
	Flow      string       `json:"flow,omitempty"`    // picture of the optical flow, see LoadFlow
	Points    *[51]float64 `json:"points,omitempty"`  // 17 COCO points: x, y in pixels, seen 0 no, 1 covered, 2 yes
}

// Set is a data set in the one form that all commands use.
type Set struct {
	Name    string   `json:"name"`
	Form    string   `json:"form"` // which reader read it
	Root    string   `json:"-"`    // its folder
	Classes []string `json:"classes"`
	Boxes   BoxKind  `json:"boxes"`
	Shares  bool     `json:"box_shares,omitempty"` // boxes are shares of the picture, not pixels
	Samples []Sample `json:"samples"`

	// BoxesSaid: the files themselves say what the boxes hold.
	BoxesSaid bool `json:"-"`

	// Problems are the labels that were kept out, in the order they were met.
	Problems []Problem `json:"-"`

	prints map[string]fingerprint // of pictures that were compared
}

// Problem is a label that could not be used.
type Problem struct {
	Where  string // file below the set's folder, with line or annotation
	Reason string
	kind   string // what problems of one sort have in common
}

// String is the problem in a line.
func (p Problem) String() string { return p.Where + ": " + p.Reason }

// The kinds of problem.
const (
	noArea      = "boxes without area"
	outside     = "boxes outside their picture"
	crowd       = "crowd boxes"
	noPicture   = "boxes whose picture is missing"
	unreadable  = "lines that are no class and box"
	noClass     = "boxes of a class that is not listed"
	hiddenHeads = "heads too far hidden"
	noClip      = "labels whose clip is missing"
)

// problem keeps a label out and says why.
func (s *Set) problem(kind, where, format string, a ...any) {
	s.Problems = append(s.Problems, Problem{where, fmt.Sprintf(format, a...), kind})
}

// shownProblems is how many problems of a kind are told one by one.
const shownProblems = 3

// ProblemLines says what was kept out: the first of each kind, and how many.
func (s *Set) ProblemLines() []string {
	count := map[string]int{}
	var kinds, lines []string
	for _, p := range s.Problems {
		if count[p.kind]++; count[p.kind] == 1 {
			kinds = append(kinds, p.kind)
		}
	}
	for _, kind := range kinds {
		shown := 0
		for _, p := range s.Problems {
			if p.kind == kind && shown < shownProblems && kind != hiddenHeads && kind != crowd {
				lines = append(lines, p.String())
				shown++
			}
		}
		lines = append(lines, fmt.Sprintf("kept out: %d %s", count[kind], kind))
	}
	return lines
}

// ErrUnknownForm is returned for a folder that no reader knows.
var ErrUnknownForm = errors.New("no reader knows this folder: want COCO (annotations.json, images/), YOLO (images/, labels/), DAiSEE (DataSet/, Labels/), " +
	"AVA or EngageNet-like CSV, classlens results (intervals.csv, timeline.csv) or a file made by classlens dataset import (dataset.json)")

// reader is one form. fits looks at names only.
type reader struct {
	form string
	fits func(dir string) bool
	read func(dir string) (*Set, error)
}

// The more telling forms come first.
var readers = []reader{
	{"classlens", func(d string) bool { return exists(d, ownFile) }, readOwn},
	{"coco", func(d string) bool { return len(cocoFiles(d)) > 0 }, readCOCO},
	{"yolo", func(d string) bool { return len(yoloFolders(d)) > 0 }, readYOLO},
	{"daisee", func(d string) bool {
		return exists(d, "Labels", "AllLabels.csv") || exists(d, "Labels", "TrainLabels.csv")
	}, readDAiSEE},
	{"intervals", func(d string) bool { return len(intervalFiles(d)) > 0 }, readIntervals},
	{"csv", func(d string) bool { return len(tables(d)) > 0 }, readTables},
}

// Open reads the data set in a folder, whatever its form.
func Open(dir string) (*Set, error) {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such folder", dir)
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("%s: not a folder; name the one that holds the data set", dir)
	}
	for _, r := range readers {
		if !r.fits(dir) {
			continue
		}
		s, err := r.read(dir)
		if err != nil {
			return nil, fmt.Errorf("%s as %s: %w", dir, r.form, err)
		}
		if err := s.sound(); err != nil {
			return nil, fmt.Errorf("%s as %s: %w", dir, r.form, err)
		}
		s.Form = r.form
		if s.Root == "" {
			s.Root = dir
		}
		if s.Name == "" {
			s.Name = filepath.Base(filepath.Clean(dir))
		}
		if len(s.Samples) == 0 {
			if lines := s.ProblemLines(); len(lines) > 0 {
				return nil, fmt.Errorf("%s as %s: no label can be used: %s", dir, r.form, strings.Join(lines, "; "))
			}
			return nil, fmt.Errorf("%s as %s: no labelled sample", dir, r.form)
		}
		return s, nil
	}
	return nil, fmt.Errorf("%s: %w", dir, ErrUnknownForm)
}

// sound tells whether all samples can be used: labels among the classes, and files in the folder.
func (s *Set) sound() error {
	for i, x := range s.Samples {
		switch {
		case x.Label < -1 || x.Label >= len(s.Classes):
			return fmt.Errorf("sample %d has the label %d, there are %d classes", i, x.Label, len(s.Classes))
		case x.Media == "":
			return fmt.Errorf("sample %d names no picture or video", i)
		case x.Level < -1 || x.Level > 3 || x.Attention < -1 || x.Attention > 1:
			return fmt.Errorf("sample %d has the level %d of -1 to 3 and the attention %d of -1 to 1", i, x.Level, x.Attention)
		}
		for _, file := range []string{x.Media, x.Flow} {
			if file != "" && !filepath.IsLocal(filepath.FromSlash(file)) {
				return fmt.Errorf("sample %d: the file %q leads out of the folder", i, file)
			}
		}
	}
	return nil
}

// Path is where a sample's medium lies: in the set's folder, or where the labels.json beside it says.
func (s *Set) Path(x Sample) string {
	name := filepath.Join(s.Root, filepath.FromSlash(x.Media))
	if IsVideo(name) && !isFile(name) {
		if at := referred(name); at != "" {
			return at
		}
	}
	return name
}

// classIndex finds or adds a class.
func (s *Set) classIndex(name string) int {
	if i := slices.Index(s.Classes, name); i >= 0 {
		return i
	}
	s.Classes = append(s.Classes, name)
	return len(s.Classes) - 1
}

// Groups gives each sample's group by subject, room, recording or media. Where a
// set does not say, the sample falls back on its recording, then its medium.
func (s *Set) Groups(by string) ([]string, error) {
	of := map[string]func(Sample) string{
		"subject":   func(x Sample) string { return x.Subject },
		"room":      func(x Sample) string { return x.Room },
		"recording": func(x Sample) string { return x.Recording },
		"media":     func(x Sample) string { return x.Media },
	}[by]
	if of == nil {
		return nil, fmt.Errorf("--by %s: want subject, room, recording, media or time", by)
	}
	groups := make([]string, len(s.Samples))
	for i, x := range s.Samples {
		for _, g := range []string{of(x), x.Recording, x.Media} {
			if groups[i] == "" {
				groups[i] = g
			}
		}
	}
	return groups, nil
}
