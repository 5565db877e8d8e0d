package train

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Graph is a differentiable network from an ONNX file that another program wrote: the shipped
// weights are attacked and fine-tuned through it. It supports the ops of classroom
// networks, and refuses a file with others.
type Graph struct {
	// Params are the file's float tensors. Those of one number, and those that only tell
	// means, scales or periods, are trained like any other unless the caller leaves them out.
	Params []*Param[float32]

	file  []byte
	nodes []graphNode
	ints  map[string][]int // constants of shapes, indices and axes
	// scalars are those of them that have no axis.
	scalars map[string]bool
	by      map[string]*Param[float32]
}

// graphNode is one op of the file.
type graphNode struct {
	kind    string
	in, out []string
	ints    map[string][]int
	floats  map[string]float32
}

func (n *graphNode) int(name string, otherwise int) int {
	if v := n.ints[name]; len(v) > 0 {
		return v[0]
	}
	return otherwise
}

// Types of ONNX tensors.
const onnxFloat, onnxInt64 = 1, 7

// tensorOf is a tensor as onnx.proto has it.
type tensorOf struct {
	name   string
	shape  []int
	kind   int64
	floats []float32
	ints   []int
}

// varints walks over the fields of a message that hold a varint or 32 bits.
func varints(message []byte, do func(number protowire.Number, v uint64)) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		message = message[n:]
		switch kind {
		case protowire.VarintType:
			if v, m := protowire.ConsumeVarint(message); m >= 0 {
				do(number, v)
			}
		case protowire.Fixed32Type:
			if v, m := protowire.ConsumeFixed32(message); m >= 0 {
				do(number, uint64(v))
			}
		case protowire.BytesType: // packed
			if v, m := protowire.ConsumeBytes(message); m >= 0 && packed(number) {
				for len(v) > 0 {
					x, k := protowire.ConsumeVarint(v)
					if k < 0 {
						break
					}
					do(number, x)
					v = v[k:]
				}
			}
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return
		}
		message = message[n:]
	}
}

// packed tells whether a field of TensorProto is a list of integers: dims and int64_data.
func packed(number protowire.Number) bool { return number == 1 || number == 7 }

func readTensor(message []byte) (tensorOf, error) {
	var t tensorOf
	varints(message, func(number protowire.Number, v uint64) {
		switch number {
		case 1:
			t.shape = append(t.shape, int(v))
		case 2:
			t.kind = int64(v)
		case 7:
			t.ints = append(t.ints, int(v))
		}
	})
	err := fields(message, func(number protowire.Number, v []byte) {
		switch {
		case number == 8:
			t.name = string(v)
		case number == 9 && t.kind == onnxFloat, number == 4 && t.kind == onnxFloat:
			for i := 0; i+4 <= len(v); i += 4 {
				t.floats = append(t.floats, math.Float32frombits(binary.LittleEndian.Uint32(v[i:])))
			}
		case number == 9 && t.kind == onnxInt64:
			for i := 0; i+8 <= len(v); i += 8 {
				t.ints = append(t.ints, int(binary.LittleEndian.Uint64(v[i:])))
			}
		}
	})
	if err == nil && (t.kind != onnxFloat && t.kind != onnxInt64 || len(t.floats)+len(t.ints) != size(t.shape)) {
		err = fmt.Errorf("tensor %s of type %d and shape %v holds %d numbers", t.name, t.kind, t.shape, len(t.floats)+len(t.ints))
	}
	return t, err
}

// ReadGraph reads an ONNX file. The error wraps ErrWeights.
func ReadGraph(file []byte) (*Graph, error) {
	g := &Graph{file: file, ints: map[string][]int{}, scalars: map[string]bool{}, by: map[string]*Param[float32]{}}
	var bad error
	note := func(err error) {
		if bad == nil {
			bad = err
		}
	}
	note(fields(file, func(number protowire.Number, graph []byte) {
		if number != 7 {
			return
		}
		note(fields(graph, func(number protowire.Number, v []byte) {
			switch number {
			case 1:
				note(g.node(v))
			case 5:
				t, err := readTensor(v)
				note(err)
				g.keep(t, err == nil)
			}
		}))
	}))
	if bad == nil && len(g.nodes) == 0 {
		bad = fmt.Errorf("no graph in the file")
	}
	if bad != nil {
		return nil, fmt.Errorf("%w: %v", ErrWeights, bad)
	}
	return g, nil
}

// keep makes a float tensor a parameter, and remembers one of integers.
func (g *Graph) keep(t tensorOf, trained bool) {
	if t.kind == onnxInt64 {
		g.ints[t.name], g.scalars[t.name] = t.ints, len(t.shape) == 0
		return
	}
	p := &Param[float32]{Name: t.name, Shape: t.shape, Value: t.floats, Grad: make([]float32, len(t.floats)), Decay: len(t.shape) > 1}
	g.by[t.name] = p
	if trained {
		g.Params = append(g.Params, p)
	}
}

