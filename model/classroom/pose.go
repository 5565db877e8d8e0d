package classroom

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"classlens/model"
	"classlens/model/pretrained"
)

// The large network sees a student through MoveNet Thunder: its 17 points, and
// the mean of its last features over the student, go into small layers of our
// own. Points carry over between rooms where pixels do not.

// Names of the tensors of the large network's file in place of the picture.
const (
	portPose     = "pose"
	portFeatures = "features"
)

// PoseNet is the pretrained net that the large network looks through, and SecondPoseNet another that the box network asks beside it.
const (
	PoseNet       = "movenet-thunder"
	SecondPoseNet = "movenet-multipose"
)

// middlePorts are the pose nets' layers of logits of where a person's middle is. (What MultiPose gives out is their logistic function.)
var middlePorts = map[string]string{PoseNet: "center_logit", SecondPoseNet: "StatefulPartitionedCall/center_0/conv2d_4/BiasAdd"}

const (
	poseSide    = 256              // of the pose net's picture
	poseGrid    = poseSide / 4     // cells of its maps, a side
	posePoints  = 17               //
	poseValues  = posePoints*5 + 1 // x, y, score, regressed x, y a point; the middle's score
	deepCells   = poseSide / 32    // cells of the last features, a side
	deepPlanes  = 1280
	poseAtATime = 4  // pictures a run on the CPU: more only takes memory
	poseOnGPU   = 32 // on a GPU, in two parts, so that one is copied while the other is worked on
)

// deepPort is the pose nets' last layer of features.
const deepPort = "StatefulPartitionedCall/center_net_mobile_net_v2fpn_feature_extractor/model_1/model/out_relu/Relu6"

// regions of the last features that are averaged: the student, head and shoulders, chest and hands.
var regions = []model.Window{{Top: 1, Bottom: 7, Left: 2, Right: 6}, {Top: 1, Bottom: 4, Left: 2, Right: 6}, {Top: 4, Bottom: 7, Left: 2, Right: 6}}

// slack is what is added to the way from where the student's middle says that a point is, in cells, before heat is divided by it (MoveNet's own
// decoder: 1.8 in a grid of 48).
const slack = 1.8 * poseGrid / 48

// poseEncoder is the large network's encoder.
type poseEncoder struct {
	name       string // of the pose net
	pose, head *model.Net
	onGPU      bool           // more pictures go in a run, filled up to a power of two, for a GPU has a graph recorded for each size
	pictures   []model.Tensor // the pose net's input
	seen       []model.Tensor // its outputs
	sights     []model.Tensor // a batch's points and features, and
	made       []model.Tensor // what the head makes of them
}

// loadPose loads a pose net alone, to give a picture's points, and its last features: their means over windows, or all of them where there are none.
func loadPose(name string, o model.Options, windows []model.Window) (*poseEncoder, error) {
	path, err := pretrained.Path(name)
	if err != nil {
		return nil, err
	}
	e := &poseEncoder{name: name, onGPU: o.Device != model.CPU && o.Device != "", pictures: make([]model.Tensor, 1), seen: make([]model.Tensor, 2), sights: make([]model.Tensor, 2), made: make([]model.Tensor, 1)}
	o.MaxBatch = poseOnGPU / 2
	o.Person = &model.Person{Middle: middlePorts[name], Heat: "point_heatmap", Regress: "point_regress", Offset: "point_offset", Near: nearness(), Slack: slack, Features: deepPort, Windows: windows, Side: poseSide}
	e.pose, err = model.LoadFile(path, o)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func newPoseEncoder(onnx []byte, o model.Options) (*poseEncoder, error) {
	e, err := loadPose(PoseNet, o, regions)
	if err != nil {
		return nil, err
	}
	e.head, err = model.Load(onnx, model.Options{Threads: 1, Device: model.CPU, Inputs: []string{portPose, portFeatures}, Outputs: []string{portEmbedding}})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("encoder: %w", err), e.close())
	}
	return e, nil
}

func (e *poseEncoder) size() int { return poseSide }

func (e *poseEncoder) deviceError() error { return e.pose.DeviceError() }

func (e *poseEncoder) close() error {
	var errs []error
	for _, n := range []*model.Net{e.pose, e.head} {
		if n != nil {
			errs = append(errs, n.Close())
		}
	}
	return errors.Join(errs...)
}

// nearness weights cells by how far they are from where the middle of the
// student is in a square of vision/clip: a little below the square's middle.
func nearness() []float32 {
	w := make([]float32, poseGrid*poseGrid)
	for j := range poseGrid {
		for i := range poseGrid {
			u, v := (float64(i)+0.5)/poseGrid-0.5, (float64(j)+0.5)/poseGrid-0.55
			w[j*poseGrid+i] = float32(math.Exp(-(u*u + v*v) / (2 * 0.22 * 0.22)))
		}
	}
	return w
}

func (e *poseEncoder) seesFlow() bool { return false }

// embed encodes pictures of (256, 256, 3) bytes; flow is not looked at.
func (e *poseEncoder) embed(to [][]float32, rgb [][]byte, _ [][]float32, _ int) error {
	if err := e.see(rgb, &e.sights[0], &e.sights[1]); err != nil {
		return err
	}
	if err := e.head.RunInto(e.sights, e.made); err != nil {
		return err
	}
	appendRows(to, e.made[0])
	return nil
}

