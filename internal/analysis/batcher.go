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

// batcher gathers the pictures of all recordings under analysis into batches for the classroom network (dynamic batching), so that
// a GPU gets many at once, of several students, steps and recordings. If the GPU can, it cuts them out of
// whole frames itself, which are copied while it works on the batch before.
//
// Its methods may be called concurrently. Under mu, one goroutine at a time runs the network for all the others.
type batcher struct {
	network *classroom.Network
	whole   atomic.Bool // frames != nil, readable without mu

	mu       sync.Mutex
	change   *sync.Cond    // a request is done, or a recording has left
	frames   *model.Frames // nil: pictures are cut on the CPU
	waiting  []*request
	count    int // pictures of the waiting requests that have no embedding yet
	inFlight []*request
	run      *classroom.Embedding // of inFlight, begun on the GPU
	runs     int                  // recordings that may bring more
	idle     int                  // of these, the ones blocked in wait
	largest  int                  // batch so far, in pictures
}

// request is one step's pictures: either cut already (rgb, uv), or as squares of its frame. Once submitted, it belongs to the batcher
// until wait has returned.
type request struct {
	step    *scene.Step // nil: the pictures are cut
	squares []clip.Square
	held    model.HeldFrame // the frame's copy, if onGPU
	onGPU   bool
	rgb     [][]byte
	uv      [][]float32

	made  [][]float32 // embeddings of the first pictures, so far
	err   error
	begun bool // the GPU is working on it
	done  bool
}

// add cuts a picture, and the flow if the network sees flow.
func (t *request) add(step *scene.Step, q clip.Square, size int, flow bool) {
	var uv []float32
	if flow {
		uv = clip.Flow(step.Flow, q, size)
	}
	t.rgb, t.uv = append(t.rgb, clip.Picture(step.Frame, q, size)), append(t.uv, uv)
}

func (t *request) pictures() int { return max(len(t.rgb), len(t.squares)) }

// stepsTogether is how many steps' frames may wait for the GPU; twice as many are held.
const stepsTogether = 16

func newBatcher(n *classroom.Network) *batcher {
	b := &batcher{network: n}
	b.change = sync.NewCond(&b.mu)
	b.frames, _ = n.NewFrames() // if that fails, pictures are cut on the CPU
	b.whole.Store(b.frames != nil)
	return b
}

// takesFrames tells whether whole frames may be submitted. It does not wait for mu, and so not for the network: the next
// pictures can be cut meanwhile.
func (b *batcher) takesFrames() bool { return b.whole.Load() }

// enter announces a recording that will submit pictures; leave says that it is through.
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

// submit takes a step's pictures; wait gives their embeddings.
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
		b.dispatch(wholeBatches)
	}
}

// hold copies a frame to the GPU; if that fails, it cuts the pictures on the CPU.
func (b *batcher) hold(t *request) {
	var err error = model.ErrNotOnDevice
	if b.frames != nil {
		if t.held, err = b.frames.Put(t.step.Frame, t.step.Flow); errors.Is(err, model.ErrFramesFull) {
			b.dispatch(everything)
			b.finish()
			t.held, err = b.frames.Put(t.step.Frame, t.step.Flow)
		}
	}
	if t.onGPU = err == nil; !t.onGPU {
		b.cut(t)
	}
}

// cut cuts a request's pictures on the CPU.
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

// extent says which of the pictures that were cut on the CPU are embedded.
type extent int

const (
	wholeBatches extent = iota // those that do not fill a batch wait for more
	everything
)

// dispatch finishes the batch on the GPU, begins the next one there, and embeds waiting pictures that were cut on the CPU.
func (b *batcher) dispatch(which extent) {
	b.finish()
	var crops []model.Crop
	var cut []*request
	for _, t := range b.waiting {
		if !t.onGPU {
			cut = append(cut, t)
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
			cut = append(cut, b.inFlight...)
			b.abandon(err)
		}
	}
	b.embed(cut, which)
	b.waiting, b.count = nil, 0
	for _, t := range cut {
		if !t.done {
			b.waiting, b.count = append(b.waiting, t), b.count+len(t.rgb)-len(t.made)
		}
	}
	b.change.Broadcast()
}

// finish waits for the batch on the GPU.
func (b *batcher) finish() {
	if b.run == nil {
		return
	}
	made, err := b.run.Finish()
	b.run = nil
	if err != nil {
		again := b.inFlight
		b.abandon(err)
		b.embed(again, everything)
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

// abandon gives up the batch on the GPU. If the network has moved to the CPU, all pictures are cut here from now on; otherwise
// the error is that of the batch's requests.
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

// embed runs the network on pictures that were cut on the CPU.
func (b *batcher) embed(all []*request, which extent) {
	var rgb [][]byte
	var uv [][]float32
	for _, t := range all {
		if !t.done {
			rgb, uv = append(rgb, t.rgb[len(t.made):]...), append(uv, t.uv[len(t.made):]...)
		}
	}
	n := len(rgb)
	if which == wholeBatches {
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

// wait gives a request's embeddings, one per picture. When every recording is blocked here, incomplete batches are dispatched as they are,
// for nothing more would come.
func (b *batcher) wait(t *request) ([][]float32, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !t.done {
		if t.begun {
			b.finish()
			continue
		}
		if b.idle++; b.idle >= b.runs {
			b.dispatch(everything)
		} else {
			b.change.Wait()
		}
		b.idle--
	}
	return t.made, t.err
}

// close frees the frames on the GPU.
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
