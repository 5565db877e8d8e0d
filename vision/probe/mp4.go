package probe

import (
	"encoding/binary"
	"fmt"
	"math"
)

// box is one piece of an MP4 or MOV file.
type box struct {
	kind       string
	start, end int64 // of the content
}

// Bounds on a walk through a file: 12 hours in half-second fragments have 172,800 pieces, an
// ordinary track is nested 5 deep, and no recorder writes a thousand tracks.
const (
	maxBoxes  = 1 << 19
	maxDepth  = 16
	maxTracks = 1 << 10
)

// boxes visits the boxes between two offsets; whole is false if the last one claims to
// extend beyond the end.
func (f *file) boxes(at, end int64, visit func(box) error) (whole bool, err error) {
	f.depth++
	defer func() { f.depth-- }()
	if f.depth > maxDepth {
		return false, fmt.Errorf("%w: boxes nested more than %d deep", ErrLimits, maxDepth)
	}
	for at+8 <= end {
		if f.pieces++; f.pieces > maxBoxes {
			return false, fmt.Errorf("%w: more than %d pieces", ErrLimits, maxBoxes)
		}
		h, err := f.read(at, 8)
		if err != nil {
			return false, nil
		}
		size, head := int64(binary.BigEndian.Uint32(h)), int64(8)
		switch size {
		case 0:
			size = end - at
		case 1:
			h16, err := f.read(at, 16)
			if err != nil {
				return false, nil
			}
			long := binary.BigEndian.Uint64(h16[8:])
			if long > math.MaxInt64 {
				return false, nil
			}
			size, head = int64(long), 16
		}
		if size < head {
			return false, nil
		}
		b := box{string(h[4:8]), at + head, at + size}
		if end == f.size && printable(h[4:8]) != string(h[4:8]) {
			return end-at < tailBytes, nil // some recorders append something to the last box
		}
		if size > end-at {
			b.end = end
			if err := visit(b); err != nil {
				return false, err
			}
			return false, nil
		}
		if err := visit(b); err != nil {
			return false, err
		}
		at += size
	}
	return at == end, nil
}

// tailBytes is the most that may follow the last box without counting as damage.
const tailBytes = 4096

// mp4 collects what the boxes say.
type mp4 struct {
	*file
	Result
	movieScale uint32
	moov       bool
	fragments  bool
	reached    int64      // end of the last index (moov or moof) that was read
	track      mp4Track   // being read
	videos     []mp4Track // picture tracks so far
}

type mp4Track struct {
	id       uint32
	video    bool
	codec    string
	w, h     int
	scale    uint32
	duration uint64
	samples  uint64
	fragment uint64 // samples in fragments
	ticks    uint64 // duration of these
	perTick  uint32 // default duration of a sample, in ticks
	last     uint64 // tick at which the latest fragment ends, by its own clock
	rotation int
}

func probeMP4(f *file) (Result, error) {
	m := &mp4{file: f, Result: Result{Container: "mp4"}}
	whole, err := f.boxes(0, f.size, m.top)
	if err == nil && !whole && m.fragments { // a hole: the fragments after it tell how much is lost
		for at := m.reached; err == nil; at = m.reached {
			if at = f.nextFragment(at); at < 0 {
				break
			}
			m.reached = at + 8
			_, err = f.boxes(at, f.size, m.top)
		}
	}
	if err != nil {
		return m.Result, err
	}
	if !m.moov {
		return m.Result, fmt.Errorf("%w: it has no index (moov): it is still being written or copied, or the recorder did not finish it; wait, or try a repair tool such as untrunc", ErrTruncated)
	}
	m.sum()
	if !whole {
		m.Damage = "pieces of the file are missing or damaged"
	}
	return m.Result, nil
}

func (m *mp4) top(b box) error {
	if b.kind == "moof" || b.kind == "moov" {
		m.reached = max(m.reached, b.end) // of other boxes, a damaged one may lie about its length
	}
	switch b.kind {
	case "moov":
		m.moov = true
		_, err := m.boxes(b.start, b.end, m.movie)
		return err
	case "moof":
		m.fragments = true
		_, err := m.boxes(b.start, b.end, func(b box) error {
			if b.kind != "traf" {
				return nil
			}
			return m.fragment(b)
		})
		return err
	}
	return nil
}

