package analysis

import (
	"context"
	"errors"
	"slices"
	"sync"

	"classlens/cuda/driver"
	"classlens/model"
)

// Pool analyzes many recordings: it has an Analyzer for each device of the setting run.device, and
// each of them may analyze several recordings at once.
type Pool struct {
	all    []*Analyzer
	atOnce int
}

// gpuAtOnce is the default number of recordings analyzed at once on a GPU: while one waits for its
// decoder, the GPU works on the other.
const gpuAtOnce = 2

// NewPool loads the networks for every device. A device that cannot be used is dropped, with a note,
// as long as there is another. With a seat file, recordings are analyzed one after the other on one device,
// because each adds to the file.
func NewPool(o Options) (*Pool, error) {
	settings, err := model.SplitDevices(o.Config.Run.Device)
	if err != nil {
		return nil, err
	}
	if o.Seats != "" {
		settings = settings[:1]
	}
	if events := o.Events; events != nil {
		var mu sync.Mutex
		o.Events = func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			events(e)
		}
	}
	p := &Pool{atOnce: o.Config.Run.AtOnce}
	for _, s := range settings {
		o.Config.Run.Device = s
		a, err := New(o)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.all = append(p.all, a)
	}
	p.dropUnused()
	if p.atOnce == 0 && p.all[0].device.Device != model.CPU {
		p.atOnce = gpuAtOnce
	}
	if p.atOnce == 0 || o.Seats != "" {
		p.atOnce = 1
	}
	return p, nil
}

// dropUnused closes the analyzers that fell back to the CPU, except for the last one left.
func (p *Pool) dropUnused() {
	for i := len(p.all) - 1; i >= 0 && len(p.all) > 1; i-- {
		if a := p.all[i]; a.device.Device == model.CPU {
			a.sayDevice("devices")
			_ = a.Close() // it was not used yet, so nothing can be lost
			p.all = slices.Delete(p.all, i, i+1)
		}
	}
}

// Close frees the networks.
func (p *Pool) Close() error {
	var errs []error
	for _, a := range p.all {
		errs = append(errs, a.Close())
	}
	return errors.Join(errs...)
}

// Run analyzes recordings, writing each one's results to the folder that folder names, and calls done with each
// result as it comes, never concurrently. If a device's CUDA context is corrupted, or it stops answering, its
// recordings under analysis finish on the CPU and it gets no more, because CUDA promises nothing to a process after that.
// If no device is left, Run returns the recordings that were not begun, for a fresh process.
func (p *Pool) Run(ctx context.Context, recordings []string, folder func(string) string, done func(Result)) (left []string) {
	return share(ctx, recordings, len(p.all), p.atOnce, func(device int, recording string) (Result, bool) {
		a := p.all[device]
		result := a.Run(ctx, recording, folder(recording))
		return result, !a.Lost()
	}, done)
}

// share distributes recordings over devices, atOnce at a time on each; a device for which run returns more == false gets no further one. It
// returns those that were not begun.
func share(ctx context.Context, recordings []string, devices, atOnce int, run func(device int, recording string) (r Result, more bool), done func(Result)) (left []string) {
	var mu sync.Mutex
	next, over := 0, make([]bool, devices)
	take := func(device int) (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(recordings) || over[device] || ctx.Err() != nil {
			return "", false
		}
		next++
		return recordings[next-1], true
	}
	var workers sync.WaitGroup
	for device := range devices {
		for range min(atOnce, len(recordings)) {
			workers.Go(func() {
				for {
					recording, ok := take(device)
					if !ok {
						return
					}
					result, more := run(device, recording)
					mu.Lock()
					over[device] = over[device] || !more
					done(result)
					mu.Unlock()
				}
			})
		}
	}
	workers.Wait()
	return recordings[next:]
}

// Lost tells whether the device failed in a way that makes it unusable for this process.
func (a *Analyzer) Lost() bool {
	err := a.deviceError()
	return errors.Is(err, driver.ErrContextSpoiled) || errors.Is(err, driver.ErrStuck)
}
