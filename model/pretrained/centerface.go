package pretrained

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// centerfacePorts gives CenterFace's ends, numbers in the file, a name.
var centerfacePorts = map[string]string{"input.1": "picture", "537": "heatmap", "538": "log_size", "539": "offset", "540": "landmarks"}

// Field numbers of onnx.proto that are read or written here.
const (
	fieldGraph, fieldNode, fieldInput, fieldOutput = 7, 1, 11, 12
	fieldNodeIn, fieldNodeOut                      = 1, 2
)

// freeSize rewrites CenterFace so that height and width are free (any multiple
// of 32) and its ends bear names. The file declares fixed shapes and lists its
// weights as inputs; the ops themselves depend on neither.
func freeSize(onnx []byte) ([]byte, error) {
	return rewrite(onnx, func(num protowire.Number, v []byte) ([]byte, error) {
		if num != fieldGraph {
			return v, nil
		}
		return rewrite(v, func(num protowire.Number, v []byte) ([]byte, error) {
			switch num {
			case fieldNode:
				return rewrite(v, renamePort)
			case fieldInput, fieldOutput:
				return freePort(v)
			}
			return v, nil
		})
	})
}

// renamePort gives a node's input or output its new name.
func renamePort(num protowire.Number, v []byte) ([]byte, error) {
	if name, ok := centerfacePorts[string(v)]; ok && (num == fieldNodeIn || num == fieldNodeOut) {
		return []byte(name), nil
	}
	return v, nil
}

// channels of the ports of CenterFace.
var centerfaceChannels = map[string]uint64{"picture": 3, "heatmap": 1, "log_size": 2, "offset": 2, "landmarks": 10}

// freePort writes a value's declaration anew: (1, channels, H, W). nil drops
// it (a weight listed as an input).
func freePort(info []byte) ([]byte, error) {
	num, kind, n := protowire.ConsumeTag(info)
	if n < 0 || num != 1 || kind != protowire.BytesType {
		return nil, errors.New("a port without a name")
	}
	old, n2 := protowire.ConsumeString(info[n:])
	if n2 < 0 {
		return nil, errors.New("a port without a name")
	}
	name, ok := centerfacePorts[old]
	if !ok {
		return nil, nil
	}
	field := func(b []byte, num protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
	}
	number := func(v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), v)
	}
	h, w := "H", "W"
	if name != "picture" {
		h, w = "H_"+name, "W_"+name
	}
	var shape []byte
	for _, dim := range [][]byte{number(1), number(centerfaceChannels[name]), field(nil, 2, []byte(h)), field(nil, 2, []byte(w))} {
		shape = field(shape, 1, dim)
	}
	tensor := field(number(1), 2, shape) // elem_type float
	return field(field(nil, 1, []byte(name)), 2, field(nil, 1, tensor)), nil
}

// rewrite walks a message's fields and puts what edit gives in the place of
// each one of bytes; nil drops the field. Other fields are copied.
func rewrite(msg []byte, edit func(protowire.Number, []byte) ([]byte, error)) ([]byte, error) {
	out := make([]byte, 0, len(msg))
	for len(msg) > 0 {
		num, kind, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(num, kind, msg[n:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		if kind != protowire.BytesType {
			out = append(out, msg[:n+size]...)
			msg = msg[n+size:]
			continue
		}
		v, _ := protowire.ConsumeBytes(msg[n:])
		v, err := edit(num, v)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = protowire.AppendBytes(append(out, msg[:n]...), v)
		}
		msg = msg[n+size:]
	}
	return slices.Clip(out), nil
}
