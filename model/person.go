package model

import (
	"fmt"
	"math"
	"slices"

	"classlens/cuda/exec"
)

// Person appends a decoder to a network that finds the points of one person in maps, as MoveNet Thunder does, so that the maps are decoded where the network runs.
// It replaces the network's outputs by two: (N, 5·points + 1) and (N, len(Windows), C).
//
// The first has, for each point, x and y as fractions of the picture, the score, and the x and y that the person's centre predicts; then the centre's score. The
// centre is the cell with the greatest σ(Middle)·Near. There, Regress predicts each point; the point is the cell with the greatest σ(Heat) / (distance from the
// prediction + Slack), moved by Offset. (This is MoveNet's own decoder, with our Near and Slack.)
//
// The second has the means of Features over windows of its cells; without windows it is Features itself.
type Person struct {
	Middle, Heat, Regress, Offset string    // tensors: logits (N, 1, h, w), logits (N, points, h, w), cells (N, points · (y, x), h, w) twice
	Near                          []float32 // (h, w), 0 or above
	Slack                         float32   // in cells: much smaller distances do not matter
	Features                      string    // tensor (N, C, fh, fw)
	Windows                       []Window
	Side                          int // side of the pictures, (N, 3, Side, Side) of 0 to 255, if a GPU crops them from frames; 0: it does not
}

// Window is a part of a map: rows Top <= y < Bottom, columns Left <= x < Right.
type Window struct{ Top, Bottom, Left, Right int }

// The ops that stand for it in a graph, and what they make.
const (
	opNamePerson = "classlens.PersonPoints"
	opNameMeans  = "classlens.WindowMeans"
	portPerson   = "classlens/person"
	portMeans    = "classlens/means"
)

// add appends the two ops to a graph.
func (p *Person) add(f *graphFile) (outputs []string) {
	f.initializers["classlens/near"] = &value{shape: []int{len(p.Near)}, floats: p.Near}
	var windows []int64
	for _, w := range p.Windows {
		windows = append(windows, int64(w.Top), int64(w.Bottom), int64(w.Left), int64(w.Right))
	}
	f.nodes = append(f.nodes,
		&node{op: opNamePerson, name: portPerson, inputs: []string{p.Middle, p.Heat, p.Regress, p.Offset, "classlens/near"}, outputs: []string{portPerson}, attrs: map[string]attribute{"slack": {f: p.Slack}}})
	if len(windows) == 0 {
		return []string{portPerson, p.Features}
	}
	f.nodes = append(f.nodes,
		&node{op: opNameMeans, name: portMeans, inputs: []string{p.Features}, outputs: []string{portMeans}, attrs: map[string]attribute{"windows": {ints: windows}}})
	return []string{portPerson, portMeans}
}

