package analysis

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"classlens/internal/safefile"
	"classlens/model/cpu"
)

// WorkFolder, inside a recording's folder, holds what an unfinished run has
// found so far. It is removed when the run is complete. It never holds a picture.
const WorkFolder = ".work"

const journalName = "journal.jsonl"

// work is an unfinished run's state on disk: a journal, and one file per segment and
// pass. The file is written first, then its journal line: a segment without a line does not exist.
type work struct {
	folder   string
	log      *safefile.Log
	segments map[string][]segment // by pass, in order
	mayWrite func() error         // asked before each segment: an error if the folder was given to another process
	dropped  string               // why an earlier run's work was discarded; "" if there was none or it is continued
}

// The passes that leave segments.
const (
	passPeople   = "people"
	passClassify = "classify"
)

// key is what segments were made from; they are used only by a run with an equal key. It includes the
// program's build and what its arithmetic depends on, so that results of two programs or
// two kinds of processor are never mixed in one timeline.
type key struct {
	Inputs  inputs `json:"inputs"`
	Program string `json:"program"`
	Machine string `json:"machine"`
}

// segment is one line of the journal: a stretch of the recording that one pass has
// finished.
type segment struct {
	Pass  string  `json:"pass"`
	File  string  `json:"file"`
	Sum   string  `json:"sha256"`
	Steps int     `json:"steps"`
	From  float64 `json:"from_s"`
	To    float64 `json:"to_s"`
}

// journalLine is the first line (begin) or one of those after it.
type journalLine struct {
	Begin   *key     `json:"begin,omitempty"`
	Segment *segment `json:"segment,omitempty"`
}

// programID identifies the running program: the build ID that the linker wrote into it, a hash of everything it was built from, or,
// without one, the SHA-256 of the executable. Computed once.
var programID = sync.OnceValues(func() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if id := buildID(self); id != "" {
		return id, nil
	}
	return safefile.Sum(self)
})

// buildID reads an ELF file's Go build ID, "" if there is none.
func buildID(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	note := f.Section(".note.go.buildid")
	if note == nil {
		return ""
	}
	b, err := note.Data()
	const head = 16 // three lengths, and the name "Go"
	if err != nil || len(b) < head {
		return ""
	}
	return string(b[head:min(len(b), head+int(binary.LittleEndian.Uint32(b[4:])))])
}

func (r *run) key(in inputs) (key, error) {
	program, err := programID()
	machine := fmt.Sprintf("%s %s, %d threads, %s, decoder %q, flow on the GPU %v, segments of %g s", runtime.GOARCH, strings.Join(cpu.ISAs(), " "), r.threads(), r.device.Device+" "+r.device.String(), r.decoder, r.flow != nil,
		r.options.Config.Run.SegmentSeconds)
	return key{in, program, machine}, err
}

// openWork opens the work of an earlier run with the same key, or discards what is there and begins a new journal; fresh always discards.
func openWork(folder string, k key, fresh bool) (*work, error) {
	w := &work{folder: filepath.Join(folder, WorkFolder), segments: map[string][]segment{}}
	if !fresh {
		w.dropped = w.foreign(k)
	}
	if fresh || w.dropped != "" {
		if err := os.RemoveAll(w.folder); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(w.folder, 0o755); err != nil {
		return nil, fmt.Errorf("folder for unfinished work: %w", err)
	}
	log, lines, err := safefile.OpenLog(filepath.Join(w.folder, journalName))
	if err != nil {
		return nil, err
	}
	w.log = log
	if len(lines) == 0 {
		if err := log.Append(journalLine{Begin: &k}); err != nil {
			log.Close()
			return nil, err
		}
	}
	w.read(lines)
	return w, nil
}

// foreign says why the journal's work cannot be continued with this key; "" if it can, or if there is no journal.
func (w *work) foreign(k key) string {
	lines, err := safefile.ReadLog(filepath.Join(w.folder, journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var first journalLine
	if err == nil && len(lines) == 0 {
		return "" // killed before its first line was whole
	}
	if err != nil || json.Unmarshal(lines[0], &first) != nil || first.Begin == nil {
		return "its journal cannot be read"
	}
	switch b := *first.Begin; {
	case b == k:
		return ""
	case b.Inputs.Recording != k.Inputs.Recording:
		return "it is of another recording"
	case b.Inputs != k.Inputs:
		return "it was made with other settings, weights or another version"
	case b.Machine != k.Machine:
		return fmt.Sprintf("it was made on another kind of machine (%s; here %s)", b.Machine, k.Machine)
	default:
		return "it was made by another build of the program"
	}
}

// read collects the segments whose files match their checksums in the journal; after one that
// does not, the later ones of the same pass do not count.
func (w *work) read(lines []json.RawMessage) {
	broken := map[string]bool{}
	for _, raw := range lines {
		var l journalLine
		if json.Unmarshal(raw, &l) != nil || l.Segment == nil {
			continue
		}
		s := *l.Segment
		if broken[s.Pass] || !filepath.IsLocal(s.File) {
			continue
		}
		if sum, err := safefile.Sum(filepath.Join(w.folder, s.File)); err != nil || sum != s.Sum {
			broken[s.Pass] = true
			continue
		}
		w.segments[s.Pass] = append(w.segments[s.Pass], s)
	}
}

// reached is how far a pass has come, in seconds of the recording.
func (w *work) reached(pass string) float64 {
	if n := len(w.segments[pass]); n > 0 {
		return w.segments[pass][n-1].To
	}
	return 0
}

// save stores a segment: its file first, then the journal's line.
func (w *work) save(s segment, content any) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(content); err != nil {
		return fmt.Errorf("segment of %s: %w", s.Pass, err)
	}
	if err := w.mayWrite(); err != nil {
		return err
	}
	s.File = fmt.Sprintf("%s-%04d.gob", s.Pass, len(w.segments[s.Pass]))
	s.Sum = sum(b.Bytes())
	if err := safefile.WriteFile(filepath.Join(w.folder, s.File), b.Bytes()); err != nil {
		return err
	}
	if err := w.log.Append(journalLine{Segment: &s}); err != nil {
		return err
	}
	w.segments[s.Pass] = append(w.segments[s.Pass], s)
	return nil
}

// load reads a segment's content.
func (w *work) load(s segment, content any) error {
	raw, err := os.ReadFile(filepath.Join(w.folder, s.File))
	if err != nil {
		return err
	}
	if err := gob.NewDecoder(bytes.NewReader(raw)).Decode(content); err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	return nil
}

// close closes the journal; what is on disk stays for the next run.
func (w *work) close() error { return w.log.Close() }

// remove deletes the work: the run is complete.
func (w *work) remove() error { return errors.Join(w.close(), os.RemoveAll(w.folder)) }

// silly is the prefix of a file that NFS keeps because it was removed while open. It goes when it is closed, unless the machine that had it open was lost.
const silly = ".nfs"

// sweep removes files that a killed run was writing. Call it with the folder locked.
func sweep(folder string) error {
	var errs []error
	for _, dir := range []string{folder, filepath.Join(folder, "keyframes"), filepath.Join(folder, WorkFolder)} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // not there
		}
		for _, e := range entries {
			if safefile.IsTemporary(e.Name()) || strings.HasPrefix(e.Name(), spoolPrefix) || strings.HasPrefix(e.Name(), silly) {
				if err := os.Remove(filepath.Join(dir, e.Name())); !errors.Is(err, fs.ErrNotExist) {
					errs = append(errs, err)
				}
			}
		}
	}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == nil })...)
}
