package people

import (
	"errors"
	"fmt"
	"maps"
	"runtime"

	"classlens/model"
	"classlens/model/pretrained"
	"classlens/vision/scene"
)

// Detector finds people. It keeps its nets and buffers from frame to frame, and is not safe for
// concurrent use.
type Detector struct {
	o        Options
	plan     preset
	nets     map[string]lanes
	runs     map[string]*runner // by net, width and lane
	memories map[string]*memory // by net and lane
	area     area
	sizes    headPlane
	known    confirmed
	mixed    bool      // the plan has nets other than the project's own
	turn     int       // of the plan's lists for faces
	first    bool      // there was no look yet, or none since Reset
	looked   float64   // time of the last look,
	body     float64   // of the last one for bodies,
	whole    float64   // and of the last one at the whole picture
	looks    int       // begun so far
	fresh    []finding // of the latest looks: area learns from them later
	pending  []*Look   // begun and not finished, oldest first
	counts   map[string]int
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
	d := &Detector{o: o, plan: plan, nets: map[string]lanes{}, runs: map[string]*runner{}, memories: map[string]*memory{}, first: true, counts: map[string]int{}}
	for _, l := range plan.looks() {
		d.mixed = d.mixed || l.net != ownNet
		if _, err := d.net(l.net); err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// Sibling is a detector with the same options and nets that has learned nothing yet: for
// another recording, which may be analyzed concurrently. Close only the original, after its siblings were used.
func (d *Detector) Sibling() *Detector {
	return &Detector{o: d.o, plan: d.plan, nets: maps.Clone(d.nets), runs: map[string]*runner{}, memories: map[string]*memory{}, mixed: d.mixed, first: true, counts: map[string]int{}}
}

// lanes are one net for each of the looks that may overlap: the second is the first one's twin, or
// the first itself if its runs must take turns.
type lanes [atOnce]*model.Net

// net gives a net, loaded once.
func (d *Detector) net(name string) (lanes, error) {
	if n, ok := d.nets[name]; ok {
		return n, nil
	}
	n, err := d.load(name)
	if err != nil {
		return lanes{}, fmt.Errorf("people net %s: %w", name, err)
	}
	l := lanes{n, n}
	if d.sideBySide() {
		if l[1], err = n.Twin(); errors.Is(err, model.ErrTakesTurns) {
			l[1] = n
		} else if err != nil {
			return lanes{}, errors.Join(fmt.Errorf("people net %s: %w", name, err), n.Close())
		}
	}
	d.nets[name] = l
	return l, nil
}

// sideBySide tells whether overlapping looks share the threads, rather than each using all of them in turn.
func (d *Detector) sideBySide() bool { return d.o.Pipelined && d.o.Threads != 1 }

// load reads a net: the project's own is part of the program, others are fetched by classlens setup.
func (d *Detector) load(name string) (*model.Net, error) {
	threads := d.o.Threads
	if d.sideBySide() {
		if threads <= 0 {
			threads = runtime.GOMAXPROCS(0)
		}
		threads = (threads + atOnce - 1) / atOnce
	}
	o := model.Options{Threads: threads, Device: d.o.Device, Precision: d.o.Precision}
	if name == ownNet {
		return model.Load(d.plan.weights(), o)
	}
	path, err := d.o.Path(name)
	if err != nil {
		return nil, err
	}
	return model.LoadFile(path, o)
}

// runner gives the runner of a net at a width for frames like f, in a lane.
func (d *Detector) runner(name string, width, lane int, f scene.Frame) (*runner, error) {
	n, err := d.net(name)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%s-%d/%d", name, width, lane)
	r := d.runs[key]
	if r == nil || r.fw != f.Width || r.fh != f.Height {
		r = newRunner(n[lane], name, width, d.o.MinScore, f)
		shared := fmt.Sprintf("%s/%d", name, lane)
		if d.memories[shared] == nil {
			d.memories[shared] = newMemory(r.net)
		}
		r.memory = d.memories[shared]
		d.runs[key] = r
	}
	return r, nil
}

// DeviceError is why nets moved from their device to the CPU; nil while none has.
func (d *Detector) DeviceError() error {
	var errs []error
	for _, n := range d.nets {
		errs = append(errs, n[0].DeviceError())
	}
	return errors.Join(errs...)
}

// Close frees the nets.
func (d *Detector) Close() error {
	d.abandon()
	var errs []error
	for _, n := range d.nets {
		errs = append(errs, n[0].Close())
		if n[1] != n[0] {
			errs = append(errs, n[1].Close())
		}
	}
	d.nets = map[string]lanes{}
	return errors.Join(errs...)
}

// Begin forgets everything about the previous recording, including the counts, so that
// results do not depend on earlier recordings. A frame whose time is before that of the last
// look has the same effect.
func (d *Detector) Begin() {
	d.abandon()
	d.area, d.sizes, d.known, d.turn, d.first = area{}, headPlane{}, confirmed{}, 0, true
	d.looked, d.body, d.whole = 0, 0, 0
	d.looks, d.fresh = 0, nil
	clear(d.counts)
}

// Reset makes the next look search the whole picture with everything that the
// preset has. Call it after a camera cut or a gap, and while the camera moves, when no
// look is pending.
func (d *Detector) Reset() {
	d.first, d.turn = true, 0
	d.area.reset()
	d.fresh = nil
	d.sizes, d.known = headPlane{}, confirmed{}
}

// Counts says how often each net ran at each size, as "centerface-1280", and how many of
// these runs were on a part of the picture only, as "centerface-1280 part".
func (d *Detector) Counts() map[string]int { return maps.Clone(d.counts) }

// Detect finds the people in a frame: Start and Finish in one. The preset's plan skips some
// frames: nil, without an error, means that it did not look. Frames must be in order of
// time.
func (d *Detector) Detect(f scene.Frame) ([]scene.Person, error) {
	l, err := d.Start(f)
	if err != nil {
		return nil, err
	}
	return l.Finish()
}

// decode reads heads from the net's maps.
func (r *runner) decode(m []plane, source int) ([]head, error) {
	var out []head
	s := r.scale
	switch r.name {
	case ownNet:
		if err := want(m, 5); err != nil {
			return nil, err
		}
		return decodeHeads(m[0], s, r.least, source), nil
	case "centerface":
		if err := want(m, 1, 2, 2, 10); err != nil {
			return nil, err
		}
		for _, a := range decodeCenterFace(m[0], m[1], m[2], m[3], s, r.least) {
			out = append(out, headOfFace(a, source))
		}
	case "faceboxes":
		if err := want(m, 42, 2, 2, 84, 4, 4); err != nil {
			return nil, err
		}
		for _, a := range decodeFaceBoxes([3]plane(m[:3]), [3]plane(m[3:6]), s, max(r.least, minFaceBoxes)) {
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

// minFaceBoxes is a higher threshold for FaceBoxes, whose scores are higher than CenterFace's for
// the same certainty.
const minFaceBoxes = 0.3

// shift moves a head and its body, in source pixels.
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
