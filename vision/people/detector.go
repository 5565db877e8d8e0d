package people

import (
	"errors"
	"fmt"
	"maps"

	"classlens/model"
	"classlens/model/pretrained"
	"classlens/vision/scene"
)

// Detector finds people. It keeps its nets and buffers from frame to frame; not
// for several goroutines.
type Detector struct {
	o      Options
	plan   preset
	nets   map[string]*model.Net
	runs   map[look]*runner
	last   map[look]float64 // time of the last run
	looked float64          // time of the last look for people
	first  bool             // nothing was looked at yet, or Reset was called
	counts map[string]int
}

// NewDetector loads the nets that the preset needs. Close it after use.
func NewDetector(o Options) (*Detector, error) {
	plan, o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	if o.Path == nil {
		o.Path = pretrained.Path
	}
	d := &Detector{o: o, plan: plan, nets: map[string]*model.Net{}, runs: map[look]*runner{},
		last: map[look]float64{}, first: true, counts: map[string]int{}}
	for _, l := range append(append([]look{}, plan.faces...), plan.bodies...) {
		if _, err := d.net(l.net); err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// net gives a net, loaded once.
func (d *Detector) net(name string) (*model.Net, error) {
	if n := d.nets[name]; n != nil {
		return n, nil
	}
	path, err := d.o.Path(name)
	if err != nil {
		return nil, err
	}
	n, err := model.LoadFile(path, model.Options{Threads: d.o.Threads})
	if err != nil {
		return nil, fmt.Errorf("people net %s: %w", name, err)
	}
	d.nets[name] = n
	return n, nil
}

// Close frees the nets.
func (d *Detector) Close() error {
	var errs []error
	for _, n := range d.nets {
		errs = append(errs, n.Close())
	}
	d.nets = map[string]*model.Net{}
	return errors.Join(errs...)
}

// Reset makes the next Detect look with everything the preset has: call it
// after a camera cut or a gap.
func (d *Detector) Reset() { d.first = true }

// Counts says how often each net ran at each size, e.g. "centerface-1280".
func (d *Detector) Counts() map[string]int { return maps.Clone(d.counts) }

// slack lets a run that is due at 5 s happen at 4.999 s.
const slack = 1e-3

// Detect finds the people of a frame. By the preset's plan it looks at some
// frames only: nil, without error, says that it did not look. Frames come in
// order of time.
func (d *Detector) Detect(f scene.Frame) ([]scene.Person, error) {
	if f.Width < 1 || f.Height < 1 || len(f.Pix) < 3*f.Width*f.Height {
		return nil, fmt.Errorf("people: a frame of %d x %d with %d bytes", f.Width, f.Height, len(f.Pix))
	}
	if !d.first && f.Time-d.looked < d.plan.every-slack {
		return nil, nil
	}
	faces, faceRuns, err := d.collect(f, d.plan.faces)
	if err != nil {
		return nil, err
	}
	bodies, bodyRuns, err := d.collect(f, d.plan.bodies)
	if err != nil {
		return nil, err
	}
	d.looked, d.first = f.Time, false
	return fuse(faces, faceRuns, bodies, bodyRuns), nil
}

// collect runs those looks that are due and gives their heads and how many ran.
func (d *Detector) collect(f scene.Frame, looks []look) ([]head, int, error) {
	var out []head
	ran := 0
	for i, l := range looks {
		if t, ok := d.last[l]; ok && !d.first && f.Time-t < l.every-slack {
			continue
		}
		heads, err := d.look(f, l, i)
		if err != nil {
			return nil, 0, fmt.Errorf("people net %s: %w", l.net, err)
		}
		out = append(out, heads...)
		ran++
		d.last[l] = f.Time
		d.counts[fmt.Sprintf("%s-%d", l.net, l.width)]++
	}
	return out, ran, nil
}

// look runs one net at one size.
func (d *Detector) look(f scene.Frame, l look, source int) ([]head, error) {
	n, err := d.net(l.net)
	if err != nil {
		return nil, err
	}
	r := d.runs[l]
	if r == nil || r.frameW != f.Width || r.from != f.Height {
		r = newRunner(n, l.net, l.width, f)
		d.runs[l] = r
	}
	m, err := r.run(f)
	if err != nil {
		return nil, err
	}
	var out []head
	switch l.net {
	case "centerface":
		if err := want(m, 1, 2, 2); err != nil {
			return nil, err
		}
		for _, a := range decodeCenterFace(m[0], m[1], m[2], r.scale, d.o.MinScore) {
			out = append(out, headOfFace(a, source))
		}
	case "faceboxes":
		if err := want(m, 42, 2, 2, 84, 4, 4); err != nil {
			return nil, err
		}
		for _, a := range decodeFaceBoxes([3]plane(m[:3]), [3]plane(m[3:6]), r.scale, max(d.o.MinScore, minFaceBoxes)) {
			out = append(out, headOfFace(a, source))
		}
	case "movenet-multipose":
		if err := want(m, 1, 2, 2, 17, 34, 34); err != nil {
			return nil, err
		}
		bodies := decodeMultiPose(poseMaps{m[0], m[1], m[2], m[3], m[4], m[5]}, r.scale, minBody)
		for i := range bodies {
			out = append(out, headOfBody(&bodies[i], source))
		}
	default:
		return nil, fmt.Errorf("no decoder for it")
	}
	return out, nil
}

// minFaceBoxes: FaceBoxes' scores lie higher than CenterFace's for the same
// certainty.
const minFaceBoxes = 0.3
