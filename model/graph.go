package model

import (
	"fmt"
	"math"
	"slices"
)

// graph is a network ready to be compiled: its ops in topological order, with constants
// folded and batch norms merged into convolutions.
type graph struct {
	opset     int64
	nodes     []*node
	constants map[string]*value
	inputs    []Port
	outputs   []Port
}

// newGraph cuts the file's graph at the named tensors (nil: its own inputs and
// outputs) and simplifies it.
func newGraph(f *graphFile, inputs, outputs []string) (*graph, error) {
	g := &graph{opset: f.opset, constants: f.initializers, inputs: f.inputs, outputs: f.outputs}
	producer, err := producers(f.nodes)
	if err != nil {
		return nil, err
	}
	if inputs != nil {
		g.inputs = cutPorts(inputs, f.inputs)
	}
	if outputs != nil {
		g.outputs = cutPorts(outputs, f.outputs)
	}
	if err := g.order(producer); err != nil {
		return nil, err
	}
	if err := g.foldConstants(); err != nil {
		return nil, err
	}
	if err := g.checkBiases(); err != nil {
		return nil, err
	}
	g.foldBatchNorms()
	return g, nil
}

// producers maps each tensor to the op that makes it.
func producers(nodes []*node) (map[string]*node, error) {
	m := map[string]*node{}
	for _, n := range nodes {
		for _, out := range n.outputs {
			if out == "" {
				continue
			}
			if m[out] != nil {
				return nil, fmt.Errorf("%w: tensor %q is made twice", ErrMalformed, out)
			}
			m[out] = n
		}
	}
	return m, nil
}

// cutPorts finds the named ports, or makes them with unknown dimensions.
func cutPorts(names []string, known []Port) []Port {
	ports := make([]Port, len(names))
	for i, name := range names {
		ports[i] = Port{Name: name}
		for _, p := range known {
			if p.Name == name {
				ports[i] = p
			}
		}
	}
	return ports
}

// order sorts the ops that the outputs need topologically, by a depth-first search without recursion
// (a hostile file may nest any depth), and finds cycles.
func (g *graph) order(producer map[string]*node) error {
	known := map[string]bool{"": true}
	for _, p := range g.inputs {
		known[p.Name] = true
		delete(g.constants, p.Name)
	}
	for name := range g.constants {
		known[name] = true
	}
	const working, done = 1, 2
	state := map[*node]int{}
	type visit struct {
		n    *node
		next int // index of the input to visit next
	}
	for _, p := range g.outputs {
		if known[p.Name] {
			continue
		}
		if producer[p.Name] == nil {
			return fmt.Errorf("%w: nothing makes the tensor %q", ErrMalformed, p.Name)
		}
		stack := []visit{{n: producer[p.Name]}}
		for len(stack) > 0 {
			v := &stack[len(stack)-1]
			if state[v.n] == done {
				stack = stack[:len(stack)-1]
				continue
			}
			state[v.n] = working
			if v.next == len(v.n.inputs) {
				state[v.n] = done
				g.nodes = append(g.nodes, v.n)
				stack = stack[:len(stack)-1]
				continue
			}
			name := v.n.inputs[v.next]
			v.next++
			if known[name] {
				continue
			}
			from := producer[name]
			switch {
			case from == nil:
				return fmt.Errorf("%w: nothing makes the tensor %q", ErrMalformed, name)
			case state[from] == working:
				return fmt.Errorf("%w: the op that makes %q needs its own result", ErrMalformed, name)
			case state[from] == 0:
				stack = append(stack, visit{n: from})
			}
		}
	}
	return nil
}

// foldConstants evaluates ops whose inputs are all constants, and checks that all ops are supported.
func (g *graph) foldConstants() error {
	kept := g.nodes[:0]
	for _, n := range g.nodes {
		f, ok := ops[n.op]
		if !ok {
			return fmt.Errorf("op %s (%s): %w", n.op, n.name, ErrUnsupported)
		}
		if err := n.checkInputs(); err != nil {
			return err
		}
		in := make([]*value, len(n.inputs))
		known := n.op != "Shape" || g.constants[n.inputs[0]] != nil
		for i, name := range n.inputs {
			if in[i] = g.constants[name]; in[i] == nil && name != "" {
				known = false
			}
		}
		if !known {
			kept = append(kept, n)
			continue
		}
		out, err := callOp(f, &opCall{node: n, opset: g.opset, in: in})
		if err != nil {
			return fmt.Errorf("op %s (%s): %w", n.op, n.name, err)
		}
		for i, name := range n.outputs {
			if i < len(out) {
				g.constants[name] = out[i]
			}
		}
	}
	g.nodes = kept
	return nil
}

