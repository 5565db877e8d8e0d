package train

import (
	"errors"
	"fmt"
	"math"

	"classlens/cuda/exec"
)

// Device is a Stepper on a CUDA device: weights, moments and averages stay there, and a step is
// recorded once for each batch shape, then replayed. Its losses differ from the tape's because
// sums have another order; DeviceBound says by how much.
type Device struct {
	device    *exec.Device
	home      *exec.Recorder // of what lives from step to step
	net       *Network[float32]
	rule      *Optimizer[float32]
	average   *Average[float32]
	clip      float64
	precision exec.Precision

	at               map[*Param[float32]]int // first element of a parameter in the flat arrays
	norms            map[*BatchStats[float32]]exec.Memory
	decayed, all     int         // elements: parameters that decay come first
	values, grads    exec.Memory // flat, all parameters
	first, second    exec.Memory // the optimizer's moments
	mean             exec.Memory // the moving average
	control, classes exec.Memory
	numbers          []float32 // rate and keep, then the control array as it was read
	plans            map[string]*devicePlan
	order            []string
}

// DeviceBound is how far the loss of one of the first ten steps may be from the CPU's, as a
// share of it: float32 sums in another order differ by 1e-6 per step, which further steps amplify.
const DeviceBound = 1e-4

// HalfBound is likewise for training in a half precision. A gradient is a sum of products whose sides were each rounded, to 11 bits (FP16)
// or 8 (BF16): errors of 5e-4 and 4e-3 of it. Ten steps move the loss by its own size at most, so that it may be wrong
// by as many of them as there are steps.
var HalfBound = map[string]float64{"fp16": 10.0 / 2048, "bf16": 10.0 / 256}

// The loss scale of FP16, whose smallest number is 6e-8: where it begins, and after how many good steps it
// doubles (Micikevicius et al. 2018). A step that overflows is left out and halves it.
const (
	firstScale = 1 << 16
	scaleEvery = 2000
)

// Slots of the control array that the kernels share (cuda/kernels/common.cuh).
const (
	slotCounts = 2
	slotScale  = 3
	slotGood   = 4
	slotSteps  = 5
	slotRate   = 8
	slots      = 10
)

