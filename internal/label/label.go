// Package label serves the web page on which people label a recording by hand. The server listens on this machine only, pictures of the lesson are never kept,
// and labels are saved at every change in the format that internal/dataset reads.
//
// A *rater* is a person who labels; a *kind* is what is labelled (behaviour, attention, engagement); a *label* covers consecutive steps of one student, for one
// kind; a *window* is a random stretch of one student that was drawn to be labelled.
package label

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"classlens/internal/dataset"
	"classlens/internal/safefile"
	"classlens/vision/video"
)

// Options say what is labelled, by whom and how.
type Options struct {
	Results   string        // a recording's folder, complete
	Recording string        // the video file
	SHA256    string        // of the recording that the results were made from
	Video     video.Options // the options that the results were decoded with
	Out       string        // folder of all labels; "": the folder that holds Results, with "-labels" appended to its name
	Rater     string
	Kinds     []string // offered on the page
	Sample    int      // windows to label; 0: as when the labels were begun, else the whole lesson
	Seed      uint64   // of the windows
	Window    float64  // seconds
	Blind     bool     // show neither other labels nor the network's proposals
}

// Session is one rater's work on one recording. Close it. After Open, its fields do not change, except for about; labels and pictures
// have locks of their own.
type Session struct {
	options  Options
	folder   string
	lesson   *lesson
	windows  []window // nil: the whole lesson is labelled
	blind    bool
	labels   *labels
	pictures *pictures
	lock     *safefile.Lock
	stop     context.CancelFunc // ends the decoding
	decoding sync.WaitGroup

	mu    sync.Mutex // guards about
	about dataset.Labels
}

// ErrUsage is wrapped by errors of Open that are the user's mistakes on the command line.
var ErrUsage = errors.New("wrong usage")

var errOther = errors.New("another recording")

