package classroom

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"classlens/model"
)

// storedClip is a clip and what ONNX Runtime makes of it with the weights that ship
// (scripts/train-classroom/golden.py). It travels with the program: a device is
// believed when it gives the same.
//
//go:embed testdata/golden.bin
var storedClip []byte

// storedPorts are the stored outputs in order.
var storedPorts = []string{portBehaviour, portAttention, portEngagement, portMoments, portEmbedding}

// readStored gives the stored clip as the network's three inputs, and the outputs.
func readStored() (in []model.Tensor, want [][]float32, err error) { return readClip(storedClip) }

func readClip(clip []byte) (in []model.Tensor, want [][]float32, err error) {
	r := bytes.NewReader(clip)
	read := func(v any) { err = errors.Join(err, binary.Read(r, binary.LittleEndian, v)) }
	var head [3]int32 // clips, steps of a clip, side of a picture
	read(head[:])
	if err != nil {
		return nil, nil, fmt.Errorf("stored clip: %w", err)
	}
	const cells = 12 // a stored picture is this coarse
	b, steps, size := int(head[0]), int(head[1]), int(head[2])
	n := b * steps
	coarse := make([]byte, n*channels*cells*cells)
	read(coarse)
	picture := model.NewTensor(n, channels, size, size)
	for i := range picture.Data {
		plane, y, x := i/(size*size), i/size%size, i%size
		picture.Data[i] = float32(coarse[(plane*cells+y*cells/size)*cells+x*cells/size])/127.5 - 1
	}
	offset, seen := model.NewTensor(b, steps), model.NewTensor(b, steps)
	read(offset.Data)
	read(seen.Data)
	rest := make([]float32, r.Len()/4)
	read(rest)
	sizes := []int{b * len(Behaviours), b, b * 4, n}
	for _, k := range sizes {
		if len(rest) < k {
			return nil, nil, errors.Join(err, errors.New("stored clip: too short"))
		}
		want, rest = append(want, rest[:k]), rest[k:]
	}
	return []model.Tensor{picture, offset, seen}, append(want, rest), err
}

// storedTolerance is how far a device's results may lie from the stored ones, beside 1
// or the value: float32 sums in another order differ by some 1e-5 after all layers.
const storedTolerance = 1e-3

// autoTolerance is what half precision may differ by to be taken unasked: a recording shows more than the stored clip does (.95 of a thousandth on the
// clip of the weights that ship were 1.6 thousandths in a recording). Tests change it.
var autoTolerance = storedTolerance / 2

// halfTolerance is likewise for what is decided in a half precision that is asked for: a few
// roundings to 11 or 8 bits. Embeddings, which nobody reads, may be as far in FP16 however it was chosen.
var halfTolerance = map[model.Precision]float64{model.FP16: 8.0 / 2048, model.BF16: 8.0 / 256}

// SelfCheck runs the stored clip on a device and compares the logits: with the stored
// ones for the weights that ship, with the CPU's for others. An error that wraps
// model.ErrWrongResult says that the device computes wrong.
func SelfCheck(device string, onnx []byte) error {
	return selfCheck(onnx, model.Options{Device: device}, storedTolerance)
}

// selfCheck allows decisions to be wrong by tolerance.
func selfCheck(onnx []byte, o model.Options, tolerance float64) error {
	in, want, err := readStored()
	if err != nil {
		return err
	}
	if !bytes.Equal(onnx, Default()) {
		if in, err = fitting(in, onnx); err != nil {
			return err
		}
		if want, err = runWhole(onnx, model.Options{}, in); err != nil {
			return err
		}
	}
	got, err := runWhole(onnx, o, in)
	if err != nil {
		return err
	}
	for k := range want {
		if len(got[k]) != len(want[k]) {
			return fmt.Errorf("%w: %d values of %s, want %d", model.ErrWrongResult, len(got[k]), storedPorts[k], len(want[k]))
		}
		allowed := tolerance
		if storedPorts[k] == portEmbedding {
			allowed = max(tolerance, halfTolerance[o.Precision])
		}
		for i, w := range want[k] {
			if d := math.Abs(float64(got[k][i] - w)); !(d <= allowed*(1+math.Abs(float64(w)))) {
				return fmt.Errorf("%w: %s[%d] of the stored clip is %v, not %v", model.ErrWrongResult, storedPorts[k], i, got[k][i], w)
			}
		}
	}
	other, err := besideOf(onnx)
	if err != nil || other == nil {
		return err
	}
	return selfCheck(other, o, tolerance)
}

