package train

import "math"

// timed writes the time code and adds it to the embeddings.
func timed[T Float](f *onnxFile, time dense[T]) string {
	rate := rates()
	w := make([]float32, waves)
	for i, v := range rate {
		w[i] = float32(v)
	}
	angle := f.op("Mul", "angle", []string{f.op("Reshape", "offset.column", []string{"offset", f.ints("column", -1, 1)}), f.floats("rates", w, 1, waves)})
	code := f.op("Concat", "code", []string{f.op("Sin", "sines", []string{angle}), f.op("Cos", "cosines", []string{angle})}, attr{"axis", 1})
	return f.op("Add", "timed", []string{"embedding", exportDense(f, time, "time", code)})
}

// hidden writes what is added to the scores of steps: 0, or -1e4 where hidden.
func hidden(f *onnxFile) string {
	f.floats("one", []float32{1})
	return f.op("Mul", "hide", []string{f.op("Sub", "unseen", []string{"seen", "one"}), f.floats("far", []float32{1e4})})
}

// pooled writes the steps x (B·T, D) weighted by "moments".
func pooled(f *onnxFile, x, shape string, dim int) string {
	steps := f.op("Concat", "steps", []string{shape, f.ints("deep", int64(dim))}, attr{"axis", 0})
	y := f.op("MatMul", "pooled", []string{f.op("Unsqueeze", "moments.row", []string{"moments", f.ints("between", 1)}), f.op("Reshape", "mixed.steps", []string{x, steps})})
	return f.op("Reshape", "decided", []string{y, f.ints("flat", -1, int64(dim))})
}

func (a *attention[T]) export(f *onnxFile, p Plan) string {
	x := timed(f, a.time)
	shape := f.op("Shape", "shape", []string{"offset"})
	heads, width := p.Heads, p.Width/p.Heads
	split := f.op("Concat", "split", []string{shape, f.ints("heads", int64(heads), int64(width))}, attr{"axis", 0})
	part := func(d dense[T], name string, order []int) string {
		return f.op("Transpose", name+".heads", []string{f.op("Reshape", name+".split", []string{exportDense(f, d, name, x), split})}, attr{"perm", order})
	}
	q, k, v := part(a.query, "query", []int{0, 2, 1, 3}), part(a.key, "key", []int{0, 2, 3, 1}), part(a.value, "value", []int{0, 2, 1, 3})
	hide := hidden(f)
	scores := f.op("Mul", "scaled", []string{f.op("MatMul", "products", []string{q, k}), f.floats("scale", []float32{float32(1 / math.Sqrt(float64(width)))})})
	scores = f.op("Add", "scores", []string{scores, f.op("Unsqueeze", "hide.heads", []string{hide, f.ints("middle", 1, 2)})})
	looked := f.op("MatMul", "looked", []string{f.op("Softmax", "shares", []string{scores}, attr{"axis", -1}), v})
	looked = f.op("Reshape", "looked.rows", []string{f.op("Transpose", "looked.steps", []string{looked}, attr{"perm", []int{0, 2, 1, 3}}), f.ints("rows", -1, int64(p.Width))})
	x = f.op("Add", "mixed", []string{x, exportDense(f, a.back, "back", looked)})
	score := f.op("Reshape", "score.steps", []string{exportDense(f, a.score, "score", x), shape})
	f.op("Softmax", "moments", []string{f.op("Add", "score.hidden", []string{score, hide})}, attr{"axis", -1})
	return pooled(f, x, shape, p.Embedding)
}

func (meanPart[T]) export(f *onnxFile, p Plan) string {
	f.op("Softmax", "moments", []string{hidden(f)}, attr{"axis", -1})
	return pooled(f, "embedding", f.op("Shape", "shape", []string{"offset"}), p.Embedding)
}

// export moves the steps that were seen to the front of each sequence, by a matrix of
// ones and zeros, and tells ONNX's LSTM or GRU how many there are: so hidden steps
// leave the state as it is.
func (m *recurrent[T]) export(f *onnxFile, p Plan) string {
	mean := meanPart[T]{}.export(f, p)
	x := f.op("Reshape", "timed.steps", []string{timed(f, m.time), "steps"}) // (B, T, D)
	f.ints("along", 1)
	rank := f.op("CumSum", "rank", []string{"seen", f.ints0("along.axis", 1)})
	// Places 1..T: the running number of steps of a sequence all of whose steps are seen.
	ones := f.op("Add", "ones", []string{f.op("Sub", "zeros", []string{"seen", "seen"}), "one"})
	place := f.op("CumSum", "place", []string{ones, "along.axis"})
	same := f.op("Cast", "same", []string{f.op("Equal", "is.place", []string{f.op("Unsqueeze", "rank.row", []string{rank, "along"}), f.op("Unsqueeze", "place.column", []string{place, f.ints("last", 2)})})}, attr{"to", 1})
	order := f.op("Mul", "order", []string{same, f.op("Unsqueeze", "seen.row", []string{"seen", "along"})}) // (B, T to, T from)
	x = f.op("Transpose", "in.order", []string{f.op("MatMul", "moved", []string{order, x})}, attr{"perm", []int{1, 0, 2}})
	count := f.op("Max", "count.least", []string{f.op("ReduceSum", "count", []string{"seen", "along"}, attr{"keepdims", 0}), "one"})
	length := f.op("Cast", "length", []string{count}, attr{"to", 6})
	kind, w, r, b := m.gatesFor(p)
	in := []string{x, f.floats("gates.w", w, 1, m.gates*p.Width, p.Embedding), f.floats("gates.r", r, 1, m.gates*p.Width, p.Width), f.floats("gates.b", b, 1, 2*m.gates*p.Width), length}
	attrs := []attr{{"hidden_size", p.Width}}
	if kind == "GRU" {
		attrs = append(attrs, attr{"linear_before_reset", 1})
	}
	f.many(kind, []string{"", "last.state"}, in, attrs...)
	last := f.op("Reshape", "last.rows", []string{"last.state", f.ints("state.rows", -1, int64(p.Width))})
	return f.op("Add", "decided.mixed", []string{mean, exportDense(f, m.back, "back", last)})
}

// order is ONNX's op and where its gates are among ours.
func (m *recurrent[T]) order() (kind string, order []int) {
	if m.gates == 3 {
		return "GRU", []int{1, 0, 2}
	}
	return "LSTM", []int{0, 3, 1, 2}
}

// gatesFor puts the gates in ONNX's order: input, output, forget, cell; or update,
// reset, new.
func (m *recurrent[T]) gatesFor(p Plan) (kind string, w, r, b []float32) {
	kind, order := m.order()
	pick := func(v []T, width int) (out []float32) {
		for _, g := range order {
			out = append(out, single(v[g*p.Width*width:(g+1)*p.Width*width])...)
		}
		return out
	}
	b = pick(m.in.b.Value, 1)
	if m.gates == 3 {
		b = append(b, pick(m.state.b.Value, 1)...)
	} else {
		b = append(b, make([]float32, m.gates*p.Width)...)
	}
	return kind, pick(m.in.w.Value, p.Embedding), pick(m.state.w.Value, p.Width), b
}
