package train

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// FromONNX makes a network, for fine-tuning or attacks, from a file that Network.ONNX wrote:
// its metadata have the plan, and its tensors have the parameters' names. Batch norms
// become the scale and shift that they were folded into. Files of other programs are
// refused: model.Load can run them, but nothing says how to train them.
func FromONNX(file []byte) (*Network[float32], Heat, error) {
	tensors, meta, err := readONNX(file)
	if err != nil {
		return nil, Heat{}, fmt.Errorf("%w: %v", ErrWeights, err)
	}
	if meta["plan"] == "" {
		return nil, Heat{}, fmt.Errorf("%w that can be trained on: the ONNX file was not written by classlens train", ErrWeights)
	}
	n, err := planned(meta["plan"])
	if err != nil {
		return nil, Heat{}, err
	}
	im := importer{tensors: tensors}
	im.network(n)
	return n, heatOf(meta), im.err
}

type importer struct {
	tensors map[string][]float32
	err     error
}

func (im *importer) read(name string, to []float32) {
	v := im.tensors[name]
	if len(v) != len(to) && im.err == nil {
		im.err = fmt.Errorf("%w: tensor %s has %d values, want %d", ErrWeights, name, len(v), len(to))
	}
	copy(to, v)
}

func (im *importer) layer(l *layer[float32], name string) {
	im.read(name+".w", l.w.Value)
	im.read(name+".b", l.shift.Value)
	for i := range l.scale.Value { // the norm that changes nothing
		l.scale.Value[i], l.stats.Mean[i], l.stats.Variance[i] = 1, 0, 1-epsilon
	}
}

func (im *importer) dense(d dense[float32], name string) {
	im.read(name+".w", d.w.Value)
	im.read(name+".b", d.b.Value)
}

func (im *importer) network(n *Network[float32]) {
	im.layer(n.stem, "stem")
	for i, b := range n.blocks {
		name := fmt.Sprintf("block%d", i)
		for j, l := range b.layers {
			im.layer(l, fmt.Sprintf("%s.%d", name, j))
		}
		if b.squeeze.w != nil {
			im.dense(b.squeeze, name+".squeeze")
			im.dense(b.excite, name+".excite")
		}
	}
	im.layer(n.top, "top")
	im.dense(n.embed, "embed")
	switch m := n.temporal.(type) {
	case *attention[float32]:
		for name, d := range map[string]dense[float32]{"time": m.time, "query": m.query, "key": m.key, "value": m.value, "back": m.back, "score": m.score} {
			im.dense(d, name)
		}
	case *recurrent[float32]:
		im.dense(m.time, "time")
		im.dense(m.back, "back")
		im.gates(m, n.Plan)
	}
	im.dense(n.behaviour, "behaviour.logits")
	im.dense(n.on, "attention.logit")
	im.dense(n.engage, "engagement.score")
	im.read("thresholds", n.steps.Value)
	for i := len(n.steps.Value) - 1; i > 0; i-- { // gaps, before softplus
		gap := max(float64(n.steps.Value[i]-n.steps.Value[i-1]), 1e-6)
		n.steps.Value[i] = float32(gap + math.Log(-math.Expm1(-gap)))
	}
}

// gates puts a recurrent part's gates back from ONNX's order.
func (im *importer) gates(m *recurrent[float32], p Plan) {
	_, order := m.order()
	wide := m.gates * p.Width
	w, r, b := make([]float32, wide*p.Embedding), make([]float32, wide*p.Width), make([]float32, 2*wide)
	im.read("gates.w", w)
	im.read("gates.r", r)
	im.read("gates.b", b)
	for i, g := range order {
		copy(m.in.w.Value[g*p.Width*p.Embedding:], w[i*p.Width*p.Embedding:(i+1)*p.Width*p.Embedding])
		copy(m.state.w.Value[g*p.Width*p.Width:], r[i*p.Width*p.Width:(i+1)*p.Width*p.Width])
		copy(m.in.b.Value[g*p.Width:], b[i*p.Width:(i+1)*p.Width])
		copy(m.state.b.Value[g*p.Width:], b[wide+i*p.Width:wide+(i+1)*p.Width])
	}
}

// fields walks over the fields of a protobuf message that hold bytes.
func fields(message []byte, do func(number protowire.Number, value []byte)) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if kind == protowire.BytesType {
			if v, m := protowire.ConsumeBytes(message); m >= 0 {
				do(number, v)
			}
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
	}
	return nil
}

// readONNX gives the float tensors and the metadata of a file.
func readONNX(file []byte) (tensors map[string][]float32, meta map[string]string, err error) {
	tensors, meta = map[string][]float32{}, map[string]string{}
	inner := func(message []byte, do func(protowire.Number, []byte)) {
		if e := fields(message, do); e != nil {
			err = e
		}
	}
	inner(file, func(number protowire.Number, v []byte) {
		switch number {
		case 7: // graph
			inner(v, func(number protowire.Number, t []byte) {
				if number != 5 {
					return
				}
				var name string
				var raw []byte
				inner(t, func(number protowire.Number, v []byte) {
					switch number {
					case 8:
						name = string(v)
					case 9:
						raw = v
					}
				})
				values := make([]float32, len(raw)/4)
				if binary.Read(bytes.NewReader(raw), binary.LittleEndian, values) == nil {
					tensors[name] = values
				}
			})
		case 14: // metadata
			var key, value string
			inner(v, func(number protowire.Number, v []byte) {
				if number == 1 {
					key = string(v)
				} else if number == 2 {
					value = string(v)
				}
			})
			meta[key] = value
		}
	})
	return tensors, meta, err
}

// FromFile reads weights in either form.
func FromFile(file []byte) (*Network[float32], Heat, error) {
	if _, _, err := safetensorsHead(file); err == nil {
		return FromSafetensors(file)
	}
	return FromONNX(file)
}
