// Package classroom runs the network that classifies a student's posture. An *encoder*
// (a small residual 2D-CNN, or a pose net with small layers after it) turns each picture into
// an *embedding*; the *temporal* part, self-attention over the steps around an instant with their
// true time offsets and hidden steps masked, decides behaviour, attention and engagement. Attention
// pooling tells which steps weighed most. docs/model-card.md says what the shipped
// weights were trained on and how well they do in new rooms.
package classroom

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"classlens/model"
)

//go:embed weights/*.onnx
var weights embed.FS

// Sizes are the networks that ship, from the fastest to the most accurate. "l"
// looks through a pretrained pose net, and decides together with "m".
var Sizes = []string{"s", "m", "l"}

// Shipped is the ONNX file of the weights of a size that ship; "" is "s".
func Shipped(size string) ([]byte, error) {
	if size == "" {
		size = Sizes[0]
	}
	onnx, err := weights.ReadFile("weights/classroom-" + size + ".onnx")
	if err != nil {
		return nil, fmt.Errorf("no network of size %q ships; there are %s", size, strings.Join(Sizes, ", "))
	}
	return onnx, nil
}

// Default is the ONNX file of the small network's weights, which are used where
// nothing else is asked for.
func Default() []byte {
	onnx, err := Shipped("")
	if err != nil {
		panic(err) // it is embedded
	}
	return onnx
}

// Behaviours are the classes in the order of Decision.Behaviour.
var Behaviours = []string{"look_forward", "read", "write", "raise_hand", "turn", "stand", "discuss", "phone", "head_down", "other"}

// Names of the tensors in the ONNX file. The whole network runs from picture
// (N, 5, S, S), offset (B, T) and seen (B, T), N = B·T, to the last four; the engine
// cuts it at embedding (N, D), so that a picture is encoded once though many
// decisions look at it. Where the file has an output direction (N, G), the first G
// numbers of an embedding tell where the head points, and what the class has in
// common is taken from them before the temporal part sees them.
const (
	portPicture    = "picture"
	portOffset     = "offset"
	portSeen       = "seen"
	portDirection  = "direction"
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
	Direction  []float32   // where the class attends (Network.Direction); nil: these embeddings' own
}

// Network is a loaded classroom network. It may be used concurrently: encoding and deciding each take
// turns, but one can run during the other.
type Network struct {
	encoding   sync.Mutex // held while embedding
	encoder    encoder
	deciding   sync.Mutex // held while deciding
	temporal   *temporal
	device     string
	dim        int // of an embedding
	flow       bool
	directions int         // how many leading numbers of an embedding tell where the head points; 0: none
	beside     *Network    // a second network, whose decisions are averaged with this one's; nil: there is none
	half       [][]byte    // its pictures,
	noFlow     [][]float32 // its flow (nil for each picture), and
	others     []Decision  // its decisions
}

// encoder turns pictures of one size into embeddings.
type encoder interface {
	size() int
	seesFlow() bool
	// embed appends each picture's embedding to the element of to with its index; batch, at least the number
	// of pictures, is the batch size to use.
	embed(to [][]float32, rgb [][]byte, uv [][]float32, batch int) error
	// cutter is the net whose pictures a GPU crops from frames; embeddings turns its outputs into (batch, D).
	cutter() *model.Net
	embeddings(out []model.Tensor) (model.Tensor, error)
	deviceError() error
	close() error
}

// Load reads a classroom network from an ONNX file, for the CPU. threads 0 takes all cores.
func Load(onnx []byte, threads int) (*Network, error) {
	return LoadOn(onnx, model.Options{Threads: threads, Device: model.CPU})
}

