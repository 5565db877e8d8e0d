package tfjs

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of onnx.proto, as far as they are written here.
const (
	modelIRVersion, modelProducer, modelGraph, modelOpset = 1, 2, 7, 8
	graphNode, graphName, graphInit, graphIn, graphOut    = 1, 2, 5, 11, 12
	nodeIn, nodeOut, nodeName, nodeOp, nodeAttr           = 1, 2, 3, 4, 5
	attrName, attrInt, attrString, attrInts, attrType     = 1, 3, 4, 8, 20
	tensorDims, tensorType, tensorName, tensorRaw         = 1, 2, 8, 9
	typeFloat                                             = 1
)

// builder collects a graph in ONNX's wire format.
type builder struct{ nodes, inits, ports []byte }

func bytesField(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func stringField(b []byte, field protowire.Number, v string) []byte {
	return bytesField(b, field, []byte(v))
}

func intField(b []byte, field protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

// attribute is one ONNX attribute: an int, a string or a list of ints.
type attribute struct {
	name  string
	value any
}

func (a attribute) encode() []byte {
	b := stringField(nil, attrName, a.name)
	switch v := a.value.(type) {
	case int:
		b = intField(b, attrInt, v)
		b = intField(b, attrType, 2)
	case string:
		b = stringField(b, attrString, v)
		b = intField(b, attrType, 3)
	case []int:
		for _, n := range v {
			b = intField(b, attrInts, n)
		}
		b = intField(b, attrType, 7)
	}
	return b
}

// op writes a node; its output bears the node's name.
func (g *builder) op(kind, name string, in []string, attrs ...attribute) string {
	var b []byte
	for _, s := range in {
		b = stringField(b, nodeIn, s)
	}
	b = stringField(b, nodeOut, name)
	b = stringField(b, nodeName, name)
	b = stringField(b, nodeOp, kind)
	for _, a := range attrs {
		b = bytesField(b, nodeAttr, a.encode())
	}
	g.nodes = bytesField(g.nodes, graphNode, b)
	return name
}

// tensor writes a float initializer.
func (g *builder) tensor(name string, shape []int, data []float32) string {
	var b []byte
	for _, d := range shape {
		b = intField(b, tensorDims, d)
	}
	b = intField(b, tensorType, typeFloat)
	b = stringField(b, tensorName, name)
	raw := make([]byte, 0, 4*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	b = bytesField(b, tensorRaw, raw)
	g.inits = bytesField(g.inits, graphInit, b)
	return name
}

// port writes an input or output of shape (1, channels, free, free); h and w
// name the free dimensions.
func (g *builder) port(field protowire.Number, name string, channels int, h, w string) {
	dim := func(value int, param string) []byte {
		var d []byte
		if param != "" {
			d = stringField(nil, 2, param)
		} else {
			d = intField(nil, 1, value)
		}
		return bytesField(nil, 1, d)
	}
	var shape []byte
	for _, d := range [][]byte{dim(1, ""), dim(channels, ""), dim(0, h), dim(0, w)} {
		shape = append(shape, d...)
	}
	tensor := bytesField(intField(nil, 1, typeFloat), 2, shape)
	info := bytesField(stringField(nil, 1, name), 2, bytesField(nil, 1, tensor))
	g.ports = bytesField(g.ports, field, info)
}

// model closes the graph into an ONNX file, opset 11.
func (g *builder) model(name string) []byte {
	graph := append([]byte(nil), g.nodes...)
	graph = stringField(graph, graphName, name)
	graph = append(graph, g.inits...)
	graph = append(graph, g.ports...)
	b := intField(nil, modelIRVersion, 6)
	b = stringField(b, modelProducer, "classlens")
	b = bytesField(b, modelGraph, graph)
	return bytesField(b, modelOpset, intField(stringField(nil, 1, ""), 2, 11))
}
