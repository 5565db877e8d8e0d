package video

import (
	"sync"
	"time"
)

// silence is a watchdog: it calls fire when nothing was heard for a time limit. It counts the time in short ticks, so that only time in which this process ran counts:
// if the process is suspended and resumed, as batch systems do with low-priority jobs, one tick has passed, and the decoder is not taken for hung.
type silence struct {
	mu    sync.Mutex
	tick  time.Duration
	left  int // ticks; 0: stopped, or it has fired
	timer *time.Timer
	fire  func()
}

// silenceTicks is how many ticks the time is counted in.
const silenceTicks = 20

// newSilence starts the watchdog.
func newSilence(limit time.Duration, fire func()) *silence {
	s := &silence{tick: limit / silenceTicks, fire: fire}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left, s.timer = silenceTicks, time.AfterFunc(s.tick, s.passed)
	return s
}

// heard restarts the time limit.
func (s *silence) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = silenceTicks
	s.timer.Reset(s.tick)
}

// stop suspends the watchdog until heard is called.
func (s *silence) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = 0
	s.timer.Stop()
}

func (s *silence) passed() {
	s.mu.Lock()
	over := s.left == 1
	if s.left > 0 {
		s.left--
	}
	if s.left > 0 {
		s.timer.Reset(s.tick)
	}
	s.mu.Unlock()
	if over {
		s.fire()
	}
}
