package analysis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"classlens/internal/seats"
	"classlens/model"
	"classlens/vision/scene"
	"classlens/vision/track"
	"classlens/vision/track/lucas"
	"classlens/vision/video"
)

// run is one recording on its way.
type run struct {
	*Analyzer
	path, name, folder string
	watch              *stopwatch
	spool              *spool
	recording          *video.Recording
	looks              int // steps at which people were looked for
	follows            track.Follows
	heads              map[int][]scene.Box // found at each step, student's or not: all are blurred
	seats              *seats.Result       // nil without a seat file
	duration           float64             // seconds, by the container
	lost               *scene.Gap          // what the decoder did not live to read
	lastNews           time.Time
}

func (r *run) close() {
	if r.recording != nil {
		r.recording.Close()
	}
	if r.spool != nil {
		r.spool.Close()
	}
}

// do is the whole way; text says in one line what came of it.
func (r *run) do(ctx context.Context) (state State, text string, err error) {
	inputs, err := r.inputs()
	if err != nil {
		return Failed, "", err
	}
	if !r.options.Force {
		if state, ok := alreadyDone(r.folder, inputs); ok {
			return state, "already analyzed with this input, these settings and weights (--force does it again)", nil
		}
	}
	tracks, err := r.firstPass(ctx)
	if err != nil {
		return Failed, "", err
	}
	if err := r.nameBySeats(tracks); err != nil {
		return Failed, "", err
	}
	seen, err := r.classify(ctx, tracks)
	if err != nil {
		return Failed, "", err
	}
	return r.write(ctx, inputs, tracks, seen)
}

// firstPass opens the recording and finds the people in it, decoding on the GPU where that
// is chosen; a recording that does not get through there is begun again on the CPU.
func (r *run) firstPass(ctx context.Context) (tracks []scene.Track, err error) {
	o := r.videoOptions()
	if r.device.Device != model.CPU && !r.device.Info.Simulated && r.options.Config.Video.GPUDecode {
		o.Decoder = video.ChooseDecoder(ctx, r.path, o)
	}
	for {
		if r.recording, err = video.Open(ctx, r.path, o); err == nil {
			if err := os.MkdirAll(r.folder, 0o755); err != nil {
				return nil, fmt.Errorf("folder for the results: %w", err)
			}
			tracks, err = r.findPeople()
		}
		if o.Decoder == "" || (err == nil && r.lost == nil) || ctx.Err() != nil {
			return tracks, err
		}
		o.Decoder = ""
		r.close()
		r.recording, r.spool, r.lost, r.looks = nil, nil, nil, 0
	}
}

// findPeople is the first pass: every step is decoded, searched and spooled;
// the tracks are settled when all have been seen.
func (r *run) findPeople() ([]scene.Track, error) {
	var err error
	if r.spool, err = newSpool(r.folder, jpegCodec{}); err != nil {
		return nil, err
	}
	tracker := track.NewTracker(r.trackOptions(), &lucas.Follower{})
	r.detector.Begin()
	if err := r.searchSteps(tracker); err != nil {
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

// nameBySeats gives the students the names of the room's chairs, where a seat file
// is given, and the file what this recording adds.
func (r *run) nameBySeats(tracks []scene.Track) error {
	file := r.options.Seats
	if file == "" {
		return nil
	}
	info := r.recording.Info()
	result, err := seats.Update(file, tracks, info.Width, info.Height)
	if err != nil {
		return err
	}
	r.seats = &result
	if result.Other {
		r.options.Events(Event{Kind: "note", Recording: r.name, Text: fmt.Sprintf("the seats in %s are another room's or another camera's; students are numbered by this recording alone, and the file is left as it is", file)})
	}
	return nil
}

// brokeOff keeps what was read before the decoder died: the rest becomes a span
// without data. Other errors, and a decoder that gave nothing, end the recording.
func (r *run) brokeOff(err error) bool {
	died := errors.Is(err, video.ErrCrashed) || errors.Is(err, video.ErrHung) || errors.Is(err, video.ErrMemory)
	if !died || errors.Is(err, context.Canceled) || r.spool.Len() == 0 {
		return false
	}
	last := r.spool.steps[r.spool.Len()-1].time + r.options.Config.Video.StepSeconds
	r.lost = &scene.Gap{Start: last, End: max(last, r.duration), Reason: err.Error()}
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

// searched is a step with the people found in it; nil people: it was not looked.
type searched struct {
	step   *scene.Step
	people []scene.Person
}

// ahead is how many steps a stage may be ahead of the next: enough to keep both
// busy, few enough to keep memory flat.
const ahead = 3

// searchSteps runs the first pass as three stages side by side: reading, looking
// for people, and following and spooling. Each sees the steps in order, so the
// result does not depend on their timing.
func (r *run) searchSteps(tracker *track.Tracker) error {
	work, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	steps, found := make(chan *scene.Step, ahead), make(chan searched, ahead)
	go func() {
		defer close(steps)
		for {
			var step *scene.Step
			err := r.watch.time("decode", func() (err error) { step, err = r.recording.Next(); return err })
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				stop(err)
				return
			}
			select {
			case steps <- step:
			case <-work.Done():
				return
			}
		}
	}()
	go func() {
		defer close(found)
		shot := 0
		for step := range steps {
			if step.Shot != shot {
				shot = step.Shot
				r.detector.Reset()
			}
			people, err := r.look(step)
			if err != nil {
				stop(err)
				return
			}
			select {
			case found <- searched{step, people}:
			case <-work.Done():
				return
			}
		}
	}()
	r.duration = r.recording.Info().Duration
	r.heads = map[int][]scene.Box{}
	for s := range found {
		for _, p := range s.people {
			r.heads[s.step.Index] = append(r.heads[s.step.Index], p.Head)
		}
		_ = r.watch.time("tracks", func() error { tracker.Add(s.step, s.people); return nil })
		if err := r.watch.time("spool", func() error { return r.spool.Add(s.step) }); err != nil {
			return err
		}
		r.news("people", s.step.Time, r.duration)
	}
	return context.Cause(work)
}

// look searches one step for people.
func (r *run) look(step *scene.Step) (found []scene.Person, err error) {
	err = r.watch.time("people", func() (err error) { found, err = r.detector.Detect(step.Frame); return err })
	if found != nil {
		r.looks++
	}
	return found, err
}

// newsEvery is how often progress is told.
const newsEvery = 200 * time.Millisecond

func (r *run) news(stage string, done, total float64) {
	if time.Since(r.lastNews) < newsEvery {
		return
	}
	r.lastNews = time.Now()
	r.options.Events(Event{Kind: "progress", Recording: r.name, Stage: stage, Done: done, Total: total})
}
