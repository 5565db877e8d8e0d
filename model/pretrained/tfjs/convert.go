package tfjs

import (
	"fmt"
	"strings"
)

// Spec says what of a graph is converted, and what its ends are called.
type Spec struct {
	Name    string
	Input   string // node that becomes the input, fed with (1, 3, H, W) float32; "" takes the graph's placeholder
	Size    int    // side of the square that shapes are worked out with: a multiple of all strides, at least one whole stride
	Outputs []Port
}

// Port is a node to cut at and the name its map has in the ONNX file.
type Port struct{ Node, Name string }

// Convert turns graph (the model's JSON) and weights (its .bin) into an ONNX
// file with one input, `picture`, and the outputs of the spec in their order.
func Convert(graph, weights []byte, spec Spec) ([]byte, error) {
	m, nodes, err := parse(graph)
	if err != nil {
		return nil, err
	}
	consts, err := readWeights(m, weights)
	if err != nil {
		return nil, err
	}
	c := &converter{nodes: nodes, consts: consts, spec: spec, values: map[string]value{}, rename: map[string]string{}}
	c.out.port(graphIn, "picture", 3, "H", "W")
	for _, p := range spec.Outputs {
		c.rename[p.Node] = p.Name
	}
	for _, p := range spec.Outputs {
		v, err := c.value(p.Node, 0)
		if err != nil {
			return nil, err
		}
		if v.array != nil || v.name != p.Name {
			return nil, fmt.Errorf("node %s: cannot be an output", p.Node)
		}
		c.out.port(graphOut, p.Name, v.c, "H_"+p.Name, "W_"+p.Name)
	}
	return c.out.model(spec.Name), nil
}

// value is what a node gives: a map of c channels, h by w at the spec's size,
// or a constant.
type value struct {
	name    string
	c, h, w int
	array   *array
}

type converter struct {
	nodes  map[string]*node
	consts map[string]array
	spec   Spec
	values map[string]value
	rename map[string]string
	out    builder
}

// maxDepth bounds the recursion; the deepest detector has some 120 ops in a row.
const maxDepth = 2000

// value converts a node and what it needs, once.
func (c *converter) value(ref string, depth int) (value, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(ref, "^"), ":")
	if v, ok := c.values[name]; ok {
		return v, nil
	}
	n, ok := c.nodes[name]
	if !ok {
		return value{}, fmt.Errorf("node %s: not in the graph", name)
	}
	if depth > maxDepth {
		return value{}, fmt.Errorf("node %s: the graph runs in a circle", name)
	}
	v, err := c.build(n, depth)
	if err != nil {
		return value{}, err
	}
	c.values[name] = v
	return v, nil
}

func (c *converter) build(n *node, depth int) (value, error) {
	if n.Name == c.spec.Input || (c.spec.Input == "" && n.Op == "Placeholder") {
		return value{name: "picture", c: 3, h: c.spec.Size, w: c.spec.Size}, nil
	}
	if n.Op == "Const" {
		a, ok := c.consts[n.Name]
		if !ok {
			return value{}, fmt.Errorf("node %s: its weight is missing", n.Name)
		}
		return value{array: &a}, nil
	}
	f, ok := ops[n.Op]
	if !ok {
		return value{}, fmt.Errorf("node %s: op %s is not supported", n.Name, n.Op)
	}
	var in []value
	for _, ref := range n.Input {
		if strings.HasPrefix(ref, "^") { // an order, not a value
			continue
		}
		v, err := c.value(ref, depth+1)
		if err != nil {
			return value{}, err
		}
		in = append(in, v)
	}
	if len(in) < f.inputs {
		return value{}, fmt.Errorf("node %s: %s has %d inputs, wants %d", n.Name, n.Op, len(in), f.inputs)
	}
	v, err := f.build(c, n, in)
	if err != nil {
		return value{}, fmt.Errorf("node %s: %w", n.Name, err)
	}
	return v, nil
}

// label is the name of a node's result: its own, or the port's. Ops in the
// middle of a fused node add a suffix.
func (c *converter) label(n *node) string {
	if r, ok := c.rename[n.Name]; ok {
		return r
	}
	return n.Name
}
