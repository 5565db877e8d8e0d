package tfjs

import (
	"encoding/binary"
	"fmt"
	"math"
)

// weight is one entry of the weights manifest; entries lie one after the other
// in the data.
type weight struct {
	Name         string `json:"name"`
	Shape        []int  `json:"shape"`
	Type         string `json:"dtype"`
	Quantization *struct {
		Type  string  `json:"dtype"`
		Scale float64 `json:"scale"`
		Min   float64 `json:"min"`
	} `json:"quantization"`
}

// array is a constant in TensorFlow's own layout. Integers are held as floats;
// shapes are far below 2^24, where float32 is exact.
type array struct {
	shape []int
	data  []float32
}

// maxElements bounds one weight, far above any detector's largest (1.6 M).
const maxElements = 1 << 26

// readWeights takes the manifest's arrays off the front of data in order.
func readWeights(m *model, data []byte) (map[string]array, error) {
	out := make(map[string]array)
	for _, group := range m.Manifest {
		for _, w := range group.Weights {
			n := 1
			for _, d := range w.Shape {
				if d < 0 || d > maxElements || n*d > maxElements {
					return nil, fmt.Errorf("weight %s: shape %v is out of range", w.Name, w.Shape)
				}
				n *= d
			}
			size, decode, err := w.decoder()
			if err != nil {
				return nil, err
			}
			if len(data) < n*size {
				return nil, fmt.Errorf("weight %s: data ends %d bytes early", w.Name, n*size-len(data))
			}
			a := array{shape: w.Shape, data: make([]float32, n)}
			for i := range a.data {
				a.data[i] = decode(data[i*size:])
			}
			data = data[n*size:]
			out[w.Name] = a
		}
	}
	return out, nil
}

// decoder gives the bytes an element takes and the function that reads one.
func (w *weight) decoder() (int, func([]byte) float32, error) {
	kind := w.Type
	if w.Quantization != nil {
		kind = "q:" + w.Quantization.Type
	}
	switch kind {
	case "float32":
		return 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }, nil
	case "int32":
		return 4, func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) }, nil
	case "bool":
		return 1, func(b []byte) float32 { return float32(b[0]) }, nil
	case "q:float16":
		return 2, func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) }, nil
	case "q:uint8":
		q := *w.Quantization
		// The conversion forbids a fused multiply-add, so that every machine gives the same bits.
		return 1, func(b []byte) float32 { return float32(float64(float64(b[0])*q.Scale) + q.Min) }, nil
	case "q:uint16":
		q := *w.Quantization
		return 2, func(b []byte) float32 {
			return float32(float64(float64(binary.LittleEndian.Uint16(b))*q.Scale) + q.Min)
		}, nil
	}
	return 0, nil, fmt.Errorf("weight %s: unknown type %s", w.Name, kind)
}

// half widens an IEEE 754 half-precision number; exact.
func half(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp, frac := uint32(h>>10)&31, uint32(h)&1023
	switch {
	case exp == 31: // infinity, NaN
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	}
	f := float32(frac) / (1 << 24) // subnormal or zero
	if sign != 0 {
		f = -f
	}
	return f
}
