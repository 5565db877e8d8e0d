package train

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Tuned is a network that ships, trained on: its encoder, from the picture or from what a
// pose net saw, and its temporal part, as the ONNX file has them.
type Tuned struct {
	// Params are what is trained: means and scales of the inputs, periods and the
	// temperature stay.
	Params []*Param[float32]
	// Inputs are the encoder's, by name, with the numbers a picture has of each: Batch.Pictures
	// holds a picture's one after the other.
	Inputs []TunedInput

	graph *Graph
}

// TunedInput is one input of an encoder.
type TunedInput struct {
	Name  string
	Shape []int // of one picture
}

// temperature is the file's tensor that the behaviours' logits are divided by.
const temperature = "temporal.temperature"

// constant tells whether a tensor of a shipped file is not trained: what PoseEncoder and
// Temporal of scripts/train-classroom hold as such.
func constant(name string) bool {
	last := name[strings.LastIndex(name, ".")+1:]
	return slices.Contains([]string{"mg", "sg", "mf", "sf", "md", "sd", "freq", "temperature"}, last)
}

// NewTuned reads a file that ships. Its temperature is set to 1.
func NewTuned(file []byte, inputs []TunedInput) (*Tuned, error) {
	g, err := ReadGraph(file)
	if err != nil {
		return nil, err
	}
	n := &Tuned{graph: g, Inputs: inputs}
	for _, p := range g.Params {
		if p.Name == temperature {
			p.Value[0] = 1
		}
		if !constant(p.Name) {
			n.Params = append(n.Params, p)
		}
	}
	if !g.Has("embedding") || g.by[temperature] == nil {
		return nil, fmt.Errorf("%w that ship", ErrWeights)
	}
	return n, nil
}

// width is how many numbers the inputs of one picture have.
func (n *Tuned) width() int {
	sum := 0
	for _, in := range n.Inputs {
		sum += size(in.Shape)
	}
	return sum
}

// Forward runs the network. b.Attends is taken from the embeddings' first numbers.
func (n *Tuned) Forward(t *Tape[float32], b Batch[float32]) (o Output[float32], err error) {
	wide := n.width()
	pictures := len(b.Pictures) / wide
	in, at := map[string]*Node[float32]{}, 0
	for _, x := range n.Inputs {
		w := size(x.Shape)
		values := t.buffer(pictures * w)
		for i := range pictures {
			copy(values[i*w:(i+1)*w], b.Pictures[i*wide+at:])
		}
		in[x.Name] = t.Const(values, append([]int{pictures}, x.Shape...)...)
		at += w
	}
	out, err := n.graph.Run(t, in, "embedding")
	if err != nil {
		return o, err
	}
	x := out[0]
	if b.Index != nil {
		x = t.Rows(x, b.Index)
	}
	steps, dim := len(b.Seen), x.Shape[1]
	less := t.buffer(steps * dim)
	for i, a := range b.Attends {
		for k, v := range a {
			less[i*dim+k] = -v
		}
	}
	rows := steps / b.Steps
	out, err = n.graph.Run(t, map[string]*Node[float32]{"embedding": t.Add(x, t.Const(less, steps, dim)), "offset": t.Const(b.Offsets, rows, b.Steps), "seen": t.Const(b.Seen, rows, b.Steps)},
		"behaviour", "attention", "engagement")
	if err != nil {
		return o, err
	}
	above := t.product(out[2], t.Const([]float32{0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1}, levels, levels-1)) // P(level > 0, 1, 2)
	return Output[float32]{Behaviour: t.Log(out[0]), Attention: t.logit(t.Reshape(out[1], rows, 1)), Engagement: t.logit(above), Embedding: x}, nil
}

// logit turns probabilities, kept from 0 and 1, into logits.
func (t *Tape[T]) logit(x *Node[T]) *Node[T] {
	const least = 1e-6
	return t.each1(x, func(v T) (T, T) {
		p := min(max(float64(v), least), 1-least)
		return T(math.Log(p / (1 - p))), T(1 / (p * (1 - p)))
	})
}

// ONNX is the file with the weights as they are now, and the behaviours' temperature.
func (n *Tuned) ONNX(heat Heat) []byte {
	p := n.graph.by[temperature]
	p.Value[0] = float32(heat.Behaviour)
	defer func() { p.Value[0] = 1 }()
	return n.graph.ONNX()
}

// tunedStepper trains a Tuned on the CPU.
type tunedStepper struct {
	tape    Tape[float32]
	net     *Tuned
	rule    *Optimizer[float32]
	average *Average[float32]
	clip    float64
}

// NewTunedCPU is a Stepper of a network that ships. average may be nil.
func NewTunedCPU(n *Tuned, o *Optimizer[float32], average *Average[float32], clip float64) Stepper {
	return &tunedStepper{net: n, rule: o, average: average, clip: clip}
}

func (s *tunedStepper) Step(b Batch[float32], l Losses[float32], y Targets[float32], rate float64) (float64, error) {
	s.tape.Reset()
	o, err := s.net.Forward(&s.tape, b)
	if err != nil {
		return 0, err
	}
	l.Points = 0 // the file has no such head
	loss := l.Loss(&s.tape, o, y)
	s.tape.Backward(loss)
	for _, p := range s.net.graph.Params {
		if constant(p.Name) {
			clear(p.Grad)
		}
	}
	ClipNorm(s.net.Params, s.clip)
	s.rule.Step(s.net.Params, rate)
	if s.average != nil {
		s.average.Add(s.net.Params)
	}
	return float64(loss.Value[0]), nil
}

func (s *tunedStepper) Sync() error  { return nil }
func (s *tunedStepper) Close() error { return nil }
