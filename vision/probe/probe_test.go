package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mp4Box is one box of a hand-made MP4.
func mp4Box(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
}

// words are 32-bit numbers, high byte first.
func words(v ...uint32) (b []byte) {
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

// tinyMP4 describes one picture track: 250 frames of 640x360 in 10 s.
func tinyMP4() []byte {
	tkhd := words(0, 0, 0, 1, 0, 10000, 0, 0, 0, 0, 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000, 640<<16, 360<<16)
	entry := append(append(words(0, 1, 86), "avc1"...), words(0, 0, 0, 0, 0, 0, 640<<16|360, 0, 0, 0)...)
	return bytes.Join([][]byte{
		mp4Box("ftyp", []byte("isom\x00\x00\x02\x00isom")),
		mp4Box("moov", mp4Box("mvhd", words(0, 0, 0, 1000, 10000)),
			mp4Box("trak", mp4Box("tkhd", tkhd), mp4Box("mdia", mp4Box("mdhd", words(0, 0, 0, 1000, 10000)),
				mp4Box("hdlr", words(0, 0), []byte("vide")),
				mp4Box("minf", mp4Box("stbl", mp4Box("stsd", entry), mp4Box("stsz", words(0, 0, 250))))))),
		mp4Box("mdat", make([]byte, 64)),
	}, nil)
}

// element is one of Matroska's, with a size of 8 bytes.
func element(id uint32, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	b := bytes.TrimLeft(words(id), "\x00")
	return append(binary.BigEndian.AppendUint64(b, 1<<56|uint64(len(body))), body...)
}

// tinyMKV: 250 frames of 640x360 in 10 s.
func tinyMKV() []byte { return mkv(10000, make([]byte, 64)) }

// mkv has a duration in milliseconds and clusters of so many bytes.
func mkv(milliseconds float64, clusters ...[]byte) []byte {
	duration := binary.BigEndian.AppendUint64(nil, math.Float64bits(milliseconds))
	var all [][]byte
	for _, c := range clusters {
		all = append(all, element(idCluster, c))
	}
	return append(element(0x1A45DFA3, element(0x4282, []byte("matroska"))),
		element(idSegment, element(idInfo, element(idTimeScale, words(1000000)), element(idDuration, duration)),
			element(idTracks, element(idTrackEntry, element(idTrackType, []byte{1}), element(idCodec, []byte("V_VP9")),
				element(idFrameDuration, words(40000000)), element(idVideo, element(idWidth, words(640)), element(idHeight, words(360))))),
			bytes.Join(all, nil))...)
}

func chunk(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append([]byte(kind), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...), body...)
}

// tinyAVI: 250 frames of 640x360 in 10 s.
func tinyAVI() []byte {
	var avih []byte
	for _, v := range []uint32{40000, 0, 0, 0, 250, 0, 1, 0, 640, 360} {
		avih = binary.LittleEndian.AppendUint32(avih, v)
	}
	return chunk("RIFF", []byte("AVI "), chunk("LIST", []byte("hdrl"), chunk("avih", avih), chunk("LIST", []byte("strl"), chunk("strh", []byte("vidsMJPG")))),
		chunk("LIST", []byte("movi"), make([]byte, 64)))
}

// tinyTS: clocks 10 s apart.
func tinyTS() (b []byte) {
	for i := range uint32(11) {
		p := make([]byte, packet)
		copy(p, []byte{0x47, 1, 0, 0x20, 7, 0x10})
		binary.BigEndian.PutUint32(p[6:], i*90000/2) // the clock's upper 32 of 33 bits
		b = append(b, p...)
	}
	return b
}

// seeds are one good file of each container.
func seeds() map[string][]byte {
	return map[string][]byte{"mp4": tinyMP4(), "mkv": tinyMKV(), "avi": tinyAVI(), "ts": tinyTS()}
}

func TestContainersByHand(t *testing.T) {
	for name, b := range seeds() {
		r, err := Reader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Container != name || r.Damage != "" || math.Abs(r.Duration-10) > 1e-6 {
			t.Errorf("%s: %+v", name, r)
		}
		if name != "ts" && (r.Width != 640 || r.Height != 360 || r.Frames != 250 || math.Abs(r.FPS-25) > 1e-6 || r.VideoTracks != 1 || r.Codec == "") {
			t.Errorf("%s: %+v", name, r)
		}
		cut := b[:len(b)-40]
		if r, err = Reader(bytes.NewReader(cut), int64(len(cut))); err != nil || r.Damage == "" {
			t.Errorf("%s cut short: %+v, %v", name, r, err)
		}
	}
}

