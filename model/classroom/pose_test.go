package classroom

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"os"
	"testing"

	"classlens/model"
	"classlens/model/pretrained"
)

// The large network's own layers against what ONNX Runtime made of the same points
// and features (scripts/train-classroom/golden.py).
func TestLargeEqualsONNXRuntime(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden-l.bin")
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(raw)
	read := func(v any) {
		if err := binary.Read(r, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	var head [3]int32
	read(&head)
	b, steps := int(head[0]), int(head[1])
	scaled := func(width int) model.Tensor {
		stored, out := make([]byte, b*steps*width), model.NewTensor(b*steps, width)
		read(stored)
		for i, v := range stored {
			out.Data[i] = float32(v) / 255
		}
		return out
	}
	pose, features := scaled(poseValues), scaled(len(regions)*deepPlanes)
	offset, seen := model.NewTensor(b, steps), model.NewTensor(b, steps)
	read(offset.Data)
	read(seen.Data)
	onnx, err := Shipped("l")
	if err != nil {
		t.Fatal(err)
	}
	got, err := runWhole(onnx, model.Options{}, []model.Tensor{pose, features, offset, seen})
	if err != nil {
		t.Fatal(err)
	}
	for k := range got {
		want := make([]float32, len(got[k]))
		read(want)
		for i, w := range want {
			if d := math.Abs(float64(got[k][i] - w)); !(d <= 1e-4*(1+math.Abs(float64(w)))) {
				t.Fatalf("%s[%d] is %v, ONNX Runtime has %v", storedPorts[k], i, got[k][i], w)
			}
		}
	}
	if r.Len() > 0 {
		t.Errorf("%d bytes of the golden file were not compared", r.Len())
	}
}

// student.png is a rendered student with a hand up; student.json holds the points
// (of both pose nets) and means of features that the training's own Python decoder (pose.py) found on
// it with ONNX Runtime. A crop of 256 pixels: 0.002 of its side is half a pixel.
func TestPointsEqualTraining(t *testing.T) {
	net := large(t)
	rgb := student(t)
	var pose, features model.Tensor
	if err := net.encoder.(*poseEncoder).see([][]byte{rgb}, &pose, &features); err != nil {
		t.Fatal(err)
	}
	want := studentGolden(t)
	comparePoints(t, pose.Data, want.Pose)
	for i, w := range want.Features { // every 16th is stored
		if d := math.Abs(float64(features.Data[16*i]) - w); !(d <= 0.01) {
			t.Errorf("feature %d is %v, want %v", 16*i, features.Data[16*i], w)
		}
	}
}

// So does the second pose net that the box network asks.
func TestSecondPointsEqualTraining(t *testing.T) {
	e, err := loadPose(SecondPoseNet, model.Options{Threads: 1}, nil)
	if errors.Is(err, pretrained.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	seen, err := e.look([][]byte{student(t)})
	if err != nil {
		t.Fatal(err)
	}
	comparePoints(t, seen[0].Data, studentGolden(t).Second)
}

// sights are what student.json holds of student.png.
type sights struct {
	Pose, Features []float64
	Second         []float64 // points by the second pose net
}

func studentGolden(t *testing.T) (want sights) {
	t.Helper()
	raw, err := os.ReadFile("testdata/student.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func comparePoints(t *testing.T, got []float32, want []float64) {
	t.Helper()
	if len(want) != poseValues || len(got) < poseValues {
		t.Fatalf("%d values, want %d of %d", len(got), len(want), poseValues)
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= 0.002) {
			t.Errorf("value %d of point %d is %v, want %v", i%5, i/5, got[i], w)
		}
	}
}

// The large network takes a hand up for one, alone and among others.
func TestLargeSeesHand(t *testing.T) {
	net := large(t)
	rgb := student(t)
	e, err := net.Embed([][]byte{rgb, rgb, rgb, rgb, rgb}, make([][]float32, 5)) // more than go in one run
	if err != nil {
		t.Fatal(err)
	}
	for k := range e[0] {
		if d := math.Abs(float64(e[4][k] - e[0][k])); d > 1e-4 {
			t.Fatalf("the same picture gives %v and %v at %d", e[0][k], e[4][k], k)
		}
	}
	d, err := net.Decide([]Sequence{{Embeddings: [][]float32{e[0], nil, e[1]}, Offsets: []float32{-1, 0, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range d[0].Behaviour {
		if p > d[0].Behaviour[3] {
			t.Errorf("%s has %.2f, raise_hand %.2f", Behaviours[i], p, d[0].Behaviour[3])
		}
	}
	if d[0].Moments[1] > 1e-6 {
		t.Errorf("the hidden step weighs %v", d[0].Moments[1])
	}
}

// The large network says what its own layers and the medium network say together, of pictures, directions and hidden steps.
func TestLargeDecidesWithMedium(t *testing.T) {
	net := large(t)
	onnx, err := Shipped(besideLarge)
	if err != nil {
		t.Fatal(err)
	}
	medium, err := Load(onnx, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer medium.Close()
	rgb := [][]byte{student(t), student(t)}
	for y := range poseSide { // the second is mirrored
		for x := range poseSide {
			copy(rgb[1][3*(y*poseSide+x):][:3], rgb[0][3*(y*poseSide+poseSide-1-x):][:3])
		}
	}
	both, err := net.Embed(rgb, make([][]float32, 2))
	if err != nil {
		t.Fatal(err)
	}
	sights, err := net.See(rgb)
	if err != nil {
		t.Fatal(err)
	}
	own, err := net.EmbedSights(sights)
	if err != nil {
		t.Fatal(err)
	}
	half := [][]byte{make([]byte, 3*128*128), make([]byte, 3*128*128)}
	for i, p := range half {
		for k := range p {
			y, x, c := k/384, k/3%128, k%3
			sum := 0.
			for _, d := range []int{0, 3, 768, 771} {
				sum += float64(rgb[i][2*y*768+2*x*3+c+d])
			}
			p[k] = byte(sum/4 + .5)
		}
	}
	other, err := medium.Embed(half, make([][]float32, 2))
	if err != nil {
		t.Fatal(err)
	}
	sequence := func(e [][]float32, direction []float32) []Sequence {
		return []Sequence{{Embeddings: [][]float32{e[0], nil, e[1]}, Offsets: []float32{-1, 0, 1}, Direction: direction}, {Embeddings: [][]float32{nil, e[1], nil}, Offsets: []float32{-1, 0, 1}}}
	}
	got, err := net.Decide(sequence(both, net.Direction(both[:1])))
	if err != nil {
		t.Fatal(err)
	}
	a, err := net.Decide(sequence(own, net.Direction(own[:1])))
	if err != nil {
		t.Fatal(err)
	}
	b, err := medium.Decide(sequence(other, medium.Direction(other[:1])))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		sum := 0.
		for k := range Behaviours {
			sum += math.Sqrt(float64(a[i].Behaviour[k]+1e-3) * float64(b[i].Behaviour[k]+1e-3))
		}
		for k, p := range got[i].Behaviour {
			want := math.Sqrt(float64(a[i].Behaviour[k]+1e-3)*float64(b[i].Behaviour[k]+1e-3)) / sum
			if !(math.Abs(float64(p)-want) <= 1e-5) {
				t.Errorf("decision %d: %s has %v, want %v of %v and %v", i, Behaviours[k], p, want, a[i].Behaviour[k], b[i].Behaviour[k])
			}
		}
		for k, w := range got[i].Moments {
			if want := (a[i].Moments[k] + b[i].Moments[k]) / 2; !(math.Abs(float64(w-want)) <= 1e-5) {
				t.Errorf("decision %d: step %d weighs %v, want %v", i, k, w, want)
			}
		}
		if want := (a[i].Attention + b[i].Attention) / 2; !(math.Abs(float64(got[i].Attention-want)) <= 1e-5) {
			t.Errorf("decision %d: attention %v, want %v", i, got[i].Attention, want)
		}
	}
}

func large(t *testing.T) *Network {
	t.Helper()
	onnx, err := Shipped("l")
	if err != nil {
		t.Fatal(err)
	}
	net, err := Load(onnx, 2)
	if errors.Is(err, pretrained.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { net.Close() })
	return net
}

func student(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open("testdata/student.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	var rgb []byte
	for y := range poseSide {
		for x := range poseSide {
			r, g, b, _ := img.At(x, y).RGBA()
			rgb = append(rgb, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return rgb
}

// Runs that are filled up, as on a GPU, give each picture what runs of a few give it on the CPU.
func TestPoseRunsAreFilledUp(t *testing.T) {
	e, err := loadPose(PoseNet, model.Options{Threads: 1}, regions)
	if errors.Is(err, pretrained.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	var rgb [][]byte
	for i := range 5 {
		p := make([]byte, 3*poseSide*poseSide)
		for j := range p {
			p[j] = byte((i+3)*j>>uint(5+i) ^ j)
		}
		rgb = append(rgb, p)
	}
	var pose, features, pose2, features2 model.Tensor
	if err := e.see(rgb, &pose, &features); err != nil {
		t.Fatal(err)
	}
	e.onGPU = true
	out, err := e.look(rgb)
	if err != nil || out[0].Shape[0] != 8 {
		t.Fatal(out[0].Shape, err)
	}
	if err := e.see(rgb, &pose2, &features2); err != nil {
		t.Fatal(err)
	}
	got := append(pose2.Data, features2.Data...)
	for i, w := range append(pose.Data, features.Data...) {
		if g := got[i]; !(math.Abs(float64(g-w)) <= 1e-5*(1+math.Abs(float64(w)))) {
			t.Fatalf("value %d is %v, want %v", i, g, w)
		}
	}
}
