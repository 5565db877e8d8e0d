package train

import (
	"classlens/cuda/exec"
)

// batchShape is what a recorded step depends on.
type batchShape struct {
	Pictures, Sequences, Steps         int
	Indexed, Points, Weighted          bool
	Smoothing, Focal, On, Engage, Spot float32
}

func shapeOf(p Plan, b Batch[float32], l Losses[float32], y Targets[float32]) batchShape {
	return batchShape{Pictures: len(b.Pictures) / (Channels * p.Size * p.Size), Sequences: len(b.Seen) / b.Steps, Steps: b.Steps, Indexed: b.Index != nil,
		Points: l.Points > 0 && y.Points != nil, Weighted: l.Behaviour.Weights != nil, Smoothing: l.Behaviour.Smoothing, Focal: l.Behaviour.Focal,
		On: l.Attention, Engage: l.Engagement, Spot: l.Points}
}

// devicePlan is a step recorded for one shape of batch: inputs and forward, losses, whose
// numbers change with the labels, then backward and the optimizer.
type devicePlan struct {
	d        *Device
	shape    batchShape
	recorder *exec.Recorder

	pictures, times, seen, picks              []float32 // page-locked inputs
	behaviour, attention, levels              []int32
	points, spotted                           []float32
	weights                                   []float32
	class, binary, ordered, spot              exec.Numbers
	classLoss, binaryLoss, orderedLoss, spots []float32 // page-locked results
	forward, losses, backward                 *exec.Phase
}

// plan records a step.
func (d *Device) plan(s batchShape, l Losses[float32]) (*devicePlan, error) {
	r, err := exec.NewRecorder(d.device)
	if err != nil {
		return nil, err
	}
	p := &devicePlan{d: d, shape: s, recorder: r}
	p.forward = r.Phase()
	t := exec.NewTape(p.forward, d.precision)
	side, n := d.net.Plan.Size, s.Sequences*s.Steps
	area := side * side
	p.pictures, p.times, p.seen = exec.Host[float32](r, s.Pictures*Channels*area), exec.Host[float32](r, n*2*waves), exec.Host[float32](r, n)
	picture, times, seen := r.Memory(len(p.pictures)), r.Memory(len(p.times)), r.Memory(n)
	exec.In(p.forward, picture, p.pictures)
	exec.In(p.forward, times, p.times)
	exec.In(p.forward, seen, p.seen)
	exec.In(p.forward, d.control.Part(slotRate, 2), d.numbers[:2])

	x := d.layer(t, d.net.stem, t.Data(picture, s.Pictures, Channels, side, side))
	for _, k := range d.net.blocks {
		x = d.block(t, k, x)
	}
	x = d.dense(t, d.net.embed, t.Average(d.layer(t, d.net.top, x)))
	embedding := x
	if s.Indexed {
		p.picks = exec.Host[float32](r, n*s.Pictures)
		pick := r.Memory(len(p.picks))
		exec.In(p.forward, pick, p.picks)
		x = t.Select(x, pick, n)
	}
	x = d.temporal(t, x, t.Data(times, n, 2*waves), seen, s)
	p.losses = r.Phase()
	p.losses.Changing = true
	p.backward = r.Phase()
	p.heads(t, x, embedding, l)
	t.Backward(p.backward)
	d.optimize(r, p.backward)
	exec.Out(p.backward, d.numbers[2:], d.control)
	return p, r.Wait()
}

// layer is a convolution, batch norm by the batch and ReLU6.
func (d *Device) layer(t *exec.Tape, l *layer[float32], x *exec.Var) *exec.Var {
	y := t.Conv(x, d.weight(t, l.w), l.stride, l.pad, l.groups)
	c := len(l.shift.Value)
	clamp := exec.Clamp{On: l.cut, Lo: 0, Hi: 6}
	return t.Norm(y, d.values.Part(d.at[l.scale], c), d.values.Part(d.at[l.shift], c), d.grads.Part(d.at[l.shift], 2*c), d.norms[l.stats], l.stats.Momentum, epsilon, clamp)
}

func (d *Device) block(t *exec.Tape, k *block[float32], x *exec.Var) *exec.Var {
	y := d.layer(t, k.layers[1], d.layer(t, k.layers[0], x))
	if k.squeeze.w != nil {
		y = t.ScaleChannels(y, t.Apply(d.dense(t, k.excite, t.Apply(d.dense(t, k.squeeze, t.Average(y)), exec.Relu)), exec.Sigmoid))
	}
	y = d.layer(t, k.layers[2], y)
	if k.add {
		y = t.Add(x, y)
	}
	return y
}

