package analysis

import (
	"context"
	"math"
	"slices"

	"classlens/internal/privacy"
	"classlens/internal/timeline"
	"classlens/model/classroom"
	"classlens/vision/clip"
	"classlens/vision/scene"
)

// seen is what the second pass brings.
type seen struct {
	decisions map[string]map[int]timeline.Decision // by track and step
	motion    map[string]map[int]float64           // likewise; NaN where there is no flow
	keyframes []keyframe
}

// keyframe is a picture for the report, faces blurred where that is asked.
type keyframe struct {
	time float64
	shot int
	jpeg []byte
}

// classify is the second pass: one embedding of every visible student at every
// step, then a decision from the embeddings around it.
func (r *run) classify(ctx context.Context, tracks []scene.Track) (*seen, error) {
	sightings := byStep(tracks)
	embeddings := map[string]map[int][]float32{}
	for _, t := range tracks {
		embeddings[t.ID] = map[int][]float32{}
	}
	wanted := r.chooseKeyframes()
	out := &seen{motion: map[string]map[int]float64{}}
	for _, t := range tracks {
		out.motion[t.ID] = map[int]float64{}
	}
	made, err := newEmbedded(r, tracks)
	if err != nil {
		return nil, err
	}
	work, stop := context.WithCancelCause(ctx)
	clipped := make(chan *pictures, ahead)
	defer func() { // nobody reads from the spool that the caller closes next
		stop(nil)
		for range clipped {
		}
	}()
	go func() { // reading and cutting go on beside the network
		defer close(clipped)
		for i := range r.spool.Len() {
			p, err := r.cut(i, sightings, slices.Contains(wanted, i), made)
			if err != nil {
				stop(err)
				return
			}
			select {
			case clipped <- p:
			case <-work.Done():
				return
			}
		}
	}()
	r.desk.enter()
	defer r.desk.leave()
	var waiting []*pictures // at the desk
	collect := func(left int) error {
		return r.watch.time("classify", func() error {
			for ; len(waiting) > left; waiting = waiting[1:] {
				p := waiting[0]
				e, err := r.desk.wait(p.ticket)
				if err != nil {
					return err
				}
				for i, id := range p.ids {
					embeddings[id][p.step] = e[i]
				}
			}
			return nil
		})
	}
	keep := func() error {
		if err := collect(0); err != nil {
			return err
		}
		return made.flush(embeddings)
	}
	for p := range clipped {
		for i, e := range p.known {
			embeddings[p.ids[i]][p.step] = e
		}
		if p.known == nil {
			if made.full(p) {
				if err := keep(); err != nil {
					return nil, err
				}
			}
			made.add(p)
			_ = r.watch.time("classify", func() error { r.desk.put(p.ticket); return nil })
			waiting = append(waiting, p)
			if err := collect(mayWait); err != nil {
				return nil, err
			}
		}
		for i, id := range p.ids {
			out.motion[id][p.step] = p.motion[i]
		}
		if p.keyframe != nil {
			out.keyframes = append(out.keyframes, *p.keyframe)
		}
		r.news(passClassify, p.time, r.recording.Info().Duration)
	}
	if err := keep(); err != nil { // also when it is interrupted
		return nil, err
	}
	if err := context.Cause(work); err != nil {
		return nil, err
	}
	err = r.watch.time("classify", func() (err error) { out.decisions, err = r.decide(tracks, embeddings); return err })
	return out, err
}

// sighted is one visible person at one step.
type sighted struct {
	id        string
	box, body scene.Box
}

func byStep(tracks []scene.Track) map[int][]sighted {
	m := map[int][]sighted{}
	for _, t := range tracks {
		for _, s := range t.Sightings {
			if s.Visible {
				m[s.Step] = append(m[s.Step], sighted{t.ID, s.Head, s.Body})
			}
		}
	}
	return m
}

// mayWait is how many steps may wait for a full batch.
const mayWait = 2 * stepsTogether

// pictures are what the network sees of one step.
type pictures struct {
	step     int
	time     float64
	ids      []string
	ticket   *ticket
	motion   []float64
	known    [][]float32 // embeddings that an earlier run made
	keyframe *keyframe
}

// cut reads a step back and cuts every visible person out of it, unless an
// earlier run has embedded them.
func (r *run) cut(i int, sightings map[int][]sighted, asKeyframe bool, made *embedded) (*pictures, error) {
	p, err := made.earlier(r.spool.steps[i], sightings[r.spool.steps[i].index])
	if err != nil || p != nil && !asKeyframe {
		return p, err
	}
	var step *scene.Step
	err = r.watch.time("spool", func() (err error) { step, err = r.spool.Step(i); return err })
	if err != nil {
		return nil, err
	}
	visible := sightings[step.Index]
	if p == nil {
		p = r.clips(step, visible)
	}
	if asKeyframe {
		if p.ticket != nil && p.ticket.step != nil { // faces are blurred in the picture itself
			whole := *step
			whole.Frame.Pix = slices.Clone(whole.Frame.Pix)
			p.ticket.step = &whole
		}
		k, err := r.keyframe(step, visible)
		if err != nil {
			return nil, err
		}
		p.keyframe = &k
	}
	return p, nil
}

