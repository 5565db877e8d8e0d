package analysis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"classlens/internal/safefile"
	"classlens/internal/seats"
	"classlens/model"
	"classlens/vision/people"
	"classlens/vision/scene"
	"classlens/vision/track"
	"classlens/vision/video"
)

// run is one recording on its way.
type run struct {
	*Analyzer
	path, name, folder string
	watch              *stopwatch
	detector           *people.Detector // this recording's own, with the Analyzer's nets
	spool              *spool
	recording          *video.Recording
	lock               *safefile.Lock
	work               *work
	looks              int        // steps at which people were looked for
	duration           float64    // seconds, by the container
	decoder            string     // of the GPU; "": the CPU's
	lost               *scene.Gap // what the decoder did not live to read
	follows            track.Follows
	heads              map[int][]scene.Box // found at each step, student's or not: all are blurred
	seats              *seats.Result       // nil without a seat file
	lastNews           time.Time
	newsStage          string // that lastNews was of
}

func (r *run) close() {
	r.release()
	if r.work != nil {
		r.work.close()
	}
	if r.lock != nil {
		_ = r.lock.Unlock() // a file that stays is explained by the next run
	}
}

// release lets go of the decoder and the pictures.
func (r *run) release() {
	if r.recording != nil {
		r.recording.Close()
	}
	if r.spool != nil {
		r.spool.Close()
	}
	r.recording, r.spool = nil, nil
}

// do is the whole way; text says in one line what came of it.
func (r *run) do(ctx context.Context) (state State, text string, err error) {
	inputs, err := r.inputs()
	if err != nil {
		return Failed, "", err
	}
	if !r.options.Force {
		if state, ok := alreadyDone(r.folder, inputs); ok {
			r.tidy()
			return state, "already analyzed with this input, these settings and weights (--force does it again)", nil
		}
	}
	if err := r.begin(ctx, inputs); err != nil {
		return Failed, "", err
	}
	state, text, err = r.passes(ctx, inputs)
	for errors.Is(err, errAnew) {
		r.note(err.Error())
		if err := r.anew(ctx, inputs); err != nil {
			return Failed, "", err
		}
		state, text, err = r.passes(ctx, inputs)
	}
	if err != nil {
		return Failed, "", err
	}
	return state, text, r.work.remove()
}

// begin opens the recording, takes the folder, and finds what an earlier run
// left there.
func (r *run) begin(ctx context.Context, in inputs) (err error) {
	o := r.videoOptions()
	if r.device.Device != model.CPU && !r.device.Info.Simulated && r.options.Config.Video.GPUDecode {
		r.decoder = video.ChooseDecoder(ctx, r.path, o)
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(r.folder, 0o755); err != nil {
		return fmt.Errorf("folder for the results: %w", err)
	}
	if r.lock, err = safefile.LockFolder(r.folder); err != nil {
		return err
	}
	if err := sweep(r.folder); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(r.folder, failureName)) // most have none
	if err := r.enoughSpace(); err != nil {
		return err
	}
	if anothers(r.folder, in) {
		r.note("the results of another recording of this name will be replaced: another --out folder keeps both")
	}
	return r.takeUp(in, r.options.Force)
}

// takeUp opens the folder of unfinished work and tells of what is in it.
func (r *run) takeUp(in inputs, fresh bool) error {
	k, err := r.key(in)
	if err != nil {
		return err
	}
	if r.work, err = openWork(r.folder, k, fresh); err != nil {
		return err
	}
	if r.lock.Stale != nil {
		r.note(fmt.Sprintf("an earlier run (%v) ended without finishing; its lock is void", r.lock.Stale))
	}
	if s := r.work.reached(passPeople); s > 0 {
		text := fmt.Sprintf("continuing an earlier run: people are found up to %.0f s", s)
		if c := r.work.reached(passClassify); c > 0 {
			text += fmt.Sprintf(", classified up to %.0f s", c)
		}
		r.note(text)
	}
	return nil
}

