package analysis

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"classlens/cuda/driver"
	"classlens/model"
	"classlens/model/classroom"
	"classlens/vision/clip"
	"classlens/vision/scene"
)

// Pictures of two recordings side by side share batches, and each gets the embeddings that it would have got
// alone: on the CPU bit for bit; on a GPU, which cuts them itself out of frames of two sizes, within what a byte rounded the other way makes.
func TestRecordingsShareBatches(t *testing.T) {
	where := map[string]model.Options{"cpu": {Threads: 1, Device: model.CPU}}
	if all, err := driver.Devices(); err == nil && len(all) > 0 {
		where["cuda"] = model.Options{Threads: 1, Device: all[0].UUID}
	}
	cpu, err := classroom.Load(classroom.Default(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	const recordings, steps = 2, 3
	for name, o := range where {
		t.Run(name, func(t *testing.T) {
			n, err := classroom.LoadOn(classroom.Default(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			d := newBatcher(n)
			if d.takesFrames() != (name == "cuda") {
				t.Errorf("takes frames: %v", d.takesFrames())
			}
			for range recordings {
				d.enter()
			}
			var all sync.WaitGroup
			var alone sync.Mutex
			for k := range recordings {
				all.Go(func() {
					defer d.leave()
					r := rand.New(rand.NewPCG(6, uint64(k)))
					var requests []*request
					var want [][]float32
					for i := range steps {
						step := &scene.Step{Index: i, Frame: scene.Frame{Width: 90 + 20*k, Height: 60, Pix: make([]byte, 3*(90+20*k)*60)}}
						for j := range step.Frame.Pix {
							step.Frame.Pix[j] = byte(r.Uint32())
						}
						p := &request{}
						for j := range i % 3 { // of the first step nobody
							p.squares = append(p.squares, clip.Square{X: float64(10 * j), Y: -3, Side: 30.5})
						}
						var rgb [][]byte
						for _, q := range p.squares {
							rgb = append(rgb, clip.Picture(step.Frame, q, n.Size()))
						}
						alone.Lock() // it takes one at a time
						e, err := cpu.Embed(rgb, make([][]float32, len(rgb)))
						alone.Unlock()
						if err != nil {
							t.Error(err)
							return
						}
						want = append(want, e...)
						if p.step = step; !d.takesFrames() {
							p.step, p.rgb, p.uv, p.squares = nil, rgb, make([][]float32, len(rgb)), nil
						}
						d.submit(p)
						requests = append(requests, p)
					}
					var got [][]float32
					for _, p := range requests {
						e, err := d.wait(p)
						if err != nil {
							t.Error(err)
							return
						}
						got = append(got, e...)
					}
					if len(got) != len(want) {
						t.Errorf("recording %d: %d embeddings, want %d", k, len(got), len(want))
						return
					}
					worst := 0.0
					for i := range want {
						for j, w := range want[i] {
							worst = math.Max(worst, math.Abs(float64(got[i][j]-w))/(1+math.Abs(float64(w))))
						}
					}
					if name == "cpu" && worst > 0 || !(worst <= 3e-3) {
						t.Errorf("recording %d: embeddings differ by %.2g", k, worst)
					}
				})
			}
			all.Wait()
			if d.largest != 6 {
				t.Errorf("the largest batch had %d pictures, want those of both recordings", d.largest)
			}
			if err := d.close(); err != nil {
				t.Error(err)
			}
		})
	}
}
