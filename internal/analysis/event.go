package analysis

import (
	"sync"
	"time"
)

// Event is one piece of news about a run, for a progress line, a log or a
// program that reads --json. Times are seconds.
type Event struct {
	Kind      string             `json:"event"` // start, progress, note, end
	Recording string             `json:"recording"`
	Stage     string             `json:"stage,omitempty"`     // people, classify, annotate
	Done      float64            `json:"done_s,omitempty"`    // seconds of video worked through in this stage
	Total     float64            `json:"total_s,omitempty"`   // of how many, as far as the container tells
	ETA       float64            `json:"eta_s,omitempty"`     // wall seconds left for this recording, a guess
	Text      string             `json:"text,omitempty"`      // note: one line
	State     State              `json:"state,omitempty"`     // end
	Folder    string             `json:"folder,omitempty"`    // end: where the outputs are
	Timings   map[string]float64 `json:"timings_s,omitempty"` // end: seconds a stage
	Shares    map[string]float64 `json:"shares,omitempty"`    // end: of the stages' seconds
}

// State is how a recording ended.
type State string

// Every recording ends in exactly one of these.
const (
	Done    State = "done"
	Partial State = "partial" // with spans that could not be read
	Failed  State = "failed"  // with a reason
)

// stopwatch adds up the wall seconds of each stage. Stages work side by side, so
// their sum may be more than the whole.
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

// shares are the stages' parts of their sum, to a thousandth.
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
