package model

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"classlens/cuda/exec"
)

// Taps are the source places from which one place along an axis is computed: the first of them, and one weight for each.
type Taps = exec.Taps

// Sight describes a detector's run on a device for frames of one size: how a part of a frame is resized to its input, and which
// cells of its maps are copied back. Make one for each size of frame and part. It is not safe for concurrent use.
type Sight struct {
	Width, Height         int    // of the frames
	Columns, Rows         []Taps // of the whole input: the frame's pixels from which each column and row is computed
	PartWidth, PartHeight int    // of the part of the input that the network gets
	Gain, Bias            float32
	Seek                  []Seek
	// Name must differ between sights of a network that differ in anything: sights of one name share a plan.
	Name string

	most []int // by Seek: how many cells there is room for
}

// Seek says which cells of a network's outputs, all of shape (1, channels, h, w), are copied back, and which values of other outputs with them.
type Seek struct {
	Map    int     // the output whose cells are compared
	Planes int     // compared are its first channels; or, if Paired, the differences of channel 2p+1 and channel 2p
	Paired bool    //
	Reach  int     // a cell must be the highest so far round it, of equals the first; 0: every cell
	Above  float32 // and above this
	Values []Values
	Points *Points
}

// Values are channels of an output at a cell: N of them, from First on, among the Channels that belong to the cell's plane.
type Values struct{ Map, Channels, First, N int }

// Points are the outputs with the points of MoveNet's bodies: channels (points), (points · (y, x)) and (points · (y, x)).
type Points struct{ Heat, Regress, Offset int }

// Found is a cell that a Seek has found.
type Found struct {
	Plane, Y, X int
	Value       float32
	Values      []float32 // of all Values, concatenated
	Points      []FoundPoint
}

// FoundPoint is the best cell for a point of a body (-1 if there is none), its heat, and the point's offset from
// it.
type FoundPoint struct {
	Y, X             int
	Heat             float32
	OffsetY, OffsetX float32
}

// Initial room for cells; if more are found, it is doubled.
const (
	cellRoom   = 512
	bodyRoom   = 64
	pointWords = 4
)

// prepare computes what a Sight needs before its first run.
func (s *Sight) prepare() {
	if s.most != nil {
		return
	}
	for _, k := range s.Seek {
		room := cellRoom
		if k.Points != nil {
			room = bodyRoom
		}
		s.most = append(s.most, room)
	}
}

// Look runs the network on its device, on the part of a frame (RGB bytes) that begins at column x and row y of the whole input.
// It gives the cells found by each Seek, ordered by plane and row. ErrNotOnDevice means that the network runs on the CPU, perhaps only
// since now (see DeviceError), or that the device does not support all of its ops.
func (n *Net) Look(s *Sight, frame []byte, x, y int) ([][]Found, error) {
	s.prepare()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed
	}
	if n.device == nil {
		return nil, ErrNotOnDevice
	}
	for freed := false; ; {
		found, err := n.look(s, frame, x, y)
		switch {
		case err == nil && found != nil:
			return found, nil
		case exec.OutOfMemory(err) && !freed: // plans for other sizes hold memory
			n.forgetPlans()
			freed = true
		case err != nil:
			return nil, n.leave(err)
		}
	}
}

// look is one try; nil without an error means that there was too little room, which has been enlarged.
func (n *Net) look(s *Sight, frame []byte, x, y int) ([][]Found, error) {
	key := fmt.Sprint("sight ", s.Name, s.most)
	p := n.plans[key]
	if p == nil {
		var err error
		if p, err = n.addPlan(key, func() (*plan, error) { return n.compileSight(s) }); err != nil {
			return nil, err
		}
	}
	if p.device == nil {
		return nil, fmt.Errorf("the device does not support all of the network: %w", ErrNotOnDevice)
	}
	if p.scratch == nil {
		for _, shape := range p.shapes {
			p.scratch = append(p.scratch, make([]float32, count(shape)))
		}
	}
	if err := p.device.RunFrame(frame, []int32{int32(x), int32(y)}, p.scratch); err != nil {
		return nil, err
	}
	out, made, room := make([][]Found, len(s.Seek)), p.scratch, true
	for i, k := range s.Seek {
		parts := 1 + len(k.Values)
		if k.Points != nil {
			parts++
		}
		if there := int(math.Float32bits(made[0][2*s.most[i]])); there > s.most[i] {
			s.most[i], room = 1<<int(math.Ceil(math.Log2(float64(there)))), false
		} else {
			out[i] = k.read(made[:parts], there, s.most[i], p.maps[i])
		}
		made = made[parts:]
	}
	if !room {
		return nil, nil
	}
	return out, nil
}

