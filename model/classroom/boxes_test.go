package classroom

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"

	"classlens/vision/clip"
	"classlens/vision/scene"
)

// What the box network makes of made-up glimpses is what the training's own code and ONNX
// Runtime make of them (scripts/train-classroom/golden_boxes.py).
func TestBoxesEqualTraining(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden-box.bin")
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(raw)
	read := func(v any) {
		if err := binary.Read(r, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	var n32 int32
	read(&n32)
	n := int(n32)
	box, head, pictures, cameras := make([]float32, 4*n), make([]byte, n), make([]byte, n), make([]byte, n)
	read(box)
	read(head)
	read(pictures)
	read(cameras)
	all, picture, camera := make([]Glimpse, n), make([]int, n), make([]int, n)
	for v := range 2 {
		for net := range boxNets {
			pose := make([]byte, n*poseValues)
			read(pose)
			for i := range all {
				for _, b := range pose[i*poseValues : (i+1)*poseValues] {
					all[i].by[net].pose[v] = append(all[i].by[net].pose[v], float32(b)/255)
				}
			}
		}
		features := make([]byte, n*deepPlanes)
		read(features)
		outlines := make([]byte, bytes.Count(head, []byte{1})*outlineValues)
		read(outlines)
		for i := range all {
			g := &all[i]
			g.Box = scene.Box{X: float64(box[4*i]), Y: float64(box[4*i+1]), W: float64(box[4*i+2]), H: float64(box[4*i+3])}
			g.Head, picture[i], camera[i] = head[i] == 1, int(pictures[i]), int(cameras[i])
			for _, b := range features[i*deepPlanes : (i+1)*deepPlanes] {
				g.features[v] = append(g.features[v], float32(b)/255)
			}
			if g.Head {
				for _, b := range outlines[:outlineValues] {
					g.outlines[v] = append(g.outlines[v], float32(b)/255)
				}
				outlines = outlines[outlineValues:]
			}
		}
	}
	cover, want := make([]float32, n*deepCells*deepCells), make([]float32, 10*n)
	read(cover)
	read(want)
	if r.Len() > 0 {
		t.Fatalf("%d bytes of the golden file were not read", r.Len())
	}
	for i, g := range all {
		for k, v := range coverOf(g.Box, g.Head) {
			if math.Abs(float64(v-cover[i*deepCells*deepCells+k])) > 1e-5 {
				t.Fatalf("box %d, cell %d: a share of %v, trained with %v", i, k, v, cover[i*deepCells*deepCells+k])
			}
		}
	}
	b := &Boxes{}
	if err := b.loadLayers(); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.directions(all); err != nil {
		t.Fatal(err)
	}
	got, err := b.Behaviours(all, picture, camera)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		for k, v := range got[i] {
			if math.Abs(float64(v-want[10*i+k])) > 2e-4 {
				t.Errorf("box %d, %s: %v, the training has %v", i, Behaviours[k], v, want[10*i+k])
			}
		}
	}
}

// A rendered student with a hand up is seen with it up, in the crop as in the mirror.
func TestBoxesLook(t *testing.T) {
	if err := BoxesCanRun(); err != nil {
		t.Skip(err)
	}
	b, err := LoadBoxes(1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	rgb := student(t)
	box := scene.Box{X: 48, Y: 48, W: 150, H: 160}
	f := scene.Frame{Width: poseSide, Height: poseSide, Pix: rgb}
	var boxes []Boxed
	for _, pix := range [][]byte{rgb, mirrored(rgb)} {
		f.Pix = pix
		x := box
		if len(boxes) > 0 {
			x.X = poseSide - box.X - box.W
		}
		boxes = append(boxes, Boxed{Picture: clip.Picture(f, clip.Labelled(x, false), BoxPicture), Box: x})
	}
	seen, err := b.Look(boxes)
	if err != nil {
		t.Fatal(err)
	}
	said, err := b.Behaviours(seen, []int{0, 1}, []int{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	for k := range said[0] {
		if math.Abs(float64(said[0][k]-said[1][k])) > 0.02 {
			t.Errorf("%s: %v, mirrored %v", Behaviours[k], said[0][k], said[1][k])
		}
	}
	best := 0
	for k, v := range said[0] {
		if v > said[0][best] {
			best = k
		}
	}
	if Behaviours[best] != "raise_hand" {
		t.Errorf("a raised hand is seen as %s: %v", Behaviours[best], said[0])
	}
}
