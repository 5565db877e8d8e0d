package probe

import (
	"encoding/binary"
	"fmt"
)

type avi struct {
	*file
	Result
	header bool
}

func probeAVI(f *file) (Result, error) {
	a := &avi{file: f, Result: Result{Container: "avi"}}
	whole, err := a.chunks(0, f.size, 0)
	if err != nil {
		return a.Result, err
	}
	if !a.header {
		return a.Result, fmt.Errorf("%w: it ends within its header", ErrTruncated)
	}
	if a.FPS > 0 {
		a.Duration = float64(a.Frames) / a.FPS
	}
	if !whole {
		a.Damage = "the file ends within its last piece"
	}
	return a.Result, nil
}

// chunks walks through RIFF chunks and enters lists, except the one with the pictures.
func (a *avi) chunks(at, end int64, depth int) (whole bool, err error) {
	for at+8 <= end {
		if a.pieces++; a.pieces > maxBoxes || depth > 8 {
			return false, fmt.Errorf("%w: more than %d pieces, or nested more than 8 deep", ErrLimits, maxBoxes)
		}
		h, err := a.read(at, 8)
		if err != nil {
			return false, nil
		}
		size := int64(binary.LittleEndian.Uint32(h[4:]))
		start, stop := at+8, at+8+size
		kind := string(h[:4])
		if kind == "RIFF" || kind == "LIST" {
			name, err := a.read(start, 4)
			if err == nil && string(name) != "movi" {
				if inner, err := a.chunks(start+4, min(stop, end), depth+1); err != nil || (!inner && stop > end) {
					return false, err
				}
			}
		} else if err := a.chunk(kind, start, min(stop, end)); err != nil {
			return false, err
		}
		if stop > end {
			return false, nil
		}
		at = stop + size%2
	}
	return at >= end-1, nil
}

func (a *avi) chunk(kind string, start, end int64) error {
	switch kind {
	case "avih":
		d, err := a.read(start, 40)
		if err != nil {
			return nil
		}
		a.header = true
		if us := binary.LittleEndian.Uint32(d); us > 0 {
			a.FPS = 1e6 / float64(us)
		}
		a.Frames = int(binary.LittleEndian.Uint32(d[16:]))
		a.Width, a.Height = int(binary.LittleEndian.Uint32(d[32:])), int(binary.LittleEndian.Uint32(d[36:]))
	case "strh":
		d, err := a.read(start, min(end-start, 8))
		if err != nil || len(d) < 8 {
			return nil
		}
		a.Tracks++
		if string(d[:4]) == "vids" {
			a.VideoTracks++
			a.Codec = printable(d[4:8])
		}
	}
	return nil
}