func (m *mp4) movie(b box) error {
	switch b.kind {
	case "mvhd":
		d, _ := m.read(b.start, min(b.end-b.start, 32))
		m.movieScale, m.track.duration = timescale(d)
		if m.movieScale > 0 {
			m.Duration = float64(m.track.duration) / float64(m.movieScale)
		}
	case "trak":
		if m.Tracks++; m.Tracks > maxTracks {
			return fmt.Errorf("%w: more than %d tracks", ErrLimits, maxTracks)
		}
		m.track = mp4Track{}
		if _, err := m.boxes(b.start, b.end, m.trackBox); err != nil {
			return err
		}
		if m.track.video {
			m.VideoTracks++
			m.videos = append(m.videos, m.track)
		}
	case "mvex":
		_, err := m.boxes(b.start, b.end, func(b box) error {
			if d, err := m.read(b.start, min(b.end-b.start, 24)); err == nil && b.kind == "trex" && len(d) >= 16 {
				for i := range m.videos {
					if m.videos[i].id == binary.BigEndian.Uint32(d[4:]) {
						m.videos[i].perTick = binary.BigEndian.Uint32(d[12:])
					}
				}
			}
			return nil
		})
		return err
	}
	return nil
}

// timescale reads scale and duration of an mvhd or mdhd.
func timescale(d []byte) (scale uint32, duration uint64) {
	switch {
	case len(d) >= 32 && d[0] == 1:
		return binary.BigEndian.Uint32(d[20:]), binary.BigEndian.Uint64(d[24:])
	case len(d) >= 20 && d[0] == 0:
		return binary.BigEndian.Uint32(d[12:]), uint64(binary.BigEndian.Uint32(d[16:]))
	}
	return 0, 0
}

func (m *mp4) trackBox(b box) error {
	t := &m.track
	switch b.kind {
	case "mdia", "minf", "stbl":
		_, err := m.boxes(b.start, b.end, m.trackBox)
		return err
	case "tkhd":
		if d, err := m.read(b.start, min(b.end-b.start, 96)); err == nil {
			t.header(d)
		}
	case "mdhd":
		d, _ := m.read(b.start, min(b.end-b.start, 32))
		t.scale, t.duration = timescale(d)
	case "hdlr":
		if d, err := m.read(b.start, min(b.end-b.start, 12)); err == nil && len(d) == 12 {
			t.video = t.video || string(d[8:12]) == "vide" // a MOV track has a second handler, for its data
		}
	case "stsd":
		if d, err := m.read(b.start, min(b.end-b.start, 64)); err == nil && len(d) >= 44 && t.video {
			t.codec = printable(d[12:16])
			t.w, t.h = max(t.w, int(binary.BigEndian.Uint16(d[40:]))), max(t.h, int(binary.BigEndian.Uint16(d[42:])))
		}
	case "stsz":
		if d, err := m.read(b.start, min(b.end-b.start, 12)); err == nil && len(d) == 12 {
			t.samples = uint64(binary.BigEndian.Uint32(d[8:]))
		}
	}
	return nil
}

// header reads a tkhd: id, size and rotation. The matrix shows a point (x, y) at (ax + cy, bx + dy), so the picture's downward direction (0, 1) becomes (c, d), even if the picture is mirrored.
func (t *mp4Track) header(d []byte) {
	at, matrix := 12, 40
	if len(d) > 0 && d[0] == 1 {
		at, matrix = 20, 52
	}
	if len(d) < matrix+44 {
		return
	}
	t.id = binary.BigEndian.Uint32(d[at:])
	down := [2]int32{int32(binary.BigEndian.Uint32(d[matrix+12:])), int32(binary.BigEndian.Uint32(d[matrix+16:]))}
	if down != [2]int32{} {
		t.rotation = int(math.Round(math.Atan2(-float64(down[0]), float64(down[1]))*180/math.Pi)+360) % 360
	}
	t.w, t.h = int(binary.BigEndian.Uint32(d[matrix+36:])>>16), int(binary.BigEndian.Uint32(d[matrix+40:])>>16)
}

// sum derives the result from the first picture track.
func (m *mp4) sum() {
	if len(m.videos) == 0 {
		return
	}
	v := m.videos[0]
	m.Codec, m.Width, m.Height, m.Rotation = v.codec, v.w, v.h, v.rotation
	for _, o := range m.videos[1:] { // any of them may be the one that is decoded
		m.Width, m.Height = max(m.Width, o.w), max(m.Height, o.h)
	}
	samples, ticks := v.samples+v.fragment, max(v.ticks, v.last)
	if v.samples > 0 || ticks == 0 {
		ticks += v.duration
	}
	m.Frames = int(min(samples, math.MaxInt32))
	if v.scale > 0 && ticks > 0 {
		m.Duration = float64(ticks) / float64(v.scale)
		m.FPS = float64(samples) / m.Duration
		if v.ticks > 0 && v.samples == 0 {
			m.FPS = float64(v.fragment) * float64(v.scale) / float64(v.ticks) // of what is left of the file
		}
	}
}

// printable keeps the printable ASCII characters of bytes from a file.
func printable(b []byte) string {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		if c > ' ' && c < 127 {
			out = append(out, c)
		}
	}
	return string(out)
}
