package classroom

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"

	"classlens/model"
)

// The shipped network on the engine against what ONNX Runtime made of the same
// input (scripts/train-classroom/golden.py). Float32 sums in another order differ
// by some 1e-6; 1e-4 leaves room for depth.
func TestEqualsONNXRuntime(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden.bin")
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(raw)
	read := func(v any) {
		if err := binary.Read(r, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	var b, steps, size int32
	read(&b)
	read(&steps)
	read(&size)
	n := int(b * steps)
	coarse := make([]byte, n*channels*12*12)
	read(coarse)
	picture := model.NewTensor(n, channels, int(size), int(size))
	cell := int(size) / 12
	for i := range picture.Data {
		plane, y, x := i/int(size*size), i/int(size)%int(size), i%int(size)
		picture.Data[i] = float32(coarse[(plane*12+y/cell)*12+x/cell])/127.5 - 1
	}
	offset, seen := model.NewTensor(int(b), int(steps)), model.NewTensor(int(b), int(steps))
	read(offset.Data)
	read(seen.Data)
	net, err := model.Load(Default(), model.Options{Threads: 2, Outputs: []string{portBehaviour, portAttention, portEngagement, portMoments, portEmbedding}})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	out, err := net.Run(picture, offset, seen)
	if err != nil {
		t.Fatal(err)
	}
	for k, o := range out {
		want := make([]float32, len(o.Data))
		read(want)
		for i := range want {
			if d := math.Abs(float64(o.Data[i] - want[i])); !(d <= 1e-4*(1+math.Abs(float64(want[i])))) {
				t.Fatalf("%s[%d] is %v, ONNX Runtime has %v", net.Outputs()[k].Name, i, o.Data[i], want[i])
			}
		}
	}
	if r.Len() > 0 {
		t.Errorf("%d bytes of the golden file were not compared", r.Len())
	}
}
