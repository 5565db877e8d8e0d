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

// run is one recording under analysis. Its stages run in goroutines of their own (searchSteps, cutAhead), but they own what they write:
// looks belongs to the searching stage until that has ended, everything else to the goroutine that called Analyzer.Run.
type run struct {
	*Analyzer
	path, name, folder string
	watch              *stopwatch
	detector           *people.Detector // this recording's own, sharing the Analyzer's nets
	spool              *spool
	recording          *video.Recording
	lock               *safefile.Lock
	letGo              context.CancelCauseFunc // ends the goroutine that waits for the loss of the lock
	work               *work
	looks              int        // steps at which people were looked for,
	halves             int        // and instants between steps
	duration           float64    // seconds, by the container
	decoder            string     // the GPU's decoder; "" for the CPU's
	lost               *scene.Gap // the rest of the recording, where the decoder died early
	follows            track.Follows
	heads              map[int][]scene.Box // all heads found at each step, students' or not: all are blurred
	seats              *seats.Result       // nil without a seat file
	lastNews           time.Time
	newsStage          string // the stage reported at lastNews
}

func (r *run) close() {
	r.release()
	if r.work != nil {
		r.work.close()
	}
	if r.lock != nil {
		_ = r.lock.Unlock() // if the lock file stays, the next run reports it as stale
	}
	if r.letGo != nil {
		r.letGo(nil)
	}
}

// release ends the decoder and frees the spooled pictures.
func (r *run) release() {
	if r.recording != nil {
		r.recording.Close()
	}
	if r.spool != nil {
		r.spool.Close()
	}
	r.recording, r.spool = nil, nil
}

// do analyzes the recording from opening to manifest; text sums up the result in one line.
func (r *run) do(ctx context.Context) (state State, text string, err error) {
	r.detector = r.Analyzer.detector.Sibling()
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
	ctx = r.whileLocked(ctx)
	state, text, err = r.passes(ctx, inputs)
	for errors.Is(err, errRestart) {
		r.note(err.Error())
		if err := r.restart(ctx, inputs); err != nil {
			return Failed, "", err
		}
		state, text, err = r.passes(ctx, inputs)
	}
	if err != nil {
		return Failed, "", err
	}
	return state, text, r.work.remove()
}

// begin opens the recording, locks the folder, and looks for the work of an
// earlier run to continue.
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
	if r.lock, err = safefile.LockFolderPatiently(ctx, r.folder, func(o safefile.Owner) {
		r.note(fmt.Sprintf("%v started this recording and may still be running; waiting to see whether it is", o))
	}); err != nil {
		return err
	}
	if err := sweep(r.folder); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(r.folder, failureName)) // there seldom is one
	if err := r.enoughSpace(); err != nil {
		return err
	}
	if holdsOtherRecording(r.folder, in) {
		r.note("the results of another recording of this name will be replaced: another --out folder keeps both")
	}
	return r.resume(in, r.options.Force)
}

// whileLocked gives a context that also ends if another machine takes the folder.
func (r *run) whileLocked(ctx context.Context) context.Context {
	ctx, r.letGo = context.WithCancelCause(ctx)
	go func() {
		select {
		case <-ctx.Done():
		case <-r.lock.Lost():
			r.letGo(r.lock.Err())
		}
	}()
	return ctx
}

// resume opens the folder of unfinished work and reports how far an earlier run came; fresh discards its work.
func (r *run) resume(in inputs, fresh bool) error {
	k, err := r.key(in)
	if err != nil {
		return err
	}
	if r.work, err = openWork(r.folder, k, fresh); err != nil {
		return err
	}
	r.work.mayWrite = r.lock.Err
	if r.work.dropped != "" {
		r.note("an earlier run's unfinished work cannot be continued here, so this recording starts again: " + r.work.dropped)
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

// open opens the recording with the chosen decoder, or with the CPU's if the GPU's
// does not accept it.
func (r *run) open(ctx context.Context) (err error) {
	o := r.videoOptions()
	o.Decoder, o.Child = r.decoder, r.child
	if r.recording, err = video.Open(ctx, r.path, o); err != nil && r.decoder != "" && ctx.Err() == nil {
		r.decoder, o.Decoder = "", ""
		r.recording, err = video.Open(ctx, r.path, o)
	}
	return err
}

// restart discards what was found so far and opens the recording again.
func (r *run) restart(ctx context.Context, in inputs) (err error) {
	r.release()
	r.work.close()
	r.looks, r.halves, r.lost = 0, 0, nil
	if err := r.open(ctx); err != nil {
		return err
	}
	return r.resume(in, true)
}

// passes runs both passes and writes the outputs.
func (r *run) passes(ctx context.Context, in inputs) (State, string, error) {
	tracks, err := r.findPeople(ctx)
	if r.decoder != "" && (err != nil || r.lost != nil) && ctx.Err() == nil {
		r.decoder = ""
		return Failed, "", fmt.Errorf("the GPU's decoder cannot read the whole recording: %w on the CPU", errRestart)
	}
	if err != nil {
		return Failed, "", err
	}
	if err := r.nameBySeats(ctx, tracks, in.Recording); err != nil {
		return Failed, "", err
	}
	seen, err := r.classify(ctx, tracks)
	if err != nil {
		return Failed, "", err
	}
	return r.write(ctx, in, tracks, seen)
}

// nameBySeats names the students after the room's chairs, if there is a seat file,
// and adds new chairs to the file.
func (r *run) nameBySeats(ctx context.Context, tracks []scene.Track, recording string) error {
	file := r.options.Seats
	if file == "" {
		return nil
	}
	info := r.recording.Info()
	result, err := seats.Update(ctx, file, recording, tracks, info.Width, info.Height)
	if err != nil {
		return err
	}
	r.seats = &result
	if result.Other {
		r.note(fmt.Sprintf("the seats in %s are those of another room or camera; students are numbered by this recording alone, and the file is left as it is", file))
	}
	return nil
}

// tidy removes what is left of a run that ended after its last output but before it
// removed its work, or that failed with other settings.
func (r *run) tidy() {
	_ = os.Remove(filepath.Join(r.folder, failureName)) // there seldom is one
	if _, err := os.Stat(filepath.Join(r.folder, WorkFolder)); err != nil {
		return
	}
	if lock, err := safefile.LockFolder(r.folder); err == nil {
		_ = os.RemoveAll(filepath.Join(r.folder, WorkFolder)) // classlens check reports what could not be removed
		_ = lock.Unlock()
	}
}

func (r *run) note(text string) {
	r.options.Events(Event{Kind: "note", Recording: r.name, Text: text})
}

// newsEvery is the least time between two progress events of one stage.
const newsEvery = 200 * time.Millisecond

// Measured shares of a run's time, used only to estimate what is left: of the first pass in both passes, and of
// drawing in a run that also writes the annotated video.
const (
	peopleShare   = 0.8
	annotateShare = 0.88
)

// stageAnnotate names the drawing of the annotated video in progress events.
const stageAnnotate = "annotate"

// news sends a progress event: done of total seconds of video in this stage.
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
