package model

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"classlens/cuda/exec"
)

// Taps are the source places that make one place along an axis: the first, and a weight for each from there on.
type Taps = exec.Taps

// Sight is how a detector sees frames of one size on its device: how a part of a frame becomes its input there, and what
// of its maps is brought back. Make one for each size of frame and part; not for several goroutines.
type Sight struct {
	Width, Height         int    // of the frames
	Columns, Rows         []Taps // of the whole input: where the picture in it looks
	PartWidth, PartHeight int    // of the input that the network gets
	Gain, Bias            float32
	Seek                  []Seek
	// Name is another for sights of a network that differ in anything: what is planned for one serves all of its name.
	Name string

	most []int // cells that there is room for, by Seek
}

// Seek says which cells of a network's outputs, all (1, channels, h, w), are brought back, and what of other outputs with them.
type Seek struct {
	Map    int     // the output whose cells are compared
	Planes int     // its first channels; or, where Paired, what channel 2p+1 is above channel 2p
	Paired bool    //
	Reach  int     // a cell must be the highest so far round it, of equals the first; 0: every cell
	Above  float32 // and above this
	Values []Values
	Points *Points
}

// Values are channels of an output at a cell: N, from First on, of the Channels that belong to its plane.
type Values struct{ Map, Channels, First, N int }

// Points are the outputs that MoveNet's bodies have their points in: channels (points), (points · (y, x)) twice.
type Points struct{ Heat, Regress, Offset int }

// Found is a cell that was sought.
type Found struct {
	Plane, Y, X int
	Value       float32
	Values      []float32 // of all Values, one after the other
	Points      []FoundPoint
}

// FoundPoint is where a point of a body is hottest and near enough: the cell, -1 where there is none, its heat, and how far
// from the cell the point lies.
type FoundPoint struct {
	Y, X             int
	Heat             float32
	OffsetY, OffsetX float32
}

// Room for cells to begin with; where more are found there is room for twice as many from then on.
const (
	cellRoom   = 512
	bodyRoom   = 64
	pointWords = 4
)

// prepare fills in what a Sight needs to be run.
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

// Look runs the network on its device on the part of a frame, RGB bytes, that begins at column x and row y of the whole input,
// and gives the cells sought, by Seek, in the order of planes and rows. ErrNotOnDevice means that the network is, or is from now
// on, on the CPU (see DeviceError), or that the device does not cover all of it.
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

// look is one try; nil and no error says that there is more room now for what was found.
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
		return nil, fmt.Errorf("the network is not whole on the device: %w", ErrNotOnDevice)
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

// read takes the cells out of what came back.
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

// compileSight plans the network from a frame to the cells sought; a plan without a program says that it is not whole on the device.
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

// seek writes what finds and gathers cells.
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
