package clip

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"classlens/cuda/driver"
	"classlens/model"
	"classlens/model/classroom"
	"classlens/model/pretrained"
	"classlens/vision/scene"
)

// camera gives frames of two sizes, one without flow.
func camera() []scene.Step {
	r := rand.New(rand.NewPCG(5, 5))
	var steps []scene.Step
	for i, s := range [][2]int{{160, 90}, {160, 90}, {97, 61}} {
		f := scene.Frame{Width: s[0], Height: s[1], Pix: make([]byte, 3*s[0]*s[1])}
		for k := range f.Pix {
			f.Pix[k] = byte(128 + 100*math.Sin(float64(k)/float64(37+i)) + 20*r.Float64())
		}
		steps = append(steps, scene.Step{Index: i, Frame: f})
		if i != 1 {
			flow := &scene.Flow{Width: s[0] / 4, Height: s[1] / 4, Scale: 4, Interval: .04, UV: make([]float32, s[0]/4*(s[1]/4)*2)}
			for k := range flow.UV {
				flow.UV[k] = float32(2 * math.Sin(float64(k)/9))
			}
			steps[i].Flow = flow
		}
	}
	return steps
}

// Pictures that the device cuts out of whole frames give the embeddings of those that are cut
// here: a byte that is rounded the other way, one in some thousand, is all that differs. Frames that do not fit are told.
func TestDeviceCutsTheSame(t *testing.T) {
	all, err := driver.Devices()
	if err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	steps := camera()
	var where []int
	var squares []Square
	var rgb [][]byte
	var uv [][]float32
	cpu, err := classroom.Load(classroom.Default(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	for i, head := range []scene.Box{{X: 40, Y: 20, W: 9, H: 11}, {X: 2, Y: 1, W: 12, H: 12}, {X: 150, Y: 80, W: 20, H: 25}, {X: 60.25, Y: 33.5, W: 30, H: 36}} {
		q, step := Around(head), &steps[i%3]
		where, squares = append(where, i%3), append(squares, q)
		rgb, uv = append(rgb, Picture(step.Frame, q, cpu.Size())), append(uv, Flow(step.Flow, q, cpu.Size()))
	}
	want, err := cpu.Embed(rgb, uv)
	if err != nil {
		t.Fatal(err)
	}
	run := func(n *classroom.Network, rounds int) ([][]float32, error) {
		f, err := n.NewFrames()
		if err != nil {
			return nil, err
		}
		defer f.Close()
		var got [][]float32
		for range rounds {
			var crops []model.Crop
			var held []model.HeldFrame
			for i := range steps {
				h, err := f.Put(steps[i].Frame, steps[i].Flow)
				if err != nil {
					return nil, err
				}
				held = append(held, h)
			}
			for i, q := range squares {
				crops = append(crops, model.Crop{Frame: held[where[i]], X: q.X, Y: q.Y, Side: q.Side})
			}
			e, err := n.StartCut(f, crops)
			if err != nil {
				return nil, err
			}
			if got, err = e.Finish(); err != nil {
				return nil, err
			}
			for _, h := range held {
				f.Drop(h)
			}
		}
		return got, nil
	}
	same := func(t *testing.T, got [][]float32) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%d embeddings, want %d", len(got), len(want))
		}
		worst := 0.0
		for i := range want {
			for k, w := range want[i] {
				worst = math.Max(worst, math.Abs(float64(got[i][k]-w))/(1+math.Abs(float64(w))))
			}
		}
		if !(worst <= 3e-3) { // decisions differ by a quarter of that
			t.Errorf("embeddings differ by %.2g", worst)
		} else {
			t.Logf("worst difference %.2g", worst)
		}
	}
	load := func(t *testing.T) *classroom.Network {
		n, err := classroom.LoadOn(classroom.Default(), model.Options{Threads: 1, Device: all[0].UUID})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		return n
	}
	t.Run("again", func(t *testing.T) {
		n := load(t)
		got, err := run(n, 2) // launched one by one, then recorded
		if err != nil || n.DeviceError() != nil {
			t.Fatal(err, n.DeviceError())
		}
		same(t, got)
		f, err := n.NewFrames()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		large := scene.Frame{Width: 8192, Height: 4096, Pix: make([]byte, 3*8192*4096)} // 96 of 128 MiB
		if _, err := f.Put(large, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Put(large, nil); !errors.Is(err, model.ErrFramesFull) {
			t.Errorf("a second frame: %v", err)
		}
	})
	if _, err := cpu.NewFrames(); !errors.Is(err, model.ErrNotOnDevice) {
		t.Errorf("frames on the CPU: %v", err)
	}
}

// The large network's pictures, cut out of a frame on the device and seen there through the pose net, give the embedding of one that is cut here: what differs
// is a byte in some thousand, and where a point lies then.
func TestDeviceCutsForThePoseNet(t *testing.T) {
	all, err := driver.Devices()
	if err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	onnx, err := classroom.Shipped("l")
	if err != nil {
		t.Fatal(err)
	}
	step, q := camera()[0], Around(scene.Box{X: 60.25, Y: 33.5, W: 17, H: 20})
	var embedded [2][][]float32
	for i, device := range []string{model.CPU, all[0].UUID} {
		n, err := classroom.LoadOn(onnx, model.Options{Threads: 2, Device: device})
		if errors.Is(err, pretrained.ErrMissing) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if i == 0 {
			if embedded[i], err = n.Embed([][]byte{Picture(step.Frame, q, n.Size())}, make([][]float32, 1)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		f, err := n.NewFrames()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		held, err := f.Put(step.Frame, nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := n.StartCut(f, []model.Crop{{Frame: held, X: q.X, Y: q.Y, Side: q.Side}})
		if err != nil {
			t.Fatal(err)
		}
		if embedded[i], err = e.Finish(); err != nil || n.DeviceError() != nil {
			t.Fatal(err, n.DeviceError())
		}
	}
	// The network beside comes second. Here its picture is the large one's at half the side, there it is cut out of the frame: pixels differ by a few of 255.
	allowed, half := [2]float64{3e-3, .03}, len(embedded[0][0])/2
	var worst [2]float64
	for k, w := range embedded[0][0] {
		worst[k/half] = math.Max(worst[k/half], math.Abs(float64(embedded[1][0][k]-w))/(1+math.Abs(float64(w))))
	}
	t.Logf("worst differences %.2g", worst)
	for i := range worst {
		if !(worst[i] <= allowed[i]) {
			t.Errorf("part %d of the embeddings differs by %.2g", i, worst[i])
		}
	}
}
