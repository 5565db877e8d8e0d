package probe

import "fmt"

const packet = 188

// isTS tells whether three packets in a row begin with the sync byte.
func isTS(head []byte) bool {
	for i := range 3 {
		if len(head) <= i*packet || head[i*packet] != 0x47 {
			return false
		}
	}
	return true
}

// probeTS reads the first and the last clock in the stream: a transport stream has no header
// that says how long it is.
func probeTS(f *file) (Result, error) {
	r := Result{Container: "ts", Tracks: 1, VideoTracks: 1} // assumed, since the tables are spread over the file; the decoder finds out
	const window = 4 << 20
	first, _, ok1 := f.clocks(0, min(window, f.size))
	start := max(0, f.size-window) / packet * packet
	_, last, ok2 := f.clocks(start, f.size)
	if ok1 && ok2 && last > first {
		r.Duration = float64(last-first) / 90000
	}
	if f.size%packet != 0 {
		r.Damage = fmt.Sprintf("the last %d bytes are not a whole packet", f.size%packet)
	}
	return r, nil
}

// clocks finds the first and the last program clock reference (90 kHz) between two offsets.
func (f *file) clocks(at, end int64) (first, last int64, found bool) {
	b, err := f.read(at, end-at)
	if err != nil {
		return 0, 0, false
	}
	for ; len(b) >= packet; b = b[packet:] {
		hasField := b[3]&0x20 != 0 && b[4] >= 7 && b[5]&0x10 != 0
		if b[0] != 0x47 || !hasField {
			continue
		}
		last = int64(b[6])<<25 | int64(b[7])<<17 | int64(b[8])<<9 | int64(b[9])<<1 | int64(b[10]>>7)
		if !found {
			first, found = last, true
		}
	}
	return first, last, found
}
