// Package classroom is the network that reads a student's posture: a small
// residual 2D-CNN makes one embedding of each picture with its flow, and
// self-attention over the steps round an instant, with their true time offsets
// and hidden steps masked, decides behaviour, attention and engagement. Attention
// pooling tells which steps decided. docs/model-card.md says what the weights that
// ship were trained on and how badly they do where.
package classroom

import (
	_ "embed"
	"errors"
	"fmt"

	"classlens/model"
)

//go:embed weights/classroom-s.onnx
var shipped []byte

// Default is the ONNX file of the weights that ship.
func Default() []byte { return shipped }

// Behaviours are the classes in the order of Decision.Behaviour.
var Behaviours = []string{"look_forward", "read", "write", "raise_hand", "turn", "stand", "discuss", "phone", "head_down", "other"}

// Names of the tensors in the ONNX file. The whole network runs from picture
// (N, 5, S, S), offset (B, T) and seen (B, T), N = B·T, to the last four; the engine
// cuts it at embedding (N, D), so that a picture is encoded once though many
// decisions look at it.
const (
	portPicture    = "picture"
	portOffset     = "offset"
	portSeen       = "seen"
	portEmbedding  = "embedding"
	portBehaviour  = "behaviour"
	portAttention  = "attention"
	portEngagement = "engagement"
	portMoments    = "moments"
)

// Decision is what the network says of one student at one step.
type Decision struct {
	Behaviour  [10]float32 // probabilities, in the order of Behaviours
	Attention  float32     // probability of on_task
	Engagement [4]float32  // probabilities of the ordered levels
	Moments    []float32   // weight of each step of the sequence, sum 1
}

// Sequence is what one decision looks at: T steps around it.
type Sequence struct {
	Embeddings [][]float32 // nil where the student was hidden
	Offsets    []float32   // seconds from the step that is decided
}

// Network is a loaded classroom network. Its methods take turns.
type Network struct {
	encoder, temporal *model.Net
	device            string
	size, dim         int
	pictures          []float32
}

// channels of a picture: RGB, and flow to the right and down.
const channels = 5

// Load reads a classroom network from an ONNX file, for the CPU. threads 0 takes all cores.
func Load(onnx []byte, threads int) (*Network, error) { return LoadOn(onnx, threads, model.CPU) }

