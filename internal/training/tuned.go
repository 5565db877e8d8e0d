package training

import (
	"context"
	"fmt"
	"math/rand/v2"

	"classlens/model/classroom"
	"classlens/model/train"
)

// tuned is a network that ships, while it is trained on.
type tuned struct {
	*train.Tuned
	engine     *classroom.Network // as it ships: for its size, and what its pose net sees
	sights     []seenMoment       // by moment, of networks that look through a pose net
	directions map[int][]float32  // by sample: where its class attends
}

// seenMoment is what the pose net saw of a moment.
type seenMoment struct{ classroom.Sight }

// openTuned reads the network of a size that ships.
func openTuned(size string) (*tuned, error) {
	file, err := classroom.Shipped(size)
	if err != nil {
		return nil, err
	}
	engine, err := classroom.Load(file, 0)
	if err != nil {
		return nil, err
	}
	inputs := []train.TunedInput{{Name: "picture", Shape: []int{train.Channels, engine.Size(), engine.Size()}}}
	if engine.ThroughPose() {
		inputs = nil
		for _, in := range classroom.SightInputs {
			inputs = append(inputs, train.TunedInput{Name: in.Name, Shape: []int{in.Size}})
		}
	}
	t := &tuned{engine: engine}
	t.Tuned, err = train.NewTuned(file, inputs)
	return t, err
}

func (r *run) throughPose() bool { return r.tuned != nil && r.tuned.engine.ThroughPose() }

// looksAtOnce is how many pictures the pose net is given at a time.
const looksAtOnce = 16

// lookThrough runs the pose net once over all that will be seen: what comes of it is
// trained on, and kept in memory (16 KB a moment).
func (r *run) lookThrough(ctx context.Context) error {
	if !r.throughPose() {
		return nil
	}
	wanted := map[int]bool{}
	for _, i := range append(append([]int(nil), r.train...), r.val...) {
		for _, s := range r.sights(i) {
			wanted[s.moment] = true
		}
	}
	last := -1
	for m := range wanted {
		last = max(last, m)
	}
	r.tuned.sights = make([]seenMoment, last+1)
	var rgb [][]byte
	var at []int
	done := 0
	flush := func() error {
		sights, err := r.tuned.engine.See(rgb)
		if err != nil {
			return err
		}
		for k, s := range sights {
			r.tuned.sights[at[k]] = seenMoment{s}
		}
		if done += len(rgb); done/2000 > (done-len(rgb))/2000 {
			r.Say("the pose net has seen %d of %d pictures", done, len(wanted))
		}
		rgb, at = rgb[:0], at[:0]
		return ctx.Err()
	}
	for m := range last + 1 {
		if !wanted[m] {
			continue
		}
		picture, _ := r.crops.moment(m)
		rgb, at = append(rgb, centre(picture, r.crops.Side, r.Plan.Size)), append(at, m)
		if len(rgb) == looksAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(rgb) == 0 {
		return nil
	}
	return flush()
}

// Thunder's own doubt, and other head boxes: deviations in shares of the square.
const (
	pointDoubt = 0.006
	boxZoom    = 0.06
	boxShift   = 0.03
)

// shaken adds a picture's numbers, changed as another detection and a mirror would, to a
// batch.
func (s seenMoment) shaken(to []float32, mirrored bool, random *rand.Rand) []float32 {
	x := s.Sight
	if mirrored {
		x = x.Mirrored()
	}
	first := len(to)
	to = append(append(to, x.Pose...), x.Features...)
	pose := to[first:][:len(x.Pose)]
	normal := func(k float64) float32 { return float32(random.NormFloat64() * k) }
	zoom, shift := 1+normal(boxZoom), [2]float32{normal(boxShift), normal(boxShift)}
	for k := 0; k+5 <= len(pose); k += 5 {
		for i := range 2 {
			pose[k+i] += normal(pointDoubt)
			for _, j := range []int{k + i, k + 3 + i} {
				pose[j] = (pose[j]-.5)*zoom + .5 + shift[i]
			}
		}
	}
	return to
}

// attend finds where the classes of all pictures and recordings attend, as the network
// sees them now.
func (r *run) attend() error {
	if r.tuned == nil {
		return nil
	}
	net, err := classroom.Load(r.onnx(train.Heat{Behaviour: 1, Attention: 1, Engagement: 1}), 0)
	if err != nil {
		return err
	}
	defer net.Close()
	byMedia := map[string][]int{}
	for _, i := range append(append([]int(nil), r.train...), r.val...) {
		byMedia[r.set.Samples[i].Media] = append(byMedia[r.set.Samples[i].Media], i)
	}
	r.tuned.directions = map[int][]float32{}
	for _, samples := range byMedia {
		var all [][]float32
		for _, i := range samples {
			e, err := r.embedded(net, i)
			if err != nil {
				return err
			}
			all = append(all, e...)
		}
		direction := net.Direction(all)
		for _, i := range samples {
			r.tuned.directions[i] = direction
		}
	}
	return nil
}

// attends is where a sample's class attends, in a mirrored picture perhaps.
func (r *run) attends(sample int, mirrored bool) []float32 {
	d := r.tuned.directions[sample]
	if mirrored {
		return classroom.MirrorDirection(d)
	}
	return d
}

// embedded encodes what shows a sample.
func (r *run) embedded(net *classroom.Network, i int) ([][]float32, error) {
	var rgb [][]byte
	var uv [][]float32
	var sights []classroom.Sight
	for _, s := range r.sights(i) {
		if r.throughPose() {
			sights = append(sights, r.tuned.sights[s.moment].Sight)
			continue
		}
		picture, flow := r.crops.moment(s.moment)
		rgb, uv = append(rgb, centre(picture, r.crops.Side, r.Plan.Size)), append(uv, nil)
		if s.flow && !r.Plan.NoFlow {
			uv[len(uv)-1] = centreFlow(flow, r.crops.Side, r.Plan.Size)
		}
	}
	if r.throughPose() {
		return net.EmbedSights(sights)
	}
	return net.Embed(rgb, uv)
}

// decide sees a sample as eval does.
func (t *tuned) decide(net *classroom.Network, r *run, i int) (classroom.Decision, error) {
	q := classroom.Sequence{Direction: t.directions[i]}
	for _, s := range r.sights(i) {
		q.Offsets = append(q.Offsets, s.offset)
	}
	var err error
	if q.Embeddings, err = r.embedded(net, i); err != nil {
		return classroom.Decision{}, err
	}
	d, err := net.Decide([]classroom.Sequence{q})
	if err != nil {
		return classroom.Decision{}, fmt.Errorf("sample %d: %w", i, err)
	}
	return d[0], nil
}
