package people

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"maps"
	"slices"

	"classlens/vision/perspective"
	"classlens/vision/scene"
)

// state is what a detector remembers from frame to frame, in a form for gob. A test
// checks that it covers the detector's fields.
type state struct {
	Seen                []seenState
	Heights             []float64
	Looks, Turn         int
	First               bool
	Looked, Body, Whole float64
	Counts              map[string]int
	Heads               []perspective.Head // of headPlane, as the next two
	Fitted              int
	Plane               perspective.Plane
	Confirmed           []placeOf // by another net
	Begun               int       // looks
	Fresh               []findingState
}

type findingState struct {
	Look    int
	Time    float64
	Box     scene.Box
	Heights []float64
}

type placeOf struct{ X, Y float64 }

type seenState struct {
	Time float64
	Box  scene.Box
}

// State is what the detector remembers of the recording so far, for a run that
// is resumed later: after SetState, the next Detect finds what it would have found.
func (d *Detector) State() ([]byte, error) {
	if len(d.pending) > 0 {
		return nil, fmt.Errorf("people: state: %d looks are under way", len(d.pending))
	}
	s := state{Heights: slices.Clone(d.area.heights), Looks: d.area.looks, Turn: d.turn, First: d.first,
		Looked: d.looked, Body: d.body, Whole: d.whole, Counts: maps.Clone(d.counts), Begun: d.looks}
	for _, f := range d.fresh {
		s.Fresh = append(s.Fresh, findingState{f.look, f.time, f.box, f.heights})
	}
	s.Heads, s.Fitted, s.Plane = slices.Clone(d.sizes.heads), d.sizes.fitted, d.sizes.plane
	for _, p := range d.known.places {
		s.Confirmed = append(s.Confirmed, placeOf{p.x, p.y})
	}
	for _, v := range d.area.seen {
		s.Seen = append(s.Seen, seenState{v.time, v.box})
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(s); err != nil {
		return nil, fmt.Errorf("people: state: %w", err)
	}
	return b.Bytes(), nil
}

// SetState restores what State gave, for a detector with the same options.
func (d *Detector) SetState(b []byte) error {
	var s state
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&s); err != nil {
		return fmt.Errorf("people: state: %w", err)
	}
	d.Begin()
	d.area.heights, d.area.looks, d.turn, d.first = s.Heights, s.Looks, s.Turn, s.First
	d.looked, d.body, d.whole = s.Looked, s.Body, s.Whole
	maps.Copy(d.counts, s.Counts)
	d.looks = s.Begun
	for _, f := range s.Fresh {
		d.fresh = append(d.fresh, finding{f.Look, f.Time, f.Box, f.Heights})
	}
	d.sizes = headPlane{heads: s.Heads, fitted: s.Fitted, plane: s.Plane}
	for _, p := range s.Confirmed {
		d.known.places = append(d.known.places, xy{p.X, p.Y})
	}
	for _, v := range s.Seen {
		d.area.seen = append(d.area.seen, sighted{v.Time, v.Box})
	}
	return nil
}
