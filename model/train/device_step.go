package train

import (
	"math"

	"classlens/cuda/exec"
)

// run makes one step.
func (p *devicePlan) run(b Batch[float32], l Losses[float32], y Targets[float32]) (float64, error) {
	p.fill(b, l, y)
	for _, phase := range []*exec.Phase{p.forward, p.losses, p.backward} {
		if err := phase.Run(); err != nil {
			return 0, err
		}
	}
	if err := p.recorder.Wait(); err != nil {
		return 0, err
	}
	loss := total64(p.classLoss) + float64(p.shape.On)*total64(p.binaryLoss) + float64(p.shape.Engage)*total64(p.orderedLoss)
	return loss + float64(p.shape.Spot)*total64(p.spots), nil
}

func total64(v []float32) (sum float64) {
	for _, x := range v {
		sum += float64(x)
	}
	return sum
}

// fill puts a batch into the page-locked memory.
func (p *devicePlan) fill(b Batch[float32], l Losses[float32], y Targets[float32]) {
	copy(p.pictures, b.Pictures)
	if area := p.d.net.Plan.Size * p.d.net.Plan.Size; p.d.net.Plan.NoFlow {
		for i := 0; i < len(p.pictures); i += Channels * area {
			clear(p.pictures[i+3*area : i+Channels*area])
		}
	}
	copy(p.times, timeCode(b.Offsets))
	copy(p.seen, b.Seen)
	if b.Index != nil {
		clear(p.picks)
		for row, picture := range b.Index {
			p.picks[row*p.shape.Pictures+picture] = 1
		}
	}
	copy(p.weights, l.Behaviour.Weights)
	p.class.Inverse = inverse(labelled(p.behaviour, y.Behaviour, p.weights))
	p.binary.Inverse = inverse(labelled(p.attention, y.Attention, nil))
	p.ordered.Inverse = inverse(labelled(p.levels, Above(y.Level, levels), nil))
	if p.shape.Points {
		copy(p.points, y.Points)
		copy(p.spotted, y.Seen)
		p.spot.Inverse = inverse(float32(total64(y.Seen)))
	}
}

// labelled copies labels and gives the sum of the weights of those there are.
func labelled(to []int32, labels []int, weights []float32) (sum float32) {
	for i, label := range labels {
		to[i] = int32(label)
		switch {
		case label < 0:
		case len(weights) > 0:
			sum += weights[label]
		default:
			sum++
		}
	}
	return sum
}

// inverse is 1/v, 0 where nothing is labelled: then there is no loss and no gradient.
func inverse(v float32) float32 {
	if v == 0 {
		return 0
	}
	return 1 / v
}

// optimize appends clipping, the optimizer and the average.
func (d *Device) optimize(r *exec.Recorder, p *exec.Phase) {
	o, every := d.rule, 0
	if d.precision == exec.FP16 {
		every = scaleEvery
	}
	parts := min((d.all+127)/128, 256)
	part := r.Memory(parts)
	p.Launch("square_sum", [3]int{parts, 1, 1}, 128, d.grads, part, d.all)
	p.Launch("step_control", [3]int{1, 1, 1}, 128, part, d.control, parts, float32(d.clip), every, float32(math.Log(o.Momentum)), float32(math.Log(o.Beta2)))
	for _, span := range []struct {
		first, n int
		decay    float64
	}{{0, d.decayed, o.Decay}, {d.decayed, d.all - d.decayed, 0}} {
		if span.n == 0 {
			continue
		}
		w, g, first, second := d.values.Part(span.first, span.n), d.grads.Part(span.first, span.n), d.first.Part(span.first, span.n), d.second.Part(span.first, span.n)
		grid, decay := [3]int{(span.n + 255) / 256, 1, 1}, float32(span.decay)
		switch o.Rule {
		case SGD:
			p.Launch("sgd", grid, 256, w, g, first, d.control, span.n, float32(o.Momentum), decay)
		case RMSprop:
			p.Launch("rmsprop", grid, 256, w, g, second, d.control, span.n, float32(o.Momentum), decay, float32(o.Epsilon))
		default:
			decoupled := 0
			if o.Rule == AdamW {
				decoupled = 1
			}
			p.Launch("adam", grid, 256, w, g, first, second, d.control, span.n, float32(o.Momentum), float32(o.Beta2), decay, float32(o.Epsilon), decoupled)
		}
	}
	if d.average != nil {
		p.Launch("average", [3]int{(d.all + 255) / 256, 1, 1}, 256, d.values, d.mean, d.control, d.all)
	}
}