func (g *Graph) node(message []byte) error {
	n := graphNode{ints: map[string][]int{}, floats: map[string]float32{}}
	var constant *tensorOf
	err := fields(message, func(number protowire.Number, v []byte) {
		switch number {
		case 1:
			n.in = append(n.in, string(v))
		case 2:
			n.out = append(n.out, string(v))
		case 4:
			n.kind = string(v)
		case 5:
			if t := n.attribute(v); t != nil {
				constant = t
			}
		}
	})
	if err != nil {
		return err
	}
	if n.kind == "Constant" {
		if constant == nil || len(n.out) != 1 {
			return fmt.Errorf("a constant without a tensor")
		}
		constant.name = n.out[0]
		g.keep(*constant, false)
		return nil
	}
	if graphOps[n.kind] == nil && n.kind != "Shape" {
		return fmt.Errorf("op %s has no gradient here", n.kind)
	}
	g.nodes = append(g.nodes, n)
	return nil
}

// attribute reads an attribute, and gives its tensor where it has one.
func (n *graphNode) attribute(message []byte) *tensorOf {
	var name string
	var tensor *tensorOf
	_ = fields(message, func(number protowire.Number, v []byte) {
		switch number {
		case 1:
			name = string(v)
		case 5:
			if t, err := readTensor(v); err == nil {
				tensor = &t
			}
		case 8: // ints, packed
			for len(v) > 0 {
				x, k := protowire.ConsumeVarint(v)
				if k < 0 {
					return
				}
				n.ints[name] = append(n.ints[name], int(x))
				v = v[k:]
			}
		}
	})
	for rest := message; len(rest) > 0; {
		number, kind, k := protowire.ConsumeTag(rest)
		if k < 0 {
			break
		}
		rest = rest[k:]
		if kind == protowire.VarintType && (number == 3 || number == 8) {
			v, _ := protowire.ConsumeVarint(rest)
			n.ints[name] = append(n.ints[name], int(v))
		}
		if kind == protowire.Fixed32Type && number == 2 {
			v, _ := protowire.ConsumeFixed32(rest)
			n.floats[name] = math.Float32frombits(v)
		}
		if k = protowire.ConsumeFieldValue(number, kind, rest); k < 0 {
			break
		}
		rest = rest[k:]
	}
	return tensor
}

// Has tells whether the file has an op that makes a tensor of that name.
func (g *Graph) Has(output string) bool {
	for _, n := range g.nodes {
		for _, o := range n.out {
			if o == output {
				return true
			}
		}
	}
	return false
}

// Run computes outputs from inputs, by the file's names, on a tape. Only what they need
// is computed; an input may be a tensor inside the file, which cuts it there.
func (g *Graph) Run(t *Tape[float32], inputs map[string]*Node[float32], outputs ...string) (out []*Node[float32], err error) {
	defer func() { // ops panic on shapes that do not fit: here the file is at fault
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrWeights, r)
		}
	}()
	r := &graphRun{tape: t, graph: g, values: map[string]*Node[float32]{}, ints: map[string][]int{}}
	for name, v := range inputs {
		r.values[name] = v
	}
	for i, needed := range g.needed(inputs, outputs) {
		if needed {
			if err := r.op(&g.nodes[i]); err != nil {
				return nil, fmt.Errorf("%w: %v", ErrWeights, err)
			}
		}
	}
	for _, name := range outputs {
		v := r.values[name]
		if v == nil {
			return nil, fmt.Errorf("%w: the file has no %s", ErrWeights, name)
		}
		out = append(out, v)
	}
	return out, nil
}

// needed marks the nodes that outputs need beyond inputs.
func (g *Graph) needed(inputs map[string]*Node[float32], outputs []string) []bool {
	want, marked := map[string]bool{}, make([]bool, len(g.nodes))
	for _, o := range outputs {
		want[o] = true
	}
	for i := len(g.nodes) - 1; i >= 0; i-- {
		for _, o := range g.nodes[i].out {
			if want[o] && inputs[o] == nil {
				marked[i] = true
			}
		}
		if marked[i] {
			for _, in := range g.nodes[i].in {
				want[in] = true
			}
		}
	}
	return marked
}

// ONNX is the file with the parameters as they are now.
func (g *Graph) ONNX() []byte {
	return rewritten(g.file, func(number protowire.Number, graph []byte) []byte {
		if number != 7 {
			return graph
		}
		return rewritten(graph, func(number protowire.Number, v []byte) []byte {
			if number != 5 {
				return v
			}
			t, err := readTensor(v)
			p := g.by[t.name]
			if err != nil || p == nil || t.kind != onnxFloat {
				return v
			}
			raw := make([]byte, 0, 4*len(p.Value))
			for _, x := range p.Value {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
			}
			f := onnxFile{}
			f.tensor(p.Name, onnxFloat, raw, p.Shape)
			return f.constants[0]
		})
	})
}

// rewritten copies a message with the fields of bytes changed.
func rewritten(message []byte, change func(number protowire.Number, v []byte) []byte) []byte {
	var out []byte
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeField(message)
		if n < 0 {
			return append(out, message...)
		}
		if kind == protowire.BytesType {
			_, _, k := protowire.ConsumeTag(message)
			v, _ := protowire.ConsumeBytes(message[k:])
			out = sub(out, number, change(number, v))
		} else {
			out = append(out, message[:n]...)
		}
		message = message[n:]
	}
	return out
}
