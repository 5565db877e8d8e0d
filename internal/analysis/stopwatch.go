package analysis

import (
	"sync"
	"time"
)

// stopwatch adds up the wall time of each stage. Stages overlap, so their sum may
// exceed the total. It may be used concurrently.
type stopwatch struct {
	mu      sync.Mutex
	seconds map[string]float64
	started time.Time
}

func newStopwatch() *stopwatch {
	return &stopwatch{seconds: map[string]float64{}, started: time.Now()}
}

// time runs f and adds its seconds to the stage.
func (s *stopwatch) time(stage string, f func() error) error {
	t := time.Now()
	err := f()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seconds[stage] += time.Since(t).Seconds()
	return err
}

// rounded gives each stage's seconds, and their "total" since the start, to the millisecond.
func (s *stopwatch) rounded() map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[string]float64{"total": round(time.Since(s.started).Seconds(), 3)}
	for k, v := range s.seconds {
		m[k] = round(v, 3)
	}
	return m
}

// shares gives each stage's fraction of the sum of all stages, to a thousandth.
func shares(timings map[string]float64) map[string]float64 {
	sum := 0.0
	for k, v := range timings {
		if k != "total" {
			sum += v
		}
	}
	if sum == 0 {
		return nil
	}
	out := map[string]float64{}
	for k, v := range timings {
		if k != "total" {
			out[k] = round(v/sum, 3)
		}
	}
	return out
}
