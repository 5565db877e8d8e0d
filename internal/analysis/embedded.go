package analysis

import (
	"bytes"
	"encoding/gob"
	"slices"

	"classlens/vision/scene"
)

// embedded holds the second pass's results by step: those of an earlier run, read
// segment by segment, and those of this run, saved at the end of each segment.
// earlier is called only by the cutting goroutine, everything else only by the one that classifies.
type embedded struct {
	run    *run
	tracks string // SHA-256 of the tracks that are classified

	// the earlier run's
	stored []segment
	next   int // of stored, to load
	steps  map[int]embeddedStep

	// this run's, since the last save
	segment  int
	fresh    embeddedSegment
	from, to float64
}

// embeddedSegment is the second pass's result for some consecutive steps.
type embeddedSegment struct {
	Tracks string
	Steps  []embeddedStep
}

type embeddedStep struct {
	Step       int
	IDs        []string
	Motion     []float64
	Embeddings [][]float32
}

func newEmbedded(r *run, tracks []scene.Track) (*embedded, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(tracks); err != nil {
		return nil, err
	}
	return &embedded{run: r, tracks: sum(b.Bytes()), stored: slices.Clone(r.work.segments[passClassify]), steps: map[int]embeddedStep{}, segment: -1}, nil
}

// earlier gives a step that an earlier run embedded; nil, without an error, if none
// did, or if other people were visible to it there.
func (m *embedded) earlier(s spooled, visible []sighted) (*pictures, error) {
	for m.next < len(m.stored) && m.stored[m.next].From <= s.time {
		var all embeddedSegment
		if err := m.run.work.load(m.stored[m.next], &all); err != nil {
			return nil, err
		}
		m.next++
		if all.Tracks != m.tracks {
			continue
		}
		for _, e := range all.Steps {
			m.steps[e.Step] = e
		}
	}
	e, ok := m.steps[s.index]
	if !ok || !slices.EqualFunc(e.IDs, visible, func(id string, v sighted) bool { return id == v.id }) {
		return nil, nil
	}
	p := &pictures{step: s.index, time: s.time, ids: e.IDs, motion: e.Motion, known: e.Embeddings}
	if p.known == nil {
		p.known = [][]float32{} // nobody was visible
	}
	return p, nil
}

// full tells whether a step begins the next segment.
func (m *embedded) full(p *pictures) bool {
	return len(m.fresh.Steps) > 0 && m.run.segmentOf(p.time) != m.segment
}

// add adds a step; its embeddings need not be there before flush.
func (m *embedded) add(p *pictures) {
	if len(m.fresh.Steps) == 0 {
		m.from, m.segment = p.time, m.run.segmentOf(p.time)
	}
	m.to = p.time
	m.fresh.Steps = append(m.fresh.Steps, embeddedStep{Step: p.step, IDs: p.ids, Motion: p.motion})
}

// flush saves the steps added since the last segment.
func (m *embedded) flush(embeddings map[string]map[int][]float32) error {
	if len(m.fresh.Steps) == 0 {
		return nil
	}
	for i := range m.fresh.Steps {
		e := &m.fresh.Steps[i]
		for _, id := range e.IDs {
			e.Embeddings = append(e.Embeddings, embeddings[id][e.Step])
		}
	}
	m.fresh.Tracks = m.tracks
	line := segment{Pass: passClassify, Steps: len(m.fresh.Steps), From: m.from, To: m.to + m.run.options.Config.Video.StepSeconds}
	err := m.run.watch.time("write", func() error { return m.run.work.save(line, m.fresh) })
	m.fresh.Steps = nil
	return err
}
