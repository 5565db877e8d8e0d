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

// The pretrained nets on the engine against what ONNX Runtime made of the same
// small pictures (testdata/golden.py). Both are float32 sums in their own order:
// they differ by some 1e-6 a layer, and 5e-4 of the largest value leaves room for a
// hundred layers.
func TestPretrainedNetsEqualONNXRuntime(t *testing.T) {
	raw, err := os.ReadFile("testdata/pretrained.bin")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(bytes.NewReader(raw))
	tried := 0
	for {
		name, err := r.ReadString('\n')
		if err == io.EOF && name == "" {
			break
		}
		name = strings.TrimSpace(name)
		head := storedInts(t, r, 4)
		picture := coarsePicture(t, r, head[0], head[1], head[2], name == "faceboxes")
		names, want := make([]string, head[3]), make([]Tensor, head[3])
		for i := range want {
			line, _ := r.ReadString('\n')
			names[i] = strings.TrimSpace(line)
			want[i] = NewTensor(storedInts(t, r, storedInts(t, r, 1)[0])...)
			storedValues(t, r, want[i].Data)
		}
		tried++
		t.Run(name, func(t *testing.T) {
			n, err := Load(cachedNet(t, name), Options{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			got, err := n.Run(picture)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range n.Outputs() {
				at := slices.Index(names, p.Name)
				if at < 0 {
					t.Fatalf("nothing is stored for output %s", p.Name)
				}
				if d := difference(t, got[i], want[at]); d > 5e-4 {
					t.Errorf("output %s differs by %.2g of the largest value", p.Name, d)
				}
			}
		})
	}
	if tried != 4 {
		t.Errorf("%d nets are stored, want 4", tried)
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