// see writes what the pose net tells of pictures: points (N, 86) and features (N, 3840).
func (e *poseEncoder) see(rgb [][]byte, pose, features *model.Tensor) error {
	pose.Resize(len(rgb), poseValues)
	features.Resize(len(rgb), len(regions)*deepPlanes)
	for from, to := 0, 0; from < len(rgb); from = to {
		if to = min(from+poseAtATime, len(rgb)); e.onGPU {
			to = min(from+poseOnGPU, len(rgb))
		}
		out, err := e.look(rgb[from:to])
		if err != nil {
			return err
		}
		if copy(pose.Data[from*poseValues:to*poseValues], out[0].Data); len(out[1].Data) < (to-from)*len(regions)*deepPlanes {
			return fmt.Errorf("%s: features of the shape %v", e.name, out[1].Shape)
		}
		copy(features.Data[from*len(regions)*deepPlanes:to*len(regions)*deepPlanes], out[1].Data)
	}
	return nil
}

// look runs the pose net: points (N, 86), and features, until the next look; rows beyond those of the pictures mean nothing.
func (e *poseEncoder) look(rgb [][]byte) ([]model.Tensor, error) {
	const area = poseSide * poseSide
	rows := len(rgb)
	if e.onGPU {
		rows = 1 << bits.Len(uint(rows-1))
	}
	e.pictures[0].Resize(rows, 3, poseSide, poseSide)
	for i, p := range rgb {
		if len(p) != 3*area {
			return nil, fmt.Errorf("picture %d has %d bytes, want %d", i, len(p), 3*area)
		}
		planes := e.pictures[0].Data[i*3*area:][:3*area]
		for k := range area {
			planes[k], planes[area+k], planes[2*area+k] = float32(p[3*k]), float32(p[3*k+1]), float32(p[3*k+2])
		}
	}
	out := e.seen
	if err := e.pose.RunInto(e.pictures, out); err != nil {
		return nil, err
	}
	e.onGPU = e.onGPU && e.pose.DeviceError() == nil
	if len(out[0].Data) != rows*poseValues {
		return nil, fmt.Errorf("%s: points of the shape %v", e.name, out[0].Shape)
	}
	return out, nil
}

// Sight is what a network that looks through the pose net is trained on in place of a
// picture.
type Sight struct {
	Pose     []float32 // 17 points of x, y, score, regressed x, y in shares of the square, and the middle's score
	Features []float32 // the pose net's last features, averaged over student, head, chest
}

// SightInputs are the names and sizes of a Sight's parts among the network's inputs.
var SightInputs = []struct {
	Name string
	Size int
}{{portPose, poseValues}, {portFeatures, len(regions) * deepPlanes}}

// See gives what the pose net tells of pictures of (256, 256, 3) bytes.
func (n *Network) See(rgb [][]byte) ([]Sight, error) {
	e, ok := n.encoder.(*poseEncoder)
	if !ok {
		return nil, errors.New("this network does not look through a pose net")
	}
	n.encoding.Lock()
	defer n.encoding.Unlock()
	var pose, features model.Tensor
	if err := e.see(rgb, &pose, &features); err != nil {
		return nil, err
	}
	out := make([]Sight, len(rgb))
	deep := len(regions) * deepPlanes
	for i := range out {
		out[i] = Sight{pose.Data[i*poseValues : (i+1)*poseValues : (i+1)*poseValues], features.Data[i*deep : (i+1)*deep : (i+1)*deep]}
	}
	return out, nil
}

// EmbedSights encodes what See gave.
func (n *Network) EmbedSights(sights []Sight) ([][]float32, error) {
	e, ok := n.encoder.(*poseEncoder)
	if !ok || len(sights) == 0 {
		return nil, errors.New("no sights, or a network that does not look through a pose net")
	}
	deep := len(regions) * deepPlanes
	pose, features := model.NewTensor(len(sights), poseValues), model.NewTensor(len(sights), deep)
	for i, s := range sights {
		copy(pose.Data[i*poseValues:], s.Pose)
		copy(features.Data[i*deep:], s.Features)
	}
	out, err := e.head.Run(pose, features)
	if err != nil {
		return nil, err
	}
	return rowsOf(out[0], len(sights)), nil
}

// Mirrored is the sight of the mirrored student, as far as points tell: x becomes 1 - x,
// left right. The features stay.
func (s Sight) Mirrored() Sight {
	out := Sight{append([]float32(nil), s.Pose...), s.Features}
	for k := range posePoints {
		other := k // the nose is its own
		if k > 0 {
			other = (k - 1) ^ 1 + 1
		}
		copy(out.Pose[5*k:5*k+5], s.Pose[5*other:5*other+5])
		out.Pose[5*k], out.Pose[5*k+3] = 1-out.Pose[5*k], 1-out.Pose[5*k+3]
	}
	return out
}

// MirrorDirection changes where a class attends into that of the mirrored picture.
func MirrorDirection(d []float32) []float32 {
	out := append([]float32(nil), d...)
	for i, sign := range []float32{-1, -1, -1, 1, 1, -1, -1, -1, 1} { // geometry.py: MIRRORED
		if i < len(out) {
			out[i] *= sign
		}
	}
	return out
}
