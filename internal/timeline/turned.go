package timeline

import (
	"maps"
	"math"
	"slices"

	"classlens/vision/scene"
)

// UsualTurned is the share of turned heads among the real students in the shipped networks' training data (916 of 8,362 boxes; .12, .12 and .07 in the three rooms).
const UsualTurned = .11

var turn = slices.Index(Behaviours, "turn")

// fewest students in view, on average, that make a class: fewer have no common direction from which a head could be turned away.
const fewest = 5

// Turned is the share of turned heads in a recording, before and after shrinkage.
type Turned struct {
	Found    float64 `json:"found"` // mean probability according to the network
	Usual    float64 `json:"usual"`
	Strength float64 `json:"strength"` // of the shrinkage; 0: as found, 1: as usual
	Taken    float64 `json:"taken"`    // mean probability that all figures are made from
}

// shrinkTurned shrinks the share of turned heads in a recording towards the usual one if it is above that: in a room whose camera or seats it has not seen, a network takes many heads that
// face the front for turned. The logarithm of the share moves from the found value to the usual one by the fraction strength. This gives the likeliest share if the network's error in a
// room and the variation between lessons are both lognormal, strength being the error's part of their total variance. The odds of "turn" change by one factor in all of the students'
// decisions, and the other behaviours keep their proportions. A share below the usual one is left alone: it may just be a quiet lesson. Turned is nil, and the decisions are unchanged, if
// there are too few students.
func shrinkTurned(tracks []scene.Track, decisions map[string]map[int]Decision, strength float64) (map[string]map[int]Decision, *Turned) {
	var turned []float64 // for each student and step, in the order of the tracks, so that sums are the same in every run
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
	shrunk := maps.Clone(decisions)
	for _, t := range tracks {
		if t.Teacher {
			continue
		}
		shrunk[t.ID] = maps.Clone(decisions[t.ID])
		for step, d := range decisions[t.ID] {
			shrunk[t.ID][step] = d.times(turn, factor)
		}
	}
	return shrunk, t
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

// factorOf finds by bisection, between e^-16 and 1, the factor that brings the mean of p to want; the mean grows with the factor.
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
