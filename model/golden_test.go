package model

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// storedNet is a pretrained net's small picture and what ONNX Runtime made of it
// (testdata/golden.py).
type storedNet struct {
	name    string
	picture Tensor
	outputs []string
	want    []Tensor
}

func storedNets(t *testing.T) (all []storedNet) {
	t.Helper()
	raw, err := os.ReadFile("testdata/pretrained.bin")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(bytes.NewReader(raw))
	for {
		name, err := r.ReadString('\n')
		if err == io.EOF && name == "" {
			break
		}
		s := storedNet{name: strings.TrimSpace(name)}
		head := storedInts(t, r, 4)
		s.picture = coarsePicture(t, r, head[0], head[1], head[2], s.name == "faceboxes")
		for range head[3] {
			line, _ := r.ReadString('\n')
			s.outputs = append(s.outputs, strings.TrimSpace(line))
			want := NewTensor(storedInts(t, r, storedInts(t, r, 1)[0])...)
			storedValues(t, r, want.Data)
			s.want = append(s.want, want)
		}
		all = append(all, s)
	}
	if len(all) != 4 {
		t.Fatalf("%d nets are stored, want 4", len(all))
	}
	return all
}

// The pretrained nets on the engine against what ONNX Runtime made of the same
// small pictures. Both are float32 sums in their own order: they differ by some 1e-6
// a layer, and 5e-4 of the largest value leaves room for a hundred layers.
func TestPretrainedNetsEqualONNXRuntime(t *testing.T) {
	for _, s := range storedNets(t) {
		t.Run(s.name, func(t *testing.T) { s.holds(t, Options{Threads: 2}, 5e-4) })
	}
}

// The same on the device, whole: no op is left to plain Go.
func TestPretrainedNetsOnDeviceEqualONNXRuntime(t *testing.T) {
	needDevice(t)
	for _, s := range storedNets(t) {
		t.Run(s.name, func(t *testing.T) { s.holds(t, Options{Threads: 2, Device: "cuda"}, 5e-4) })
	}
}

// Half precision on the device: what each of some fifty layers reads is rounded to 11 bits, by a 2048th at most; the
// roundings are independent, and what they do to a result grows with the root of their number: thirty-two of them
// are allowed for, of the largest value (sixteen are reached where sums are exact, twenty-three on a rough device). That is more than the thousandth that is promised, which is why
// the detectors stay in float32 unless they are asked not to.
func TestPretrainedNetsInHalfPrecision(t *testing.T) {
	needDevice(t)
	for _, s := range storedNets(t) {
		t.Run(s.name, func(t *testing.T) {
			s.holds(t, Options{Threads: 2, Device: "cuda", Precision: FP16}, 32.0/2048)
		})
	}
}

func (s storedNet) holds(t *testing.T, o Options, tolerance float64) {
	n, err := Load(cachedNet(t, s.name), o)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	got, err := n.Run(s.picture)
	if err != nil {
		t.Fatal(err)
	}
	if o.Device != "" && (n.DeviceError() != nil || len(n.last.tail) > 0) {
		t.Errorf("not whole on the device: %v, %d ops in plain Go", n.DeviceError(), len(n.last.tail))
	}
	for i, p := range n.Outputs() {
		at := slices.Index(s.outputs, p.Name)
		if at < 0 {
			t.Fatalf("nothing is stored for output %s", p.Name)
		}
		d := difference(t, got[i], s.want[at])
		t.Logf("output %s: %.2g of the largest value", p.Name, d)
		if !(d <= tolerance) {
			t.Errorf("output %s differs by %.2g of the largest value", p.Name, d)
		}
	}
}

func storedValues(t *testing.T, r io.Reader, v any) {
	t.Helper()
	if err := binary.Read(r, binary.LittleEndian, v); err != nil {
		t.Fatal(err)
	}
}

func storedInts(t *testing.T, r io.Reader, n int) []int {
	t.Helper()
	raw := make([]int32, n)
	storedValues(t, r, raw)
	out := make([]int, n)
	for i, v := range raw {
		out[i] = int(v)
	}
	return out
}

// coarsePicture reads cells x cells bytes a plane and draws them height x width.
func coarsePicture(t *testing.T, r io.Reader, height, width, cells int, unit bool) Tensor {
	t.Helper()
	coarse := make([]byte, 3*cells*cells)
	storedValues(t, r, coarse)
	x := NewTensor(1, 3, height, width)
	for i := range x.Data {
		c, row, column := i/(height*width), i/width%height, i%width
		v := float32(coarse[(c*cells+row*cells/height)*cells+column*cells/width])
		if unit {
			v /= 255
		}
		x.Data[i] = v
	}
	return x
}
