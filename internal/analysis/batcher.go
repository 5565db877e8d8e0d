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

// batcher gathers the pictures of all recordings under way into batches for the classroom network (dynamic batching), so that a
// GPU is given many at once, of several students, steps and recordings. Where it can, the GPU cuts them out of
// whole frames, which are copied while it works on the batch before. Its methods may be called from several goroutines.
type batcher struct {
	network *classroom.Network
	whole   atomic.Bool // frames are there

	mu       sync.Mutex
	change   *sync.Cond
	frames   *model.Frames // nil: pictures are cut on the CPU
	waiting  []*request
	count    int // of pictures that wait
	inFlight []*request
	run      *classroom.Embedding // of inFlight, begun
	runs     int                  // recordings that may bring more
	idle     int                  // of them, those that wait for a request
	largest  int                  // batch so far, in pictures
}

// request is one step's pictures: cut already (rgb, uv), or squares of its frame.
type request struct {
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
func (t *request) add(step *scene.Step, q clip.Square, size int, flow bool) {
	var uv []float32
	if flow {
		uv = clip.Flow(step.Flow, q, size)
	}
	t.rgb, t.uv = append(t.rgb, clip.Picture(step.Frame, q, size)), append(t.uv, uv)
}

func (t *request) pictures() int { return max(len(t.rgb), len(t.squares)) }

// stepsTogether is how many steps' frames wait at most; twice as many are held.
const stepsTogether = 16

func newBatcher(n *classroom.Network) *batcher {
	b := &batcher{network: n}
	b.change = sync.NewCond(&b.mu)
	b.frames, _ = n.NewFrames() // without, they are cut on the CPU
	b.whole.Store(b.frames != nil)
	return b
}

// takesFrames tells whether frames may be handed in whole. It does not wait for pictures that are being looked at, so that
// the next ones can be cut meanwhile.
func (b *batcher) takesFrames() bool { return b.whole.Load() }

// enter and leave say that a recording may bring pictures, or no more.
func (b *batcher) enter() {
	b.mu.Lock()
	b.runs++
	b.mu.Unlock()
}

func (b *batcher) leave() {
	b.mu.Lock()
	b.runs--
	b.change.Broadcast()
	b.mu.Unlock()
}

// submit hands a step's pictures in.
func (b *batcher) submit(t *request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.pictures() == 0 {
		t.begun, t.done = true, true
		return
	}
	if t.step != nil {
		b.hold(t)
	}
	b.waiting, b.count = append(b.waiting, t), b.count+t.pictures()
	if b.count >= b.network.Gather() || b.frames != nil && len(b.waiting) >= stepsTogether {
		b.dispatch(false)
	}
}

// hold copies a frame to the GPU; where that cannot be, the pictures are cut here.
func (b *batcher) hold(t *request) {
	var err error = model.ErrNotOnDevice
	if b.frames != nil {
		if t.held, err = b.frames.Put(t.step.Frame, t.step.Flow); errors.Is(err, model.ErrFramesFull) {
			b.dispatch(true)
			b.finish()
			t.held, err = b.frames.Put(t.step.Frame, t.step.Flow)
		}
	}
	if t.onGPU = err == nil; !t.onGPU {
		b.cut(t)
	}
}

// cut makes a request's pictures here.
func (b *batcher) cut(t *request) {
	size := b.network.Size()
	for _, q := range t.squares {
		t.add(t.step, q, size, b.network.SeesFlow())
	}
	if t.onGPU {
		b.frames.Drop(t.held)
	}
	t.step, t.onGPU, t.begun = nil, false, false
}

// dispatch begins what waits, when what was begun before is finished: pictures cut here in
// whole batches, unless all are to go.
func (b *batcher) dispatch(everything bool) {
	b.finish()
	var crops []model.Crop
	var here []*request
	for _, t := range b.waiting {
		if !t.onGPU {
			here = append(here, t)
			continue
		}
		t.begun = true
		for _, q := range t.squares {
			crops = append(crops, model.Crop{Frame: t.held, X: q.X, Y: q.Y, Side: q.Side})
		}
		b.inFlight = append(b.inFlight, t)
	}
	b.largest = max(b.largest, len(crops))
	if len(b.inFlight) > 0 {
		var err error
		if b.run, err = b.network.StartCut(b.frames, crops); err != nil {
			here = append(here, b.inFlight...)
			b.abandon(err)
		}
	}
	b.embed(here, everything)
	b.waiting, b.count = nil, 0
	for _, t := range here {
		if !t.done {
			b.waiting, b.count = append(b.waiting, t), b.count+len(t.rgb)-len(t.made)
		}
	}
	b.change.Broadcast()
}

// finish waits for what was begun.
func (b *batcher) finish() {
	if b.run == nil {
		return
	}
	made, err := b.run.Finish()
	b.run = nil
	if err != nil {
		again := b.inFlight
		b.abandon(err)
		b.embed(again, true)
		b.change.Broadcast()
		return
	}
	for _, t := range b.inFlight {
		t.made, made = made[:len(t.squares)], made[len(t.squares):]
		t.done, t.step = true, nil
		b.frames.Drop(t.held)
	}
	b.inFlight = nil
	b.change.Broadcast()
}

// abandon leaves the GPU's cutting: for good where the network went to the CPU, else the error is
// that of the pictures.
func (b *batcher) abandon(err error) {
	lost := errors.Is(err, model.ErrNotOnDevice)
	for _, t := range b.inFlight {
		if lost {
			b.cut(t)
		} else {
			t.err, t.done = err, true
			b.frames.Drop(t.held)
		}
	}
	b.inFlight, b.run = nil, nil
	if lost {
		for _, t := range b.waiting {
			if t.onGPU {
				b.cut(t)
			}
		}
		_ = b.frames.Close()
		b.frames = nil
		b.whole.Store(false)
	}
}

// embed encodes pictures that were cut here: all of them, or as many as whole batches take.
func (b *batcher) embed(all []*request, everything bool) {
	var rgb [][]byte
	var uv [][]float32
	for _, t := range all {
		if !t.done {
			rgb, uv = append(rgb, t.rgb[len(t.made):]...), append(uv, t.uv[len(t.made):]...)
		}
	}
	n := len(rgb)
	if !everything {
		n -= n % b.network.Gather()
	}
	b.largest = max(b.largest, n)
	made, err := b.network.Embed(rgb[:n], uv[:n])
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

// wait gives a request's embeddings. Pictures that wait for company go when every recording
// under way waits for them.
func (b *batcher) wait(t *request) ([][]float32, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !t.done {
		if t.begun {
			b.finish()
			continue
		}
		if b.idle++; b.idle >= b.runs {
			b.dispatch(true)
		} else {
			b.change.Wait()
		}
		b.idle--
	}
	return t.made, t.err
}

// close gives the memory back.
func (b *batcher) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finish()
	if b.frames == nil {
		return nil
	}
	err := b.frames.Close()
	b.frames = nil
	b.whole.Store(false)
	return err
}
