package model

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds on what a file may ask for: a hostile one must not make the program
// allocate more than its own size allows.
const (
	maxNodes      = 1 << 16
	maxDimensions = 8
	maxElements   = 1 << 28
)

// graphFile is the content of an ONNX file.
type graphFile struct {
	opset        int64
	nodes        []*node
	initializers map[string]*value
	inputs       []Port
	outputs      []Port
}

// node is one op with the names of its inputs and outputs.
type node struct {
	op, name        string
	inputs, outputs []string
	attrs           map[string]attribute
}

// attribute is one of an op's constants.
type attribute struct {
	f      float32
	i      int64
	s      string
	t      *value
	floats []float32
	ints   []int64
}

// Port is an input or output of a network; -1 is a free dimension.
type Port struct {
	Name  string
	Shape []int
}

// field is one field of a protobuf message.
type field struct {
	number protowire.Number
	wire   protowire.Type
	varint uint64 // also the bits of fixed32 and fixed64
	bytes  []byte
}

// eachField walks a message and gives its fields to f.
func eachField(b []byte, f func(field) error) error {
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("%w: %v", ErrMalformed, protowire.ParseError(n))
		}
		b = b[n:]
		fd := field{number: number, wire: wire}
		switch wire {
		case protowire.VarintType:
			fd.varint, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			fd.varint = uint64(v)
		case protowire.Fixed64Type:
			fd.varint, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			fd.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, wire, b)
		}
		if n < 0 {
			return fmt.Errorf("%w: %v", ErrMalformed, protowire.ParseError(n))
		}
		b = b[n:]
		if err := f(fd); err != nil {
			return err
		}
	}
	return nil
}

// readONNX parses the file's model and graph.
func readONNX(b []byte) (*graphFile, error) {
	g := &graphFile{initializers: map[string]*value{}}
	var graph []byte
	err := eachField(b, func(f field) error {
		switch f.number {
		case 7:
			graph = f.bytes
		case 8: // opset_import: the default domain's version counts
			return g.readOpset(f.bytes)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if graph == nil {
		return nil, fmt.Errorf("%w: it has no graph", ErrMalformed)
	}
	if err := eachField(graph, g.readGraphField); err != nil {
		return nil, err
	}
	if len(g.nodes) == 0 || len(g.outputs) == 0 {
		return nil, fmt.Errorf("%w: the graph has no ops or no outputs", ErrMalformed)
	}
	g.dropInitializedInputs()
	return g, nil
}

func (g *graphFile) readOpset(b []byte) error {
	var domain string
	var version int64
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			domain = string(f.bytes)
		case 2:
			version = int64(f.varint)
		}
		return nil
	})
	if domain == "" || domain == "ai.onnx" {
		g.opset = version
	}
	return err
}

func (g *graphFile) readGraphField(f field) error {
	switch f.number {
	case 1:
		n, err := readNode(f.bytes)
		if err != nil {
			return err
		}
		if len(g.nodes) == maxNodes {
			return fmt.Errorf("%w: more than %d ops", ErrMalformed, maxNodes)
		}
		g.nodes = append(g.nodes, n)
	case 5:
		name, v, err := readTensor(f.bytes)
		if err != nil {
			return err
		}
		g.initializers[name] = v
	case 11, 12:
		p, err := readPort(f.bytes)
		if err != nil {
			return err
		}
		if f.number == 11 {
			g.inputs = append(g.inputs, p)
		} else {
			g.outputs = append(g.outputs, p)
		}
	}
	return nil
}

// dropInitializedInputs: old files list their weights among the inputs.
func (g *graphFile) dropInitializedInputs() {
	kept := g.inputs[:0]
	for _, p := range g.inputs {
		if g.initializers[p.Name] == nil {
			kept = append(kept, p)
		}
	}
	g.inputs = kept
}

func readNode(b []byte) (*node, error) {
	n := &node{attrs: map[string]attribute{}}
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			n.inputs = append(n.inputs, string(f.bytes))
		case 2:
			n.outputs = append(n.outputs, string(f.bytes))
		case 3:
			n.name = string(f.bytes)
		case 4:
			n.op = string(f.bytes)
		case 5:
			name, a, err := readAttribute(f.bytes)
			if err != nil {
				return err
			}
			n.attrs[name] = a
		}
		return nil
	})
	if err == nil && (n.op == "" || len(n.outputs) == 0) {
		err = fmt.Errorf("%w: an op without type or output", ErrMalformed)
	}
	return n, err
}

func readAttribute(b []byte) (string, attribute, error) {
	var name string
	var a attribute
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			name = string(f.bytes)
		case 2:
			a.f = math.Float32frombits(uint32(f.varint))
		case 3:
			a.i = int64(f.varint)
		case 4:
			a.s = string(f.bytes)
		case 5:
			_, t, err := readTensor(f.bytes)
			a.t = t
			return err
		case 7:
			return readFloats(f, &a.floats)
		case 8:
			return readInts(f, &a.ints)
		}
		return nil
	})
	return name, a, err
}