// open opens the recording with the decoder that is chosen; where the GPU's does
// not take it, with the CPU's.
func (r *run) open(ctx context.Context) (err error) {
	o := r.videoOptions()
	o.Decoder, o.Child = r.decoder, r.child
	if r.recording, err = video.Open(ctx, r.path, o); err != nil && r.decoder != "" && ctx.Err() == nil {
		r.decoder, o.Decoder = "", ""
		r.recording, err = video.Open(ctx, r.path, o)
	}
	return err
}

// anew forgets what was found so far.
func (r *run) anew(ctx context.Context, in inputs) (err error) {
	r.release()
	r.work.close()
	r.looks, r.lost = 0, nil
	if err := r.open(ctx); err != nil {
		return err
	}
	return r.takeUp(in, true)
}

// passes are both passes and what they leave behind.
func (r *run) passes(ctx context.Context, in inputs) (State, string, error) {
	tracks, err := r.findPeople(ctx)
	if r.decoder != "" && (err != nil || r.lost != nil) && ctx.Err() == nil {
		r.decoder = ""
		return Failed, "", fmt.Errorf("the GPU's decoder does not get through: %w on the CPU", errAnew)
	}
	if err != nil {
		return Failed, "", err
	}
	if err := r.nameBySeats(tracks, in.Recording); err != nil {
		return Failed, "", err
	}
	seen, err := r.classify(ctx, tracks)
	if err != nil {
		return Failed, "", err
	}
	return r.write(ctx, in, tracks, seen)
}

// nameBySeats gives the students the names of the room's chairs, where a seat file
// is given, and the file what this recording adds.
func (r *run) nameBySeats(tracks []scene.Track, recording string) error {
	file := r.options.Seats
	if file == "" {
		return nil
	}
	info := r.recording.Info()
	result, err := seats.Update(file, recording, tracks, info.Width, info.Height)
	if err != nil {
		return err
	}
	r.seats = &result
	if result.Other {
		r.note(fmt.Sprintf("the seats in %s are another room's or another camera's; students are numbered by this recording alone, and the file is left as it is", file))
	}
	return nil
}

// tidy removes what a run left that ended between its last output and the
// removal of its work, or that failed with other settings.
func (r *run) tidy() {
	_ = os.Remove(filepath.Join(r.folder, failureName)) // most have none
	if _, err := os.Stat(filepath.Join(r.folder, WorkFolder)); err != nil {
		return
	}
	if lock, err := safefile.LockFolder(r.folder); err == nil {
		_ = os.RemoveAll(filepath.Join(r.folder, WorkFolder)) // check reports what stays
		_ = lock.Unlock()
	}
}

func (r *run) note(text string) {
	r.options.Events(Event{Kind: "note", Recording: r.name, Text: text})
}

// newsEvery is how often progress is told, and where a stage begins.
const newsEvery = 200 * time.Millisecond

// How much of a run the first pass takes, and of one with an annotated video drawing that; measured, and only to guess what is left.
const (
	peopleShare   = 0.8
	annotateShare = 0.88
)

// stageAnnotate is the drawing of the annotated video, as news call it.
const stageAnnotate = "annotate"

func (r *run) news(stage string, done, total float64) {
	if stage == r.newsStage && time.Since(r.lastNews) < newsEvery {
		return
	}
	r.newsStage, r.lastNews = stage, time.Now()
	e := Event{Kind: "progress", Recording: r.name, Stage: stage, Done: done, Total: total}
	if total > 0 {
		e.Done = min(done, total)
		part := e.Done / total
		switch stage {
		case passPeople:
			part *= peopleShare
		case passClassify:
			part = peopleShare + part*(1-peopleShare)
		}
		switch {
		case stage == stageAnnotate:
			part = 1 - annotateShare + part*annotateShare
		case r.options.Annotate:
			part *= 1 - annotateShare
		}
		if part > 0.02 {
			e.ETA = round(time.Since(r.watch.started).Seconds()*(1-part)/part, 0)
		}
	}
	r.options.Events(e)
}
