package analysis

import (
	"bytes"
	"math"
	"os"
	"testing"

	"classlens/vision/scene"
)

// rawCodec keeps pictures as they are.
type rawCodec struct{ width, height int }

func (rawCodec) Encode(f scene.Frame) ([]byte, error) { return f.Pix, nil }
func (c rawCodec) Decode(b []byte) (scene.Frame, error) {
	return scene.Frame{Width: c.width, Height: c.height, Pix: b}, nil
}

func TestSpoolGivesBackWhatWentIn(t *testing.T) {
	dir := t.TempDir()
	s, err := newSpool(dir, rawCodec{4, 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Fatalf("the spool has a name: %v", left)
	}
	var in []*scene.Step
	for i := range 5 {
		step := &scene.Step{Index: i, Time: float64(i), Shot: i / 3, KeyFrame: i%2 == 0,
			Frame: scene.Frame{Width: 4, Height: 2, Pix: bytes.Repeat([]byte{byte(i)}, 24)}}
		if i > 0 {
			step.Flow = &scene.Flow{Width: 2, Height: 1, Scale: 2, Interval: .04, UV: []float32{float32(i), -1.5, .03, 5000}}
		}
		in = append(in, step)
		if err := s.Add(step); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{4, 0, 2, 1, 3} { // any order
		got, err := s.Step(i)
		if err != nil {
			t.Fatal(err)
		}
		want := in[i]
		if got.Time != want.Time || got.Shot != want.Shot || got.KeyFrame != want.KeyFrame || !bytes.Equal(got.Frame.Pix, want.Frame.Pix) {
			t.Errorf("step %d came back as %+v", i, got)
		}
		if (got.Flow == nil) != (want.Flow == nil) {
			t.Fatalf("step %d: flow %v, want %v", i, got.Flow, want.Flow)
		}
		if got.Flow == nil {
			continue
		}
		for j, w := range want.Flow.UV[:3] {
			if d := math.Abs(float64(got.Flow.UV[j] - w)); d > flowUnit/2 {
				t.Errorf("step %d flow %d: got %v, want %v", i, j, got.Flow.UV[j], w)
			}
		}
		if got.Flow.UV[3] < 2047 || got.Flow.Scale != 2 || got.Flow.Interval != .04 {
			t.Errorf("step %d flow came back as %+v", i, got.Flow)
		}
	}
}
