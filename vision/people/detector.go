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
	runs   map[string]*runner // by net and width
	area   area
	lie    perspective
	known  confirmed
	mixed  bool // other nets than the own run too
	turn   int
	first  bool    // nothing was looked at yet, or Reset was called
	looked float64 // time of the last look for people,
	body   float64 // for bodies,
	whole  float64 // and at the whole picture
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
	d := &Detector{o: o, plan: plan, nets: map[string]*model.Net{}, runs: map[string]*runner{}, first: true, counts: map[string]int{}}
	for _, l := range plan.looks() {
		d.mixed = d.mixed || l.net != ownNet
		if _, err := d.net(l.net); err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// Sibling is a detector with the same options that shares the nets and remembers nothing yet: for
// another recording, which may be looked at side by side with this one. Close the first after use, not its siblings.
func (d *Detector) Sibling() *Detector {
	return &Detector{o: d.o, plan: d.plan, nets: maps.Clone(d.nets), runs: map[string]*runner{}, mixed: d.mixed, first: true, counts: map[string]int{}}
}

// net gives a net, loaded once.
func (d *Detector) net(name string) (*model.Net, error) {
	if n := d.nets[name]; n != nil {
		return n, nil
	}
	n, err := d.load(name)
	if err != nil {
		return nil, fmt.Errorf("people net %s: %w", name, err)
	}
	d.nets[name] = n
	return n, nil
}

// load reads a net: the project's own comes with the program, others from set-up.
func (d *Detector) load(name string) (*model.Net, error) {
	o := model.Options{Threads: d.o.Threads, Device: d.o.Device, Precision: d.o.Precision}
	if name == ownNet {
		return model.Load(ownWeights, o)
	}
	path, err := d.o.Path(name)
	if err != nil {
		return nil, err
	}
	return model.LoadFile(path, o)
}

// runner gives the runner of a net at a width for frames like f.
func (d *Detector) runner(name string, width int, f scene.Frame) (*runner, error) {
	n, err := d.net(name)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%s-%d", name, width)
	r := d.runs[key]
	if r == nil || r.fw != f.Width || r.fh != f.Height {
		r = newRunner(n, name, width, f)
		d.runs[key] = r
	}
	return r, nil
}

// DeviceError is why nets left their device for the CPU, nil while none has.
func (d *Detector) DeviceError() error {
	var errs []error
	for _, n := range d.nets {
		errs = append(errs, n.DeviceError())
	}
	return errors.Join(errs...)
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

// Begin forgets all about the recording before, its counts included, so that
// what is found in one does not depend on those before it. A frame whose time goes
// back begins anew by itself.
func (d *Detector) Begin() {
	d.area, d.lie, d.known, d.turn, d.first = area{}, perspective{}, confirmed{}, 0, true
	d.looked, d.body, d.whole = 0, 0, 0
	clear(d.counts)
}

// Reset makes the next Detect look at the whole picture with everything the
// preset has: call it after a camera cut or a gap, and while the camera moves.
func (d *Detector) Reset() {
	d.first, d.turn = true, 0
	d.area.reset()
	d.lie, d.known = perspective{}, confirmed{}
}

// Counts says how often each net ran at each size, e.g. "centerface-1280"; of
// those, as "centerface-1280 part", on a part of the picture only.
func (d *Detector) Counts() map[string]int { return maps.Clone(d.counts) }

// slack lets a look that is due at 5 s happen at 4.999 s.
const slack = 1e-3

// Detect finds the people of a frame. By the preset's plan it looks at some
// frames only: nil, without error, says that it did not look. Frames come in
// order of time.
func (d *Detector) Detect(f scene.Frame) ([]scene.Person, error) {
	if f.Width < 1 || f.Height < 1 || len(f.Pix) < 3*f.Width*f.Height {
		return nil, fmt.Errorf("people: a frame of %d x %d with %d bytes", f.Width, f.Height, len(f.Pix))
	}
	if f.Time < d.looked {
		d.Begin()
	}
	due := func(last, every float64) bool { return d.first || f.Time-last >= every-slack }
	if !due(d.looked, d.plan.every) {
		return nil, nil
	}
	var where scene.Box // empty: everywhere
	whole := due(d.whole, d.plan.wholeEvery)
	if !whole {
		where = d.area.box()
	}
	turn := d.plan.faces[d.turn%len(d.plan.faces)]
	faces, err := d.collect(f, turn, where)
	if err != nil {
		return nil, err
	}
	var bodies []head
	bodyLooks := 0
	if due(d.body, d.plan.bodyEvery) {
		if bodies, err = d.collect(f, d.plan.bodies, scene.Box{}); err != nil {
			return nil, err
		}
		bodyLooks, d.body = len(d.plan.bodies), f.Time
	}
	heads := fuseHeads(faces, len(turn), bodies, bodyLooks)
	if d.mixed {
		d.known.weigh(heads)
	}
	people := d.lie.plausible(peopleOf(heads))
	d.lie.add(people)
	d.area.add(f.Time, people)
	d.turn++
	d.looked, d.first = f.Time, false
	if whole {
		d.whole = f.Time
	}
	return people, nil
}

// collect runs looks and gives their heads.
func (d *Detector) collect(f scene.Frame, looks []look, where scene.Box) ([]head, error) {
	var out []head
	for i, l := range looks {
		heads, err := d.look(f, l, i, where)
		if err != nil {
			return nil, fmt.Errorf("people net %s: %w", l.net, err)
		}
		out = append(out, heads...)
	}
	return out, nil
}

// look runs one net at one size, where people are or everywhere.
func (d *Detector) look(f scene.Frame, l look, source int, where scene.Box) ([]head, error) {
	width := l.widthFor(d.area.smallHeads(), f.Width, f.Height)
	out, err := d.pass(f, l.net, width, source, where)
	if err != nil || l.net != ownNet || l.head == 0 {
		return out, err
	}
	if w := d.area.coarser(width, f.Width, f.Height); w > 0 {
		large, err := d.pass(f, l.net, w, source, where)
		if err != nil {
			return nil, err
		}
		out = apartHeads(append(out, large...), ownOverlap)
	}
	return out, nil
}

// pass runs one net at one width, where people are or everywhere.
func (d *Detector) pass(f scene.Frame, net string, width, source int, where scene.Box) ([]head, error) {
	r, err := d.runner(net, width, f)
	if err != nil {
		return nil, err
	}
	part := r.part(where)
	m, err := r.run(f, part)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%s-%d", net, width)
	d.counts[key]++
	if part.Dx() < r.resize.pw || part.Dy() < r.resize.ph {
		d.counts[key+" part"]++
	}
	out, err := d.decode(net, m, r.scale, source)
	for i := range out {
		h := &out[i]
		h.shift(float64(part.Min.X)*r.scale.x, float64(part.Min.Y)*r.scale.y)
	}
	return out, err
}

// decode reads a net's maps into heads.
func (d *Detector) decode(net string, m []plane, s toSource, source int) ([]head, error) {
	var out []head
	switch net {
	case ownNet:
		if err := want(m, 5); err != nil {
			return nil, err
		}
		return decodeHeads(m[0], s, d.o.MinScore, source), nil
	case "centerface":
		if err := want(m, 1, 2, 2, 10); err != nil {
			return nil, err
		}
		for _, a := range decodeCenterFace(m[0], m[1], m[2], m[3], s, d.o.MinScore) {
			out = append(out, headOfFace(a, source))
		}
	case "faceboxes":
		if err := want(m, 42, 2, 2, 84, 4, 4); err != nil {
			return nil, err
		}
		for _, a := range decodeFaceBoxes([3]plane(m[:3]), [3]plane(m[3:6]), s, max(d.o.MinScore, minFaceBoxes)) {
			out = append(out, headOfFace(a, source))
		}
	case "movenet-multipose":
		if err := want(m, 1, 2, 2, 17, 34, 34); err != nil {
			return nil, err
		}
		bodies := decodeMultiPose(poseMaps{m[0], m[1], m[2], m[3], m[4], m[5]}, s, minBody)
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

// shift moves a head, and its body, by so many source pixels.
func (h *head) shift(dx, dy float64) {
	if dx == 0 && dy == 0 {
		return
	}
	h.x, h.y = h.x+dx, h.y+dy
	if b := h.body; b != nil {
		b.x, b.y = b.x+dx, b.y+dy
		for i := range b.points {
			b.points[i].X += dx
			b.points[i].Y += dy
		}
	}
}
