package model

import (
	"fmt"
	"maps"
	"slices"

	"classlens/cuda/exec"
)

// deviceCompiler writes a program for the device: the graph with all shapes known.
// Whatever follows from shapes alone (the arithmetic round Reshape) is evaluated here.
type deviceCompiler struct {
	net     *Net
	program *exec.Program
	known   map[string]*value // values that follow from the shapes
	tensors map[string]int
	ones    map[*value]int // tensors of constants
	failed  map[string]bool
	tail    []*node
}

// deviceOp writes an op into the program; false leaves it to plain Go.
type deviceOp func(c *deviceCompiler, n *node) bool

var deviceOps map[string]deviceOp

func init() {
	deviceOps = map[string]deviceOp{
		"Conv": (*deviceCompiler).conv, "ConvTranspose": (*deviceCompiler).convTranspose, "MaxPool": (*deviceCompiler).pool, "AveragePool": (*deviceCompiler).pool,
		"GlobalAveragePool": (*deviceCompiler).globalPool, "GlobalMaxPool": (*deviceCompiler).globalPool, "BatchNormalization": (*deviceCompiler).batchNorm,
		"LayerNormalization": (*deviceCompiler).layerNorm, "Resize": (*deviceCompiler).resize, "Upsample": (*deviceCompiler).resize, "MatMul": (*deviceCompiler).matMul,
		"Gemm": (*deviceCompiler).gemm, "Softmax": (*deviceCompiler).softmax, "LogSoftmax": (*deviceCompiler).softmax, "Clip": (*deviceCompiler).clip, "Relu": (*deviceCompiler).clip,
		"Pad": (*deviceCompiler).pad, "Concat": (*deviceCompiler).concat, "Reshape": (*deviceCompiler).reshape, "Flatten": (*deviceCompiler).reshape,
		"Squeeze": (*deviceCompiler).reshape, "Unsqueeze": (*deviceCompiler).reshape, "Identity": (*deviceCompiler).reshape, "Dropout": (*deviceCompiler).reshape,
		"Transpose": (*deviceCompiler).move, "Slice": (*deviceCompiler).move, "Split": (*deviceCompiler).move, "Expand": (*deviceCompiler).move, "Gather": (*deviceCompiler).move,
		"ReduceMean": (*deviceCompiler).reduce, "ReduceSum": (*deviceCompiler).reduce, "ReduceMax": (*deviceCompiler).reduce, "ReduceMin": (*deviceCompiler).reduce,
		opNamePerson: (*deviceCompiler).personPoints, opNameMeans: (*deviceCompiler).windowMeans,
	}
	for name := range deviceFunctions {
		deviceOps[name] = (*deviceCompiler).unary
	}
	for name := range deviceOperators {
		deviceOps[name] = (*deviceCompiler).binary
	}
}

func (n *Net) newDeviceCompiler() *deviceCompiler {
	return &deviceCompiler{net: n, program: &exec.Program{}, known: map[string]*value{}, tensors: map[string]int{}, ones: map[*value]int{}, failed: map[string]bool{}}
}

// compileDevice plans the network for inputs of these shapes; where frames are given, its
// one input is cut out of them.
func (n *Net) compileDevice(shapes [][]int, frames *exec.Frames) (*plan, error) {
	c, p := n.newDeviceCompiler(), &plan{frames: frames}
	for i, s := range shapes {
		name := n.graph.inputs[i].Name
		if len(s) == 0 || slices.Contains(s, 0) {
			c.failed[name] = true
			continue
		}
		c.tensors[name] = c.program.Add(s...)
		if frames != nil {
			table := c.program.Add(s[0], exec.CropNumbers)
			c.program.Inputs = append(c.program.Inputs, table)
			c.crops(frames, table, c.tensors[name])
			continue
		}
		c.program.Inputs = append(c.program.Inputs, c.tensors[name])
		p.reads = append(p.reads, i)
	}
	for _, x := range n.graph.nodes {
		if err := c.step(x); err != nil {
			return nil, err
		}
	}
	p.tail, p.known = c.tail, c.known
	c.outputs(p)
	if len(p.makes) == 0 {
		return p, nil
	}
	var err error
	c.program.Keep = n.device.keep
	p.device, err = n.device.net.Prepare(c.program)
	return p, err
}