// LoadOn loads a network for a device: model.CPU or a GPU's UUID. A network that loses
// its device goes on on the CPU, see DeviceError.
func LoadOn(onnx []byte, threads int, device string) (*Network, error) {
	encoder, err := model.Load(onnx, model.Options{Threads: threads, Device: device, MaxBatch: maxBatch, Inputs: []string{portPicture}, Outputs: []string{portEmbedding}})
	if err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	n := &Network{encoder: encoder, device: device}
	p := encoder.Inputs()[0].Shape
	if len(p) != 4 || p[1] != channels || p[2] < 8 || p[2] != p[3] {
		encoder.Close()
		return nil, fmt.Errorf("its pictures have the shape %v, want (N, %d, S, S): is this a classroom network?", p, channels)
	}
	n.size = p[2]
	n.temporal, err = model.Load(onnx, model.Options{Threads: 1, Device: device, Inputs: []string{portEmbedding, portOffset, portSeen},
		Outputs: []string{portBehaviour, portAttention, portEngagement, portMoments}})
	if err != nil {
		encoder.Close()
		return nil, fmt.Errorf("temporal part: %w", err)
	}
	probe, err := n.Embed([][]byte{make([]byte, 3*n.size*n.size)}, [][]float32{nil})
	if err != nil {
		n.Close()
		return nil, err
	}
	n.dim = len(probe[0])
	if _, err := n.Decide([]Sequence{{Embeddings: probe, Offsets: []float32{0}}}); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// maxBatch is how many pictures a GPU is given at a time.
const maxBatch = 128

// batch is the size of the batch that so many pictures or sequences go in. A GPU gets
// few sizes, each of which it has recorded as one graph; the CPU takes them as they come.
func (n *Network) batch(k int) int {
	if n.device == model.CPU || n.DeviceError() != nil {
		return k
	}
	for size := 1; size < maxBatch; size *= 2 { // 1, 2, 3, 4, 6, 8, 12, 16, …
		if k <= size {
			return size
		}
		if between := size * 3 / 2; size > 1 && k <= between {
			return between
		}
	}
	return (k + maxBatch - 1) / maxBatch * maxBatch
}

// Gather is how many pictures it pays to collect before Embed: 1 on the CPU.
func (n *Network) Gather() int {
	if n.device == model.CPU || n.DeviceError() != nil {
		return 1
	}
	return maxBatch
}

// Size is the side of a picture in pixels.
func (n *Network) Size() int { return n.size }

// DeviceError is why the network left its device for the CPU, nil while it has not.
func (n *Network) DeviceError() error {
	return errors.Join(n.encoder.DeviceError(), n.temporal.DeviceError())
}

// Close frees the network.
func (n *Network) Close() error { return errors.Join(n.encoder.Close(), n.temporal.Close()) }

// maxFlow is where flow is cut off: faster than one side of the picture a second
// is a blur anyway.
const maxFlow = 1

// Embed encodes pictures: rgb[i] is (S, S, 3) bytes, uv[i] (S, S, 2) in sides a
// second, or nil for none. One embedding a picture.
func (n *Network) Embed(rgb [][]byte, uv [][]float32) ([][]float32, error) {
	area, batch := n.size*n.size, n.batch(len(rgb))
	if need := batch * channels * area; cap(n.pictures) < need {
		n.pictures = make([]float32, need)
	}
	in := model.Tensor{Shape: []int{batch, channels, n.size, n.size}, Data: n.pictures[:batch*channels*area]}
	clear(in.Data[len(rgb)*channels*area:])
	for i := range rgb {
		if len(rgb[i]) != 3*area || (uv[i] != nil && len(uv[i]) != 2*area) {
			return nil, fmt.Errorf("picture %d has %d bytes and %d flow values, want %d and %d", i, len(rgb[i]), len(uv[i]), 3*area, 2*area)
		}
		fillPicture(in.Data[i*channels*area:(i+1)*channels*area], rgb[i], uv[i], area)
	}
	if len(rgb) == 0 {
		return nil, nil
	}
	out, err := n.encoder.Run(in)
	if err != nil {
		return nil, err
	}
	dim := out[0].Shape[1]
	embeddings := make([][]float32, len(rgb)) // what fills the batch up is dropped
	for i := range embeddings {
		embeddings[i] = out[0].Data[i*dim : (i+1)*dim : (i+1)*dim]
	}
	return embeddings, nil
}

// fillPicture writes one picture's planes: red, green, blue in -1..1, and flow.
func fillPicture(to []float32, rgb []byte, uv []float32, area int) {
	r, g, b := to[:area], to[area:2*area], to[2*area:3*area]
	for k := range area {
		r[k] = float32(rgb[3*k])*(1/127.5) - 1
		g[k] = float32(rgb[3*k+1])*(1/127.5) - 1
		b[k] = float32(rgb[3*k+2])*(1/127.5) - 1
	}
	u, v := to[3*area:4*area], to[4*area:5*area]
	if uv == nil {
		clear(u)
		clear(v)
		return
	}
	for k := range area {
		u[k], v[k] = min(max(uv[2*k], -maxFlow), maxFlow), min(max(uv[2*k+1], -maxFlow), maxFlow)
	}
}

// Decide runs the temporal part on sequences of one length.
func (n *Network) Decide(seqs []Sequence) ([]Decision, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	t := len(seqs[0].Offsets)
	dim := n.dim
	if dim == 0 {
		dim = len(seqs[0].Embeddings[0])
	}
	batch := n.batch(len(seqs))
	embedding, offset, seen := model.NewTensor(batch*t, dim), model.NewTensor(batch, t), model.NewTensor(batch, t)
	for i, s := range seqs {
		if len(s.Offsets) != t || len(s.Embeddings) != t {
			return nil, fmt.Errorf("sequence %d has %d steps and %d offsets, the first has %d", i, len(s.Embeddings), len(s.Offsets), t)
		}
		for k, e := range s.Embeddings {
			offset.Data[i*t+k] = s.Offsets[k]
			if e == nil {
				continue
			}
			if len(e) != dim {
				return nil, fmt.Errorf("sequence %d, step %d: an embedding of %d numbers, want %d", i, k, len(e), dim)
			}
			seen.Data[i*t+k] = 1
			copy(embedding.Data[(i*t+k)*dim:], e)
		}
	}
	out, err := n.temporal.Run(embedding, offset, seen)
	if err != nil {
		return nil, err
	}
	return decisions(out, len(seqs), batch, t)
}

// decisions reads the first n of a batch.
func decisions(out []model.Tensor, n, batch, t int) ([]Decision, error) {
	for i, want := range []int{10, 1, 4, t} {
		if len(out[i].Data) != batch*want {
			return nil, fmt.Errorf("output %d has the shape %v, want %d values for each of %d", i, out[i].Shape, want, batch)
		}
	}
	all := make([]Decision, n)
	for i := range all {
		d := &all[i]
		copy(d.Behaviour[:], out[0].Data[i*10:])
		d.Attention = out[1].Data[i]
		copy(d.Engagement[:], out[2].Data[i*4:])
		d.Moments = append([]float32(nil), out[3].Data[i*t:(i+1)*t]...)
	}
	return all, nil
}
