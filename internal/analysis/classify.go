package analysis

import (
	"context"
	"math"
	"slices"

	"classlens/internal/timeline"
	"classlens/vision/clip"
	"classlens/vision/scene"
)

// seen is the result of the second pass.
type seen struct {
	decisions map[string]map[int]timeline.Decision // by track and step
	motion    map[string]map[int]float64           // likewise; NaN where there is no flow
	keyframes []keyframe
}

// classifier is the state of the second pass while steps come in.
type classifier struct {
	*run
	out        *seen
	made       *embedded                    // by this run and earlier ones
	embeddings map[string]map[int][]float32 // by track and step
	waiting    []*pictures                  // submitted to the batcher, oldest first
}

// classify is the second pass: it turns every visible student at every step into an
// embedding, then decides each step from the embeddings around it.
func (r *run) classify(ctx context.Context, tracks []scene.Track) (*seen, error) {
	made, err := newEmbedded(r, tracks)
	if err != nil {
		return nil, err
	}
	c := &classifier{run: r, made: made, embeddings: map[string]map[int][]float32{}, out: &seen{motion: map[string]map[int]float64{}}}
	for _, t := range tracks {
		c.embeddings[t.ID], c.out.motion[t.ID] = map[int][]float32{}, map[int]float64{}
	}
	work, stop := context.WithCancelCause(ctx)
	clipped := r.cutAhead(work, stop, tracks, made)
	defer func() { // the caller closes the spool next: cutAhead may no longer read from it
		stop(nil)
		for range clipped {
		}
	}()
	r.batcher.enter()
	defer r.batcher.leave()
	for p := range clipped {
		if err := c.take(p); err != nil {
			return nil, err
		}
	}
	if err := c.keep(); err != nil { // even after an interruption, for the next run
		return nil, err
	}
	if err := context.Cause(work); err != nil {
		return nil, err
	}
	err = r.watch.time("classify", func() (err error) { c.out.decisions, err = r.decide(tracks, c.embeddings); return err })
	return c.out, err
}

// cutAhead reads the steps back and cuts them in order, in a goroutine of its own, while the network works. It closes the channel after the last step or when
// work ends; an error ends work through stop.
func (r *run) cutAhead(work context.Context, stop context.CancelCauseFunc, tracks []scene.Track, made *embedded) <-chan *pictures {
	sightings, wanted := byStep(tracks), r.chooseKeyframes()
	clipped := make(chan *pictures, ahead)
	go func() {
		defer close(clipped)
		err := caught(func() error {
			for i := range r.spool.Len() {
				p, err := r.cut(i, sightings, slices.Contains(wanted, i), made)
				if err != nil {
					return err
				}
				select {
				case clipped <- p:
				case <-work.Done():
					return nil
				}
			}
			return nil
		})
		if err != nil {
			stop(err)
		}
	}()
	return clipped
}

// take handles one step: its pictures go to the batcher, unless an earlier run has embedded them.
func (c *classifier) take(p *pictures) error {
	for i, e := range p.known {
		c.embeddings[p.ids[i]][p.step] = e
	}
	if p.known == nil {
		if c.made.full(p) {
			if err := c.keep(); err != nil {
				return err
			}
		}
		c.made.add(p)
		_ = c.watch.time("classify", func() error { c.batcher.submit(p.request); return nil })
		c.waiting = append(c.waiting, p)
		if err := c.collect(mayWait); err != nil {
			return err
		}
	}
	for i, id := range p.ids {
		c.out.motion[id][p.step] = p.motion[i]
	}
	if p.keyframe != nil {
		c.out.keyframes = append(c.out.keyframes, *p.keyframe)
	}
	c.news(passClassify, p.time, c.recording.Info().Duration)
	return nil
}

// collect waits for embeddings until at most left steps are waiting at the batcher.
func (c *classifier) collect(left int) error {
	return c.watch.time("classify", func() error {
		for ; len(c.waiting) > left; c.waiting = c.waiting[1:] {
			p := c.waiting[0]
			e, err := c.batcher.wait(p.request)
			if err != nil {
				return err
			}
			for i, id := range p.ids {
				c.embeddings[id][p.step] = e[i]
			}
		}
		return nil
	})
}

// keep saves the embeddings made so far, so that a killed run can continue after them.
func (c *classifier) keep() error {
	if err := c.collect(0); err != nil {
		return err
	}
	return c.made.flush(c.embeddings)
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

// pictures is what the network sees of one step.
type pictures struct {
	step     int
	time     float64
	ids      []string
	request  *request
	motion   []float64
	known    [][]float32 // embeddings from an earlier run; nil: there are none
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
		if p.request != nil && p.request.step != nil { // faces are blurred in the picture itself
			whole := *step
			whole.Frame.Pix = slices.Clone(whole.Frame.Pix)
			p.request.step = &whole
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
	p := &pictures{step: step.Index, time: step.Time, request: &request{}}
	whole, size := r.batcher.takesFrames(), r.network.Size()
	_ = r.watch.time("clips", func() error {
		for _, v := range visible {
			q := clip.Around(v.box)
			p.ids = append(p.ids, v.id)
			p.motion = append(p.motion, motion(step.Flow, v.body))
			if t := p.request; whole {
				t.squares = append(t.squares, q)
			} else {
				t.add(step, q, size, r.network.SeesFlow())
			}
		}
		return nil
	})
	if whole {
		p.request.step = step
	}
	return p
}

// motion is the mean length of flow over a body box, in body heights per second;
// NaN without flow.
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
