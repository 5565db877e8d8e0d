package analysis

import (
	"math"

	"classlens/internal/timeline"
	"classlens/model/classroom"
	"classlens/vision/scene"
)

// decideTogether is how many decisions the network makes in one batch.
const decideTogether = 256

// decide gives a decision for every embedding, by track and step.
func (r *run) decide(tracks []scene.Track, embeddings map[string]map[int][]float32) (map[string]map[int]timeline.Decision, error) {
	decisions := map[string]map[int]timeline.Decision{}
	type place struct {
		id   string
		step int
	}
	var places []place
	var seqs []classroom.Sequence
	made := make([]classroom.Decision, decideTogether)
	half := int(math.Round(r.options.Config.Network.ContextSeconds / r.options.Config.Video.StepSeconds))
	flush := func() error {
		steps := 2*half + 1
		moments := make([]float32, len(seqs)*steps) // the decisions keep them
		for i := range seqs {
			made[i].Moments = moments[i*steps : i*steps : (i+1)*steps]
		}
		if err := r.network.DecideInto(made[:len(seqs)], seqs); err != nil {
			return err
		}
		for i, d := range made[:len(seqs)] {
			decisions[places[i].id][places[i].step] = timeline.Decision{Behaviour: d.Behaviour, Moments: d.Moments}
		}
		places, seqs = places[:0], seqs[:0]
		return nil
	}
	directions := r.directions(tracks, embeddings)
	for _, t := range tracks {
		decisions[t.ID] = map[int]timeline.Decision{}
		for i, s := range t.Sightings {
			if embeddings[t.ID][s.Step] == nil {
				continue
			}
			places = append(places, place{t.ID, s.Step})
			q := sequenceAround(t.Sightings, i, half, embeddings[t.ID])
			q.Direction = directions[s.Shot]
			seqs = append(seqs, q)
			if len(seqs) == decideTogether {
				if err := flush(); err != nil {
					return nil, err
				}
			}
		}
	}
	return decisions, flush()
}

// directions is where the class attends in each shot: what the heads of all students
// have in common while the camera stands still. The teacher does not count.
func (r *run) directions(tracks []scene.Track, embeddings map[string]map[int][]float32) map[int][]float32 {
	of := map[int][][]float32{}
	for _, t := range tracks {
		if t.Teacher {
			continue
		}
		for _, s := range t.Sightings {
			if e := embeddings[t.ID][s.Step]; e != nil {
				of[s.Shot] = append(of[s.Shot], e)
			}
		}
	}
	m := map[int][]float32{}
	for shot, all := range of {
		m[shot] = r.network.Direction(all)
	}
	return m
}

// sequenceAround is the window of half steps on either side of the i-th sighting, within its
// shot; what is outside stays empty.
func sequenceAround(all []scene.Sighting, i, half int, embeddings map[int][]float32) classroom.Sequence {
	n := 2*half + 1
	q := classroom.Sequence{Embeddings: make([][]float32, n), Offsets: make([]float32, n)}
	for k := range n {
		j := i + k - half
		if j < 0 || j >= len(all) || all[j].Shot != all[i].Shot {
			continue
		}
		q.Embeddings[k] = embeddings[all[j].Step]
		q.Offsets[k] = float32(all[j].Time - all[i].Time)
	}
	return q
}