// checkBiases checks that each convolution has one bias per output channel, or none.
func (g *graph) checkBiases() error {
	for _, n := range g.nodes {
		if (n.op != "Conv" && n.op != "ConvTranspose") || len(n.inputs) < 3 {
			continue
		}
		w, b := g.constants[n.inputs[1]], g.constants[n.inputs[2]]
		if w == nil || b == nil || len(w.shape) < 2 {
			continue
		}
		cout := w.shape[0]
		if n.op == "ConvTranspose" {
			cout = w.shape[1] * int(n.int("group", 1))
		}
		if w.isInt() || b.isInt() || len(b.floats) != cout {
			return fmt.Errorf("%w: op %s (%s) has weights of shape %v and biases of shape %v", ErrMalformed, n.op, n.name, w.shape, b.shape)
		}
	}
	return nil
}

// foldBatchNorms merges batch norms into the convolutions before them.
func (g *graph) foldBatchNorms() {
	uses := g.uses()
	made, _ := producers(g.nodes) // checked before
	g.nodes = slices.DeleteFunc(g.nodes, func(n *node) bool {
		if n.op != "BatchNormalization" || len(n.inputs) < 5 {
			return false
		}
		conv := made[n.inputs[0]]
		if conv == nil || uses[n.inputs[0]] != 1 || !g.foldBatchNorm(conv, n) {
			return false
		}
		conv.outputs[0] = n.outputs[0]
		return true
	})
}

// foldBatchNorm changes the convolution's weights and bias; false if it cannot.
func (g *graph) foldBatchNorm(conv, norm *node) bool {
	if conv.op != "Conv" && conv.op != "ConvTranspose" {
		return false
	}
	w := g.constants[conv.inputs[1]]
	var p [4]*value // scale, shift, mean, variance
	for i := range p {
		if p[i] = g.constants[norm.inputs[i+1]]; p[i] == nil || p[i].isInt() || len(p[i].floats) != len(p[0].floats) {
			return false
		}
	}
	channels := len(p[0].floats)
	axis := 0
	if conv.op == "ConvTranspose" {
		axis = 1
		if conv.int("group", 1) > 1 {
			return false
		}
	}
	if w == nil || w.isInt() || len(w.shape) != 4 || w.shape[axis] != channels {
		return false
	}
	bias := make([]float32, channels)
	if len(conv.inputs) > 2 && conv.inputs[2] != "" {
		b := g.constants[conv.inputs[2]]
		if b == nil || len(b.floats) != channels {
			return false
		}
		copy(bias, b.floats)
	}
	epsilon := norm.float("epsilon", 1e-5)
	folded := &value{shape: w.shape, floats: slices.Clone(w.floats)}
	inner := count(w.shape[axis+1:])
	for c := range channels {
		k := p[0].floats[c] / float32(math.Sqrt(float64(p[3].floats[c])+float64(epsilon)))
		bias[c] = (bias[c]-p[2].floats[c])*k + p[1].floats[c]
		for outer := 0; outer < count(w.shape[:axis]); outer++ {
			at := (outer*channels + c) * inner
			for i := at; i < at+inner; i++ {
				folded.floats[i] *= k
			}
		}
	}
	names := []string{conv.inputs[0], conv.outputs[0] + "/folded weights", conv.outputs[0] + "/folded bias"}
	g.constants[names[1]], g.constants[names[2]] = folded, &value{shape: []int{channels}, floats: bias}
	conv.inputs = names
	return true
}

// uses counts the readers of each tensor; being an output of the graph counts as one.
func (g *graph) uses() map[string]int {
	m := map[string]int{}
	for _, n := range g.nodes {
		for _, name := range n.inputs {
			m[name]++
		}
	}
	for _, p := range g.outputs {
		m[p.Name]++
	}
	return m
}

// int, ints, float and str read an attribute, or give its default.
func (n *node) int(name string, def int64) int64 {
	if a, ok := n.attrs[name]; ok {
		return a.i
	}
	return def
}

func (n *node) ints(name string, def ...int64) []int64 {
	if a, ok := n.attrs[name]; ok && len(a.ints) > 0 {
		return a.ints
	}
	return def
}

func (n *node) float(name string, def float32) float32 {
	if a, ok := n.attrs[name]; ok {
		return a.f
	}
	return def
}

func (n *node) str(name, def string) string {
	if a, ok := n.attrs[name]; ok {
		return a.s
	}
	return def
}
