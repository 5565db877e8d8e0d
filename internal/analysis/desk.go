package analysis

import (
	"errors"
	"sync"
	"sync/atomic"

	"classlens/model"
	"classlens/model/classroom"
	"classlens/vision/clip"
	"classlens/vision/scene"
)

// desk is where the pictures of all recordings under way wait for the classroom network, so that a
// GPU is given many at once, of several students, steps and recordings. Where it can, the GPU cuts them out of
// whole frames, which are copied while it works on the batch before.
type desk struct {
	network *classroom.Network
	whole   atomic.Bool // frames are there

	mu      sync.Mutex
	change  *sync.Cond
	frames  *model.Frames // nil: pictures are cut on the CPU
	waiting []*ticket
	count   int // of pictures that wait
	under   []*ticket
	run     *classroom.Embedding // of under, begun
	runs    int                  // recordings that may bring more
	idle    int                  // of them, those that wait for a ticket
	largest int                  // batch so far, in pictures
}

// ticket is one step's pictures: cut already (rgb, uv), or squares of its frame.
type ticket struct {
	step    *scene.Step
	squares []clip.Square
	held    model.HeldFrame
	onGPU   bool
	rgb     [][]byte
	uv      [][]float32

	made  [][]float32 // an embedding each, of the first so far
	err   error
	begun bool
	done  bool
}

// add cuts a picture, and the flow where the network looks at it.
func (t *ticket) add(step *scene.Step, q clip.Square, size int, flow bool) {
	var uv []float32
	if flow {
		uv = clip.Flow(step.Flow, q, size)
	}
	t.rgb, t.uv = append(t.rgb, clip.Picture(step.Frame, q, size)), append(t.uv, uv)
}

func (t *ticket) pictures() int { return max(len(t.rgb), len(t.squares)) }

// stepsTogether is how many steps' frames wait at most; twice as many are held.
const stepsTogether = 16

func newDesk(n *classroom.Network) *desk {
	d := &desk{network: n}
	d.change = sync.NewCond(&d.mu)
	d.frames, _ = n.NewFrames() // without, they are cut on the CPU
	d.whole.Store(d.frames != nil)
	return d
}

// cuts: frames may be handed in whole. It does not wait for pictures that are being looked at, so that
// the next ones can be cut meanwhile.
func (d *desk) cuts() bool { return d.whole.Load() }

// enter and leave say that a recording may bring pictures, or no more.
func (d *desk) enter() {
	d.mu.Lock()
	d.runs++
	d.mu.Unlock()
}

func (d *desk) leave() {
	d.mu.Lock()
	d.runs--
	d.change.Broadcast()
	d.mu.Unlock()
}

// put hands a step's pictures in.
func (d *desk) put(t *ticket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.pictures() == 0 {
		t.begun, t.done = true, true
		return
	}
	if t.step != nil {
		d.hold(t)
	}
	d.waiting, d.count = append(d.waiting, t), d.count+t.pictures()
	if d.count >= d.network.Gather() || d.frames != nil && len(d.waiting) >= stepsTogether {
		d.dispatch(false)
	}
}

// hold copies a frame to the GPU; where that cannot be, the pictures are cut here.
func (d *desk) hold(t *ticket) {
	var err error = model.ErrNotOnDevice
	if d.frames != nil {
		if t.held, err = d.frames.Put(t.step.Frame, t.step.Flow); errors.Is(err, model.ErrFramesFull) {
			d.dispatch(true)
			d.land()
			t.held, err = d.frames.Put(t.step.Frame, t.step.Flow)
		}
	}
	if t.onGPU = err == nil; !t.onGPU {
		d.cut(t)
	}
}

// cut makes a ticket's pictures here.
func (d *desk) cut(t *ticket) {
	size := d.network.Size()
	for _, q := range t.squares {
		t.add(t.step, q, size, d.network.SeesFlow())
	}
	if t.onGPU {
		d.frames.Drop(t.held)
	}
	t.step, t.onGPU, t.begun = nil, false, false
}