// runWhole runs the uncut network on a device and gives the outputs' values.
func runWhole(onnx []byte, o model.Options, in []model.Tensor) ([][]float32, error) {
	o.Threads, o.Outputs = 1, storedPorts
	net, err := model.Load(onnx, o)
	if err != nil {
		return nil, err
	}
	defer net.Close()
	out, err := net.Run(in...)
	if err = errors.Join(err, net.DeviceError()); err != nil {
		return nil, err
	}
	values := make([][]float32, len(out))
	for i, t := range out {
		values[i] = t.Data
	}
	return values, nil
}

// fitting makes a stored clip one that another network takes: pictures of its size,
// or made-up points and features in their place.
func fitting(in []model.Tensor, onnx []byte) ([]model.Tensor, error) {
	ports, _, err := portsOf(onnx)
	if err != nil {
		return nil, err
	}
	if hasPort(ports, portPose) {
		n := in[0].Shape[0]
		pose, features := model.NewTensor(n, poseValues), model.NewTensor(n, len(regions)*deepPlanes)
		for _, t := range []model.Tensor{pose, features} {
			for i := range t.Data {
				t.Data[i] = (in[0].Data[i*7%len(in[0].Data)] + 1) / 2
			}
		}
		return append([]model.Tensor{pose, features}, in[1:]...), nil
	}
	at := slices.IndexFunc(ports, func(p model.Port) bool { return p.Name == portPicture })
	if at < 0 || len(ports[at].Shape) != 4 {
		return nil, errors.New("the network takes no pictures: is it a classroom network?")
	}
	return append([]model.Tensor{resized(in[0], ports[at].Shape[2])}, in[1:]...), nil
}

// resized repeats or drops pixels until the pictures have this side.
func resized(t model.Tensor, side int) model.Tensor {
	old := t.Shape[3]
	out := model.NewTensor(t.Shape[0], channels, side, side)
	for i := range out.Data {
		plane, y, x := i/(side*side), i/side%side, i%side
		out.Data[i] = t.Data[(plane*old+y*old/side)*old+x*old/side]
	}
	return out
}

// AutoPrecision is the setting that takes half precision where it keeps what is promised.
const AutoPrecision = "auto"

// ChooseDevice finds the device of a setting (model.FindDevice) and checks it: one that
// computes wrong, or cannot be opened, is not used, and the note says so. precision is a
// model.Precision for all networks, or AutoPrecision: float32 for the detectors, whose half-precision
// results differ by more than the thousandth that is promised (docs/measured.md), and FP16 for the
// classroom network where its decisions on the stored clip differ by less than half of that.
func ChooseDevice(setting, precision string, onnx []byte) (model.Choice, error) {
	c, err := model.FindDevice(setting)
	if err != nil || c.Device == model.CPU {
		return c, err
	}
	o, tolerance := model.Options{Device: c.Device}, storedTolerance
	if precision != AutoPrecision {
		o.Precision = model.Precision(precision)
		tolerance = max(tolerance, halfTolerance[o.Precision])
		c.Network, c.Detectors = o.Precision, o.Precision
	}
	if err := selfCheck(onnx, o, tolerance); err != nil {
		return model.Choice{Device: model.CPU, Note: strings.ReplaceAll(fmt.Sprintf("%s is not used: %v", c, err), "\n", "; ")}, nil
	}
	if precision == AutoPrecision {
		if o.Precision = model.FP16; selfCheck(onnx, o, autoTolerance) == nil {
			c.Network = model.FP16
		}
	}
	return c, nil
}