func (d *Device) weight(t *exec.Tape, p *Param[float32]) *exec.Var {
	n := len(p.Value)
	return t.Weight(d.values.Part(d.at[p], n), d.grads.Part(d.at[p], n), p.Shape...)
}

func (d *Device) dense(t *exec.Tape, l dense[float32], x *exec.Var) *exec.Var {
	return t.Linear(x, d.weight(t, l.w), d.weight(t, l.b))
}

// temporal is the part between the embeddings and the heads.
func (d *Device) temporal(t *exec.Tape, x, times *exec.Var, seen exec.Memory, s batchShape) *exec.Var {
	var a *attention[float32]
	switch part := d.net.temporal.(type) {
	case *recurrent[float32]:
		return d.recurrent(t, part, x, times, seen, s)
	case *attention[float32]:
		a = part
	default:
		return t.Pool(x, nil, seen, s.Steps)
	}
	x = t.Add(x, d.dense(t, a.time, times))
	looked := t.Attend(d.dense(t, a.query, x), d.dense(t, a.key, x), d.dense(t, a.value, x), seen, s.Steps, a.heads)
	x = t.Add(x, d.dense(t, a.back, looked))
	return t.Pool(x, d.dense(t, a.score, x), seen, s.Steps)
}

// recurrent is the mean of the steps and what an LSTM or GRU makes of them.
func (d *Device) recurrent(t *exec.Tape, m *recurrent[float32], x, times *exec.Var, seen exec.Memory, s batchShape) *exec.Var {
	mean := t.Pool(x, nil, seen, s.Steps)
	gates := d.dense(t, m.in, t.Add(x, d.dense(t, m.time, times)))
	var last *exec.Var
	if m.gates == 4 {
		last = t.LSTM(gates, d.weight(t, m.state.w), seen, s.Steps)
	} else {
		last = t.GRU(gates, d.weight(t, m.state.w), d.weight(t, m.state.b), seen, s.Steps)
	}
	return t.Add(mean, d.dense(t, m.back, last))
}

// heads are the logits and their losses.
func (p *devicePlan) heads(t *exec.Tape, x, embedding *exec.Var, l Losses[float32]) {
	d, r, s := p.d, p.recorder, p.shape
	var spots *exec.Var
	if s.Points {
		spots = d.dense(t, d.net.points, embedding)
	}
	said, on := d.dense(t, d.net.behaviour, x), d.dense(t, d.net.on, x)
	level := t.Cumulative(d.dense(t, d.net.engage, x), d.weight(t, d.net.steps))
	labels := func(n int) ([]int32, exec.Memory) {
		host, m := exec.Host[int32](r, n), r.Memory(n)
		exec.In(p.forward, m, host)
		return host, m
	}
	result := func(n int) ([]float32, exec.Memory) {
		return exec.Host[float32](r, n), r.Memory(n)
	}
	out := func(host []float32, m exec.Memory) { exec.Out(p.losses, host, m) }

	var weights, is, loss exec.Memory
	if s.Weighted {
		p.weights, weights = exec.Host[float32](r, behaviours), d.classes
		exec.In(p.forward, weights, p.weights)
	}
	p.behaviour, is = labels(s.Sequences)
	p.classLoss, loss = result(s.Sequences)
	t.ClassLoss(exec.Loss{Phase: p.losses, Each: loss, Numbers: &p.class, Share: 1, Control: d.control}, said, is, weights, s.Smoothing, s.Focal)
	out(p.classLoss, loss)
	p.attention, is = labels(s.Sequences)
	p.binaryLoss, loss = result(s.Sequences)
	t.BinaryLoss(exec.Loss{Phase: p.losses, Each: loss, Numbers: &p.binary, Share: s.On, Control: d.control}, on, is)
	out(p.binaryLoss, loss)
	p.levels, is = labels(s.Sequences * (levels - 1))
	p.orderedLoss, loss = result(len(p.levels))
	t.BinaryLoss(exec.Loss{Phase: p.losses, Each: loss, Numbers: &p.ordered, Share: s.Engage, Control: d.control}, level, is)
	out(p.orderedLoss, loss)
	if s.Points {
		n := s.Pictures * 2 * points
		var to, weight exec.Memory
		p.points, to = result(n)
		p.spotted, weight = result(n)
		exec.In(p.forward, to, p.points)
		exec.In(p.forward, weight, p.spotted)
		p.spots, loss = result(n)
		t.PointLoss(exec.Loss{Phase: p.losses, Each: loss, Numbers: &p.spot, Share: s.Spot, Control: d.control}, spots, to, weight, pointReach)
		out(p.spots, loss)
	}
}
