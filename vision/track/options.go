package track

import "math"

// Options tune the tracker. The zero value of a field takes its default. All
// lengths are in head sizes, so that they hold at any resolution.
type Options struct {
	// LookSeconds: seconds between two looks for people, steps and halves (scene.Step), down to 0.5; default 1, also where looks are rarer. Shorter is for
	// detectors that fuse several nets (see HoldScore): what the tracker allows between two looks, and asks of so many of them, is then reckoned by the second.
	LookSeconds float64

	// Linking two steps. Gate: how far a head may lie from where flow says it is
	// (default 0.55: heads side by side are a whole head apart, so more would reach
	// a neighbour). Margin: a link is cut when another one costs less than
	// this more (default 0.15, about the detectors' own error).
	Gate, Margin float64

	// StartScore: a detection below it starts no tracklet (default 0.3); LinkScore:
	// one below it is not even linked (default 0.05).
	StartScore, LinkScore float64

	// MaxGap: how many seconds without a find are bridged by what flow says from
	// both sides (default 12).
	MaxGap float64

	// JoinCost: joining tracklets to seats stops at this cost (default 1.3).
	JoinCost float64

	// Evidence that a seat must have: so many detections (default 3), the best five of
	// this mean score (default 0.5) and all of this sum (default 2.5).
	MinHits        int
	MinTop, MinSum float64

	// HoldScore: a seat that is seldom found is held where it was all the same when its best five detections have this mean
	// score: somebody who is mostly hidden. Only where several nets must agree for such a score, else what one net takes for a
	// head now and then would be held too. 0: never. Above 0 it also says that several nets are fused, so that two heads found at once close behind one another are two students, and
	// somebody whom one net alone sees at nearly every look is one.
	HoldScore float64

	// Grow: boxes are given this much larger than they are measured (default 1.065).
	Grow float64
}

// leastPace: a head's size as measured differs from look to look by a seventh, however soon the next one is.
const leastPace = 0.5

// looks is how many looks there are in so many seconds.
func (o Options) looks(seconds float64) int { return int(math.Round(seconds / o.LookSeconds)) }

func (o Options) withDefaults() Options {
	set := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.LookSeconds, 1)
	o.LookSeconds = min(max(o.LookSeconds, leastPace), 1)
	set(&o.Gate, 0.55)
	set(&o.Margin, 0.15)
	set(&o.StartScore, 0.3)
	set(&o.LinkScore, 0.05)
	set(&o.MaxGap, 12)
	set(&o.JoinCost, 1.3)
	set(&o.MinTop, 0.5)
	set(&o.MinSum, 2.5)
	set(&o.Grow, 1.065)
	if o.MinHits == 0 {
		o.MinHits = 3
	}
	return o
}