// dispatch begins what waits, when what was begun before is finished: pictures cut here in
// whole batches, unless all are to go.
func (d *desk) dispatch(everything bool) {
	d.land()
	var crops []model.Crop
	var here []*ticket
	for _, t := range d.waiting {
		if !t.onGPU {
			here = append(here, t)
			continue
		}
		t.begun = true
		for _, q := range t.squares {
			crops = append(crops, model.Crop{Frame: t.held, X: q.X, Y: q.Y, Side: q.Side})
		}
		d.under = append(d.under, t)
	}
	d.largest = max(d.largest, len(crops))
	if len(d.under) > 0 {
		var err error
		if d.run, err = d.network.StartCut(d.frames, crops); err != nil {
			here = append(here, d.under...)
			d.abandon(err)
		}
	}
	d.embed(here, everything)
	d.waiting, d.count = nil, 0
	for _, t := range here {
		if !t.done {
			d.waiting, d.count = append(d.waiting, t), d.count+len(t.rgb)-len(t.made)
		}
	}
	d.change.Broadcast()
}

// land waits for what was begun.
func (d *desk) land() {
	if d.run == nil {
		return
	}
	made, err := d.run.Finish()
	d.run = nil
	if err != nil {
		again := d.under
		d.abandon(err)
		d.embed(again, true)
		d.change.Broadcast()
		return
	}
	for _, t := range d.under {
		t.made, made = made[:len(t.squares)], made[len(t.squares):]
		t.done, t.step = true, nil
		d.frames.Drop(t.held)
	}
	d.under = nil
	d.change.Broadcast()
}

// abandon leaves the GPU's cutting: for good where the network went to the CPU, else the error is
// that of the pictures.
func (d *desk) abandon(err error) {
	lost := errors.Is(err, model.ErrNotOnDevice)
	for _, t := range d.under {
		if lost {
			d.cut(t)
		} else {
			t.err, t.done = err, true
			d.frames.Drop(t.held)
		}
	}
	d.under, d.run = nil, nil
	if lost {
		for _, t := range d.waiting {
			if t.onGPU {
				d.cut(t)
			}
		}
		_ = d.frames.Close()
		d.frames = nil
		d.whole.Store(false)
	}
}

// embed encodes pictures that were cut here: all of them, or as many as whole batches take.
func (d *desk) embed(all []*ticket, everything bool) {
	var rgb [][]byte
	var uv [][]float32
	for _, t := range all {
		if !t.done {
			rgb, uv = append(rgb, t.rgb[len(t.made):]...), append(uv, t.uv[len(t.made):]...)
		}
	}
	n := len(rgb)
	if !everything {
		n -= n % d.network.Gather()
	}
	d.largest = max(d.largest, n)
	made, err := d.network.Embed(rgb[:n], uv[:n])
	for _, t := range all {
		if t.done || n == 0 {
			continue
		}
		k := min(n, len(t.rgb)-len(t.made))
		n -= k
		if t.err = err; err == nil {
			t.made, made = append(t.made, made[:k]...), made[k:]
		}
		if t.done = err != nil || len(t.made) == len(t.rgb); t.done {
			t.rgb, t.uv = nil, nil
		}
	}
}

// wait gives a ticket's embeddings. Pictures that wait for company go when every recording
// under way waits for them.
func (d *desk) wait(t *ticket) ([][]float32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !t.done {
		if t.begun {
			d.land()
			continue
		}
		if d.idle++; d.idle >= d.runs {
			d.dispatch(true)
		} else {
			d.change.Wait()
		}
		d.idle--
	}
	return t.made, t.err
}

// close gives the memory back.
func (d *desk) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.land()
	if d.frames == nil {
		return nil
	}
	err := d.frames.Close()
	d.frames = nil
	d.whole.Store(false)
	return err
}
