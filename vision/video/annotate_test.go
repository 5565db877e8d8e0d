package video

import (
	"errors"
	"testing"
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
