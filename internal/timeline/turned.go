package timeline

import (
	"maps"
	"math"
	"slices"

	"classlens/vision/scene"
)

// UsualTurned is the share of turned heads among the real students whom the shipped networks learned from (916 of 8,362 boxes; .12, .12 and .07 in the three rooms).
const UsualTurned = .11

var turn = slices.Index(Behaviours, "turn")

// fewest students in view, on average: fewer are no class from whose common direction a head could be turned.
const fewest = 5

// Turned is how much of what a recording's students do was taken for turned away.
type Turned struct {
	Found    float64 `json:"found"` // mean probability, by the network
	Usual    float64 `json:"usual"`
	Strength float64 `json:"strength"` // 0: as found, 1: as usual
	Taken    float64 `json:"taken"`    // mean probability that everything is made from
}

// drawTurned draws the share of turned heads in a recording towards the usual one where it is above: in a room whose camera or seats it has not seen, a network takes many heads for turned
// that look to the front. The logarithm of the share goes from what was found to what is usual by strength, which is the likeliest share if both the network's fault in a room and what the
// lesson is like are lognormal (strength: the part that faults have in the variance of both). The odds of turned change by one factor in all of the students' decisions, the other behaviours
// keep their proportions. Where few turn nothing is changed: nobody can tell a network that misses them from a quiet lesson. Nil beside the decisions as they were: no class.
func drawTurned(tracks []scene.Track, decisions map[string]map[int]Decision, strength float64) (map[string]map[int]Decision, *Turned) {
	var turned []float64 // of each student's step, in the order of the tracks: sums are the same in each run
	steps := map[int]bool{}
	for _, t := range tracks {
		for _, s := range t.Sightings {
			if d, ok := decisions[t.ID][s.Step]; ok && !t.Teacher {
				turned, steps[s.Step] = append(turned, float64(d.Behaviour[turn])), true
			}
		}
	}
	if strength <= 0 || len(turned) < fewest*len(steps) || len(turned) == 0 {
		return decisions, nil
	}
	t := &Turned{Found: meanTimes(turned, 1), Usual: UsualTurned, Strength: strength}
	if t.Taken = t.Found; t.Found <= t.Usual {
		return decisions, t
	}
	factor := factorOf(turned, math.Pow(t.Found, 1-strength)*math.Pow(t.Usual, strength))
	t.Taken = meanTimes(turned, factor)
	drawn := maps.Clone(decisions)
	for _, t := range tracks {
		if t.Teacher {
			continue
		}
		drawn[t.ID] = maps.Clone(decisions[t.ID])
		for step, d := range decisions[t.ID] {
			drawn[t.ID][step] = d.times(turn, factor)
		}
	}
	return drawn, t
}

// times is the decision with the odds of one behaviour multiplied.
func (d Decision) times(behaviour int, factor float64) Decision {
	all := 1 + float64(d.Behaviour[behaviour])*(factor-1)
	for i := range d.Behaviour {
		p := float64(d.Behaviour[i])
		if i == behaviour {
			p *= factor
		}
		d.Behaviour[i] = float32(p / all)
	}
	return d
}

// meanTimes is the mean of probabilities whose odds are multiplied by factor.
func meanTimes(p []float64, factor float64) float64 {
	sum := 0.0
	for _, v := range p {
		sum += v * factor / (1 + v*(factor-1))
	}
	return sum / float64(len(p))
}

// factorOf finds, between e^-16 and 1, the factor that makes the mean of p what is wanted: the mean grows with the factor, so that halving finds it.
func factorOf(p []float64, want float64) float64 {
	low, high := -16.0, 0.0
	for range 40 {
		if middle := (low + high) / 2; meanTimes(p, math.Exp(middle)) < want {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp((low + high) / 2)
}
