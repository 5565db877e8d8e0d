package tfjs

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestHalf(t *testing.T) {
	for h, want := range map[uint16]float32{
		0: 0, 0x3c00: 1, 0xc000: -2, 0x3555: 0.333251953125, 0x7bff: 65504, 1: 1.0 / (1 << 24), 0x8400: -1.0 / (1 << 14),
		0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)),
	} {
		if got := half(h); got != want {
			t.Errorf("half(%#x) = %v, want %v", h, got, want)
		}
	}
	if got := half(0x7e00); got == got {
		t.Errorf("half(NaN) = %v", got)
	}
}

func TestSamePad(t *testing.T) {
	for _, c := range []struct{ size, kernel, stride, dilation, before, after, out int }{
		{256, 3, 2, 1, 0, 1, 128}, // asymmetric: what is odd goes to the end
		{255, 3, 2, 1, 1, 1, 128},
		{16, 3, 1, 1, 1, 1, 16},
		{512, 7, 4, 1, 1, 2, 128},
		{16, 3, 1, 2, 2, 2, 16},
		{8, 1, 2, 1, 0, 0, 4},
	} {
		if b, a, o := samePad(c.size, c.kernel, c.stride, c.dilation); b != c.before || a != c.after || o != c.out {
			t.Errorf("%+v: got %d, %d, %d", c, b, a, o)
		}
	}
}

func TestTurnWeights(t *testing.T) {
	w := array{shape: []int{1, 2, 2, 3}, data: []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}} // (kh, kw, in, out)
	if got, want := turnWeights(&w, false), []float32{0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11}; !slices.Equal(got, want) {
		t.Errorf("plain: got %v, want %v", got, want)
	}
	if got, want := turnWeights(&w, true), []float32{0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11}; !slices.Equal(got, want) {
		t.Errorf("depthwise: got %v, want %v", got, want)
	}
}

// tiny is a graph of a fused convolution at stride 2 and its upsampling, with
// one thing changed by edit.
func tiny(edit func(nodes []map[string]any)) (graph, weights []byte) {
	b64 := func(s string) map[string]any {
		return map[string]any{"s": base64.StdEncoding.EncodeToString([]byte(s))}
	}
	ints := func(v ...string) map[string]any { return map[string]any{"list": map[string]any{"i": v}} }
	nodes := []map[string]any{
		{"name": "x", "op": "Placeholder"},
		{"name": "w", "op": "Const"}, {"name": "b", "op": "Const"}, {"name": "size", "op": "Const"},
		{"name": "conv", "op": "_FusedConv2D", "input": []string{"x", "w", "b"}, "attr": map[string]any{
			"padding": b64("SAME"), "strides": ints("1", "2", "2", "1"), "dilations": ints("1", "1", "1", "1"),
			"fused_ops": map[string]any{"list": map[string]any{"s": []string{
				base64.StdEncoding.EncodeToString([]byte("BiasAdd")), base64.StdEncoding.EncodeToString([]byte("Relu6"))}}}}},
		{"name": "up", "op": "ResizeBilinear", "input": []string{"conv", "size"}, "attr": map[string]any{"half_pixel_centers": map[string]any{"b": true}}},
	}
	if edit != nil {
		edit(nodes)
	}
	graph, _ = json.Marshal(map[string]any{
		"modelTopology": map[string]any{"node": nodes},
		"weightsManifest": []any{map[string]any{"weights": []any{
			map[string]any{"name": "w", "shape": []int{3, 3, 3, 1}, "dtype": "float32", "quantization": map[string]any{"dtype": "uint8", "scale": 0.5, "min": -1}},
			map[string]any{"name": "b", "shape": []int{1}, "dtype": "float32"},
			map[string]any{"name": "size", "shape": []int{2}, "dtype": "int32"},
		}}},
	})
	weights = bytes.Repeat([]byte{4}, 27)
	weights = binary.LittleEndian.AppendUint32(weights, math.Float32bits(0.25))
	weights = binary.LittleEndian.AppendUint32(weights, 16)
	return graph, binary.LittleEndian.AppendUint32(weights, 16)
}

func TestConvertTiny(t *testing.T) {
	graph, weights := tiny(nil)
	onnx, err := Convert(graph, weights, Spec{Name: "tiny", Size: 16, Outputs: []Port{{"up", "map"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Conv", "Clip", "Resize", "half_pixel", "picture", "map", "H_map"} {
		if !bytes.Contains(onnx, []byte(want)) {
			t.Errorf("the file lacks %q", want)
		}
	}
	one := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1)) // 4·0.5 - 1
	if !bytes.Contains(onnx, bytes.Repeat(one, 27)) {
		t.Error("the file lacks the weights")
	}
}

func TestConvertErrors(t *testing.T) {
	for _, c := range []struct {
		name, want string
		edit       func(nodes []map[string]any)
	}{
		{"unknown op", "node up: op TopKV2 is not supported", func(n []map[string]any) { n[5]["op"] = "TopKV2" }},
		{"missing input", "node nowhere: not in the graph", func(n []map[string]any) { n[5]["input"] = []string{"nowhere", "size"} }},
		{"too few inputs", "has 1 inputs", func(n []map[string]any) { n[5]["input"] = []string{"conv"} }},
		{"a circle", "in a circle", func(n []map[string]any) { n[4]["input"] = []string{"up", "w", "b"} }},
		{"a map for weights", "without constant weights", func(n []map[string]any) { n[4]["input"] = []string{"x", "x", "b"} }},
		{"no padding", "padding", func(n []map[string]any) { delete(n[4]["attr"].(map[string]any), "padding") }},
		{"a resize to less", "no whole factor", func(n []map[string]any) { n[5]["input"] = []string{"x", "size"}; n[0]["name"] = "x" }},
	} {
		graph, weights := tiny(c.edit)
		size := 16
		if c.name == "a resize to less" {
			size = 24
		}
		_, err := Convert(graph, weights, Spec{Name: "tiny", Size: size, Outputs: []Port{{"up", "map"}}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	graph, weights := tiny(nil)
	if _, err := Convert(graph, weights[:20], Spec{Size: 16, Outputs: []Port{{"up", "map"}}}); err == nil || !strings.Contains(err.Error(), "ends") {
		t.Errorf("short weights: got %v", err)
	}
}

func FuzzConvert(f *testing.F) {
	graph, weights := tiny(nil)
	f.Add(graph, weights)
	f.Fuzz(func(_ *testing.T, graph, weights []byte) {
		_, _ = Convert(graph, weights, Spec{Name: "fuzz", Size: 16, Outputs: []Port{{"up", "map"}}})
	})
}
