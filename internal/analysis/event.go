package analysis

// Event reports what happens in a run, for a progress bar, a log or a
// program that reads --json.
type Event struct {
	Kind      string             `json:"event"` // start, progress, note, end
	Recording string             `json:"recording"`
	Stage     string             `json:"stage,omitempty"`     // people, classify, annotate
	Done      float64            `json:"done_s,omitempty"`    // seconds of video processed in this stage
	Total     float64            `json:"total_s,omitempty"`   // seconds of video, if the container says
	ETA       float64            `json:"eta_s,omitempty"`     // estimated wall seconds left for this recording
	Text      string             `json:"text,omitempty"`      // note: one line
	State     State              `json:"state,omitempty"`     // end
	Folder    string             `json:"folder,omitempty"`    // end: where the outputs are
	Timings   map[string]float64 `json:"timings_s,omitempty"` // end: wall seconds by stage
	Shares    map[string]float64 `json:"shares,omitempty"`    // end: fraction of the stages' seconds
}

// State is how a recording ended.
type State string

// Every recording ends in exactly one of these.
const (
	Done    State = "done"
	Partial State = "partial" // with spans that could not be read
	Failed  State = "failed"  // with a reason
	Pending State = "pending" // begun, not finished; the same command continues, or another process has it in hand
)

// Interrupted is the text of the end of a recording that a signal stopped.
const Interrupted = "interrupted; the same command continues"
