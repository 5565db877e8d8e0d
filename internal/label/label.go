// Package label is the page on which people label a recording by hand: a web server for this machine alone, pictures of the lesson that are never kept, and
// labels that are saved at every change in the form that internal/dataset reads.
//
// A *rater* is who labels; a *kind* is what is labelled (behaviour, attention, engagement); a *label* is one stretch of steps of one student and kind; a *window* is
// a stretch that was drawn by chance.
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
	Video     video.Options // by which it was decoded
	Out       string        // folder of all labels; "": that of the results' folder, with -labels behind its name
	Rater     string
	Kinds     []string // those that the page offers
	Sample    int      // windows to label; 0: as the labels' folder says, else the whole lesson
	Seed      uint64   // of the windows
	Window    float64  // seconds
	Blind     bool
}

// Session is one rater's work on one recording. Close it.
type Session struct {
	options  Options
	folder   string
	about    dataset.Labels
	lesson   *lesson
	windows  []window
	blind    bool
	labels   *labels
	pictures *pictures
	lock     *safefile.Lock
	changes  sync.Mutex // of about
	stop     context.CancelFunc
	decoding sync.WaitGroup
}

// The errors of Open that have an exit code or a hint of their own.
var (
	ErrUsage = errors.New("wrong usage")
	ErrOther = errors.New("another recording")
)

// raterName is a folder's name on every system.
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

// Folder is where a rater's labels of a recording lie.
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

// Open takes the rater's folder and reads what it holds; the recording is decoded in the background, until ctx ends.
func Open(ctx context.Context, o Options) (*Session, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Session{options: o, stop: func() {}}
	if err := s.open(ctx); err != nil {
		_ = s.Close() // the first error counts
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

// Close lets go of the folder and of the pictures; labels were saved as they were given.
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

// sameRecording fails where the results were made from another file.
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
		return fmt.Errorf("%s: %w than %s was made from: give that one, or analyze this one", s.options.Recording, ErrOther, s.options.Results)
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
		return fmt.Errorf("%s: rename it so that it ends in .mp4, .mkv, .mov, .avi, .webm or .m4v: classlens dataset knows recordings by that", s.options.Recording)
	}
	return nil
}

// timelineName is the copy of the results' timeline that labels are kept with: it says who S07 is, also after the recording was analyzed anew.
const timelineName = "timeline.csv"

// load reads the folder, or begins it.
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

// continues takes over what was said of the labels when they were begun.
func (s *Session) continues(before dataset.Labels) error {
	switch {
	case before.SHA256 != s.about.SHA256:
		return fmt.Errorf("%s: labels of %w (%s); label as another --rater, or with another --out", s.folder, ErrOther, before.Recording)
	case before.Timeline != s.about.Timeline:
		return fmt.Errorf("%s: changed since the labels were begun: who S01 is may have changed with it; put the old file back", filepath.Join(s.folder, timelineName))
	}
	s.about.Proposals, s.about.Sample = before.Proposals, before.Sample
	return nil
}

// Reanalyzed tells that the results are others than those that were labelled, which go on to count.
func (s *Session) Reanalyzed() bool {
	sum, err := safefile.Sum(filepath.Join(s.options.Results, timelineName))
	return err == nil && sum != s.about.Timeline
}

// Path is the labels' folder.
func (s *Session) Path() string { return s.folder }

// Text says what there is, in a line.
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

// said is what labels.json says now.
func (s *Session) said() dataset.Labels {
	s.changes.Lock()
	defer s.changes.Unlock()
	return s.about
}

// proposalsShown writes down that the rater has looked at what the network says.
func (s *Session) proposalsShown() error {
	s.changes.Lock()
	defer s.changes.Unlock()
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
