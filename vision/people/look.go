package people

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"

	"classlens/model"
	"classlens/vision/scene"
)

// atOnce is how many looks may overlap. Two nets running concurrently with one thread each are faster than one
// after the other with two threads, which wait for each other after every layer.
const atOnce = 2

// Look is the search of one frame.
type Look struct {
	d                        *Detector
	number                   int
	time                     float64
	skipped                  bool // the plan does not search this frame
	faces, bodies            passes
	faceSources, bodySources int    // nets and sizes that the plan has for faces (and heads), and for bodies
	wait                     func() // runs the passes, or waits for them
}

// pass is one net at one size over one frame, or a part of it.
type pass struct {
	net    string
	width  int
	source int // index of its net and size in the plan
	runner *runner
	part   image.Rectangle
	heads  []head
	err    error
}

type passes []*pass

// slack lets a look that is due at 5 s happen at 4.999 s.
const slack = 1e-3

// Start begins to search a frame, which must not change until Finish. Two looks may overlap; with Options.Pipelined
// they run concurrently, in the background. That does not change what is found, because where a look searches depends
// only on the looks before the previous one.
func (d *Detector) Start(f scene.Frame) (*Look, error) {
	if f.Width < 1 || f.Height < 1 || len(f.Pix) < 3*f.Width*f.Height {
		return nil, fmt.Errorf("people: a frame of %d x %d with %d bytes", f.Width, f.Height, len(f.Pix))
	}
	if len(d.pending) == atOnce {
		return nil, fmt.Errorf("people: %d looks are pending; finish one first", atOnce)
	}
	if f.Time < d.looked {
		d.Begin()
	}
	l := &Look{d: d, number: d.looks, time: f.Time}
	due := func(last, every float64) bool { return d.first || f.Time-last >= every-slack }
	if !due(d.looked, d.plan.every) {
		l.skipped = true
		d.pending = append(d.pending, l)
		return l, nil
	}
	d.learn(l.number - atOnce)
	if err := d.prepare(l, f, due); err != nil {
		return nil, err
	}
	d.pending = append(d.pending, l)
	d.looks++
	d.turn++
	d.looked, d.first = f.Time, false
	if d.sideBySide() {
		l.wait = l.all().inBackground(f)
	} else {
		l.wait = func() { l.all().run(f) }
	}
	return l, nil
}

func (l *Look) all() passes { return slices.Concat(l.faces, l.bodies) }

// prepare plans the passes of a look.
func (d *Detector) prepare(l *Look, f scene.Frame, due func(last, every float64) bool) error {
	var where scene.Box // empty: everywhere
	whole := due(d.whole, d.plan.wholeEvery)
	if !whole {
		where = d.area.box()
	}
	lane := l.number % atOnce
	turn := d.plan.faces[d.turn%len(d.plan.faces)]
	var err error
	if l.faces, err = d.passes(f, lane, turn, where); err != nil {
		return err
	}
	l.faceSources = len(turn)
	if due(d.body, d.plan.bodyEvery) {
		if l.bodies, err = d.passes(f, lane, d.plan.bodies, scene.Box{}); err != nil {
			return err
		}
		l.bodySources, d.body = len(d.plan.bodies), f.Time
	}
	if whole {
		d.whole = f.Time
	}
	return nil
}

// passes plans one pass for each net and size, over a part of the frame or (empty) the whole of it, and a second, coarser one for
// large heads if the own net needs it.
func (d *Detector) passes(f scene.Frame, lane int, nets []netAt, where scene.Box) (all passes, err error) {
	for source, n := range nets {
		width := n.widthFor(d.area.smallHeads(), f.Width, f.Height)
		widths := []int{width}
		if n.net == ownNet && n.head != 0 {
			if w := d.area.coarser(width, f.Width, f.Height); w > 0 {
				widths = append(widths, w)
			}
		}
		for _, w := range widths {
			r, err := d.runner(n.net, w, lane, f)
			if err != nil {
				return nil, err
			}
			all = append(all, &pass{net: n.net, width: w, source: source, runner: r, part: r.part(where)})
		}
	}
	return all, nil
}

// inBackground runs the passes of each net one after the other, and the nets concurrently; wait waits
// for them.
func (all passes) inBackground(f scene.Frame) (wait func()) {
	byNet := map[string]passes{}
	for _, p := range all {
		byNet[p.net] = append(byNet[p.net], p)
	}
	var working sync.WaitGroup
	for _, own := range byNet {
		working.Go(func() { own.run(f) })
	}
	return working.Wait
}

func (all passes) run(f scene.Frame) {
	for _, p := range all {
		p.run(f)
	}
}

// run finds the heads.
func (p *pass) run(f scene.Frame) {
	var err error
	p.heads, err = p.runner.seek(f, p.part, p.source)
	if errors.Is(err, model.ErrNotOnDevice) {
		var m []plane
		if m, err = p.runner.run(f, p.part); err == nil {
			p.heads, err = p.runner.decode(m, p.source)
		}
	}
	if err != nil {
		p.err = fmt.Errorf("people net %s: %w", p.net, err)
		return
	}
	for i := range p.heads {
		p.heads[i].shift(float64(p.part.Min.X)*p.runner.scale.x, float64(p.part.Min.Y)*p.runner.scale.y)
	}
}

var errOrder = errors.New("people: looks must be finished in the order in which they were begun, each once")

// Finish gives the people in the frame; nil, without an error, means that the plan does not search it. Looks must be
// finished in the order in which they were begun.
func (l *Look) Finish() ([]scene.Person, error) {
	d := l.d
	if len(d.pending) == 0 || d.pending[0] != l {
		return nil, errOrder
	}
	d.pending = d.pending[1:]
	if l.skipped {
		return nil, nil
	}
	l.wait()
	for _, p := range l.all() {
		if p.err != nil {
			return nil, p.err
		}
		key := fmt.Sprintf("%s-%d", p.net, p.width)
		d.counts[key]++
		if p.part.Dx() < p.runner.resize.pw || p.part.Dy() < p.runner.resize.ph {
			d.counts[key+" part"]++
		}
	}
	return d.finish(l), nil
}

// finish fuses what the passes of a look have found into people.
func (d *Detector) finish(l *Look) []scene.Person {
	heads := fuseHeads(l.faces.heads(), l.faceSources, l.bodies.heads(), l.bodySources)
	if d.mixed {
		d.known.weigh(heads, d.agree())
	}
	people := peopleOf(heads)
	people = d.sizes.plausible(people)
	d.sizes.add(people)
	d.fresh = append(d.fresh, findingOf(l.number, l.time, people))
	return people
}

// heads are those of all passes. Of a head that two passes of the same source have seen, the surer one is kept.
func (all passes) heads() []head {
	var out []head
	for len(all) > 0 {
		heads, n := all[0].heads, 1
		for ; n < len(all) && all[n].source == all[0].source; n++ {
			heads = append(heads, all[n].heads...)
		}
		if n > 1 {
			heads = suppress(heads, ownOverlap)
		}
		out = append(out, heads...)
		all = all[n:]
	}
	return out
}

// learn adds what the looks up to a number have found to the area.
func (d *Detector) learn(upTo int) {
	for len(d.fresh) > 0 && d.fresh[0].look <= upTo {
		d.area.add(d.fresh[0])
		d.fresh = d.fresh[1:]
	}
}

// abandon waits for the pending looks and forgets them.
func (d *Detector) abandon() {
	for _, l := range d.pending {
		if l.wait != nil && d.sideBySide() {
			l.wait()
		}
	}
	d.pending = nil
}
