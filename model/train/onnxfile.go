package train

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// onnxFile gathers the nodes of an ONNX graph and writes the file (opset 17). Field
// numbers are onnx.proto's.
type onnxFile struct {
	nodes, constants, inputs, outputs [][]byte
	meta                              [][2]string // key and value
	bounds                            bool        // Clip's bounds are among the constants
}

// attr is an op's attribute: an int, a float or a list of ints.
type attr struct {
	name  string
	value any
}

func str(b []byte, number protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), s)
}

func num(b []byte, number protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
}

func sub(b []byte, number protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), message)
}

// op adds a node with one output and gives that output's name.
func (f *onnxFile) op(kind, out string, in []string, attrs ...attr) string {
	f.many(kind, []string{out}, in, attrs...)
	return out
}

// many adds a node with several outputs.
func (f *onnxFile) many(kind string, out, in []string, attrs ...attr) {
	var b []byte
	for _, s := range in {
		b = str(b, 1, s)
	}
	for _, s := range out {
		b = str(b, 2, s)
	}
	b = str(str(b, 3, out[len(out)-1]), 4, kind)
	for _, a := range attrs {
		m := str(nil, 1, a.name)
		switch v := a.value.(type) {
		case int:
			m = num(num(m, 3, int64(v)), 20, 2)
		case float64:
			m = protowire.AppendFixed32(protowire.AppendTag(m, 2, protowire.Fixed32Type), math.Float32bits(float32(v)))
			m = num(m, 20, 1)
		case []int:
			for _, x := range v {
				m = num(m, 8, int64(x))
			}
			m = num(m, 20, 7)
		}
		b = sub(b, 5, m)
	}
	f.nodes = append(f.nodes, b)
}

// tensor adds a constant.
func (f *onnxFile) tensor(name string, kind int64, raw []byte, shape []int) string {
	var b []byte
	for _, d := range shape {
		b = num(b, 1, int64(d))
	}
	b = sub(str(num(b, 2, kind), 8, name), 9, raw)
	f.constants = append(f.constants, b)
	return name
}

func (f *onnxFile) floats(name string, v []float32, shape ...int) string {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return f.tensor(name, 1, raw, shape)
}

func (f *onnxFile) ints(name string, v ...int64) string {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return f.tensor(name, 7, raw, []int{len(v)})
}

// ints0 is one int without dimensions.
func (f *onnxFile) ints0(name string, v int64) string {
	return f.tensor(name, 7, binary.LittleEndian.AppendUint64(nil, uint64(v)), nil)
}

// port describes an input or output; a dimension is a number or a name.
func port(name string, dims ...any) []byte {
	var shape []byte
	for _, d := range dims {
		var m []byte
		switch v := d.(type) {
		case int:
			m = num(nil, 1, int64(v))
		case string:
			m = str(nil, 2, v)
		}
		shape = sub(shape, 1, m)
	}
	return sub(str(nil, 1, name), 2, sub(nil, 1, sub(num(nil, 1, 1), 2, shape)))
}

// bytes is the whole file.
func (f *onnxFile) bytes() []byte {
	var g []byte
	for _, n := range f.nodes {
		g = sub(g, 1, n)
	}
	g = str(g, 2, "classroom")
	for _, c := range f.constants {
		g = sub(g, 5, c)
	}
	for _, p := range f.inputs {
		g = sub(g, 11, p)
	}
	for _, p := range f.outputs {
		g = sub(g, 12, p)
	}
	m := str(num(nil, 1, 8), 2, "classlens")
	m = sub(sub(m, 7, g), 8, num(str(nil, 1, ""), 2, 17))
	for _, k := range f.meta {
		m = sub(m, 14, str(str(nil, 1, k[0]), 2, k[1]))
	}
	return m
}
