package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Stage is a run of inverted residuals (Sandler et al. 2018): 1x1 expand, 3x3
// depthwise, 1x1 project, added to the input where the shapes allow. Multiples of
// 16 channels waste nothing on the engine.
type Stage struct {
	Expand int `yaml:"expand"` // channels between
	Out    int `yaml:"out"`
	Stride int `yaml:"stride"` // of the first block
	Repeat int `yaml:"repeat"`
}

// Plan describes a classroom network.
type Plan struct {
	Size      int     `yaml:"size"`      // side of a picture in pixels
	Stem      int     `yaml:"stem"`      // channels of the first convolution, stride 2
	Stages    []Stage `yaml:"stages"`    // the encoder
	Top       int     `yaml:"top"`       // channels before the mean over the picture
	Embedding int     `yaml:"embedding"` // D
	Temporal  string  `yaml:"temporal"`  // attention, lstm, gru or mean; "" is attention
	Width     int     `yaml:"width"`     // of the attention, shared by its heads, or of the recurrent state
	Heads     int     `yaml:"heads"`     // of the attention
	Squeeze   int     `yaml:"squeeze"`   // squeeze-and-excitation through so many times fewer channels; 0: none
	NoFlow    bool    `yaml:"no_flow"`   // leave optical flow out
}

// Channels of a picture: RGB and flow to the right and down.
const Channels = 5

// behaviours, engagement levels and points the heads tell apart.
const (
	behaviours = 10
	levels     = 4
	waves      = 6 // periods of the time code: 2, 4, … 64 s
	points     = 17
)

// What a plan may ask for at most.
const (
	mostWide   = 8192
	mostBlocks = 256
)

// Check says what is wrong with a plan.
func (p Plan) Check() error {
	widest, blocks := max(p.Size, p.Stem, p.Top, p.Embedding, p.Width, p.Heads), 0
	for _, s := range p.Stages {
		widest = max(widest, s.Expand, s.Out)
		blocks += max(0, min(s.Repeat, mostBlocks+1))
	}
	if widest > mostWide || blocks > mostBlocks {
		return fmt.Errorf("plan: at most %d pixels or channels anywhere, and %d blocks: a slip of the pen would fill the memory", mostWide, mostBlocks)
	}
	if p.Size < 16 || p.Stem <= 0 || p.Top <= 0 || p.Embedding <= 0 || len(p.Stages) == 0 {
		return fmt.Errorf("plan: size %d, stem %d, %d stages, top %d, embedding %d: all must be above 0, size at least 16", p.Size, p.Stem, len(p.Stages), p.Top, p.Embedding)
	}
	switch p.kind() {
	case Attention:
		if p.Heads <= 0 || p.Width <= 0 || p.Width%p.Heads != 0 {
			return fmt.Errorf("plan: a width of %d cannot be shared by %d heads", p.Width, p.Heads)
		}
	case LSTM, GRU:
		if p.Width <= 0 {
			return fmt.Errorf("plan: the width is %d; the state of %s needs one above 0", p.Width, p.Temporal)
		}
	case Mean:
	default:
		return fmt.Errorf("plan: temporal is %q; want attention, lstm, gru or mean", p.Temporal)
	}
	if p.Squeeze < 0 {
		return fmt.Errorf("plan: squeeze is %d; want 0 or more", p.Squeeze)
	}
	for i, s := range p.Stages {
		if s.Expand <= 0 || s.Out <= 0 || s.Repeat <= 0 || s.Stride < 1 || s.Stride > 2 {
			return fmt.Errorf("plan: stage %d is %+v; strides are 1 or 2, the rest above 0", i, s)
		}
	}
	return nil
}

// layer is a convolution with its batch norm.
type layer[T Float] struct {
	w, scale, shift     *Param[T]
	stats               *BatchStats[T]
	stride, pad, groups int
	cut                 bool // ReLU6 after it
}

// block is an inverted residual.
type block[T Float] struct {
	layers          [3]*layer[T]
	squeeze, excite dense[T] // channel attention before the last layer (squeeze and excitation); zero: none
	add             bool
}

// dense is a fully connected layer.
type dense[T Float] struct{ w, b *Param[T] }

// Network is a classroom network in training.
type Network[T Float] struct {
	Plan   Plan
	Params []*Param[T]
	Stats  []*BatchStats[T] // of all batch norms, in order

	stem, top                    *layer[T]
	blocks                       []*block[T]
	embed, behaviour, on, engage dense[T]
	points                       dense[T] // an auxiliary head for training, which is not exported
	temporal                     temporal[T]
	steps                        *Param[T]
}