// crops cuts a network's pictures out of frames.
func (c *deviceCompiler) crops(frames *exec.Frames, table, to int) {
	s := c.program.Tensors[to].Shape
	if s[1] == cropPlanes {
		c.add(&exec.Clip{Frames: frames, Crops: table, Y: to})
		return
	}
	n, area := s[0], s[2]*s[3]
	whole, part := c.program.Add(n, cropPlanes, s[2], s[3]), c.program.Add(s...)
	c.add(&exec.Clip{Frames: frames, Crops: table, Y: whole})
	c.add(&exec.Copy{X: whole, Y: part, Size: [4]int{1, 1, n, colours * area}, StepX: [4]int{0, 0, cropPlanes * area, 1}, StepY: [4]int{0, 0, colours * area, 1}})
	c.add(&exec.Affine{X: part, Scale: c.one(toBytes), Shift: c.one(toBytes), Y: to, Planes: n * colours, C: colours, Area: area})
}

// outputs are what the tail or the caller reads of the program.
func (c *deviceCompiler) outputs(p *plan) {
	wanted := map[string]bool{}
	for _, n := range c.tail {
		for _, name := range n.inputs {
			wanted[name] = true
		}
	}
	for _, o := range c.net.graph.outputs {
		wanted[o.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		t, ok := c.tensors[name]
		if !ok || c.isInput(name) {
			continue
		}
		c.program.Outputs = append(c.program.Outputs, t)
		p.makes = append(p.makes, name)
		p.shapes = append(p.shapes, slices.Clone(c.program.Tensors[t].Shape))
	}
}

func (c *deviceCompiler) isInput(name string) bool {
	return slices.ContainsFunc(c.net.graph.inputs, func(p Port) bool { return p.Name == name })
}

// value is what is known of a tensor without running anything, nil when nothing is.
func (c *deviceCompiler) value(name string) *value {
	if v := c.known[name]; v != nil {
		return v
	}
	return c.net.graph.constants[name]
}

// step evaluates an op, writes it into the program, or leaves it to the tail.
func (c *deviceCompiler) step(n *node) error {
	if n.op == "Shape" {
		if s := c.shape(n.inputs[0]); s != nil {
			v := &value{shape: []int{len(s)}, ints: make([]int64, len(s))}
			for i, d := range s {
				v.ints[i] = int64(d)
			}
			c.known[n.outputs[0]] = v
			return nil
		}
	}
	call := &opCall{node: n, opset: c.net.graph.opset, in: make([]*value, len(n.inputs))}
	all := true
	for i, name := range n.inputs {
		if name != "" {
			call.in[i] = c.value(name)
			all = all && call.in[i] != nil
		}
	}
	if all {
		made, err := callOp(ops[n.op], call)
		if err != nil {
			return fmt.Errorf("op %s (%s): %w", n.op, n.name, err)
		}
		for i, name := range n.outputs {
			if i < len(made) {
				c.known[name] = made[i]
			}
		}
		return nil
	}
	if !c.onDevice(n) {
		c.tail = append(c.tail, n)
		for _, name := range n.outputs {
			c.failed[name] = true
		}
	}
	return nil
}

// onDevice writes an op into the program. Ops on shapes that do not fit end in the
// tail, whose error names them.
func (c *deviceCompiler) onDevice(n *node) (ok bool) {
	f := deviceOps[n.op]
	if f == nil || slices.ContainsFunc(n.inputs, func(name string) bool { return c.failed[name] }) {
		return false
	}
	tensors, written := len(c.program.Tensors), len(c.program.Ops)
	defer func() {
		if r := recover(); r != nil || !ok {
			ok = false
			for name, t := range c.tensors {
				if t >= tensors {
					delete(c.tensors, name)
				}
			}
			for v, t := range c.ones {
				if t >= tensors {
					delete(c.ones, v)
				}
			}
			c.program.Tensors, c.program.Ops = c.program.Tensors[:tensors], c.program.Ops[:written]
		}
	}()
	return f(c, n)
}

// in is an input as a tensor of the program; None where it is not given.
func (c *deviceCompiler) in(n *node, i int) int {
	if i >= len(n.inputs) || n.inputs[i] == "" {
		return exec.None
	}
	if t, ok := c.tensors[n.inputs[i]]; ok {
		return t
	}
	return c.one(c.value(n.inputs[i]))
}

// one is a constant as a tensor of the program.
func (c *deviceCompiler) one(v *value) int {
	if t, ok := c.ones[v]; ok {
		return t
	}
	c.ones[v] = c.program.AddConstant(c.net.device.constant(v))
	return c.ones[v]
}

// shape of a tensor, nil when it is not known.
func (c *deviceCompiler) shape(name string) []int {
	if t, ok := c.tensors[name]; ok {
		return c.program.Tensors[t].Shape
	}
	if v := c.value(name); v != nil {
		return v.shape
	}
	return nil
}

// made appends an op whose result is the node's first output.
func (c *deviceCompiler) made(n *node, op exec.Op, y int) bool {
	c.program.Ops = append(c.program.Ops, op)
	c.tensors[n.outputs[0]] = y
	return true
}
