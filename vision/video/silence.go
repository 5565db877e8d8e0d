package video

import (
	"sync"
	"time"
)

// silence calls somebody when nothing was heard for so long. It counts the time in short ticks, so that only time in which this process ran counts: one that was
// stopped and goes on later, as a batch system does with jobs of lower rank, finds one tick gone and not a decoder that hung.
type silence struct {
	mu    sync.Mutex
	tick  time.Duration
	left  int // ticks; 0: stopped, or it has fired
	timer *time.Timer
	fire  func()
}

// silenceTicks is how many ticks the time is counted in.
const silenceTicks = 20

// newSilence begins to listen.
func newSilence(limit time.Duration, fire func()) *silence {
	s := &silence{tick: limit / silenceTicks, fire: fire}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left, s.timer = silenceTicks, time.AfterFunc(s.tick, s.passed)
	return s
}

// heard begins anew.
func (s *silence) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = silenceTicks
	s.timer.Reset(s.tick)
}

// stop ends listening, until something is heard again.
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