// NewDevice moves a network's training to a device, "cuda" or a UUID, in a precision: "float32", "fp16" or "bf16". The network, the
// optimizer and the average are read now and written by Sync. average may be nil.
func NewDevice(name string, n *Network[float32], o *Optimizer[float32], average *Average[float32], clip float64, precision string) (*Device, error) {
	p, ok := exec.ParsePrecision(precision)
	if !ok {
		return nil, fmt.Errorf("training in precision %q: want float32, fp16 or bf16", precision)
	}
	device, err := exec.Open(name)
	if err != nil {
		return nil, err
	}
	d := &Device{device: device, net: n, rule: o, average: average, clip: clip, precision: p, at: map[*Param[float32]]int{}, norms: map[*BatchStats[float32]]exec.Memory{}, plans: map[string]*devicePlan{}}
	if d.home, err = exec.NewRecorder(device); err != nil {
		return nil, errors.Join(err, device.Close())
	}
	if err := d.settle(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// settle gives every parameter its place and copies what there is.
func (d *Device) settle() error {
	place := func(p *Param[float32], room int) {
		d.at[p] = d.all
		d.all += (room + 63) / 64 * 64
	}
	for _, p := range d.net.Params {
		if p.Decay {
			place(p, len(p.Value))
		}
	}
	d.decayed = d.all
	for _, l := range d.net.normed() { // shift, then scale: the order in which their gradients come
		c := len(l.shift.Value)
		place(l.shift, 2*c)
		d.at[l.scale] = d.at[l.shift] + c
	}
	for _, p := range d.net.Params {
		if _, ok := d.at[p]; !ok {
			place(p, len(p.Value))
		}
	}
	for _, m := range []*exec.Memory{&d.values, &d.grads, &d.first, &d.second, &d.mean} {
		*m = d.home.Memory(d.all)
	}
	d.control, d.classes = d.home.Memory(slots), d.home.Memory(behaviours)
	d.numbers = exec.Host[float32](d.home, 2+slots)
	for _, s := range d.net.Stats {
		d.norms[s] = d.home.Memory(2 * len(s.Mean))
	}
	if err := d.home.Wait(); err != nil {
		return err
	}
	return d.write()
}

// write copies the network, the moments and the average to the device.
func (d *Device) write() error {
	flat := func(of func(p *Param[float32]) []float32) []float32 {
		v := make([]float32, d.all)
		for p, at := range d.at {
			copy(v[at:], of(p))
		}
		return v
	}
	named := func(m map[string][]float32) func(p *Param[float32]) []float32 {
		return func(p *Param[float32]) []float32 { return m[p.Name] }
	}
	err := errors.Join(d.home.Write(d.values, flat(func(p *Param[float32]) []float32 { return p.Value })),
		d.home.Write(d.first, flat(named(d.rule.First))), d.home.Write(d.second, flat(named(d.rule.Second))))
	if d.average != nil {
		err = errors.Join(err, d.home.Write(d.mean, flat(named(d.average.Values))))
	}
	for s, m := range d.norms {
		err = errors.Join(err, d.home.Write(m, append(append([]float32(nil), s.Mean...), s.Variance...)))
	}
	control := make([]float32, slots)
	control[slotScale], control[slotSteps] = 1, float32(d.rule.Steps)
	if d.precision == exec.FP16 {
		control[slotScale] = firstScale
		if s := d.rule.LossScale; s > 0 {
			control[slotScale], control[slotGood] = s, d.rule.GoodSteps
		}
	}
	return errors.Join(err, d.home.Write(d.control, control))
}

// Sync copies weights, moments, averages and norms back to the host.
func (d *Device) Sync() error {
	fetch := func(m exec.Memory, to func(p *Param[float32], v []float32)) error {
		v := make([]float32, d.all)
		if err := d.home.Read(v, m); err != nil {
			return err
		}
		for p, at := range d.at {
			to(p, v[at:at+len(p.Value)])
		}
		return nil
	}
	keep := func(m map[string][]float32) func(p *Param[float32], v []float32) {
		return func(p *Param[float32], v []float32) { m[p.Name] = append([]float32(nil), v...) }
	}
	err := fetch(d.values, func(p *Param[float32], v []float32) { copy(p.Value, v) })
	if d.rule.Rule != RMSprop {
		err = errors.Join(err, fetch(d.first, keep(d.rule.First)))
	}
	if d.rule.Rule != SGD {
		err = errors.Join(err, fetch(d.second, keep(d.rule.Second)))
	}
	if d.average != nil && d.average.Values != nil {
		err = errors.Join(err, fetch(d.mean, keep(d.average.Values)))
	}
	for s, m := range d.norms {
		v := make([]float32, 2*len(s.Mean))
		err = errors.Join(err, d.home.Read(v, m))
		copy(s.Mean, v)
		copy(s.Variance, v[len(s.Mean):])
	}
	return err
}

// maxDevicePlans is the largest number of recorded batch shapes.
const maxDevicePlans = 4

// Step trains on one batch.
func (d *Device) Step(b Batch[float32], l Losses[float32], y Targets[float32], rate float64) (float64, error) {
	s := shapeOf(d.net.Plan, b, l, y)
	key := fmt.Sprint(s)
	p := d.plans[key]
	if p == nil {
		if len(d.order) == maxDevicePlans {
			if err := d.plans[d.order[0]].recorder.Close(); err != nil {
				return 0, err
			}
			delete(d.plans, d.order[0])
			d.order = d.order[1:]
		}
		var err error
		if p, err = d.plan(s, l); err != nil {
			return 0, err
		}
		d.plans[key] = p
		d.order = append(d.order, key)
	}
	var before Average[float32]
	if d.average != nil {
		before = *d.average
	}
	d.numbers[0], d.numbers[1] = float32(rate), d.keep()
	loss, err := p.run(b, l, y)
	if err != nil {
		return 0, err
	}
	now := d.numbers[2:]
	d.rule.Steps = int(now[slotSteps])
	if d.precision == exec.FP16 {
		d.rule.LossScale, d.rule.GoodSteps = now[slotScale], now[slotGood]
	}
	if now[slotCounts] == 0 && d.average != nil { // gradients overflowed: nothing was changed
		*d.average = before
	}
	return loss, nil
}

// keep is the share that the moving average keeps in this step, see Average.Add.
func (d *Device) keep() float32 {
	a := d.average
	if a == nil {
		return 0
	}
	k := float32(math.Min(a.Keep, float64(1+a.Steps)/float64(10+a.Steps)))
	if a.Values == nil {
		a.Values, k = map[string][]float32{}, 0 // the first average is the value itself
	}
	a.Steps++
	return k
}

// Limits are the roofline of the step that was recorded last on this device, in seconds by kernel: see exec.Phase.Limits. Nothing before the
// first step.
func (d *Device) Limits() map[string]float64 {
	if len(d.order) == 0 {
		return nil
	}
	return d.plans[d.order[len(d.order)-1]].limits(d.device.Info().Peak())
}

func (p *devicePlan) limits(flops, bytes float64) map[string]float64 {
	all := map[string]float64{}
	for _, phase := range []*exec.Phase{p.forward, p.losses, p.backward} {
		for kernel, s := range phase.Limits(flops, bytes) {
			all[kernel] += s
		}
	}
	return all
}

// Close gives the device back.
func (d *Device) Close() error {
	var errs []error
	for _, p := range d.plans {
		errs = append(errs, p.recorder.Close())
	}
	return errors.Join(append(errs, d.home.Close(), d.device.Close())...)
}

// normed are the layers with a batch norm.
func (n *Network[T]) normed() []*layer[T] {
	all := []*layer[T]{n.stem}
	for _, k := range n.blocks {
		all = append(all, k.layers[:]...)
	}
	return append(all, n.top)
}