func TestLimitsBeforeDecoding(t *testing.T) {
	nested := make([]byte, 0, 1<<20)
	for left := uint32(1 << 20); left >= 8; left -= 8 {
		nested = append(append(nested, words(left)...), "mdia"...)
	}
	for _, c := range []struct {
		name string
		file []byte
		l    Limits
		want error
	}{
		{"in order", tinyMP4(), Limits{}, nil},
		{"wide", tinyMP4(), Limits{MaxWidth: 320}, ErrLimits},
		{"high", tinyMKV(), Limits{MaxHeight: 300}, ErrLimits},
		{"fast", tinyAVI(), Limits{MaxFPS: 20}, ErrLimits},
		{"long", tinyTS(), Limits{MaxSeconds: 9}, ErrLimits},
		{"many tracks", append(tinyMP4(), mp4Box("moov", bytes.Repeat(mp4Box("trak"), 40))...), Limits{}, ErrLimits},
		{"a thousand tracks", append(tinyMP4(), mp4Box("moov", bytes.Repeat(mp4Box("trak"), 2000))...), Limits{}, ErrLimits},
		{"many pieces", append(tinyMP4(), bytes.Repeat(mp4Box("free"), maxBoxes)...), Limits{}, ErrLimits},
		{"nested without end", append(tinyMP4(), mp4Box("moov", mp4Box("trak", nested))...), Limits{}, ErrLimits},
		{"no index", mp4Box("ftyp", make([]byte, 8)), Limits{}, ErrTruncated},
		{"text", []byte("minutes of the meeting"), Limits{}, ErrFormat},
	} {
		path := filepath.Join(t.TempDir(), "a.mp4")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := File(path, c.l)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), path) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: said %q", c.name, err)
		}
	}
}

// What FFmpeg writes is read as it says; a hole in fragments is told, and how
// long the recording was is read behind it.
func TestContainersByFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	h264 := []string{"-c:v", "libx264", "-g", "25"}
	for _, c := range []struct {
		name, ext string
		args      []string
		rotation  int
		frames    bool
	}{
		{"mp4", "mp4", h264, 0, true},
		{"mov", "mov", h264, 0, true},
		{"fragmented", "mp4", append([]string{"-movflags", "frag_keyframe+empty_moov"}, h264...), 0, true},
		{"mkv", "mkv", h264, 0, true},
		{"webm", "webm", []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"}, 0, true},
		{"avi", "avi", []string{"-c:v", "mpeg4"}, 0, true},
		{"ts", "ts", h264, 0, false},
	} {
		path := filepath.Join(t.TempDir(), "a."+c.ext)
		args := append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=8"}, append(c.args, path)...)
		if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s", c.name, out)
		}
		r, err := File(path, Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if r.Damage != "" || math.Abs(r.Duration-8) > .1 || (c.frames && (r.Frames != 200 || r.Width != 160 || r.Height != 120 || math.Abs(r.FPS-25) > .1)) {
			t.Errorf("%s: %+v", c.name, r)
		}
		if c.name != "fragmented" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		clear(b[len(b)*2/5 : len(b)*3/5])
		if r, err = Reader(bytes.NewReader(b), int64(len(b))); err != nil || r.Damage == "" || math.Abs(r.Duration-8) > .1 || r.Frames >= 200 || r.Frames < 75 {
			t.Errorf("%s with a hole: %+v, %v", c.name, r, err)
		}
	}
}

func TestLinks(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for _, p := range []string{filepath.Join(dir, "a.mp4"), filepath.Join(other, "b.mp4")} {
		if err := os.WriteFile(p, tinyMP4(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"inside.mp4": "a.mp4", "outside.mp4": filepath.Join(other, "b.mp4"), "nowhere.mp4": "none"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := File(filepath.Join(dir, name), Limits{}); (err == nil) != (name == "inside.mp4") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A recording cut out of a longer one with its times kept is as long as it is, whichever of its times the header calls the duration.
func TestMatroskaThatBeginsLate(t *testing.T) {
	for _, c := range []struct {
		name        string
		duration    float64 // ms, in the header
		first, last uint32  // ms: where clusters begin
		want        float64
	}{
		{"from 0", 10000, 0, 8000, 10},
		{"the end's time", 1010000, 1000000, 1008000, 10},
		{"the length", 1010000, 1000000, 2008000, 1010},
		{"the length, shorter than the first time", 10000, 1000000, 1008000, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster := func(at uint32) []byte {
				return bytes.Join([][]byte{element(0xBF, words(0)), element(idClusterTime, words(at)), element(0xA3, make([]byte, 64))}, nil)
			}
			b := mkv(c.duration, cluster(c.first), cluster(c.last))
			r, err := Reader(bytes.NewReader(b), int64(len(b)))
			if err != nil || r.Damage != "" || r.Duration != c.want || r.Frames != int(c.want*25) {
				t.Errorf("%+v, %v; want %v s", r, err, c.want)
			}
		})
	}
}

// A telephone held upright takes 4K pictures that are higher than wide; what is too large lying is too large standing.
func TestLimitsHoldEitherWayUp(t *testing.T) {
	l := Limits{}.WithDefaults()
	for _, c := range []struct {
		w, h int
		fits bool
	}{{3840, 2160, true}, {2160, 3840, true}, {4096, 2304, true}, {4096, 4096, false}, {2305, 4096, false}, {4097, 100, false}, {100, 4097, false}} {
		if got := l.Fits(c.w, c.h); got != c.fits {
			t.Errorf("%dx%d: %v, want %v", c.w, c.h, got, c.fits)
		}
	}
}
