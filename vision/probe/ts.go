package probe

import "fmt"

const packet = 188

// isTS: three packets in a row begin with the sync byte.
func isTS(head []byte) bool {
	for i := range 3 {
		if len(head) <= i*packet || head[i*packet] != 0x47 {
			return false
		}
	}
	return true
}

// probeTS reads the clock of the first and last packets that carry one: a
// transport stream has no header that says how long it is.
func probeTS(f *file) (Result, error) {
	r := Result{Container: "ts", Tracks: 1, VideoTracks: 1} // the decoder finds out; the tables are spread over the file
	const window = 4 << 20
	first, ok1 := f.clocks(0, min(window, f.size), true)
	start := max(0, f.size-window) / packet * packet
	last, ok2 := f.clocks(start, f.size, false)
	if ok1 && ok2 && last > first {
		r.Duration = float64(last-first) / 90000
	}
	if f.size%packet != 0 {
		r.Damage = fmt.Sprintf("the last %d bytes are no whole packet", f.size%packet)
	}
	return r, nil
}

// clocks finds the first or last program clock (90 kHz) between two places.
func (f *file) clocks(at, end int64, wantFirst bool) (clock int64, found bool) {
	b, err := f.read(at, end-at)
	if err != nil {
		return 0, false
	}
	for ; len(b) >= packet; b = b[packet:] {
		hasField := b[3]&0x20 != 0 && b[4] >= 7 && b[5]&0x10 != 0
		if b[0] != 0x47 || !hasField {
			continue
		}
		clock = int64(b[6])<<25 | int64(b[7])<<17 | int64(b[8])<<9 | int64(b[9])<<1 | int64(b[10]>>7)
		if found = true; wantFirst {
			return clock, true
		}
	}
	return clock, found
}
