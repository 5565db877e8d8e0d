package video

import (
	"errors"
	"time"

	"classlens/vision/probe"
)

// Options say what is wanted of a recording.
type Options struct {
	StepSeconds    float64       // between two steps; default 1
	Halves         bool          // give the instants half-way between steps as well: steps with Half set
	BetweenFPS     float64       // grey frames per second between steps, for following heads; 0: none
	NoFlow         bool          // do not compute dense flow
	FlowPairs      bool          // give the pictures between which flow is to be computed, instead of the flow
	KeyFrameChange float64       // mean change, as a share of the full range, that makes a picture a key frame; default 0.06
	Limits         probe.Limits  // what is refused
	Hang           time.Duration // silence after which the decoder counts as hung; default a minute
	MemoryBytes    uint64        // address space that the child may map beyond its own start; default 4 GiB
	Decoder        string        // FFmpeg's name of a decoder, see ChooseDecoder; "": the CPU's
	Child          *Child        `json:"-"` // already started, for a recording that the CPU decodes; nil: one is started
	Every          bool          // every frame is a step: for drawing on all of them
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

// How decoding can end early; errors of Next wrap one of these.
var (
	ErrCrashed = errors.New("the decoder crashed")
	ErrHung    = errors.New("the decoder hung")
	ErrMemory  = errors.New("the decoder ran out of memory")
	ErrNoVideo = errors.New("no picture can be decoded")
)

// Info is what is known about a recording.
type Info struct {
	Container     string  `json:"container"`
	Codec         string  `json:"codec"`
	Width         int     `json:"width"`
	Height        int     `json:"height"`
	Rotation      int     `json:"rotation"` // degrees clockwise by which pictures were turned to stand upright; also 0 if only the decoder knows
	FPS           float64 `json:"fps"`
	Duration      float64 `json:"duration_s"`      // as the container says, else the decoder
	Declared      int     `json:"frames_declared"` // 0: the container does not say
	Frames        int     `json:"frames_decoded"`  // counted; final after the last step
	DecoderErrors int     `json:"decoder_errors"`  // lines that the decoder wrote
	Seconds       float64 `json:"-"`               // that the child ran
}
