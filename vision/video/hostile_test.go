package video

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// clips are the bytes of those made so far, by name and arguments: making one
// takes longer than most of what is tested on it.
var clips sync.Map

// made writes an eight-second test clip with ffmpeg; each call gives a copy that
// may be damaged.
func made(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	key := name + " " + strings.Join(args, " ")
	if b, ok := clips.Load(key); ok {
		if err := os.WriteFile(path, b.([]byte), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	defer func() {
		if b, err := os.ReadFile(path); err == nil {
			clips.Store(key, b)
		}
	}()
	full := append([]string{"-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=8"}, args...)
	full = append(full, "-threads", "3", path) // x264 makes other files with another number of threads, and takes what the machine has
	if out, err := exec.Command("ffmpeg", full...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return path
}

// h264 are the arguments of an ordinary recording.
var h264 = []string{"-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "25"}

// variable are those of one whose frames come at 25 a second, not at all, and at five.
var variable = []string{"-vf", "select='lt(t,2)+gt(t,4)*not(mod(n,5))'", "-vsync", "vfr"}

// Each ends in a one-line error that names the file, and quickly.
func TestHostileInputs(t *testing.T) {
	dir := t.TempDir()
	good := made(t, "good.mp4", h264...)
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	fifo := filepath.Join(dir, "pipe.mp4")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.mp4")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"playlist in an mp4", write("evil.mp4", "#EXTM3U\n#EXTINF:10,\n"+good+"\n#EXT-X-ENDLIST\n"), "not a video file"},
		{"pipeline string", "videotestsrc num-buffers=5 ! videoconvert ! appsink", "no such file"},
		{"image sequence name", filepath.Join(dir, "img_%02d.png"), "no such file"},
		{"fifo", fifo, "not a regular file"},
		{"number", "0", "no such file"},
		{"link out of the folder", link, "not a regular file"},
		{"folder", dir, "not a regular file"},
		{"device", "/dev/zero", "not a regular file"},
		{"text", write("notes.mp4", "minutes of the meeting"), "not a video file"},
		{"empty", write("empty.mp4", ""), "the file is empty"},
		{"sound only", made(t, "sound.mp4", "-f", "lavfi", "-i", "sine=d=2", "-map", "1:a", "-c:a", "aac"), "no picture track"},
		{"bomb", bomb(t), "its pictures are 15000x15000"},
		{"index missing", cut(t, made(t, "tail.mp4", h264...), 0.5), "no index"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
			defer stop()
			r, err := Open(ctx, c.path, Options{})
			if err == nil {
				r.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), c.path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("said %q, want one line with %q that begins with the file", err, c.want)
			}
		})
	}
}

// bomb is a small file of huge pictures: the header of an AVI, sizes changed.
func bomb(t *testing.T) string {
	t.Helper()
	path := made(t, "bomb.avi", "-c:v", "mjpeg")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), "avih") + 8 + 32
	copy(b[at:], []byte{0x98, 0x3a, 0, 0, 0x98, 0x3a, 0, 0}) // 15000, little-endian
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// cut keeps a share of a file.
func cut(t *testing.T, path string, share float64) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(float64(info.Size())*share)); err != nil {
		t.Fatal(err)
	}
	return path
}

// cutPackets keeps a share of a transport stream's packets, each whole. (The
// encoder's threads make files of slightly different sizes, so a share of the bytes
// may or may not end inside a packet.)
func cutPackets(t *testing.T, path string, share float64, more int64) string {
	t.Helper()
	const packet = 188
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(float64(info.Size()/packet)*share)*packet+more); err != nil {
		t.Fatal(err)
	}
	return path
}

