package analysis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"classlens/vision/people"
	"classlens/vision/scene"
	"classlens/vision/track"
	"classlens/vision/track/lucas"
	"classlens/vision/video"
)

// findPeople is the first pass: every step is decoded, searched for people and spooled;
// the tracks are settled after the last one.
func (r *run) findPeople(ctx context.Context) ([]scene.Track, error) {
	var err error
	if r.spool, err = newSpool(r.scratch(), jpegCodec{}); err != nil {
		return nil, err
	}
	r.detector.Begin()
	following := &tape{inner: &lucas.Follower{}}
	tracker := track.NewTracker(r.trackOptions(), following)
	if err := r.searchSteps(ctx, tracker, following); err != nil && !r.brokeOff(err) {
		return nil, err
	}
	if r.spool.Len() == 0 {
		return nil, fmt.Errorf("%s: %w; is it a damaged file? Try playing it", r.path, video.ErrNoVideo)
	}
	var tracks []scene.Track
	err = r.watch.time("tracks", func() error { tracks = tracker.Finish(); return nil })
	r.follows = tracker.Follows()
	return tracks, err
}

// brokeOff tells whether the error is a decoder that died after some steps: these are kept, and the rest
// becomes a span without data. Any other error ends the recording.
func (r *run) brokeOff(err error) bool {
	died := errors.Is(err, video.ErrCrashed) || errors.Is(err, video.ErrHung) || errors.Is(err, video.ErrMemory)
	if !died || errors.Is(err, context.Canceled) || r.spool.Len() == 0 {
		return false
	}
	last := r.spool.steps[r.spool.Len()-1].time + r.options.Config.Video.StepSeconds
	r.lost = &scene.Gap{Start: last, End: max(last, r.duration), Reason: strings.TrimPrefix(err.Error(), r.path+": ")}
	return true
}

// gaps are the spans without data, ordered by time.
func (r *run) gaps() []scene.Gap {
	all := r.recording.Gaps()
	if r.lost != nil {
		all = append(all, *r.lost)
	}
	return all
}

// searched is a step with the people found in it.
type searched struct {
	step   *scene.Step // nil in the last one, which only carries a border
	record stepRecord
	known  *peopleSegment // the earlier run's segment that holds the step; nil if it was searched now
	border *memory        // set if a segment ends before this step
}

// memory is the searching stage's state where a segment ends.
type memory struct {
	detector []byte
	looks    int
}

// ahead is how many steps a stage may be ahead of the next: enough to keep both
// busy, few enough to bound memory.
const ahead = 3

