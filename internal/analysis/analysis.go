// Package analysis takes one recording from file to report: it decodes, finds
// and follows people (first pass), settles the seats, classifies every visible
// student at every step (second pass), and writes what docs/formats.md lists.
package analysis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"classlens/internal/config"
	"classlens/internal/safefile"
	"classlens/model"
	"classlens/model/classroom"
	"classlens/vision/people"
	"classlens/vision/video"
)

// Options are what a run needs besides the recordings.
type Options struct {
	Config   config.Config
	Labels   config.Labels
	Annotate bool
	Seats    string // file of the room's seats, read and written; "" for none
	Force    bool   // analyze again even where the outputs are complete
	Version  string // of the program, part of what makes outputs current
	Events   func(Event)

	PeopleScale float64 // scales the detectors' inputs, for tests on a simulated device; 0 means 1
}

// ErrWeights is what New fails with if the file in network.weights is none, or not a classroom network.
var ErrWeights = errors.New("network.weights")

// Analyzer holds the networks of one device, loaded once, for any number of recordings. Run may
// be called concurrently.
type Analyzer struct {
	options  Options
	weights  []byte // the classroom network's ONNX file
	network  *classroom.Network
	detector *people.Detector // its nets are shared by all recordings
	batcher  *batcher
	flow     *gpuFlow // nil: the decoding child computes flow
	device   model.Choice
	child    *video.Child // the first recording's decoder, started while the networks load

	mu         sync.Mutex // serializes Events, and guards deviceSaid
	deviceSaid bool       // it was reported that the device is not used, or no longer
}

// New finds the device and loads the people detectors and the classroom network for it.
func New(o Options) (*Analyzer, error) {
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	a := &Analyzer{options: o}
	a.options.Events = func(e Event) {
		a.mu.Lock()
		defer a.mu.Unlock()
		o.Events(e)
	}
	var err error
	if a.child, err = video.NewChild(); err != nil {
		return nil, err
	}
	if err := a.loadAll(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// loadAll finds the device and loads the networks for it.
func (a *Analyzer) loadAll() error {
	var err error
	o := a.options
	if a.weights, err = classroom.Shipped(o.Config.Network.Size); err != nil {
		return err
	}
	if file := o.Config.Network.Weights; file != "" {
		if a.weights, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("%w: %w", ErrWeights, err)
		}
	}
	if a.device, err = classroom.ChooseDevice(o.Config.Run.Device, o.Config.Run.Precision, a.weights); err != nil {
		return err
	}
	if o.Config.Run.Flow == "cuda" && a.device.Device == model.CPU && a.device.Note == "" {
		return fmt.Errorf("run.flow: cuda, but run.device: %s is the CPU here: flow is computed on the GPU that runs the networks; run.flow: auto falls back to the CPU", o.Config.Run.Device)
	}
	err = a.load()
	if err != nil && a.device.Device != model.CPU { // the device passed its check, but the networks do not all fit in its memory
		a.device = model.Choice{Device: model.CPU, Note: fmt.Sprintf("%s is not used: %v", a.device, err)}
		err = a.load()
	}
	return err
}

// load loads the networks for the device, side by side.
func (a *Analyzer) load() error {
	var detector, network error
	var loading sync.WaitGroup
	loading.Go(func() { a.detector, detector = people.NewDetector(a.peopleOptions()) })
	a.network, network = classroom.LoadOn(a.weights, model.Options{Threads: a.threads(), Device: a.device.Device, Precision: a.device.Network})
	loading.Wait()
	var errs []error
	if detector != nil {
		a.detector = nil
		errs = append(errs, fmt.Errorf("people detectors: %w", detector))
	}
	if network != nil {
		a.network = nil
		errs = append(errs, a.networkError(network))
	}
	if len(errs) > 0 {
		errs = append(errs, a.free())
		a.detector, a.network = nil, nil
		return errors.Join(errs...)
	}
	a.batcher = newBatcher(a.network)
	a.flow = newGPUFlow(a.device, a.options.Config.Run.Flow)
	return nil
}

// networkError says which classroom network could not be loaded, and what to do if it is the user's own file.
func (a *Analyzer) networkError(err error) error {
	if file := a.options.Config.Network.Weights; file != "" {
		return fmt.Errorf("%s: not a classroom network (%w): %w takes the weights.onnx of a run of classlens train; leave it empty to use the shipped network", file, err, ErrWeights)
	}
	return fmt.Errorf("classroom network: %w", err)
}

// Close frees the networks.
func (a *Analyzer) Close() error {
	a.child.Close()
	return a.free()
}

func (a *Analyzer) free() error {
	var errs []error
	if a.batcher != nil {
		errs = append(errs, a.batcher.close())
	}
	if a.flow != nil {
		errs = append(errs, a.flow.close())
	}
	if a.network != nil {
		errs = append(errs, a.network.Close())
	}
	if a.detector != nil {
		errs = append(errs, a.detector.Close())
	}
	return errors.Join(errs...)
}

func (a *Analyzer) threads() int {
	if n := a.options.Config.Run.Threads; n > 0 {
		return n
	}
	return cores()
}

// cores is how many the process may use: a container's limit or an affinity mask may allow fewer than the machine has. Asked once, because a limit can change while it runs.
var cores = sync.OnceValue(func() int { return runtime.GOMAXPROCS(0) })

// Result is how one recording ended.
type Result struct {
	State  State
	Folder string
	Err    error // why it failed
}

// Run analyzes one recording and writes its outputs to folder. Options.Events receives
// what happens, ending with the result.
func (a *Analyzer) Run(ctx context.Context, recording, folder string) Result {
	name := filepath.Base(recording)
	a.options.Events(Event{Kind: "start", Recording: name})
	a.sayDevice(name)
	r := &run{Analyzer: a, path: recording, name: name, folder: folder, watch: newStopwatch()}
	defer r.close()
	var state State
	var text string
	err := caught(func() (err error) { state, text, err = r.do(ctx); return err })
	if err != nil && r.lock != nil {
		if lost := r.lock.Err(); lost != nil { // the folder is another process's now: not a failure of the recording
			err = lost
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		state, text = Pending, Interrupted
	case errors.Is(err, safefile.ErrLocked): // another process has it in hand: no failure
		state, text = Pending, err.Error()
	case err != nil:
		state, text = Failed, err.Error()
		r.writeFailure(err)
	}
	a.sayDevice(name)
	timings := r.watch.rounded()
	a.options.Events(Event{Kind: "end", Recording: name, State: state, Folder: folder, Text: text, Timings: timings, Shares: shares(timings)})
	return Result{State: state, Folder: folder, Err: err}
}