// zeroed blanks the bytes from one share of a file to another.
func zeroed(t *testing.T, path string, from, to float64) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[int(float64(len(b))*from):int(float64(len(b))*to)])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// turned writes the matrix [a b; c d] into an MP4's track header, as telephones do: a point (x, y) of the picture is shown at (ax + cy, bx + dy).
func turned(t *testing.T, path string, a, b, c, d int32) string {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(file), "tkhd") + 4 + 40
	for i, v := range []int32{a, b, 0, c, d} {
		binary.BigEndian.PutUint32(file[at+4*i:], uint32(v<<16))
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A telephone held upright writes pictures that lie on their side, and how to turn them: students stand on their feet, not on their heads.
func TestTelephones(t *testing.T) {
	dark := append([]string{"-vf", "drawbox=w=iw/4:h=ih/4:color=black:t=fill,drawbox=x=iw/4:w=iw:h=ih:color=white:t=fill,drawbox=y=ih/4:w=iw:h=ih:color=white:t=fill"}, h264...)
	for _, c := range []struct {
		name       string
		a, b, c, d int32
		w, h       int
		x, y       float64 // where the dark corner, top left of what is stored, is to be seen
	}{
		{"as it is", 1, 0, 0, 1, 160, 120, .1, .1},
		{"a quarter clockwise", 0, 1, -1, 0, 120, 160, .9, .1},
		{"half a turn", -1, 0, 0, -1, 160, 120, .9, .9},
		{"a quarter the other way", 0, -1, 1, 0, 120, 160, .1, .9},
		{"mirrored, as a front camera may", -1, 0, 0, 1, 160, 120, .1, .1}, // shown as it is stored: which side is left matters to nobody
	} {
		t.Run(c.name, func(t *testing.T) {
			r, steps, err := readAll(t, turned(t, made(t, "corner.mp4", dark...), c.a, c.b, c.c, c.d), Options{BetweenFPS: 6})
			if err != nil {
				t.Fatal(err)
			}
			f := steps[0].Frame
			if f.Width != c.w || f.Height != c.h || r.Info().Width != c.w || r.Info().Height != c.h {
				t.Fatalf("%dx%d, said to be %dx%d, want %dx%d", f.Width, f.Height, r.Info().Width, r.Info().Height, c.w, c.h)
			}
			for _, x := range []float64{.1, .9} {
				for _, y := range []float64{.1, .9} {
					grey := f.Pix[3*(int(y*float64(f.Height))*f.Width+int(x*float64(f.Width)))]
					if dark := grey < 128; dark != (x == c.x && y == c.y) {
						t.Errorf("at %v, %v of the picture: %d", x, y, grey)
					}
				}
			}
			if g := steps[1].Between[0]; g.Width != c.w || g.Height != c.h {
				t.Errorf("frames between are %dx%d", g.Width, g.Height)
			}
		})
	}
}

// joined puts one transport stream behind another.
func joined(t *testing.T, a, b string) string {
	t.Helper()
	var all []byte
	for _, p := range []string{a, b} {
		part, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
	if err := os.WriteFile(a, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// Damage ends nothing: what can be read is read, what cannot is a gap.
func TestDamage(t *testing.T) {
	fragmented := append([]string{"-movflags", "frag_keyframe+empty_moov"}, h264...)
	fast := append([]string{"-movflags", "faststart"}, h264...)
	for _, c := range []struct {
		name     string
		path     string
		steps    [2]int // at least, at most
		gaps     bool
		lastStep float64
	}{
		{"whole mp4", made(t, "a.mp4", h264...), [2]int{8, 8}, false, 7},
		{"whole fragmented mp4", made(t, "a.mp4", fragmented...), [2]int{8, 8}, false, 7},
		{"whole mkv", made(t, "a.mkv", h264...), [2]int{8, 8}, false, 7},
		{"whole ts", made(t, "a.ts", h264...), [2]int{8, 8}, false, 7},
		{"whole avi", made(t, "a.avi", "-c:v", "mpeg4"), [2]int{8, 8}, false, 7},
		{"variable frame rate", made(t, "a.mp4", append(variable, h264...)...), [2]int{5, 8}, true, 7},
		{"faststart mp4 cut", cut(t, made(t, "a.mp4", fast...), .5), [2]int{2, 6}, true, 0},
		{"mkv cut", cut(t, made(t, "a.mkv", h264...), .5), [2]int{2, 6}, true, 0},
		{"avi cut", cut(t, made(t, "a.avi", "-c:v", "mpeg4"), .5), [2]int{2, 6}, true, 0},
		{"ts cut inside a packet", cutPackets(t, made(t, "a.ts", h264...), .5, 94), [2]int{2, 6}, true, 0},
		{"ts cut between packets: as if stopped there", cutPackets(t, made(t, "a.ts", h264...), .5, 0), [2]int{2, 6}, false, 0},
		{"ts with a hole", zeroed(t, made(t, "a.ts", h264...), .35, .75), [2]int{3, 8}, true, 0},
		{"fragmented mp4 with a hole", zeroed(t, made(t, "a.mp4", fragmented...), .35, .75), [2]int{2, 8}, true, 0},
		{"fragmented mp4 cut: its own count shrinks with it", cut(t, made(t, "a.mp4", fragmented...), .5), [2]int{2, 6}, true, 0},
		{"fragmented mp4 cut late", cut(t, made(t, "a.mp4", fragmented...), .93), [2]int{5, 8}, true, 0},
		{"mkv with a hole", zeroed(t, made(t, "a.mkv", h264...), .35, .75), [2]int{2, 8}, true, 0},
		{"one key frame", made(t, "a.mkv", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "9999", "-sc_threshold", "0"), [2]int{8, 8}, false, 7},
		{"size changes", joined(t, made(t, "a.ts", h264...), made(t, "b.ts", append([]string{"-s", "320x240"}, h264...)...)), [2]int{15, 16}, false, 0},
		{"mp4 with a hole", zeroed(t, made(t, "a.mp4", h264...), .35, .75), [2]int{3, 8}, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, steps, err := readAll(t, c.path, Options{BetweenFPS: 6})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d steps, gaps %v, %+v", len(steps), r.Gaps(), r.Info())
			if len(steps) < c.steps[0] || len(steps) > c.steps[1] {
				t.Errorf("%d steps, want %v", len(steps), c.steps)
			}
			if (len(r.Gaps()) > 0) != c.gaps {
				t.Errorf("gaps %v", r.Gaps())
			}
			for i := 1; i < len(steps); i++ {
				if steps[i].Time <= steps[i-1].Time {
					t.Errorf("time goes from %v to %v", steps[i-1].Time, steps[i].Time)
				}
			}
			if last := steps[len(steps)-1].Time; c.lastStep > 0 && (last < c.lastStep-.1 || last > c.lastStep+.1) {
				t.Errorf("the last step is at %v, want %v", last, c.lastStep)
			}
		})
	}
}

// Pictures of any shape give steps: also such as have less than a row when they are made small.
func TestShapes(t *testing.T) {
	for _, size := range []string{"4096x2", "2x2304", "4096x16", "3x3", "33x31"} {
		path := filepath.Join(t.TempDir(), "a.mkv")
		if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=r=5:d=2:s="+size, "-c:v", "ffv1", "-pix_fmt", "yuv444p", path).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, out)
		}
		r, steps, err := readAll(t, path, Options{BetweenFPS: 5})
		if err != nil || len(steps) != 2 || len(r.Gaps()) > 0 {
			t.Errorf("%s: %d steps, %v", size, len(steps), err)
		}
	}
}

// A short recording that is cut lacks what is cut off, not nothing.
func TestShortDamageHasALength(t *testing.T) {
	for _, name := range []string{"a.mp4", "a.mkv"} {
		r, _, err := readAll(t, cut(t, made(t, name, append([]string{"-t", "2", "-movflags", "faststart"}, h264...)...), .5), Options{NoFlow: true})
		if err != nil {
			t.Fatal(err)
		}
		if g := r.Gaps(); len(g) != 1 || g[0].Start < .5 || g[0].Start > 1.5 || g[0].End < 1.95 || g[0].End > 2.1 {
			t.Errorf("%s: gaps %v of %+v", name, g, r.Info())
		}
	}
}

// Flipped bits cost no frame and no time: only the decoder's complaints tell, and
// those are counted.
func TestFlippedBitsAreTold(t *testing.T) {
	path := made(t, "a.mp4", append([]string{"-movflags", "faststart"}, h264...)...)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	media := strings.Index(string(b), "mdat")
	for range 200 {
		b[media+64+r.IntN(len(b)-media-64)] ^= 1 << r.IntN(8)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	rec, steps, err := readAll(t, path, Options{NoFlow: true})
	if err != nil {
		t.Fatal(err)
	}
	if rec.Info().DecoderErrors == 0 {
		t.Errorf("%d steps, and no word of the damage: %+v", len(steps), rec.Info())
	}
}

// Whatever is done to a file, the parent lives, and each ends in a legal state.
func TestMutatedRecordings(t *testing.T) {
	count := 200
	if testing.Short() {
		count = 8
	}
	r := rand.New(rand.NewPCG(7, 7))
	var whole [][]byte
	names := []string{"m.mp4", "m.mkv", "m.ts", "m.avi"}
	for _, n := range names {
		args := h264
		if n == "m.avi" {
			args = []string{"-c:v", "mpeg4"}
		}
		b, err := os.ReadFile(made(t, n, append([]string{"-t", "2"}, args...)...))
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, b)
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	refused, read := 0, 0
	files := make(chan string)
	for range 2 { // opening is mostly starting a process: two at once take half the time
		group.Go(func() {
			for path := range files {
				rec, _, err := readAll(t, path, Options{Hang: 5 * time.Minute, NoFlow: true})
				os.Remove(path)
				mu.Lock()
				switch {
				case err == nil:
					read++
				case errors.Is(err, ErrHung) || errors.Is(err, ErrCrashed):
					t.Errorf("%v", err)
				case !strings.HasPrefix(err.Error(), path) || strings.Contains(err.Error(), "\n"):
					t.Errorf("said %q", err)
				case rec == nil:
					refused++
				}
				mu.Unlock()
			}
		})
	}
	dir := t.TempDir()
	for i := range count {
		k := i % len(names)
		path := filepath.Join(dir, strconv.Itoa(i)+"-"+names[k])
		if err := os.WriteFile(path, mutate(r, whole[k]), 0o600); err != nil {
			t.Fatal(err)
		}
		files <- path
	}
	close(files)
	group.Wait()
	t.Logf("%d refused, %d read, %d failed while reading", refused, read, count-refused-read)
}

// mutate flips bits, blanks, cuts or repeats a part.
func mutate(r *rand.Rand, b []byte) []byte {
	b = append([]byte(nil), b...)
	at, n := r.IntN(len(b)), 1+r.IntN(len(b)/4)
	end := min(at+n, len(b))
	switch r.IntN(5) {
	case 0:
		for range 200 {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
	case 1:
		clear(b[at:end])
	case 2:
		b = b[:max(at, 16)]
	case 3:
		b = append(b[:end:end], b[at:]...)
	default: // the header, where sizes and counts are
		for range 6 {
			b[r.IntN(min(len(b), 800))] = byte(r.Uint32())
		}
	}
	return b
}