// NewNetwork makes a network with random weights: He's normal for convolutions,
// zeros for what is added to something else (Goyal et al. 2017). The same seed
// gives the same weights.
func NewNetwork[T Float](p Plan, seed uint64) (*Network[T], error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(seed, 2))
	n := &Network[T]{Plan: p}
	n.stem = n.layer(r, "stem", convShape{in: Channels, out: p.Stem, kernel: 3, stride: 2, groups: 1, relu6: true})
	in := p.Stem
	for i, s := range p.Stages {
		for k := range s.Repeat {
			stride := 1
			if k == 0 {
				stride = s.Stride
			}
			name := fmt.Sprintf("stage%d.%d", i, k)
			b := &block[T]{add: stride == 1 && in == s.Out, layers: [3]*layer[T]{
				n.layer(r, name+".expand", convShape{in: in, out: s.Expand, kernel: 1, stride: 1, groups: 1, relu6: true}),
				n.layer(r, name+".depthwise", convShape{in: s.Expand, out: s.Expand, kernel: 3, stride: stride, groups: s.Expand, relu6: true}),
				n.layer(r, name+".project", convShape{in: s.Expand, out: s.Out, kernel: 1, stride: 1, groups: 1}),
			}}
			if p.Squeeze > 0 {
				narrow := max(s.Expand/p.Squeeze, 8)
				b.squeeze, b.excite = n.dense(r, name+".squeeze", s.Expand, narrow, 1), n.dense(r, name+".excite", narrow, s.Expand, 1)
			}
			n.blocks = append(n.blocks, b)
			in = s.Out
		}
	}
	n.top = n.layer(r, "top", convShape{in: in, out: p.Top, kernel: 1, stride: 1, groups: 1, relu6: true})
	d := p.Embedding
	n.embed = n.dense(r, "embed", p.Top, d, 1)
	n.temporal = n.newTemporal(r)
	n.behaviour, n.on, n.engage, n.points = n.dense(r, "behaviour", d, behaviours, 1), n.dense(r, "attention", d, 1, 1), n.dense(r, "engagement", d, 1, 1), n.dense(r, "points", d, 2*points, 0)
	n.steps = n.param("thresholds", false, levels-1)
	copy(n.steps.Value, []T{-1, 0.5, 0.5})
	if p.NoFlow {
		n.forgetFlow()
	}
	return n, nil
}

// forgetFlow sets the first convolution's weights for flow to 0. They stay 0, because flow is 0 in
// training, too.
func (n *Network[T]) forgetFlow() {
	w := n.stem.w
	taps := w.Shape[2] * w.Shape[3]
	for o := range w.Shape[0] {
		clear(w.Value[(o*Channels+3)*taps : (o+1)*Channels*taps])
	}
}

func (n *Network[T]) param(name string, decay bool, shape ...int) *Param[T] {
	p := NewParam[T](name, decay, shape...)
	n.Params = append(n.Params, p)
	return p
}

// convShape describes a convolution with its batch norm.
type convShape struct {
	in, out                int // channels
	kernel, stride, groups int
	relu6                  bool // the result is clamped
}

// layer makes a convolution with random weights.
func (n *Network[T]) layer(r *rand.Rand, name string, s convShape) *layer[T] {
	in := s.in / s.groups // channels that each output reads
	l := &layer[T]{w: n.param(name+".w", true, s.out, in, s.kernel, s.kernel), scale: n.param(name+".scale", false, s.out), shift: n.param(name+".shift", false, s.out),
		stats: NewBatchStats[T](s.out), stride: s.stride, pad: s.kernel / 2, groups: s.groups, cut: s.relu6}
	n.Stats = append(n.Stats, l.stats)
	fill(r, l.w.Value, math.Sqrt(2/float64(in*s.kernel*s.kernel)))
	for i := range l.scale.Value {
		l.scale.Value[i] = 1
	}
	return l
}

func (n *Network[T]) dense(r *rand.Rand, name string, in, out int, gain float64) dense[T] {
	d := dense[T]{n.param(name+".w", true, out, in), n.param(name+".b", false, out)}
	fill(r, d.w.Value, gain/math.Sqrt(float64(in)))
	return d
}

func fill[T Float](r *rand.Rand, v []T, deviation float64) {
	for i := range v {
		v[i] = T(r.NormFloat64() * deviation)
	}
}

// Batch is the input of one forward pass: B sequences of T steps, which show N pictures.
type Batch[T Float] struct {
	Pictures []T // (N, 5, S, S)
	Offsets  []T // (B, T) seconds from the step that is decided
	Seen     []T // (B, T) 1 or 0
	Steps    int // T
	// Index is the picture (0..N-1) that each step (B, T) shows; several steps may show
	// the same one, as with stills, and a hidden step may name any. nil: N = B·T, in order.
	Index []int
	// Attends is subtracted from the first numbers of each step's embedding, (B·T, any): the direction in which
	// its class attends. Only for shipped networks.
	Attends [][]T
	// Wanted asks for the gradient with respect to the pictures, for adversarial examples.
	Wanted bool
}

