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

// findPeople is the first pass: every step is decoded, searched and spooled;
// the tracks are settled when all have been seen.
func (r *run) findPeople(ctx context.Context) ([]scene.Track, error) {
	var err error
	if r.spool, err = newSpool(r.folder, jpegCodec{}); err != nil {
		return nil, err
	}
	r.detector.Begin()
	following := &tape{inner: &lucas.Follower{}}
	o := r.trackOptions()
	o.HoldScore = r.detector.HoldScore()
	tracker := track.NewTracker(o, following)
	if err := r.searchSteps(ctx, tracker, following); err != nil {
		if !r.brokeOff(err) {
			return nil, err
		}
	}
	if r.spool.Len() == 0 {
		return nil, fmt.Errorf("%s: no picture could be read; is it a damaged file? Try playing it", r.path)
	}
	var tracks []scene.Track
	err = r.watch.time("tracks", func() error { tracks = tracker.Finish(); return nil })
	r.follows = tracker.Follows()
	return tracks, err
}

// brokeOff keeps what was read before the decoder died: the rest becomes a span
// without data. Other errors, and a decoder that gave nothing, end the recording.
func (r *run) brokeOff(err error) bool {
	died := errors.Is(err, video.ErrCrashed) || errors.Is(err, video.ErrHung) || errors.Is(err, video.ErrMemory)
	if !died || errors.Is(err, context.Canceled) || r.spool.Len() == 0 {
		return false
	}
	last := r.spool.steps[r.spool.Len()-1].time + r.options.Config.Video.StepSeconds
	r.lost = &scene.Gap{Start: last, End: max(last, r.duration), Reason: strings.TrimPrefix(err.Error(), r.path+": ")}
	return true
}

// gaps are the spans without data, in order of time.
func (r *run) gaps() []scene.Gap {
	all := r.recording.Gaps()
	if r.lost != nil {
		all = append(all, *r.lost)
	}
	return all
}

// searched is a step with the people found in it.
type searched struct {
	step   *scene.Step
	record stepRecord
	known  *peopleSegment // of an earlier run, where the step is of one
	border *memory        // set where a segment ends before this step; the last has no step
}

// memory is what the searching stage remembers at a border.
type memory struct {
	detector []byte
	looks    int
}

// ahead is how many steps a stage may be ahead of the next: enough to keep both
// busy, few enough to keep memory flat.
const ahead = 3

// searchSteps runs the first pass as three stages side by side: reading, looking
// for people, and following and spooling. Each sees the steps in order, so the
// result does not depend on their timing. When ctx ends, the steps that are under way
// are finished and kept for the next run.
func (r *run) searchSteps(ctx context.Context, tracker *track.Tracker, following *tape) error {
	work, stop := context.WithCancelCause(context.Background())
	var stages sync.WaitGroup
	defer func() { // nobody reads from what the caller closes next
		stop(nil)
		stages.Wait()
	}()
	r.duration = r.recording.Info().Duration
	r.heads = map[int][]scene.Box{}
	var broken error // the decoder's, after the last step that it gave; final when found is closed
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
		if err := r.watch.time("spool", func() error { return r.spool.Add(s.step) }); err != nil {
			return err
		}
		if known == nil {
			segment.Steps = append(segment.Steps, s.record)
		} else {
			following.take() // a call that was not known costs time only
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

// keep writes the steps since the last border down and begins the next segment.
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

// segmentOf numbers the stretches that are kept as a whole.
func (r *run) segmentOf(time float64) int {
	return int(time / r.options.Config.Run.SegmentSeconds)
}

// read is the first stage. It ends without error when ctx does. Where the decoder ends early the stages after this one still go through all that it gave,
// however far behind they are.
func (r *run) read(ctx, work context.Context, broken *error, stages *sync.WaitGroup) <-chan *scene.Step {
	steps := make(chan *scene.Step, ahead)
	stages.Go(func() {
		defer close(steps)
		for {
			var step *scene.Step
			err := r.watch.time("decode", func() (err error) { step, err = r.recording.Next(); return err })
			if err == nil && step.Flow != nil && step.Flow.Pair != nil {
				err = r.watch.time("flow", func() error { return r.flow.compute(step.Flow) })
			}
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return
			}
			if err != nil {
				*broken = err
				return
			}
			select {
			case steps <- step:
			case <-work.Done():
				return
			}
		}
	})
	return steps
}

// search is the second stage: people at each step, from an earlier run where it
// came so far.
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
		for step := range steps {
			if err := s.take(step); err != nil {
				stop(err)
				return
			}
		}
		last, err := s.remember()
		if err == nil {
			err = s.send(searched{border: last})
		}
		if err != nil {
			stop(err)
		}
	})
	return found
}

// searcher looks for people step by step.
type searcher struct {
	*run
	send    func(searched) error // to the next stage
	earlier reader
	last    *peopleSegment // of the earlier run, the last one that was gone through
	live    bool
	shot    int
	segment int
	under   []looking
}

// looking is a step whose people are being looked for.
type looking struct {
	searched
	look *people.Look
}

// take finds the people of one step in the earlier run, or begins to look for them.
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

// begin looks for the people of a step while those of the step before are still looked for.
func (s *searcher) begin(out searched) error {
	err := s.watch.time("people", func() error {
		look, err := s.detector.Start(out.step.Frame)
		s.under = append(s.under, looking{out, look})
		return err
	})
	if err != nil {
		return err
	}
	return s.finish(1)
}

// finish waits for the people of all steps but so many, and sends them on.
func (s *searcher) finish(left int) error {
	for len(s.under) > left {
		l := s.under[0]
		s.under = s.under[1:]
		var people []scene.Person
		err := s.watch.time("people", func() (err error) { people, err = l.look.Finish(); return err })
		if err != nil {
			return err
		}
		if people != nil {
			s.looks++
		}
		l.record = stepRecord{Index: l.step.Index, Time: l.step.Time, Looked: people != nil, People: people}
		if err := s.send(l.searched); err != nil {
			return err
		}
	}
	return nil
}

// remember is what the next run needs to go on from here.
func (s *searcher) remember() (*memory, error) {
	if err := s.finish(0); err != nil {
		return nil, err
	}
	if !s.live && s.last != nil { // all steps were known: their end is the end
		s.live, s.looks = true, s.last.Looks
		if err := s.detector.SetState(s.last.Detector); err != nil {
			return nil, err
		}
	}
	state, err := s.detector.State()
	return &memory{state, s.looks}, err
}
