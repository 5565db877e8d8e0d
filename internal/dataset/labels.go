package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"classlens/internal/safefile"
)

// LabelsName is the file that makes a folder one of labels given by hand (classlens label).
const LabelsName = "labels.json"

// Labels says what the intervals.csv beside it are: who labelled which recording, on which timeline, and how what was labelled was chosen.
type Labels struct {
	Form      int      `json:"classlens_labels"` // 1
	Rater     string   `json:"rater"`
	Recording string   `json:"recording"` // its file's name
	Video     string   `json:"video"`     // where it lies: a path from this folder, or an absolute one; it is neither copied nor linked
	SHA256    string   `json:"recording_sha256"`
	Bytes     int64    `json:"recording_bytes"`
	Timeline  string   `json:"timeline_sha256"`  // of the timeline.csv beside it: which student is where
	Proposals bool     `json:"proposals_shown"`  // the rater has looked at what the network says
	Sample    *Windows `json:"sample,omitempty"` // nil: the rater chose the moments
}

// Windows is how moments to label were drawn.
type Windows struct {
	Count   int     `json:"count"`
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"window_s"`
	Blind   bool    `json:"blind"` // in every session
}

// LoadLabels reads a folder's labels.json; fs.ErrNotExist where there is none.
func LoadLabels(folder string) (*Labels, error) {
	raw, err := os.ReadFile(filepath.Join(folder, LabelsName))
	if err != nil {
		return nil, err
	}
	l := &Labels{}
	if err := json.Unmarshal(raw, l); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, LabelsName), err)
	}
	if l.Form != 1 {
		return nil, fmt.Errorf("%s: form %d, this program knows 1", filepath.Join(folder, LabelsName), l.Form)
	}
	if w := l.Sample; w != nil && !(w.Count > 0 && w.Seconds >= 1 && w.Seconds <= 600) {
		return nil, fmt.Errorf("%s: a sample of %d windows of %g s", filepath.Join(folder, LabelsName), w.Count, w.Seconds)
	}
	if l.Recording == "" || l.Recording != filepath.Base(l.Recording) || l.Recording != filepath.Base(l.Video) || !IsVideo(l.Recording) {
		return nil, fmt.Errorf("%s: names the recording %q and the video %q: no video's name and the path to it", filepath.Join(folder, LabelsName), l.Recording, l.Video)
	}
	return l, nil
}

// Save writes labels.json.
func (l Labels) Save(folder string) error {
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return safefile.WriteFile(filepath.Join(folder, LabelsName), append(raw, '\n'))
}

// video is where the recording is: in the labels' folder itself, or where labels.json says.
func (l Labels) video(folder string) (string, error) {
	name := filepath.Join(folder, l.Recording)
	if isFile(name) {
		return name, nil
	}
	if name = l.Video; !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("the recording %s is not there any more: put it into %s, or name its place in %s", name, folder, LabelsName)
	case info.Size() != l.Bytes:
		return "", fmt.Errorf("%s has %d bytes, the recording that was labelled had %d", name, info.Size(), l.Bytes)
	}
	return name, nil
}

// labelsOf are the labels.json beside a file of intervals, nil without one.
func labelsOf(folder string) (*Labels, error) {
	l, err := LoadLabels(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return l, err
}

// referred finds a medium that labels.json beside it refers to; "" where there is none.
func referred(name string) string {
	l, err := labelsOf(filepath.Dir(name))
	if err != nil || l == nil || l.Recording != filepath.Base(name) {
		return ""
	}
	at, err := l.video(filepath.Dir(name))
	if err != nil {
		return ""
	}
	return at
}
