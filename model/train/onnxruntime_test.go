package train

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"classlens/model"
)

// runtimeInput is a fixed input of 2 sequences of 5 steps, some hidden; testdata/golden.py
// makes the same.
func runtimeInput(size int) (picture, offset, seen model.Tensor) {
	picture, offset, seen = model.NewTensor(10, Channels, size, size), model.NewTensor(2, 5), model.NewTensor(2, 5)
	for i := range picture.Data {
		picture.Data[i] = float32(math.Sin(0.37 * float64(i%9973)))
	}
	for i := range offset.Data {
		offset.Data[i], seen.Data[i] = float32(i%5)-2, 1
	}
	seen.Data[1], seen.Data[4], seen.Data[7] = 0, 0, 0
	return picture, offset, seen
}

// Exported networks with each temporal part on the engine against what ONNX Runtime made
// of the same files and the same input. UPDATE_GOLDEN=1 writes the files anew; then
//
//	python model/train/testdata/golden.py
//
// has ONNX Runtime write what it makes of them.
func TestEqualsONNXRuntime(t *testing.T) {
	for _, kind := range []string{Attention, LSTM, GRU, Mean} {
		p := small
		p.Temporal, p.Squeeze = kind, 8
		n, err := NewNetwork[float32](p, 5)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", kind+".onnx")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			trainSmall(t, n, 5)
			if err := os.WriteFile(file, n.ONNX(Heat{1.5, 1, 1}), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		onnx, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		net, err := model.Load(onnx, model.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		out, err := net.Run(runtimeInput(p.Size))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join("testdata", kind+".ort"))
		if err != nil {
			t.Fatal(err)
		}
		r := bytes.NewReader(raw)
		for k, o := range out {
			want := make([]float32, len(o.Data))
			if err := binary.Read(r, binary.LittleEndian, want); err != nil {
				t.Fatal(err)
			}
			for i, v := range want {
				if d := math.Abs(float64(o.Data[i] - v)); !(d <= 1e-4*(1+math.Abs(float64(v)))) {
					t.Fatalf("%s, %s[%d]: %v, ONNX Runtime has %v", kind, net.Outputs()[k].Name, i, o.Data[i], v)
				}
			}
		}
		if r.Len() > 0 {
			t.Errorf("%s: %d bytes were not compared", kind, r.Len())
		}
		net.Close()
	}
}
