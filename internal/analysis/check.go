package analysis

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"classlens/internal/safefile"
	"classlens/internal/timeline"
)

// Verdict is what Check found in one recording's folder.
type Verdict struct {
	State    State    // done or partial; pending where a run is not finished; failed where the last run failed or the folder is damaged
	Problems []string // what is damaged
	Notes    []string // spans without data, how far an unfinished run has come, why the last one failed
}

// ErrNoResults: the folder holds no recording's results.
var ErrNoResults = errors.New("no results here")

// outputs that every complete folder holds.
var outputs = []string{"timeline.csv", "intervals.csv", "students.csv", "summary.json", "timeline.parquet", "report.html"}

// Check re-reads the results in a recording's folder: every output against the
// manifest's checksums, the tables against each other, and it reports files that do not
// belong there. An error other than ErrNoResults means that it could not look.
func Check(folder string) (Verdict, error) {
	if owner := safefile.HeldBy(folder); owner != nil {
		return Verdict{State: Pending, Notes: []string{fmt.Sprintf("an analysis is running: %v", owner)}}, nil
	}
	raw, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return checkUnfinished(folder)
	}
	if err != nil {
		return Verdict{}, err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return Verdict{State: Failed, Problems: []string{"manifest.json: " + err.Error()}}, nil
	}
	v := Verdict{State: m.State}
	if m.State != Done && m.State != Partial {
		v.problem("manifest.json: state %q", m.State)
	}
	v.sums(folder, m)
	v.orphans(folder, m)
	if err := timeline.CheckTables(folder); err != nil {
		v.problem("%v", err)
	}
	v.gaps(folder, m)
	if len(v.Problems) > 0 {
		v.State = Failed
	}
	if reason := readFailure(folder); reason != "" {
		v.State = Failed
		v.Notes = append(v.Notes, reason, "the results here are an earlier run's")
	}
	return v, nil
}

func checkUnfinished(folder string) (Verdict, error) {
	reason := readFailure(folder)
	lines, err := safefile.ReadLog(filepath.Join(folder, WorkFolder, journalName))
	switch {
	case errors.Is(err, fs.ErrNotExist) && reason == "":
		return Verdict{}, ErrNoResults
	case errors.Is(err, fs.ErrNotExist):
		return Verdict{State: Failed, Notes: []string{reason}}, nil
	case err != nil:
		return Verdict{}, err
	}
	w := &work{folder: filepath.Join(folder, WorkFolder), segments: map[string][]segment{}}
	w.read(lines)
	v := Verdict{State: Pending, Notes: []string{fmt.Sprintf("not finished: people found up to %.0f s, classified up to %.0f s; the same analyze command continues",
		w.reached(passPeople), w.reached(passClassify))}}
	if reason != "" {
		v.State, v.Notes = Failed, append([]string{reason}, v.Notes...)
	}
	return v, nil
}

func (v *Verdict) problem(format string, args ...any) {
	v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
}

// sums compares every output with the manifest.
func (v *Verdict) sums(folder string, m manifest) {
	for _, name := range outputs {
		if m.Outputs[name] == "" {
			v.problem("manifest.json: does not list %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Outputs)) {
		if !filepath.IsLocal(name) {
			v.problem("manifest.json: lists %q, outside the folder", name)
			continue
		}
		switch sum, err := safefile.Sum(filepath.Join(folder, name)); {
		case errors.Is(err, fs.ErrNotExist):
			v.problem("%s: missing", name)
		case err != nil:
			v.problem("%v", err)
		case sum != m.Outputs[name]:
			v.problem("%s: changed since it was written", name)
		}
	}
}

// desktopFiles are left behind by file managers when somebody merely opens a folder.
var desktopFiles = []string{".DS_Store", "Thumbs.db", "desktop.ini", ".directory"}

// orphans reports files that no run has written.
func (v *Verdict) orphans(folder string, m manifest) {
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case m.Outputs[name] != "" || name == "manifest.json" || name == failureName:
		case name == safefile.LockName: // of a killed run: nobody holds it
		case slices.Contains(desktopFiles, d.Name()):
		case strings.HasPrefix(d.Name(), silly): // removed while a machine had it open
		case strings.HasPrefix(name, WorkFolder+"/"):
			if d.Name() == journalName {
				v.Notes = append(v.Notes, "a later run is not finished; the same analyze command continues it")
			}
		default:
			v.problem("%s: not listed in the manifest", name)
		}
		return nil
	})
	if err != nil {
		v.problem("%v", err)
	}
}

// gaps notes the spans without data, and compares summary.json with the manifest.
func (v *Verdict) gaps(folder string, m manifest) {
	raw, err := os.ReadFile(filepath.Join(folder, "summary.json"))
	if err != nil {
		return // sums has reported it
	}
	var s struct {
		State State     `json:"state"`
		Gaps  []gapLine `json:"gaps"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		v.problem("summary.json: %v", err)
		return
	}
	if s.State != m.State || (s.State == Partial) != (len(s.Gaps) > 0) {
		v.problem("summary.json: state %q with %d gaps; the manifest says %q", s.State, len(s.Gaps), m.State)
	}
	for _, g := range s.Gaps {
		v.Notes = append(v.Notes, fmt.Sprintf("without data from %.1f to %.1f s (%s)", g.Start, g.End, g.Reason))
	}
}
