package video

import (
	"bytes"
	"context"
	"testing"

	"classlens/vision/probe"
	"classlens/vision/scene"
)

// The name of a decoder reaches FFmpeg: with the CPU's own, named, the steps are the
// same; with one that is not there, opening fails.
func TestDecoderByName(t *testing.T) {
	const path = "../../samples/lesson.mp4"
	o := Options{StepSeconds: 20, NoFlow: true}
	_, usual, err := readAll(t, path, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Decoder = "h264"
	_, named, err := readAll(t, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(usual) == 0 || len(usual) != len(named) {
		t.Fatalf("%d steps, %d with the decoder named", len(usual), len(named))
	}
	for i := range usual {
		if !bytes.Equal(usual[i].Frame.Pix, named[i].Frame.Pix) {
			t.Errorf("step %d is another picture", i)
		}
	}
	o.Decoder = "no_such_decoder"
	if _, _, err := readAll(t, path, o); err == nil {
		t.Error("a decoder that is not there decoded")
	}
}

// Where no GPU decodes, the choice is the CPU, and nothing is said. Where one does, the
// name is one of FFmpeg's.
func TestChooseDecoder(t *testing.T) {
	const path = "../../samples/lesson.mp4"
	found, err := probe.File(path, probe.Limits{}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	if d := gpuDecoder(found.Codec); d != "h264_cuvid" {
		t.Errorf("for the codec %q the GPU has %q", found.Codec, d)
	}
	if d := ChooseDecoder(context.Background(), path, Options{}); d != "" && d != "h264_cuvid" {
		t.Errorf("chosen: %q", d)
	}
	if d := chooseDecoder(context.Background(), path, Options{}, "no_such_decoder"); d != "" {
		t.Errorf("chosen: %q", d)
	}
	if d := ChooseDecoder(context.Background(), "nowhere.mp4", Options{}); d != "" {
		t.Errorf("chosen for no file: %q", d)
	}
	for codec, want := range map[string]string{"V_VP9": "", "avc1": "h264_cuvid", "V_MPEG4/ISO/AVC": "h264_cuvid", "hvc1": "hevc_cuvid", "V_MPEGH/ISO/HEVC": "hevc_cuvid"} {
		if got := gpuDecoder(codec); got != want {
			t.Errorf("%s: %q, want %q", codec, got, want)
		}
	}
}

func TestAlike(t *testing.T) {
	frame := func(v byte) scene.Frame { return scene.Frame{Width: 2, Height: 1, Pix: bytes.Repeat([]byte{v}, 6)} }
	if !alike(frame(100), frame(103)) || alike(frame(100), frame(110)) || alike(frame(1), scene.Frame{}) {
		t.Error("pictures are compared wrongly")
	}
}
