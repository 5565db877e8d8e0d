package training

import (
	"context"
	"math/rand/v2"

	"classlens/model/metrics"
	"classlens/model/train"
)

// work is one batch, ready to be trained on.
type work struct {
	train.Batch[float32]
	train.Targets[float32]
	attacked bool
	shown    int // pictures in it
}

// batches cuts and augments the batches of an epoch beside the training, one ahead.
// Order and augmentation follow from the seed, the epoch and the batch's number alone.
func (r *run) batches(ctx context.Context, epoch int) <-chan work {
	out := make(chan work, 1)
	order := rand.New(rand.NewPCG(r.Seed, uint64(epoch)+100)).Perm(len(r.train))
	go func() {
		defer close(out)
		for b := range len(order) / r.Batch {
			w := r.batch(metrics.Pick(r.train, order[b*r.Batch:(b+1)*r.Batch]), rand.New(rand.NewPCG(r.Seed+uint64(epoch)<<20, uint64(b)+1000)))
			select {
			case out <- w:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// batch cuts the samples with augmentation.
func (r *run) batch(of []int, random *rand.Rand) work {
	w := work{Batch: train.Batch[float32]{Steps: r.Steps}, attacked: random.Float64() < r.Adversarial.Share}
	for _, i := range of {
		r.addSequence(&w, i, r.chosen(r.sights(i), random), random)
		w.Behaviour, w.Attention, w.Level = append(w.Behaviour, r.behaviour[i]), append(w.Attention, r.attention[i]), append(w.Level, r.level[i])
	}
	return w
}

// chosen takes at most T sights: those nearest the middle, or, of a clip with more,
// some from all over it.
func (r *run) chosen(all []sight, random *rand.Rand) []sight {
	for len(all) > r.Steps {
		drop := random.IntN(len(all))
		if all[drop].offset == 0 { // the step that is decided stays
			continue
		}
		all = append(all[:drop:drop], all[drop+1:]...)
	}
	return all
}

// addSequence adds one sample's steps: looked at alike, some hidden, times a little
// off. A still is shown at all steps; where there are fewer sights than steps the rest
// is hidden.
func (r *run) addSequence(w *work, of int, all []sight, random *rand.Rand) {
	size := r.Plan.Size
	area := size * size
	v, l := r.Augment.draw(random, size), r.Augment.look(random, size)
	first := w.shown
	for _, s := range all {
		w.shown++
		if r.throughPose() {
			w.Batch.Pictures = r.tuned.sights[s.moment].shaken(w.Batch.Pictures, v.flip, random)
			continue
		}
		rgb, flow := r.crops.moment(s.moment)
		if !s.flow || r.Plan.NoFlow {
			flow = nil
		}
		planes := make([]float32, train.Channels*area)
		v.picture(planes, rgb, flow, r.crops.Side, size)
		l.apply(planes, size, random)
		w.Batch.Pictures = append(w.Batch.Pictures, planes...)
		to, weight := make([]float32, 34), make([]float32, 34)
		if s.points != nil {
			v.points(s.points, r.crops.Side, size, to, weight)
		}
		w.Points, w.Targets.Seen = append(w.Points, to...), append(w.Targets.Seen, weight...)
	}
	decided := r.Steps / 2
	if len(all) > 1 {
		decided = 0
		for k, s := range all {
			if s.offset*s.offset < all[decided].offset*all[decided].offset {
				decided = k
			}
		}
	}
	for k := range r.Steps {
		at, offset, seen := first, float32(k-r.Steps/2), float32(1)
		if len(all) > 1 {
			if offset = 0; k < len(all) {
				at, offset = first+k, all[k].offset
			} else {
				seen = 0
			}
		}
		if k != decided && random.Float64() < r.Augment.Hide {
			seen = 0
		}
		offset += float32(r.Augment.Jitter * (2*random.Float64() - 1))
		if r.tuned != nil {
			w.Attends = append(w.Attends, r.attends(of, v.flip))
		}
		w.Index, w.Offsets, w.Batch.Seen = append(w.Index, at), append(w.Offsets, offset), append(w.Batch.Seen, seen)
	}
}

// step trains on one batch and gives its loss.
func (r *run) step(w work) (float64, error) {
	losses := train.Losses[float32]{Behaviour: train.ClassLoss[float32]{Weights: r.weights, Smoothing: r.Smoothing, Focal: r.Focal},
		Attention: r.Losses.Attention, Engagement: r.Losses.Engagement, Points: r.Losses.Points}
	if w.attacked {
		if err := r.stepper.Sync(); err != nil { // attacks are made on the CPU
			return 0, err
		}
		w.Batch.Pictures = train.Attack(w.Batch.Pictures, r.Plan.Size*r.Plan.Size, r.Adversarial.Steps, r.Adversarial.Size, func(p []float32) []float32 {
			b := w.Batch
			b.Pictures, b.Wanted = p, true
			r.tape.Reset()
			o := r.net.Forward(&r.tape, b, train.Probe)
			r.tape.Backward(losses.Loss(&r.tape, o, w.Targets))
			return o.Pictures.Grad
		})
		for _, p := range r.net.Params { // what the attack left there
			clear(p.Grad)
		}
	}
	return r.stepper.Step(w.Batch, losses, w.Targets, r.Schedule.At(r.state.Optimizer.Steps))
}
