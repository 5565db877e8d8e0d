package analysis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"sync"

	"classlens/vision/scene"
	"classlens/vision/track"
)

// peopleSegment is what the first pass costs most to find of some steps in a row:
// people, where following moved points, and the detector's memory after them.
// A run that goes on decodes these steps again (pictures are never kept), and neither
// searches nor follows.
type peopleSegment struct {
	Steps    []stepRecord
	Follows  []followed
	Detector []byte
	Looks    int // at people, from the recording's start
}

// stepRecord is one step of the first pass.
type stepRecord struct {
	Index  int
	Time   float64
	Looked bool
	People []scene.Person
}

// followed is one call of a Follower.
type followed struct {
	Key   followKey
	Moved []float64 // x, y of each point
	OK    []bool
}

// followKey knows a call again: the frames by their times, the points by a hash.
type followKey struct {
	From, To float64
	Points   uint64
}

func keyOf(a, b scene.Gray, pts []track.Point) followKey {
	h := fnv.New64a()
	var raw [16]byte
	for _, p := range pts {
		binary.LittleEndian.PutUint64(raw[:8], math.Float64bits(p.X))
		binary.LittleEndian.PutUint64(raw[8:], math.Float64bits(p.Y))
		h.Write(raw[:])
	}
	return followKey{a.Time, b.Time, h.Sum64()}
}

// tape is a Follower that remembers: what an earlier run followed it knows, what
// this run follows it records.
type tape struct {
	inner    track.Follower
	mu       sync.Mutex
	known    map[followKey]followed
	recorded []followed
}

// Follow gives what is known, else follows.
func (t *tape) Follow(a, b scene.Gray, pts []track.Point) ([]track.Point, []bool) {
	k := keyOf(a, b, pts)
	t.mu.Lock()
	f, ok := t.known[k]
	t.mu.Unlock()
	if ok && len(f.Moved) == 2*len(pts) && len(f.OK) == len(pts) {
		moved := make([]track.Point, len(pts))
		for i := range moved {
			moved[i] = track.Point{X: f.Moved[2*i], Y: f.Moved[2*i+1]}
		}
		return moved, f.OK
	}
	moved, sure := t.inner.Follow(a, b, pts)
	f = followed{Key: k, OK: sure, Moved: make([]float64, 0, 2*len(moved))}
	for _, p := range moved {
		f.Moved = append(f.Moved, p.X, p.Y)
	}
	t.mu.Lock()
	t.recorded = append(t.recorded, f)
	t.mu.Unlock()
	return moved, sure
}

// know replaces what is known by that of one segment.
func (t *tape) know(all []followed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known = make(map[followKey]followed, len(all))
	for _, f := range all {
		t.known[f.Key] = f
	}
}

// take gives what was recorded since the last time.
func (t *tape) take() []followed {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.recorded
	t.recorded = nil
	return all
}

// errAnew: what was found so far does not serve, the recording begins anew.
var errAnew = errors.New("beginning anew")

// errStale: what an earlier run left does not fit what is decoded now. It cannot
// happen while decoding is deterministic.
var errStale = fmt.Errorf("the work of an earlier run does not fit this recording: %w", errAnew)

// reader goes through the stored steps of the first pass in order.
type reader struct {
	work    *work
	next    int // segment to load
	current *peopleSegment
	at      int // step in it
}

// step gives the record of the next step and the segment it is of; nil when all
// stored ones are through.
func (r *reader) step(s *scene.Step) (*stepRecord, *peopleSegment, error) {
	for r.current == nil || r.at == len(r.current.Steps) {
		all := r.work.segments[passPeople]
		if r.next == len(all) {
			return nil, nil, nil
		}
		r.current, r.at = &peopleSegment{}, 0
		if err := r.work.load(all[r.next], r.current); err != nil {
			return nil, nil, err
		}
		r.next++
	}
	record := &r.current.Steps[r.at]
	if record.Index != s.Index || record.Time != s.Time {
		return nil, nil, errStale
	}
	if r.at++; record.Looked && record.People == nil {
		record.People = []scene.Person{} // looked and found nobody: gob does not tell
	}
	return record, r.current, nil
}
