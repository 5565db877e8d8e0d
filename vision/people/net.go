package people

import (
	"fmt"
	"image"
	"math"

	"classlens/model"
	"classlens/vision/scene"
)

// runner is one net at one input size for frames of one size; it sees the
// whole picture or a part of it.
type runner struct {
	net        *model.Net
	name       string
	least      float64 // score of a face or head
	gain, bias float32
	resize     *resizer
	scale      toSource
	fw, fh     int
	step       int
	room       *room
	sights     map[image.Point]*model.Sight // by size of the part, on a GPU
}

// room is the memory for a net's input and outputs, at all sizes: one after the other.
type room struct {
	in, out []model.Tensor
	maps    []plane // the outputs
}

func newRoom(n *model.Net) *room {
	outputs := len(n.Outputs())
	return &room{make([]model.Tensor, 1), make([]model.Tensor, outputs), make([]plane, outputs)}
}

// Shapes of inputs: multiples of what the net's strides multiply to.
var netStep = map[string]int{ownNet: 32, "centerface": 32, "movenet-multipose": 32, "movenet-thunder": 32, "faceboxes": 128}

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

func newRunner(n *model.Net, name string, width int, least float64, f scene.Frame) *runner {
	w, h, pw, ph := inputSize(name, width, f.Width, f.Height)
	r := &runner{net: n, name: name, least: least, gain: 1, fw: f.Width, fh: f.Height, step: netStep[name], sights: map[image.Point]*model.Sight{}}
	switch name {
	case "faceboxes":
		r.gain, r.bias = 1/127.5, -1
	case ownNet:
		r.gain, r.bias = 1.0/ownGain, -ownBias
	}
	r.resize = newResizer(f.Width, f.Height, w, h, pw, ph)
	r.scale = toSource{float64(f.Width) / float64(w), float64(f.Height) / float64(h)}
	return r
}

// partSteps: parts grow in so many steps of the net, so that few sizes occur.
const partSteps = 2

// part is the rectangle of the input that holds box (source pixels), on the
// grid of the net's step; the whole input where it would be nearly all of it.
func (r *runner) part(box scene.Box) image.Rectangle {
	whole := image.Rect(0, 0, r.resize.pw, r.resize.ph)
	if box.Empty() {
		return whole
	}
	g := partSteps * r.step
	down := func(v float64) int { return int(math.Floor(v/float64(g))) * g }
	up := func(v float64) int { return int(math.Ceil(v/float64(g))) * g }
	part := image.Rect(down(box.X/r.scale.x), down(box.Y/r.scale.y), up((box.X+box.W)/r.scale.x), up((box.Y+box.H)/r.scale.y)).Intersect(whole)
	if part.Empty() || part.Dx()*part.Dy()*5 > whole.Dx()*whole.Dy()*4 {
		return whole
	}
	return part
}

// run resizes the part of the frame and runs the net; the maps live until the
// next run. Their first cell stands for the part's first pixels.
func (r *runner) run(f scene.Frame, part image.Rectangle) ([]plane, error) {
	b := r.room
	b.in[0].Resize(1, 3, part.Dy(), part.Dx())
	r.resize.into(b.in[0].Data, f, part, r.gain, r.bias)
	if err := r.net.RunInto(b.in, b.out); err != nil {
		return nil, err
	}
	for i, t := range b.out {
		if len(t.Shape) != 4 || t.Shape[0] != 1 || len(t.Data) != t.Shape[1]*t.Shape[2]*t.Shape[3] {
			return nil, fmt.Errorf("output %d has shape %v", i, t.Shape)
		}
		b.maps[i] = plane{t.Shape[1], t.Shape[2], t.Shape[3], t.Data}
	}
	return b.maps, nil
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
