package video

import (
	"errors"
	"time"

	"classlens/vision/probe"
)

// Options say what of a recording is wanted.
type Options struct {
	StepSeconds    float64      // between two steps; default 1
	BetweenFPS     float64      // grey frames a second between steps, for following heads; 0: none
	NoFlow         bool         // leave dense flow out
	FlowPairs      bool         // give the pictures that flow is between, for somebody else to compute it
	KeyFrameChange float64      // share of the full range a picture must change by; default 0.06
	Limits         probe.Limits // what is refused
	Hang           time.Duration
	MemoryBytes    uint64 // the child may map besides itself; default 4 GiB
	Decoder        string // FFmpeg's, by name, see ChooseDecoder; "": the CPU's
	Child          *Child `json:"-"` // already started, for a recording that the CPU decodes; nil: one is started
	Every          bool   // every frame is a step: for drawing on all of them
}

func (o Options) withDefaults() Options {
	if o.StepSeconds == 0 {
		o.StepSeconds = 1
	}
	if o.KeyFrameChange == 0 {
		o.KeyFrameChange = 0.06
	}
	if o.Hang == 0 {
		o.Hang = time.Minute
	}
	if o.MemoryBytes == 0 {
		o.MemoryBytes = 4 << 30
	}
	if o.Decoder != "" {
		o.MemoryBytes = hardwareMemory
	}
	o.Limits = o.Limits.WithDefaults()
	return o
}

// How a recording can end early; errors of Next wrap one of these.
var (
	ErrCrashed = errors.New("the decoder crashed")
	ErrHung    = errors.New("the decoder hung")
	ErrMemory  = errors.New("the decoder ran out of memory")
	ErrNoVideo = errors.New("no picture can be decoded")
)

// Info is what is known of a recording.
type Info struct {
	Container     string  `json:"container"`
	Codec         string  `json:"codec"`
	Width         int     `json:"width"`
	Height        int     `json:"height"`
	Rotation      int     `json:"rotation"` // degrees clockwise that its pictures were turned by to stand upright; 0 too where only the decoder knows
	FPS           float64 `json:"fps"`
	Duration      float64 `json:"duration_s"`      // the container's word, else the decoder's
	Declared      int     `json:"frames_declared"` // 0: not said
	Frames        int     `json:"frames_decoded"`  // counted; final after the last step
	DecoderErrors int     `json:"decoder_errors"`  // lines that the decoder wrote
	Seconds       float64 `json:"-"`               // the child spent
}