// Mode is what batch norms do.
type Mode int

// The modes.
const (
	Use   Mode = iota // normalize by the running statistics
	Train             // normalize by the batch's statistics, and update the running ones
	Probe             // normalize by the batch's statistics only
)

// Output is a network's output for a batch, as nodes on the tape.
type Output[T Float] struct {
	Behaviour  *Node[T] // (B, 10) logits
	Attention  *Node[T] // (B, 1) logit of on task
	Engagement *Node[T] // (B, 3) logits of level > 0, > 1, > 2
	Points     *Node[T] // (N, 34) x, y of each point in the picture, 0..1 less a half
	Embedding  *Node[T] // (N, D)
	Moments    []T      // (B, T)
	Pictures   *Node[T]
}

// Forward runs the network.
func (n *Network[T]) Forward(t *Tape[T], b Batch[T], mode Mode) Output[T] {
	pictures := len(b.Pictures) / (Channels * n.Plan.Size * n.Plan.Size)
	if n.Plan.NoFlow {
		b.Pictures = t.withoutFlow(b.Pictures, n.Plan.Size*n.Plan.Size)
	}
	x := t.Data(b.Pictures, pictures, Channels, n.Plan.Size, n.Plan.Size)
	if b.Wanted {
		x.Grad = t.buffer(len(x.Value))
	}
	o := Output[T]{Pictures: x}
	x = n.stem.run(t, x, mode)
	for _, k := range n.blocks {
		x = k.run(t, x, mode)
	}
	x = n.embed.run(t, t.GlobalAverage(n.top.run(t, x, mode)))
	o.Embedding, o.Points = x, n.points.run(t, x)
	if b.Index != nil {
		x = t.Rows(x, b.Index)
	}
	x, o.Moments = n.temporal.run(t, x, b)
	o.Behaviour, o.Attention = n.behaviour.run(t, x), n.on.run(t, x)
	o.Engagement = t.Cumulative(n.engage.run(t, x), t.Use(n.steps))
	return o
}

// withoutFlow is a copy of pictures (N, 5, area) whose flow is 0.
func (t *Tape[T]) withoutFlow(pictures []T, area int) []T {
	out := t.buffer(len(pictures))
	for i := 0; i < len(out); i += Channels * area {
		copy(out[i:i+3*area], pictures[i:])
	}
	return out
}

func (k *block[T]) run(t *Tape[T], x *Node[T], mode Mode) *Node[T] {
	y := k.layers[1].run(t, k.layers[0].run(t, x, mode), mode)
	if k.squeeze.w != nil {
		y = t.ScaleChannels(y, t.Sigmoid(k.excite.run(t, t.ReLU(k.squeeze.run(t, t.GlobalAverage(y))))))
	}
	y = k.layers[2].run(t, y, mode)
	if k.add {
		y = t.Add(x, y)
	}
	return y
}

func (l *layer[T]) run(t *Tape[T], x *Node[T], mode Mode) *Node[T] {
	y := t.Conv(x, t.Use(l.w), l.stride, l.pad, l.groups)
	switch mode {
	case Train:
		y = t.BatchNorm(y, t.Use(l.scale), t.Use(l.shift), l.stats)
	case Probe:
		y = t.BatchNorm(y, t.Use(l.scale), t.Use(l.shift), nil)
	default:
		y = t.FixedNorm(y, t.Use(l.scale), t.Use(l.shift), l.stats)
	}
	if l.cut {
		y = t.ReLU6(y)
	}
	return y
}

func (d dense[T]) run(t *Tape[T], x *Node[T]) *Node[T] { return t.Linear(x, t.Use(d.w), t.Use(d.b)) }

// TakeOver copies from another network every parameter and norm of the same name and
// shape, and says how many parameters were taken and how many stay as they are.
func (n *Network[T]) TakeOver(from *Network[T]) (taken, left int) {
	by := map[string]*Param[T]{}
	for _, p := range from.Params {
		by[p.Name] = p
	}
	for _, p := range n.Params {
		if q := by[p.Name]; q != nil && slices.Equal(p.Shape, q.Shape) {
			copy(p.Value, q.Value)
			taken++
			continue
		}
		left++
	}
	stats := map[string]*BatchStats[T]{}
	for i, name := range from.layers() {
		stats[name] = from.Stats[i]
	}
	for i, name := range n.layers() {
		if s := stats[name]; s != nil && len(s.Mean) == len(n.Stats[i].Mean) {
			copy(n.Stats[i].Mean, s.Mean)
			copy(n.Stats[i].Variance, s.Variance)
		}
	}
	if n.Plan.NoFlow {
		n.forgetFlow()
	}
	return taken, left
}
