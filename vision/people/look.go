package people

import (
	"errors"
	"fmt"
	"image"
	"sync"

	"classlens/model"
	"classlens/vision/scene"
)

// atOnce is how many looks may be under way. Two nets side by side with a thread each are done sooner than one
// after the other with two, which wait for each other after every layer.
const atOnce = 2

// Look is a frame that is being looked at.
type Look struct {
	d       *Detector
	number  int
	time    float64
	skipped bool // the plan does not look at this frame
	faces   int  // looks of the plan's list for this turn,
	bodies  int  // and for bodies
	passes  []*pass
	done    func() // runs the passes, or waits for them
}

// pass is one net at one size over one frame, or a part of it.
type pass struct {
	net    string
	width  int
	source int  // number of the plan's look it is of
	body   bool // a look for bodies
	runner *runner
	part   image.Rectangle
	heads  []head
	err    error
}

// slack lets a look that is due at 5 s happen at 4.999 s.
const slack = 1e-3

// Start begins to look at a frame, which stays as it is until Finish. Two looks may be under way; with Options.Pipelined
// they go on side by side, in the background. What is found does not depend on that: where a look searches
// follows from the looks before the last one.
func (d *Detector) Start(f scene.Frame) (*Look, error) {
	if f.Width < 1 || f.Height < 1 || len(f.Pix) < 3*f.Width*f.Height {
		return nil, fmt.Errorf("people: a frame of %d x %d with %d bytes", f.Width, f.Height, len(f.Pix))
	}
	if len(d.under) == atOnce {
		return nil, fmt.Errorf("people: %d looks are under way; finish one first", atOnce)
	}
	if f.Time < d.looked {
		d.Begin()
	}
	l := &Look{d: d, number: d.looks, time: f.Time}
	due := func(last, every float64) bool { return d.first || f.Time-last >= every-slack }
	if !due(d.looked, d.plan.every) {
		l.skipped = true
		d.under = append(d.under, l)
		return l, nil
	}
	d.learn(l.number - atOnce)
	if err := d.prepare(l, f, due); err != nil {
		return nil, err
	}
	d.under = append(d.under, l)
	d.looks++
	d.turn++
	d.looked, d.first = f.Time, false
	if d.sideBySide() {
		l.done = inBackground(f, l.passes)
	} else {
		l.done = func() { run(f, l.passes) }
	}
	return l, nil
}

// prepare lists the passes of a look.
func (d *Detector) prepare(l *Look, f scene.Frame, due func(last, every float64) bool) error {
	var where scene.Box // empty: everywhere
	whole := due(d.whole, d.plan.wholeEvery)
	if !whole {
		where = d.area.box()
	}
	turn := d.plan.faces[d.turn%len(d.plan.faces)]
	l.faces = len(turn)
	for i, look := range turn {
		if err := d.passesOf(l, f, look, i, where, false); err != nil {
			return err
		}
	}
	if due(d.body, d.plan.bodyEvery) {
		for i, look := range d.plan.bodies {
			if err := d.passesOf(l, f, look, i, scene.Box{}, true); err != nil {
				return err
			}
		}
		l.bodies, d.body = len(d.plan.bodies), f.Time
	}
	if whole {
		d.whole = f.Time
	}
	return nil
}

// passesOf adds those of one look of the plan: where people are or everywhere, and for large heads a coarser one.
func (d *Detector) passesOf(l *Look, f scene.Frame, of look, source int, where scene.Box, body bool) error {
	width := of.widthFor(d.area.smallHeads(), f.Width, f.Height)
	widths := []int{width}
	if of.net == ownNet && of.head != 0 {
		if w := d.area.coarser(width, f.Width, f.Height); w > 0 {
			widths = append(widths, w)
		}
	}
	for _, w := range widths {
		r, err := d.runner(of.net, w, l.number%atOnce, f)
		if err != nil {
			return err
		}
		l.passes = append(l.passes, &pass{net: of.net, width: w, source: source, body: body, runner: r, part: r.part(where)})
	}
	return nil
}

// inBackground runs the passes of each net one after the other, the nets side by side; what it gives waits
// for them.
func inBackground(f scene.Frame, all []*pass) (wait func()) {
	byNet := map[string][]*pass{}
	for _, p := range all {
		byNet[p.net] = append(byNet[p.net], p)
	}
	var working sync.WaitGroup
	for _, passes := range byNet {
		working.Go(func() { run(f, passes) })
	}
	return working.Wait
}

func run(f scene.Frame, passes []*pass) {
	for _, p := range passes {
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

var errOrder = errors.New("people: looks are finished in the order in which they were begun, each once")

// Finish gives the people of the frame; nil, without error, says that the plan does not look at it. Looks are
// finished in the order in which they were begun.
func (l *Look) Finish() ([]scene.Person, error) {
	d := l.d
	if len(d.under) == 0 || d.under[0] != l {
		return nil, errOrder
	}
	d.under = d.under[1:]
	if l.skipped {
		return nil, nil
	}
	l.done()
	for _, p := range l.passes {
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

// finish makes people of what the passes of a look have found.
func (d *Detector) finish(l *Look) []scene.Person {
	heads := fuseHeads(l.heads(false), l.faces, l.heads(true), l.bodies)
	if d.mixed {
		d.known.weigh(heads)
	}
	people := peopleOf(heads)
	people = d.lie.plausible(people)
	d.lie.add(people)
	d.fresh = append(d.fresh, findingOf(l.number, l.time, people))
	return people
}

// heads are those of all passes for bodies, or of the others. Of a head that two passes of one look have
// seen the surer is taken.
func (l *Look) heads(bodies bool) []head {
	var out []head
	for i := 0; i < len(l.passes); i++ {
		p := l.passes[i]
		if p.body != bodies {
			continue
		}
		heads, more := p.heads, false
		for ; i+1 < len(l.passes) && l.passes[i+1].body == bodies && l.passes[i+1].source == p.source; i++ {
			heads, more = append(heads, l.passes[i+1].heads...), true
		}
		if more {
			heads = apartHeads(heads, ownOverlap)
		}
		out = append(out, heads...)
	}
	return out
}

// learn tells area what the looks up to one have found.
func (d *Detector) learn(upTo int) {
	for len(d.fresh) > 0 && d.fresh[0].look <= upTo {
		d.area.add(d.fresh[0])
		d.fresh = d.fresh[1:]
	}
}

// abandon waits for what is under way and forgets it.
func (d *Detector) abandon() {
	for _, l := range d.under {
		if l.done != nil && d.sideBySide() {
			l.done()
		}
	}
	d.under = nil
}
