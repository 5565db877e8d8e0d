package probe

import (
	"fmt"
	"math"
	"math/bits"
)

// The EBML ids that matter here.
const (
	idSegment       = 0x18538067
	idInfo          = 0x1549A966
	idTimeScale     = 0x2AD7B1
	idDuration      = 0x4489
	idTracks        = 0x1654AE6B
	idTrackEntry    = 0xAE
	idTrackType     = 0x83
	idCodec         = 0x86
	idFrameDuration = 0x23E383
	idVideo         = 0xE0
	idWidth         = 0xB0
	idHeight        = 0xBA
	idCluster       = 0x1F43B675
	idClusterTime   = 0xE7
)

type matroska struct {
	*file
	Result
	scale    float64 // nanoseconds per tick
	duration float64 // ticks
	first    float64 // ticks at which the first cluster begins; negative until known
	last     float64 // ticks at which the last cluster begins

	// the track that is being read
	isVideo bool
	codec   string
	w, h    int
	spacing float64 // nanoseconds per frame
}

func probeMatroska(f *file) (Result, error) {
	m := &matroska{file: f, Result: Result{Container: "mkv"}, scale: 1e6, first: -1}
	inner := true
	whole, err := m.elements(0, f.size, func(id uint64, start, end int64) error {
		if id != idSegment {
			return nil
		}
		complete, err := m.elements(start, end, m.segment)
		inner = inner && complete
		return err
	})
	if err != nil {
		return m.Result, err
	}
	// Most writers give the end time of the last frame as the duration, so a recording that was cut out of a longer one with its timestamps kept would seem to lack its
	// beginning. Some give the length instead: these have a cluster that begins after the duration.
	if m.first > 0 && m.first < m.duration && m.last <= m.duration {
		m.duration -= m.first
	}
	m.Duration = m.duration * m.scale / 1e9
	if m.FPS > 0 && m.Duration > 0 && m.Duration*m.FPS < math.MaxInt32 {
		m.Frames = int(m.Duration*m.FPS + .5)
	}
	if m.Tracks == 0 {
		return m.Result, fmt.Errorf("%w: it ends before its tracks are described", ErrTruncated)
	}
	if !whole || !inner {
		m.Damage = "pieces of the file are missing or damaged"
	}
	return m.Result, nil
}

// id reads an element's id, a number that keeps its length marker, of n bytes.
func (f *file) id(at int64) (v uint64, n int64, ok bool) { return f.number(at) }

// length reads an element's length, of n bytes, without the marker.
func (f *file) length(at int64) (v uint64, n int64, ok bool) {
	v, n, ok = f.number(at)
	return v &^ (1 << (7 * n)), n, ok
}

// number reads an EBML variable-length number of n bytes, with its length marker.
func (f *file) number(at int64) (v uint64, n int64, ok bool) {
	h, err := f.read(at, 1)
	if err != nil || h[0] == 0 {
		return 0, 0, false
	}
	n = int64(bits.LeadingZeros8(h[0])) + 1
	b, err := f.read(at, n)
	if err != nil {
		return 0, 0, false
	}
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, n, true
}

// elements visits the elements between two offsets; whole is false if the last one
// claims to extend beyond the end.
func (f *file) elements(at, end int64, visit func(id uint64, start, end int64) error) (whole bool, err error) {
	for at < end {
		if f.pieces++; f.pieces > maxBoxes {
			return false, fmt.Errorf("%w: more than %d elements", ErrLimits, maxBoxes)
		}
		id, a, ok := f.id(at)
		if !ok {
			return false, nil
		}
		size, b, ok := f.length(at + a)
		if !ok {
			return false, nil
		}
		start := at + a + b
		stop := start + int64(min(size, math.MaxInt64/4))
		unknown := size == 1<<(7*b)-1 // live recordings: it extends to the end
		if unknown {
			stop = end
		}
		if err := visit(id, start, min(stop, end)); err != nil {
			return false, err
		}
		if stop > end {
			return false, nil
		}
		at = stop
	}
	return true, nil
}

func (m *matroska) segment(id uint64, start, end int64) error {
	switch id {
	case idInfo:
		_, err := m.elements(start, end, func(id uint64, start, end int64) error {
			switch id {
			case idTimeScale:
				m.scale = float64(m.uint(start, end))
			case idDuration:
				m.duration = m.float(start, end)
			}
			return nil
		})
		return err
	case idTracks:
		_, err := m.elements(start, end, func(id uint64, start, end int64) error {
			if id != idTrackEntry {
				return nil
			}
			return m.track(start, end)
		})
		return err
	case idCluster:
		m.cluster(start, end)
	}
	return nil
}

// cluster reads the time at which a cluster begins, which is its first element or comes soon after.
func (m *matroska) cluster(at, end int64) {
	for range 3 {
		id, a, ok := m.id(at)
		size, b, ok2 := m.length(at + a)
		if at += a + b; !ok || !ok2 || int64(min(size, math.MaxInt64/4)) > end-at {
			return
		}
		if id == idClusterTime {
			m.last = float64(m.uint(at, at+int64(size)))
			if m.first < 0 {
				m.first = m.last
			}
			return
		}
		at += int64(size)
	}
}

func (m *matroska) track(start, end int64) error {
	if m.Tracks++; m.Tracks > maxTracks {
		return fmt.Errorf("%w: more than %d tracks", ErrLimits, maxTracks)
	}
	m.isVideo, m.codec, m.w, m.h, m.spacing = false, "", 0, 0, 0
	if _, err := m.elements(start, end, m.trackElement); err != nil {
		return err
	}
	if !m.isVideo {
		return nil
	}
	if m.VideoTracks++; m.VideoTracks == 1 {
		m.Codec = m.codec
		if m.spacing > 0 {
			m.FPS = 1e9 / m.spacing
		}
	}
	m.Width, m.Height = max(m.Width, m.w), max(m.Height, m.h)
	return nil
}

func (m *matroska) trackElement(id uint64, start, end int64) error {
	switch id {
	case idTrackType:
		m.isVideo = m.uint(start, end) == 1
	case idCodec:
		if b, err := m.read(start, min(end-start, 32)); err == nil {
			m.codec = printable(b)
		}
	case idFrameDuration:
		m.spacing = float64(m.uint(start, end))
	case idVideo:
		_, err := m.elements(start, end, func(id uint64, start, end int64) error {
			switch id {
			case idWidth:
				m.w = int(min(m.uint(start, end), math.MaxInt32))
			case idHeight:
				m.h = int(min(m.uint(start, end), math.MaxInt32))
			}
			return nil
		})
		return err
	}
	return nil
}

func (m *matroska) uint(start, end int64) (v uint64) {
	b, err := m.read(start, min(end-start, 8))
	if err != nil {
		return 0
	}
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// float reads a float of 4 or 8 bytes; 0, which means unknown, if it is not finite and positive.
func (m *matroska) float(start, end int64) float64 {
	v := math.Float64frombits(m.uint(start, end))
	if end-start == 4 {
		v = float64(math.Float32frombits(uint32(m.uint(start, end))))
	}
	if !(v > 0 && v < math.MaxFloat64) {
		return 0
	}
	return v
}