// read decodes the cells that came back.
func (k *Seek) read(made [][]float32, there, most int, size [2]int) []Found {
	area, width := size[0]*size[1], size[1]
	order := make([]int, there)
	place := func(i int) int { return int(math.Float32bits(made[0][2*i])) }
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(place(a), place(b)) })
	out := make([]Found, there)
	for to, i := range order {
		at := place(i)
		f := Found{Plane: at / area, Y: at % area / width, X: at % width, Value: made[0][2*i+1]}
		for j, v := range k.Values {
			f.Values = append(f.Values, made[1+j][i*v.N:(i+1)*v.N]...)
		}
		if k.Points != nil {
			all := made[len(made)-1]
			for v := all[i*len(all)/most : (i+1)*len(all)/most]; len(v) > 0; v = v[pointWords:] {
				q := FoundPoint{Y: -1, X: -1, Heat: v[1], OffsetY: v[2], OffsetX: v[3]}
				if at := int(int32(math.Float32bits(v[0]))); at >= 0 {
					q.Y, q.X = at/width, at%width
				}
				f.Points = append(f.Points, q)
			}
		}
		out[to] = f
	}
	return out
}

// compileSight plans the network from a frame to the cells; the plan has no program if the device does not support all ops.
func (n *Net) compileSight(s *Sight) (*plan, error) {
	c := n.newDeviceCompiler()
	if len(n.graph.inputs) != 1 {
		return &plan{}, nil
	}
	input := c.program.Add(1, 3, s.PartHeight, s.PartWidth)
	c.tensors[n.graph.inputs[0].Name] = input
	frame, at := c.program.Add(exec.FrameWords(s.Width, s.Height)), c.program.Add(2)
	c.program.Inputs = []int{frame, at}
	c.add(&exec.FrameInput{Frame: frame, At: at, Y: input, Width: s.Width, Height: s.Height, Rows: s.Rows, Columns: s.Columns, Gain: s.Gain, Bias: s.Bias})
	for _, x := range n.graph.nodes {
		if err := c.step(x); err != nil {
			return nil, err
		}
	}
	p := &plan{}
	for i, k := range s.Seek {
		if err := c.seek(p, k, s.most[i]); err != nil {
			if errors.Is(err, ErrNotOnDevice) {
				return &plan{}, nil
			}
			return nil, err
		}
	}
	var err error
	p.device, err = n.device.net.Prepare(c.program)
	return p, err
}

func (c *deviceCompiler) add(op exec.Op) { c.program.Ops = append(c.program.Ops, op) }

// seek compiles the search for cells and the gathering of their values.
func (c *deviceCompiler) seek(p *plan, k Seek, most int) error {
	output := func(i int) (int, error) {
		if i < 0 || i >= len(c.net.graph.outputs) {
			return 0, fmt.Errorf("the network has %d outputs, none numbered %d", len(c.net.graph.outputs), i)
		}
		if t, ok := c.tensors[c.net.graph.outputs[i].Name]; ok && len(c.program.Tensors[t].Shape) == 4 {
			return t, nil
		}
		return 0, ErrNotOnDevice
	}
	result := func(shape ...int) int {
		t := c.program.Add(shape...)
		c.program.Outputs, p.shapes = append(c.program.Outputs, t), append(p.shapes, shape)
		return t
	}
	heat, err := output(k.Map)
	if err != nil {
		return err
	}
	shape := c.program.Tensors[heat].Shape
	h, w := shape[2], shape[3]
	if k.Paired {
		if shape[1] < 2*k.Planes {
			return fmt.Errorf("output %d has %d channels, wants %d", k.Map, shape[1], 2*k.Planes)
		}
		var sides [2]int
		for side := range sides {
			sides[side] = c.program.Add(1, k.Planes, h, w)
			c.add(&exec.Copy{X: heat, Y: sides[side], Size: [4]int{1, k.Planes, h, w}, AtX: side * h * w, StepX: [4]int{0, 2 * h * w, w, 1}, StepY: [4]int{0, h * w, w, 1}})
		}
		heat = c.program.Add(1, k.Planes, h, w)
		step := [4]int{0, h * w, w, 1}
		c.add(&exec.Binary{A: sides[1], B: sides[0], Y: heat, Size: [4]int{1, k.Planes, h, w}, StepA: step, StepB: step, F: exec.Sub})
	}
	peaks := &exec.Peaks{Heat: heat, Y: result(2*most + 1), Planes: k.Planes, Reach: k.Reach, Above: k.Above, Most: most}
	c.add(peaks)
	p.maps = append(p.maps, [2]int{h, w})
	for _, v := range k.Values {
		from, err := output(v.Map)
		if err != nil {
			return err
		}
		c.add(&exec.PeakValues{Peaks: peaks, Map: from, Y: result(most, v.N), Channels: v.Channels, First: v.First, N: v.N})
	}
	if k.Points == nil {
		return nil
	}
	var maps [3]int
	for i, m := range []int{k.Points.Heat, k.Points.Regress, k.Points.Offset} {
		if maps[i], err = output(m); err != nil {
			return err
		}
	}
	c.add(&exec.PosePoints{Peaks: peaks, Heat: maps[0], Regress: maps[1], Offset: maps[2], Y: result(most, c.program.Tensors[maps[0]].Shape[1], pointWords)})
	return nil
}