// searchSteps runs the first pass as three concurrent stages joined by channels: read, search, and, in
// this goroutine, following and spooling. Each sees the steps in order, so the result does not
// depend on timing. When ctx ends, reading stops, and the steps already read are finished
// and kept for the next run; when work ends, all stages stop at once.
func (r *run) searchSteps(ctx context.Context, tracker *track.Tracker, following *tape) error {
	work, stop := context.WithCancelCause(context.Background())
	var stages sync.WaitGroup
	defer func() { // the caller closes the recording next: no stage may still be reading from it
		stop(nil)
		stages.Wait()
	}()
	r.duration = r.recording.Info().Duration
	r.heads = map[int][]scene.Box{}
	var broken error // the decoder's error, after the last step that it gave; may be read once found is closed
	found := r.search(work, stop, &stages, r.read(ctx, work, &broken, &stages))
	var segment peopleSegment
	var known *peopleSegment
	for s := range found {
		if s.border != nil {
			if err := r.keep(&segment, following, s.border); err != nil {
				return err
			}
		}
		if s.step == nil {
			break
		}
		if s.known != known {
			known = s.known
			following.know(nil)
			if known != nil {
				following.know(known.Follows)
			}
		}
		_ = r.watch.time("tracks", func() error { tracker.Add(s.step, s.record.People); return nil })
		if !s.step.Half {
			if err := r.watch.time("spool", func() error { return r.spool.Add(s.step) }); err != nil {
				return err
			}
		}
		if known == nil {
			segment.Steps = append(segment.Steps, s.record)
		} else {
			following.take() // these steps are stored already; a call that was not known only cost time
		}
		if s.step.Half {
			if s.record.Looked {
				r.halves++
			}
			continue
		}
		for _, p := range s.record.People {
			r.heads[s.step.Index] = append(r.heads[s.step.Index], p.Head)
		}
		r.news(passPeople, s.step.Time, r.duration)
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := context.Cause(work); err != nil {
		return err
	}
	return broken
}

// keep stores the steps since the last border and begins the next segment.
func (r *run) keep(s *peopleSegment, following *tape, m *memory) error {
	if len(s.Steps) == 0 {
		return nil
	}
	s.Follows, s.Detector, s.Looks = following.take(), m.detector, m.looks
	line := segment{Pass: passPeople, Steps: len(s.Steps), From: s.Steps[0].Time, To: s.Steps[len(s.Steps)-1].Time + r.options.Config.Video.StepSeconds}
	err := r.watch.time("write", func() error { return r.work.save(line, s) })
	*s = peopleSegment{}
	return err
}

// segmentOf is the number of the segment that holds a time in seconds.
func (r *run) segmentOf(time float64) int {
	return int(time / r.options.Config.Run.SegmentSeconds)
}

// read is the first stage. It ends without error when ctx does. If the decoder fails, *broken is set and the later stages still finish all the steps that it
// gave.
func (r *run) read(ctx, work context.Context, broken *error, stages *sync.WaitGroup) <-chan *scene.Step {
	steps := make(chan *scene.Step, ahead)
	stages.Go(func() {
		defer close(steps)
		*broken = caught(func() error {
			for {
				var step *scene.Step
				err := r.watch.time("decode", func() (err error) { step, err = r.recording.Next(); return err })
				if err == nil && step.Flow != nil && step.Flow.Pair != nil {
					err = r.watch.time("flow", func() error { return r.flow.compute(step.Flow) })
				}
				if errors.Is(err, io.EOF) || ctx.Err() != nil {
					return nil
				}
				if err != nil {
					return err
				}
				select {
				case steps <- step:
				case <-work.Done():
					return nil
				}
			}
		})
	})
	return steps
}

// search is the second stage: it finds the people at each step, taking from an earlier run
// what that had found already. An error ends work through stop.
func (r *run) search(work context.Context, stop context.CancelCauseFunc, stages *sync.WaitGroup, steps <-chan *scene.Step) <-chan searched {
	found := make(chan searched, ahead)
	s := searcher{run: r, earlier: reader{work: r.work}, segment: -1}
	s.send = func(out searched) error {
		select {
		case found <- out:
			return nil
		case <-work.Done():
			return context.Cause(work)
		}
	}
	stages.Go(func() {
		defer close(found)
		err := caught(func() error {
			for step := range steps {
				if err := s.take(step); err != nil {
					return err
				}
			}
			last, err := s.remember()
			if err != nil {
				return err
			}
			return s.send(searched{border: last})
		})
		if err != nil {
			stop(err)
		}
	})
	return found
}

// searcher is the state of the searching stage, used by its goroutine only.
type searcher struct {
	*run
	send    func(searched) error // to the next stage
	earlier reader
	last    *peopleSegment // the earlier run's segment read last
	live    bool           // the earlier run is behind us: people are now looked for
	shot    int
	segment int
	pending []looking // looks begun and not finished, oldest first
}

// looking is a step whose people are being looked for.
type looking struct {
	searched
	look *people.Look
}

// take finds the people of one step in the earlier run's work, or begins to look for them.
func (s *searcher) take(step *scene.Step) error {
	out := searched{step: step}
	if !s.live {
		record, segment, err := s.earlier.step(step)
		if err != nil {
			return err
		}
		if record != nil {
			s.last, s.shot = segment, step.Shot
			out.record, out.known = *record, segment
			return s.send(out)
		}
		if s.live, s.segment = true, s.segmentOf(step.Time); s.last != nil {
			s.looks = s.last.Looks
			if err := s.detector.SetState(s.last.Detector); err != nil {
				return err
			}
		}
	}
	if n := s.segmentOf(step.Time); n != s.segment {
		var err error
		if out.border, err = s.remember(); err != nil {
			return err
		}
		s.segment = n
	}
	if step.Shot != s.shot {
		if err := s.finish(0); err != nil {
			return err
		}
		s.shot = step.Shot
		s.detector.Reset()
	}
	return s.begin(out)
}

// begin starts looking for the people of a step, then finishes the looks before it: two overlap.
func (s *searcher) begin(out searched) error {
	err := s.watch.time("people", func() error {
		look, err := s.detector.Start(out.step.Frame)
		s.pending = append(s.pending, looking{out, look})
		return err
	})
	if err != nil {
		return err
	}
	return s.finish(1)
}

// finish waits until at most left looks are pending, and sends the finished steps on.
func (s *searcher) finish(left int) error {
	for len(s.pending) > left {
		l := s.pending[0]
		s.pending = s.pending[1:]
		var people []scene.Person
		err := s.watch.time("people", func() (err error) { people, err = l.look.Finish(); return err })
		if err != nil {
			return err
		}
		if people != nil && !l.step.Half {
			s.looks++
		}
		l.record = stepRecord{Index: l.step.Index, Time: l.step.Time, Looked: people != nil, People: people}
		if err := s.send(l.searched); err != nil {
			return err
		}
	}
	return nil
}

// remember finishes all looks and gives what a later run needs to continue from here.
func (s *searcher) remember() (*memory, error) {
	if err := s.finish(0); err != nil {
		return nil, err
	}
	if !s.live && s.last != nil { // all steps were known: the state after the last one is the stored one
		s.live, s.looks = true, s.last.Looks
		if err := s.detector.SetState(s.last.Detector); err != nil {
			return nil, err
		}
	}
	state, err := s.detector.State()
	return &memory{state, s.looks}, err
}
