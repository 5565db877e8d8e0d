package analysis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"

	"classlens/vision/scene"
	"classlens/vision/track"
)

// peopleSegment is the expensive part of the first pass over some consecutive steps:
// the people found, where optical flow moved points, and the detector's state afterwards.
// A resumed run decodes these steps again (pictures are never kept), but takes
// detections and flow from here.
type peopleSegment struct {
	Steps    []stepRecord
	Follows  []followed
	Detector []byte
	Looks    int // steps searched since the recording's start
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

// followKey identifies a call: the frames by their times, the points by a hash.
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

// tape is a Follower that replays the calls of an earlier run and records those of
// this one. It belongs to the goroutine that runs the tracker.
type tape struct {
	inner    track.Follower
	known    map[followKey]followed
	recorded []followed
}

// Follow replays a known call, and otherwise follows and records.
func (t *tape) Follow(a, b scene.Gray, pts []track.Point) ([]track.Point, []bool) {
	k := keyOf(a, b, pts)
	f, ok := t.known[k]
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
	t.recorded = append(t.recorded, f)
	return moved, sure
}

// know replaces the calls to replay by those of one segment.
func (t *tape) know(all []followed) {
	t.known = make(map[followKey]followed, len(all))
	for _, f := range all {
		t.known[f.Key] = f
	}
}

// take gives, and forgets, what was recorded since the last call.
func (t *tape) take() []followed {
	all := t.recorded
	t.recorded = nil
	return all
}

// errRestart: what was found so far cannot be used; the recording is analyzed from its start again.
var errRestart = errors.New("starting over")

// errStale: the work of an earlier run does not match what is decoded now. It cannot
// happen while decoding is deterministic.
var errStale = fmt.Errorf("the work of an earlier run does not fit this recording: %w", errRestart)

// reader reads the stored steps of the first pass in order.
type reader struct {
	work    *work
	next    int // segment to load
	current *peopleSegment
	at      int // step in it
}

// step gives the record of the next step and the segment that holds it; nil after the
// last stored one.
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
		record.People = []scene.Person{} // searched, and nobody found: gob does not distinguish an empty slice from nil
	}
	return record, r.current, nil
}
