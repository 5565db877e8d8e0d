package analysis

import (
	"context"
	"errors"
	"slices"
	"sync"

	"classlens/cuda/driver"
	"classlens/model"
)

// Pool analyzes many recordings: with an Analyzer for each device of the setting run.device, and on
// each of them some recordings side by side.
type Pool struct {
	all    []*Analyzer
	atOnce int
}

// gpuAtOnce is how many recordings are analyzed at once on a GPU where nothing else is asked for: while
// one waits for its decoder the other's pictures are worked on.
const gpuAtOnce = 2

// NewPool loads the networks for every device. A device that is not used, as its note says, is
// left out as long as there is another. With a seat file recordings follow each other on one device, for each
// adds to it.
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
	p.leaveOut()
	if p.atOnce == 0 && p.all[0].device.Device != model.CPU {
		p.atOnce = gpuAtOnce
	}
	if p.atOnce == 0 || o.Seats != "" {
		p.atOnce = 1
	}
	return p, nil
}

// leaveOut closes those that came to the CPU in a GPU's place, but for one where all did.
func (p *Pool) leaveOut() {
	for i := len(p.all) - 1; i >= 0 && len(p.all) > 1; i-- {
		if a := p.all[i]; a.device.Device == model.CPU {
			a.sayDevice("devices")
			_ = a.Close() // nothing was done with it
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

// Run analyzes recordings, folder saying where each one's results go, and tells each result as it
// comes, one at a time. A device whose context was spoiled, or that is stuck, finishes what is under
// way on the CPU and takes no more: CUDA promises nothing to a process after that. When no device is left, the recordings
// that were not begun are given back, for a fresh process.
func (p *Pool) Run(ctx context.Context, recordings []string, folder func(string) string, done func(Result)) (left []string) {
	return share(ctx, recordings, len(p.all), p.atOnce, func(device int, recording string) (Result, bool) {
		a := p.all[device]
		result := a.Run(ctx, recording, folder(recording))
		return result, !a.Lost()
	}, done)
}

// share hands recordings out to devices, some at once on each, until a device says that it takes no more.
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

// Lost says that the device failed in a way that ends its use in this process.
func (a *Analyzer) Lost() bool {
	err := a.deviceError()
	return errors.Is(err, driver.ErrContextSpoiled) || errors.Is(err, driver.ErrStuck)
}
