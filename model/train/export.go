package train

import (
	"fmt"
	"math"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Heat are the temperatures that the heads' logits are divided by: 1 leaves them.
type Heat struct{ Behaviour, Attention, Engagement float64 }

// ONNX writes the network as the file that model/classroom loads: inputs picture
// (N, 5, S, S), offset (B, T), seen (B, T); outputs behaviour, attention, engagement,
// moments, and embedding, at which the engine cuts. Batch norms are folded into
// the convolutions.
func (n *Network[T]) ONNX(heat Heat) []byte {
	f := &onnxFile{}
	s := n.Plan.Size
	f.inputs = [][]byte{port("picture", "N", Channels, s, s), port("offset", "B", "T"), port("seen", "B", "T")}
	f.meta = n.meta(heat)
	f.outputs = [][]byte{port("behaviour", "B", behaviours), port("attention", "B", 1), port("engagement", "B", levels), port("moments", "B", "T"), port("embedding", "N", n.Plan.Embedding)}
	x := exportLayer(f, n.stem, "stem", "picture")
	for i, k := range n.blocks {
		name, y := fmt.Sprintf("block%d", i), x
		for j, l := range k.layers {
			if j == 2 && k.squeeze.w != nil {
				y = exportSqueeze(f, k, name, y)
			}
			y = exportLayer(f, l, fmt.Sprintf("%s.%d", name, j), y)
		}
		if k.add {
			y = f.op("Add", name+".add", []string{x, y})
		}
		x = y
	}
	x = f.op("GlobalAveragePool", "mean", []string{exportLayer(f, n.top, "top", x)})
	w := f.floats("embed.w", single(n.embed.w.Value), n.Plan.Embedding, n.Plan.Top, 1, 1)
	x = f.op("Conv", "embed", []string{x, w, f.floats("embed.b", single(n.embed.b.Value), n.Plan.Embedding)})
	f.op("Flatten", "embedding", []string{x}, attr{"axis", 1})
	n.exportHeads(f, n.temporal.export(f, n.Plan), heat)
	return f.bytes()
}

// meta is what FromONNX needs to make the network again.
func (n *Network[T]) meta(heat Heat) [][2]string {
	plan, err := yaml.Marshal(n.Plan)
	if err != nil { // a struct of numbers and strings
		panic(err)
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return [][2]string{{"format", "classlens"}, {"plan", string(plan)}, {"heat_behaviour", number(heat.Behaviour)}, {"heat_attention", number(heat.Attention)}, {"heat_engagement", number(heat.Engagement)}}
}

func single[T Float](v []T) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// exportLayer writes a convolution with its norm folded in.
func exportLayer[T Float](f *onnxFile, l *layer[T], name, in string) string {
	out := l.w.Shape[0]
	inner := len(l.w.Value) / out
	weights, bias := make([]float32, len(l.w.Value)), make([]float32, out)
	for o := range out {
		k := float64(l.scale.Value[o]) / math.Sqrt(float64(l.stats.Variance[o])+epsilon)
		bias[o] = float32(float64(l.shift.Value[o]) - float64(l.stats.Mean[o])*k)
		for i := o * inner; i < (o+1)*inner; i++ {
			weights[i] = float32(float64(l.w.Value[i]) * k)
		}
	}
	y := f.op("Conv", name, []string{in, f.floats(name+".w", weights, l.w.Shape...), f.floats(name+".b", bias, out)}, attr{"strides", []int{l.stride, l.stride}},
		attr{"pads", []int{l.pad, l.pad, l.pad, l.pad}}, attr{"group", l.groups}, attr{"kernel_shape", l.w.Shape[2:]})
	if l.cut {
		f.scalars()
		y = f.op("Clip", name+".cut", []string{y, "low", "high"})
	}
	return y
}

// exportSqueeze writes squeeze-and-excitation; its dense layers are 1x1 convolutions
// of a map of one pixel.
func exportSqueeze[T Float](f *onnxFile, k *block[T], name, in string) string {
	wide, narrow := k.excite.w.Shape[0], k.excite.w.Shape[1]
	x := f.op("GlobalAveragePool", name+".mean", []string{in})
	x = f.op("Conv", name+".squeeze", []string{x, f.floats(name+".squeeze.w", single(k.squeeze.w.Value), narrow, wide, 1, 1), f.floats(name+".squeeze.b", single(k.squeeze.b.Value), narrow)})
	x = f.op("Conv", name+".excite", []string{f.op("Relu", name+".relu", []string{x}), f.floats(name+".excite.w", single(k.excite.w.Value), wide, narrow, 1, 1), f.floats(name+".excite.b", single(k.excite.b.Value), wide)})
	return f.op("Mul", name+".weighted", []string{in, f.op("Sigmoid", name+".weights", []string{x})})
}

// scalars makes Clip's bounds once.
func (f *onnxFile) scalars() {
	if f.bounds {
		return
	}
	f.bounds = true
	f.floats("low", []float32{0})
	f.floats("high", []float32{6})
}

func exportDense[T Float](f *onnxFile, d dense[T], name, in string) string {
	return f.op("Gemm", name, []string{in, f.floats(name+".w", single(d.w.Value), d.w.Shape...), f.floats(name+".b", single(d.b.Value), d.b.Shape...)}, attr{"transB", 1})
}

func (n *Network[T]) exportHeads(f *onnxFile, x string, heat Heat) {
	cool := func(in, name string, heat float64) string {
		return f.op("Mul", name+".cool", []string{in, f.floats(name+".heat", []float32{float32(1 / heat)})})
	}
	f.op("Softmax", "behaviour", []string{cool(exportDense(f, n.behaviour, "behaviour.logits", x), "behaviour", heat.Behaviour)}, attr{"axis", -1})
	f.op("Sigmoid", "attention", []string{cool(exportDense(f, n.on, "attention.logit", x), "attention", heat.Attention)})
	at := make([]float32, levels-1)
	for j, v := range n.steps.Value {
		if j == 0 {
			at[0] = float32(v)
			continue
		}
		at[j] = at[j-1] + float32(math.Max(float64(v), 0)+math.Log1p(math.Exp(-math.Abs(float64(v)))))
	}
	logits := f.op("Sub", "engagement.logits", []string{exportDense(f, n.engage, "engagement.score", x), f.floats("thresholds", at, 1, levels-1)})
	above := f.op("Sigmoid", "above", []string{cool(logits, "engagement", heat.Engagement)})
	// P(level = k) from P(level > k): 1-a0, a0-a1, a1-a2, a2
	m := []float32{-1, 1, 0, 0, 0, -1, 1, 0, 0, 0, -1, 1}
	f.op("Gemm", "engagement", []string{above, f.floats("differences", m, levels-1, levels), f.floats("first", []float32{1, 0, 0, 0}, levels)})
}