// clips cuts every visible person out of a step, or leaves that to the GPU.
func (r *run) clips(step *scene.Step, visible []sighted) *pictures {
	p := &pictures{step: step.Index, time: step.Time, ticket: &ticket{}}
	whole, size := r.desk.cuts(), r.network.Size()
	_ = r.watch.time("clips", func() error {
		for _, v := range visible {
			q := clip.Around(v.box)
			p.ids = append(p.ids, v.id)
			p.motion = append(p.motion, motion(step.Flow, v.body))
			if t := p.ticket; whole {
				t.squares = append(t.squares, q)
			} else {
				t.add(step, q, size, r.network.SeesFlow())
			}
		}
		return nil
	})
	if whole {
		p.ticket.step = step
	}
	return p
}

// decideTogether is how many decisions are made in one go.
const decideTogether = 256

func (r *run) decide(tracks []scene.Track, embeddings map[string]map[int][]float32) (map[string]map[int]timeline.Decision, error) {
	decisions := map[string]map[int]timeline.Decision{}
	type place struct {
		id   string
		step int
	}
	var places []place
	var seqs []classroom.Sequence
	flush := func() error {
		made, err := r.network.Decide(seqs)
		if err != nil {
			return err
		}
		for i, d := range made {
			decisions[places[i].id][places[i].step] = timeline.Decision{Behaviour: d.Behaviour, Moments: d.Moments}
		}
		places, seqs = places[:0], seqs[:0]
		return nil
	}
	half := int(math.Round(r.options.Config.Network.ContextSeconds / r.options.Config.Video.StepSeconds))
	directions := r.directions(tracks, embeddings)
	for _, t := range tracks {
		decisions[t.ID] = map[int]timeline.Decision{}
		for i, s := range t.Sightings {
			if embeddings[t.ID][s.Step] == nil {
				continue
			}
			places = append(places, place{t.ID, s.Step})
			q := sequenceAround(t.Sightings, i, half, embeddings[t.ID])
			q.Direction = directions[s.Shot]
			seqs = append(seqs, q)
			if len(seqs) == decideTogether {
				if err := flush(); err != nil {
					return nil, err
				}
			}
		}
	}
	return decisions, flush()
}

// directions is where the class attends in each shot: what all students' heads
// have in common while the camera stands still. The teacher is not asked.
func (r *run) directions(tracks []scene.Track, embeddings map[string]map[int][]float32) map[int][]float32 {
	of := map[int][][]float32{}
	for _, t := range tracks {
		if t.Teacher {
			continue
		}
		for _, s := range t.Sightings {
			if e := embeddings[t.ID][s.Step]; e != nil {
				of[s.Shot] = append(of[s.Shot], e)
			}
		}
	}
	m := map[int][]float32{}
	for shot, all := range of {
		m[shot] = r.network.Direction(all)
	}
	return m
}

// sequenceAround is the window of the i-th sighting; other shots are not looked
// into.
func sequenceAround(all []scene.Sighting, i, half int, embeddings map[int][]float32) classroom.Sequence {
	n := 2*half + 1
	q := classroom.Sequence{Embeddings: make([][]float32, n), Offsets: make([]float32, n)}
	for k := range n {
		j := i + k - half
		if j < 0 || j >= len(all) || all[j].Shot != all[i].Shot {
			continue
		}
		q.Embeddings[k] = embeddings[all[j].Step]
		q.Offsets[k] = float32(all[j].Time - all[i].Time)
	}
	return q
}

// motion is the mean length of flow over a body box, in body heights a second;
// NaN where there is no flow.
func motion(f *scene.Flow, body scene.Box) float64 {
	if f == nil || body.Empty() || f.Interval <= 0 {
		return math.NaN()
	}
	x0, x1 := max(0, int(body.X/f.Scale)), min(f.Width, int((body.X+body.W)/f.Scale)+1)
	y0, y1 := max(0, int(body.Y/f.Scale)), min(f.Height, int((body.Y+body.H)/f.Scale)+1)
	sum, n := 0.0, 0
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			i := 2 * (y*f.Width + x)
			sum += math.Hypot(float64(f.UV[i]), float64(f.UV[i+1]))
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n) / f.Interval / body.H
}

// chooseKeyframes spreads the wanted number over the steps: key frames first,
// evenly.
func (r *run) chooseKeyframes() []int {
	var key, all []int
	for i, s := range r.spool.steps {
		all = append(all, i)
		if s.keyFrame {
			key = append(key, i)
		}
	}
	n := r.options.Config.Report.Keyframes
	if len(key) < n/2 { // a still room: a picture now and then all the same
		key = all
	}
	var chosen []int
	for k := range min(n, len(key)) {
		chosen = append(chosen, key[k*len(key)/min(n, len(key))])
	}
	return chosen
}

// keyframe prepares a picture for the report.
func (r *run) keyframe(step *scene.Step, visible []sighted) (keyframe, error) {
	if r.options.Config.Report.BlurFaces {
		for _, v := range visible {
			privacy.Blur(step.Frame, v.box)
		}
		for _, h := range r.heads[step.Index] {
			privacy.Blur(step.Frame, h)
		}
	}
	b, err := jpegCodec{}.Encode(step.Frame)
	return keyframe{step.Time, step.Shot, b}, err
}
