package training

import (
	"fmt"
	"math"

	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/model/classroom"
)

// samples are a run's labelled samples: what they say, and what shows them.
type samples struct {
	set        *dataset.Set
	crops      *crops
	takes      map[string][]int
	behaviour  []int // index into classroom.Behaviours, -1: not labelled
	attention  []int // 1 on task, 0 off task, -1: not labelled
	level      []int // engagement, -1: not labelled
	train, val []int
}

// sight is one step of a sequence: a moment in the cache and its time.
type sight struct {
	moment int
	offset float32
	flow   bool
	points []float32
}

// sights lists what shows sample i, in order of time: its own moments, or those of its
// student's take.
func (s *samples) sights(i int) []sight {
	var all []sight
	for _, k := range evaluate.Around(s.set, s.takes, i) {
		p := s.crops.Samples[k]
		between := float32(s.set.Samples[k].Start - s.set.Samples[i].Start)
		for n, o := range p.Offsets {
			all = append(all, sight{p.First + n, o + between, p.Flow[n], p.Points})
		}
	}
	return all
}

// labelled reads every sample's labels. What a set does not label is read from the
// behaviour by the labels file; without a behaviour it stays unlabelled.
func (r *run) labelled() error {
	of, err := evaluate.Behaviours(r.set, r.Labels)
	if err != nil {
		return err
	}
	split, err := dataset.LoadSplit(r.Split)
	if err != nil {
		return err
	}
	parts, err := split.Parts(r.set)
	if err != nil {
		return err
	}
	if said, err := split.Unmatched(r.set, parts); err != nil {
		return err
	} else if said != "" {
		r.Say("%s", said)
	}
	n := len(r.set.Samples)
	r.behaviour, r.attention, r.level = make([]int, n), make([]int, n), make([]int, n)
	for i, x := range r.set.Samples {
		r.behaviour[i], r.attention[i], r.level[i] = -1, x.Attention, x.Level
		if x.Label >= 0 {
			if readings := of[x.Label]; len(readings) > 0 {
				r.behaviour[i] = readings[0]
			}
		}
		if r.behaviour[i] >= 0 {
			attention, level := r.meanings(of[x.Label])
			if x.Attention < 0 {
				r.attention[i] = attention
			}
			if x.Level < 0 {
				r.level[i] = level
			}
		}
		if r.behaviour[i] < 0 && r.attention[i] < 0 && r.level[i] < 0 {
			continue
		}
		switch parts[i] {
		case "train":
			r.train = append(r.train, i)
		case "val":
			r.val = append(r.val, i)
		}
	}
	return nil
}

// seen drops the samples whose pictures could not be read.
func (s *samples) seen(of []int) []int {
	var kept []int
	for _, i := range of {
		if len(s.crops.Samples[i].Offsets) > 0 {
			kept = append(kept, i)
		}
	}
	return kept
}

// meaning reads a behaviour as attention and engagement, by the labels file.
func (r *run) meaning(behaviour int) (attention, level int) {
	m := r.Labels.Behaviours[classroom.Behaviours[behaviour]]
	on := map[string]int{"on_task": 1, "off_task": 0, "unknown": -1}
	return on[m.Attention], m.Engagement
}

// meanings reads a class that may be several behaviours: -1 where these differ.
func (r *run) meanings(behaviours []int) (attention, level int) {
	attention, level = r.meaning(behaviours[0])
	for _, b := range behaviours[1:] {
		a, l := r.meaning(b)
		if a != attention {
			attention = -1
		}
		if l != level {
			level = -1
		}
	}
	return attention, level
}

// balance weighs each behaviour by n^-balance, mean 1 over the samples.
func (r *run) balance() []float32 {
	count := make([]float64, len(classroom.Behaviours))
	total := 0.0
	for _, i := range r.train {
		if r.behaviour[i] >= 0 {
			count[r.behaviour[i]]++
			total++
		}
	}
	w, sum := make([]float32, len(count)), 0.0
	for _, n := range count {
		if n > 0 {
			sum += n * math.Pow(n, -r.Balance)
		}
	}
	for k, n := range count {
		if n > 0 {
			w[k] = float32(math.Pow(n, -r.Balance) * total / sum)
		}
	}
	return w
}

// enough complains when there is too little to train or to validate.
func (r *run) enough() error {
	if len(r.train) < r.Batch || len(r.val) == 0 {
		return fmt.Errorf("%d samples to train on and %d to validate: too few for batches of %d; make the split with another --val or lower batch", len(r.train), len(r.val), r.Batch)
	}
	return nil
}
