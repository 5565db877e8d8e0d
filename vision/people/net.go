package people

import (
	"fmt"
	"image"
	"math"

	"classlens/model"
	"classlens/vision/scene"
)

// runner runs one net at one input size on frames of one size, or on a part of
// each.
type runner struct {
	net        *model.Net
	name       string
	least      float64 // threshold on the score of a face or head
	gain, bias float32
	resize     *resizer
	scale      toSource
	fw, fh     int
	step       int
	memory     *memory
	sights     map[image.Point]*model.Sight // by size of the part, on a GPU
}

// memory holds a net's input and outputs; its runners for all sizes, which run one after the other, share it.
type memory struct {
	in, out []model.Tensor
	maps    []plane // the outputs
}

func newMemory(n *model.Net) *memory {
	outputs := len(n.Outputs())
	return &memory{make([]model.Tensor, 1), make([]model.Tensor, outputs), make([]plane, outputs)}
}

// netStep is the product of a net's strides: both sides of its input must be multiples of it.
var netStep = map[string]int{ownNet: 32, "centerface": 32, "movenet-multipose": 32, "movenet-thunder": 32, "faceboxes": 128}

// inputSize gives the size of the picture in a net's input (w, h) and of the input itself
// (pw, ph) for a frame: about as many pixels as width x width·9/16, in the frame's shape as nearly as
// multiples of step allow. FaceBoxes needs the exact shape, so its input gets a border.
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

// partSteps is the granularity of parts, in the net's steps: a coarse one makes few different sizes.
const partSteps = 2

// part is the rectangle of the input that contains box (source pixels), on a grid of the net's
// steps; it is the whole input if box is empty or covers nearly everything.
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

// run resizes the part of the frame and runs the net. The maps are valid until the next
// run of the same memory; their first cell is at the part's top left corner.
func (r *runner) run(f scene.Frame, part image.Rectangle) ([]plane, error) {
	b := r.memory
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

// want checks the number of channels of each of a net's maps.
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
