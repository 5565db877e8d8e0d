package probe

import "encoding/binary"

// nextFragment finds the next intact fragment after a damaged span that begins at at: a moof
// box that ends within the file; -1 if there is none.
func (f *file) nextFragment(at int64) int64 {
	const window = 1 << 20
	for ; f.scanned < 1<<30 && at < f.size; f.scanned += window {
		b, err := f.read(at, min(window+8, f.size-at))
		if err != nil {
			return -1
		}
		for i := 0; i+8 <= len(b); i++ {
			if string(b[i+4:i+7]) != "moo" || b[i+7] != 'f' {
				continue
			}
			size := int64(binary.BigEndian.Uint32(b[i:]))
			if size >= 16 && size <= f.size-at-int64(i) {
				return at + int64(i)
			}
		}
		at += window
	}
	return -1
}

// fragment adds one traf's samples to its track.
func (m *mp4) fragment(b box) error {
	var t *mp4Track
	perSample, base := uint32(0), uint64(0)
	_, err := m.boxes(b.start, b.end, func(b box) error {
		d, err := m.read(b.start, min(b.end-b.start, 8<<20))
		if err != nil || len(d) < 8 {
			return nil
		}
		flags := binary.BigEndian.Uint32(d) & 0xffffff
		switch b.kind {
		case "tfhd":
			for i := range m.videos {
				if m.videos[i].id == binary.BigEndian.Uint32(d[4:]) {
					t = &m.videos[i]
					perSample = t.perTick
				}
			}
			at := 8
			for _, f := range []struct{ bit, size int }{{1, 8}, {2, 4}} {
				if flags&uint32(f.bit) != 0 {
					at += f.size
				}
			}
			if flags&8 != 0 && len(d) >= at+4 {
				perSample = binary.BigEndian.Uint32(d[at:])
			}
		case "tfdt":
			if t == nil {
				break
			}
			if base = uint64(binary.BigEndian.Uint32(d[4:])); d[0] == 1 && len(d) == 8+4 {
				base = binary.BigEndian.Uint64(d[4:])
			}
		case "trun":
			if t != nil {
				before := t.ticks
				t.run(d, flags, perSample)
				base += t.ticks - before
				t.last = max(t.last, base)
			}
		}
		return nil
	})
	return err
}

// run adds one trun's samples.
func (t *mp4Track) run(d []byte, flags, perSample uint32) {
	n := binary.BigEndian.Uint32(d[4:])
	t.fragment += uint64(n)
	at, step := 8, 0
	if flags&1 != 0 {
		at += 4
	}
	if flags&4 != 0 {
		at += 4
	}
	for _, bit := range []uint32{0x100, 0x200, 0x400, 0x800} {
		if flags&bit != 0 {
			step += 4
		}
	}
	if flags&0x100 == 0 {
		t.ticks += uint64(n) * uint64(perSample)
		return
	}
	for ; n > 0 && at+4 <= len(d); n-- {
		t.ticks += uint64(binary.BigEndian.Uint32(d[at:]))
		at += step
	}
}
