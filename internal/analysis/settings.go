package analysis

import (
	"classlens/internal/timeline"
	"classlens/vision/people"
	"classlens/vision/scene"
	"classlens/vision/track"
	"classlens/vision/video"
)

// The settings, translated into the options of each stage.

func (a *Analyzer) peopleOptions() people.Options {
	p := a.options.Config.People
	return people.Options{Preset: p.Preset, MinScore: p.MinScore, Threads: a.threads(), Device: a.device.Device, Precision: a.device.Detectors, Scale: a.options.PeopleScale, Pipelined: true}
}

// headFinder is the project's own head detector by itself, for blurring heads.
func (a *Analyzer) headFinder(width int, least float64) (headFinder, error) {
	return people.NewDetector(people.Options{Net: people.Nets()[0], Width: width, MinScore: least, Threads: a.threads(), Device: a.device.Device})
}

func (a *Analyzer) videoOptions() video.Options {
	o := videoOptions(a.options.Config.Video)
	o.FlowPairs, o.Halves = a.flow != nil, a.detector.Halves(o.StepSeconds)
	return o
}

func (a *Analyzer) trackOptions() track.Options {
	step := a.options.Config.Video.StepSeconds
	return track.Options{LookSeconds: a.detector.LookSeconds(step), HoldScore: a.detector.HoldScore()}
}

func (a *Analyzer) timelineOptions() timeline.Options {
	c := a.options.Config
	usual := c.Network.UsualTurned
	if c.Network.Weights != "" { // the usual share is that of the shipped networks' training data
		usual = 0
	}
	return timeline.Options{StepSeconds: c.Video.StepSeconds, ChangeCost: c.Timeline.ChangeCost, MinInterval: c.Timeline.MinIntervalSeconds, UnsureBelow: c.Network.UnsureBelow,
		AttentionBelow: c.Network.AttentionBelow, UsualTurned: usual, SeenQuality: track.FlowQuality, SeenWithin: c.Network.ContextSeconds}
}

func (a *Analyzer) meanings() map[string]timeline.Meaning {
	m := map[string]timeline.Meaning{}
	for b, v := range a.options.Labels.Behaviours {
		m[b] = timeline.Meaning{Attention: v.Attention, Engagement: v.Engagement}
	}
	return m
}

// jpegQuality of spooled pictures: at 95 the network's probabilities stay
// within a thousandth of those from the uncompressed picture.
const jpegQuality = 95

type jpegCodec struct{}

func (jpegCodec) Encode(f scene.Frame) ([]byte, error) { return video.EncodeJPEG(f, jpegQuality) }
func (jpegCodec) Decode(b []byte) (scene.Frame, error) { return video.DecodeJPEG(b) }