// personShapes checks the shapes of the maps, and gives the numbers of pictures and points and the size of the maps.
func personShapes(middle, heat, regress, offset []int, near int) (n, points, h, w int, err error) {
	if len(heat) == 4 {
		n, points, h, w = heat[0], heat[1], heat[2], heat[3]
	}
	fits := len(heat) == 4 && near == h*w && slices.Equal(middle, []int{n, 1, h, w}) &&
		slices.Equal(regress, []int{n, 2 * points, h, w}) && slices.Equal(offset, []int{n, 2 * points, h, w})
	if !fits {
		err = fmt.Errorf("%w: points are decoded from maps of shapes %v, %v, %v, %v with %d weights", ErrMalformed, middle, heat, regress, offset, near)
	}
	return n, points, h, w, err
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// opPersonPoints is the decoder in plain Go.
func opPersonPoints(c *opCall) ([]*value, error) {
	n, points, h, w, err := personShapes(c.in[0].shape, c.in[1].shape, c.in[2].shape, c.in[3].shape, len(c.in[4].floats))
	if err != nil {
		return nil, err
	}
	out, area, slack := newValue(n, 5*points+1), h*w, c.node.float("slack", 0)
	c.do(func() {
		near := c.in[4].floats
		for i := range n {
			of := func(k, channels int) []float32 { return c.in[k].floats[i*channels*area:][:channels*area] }
			center, heat, regress, offset, to := of(0, 1), of(1, points), of(2, 2*points), of(3, 2*points), out.floats[i*(5*points+1):][:5*points+1]
			best, middle := float32(-1), 0
			for k, weight := range near {
				if p := sigmoid(center[k]) * weight; p > best {
					best, middle = p, k
				}
			}
			my, mx := float32(middle/w), float32(middle%w)
			for k := range points {
				y, x := my+regress[2*k*area+middle], mx+regress[(2*k+1)*area+middle]
				at, score := warmest(heat[k*area:][:area], w, x, y, slack)
				to[5*k] = (float32(at%w) + offset[(2*k+1)*area+at]) / float32(w)
				to[5*k+1] = (float32(at/w) + offset[2*k*area+at]) / float32(h)
				to[5*k+2], to[5*k+3], to[5*k+4] = score, x/float32(w), y/float32(h)
			}
			to[5*points] = sigmoid(center[middle])
		}
	})
	return one(out)
}

// warmest is the cell with the greatest heat / (distance from (x, y) + slack), and its heat.
func warmest(logits []float32, width int, x, y, slack float32) (at int, heat float32) {
	best := float32(-1)
	for i, z := range logits {
		dx, dy := float32(i%width)-x, float32(i/width)-y
		h := sigmoid(z)
		if w := h / (float32(math.Sqrt(float64(dx*dx+dy*dy))) + slack); w > best {
			best, at, heat = w, i, h
		}
	}
	return at, heat
}

// windowsOf reads a node's windows, in maps of h x w cells.
func windowsOf(n *node, h, w int) ([]Window, error) {
	v := n.ints("windows")
	if len(v) == 0 || len(v)%4 != 0 {
		return nil, fmt.Errorf("%w: windows need four numbers each, not %d in all", ErrMalformed, len(v))
	}
	var all []Window
	for ; len(v) > 0; v = v[4:] {
		x := Window{int(v[0]), int(v[1]), int(v[2]), int(v[3])}
		if x.Top < 0 || x.Top >= x.Bottom || x.Bottom > h || x.Left < 0 || x.Left >= x.Right || x.Right > w {
			return nil, fmt.Errorf("%w: window %v in a map of %d x %d", ErrMalformed, x, h, w)
		}
		all = append(all, x)
	}
	return all, nil
}

func opWindowMeans(c *opCall) ([]*value, error) {
	x := c.in[0]
	if len(x.shape) != 4 {
		return nil, fmt.Errorf("%w: means of windows of a tensor of shape %v", ErrMalformed, x.shape)
	}
	n, planes, h, w := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	windows, err := windowsOf(c.node, h, w)
	if err != nil {
		return nil, err
	}
	out := newValue(n, len(windows), planes)
	c.do(func() {
		for i := range n {
			for r, v := range windows {
				cells := float32((v.Bottom - v.Top) * (v.Right - v.Left))
				for p := range planes {
					out.floats[(i*len(windows)+r)*planes+p] = v.sum(x.floats[(i*planes+p)*h*w:], w) / cells
				}
			}
		}
	})
	return one(out)
}

// sum adds up a window of a plane with w columns.
func (v Window) sum(plane []float32, w int) (sum float32) {
	for row := v.Top; row < v.Bottom; row++ {
		for _, f := range plane[row*w+v.Left : row*w+v.Right] {
			sum += f
		}
	}
	return sum
}

// personPoints compiles the decoder to a kernel.
func (c *deviceCompiler) personPoints(n *node) bool {
	near := c.value(n.inputs[4])
	if near == nil {
		return false
	}
	pictures, points, _, _, err := personShapes(c.shape(n.inputs[0]), c.shape(n.inputs[1]), c.shape(n.inputs[2]), c.shape(n.inputs[3]), len(near.floats))
	if err != nil {
		return false
	}
	y := c.program.Add(pictures, 5*points+1)
	return c.made(n, &exec.PersonPoints{Middle: c.in(n, 0), Heat: c.in(n, 1), Regress: c.in(n, 2), Offset: c.in(n, 3), Near: c.one(near), Y: y, Slack: n.float("slack", 0)}, y)
}

// windowMeans compiles to a product: each picture's (C, cells) with weights that are 1 / (the number of a window's cells) within the window and 0 elsewhere.
func (c *deviceCompiler) windowMeans(n *node) bool {
	x := c.shape(n.inputs[0])
	if len(x) != 4 {
		return false
	}
	windows, err := windowsOf(n, x[2], x[3])
	if err != nil {
		return false
	}
	cells := x[2] * x[3]
	weights := newValue(len(windows), cells)
	for r, v := range windows {
		for row := v.Top; row < v.Bottom; row++ {
			for column := v.Left; column < v.Right; column++ {
				weights.floats[r*cells+row*x[3]+column] = 1 / float32((v.Bottom-v.Top)*(v.Right-v.Left))
			}
		}
	}
	y := c.program.Add(x[0], len(windows), x[1])
	return c.made(n, &exec.MatMul{A: c.one(weights), B: c.in(n, 0), Bias: exec.None, Residual: exec.None, Y: y, Batch: x[0], M: len(windows), N: x[1], K: cells, StepB: x[1] * cells, TransB: true, Alpha: 1}, y)
}
