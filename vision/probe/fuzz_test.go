package probe

import (
	"bytes"
	"testing"
)

// fuzz holds one container's reader to its promises: it ends, and whatever it
// says is finite and not negative.
func fuzz(f *testing.F, container string) {
	good := seeds()[container]
	f.Add(good)
	for _, share := range []int{2, 3, 5} {
		f.Add(good[:len(good)*(share-1)/share])
		hole := bytes.Clone(good)
		clear(hole[len(hole)/share : len(hole)/share+20])
		f.Add(hole)
		full := bytes.Clone(good)
		for i := range 4 {
			full[len(full)/share+i] = 0xff
		}
		f.Add(full)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Reader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for name, v := range map[string]float64{"duration": r.Duration, "rate": r.FPS, "frames": float64(r.Frames), "width": float64(r.Width), "height": float64(r.Height), "rotation": float64(r.Rotation)} {
			if !(v >= 0 && v < 1e300) {
				t.Errorf("%s is %v", name, v)
			}
		}
		_ = Limits{}.WithDefaults().check(r) // refusing is as good as accepting; falling over is not
	})
}

func FuzzMP4(f *testing.F)      { fuzz(f, "mp4") }
func FuzzMatroska(f *testing.F) { fuzz(f, "mkv") }
func FuzzAVI(f *testing.F)      { fuzz(f, "avi") }
func FuzzTS(f *testing.F)       { fuzz(f, "ts") }