// raterName allows only names that are valid folder names on every system.
var raterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$`)

func (o Options) check() error {
	if !raterName.MatchString(o.Rater) {
		return fmt.Errorf("%w: --rater %q: want up to 40 letters, digits, - and _", ErrUsage, o.Rater)
	}
	if o.Sample < 0 || !(o.Window >= 1 && o.Window <= 600) {
		return fmt.Errorf("%w: --sample %d --window %g: want a number of windows, of 1 to 600 seconds", ErrUsage, o.Sample, o.Window)
	}
	if len(o.Kinds) == 0 {
		return fmt.Errorf("%w: --kinds: name behaviour, attention or engagement", ErrUsage)
	}
	for _, k := range o.Kinds {
		if !slices.Contains(Kinds, k) {
			return fmt.Errorf("%w: --kinds %s: want behaviour, attention or engagement", ErrUsage, k)
		}
	}
	return nil
}

// Folder is the folder of a rater's labels of a recording.
func (o Options) Folder() (string, error) {
	results, err := filepath.Abs(o.Results)
	if err != nil {
		return "", err
	}
	out := o.Out
	if out == "" {
		out = filepath.Dir(results) + "-labels"
	}
	return filepath.Join(out, o.Rater, filepath.Base(results)), nil
}

// Open locks the rater's folder and reads the labels in it. The recording is decoded in the background until ctx ends or the session is closed.
func Open(ctx context.Context, o Options) (*Session, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Session{options: o, stop: func() {}}
	if err := s.open(ctx); err != nil {
		_ = s.Close() // the first error is the one to report
		return nil, err
	}
	return s, nil
}

func (s *Session) open(ctx context.Context) (err error) {
	o := s.options
	if s.folder, err = o.Folder(); err != nil {
		return err
	}
	if err := s.sameRecording(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.folder, 0o755); err != nil {
		return fmt.Errorf("folder for the labels: %w", err)
	}
	if owner := safefile.HeldBy(s.folder); owner != nil {
		return fmt.Errorf("%s: %w by %v, which has the labels open; end it, or label as another --rater", s.folder, safefile.ErrLocked, owner)
	}
	if s.lock, err = safefile.LockFolder(s.folder); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	if s.pictures, err = newPictures(s.folder, len(s.lesson.times)); err != nil {
		return err
	}
	ctx, s.stop = context.WithCancel(ctx)
	rec, err := video.Open(ctx, o.Recording, o.Video)
	if err != nil {
		return err
	}
	s.decoding.Go(func() {
		defer rec.Close()
		s.pictures.fill(ctx, rec, s.lesson)
	})
	return nil
}

// Close unlocks the folder and frees the pictures; the labels were saved at every change.
func (s *Session) Close() error {
	s.stop()
	s.decoding.Wait()
	var errs []error
	if s.pictures != nil {
		errs = append(errs, s.pictures.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}

// sameRecording fails if the results were made from another file, and begins about.
func (s *Session) sameRecording() error {
	info, err := os.Stat(s.options.Recording)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file; give the video file itself", s.options.Recording)
	}
	sum, err := safefile.Sum(s.options.Recording)
	if err != nil {
		return err
	}
	if sum != s.options.SHA256 {
		return fmt.Errorf("%s: %w than %s was made from: give that one, or analyze this one", s.options.Recording, errOther, s.options.Results)
	}
	absolute, err := filepath.Abs(s.options.Recording)
	if err != nil {
		return err
	}
	place := absolute
	if folder, err := filepath.Abs(s.folder); err == nil {
		if rel, err := filepath.Rel(folder, absolute); err == nil {
			place = rel
		}
	}
	s.about = dataset.Labels{Form: 1, Rater: s.options.Rater, Recording: filepath.Base(absolute), Video: place, SHA256: sum, Bytes: info.Size()}
	if !dataset.IsVideo(s.about.Recording) {
		return fmt.Errorf("%s: rename it so that it ends in .mp4, .mov, .m4v, .mkv, .webm, .avi, .ts, .mts or .m2ts: classlens dataset recognizes recordings by that", s.options.Recording)
	}
	return nil
}

// timelineName is the copy of the results' timeline that is kept with the labels: it says who S07 is even if the recording is analyzed again later.
const timelineName = "timeline.csv"

// load reads the folder's labels, or begins new ones.
func (s *Session) load() error {
	before, err := dataset.LoadLabels(s.folder)
	begun := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	own := filepath.Join(s.folder, timelineName)
	if !begun { // labels.json is written last
		if _, err := os.Stat(filepath.Join(s.folder, IntervalsName)); err == nil {
			return fmt.Errorf("%s holds %s without %s: not labels of this program; label as another --rater", s.folder, IntervalsName, dataset.LabelsName)
		}
		raw, err := os.ReadFile(filepath.Join(s.options.Results, timelineName))
		if err != nil {
			return err
		}
		if err := safefile.WriteFile(own, raw); err != nil {
			return err
		}
	}
	if s.about.Timeline, err = safefile.Sum(own); err != nil {
		return err
	}
	if s.lesson, err = readLesson(own); err != nil {
		return err
	}
	if begun {
		if err := s.continues(*before); err != nil {
			return err
		}
	}
	if s.labels, err = openLabels(filepath.Join(s.folder, IntervalsName), s.lesson); err != nil {
		return err
	}
	if err := s.draw(begun); err != nil {
		return err
	}
	return s.about.Save(s.folder)
}

// continues checks that the labels were begun on this recording and timeline, and takes over their settings.
func (s *Session) continues(before dataset.Labels) error {
	switch {
	case before.SHA256 != s.about.SHA256:
		return fmt.Errorf("%s: labels of %w (%s); label as another --rater, or with another --out", s.folder, errOther, before.Recording)
	case before.Timeline != s.about.Timeline:
		return fmt.Errorf("%s: changed since the labels were begun: who S01 is may have changed with it; put the old file back", filepath.Join(s.folder, timelineName))
	}
	s.about.Proposals, s.about.Sample = before.Proposals, before.Sample
	return nil
}

// Reanalyzed tells whether the recording was analyzed again after the labels were begun; they stay with the earlier results.
func (s *Session) Reanalyzed() bool {
	sum, err := safefile.Sum(filepath.Join(s.options.Results, timelineName))
	return err == nil && sum != s.about.Timeline
}

// Path is the labels' folder.
func (s *Session) Path() string { return s.folder }

// Text sums up the labels in one line.
func (s *Session) Text() string {
	n, students := s.labels.count()
	text := fmt.Sprintf("%d labels of %d students", n, students)
	if w := s.said().Sample; w != nil {
		text += fmt.Sprintf(", %d windows of %g s drawn with seed %d", len(s.windows), w.Seconds, w.Seed)
		if w.Blind {
			text += ", blind"
		}
	}
	return text
}

// said is the current content of labels.json.
func (s *Session) said() dataset.Labels {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.about
}

// proposalsShown records that the rater has seen the network's proposals.
func (s *Session) proposalsShown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.about.Proposals {
		return nil
	}
	about := s.about
	about.Proposals = true
	if err := about.Save(s.folder); err != nil {
		return err
	}
	s.about = about
	return nil
}