// readFloats appends a packed or single float field.
func readFloats(f field, to *[]float32) error {
	if f.wire == protowire.Fixed32Type {
		*to = append(*to, math.Float32frombits(uint32(f.varint)))
		return nil
	}
	if len(f.bytes)%4 != 0 {
		return fmt.Errorf("%w: floats of %d bytes", ErrMalformed, len(f.bytes))
	}
	*to = slices.Grow(*to, len(f.bytes)/4)
	for b := f.bytes; len(b) > 0; b = b[4:] {
		*to = append(*to, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return nil
}

// readInts appends a packed or single varint field.
func readInts(f field, to *[]int64) error {
	if f.wire == protowire.VarintType {
		*to = append(*to, int64(f.varint))
		return nil
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return fmt.Errorf("%w: %v", ErrMalformed, protowire.ParseError(n))
		}
		*to = append(*to, int64(v))
		b = b[n:]
	}
	return nil
}

// Element types of TensorProto.
const (
	typeFloat  = 1
	typeInt32  = 6
	typeInt64  = 7
	typeBool   = 9
	typeDouble = 11
)

// rawTensor is a TensorProto as it lies in the file.
type rawTensor struct {
	name   string
	dims   []int64
	kind   uint64
	floats []float32
	ints   []int64
	raw    []byte
	hasRaw bool
}

func readTensor(b []byte) (string, *value, error) {
	var t rawTensor
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			return readInts(f, &t.dims)
		case 2:
			t.kind = f.varint
		case 4:
			return readFloats(f, &t.floats)
		case 5, 7:
			return readInts(f, &t.ints)
		case 8:
			t.name = string(f.bytes)
		case 9:
			t.raw, t.hasRaw = f.bytes, true
		case 14: // data_location
			if f.varint != 0 {
				return fmt.Errorf("%w: weights in another file", ErrUnsupported)
			}
		}
		return nil
	})
	if err != nil {
		return "", nil, err
	}
	v, err := t.value()
	return t.name, v, err
}

func (t *rawTensor) value() (*value, error) {
	shape, n, err := t.shape()
	if err != nil {
		return nil, err
	}
	v := &value{shape: shape}
	switch t.kind {
	case typeFloat:
		if v.floats = t.floats; t.hasRaw {
			if len(t.raw) != 4*n {
				return nil, t.wrongCount(n, len(t.raw)/4)
			}
			v.floats = floatsIn(t.raw)
		}
		if len(v.floats) != n {
			return nil, t.wrongCount(n, len(v.floats))
		}
		return v, nil
	case typeInt64, typeInt32, typeBool:
		if v.ints = t.ints; t.hasRaw {
			v.ints = rawInts(t.raw, t.kind)
		}
	case typeDouble:
		if !t.hasRaw || len(t.raw) != 8*n {
			return nil, t.wrongCount(n, len(t.raw)/8)
		}
		v.floats = make([]float32, n)
		for i := range v.floats {
			v.floats[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(t.raw[8*i:])))
		}
		return v, nil
	default:
		return nil, fmt.Errorf("tensor %q of element type %d: %w", t.name, t.kind, ErrUnsupported)
	}
	if len(v.ints) != n {
		return nil, t.wrongCount(n, len(v.ints))
	}
	if v.ints == nil {
		v.ints = []int64{}
	}
	return v, nil
}

// floatsIn gives a file's bytes as floats, without a copy if possible: ONNX's little-endian order is that of all machines the engine runs on,
// and nobody writes to a network's constants. Weights are most of a file, and fresh memory costs more than
// reading it.
func floatsIn(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

func (t *rawTensor) shape() ([]int, int, error) {
	if len(t.dims) > maxDimensions {
		return nil, 0, fmt.Errorf("%w: tensor %q has %d dimensions", ErrMalformed, t.name, len(t.dims))
	}
	n, shape := 1, make([]int, len(t.dims))
	for i, d := range t.dims {
		if d < 0 || d > maxElements || n*int(d) > maxElements {
			return nil, 0, fmt.Errorf("%w: tensor %q has shape %v", ErrMalformed, t.name, t.dims)
		}
		shape[i] = int(d)
		n *= int(d)
	}
	return shape, n, nil
}

func (t *rawTensor) wrongCount(want, got int) error {
	return fmt.Errorf("%w: tensor %q has %d values, its shape wants %d", ErrMalformed, t.name, got, want)
}

func rawInts(raw []byte, kind uint64) []int64 {
	size := map[uint64]int{typeInt64: 8, typeInt32: 4, typeBool: 1}[kind]
	ints := make([]int64, len(raw)/size)
	for i := range ints {
		switch kind {
		case typeInt64:
			ints[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		case typeInt32:
			ints[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		default:
			ints[i] = int64(raw[i])
		}
	}
	return ints
}

func readPort(b []byte) (Port, error) {
	var p Port
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			p.Name = string(f.bytes)
		case 2: // TypeProto
			return eachField(f.bytes, func(f field) error {
				if f.number != 1 {
					return nil
				}
				return eachField(f.bytes, func(f field) error { // tensor_type
					if f.number != 2 {
						return nil
					}
					return eachField(f.bytes, func(f field) error { return p.readDimension(f) })
				})
			})
		}
		return nil
	})
	return p, err
}

func (p *Port) readDimension(f field) error {
	if f.number != 1 {
		return nil
	}
	if len(p.Shape) == maxDimensions {
		return fmt.Errorf("%w: %q has more than %d dimensions", ErrMalformed, p.Name, maxDimensions)
	}
	size := -1
	err := eachField(f.bytes, func(f field) error {
		if f.number == 1 && f.wire == protowire.VarintType && f.varint > 0 && f.varint < maxElements {
			size = int(f.varint)
		}
		return nil
	})
	p.Shape = append(p.Shape, size)
	return err
}