// LoadOn loads a network with so many threads for a device, in a precision. A network that loses
// its device goes on on the CPU, see DeviceError. A large one, whose file has pose in
// place of picture, looks through a pretrained pose net as well, which make setup
// fetches: without it the error wraps pretrained.ErrMissing.
func LoadOn(onnx []byte, o model.Options) (*Network, error) {
	if o.Device == "" {
		o.Device = model.CPU
	}
	n := &Network{device: o.Device}
	inputs, err := n.loadTemporal(onnx, o)
	if err != nil {
		return nil, fmt.Errorf("temporal part: %w", err)
	}
	if hasPort(inputs, portPose) {
		n.encoder, err = newPoseEncoder(onnx, o)
	} else {
		n.encoder, err = newPictureEncoder(onnx, o)
	}
	if err != nil {
		return nil, errors.Join(err, n.temporal.close())
	}
	n.flow = n.encoder.seesFlow()
	if err := n.probe(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	if err := n.attachBeside(onnx, o); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func hasPort(ports []model.Port, name string) bool {
	return slices.ContainsFunc(ports, func(p model.Port) bool { return p.Name == name })
}

// portsOf are the inputs and outputs of a whole network.
func portsOf(onnx []byte) (inputs, outputs []model.Port, err error) {
	whole, err := model.Load(onnx, model.Options{Threads: 1, Device: model.CPU})
	if err != nil {
		return nil, nil, err
	}
	return whole.Inputs(), whole.Outputs(), whole.Close()
}

// loadTemporal loads the part from embeddings on and gives the whole network's
// inputs.
func (n *Network) loadTemporal(onnx []byte, o model.Options) ([]model.Port, error) {
	inputs, outputs, err := portsOf(onnx)
	if err != nil {
		return nil, err
	}
	for _, p := range outputs {
		if p.Name == portDirection && len(p.Shape) == 2 {
			n.directions = p.Shape[1]
		}
	}
	n.temporal, err = newTemporal(onnx, model.Options{Threads: o.Threads, Device: n.device, Precision: o.Precision})
	return inputs, err
}

// probe runs both parts once, so that a network that does not fit fails here.
func (n *Network) probe() error {
	size := n.Size()
	e, err := n.Embed([][]byte{make([]byte, 3*size*size)}, [][]float32{nil})
	if err != nil {
		return err
	}
	n.dim = len(e[0])
	if n.directions < 0 || n.directions > n.dim {
		return fmt.Errorf("its direction has %d numbers and an embedding %d: is this a classroom network?", n.directions, n.dim)
	}
	_, err = n.Decide([]Sequence{{Embeddings: e, Offsets: []float32{0}}})
	return err
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

// gatherOnCPU is a batch of several parts for each lane: lanes that begin and end together seldom wait for each other.
const gatherOnCPU = 128

// Gather is how many pictures it pays to collect before Embed: batches of one size
// are planned once.
func (n *Network) Gather() int {
	if n.device == model.CPU || n.DeviceError() != nil {
		return gatherOnCPU
	}
	return maxBatch
}

// Size is the side of a picture in pixels.
func (n *Network) Size() int { return n.encoder.size() }

// SeesFlow tells whether flow makes a difference to Embed: where it does not it need not be cut.
func (n *Network) SeesFlow() bool { return n.flow }

// ThroughPose tells whether the network looks through the pose net.
func (n *Network) ThroughPose() bool {
	_, ok := n.encoder.(*poseEncoder)
	return ok
}

// DeviceError is why the network left its device for the CPU, nil while it has not.
func (n *Network) DeviceError() error {
	if n.encoder == nil {
		return n.temporal.deviceError()
	}
	err := errors.Join(n.encoder.deviceError(), n.temporal.deviceError())
	if n.beside != nil {
		err = errors.Join(err, n.beside.DeviceError())
	}
	return err
}

// Close frees the network.
func (n *Network) Close() error {
	err := errors.Join(n.encoder.close(), n.temporal.close())
	if n.beside != nil {
		err = errors.Join(err, n.beside.Close())
	}
	return err
}

// Embed encodes pictures: rgb[i] is (S, S, 3) bytes, uv[i] (S, S, 2) in sides a
// second, or nil for none. One embedding a picture.
func (n *Network) Embed(rgb [][]byte, uv [][]float32) ([][]float32, error) {
	dim, to := n.dim, make([][]float32, len(rgb))
	if n.beside != nil {
		dim += n.beside.dim
	}
	all := make([]float32, len(rgb)*dim)
	for i := range to {
		to[i] = all[i*dim : i*dim : (i+1)*dim]
	}
	if err := n.EmbedInto(to, rgb, uv); err != nil {
		return nil, err
	}
	return to, nil
}

// EmbedInto is Embed into to, an embedding a picture: those that have room are filled in place, others are replaced. With room,
// and a number of pictures that was there before, it allocates nothing on the CPU.
func (n *Network) EmbedInto(to [][]float32, rgb [][]byte, uv [][]float32) error {
	if len(to) != len(rgb) || len(uv) != len(rgb) {
		return fmt.Errorf("%d pictures with %d flows and room for %d embeddings", len(rgb), len(uv), len(to))
	}
	if len(rgb) == 0 {
		return nil
	}
	n.encoding.Lock()
	defer n.encoding.Unlock()
	for i := range to {
		to[i] = to[i][:0]
	}
	if err := n.encoder.embed(to, rgb, uv, n.batch(len(rgb))); err != nil || n.beside == nil {
		return err
	}
	half, none := n.halves(rgb)
	return n.beside.encoder.embed(to, half, none, n.beside.batch(len(rgb)))
}

// Direction tells where a class attends, from the embeddings of all students of a
// picture, or of a recording: the median of what tells where heads point. Nil
// embeddings are passed over; nil when there is none, or the network has no use
// for it.
func (n *Network) Direction(embeddings [][]float32) []float32 {
	if n.ofBoth(embeddings) {
		return append(n.Direction(part(embeddings, 0, n.dim)), n.beside.Direction(part(embeddings, n.dim, n.dim+n.beside.dim))...)
	}
	direction := make([]float32, n.directions)
	values := make([]float32, 0, len(embeddings))
	for k := range direction {
		values = values[:0]
		for _, e := range embeddings {
			if e != nil {
				values = append(values, e[k])
			}
		}
		if len(values) == 0 {
			return nil
		}
		slices.Sort(values)
		h := len(values) / 2
		direction[k] = (values[h] + values[(len(values)-1)/2]) / 2
	}
	if n.directions == 0 {
		return nil
	}
	return direction
}

// Decide runs the temporal part on sequences of one length.
func (n *Network) Decide(seqs []Sequence) ([]Decision, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	to := make([]Decision, len(seqs))
	if err := n.DecideInto(to, seqs); err != nil {
		return nil, err
	}
	return to, nil
}

// DecideInto is Decide into to, a decision a sequence, whose Moments are filled in place where they have room and replaced where not. With
// room, a class direction, and numbers of sequences and steps that were there before, it allocates nothing on the CPU.
func (n *Network) DecideInto(to []Decision, seqs []Sequence) error {
	if len(to) != len(seqs) {
		return fmt.Errorf("%d sequences and room for %d decisions", len(seqs), len(to))
	}
	if len(seqs) == 0 {
		return nil
	}
	n.deciding.Lock()
	defer n.deciding.Unlock()
	if n.ofBoth(seqs[0].Embeddings) {
		return n.decideBoth(to, seqs)
	}
	return n.decide(to, seqs, portion{})
}
