package people

import (
	"fmt"
	"math"

	"classlens/model"
	"classlens/vision/scene"
)

// runner is one net at one input size: the resizer, the input and the outputs,
// made at the first run.
type runner struct {
	net          *model.Net
	gain, bias   float32
	in           model.Tensor
	out          []model.Tensor
	resize       *resizer
	scale        toSource
	pw, ph       int // input size
	frameW, from int // frame size it was made for
}

// Shapes of inputs: multiples of what the net's strides multiply to.
var netStep = map[string]int{"centerface": 32, "movenet-multipose": 32, "movenet-thunder": 32, "faceboxes": 128}

// inputSize gives the picture's size in a net's input for a frame, and the
// input's own: as many pixels as width x width·9/16, the frame's shape as near as
// multiples of step allow. FaceBoxes wants the exact shape and gets a border.
func inputSize(name string, width, fw, fh int) (w, h, pw, ph int) {
	step := netStep[name]
	area := float64(width) * float64(width) * 9 / 16
	k := math.Sqrt(area / (float64(fw) * float64(fh)))
	up := func(v float64) int { return max(1, int(math.Ceil(v/float64(step)-1e-9))) * step }
	near := func(v float64) int { return max(1, int(math.Round(v/float64(step)))) * step }
	if name == "faceboxes" {
		w, h = max(1, int(math.Round(float64(fw)*k))), max(1, int(math.Round(float64(fh)*k)))
		return w, h, up(float64(w)), up(float64(h))
	}
	w = near(float64(fw) * k)
	h = near(float64(fh) * float64(w) / float64(fw))
	return w, h, w, h
}

func newRunner(n *model.Net, name string, width int, f scene.Frame) *runner {
	w, h, pw, ph := inputSize(name, width, f.Width, f.Height)
	r := &runner{net: n, gain: 1, pw: pw, ph: ph, frameW: f.Width, from: f.Height}
	if name == "faceboxes" {
		r.gain, r.bias = 1/127.5, -1
	}
	r.in = model.Tensor{Shape: []int{1, 3, ph, pw}, Data: make([]float32, 3*pw*ph)}
	r.resize = newResizer(f.Width, f.Height, w, h, pw, ph)
	r.scale = toSource{float64(f.Width) / float64(w), float64(f.Height) / float64(h)}
	return r
}

// run resizes the frame and runs the net; the maps live until the next run.
func (r *runner) run(f scene.Frame) ([]plane, error) {
	r.resize.into(r.in.Data, f, r.gain, r.bias)
	if r.out == nil {
		out, err := r.net.Run(r.in)
		if err != nil {
			return nil, err
		}
		r.out = out
	} else if err := r.net.RunInto([]model.Tensor{r.in}, r.out); err != nil {
		return nil, err
	}
	maps := make([]plane, len(r.out))
	for i, t := range r.out {
		if len(t.Shape) != 4 || t.Shape[0] != 1 || len(t.Data) != t.Shape[1]*t.Shape[2]*t.Shape[3] {
			return nil, fmt.Errorf("output %d has shape %v", i, t.Shape)
		}
		maps[i] = plane{t.Shape[1], t.Shape[2], t.Shape[3], t.Data}
	}
	return maps, nil
}

// want checks that a net gave maps of these channel counts.
func want(maps []plane, channels ...int) error {
	if len(maps) < len(channels) {
		return fmt.Errorf("%d outputs, wants %d", len(maps), len(channels))
	}
	for i, c := range channels {
		if maps[i].c != c {
			return fmt.Errorf("output %d has %d channels, wants %d", i, maps[i].c, c)
		}
	}
	return nil
}
