package train

import (
	"fmt"
	"math"
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
	f.outputs = [][]byte{port("behaviour", "B", behaviours), port("attention", "B", 1), port("engagement", "B", levels), port("moments", "B", "T"), port("embedding", "N", n.Plan.Embedding)}
	x := exportLayer(f, n.stem, "stem", "picture")
	for i, k := range n.blocks {
		name, y := fmt.Sprintf("block%d", i), x
		for j, l := range k.layers {
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
	n.exportTemporal(f, heat)
	return f.bytes()
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

// exportTemporal writes everything behind the embedding.
func (n *Network[T]) exportTemporal(f *onnxFile, heat Heat) {
	rate := rates()
	w := make([]float32, waves)
	for i, v := range rate {
		w[i] = float32(v)
	}
	angle := f.op("Mul", "angle", []string{f.op("Reshape", "offset.column", []string{"offset", f.ints("column", -1, 1)}), f.floats("rates", w, 1, waves)})
	code := f.op("Concat", "code", []string{f.op("Sin", "sines", []string{angle}), f.op("Cos", "cosines", []string{angle})}, attr{"axis", 1})
	x := f.op("Add", "timed", []string{"embedding", exportDense(f, n.time, "time", code)})
	shape := f.op("Shape", "shape", []string{"offset"})
	heads, width := n.Plan.Heads, n.Plan.Width/n.Plan.Heads
	split := f.op("Concat", "split", []string{shape, f.ints("heads", int64(heads), int64(width))}, attr{"axis", 0})
	part := func(d dense[T], name string, order []int) string {
		return f.op("Transpose", name+".heads", []string{f.op("Reshape", name+".split", []string{exportDense(f, d, name, x), split})}, attr{"perm", order})
	}
	q, k, v := part(n.query, "query", []int{0, 2, 1, 3}), part(n.key, "key", []int{0, 2, 3, 1}), part(n.value, "value", []int{0, 2, 1, 3})
	f.floats("one", []float32{1})
	hide := f.op("Mul", "hide", []string{f.op("Sub", "unseen", []string{"seen", "one"}), f.floats("far", []float32{1e4})})
	scores := f.op("Mul", "scaled", []string{f.op("MatMul", "products", []string{q, k}), f.floats("scale", []float32{float32(1 / math.Sqrt(float64(width)))})})
	scores = f.op("Add", "scores", []string{scores, f.op("Unsqueeze", "hide.heads", []string{hide, f.ints("middle", 1, 2)})})
	looked := f.op("MatMul", "looked", []string{f.op("Softmax", "shares", []string{scores}, attr{"axis", -1}), v})
	looked = f.op("Reshape", "looked.rows", []string{f.op("Transpose", "looked.steps", []string{looked}, attr{"perm", []int{0, 2, 1, 3}}), f.ints("rows", -1, int64(n.Plan.Width))})
	x = f.op("Add", "mixed", []string{x, exportDense(f, n.back, "back", looked)})
	score := f.op("Reshape", "score.steps", []string{exportDense(f, n.score, "score", x), shape})
	f.op("Softmax", "moments", []string{f.op("Add", "score.hidden", []string{score, hide})}, attr{"axis", -1})
	steps := f.op("Concat", "steps", []string{shape, f.ints("deep", int64(n.Plan.Embedding))}, attr{"axis", 0})
	pooled := f.op("MatMul", "pooled", []string{f.op("Unsqueeze", "moments.row", []string{"moments", f.ints("between", 1)}), f.op("Reshape", "mixed.steps", []string{x, steps})})
	pooled = f.op("Reshape", "decided", []string{pooled, f.ints("flat", -1, int64(n.Plan.Embedding))})
	n.exportHeads(f, pooled, heat)
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
