package video

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"classlens/vision/scene"
)

// When the encoder fails, writing ends and the reason is kept, at whichever frame it happens and however many frames are still offered.
func TestEncodingFails(t *testing.T) {
	full := errors.New("disk full")
	for fail := range 4 {
		encoded := 0
		e := startEncoding(func(frame []byte) error {
			if encoded++; encoded > fail {
				return full
			}
			return nil
		})
		written := 0
		for written < 100 && e.write([]byte{byte(written)}) {
			written++
		}
		if written == 100 || e.write(nil) {
			t.Errorf("failing at frame %d: frames are still taken", fail)
		}
		if err := e.end(); !errors.Is(err, full) {
			t.Errorf("failing at frame %d: %v", fail, err)
		}
	}
}

// Every frame is encoded as it was when it was written, though its memory is used again for the next.
func TestEncodingKeepsFrames(t *testing.T) {
	var got []byte
	e := startEncoding(func(frame []byte) error {
		got = append(got, frame...)
		return nil
	})
	frame := make([]byte, 1)
	for i := range 50 {
		frame[0] = byte(i)
		if !e.write(frame) {
			t.Fatal("a frame is refused")
		}
	}
	if err := e.end(); err != nil || len(got) != 50 {
		t.Fatalf("%d frames, %v", len(got), err)
	}
	for i, v := range got {
		if v != byte(i) {
			t.Fatalf("frame %d is %d", i, v)
		}
	}
}

// Frames at a constant rate, their times rounded as containers do, are written once each; irregular ones stay within two frames of the clock.
func TestCadence(t *testing.T) {
	for _, fps := range []float64{.5, 12, 14.985, 25, 30000. / 1001, 50} {
		c := cadence{fps: fps}
		for n := range 20000 {
			at := math.Round(1000*float64(n)/fps) / 1000 // Matroska's milliseconds
			if again, out := c.place(at); again != 0 || out {
				t.Fatalf("%g a second: frame %d at %g s is shown %d times more, left out: %v", fps, n, at, again, out)
			}
			c.written++
		}
	}
	c := cadence{fps: 25}
	shown := 0
	for at := 0.0; at < 100; {
		again, out := c.place(at)
		if c.written += again; !out {
			if off := float64(c.written) - 25*at; math.Abs(off) > 2 {
				t.Fatalf("the frame of %g s stands at %d", at, c.written)
			}
			shown++
			c.written++
		}
		switch { // a lesson that is recorded in the light, in the dark, with a hole, and fast
		case at < 20:
			at += .04
		case at < 40:
			at += .31
		case at < 60:
			at += 20
		default:
			at += .01
		}
	}
	if c.written < 2497 || c.written > 2502 || shown < 1000 || shown > 1700 {
		t.Errorf("%d frames in 100 s, %d of them read", c.written, shown)
	}
}

// A browser's recording whose frames become rare: the annotated one lasts as long.
func TestAnnotateKeepsTime(t *testing.T) {
	in := made(t, "a.webm", append(variable, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")...)
	out := filepath.Join(t.TempDir(), "out.mp4")
	var times []float64
	draw := func(f scene.Frame) ([]Overlay, error) { times = append(times, f.Time); return nil, nil }
	if err := Annotate(context.Background(), in, out, Options{}, draw, func(scene.Frame, scene.Box) {}); err != nil {
		t.Fatal(err)
	}
	r, steps, err := readAll(t, out, Options{})
	if err != nil || len(times) > 80 || times[len(times)-1] < 7 {
		t.Fatalf("%d frames up to %v s, %v", len(times), times, err)
	}
	if last := times[len(times)-1]; math.Abs(r.Info().Duration-last) > .15 || len(steps) < 6 {
		t.Errorf("the recording's last frame is at %g s, the annotated one lasts %g s, %d steps", last, r.Info().Duration, len(steps))
	}
}
