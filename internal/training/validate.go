package training

import (
	"fmt"

	"classlens/model/classroom"
	"classlens/model/metrics"
	"classlens/model/train"
)

// verdict is what the validation part says of an epoch.
type verdict struct {
	Score      float64 // what is kept the best of: see metric
	Behaviour  metrics.Scores
	Attention  metrics.Scores
	Engagement metrics.Ordered
	ECE        float64 // of behaviours, before the temperature
	heat       train.Heat
}

// metric is macro-F1 of the behaviours where the validation part labels any, else the
// engagement's quadratic weighted kappa, else attention's balanced accuracy.
func (r *run) metric() string {
	kinds := map[string]bool{}
	for _, i := range r.val {
		kinds["macro-F1"] = kinds["macro-F1"] || r.behaviour[i] >= 0
		kinds["engagement kappa"] = kinds["engagement kappa"] || r.level[i] >= 0
	}
	for _, k := range []string{"macro-F1", "engagement kappa"} {
		if kinds[k] {
			return k
		}
	}
	return "attention balanced accuracy"
}

// validate runs the validation part through the engine, as eval does, and finds the
// temperatures that fit it.
func (r *run) validate(onnx []byte) (v verdict, err error) {
	net, err := classroom.Load(onnx, 0)
	if err != nil {
		return v, err
	}
	defer net.Close()
	var behaviour, attention, level headTruth
	for _, i := range r.val {
		d, err := r.decide(net, i)
		if err != nil {
			return v, err
		}
		behaviour.add(r.behaviour[i], d.Behaviour[:])
		attention.add(r.attention[i], []float32{1 - d.Attention, d.Attention})
		level.add(r.level[i], d.Engagement[:])
	}
	v.Behaviour = metrics.Classify(behaviour.truth, behaviour.said, len(classroom.Behaviours))
	v.Attention = metrics.Classify(attention.truth, attention.said, 2)
	v.Engagement = metrics.Order(level.truth, level.said, 4)
	v.ECE = metrics.ECE(behaviour.sure, behaviour.right)
	v.heat = train.Heat{Behaviour: behaviour.heat(), Attention: attention.heat(), Engagement: 1}
	switch r.metric() {
	case "macro-F1":
		v.Score = v.Behaviour.MacroF1
	case "engagement kappa":
		v.Score = v.Engagement.Kappa
	default:
		v.Score = v.Attention.Balanced
	}
	return v, nil
}

// headTruth gathers what one head said of the samples that label it.
type headTruth struct {
	truth, said []int
	p           [][]float64
	sure        []float64
	right       []bool
}

func (h *headTruth) add(truth int, p []float32) {
	if truth < 0 {
		return
	}
	row := make([]float64, len(p))
	for i, v := range p {
		row[i] = float64(v)
	}
	best := metrics.Argmax(row)
	h.truth, h.said, h.p = append(h.truth, truth), append(h.said, best), append(h.p, row)
	h.sure, h.right = append(h.sure, row[best]), append(h.right, best == truth)
}

// heat is the temperature that fits, within bounds that few samples cannot leave.
func (h *headTruth) heat() float64 {
	if len(h.truth) == 0 {
		return 1
	}
	return min(max(metrics.Temperature(h.p, h.truth), 0.5), 4)
}

// decide sees a sample as eval does: unaugmented, all its steps.
func (r *run) decide(net *classroom.Network, i int) (classroom.Decision, error) {
	size := r.Plan.Size
	var rgb [][]byte
	var uv [][]float32
	var q classroom.Sequence
	if r.tuned != nil {
		return r.tuned.decide(net, r, i)
	}
	for _, s := range r.sights(i) {
		picture, flow := r.crops.moment(s.moment)
		rgb = append(rgb, centre(picture, r.crops.Side, size))
		uv = append(uv, nil)
		if s.flow && !r.Plan.NoFlow {
			uv[len(uv)-1] = centreFlow(flow, r.crops.Side, size)
		}
		q.Offsets = append(q.Offsets, s.offset)
	}
	var err error
	if q.Embeddings, err = net.Embed(rgb, uv); err != nil {
		return classroom.Decision{}, err
	}
	d, err := net.Decide([]classroom.Sequence{q})
	if err != nil {
		return classroom.Decision{}, fmt.Errorf("sample %d: %w", i, err)
	}
	return d[0], nil
}

// centre is the network's picture: the middle of the stored one.
func centre(from []byte, side, size int) []byte {
	off, out := (side-size)/2, make([]byte, 3*size*size)
	for y := range size {
		copy(out[3*y*size:3*(y+1)*size], from[3*((y+off)*side+off):])
	}
	return out
}

func centreFlow(flow []byte, side, size int) []float32 {
	off, out := (side-size)/2, make([]float32, 2*size*size)
	for y := range size {
		for x := range size {
			u, v := flowAt(flow, side, float64(x+off), float64(y+off))
			out[2*(y*size+x)], out[2*(y*size+x)+1] = float32(u), float32(v)
		}
	}
	return out
}
