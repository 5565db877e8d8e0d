package train

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// ErrWeights is returned for a file that holds no weights of a classroom network.
var ErrWeights = errors.New("no weights of a classroom network")

// tensorInfo is one tensor in the head of a safetensors file.
type tensorInfo struct {
	Type  string   `json:"dtype"`
	Shape []int    `json:"shape"`
	Place [2]int64 `json:"data_offsets"`
}

// named is a tensor under the name that files give it.
type namedTensor struct {
	name  string
	shape []int
	value []float32
}

// tensors lists parameters and batch norm statistics, all that inference needs.
func (n *Network[T]) tensors() []namedTensor {
	var all []namedTensor
	for _, p := range n.Params {
		all = append(all, namedTensor{p.Name, p.Shape, single(p.Value)})
	}
	for i, l := range n.layers() {
		s := n.Stats[i]
		all = append(all, namedTensor{l + ".mean", []int{len(s.Mean)}, single(s.Mean)}, namedTensor{l + ".variance", []int{len(s.Variance)}, single(s.Variance)})
	}
	return all
}

// layers are the names of the convolutions, in the order of Stats.
func (n *Network[T]) layers() []string {
	var names []string
	for _, p := range n.Params {
		if l, ok := cutSuffix(p.Name, ".scale"); ok {
			names = append(names, l)
		}
	}
	return names
}

func cutSuffix(s, suffix string) (string, bool) {
	if len(s) > len(suffix) && s[len(s)-len(suffix):] == suffix {
		return s[:len(s)-len(suffix)], true
	}
	return s, false
}

// Safetensors writes the network in the safetensors form (float32, little endian), with
// its plan as YAML and the heads' temperatures among the metadata.
func (n *Network[T]) Safetensors(heat Heat) ([]byte, error) {
	meta := map[string]string{}
	for _, m := range n.meta(heat) {
		meta[m[0]] = m[1]
	}
	head := map[string]any{"__metadata__": meta}
	var data []byte
	for _, t := range n.tensors() {
		from := int64(len(data))
		for _, v := range t.value {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		head[t.name] = tensorInfo{"F32", t.shape, [2]int64{from, int64(len(data))}}
	}
	raw, err := json.Marshal(head) // keys come out sorted: the same network gives the same bytes
	if err != nil {
		return nil, err
	}
	for len(raw)%8 != 0 {
		raw = append(raw, ' ')
	}
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(raw))), raw, data), nil
}

// mostHead bounds the head of a safetensors file, as the reference reader does.
const mostHead = 100 << 20

// FromSafetensors reads what Safetensors wrote.
func FromSafetensors(file []byte) (*Network[float32], Heat, error) {
	head, data, err := safetensorsHead(file)
	if err != nil {
		return nil, Heat{}, err
	}
	var meta map[string]string
	if err := json.Unmarshal(head["__metadata__"], &meta); err != nil || meta["format"] != "classlens" {
		return nil, Heat{}, fmt.Errorf("%w: it was not written by classlens train", ErrWeights)
	}
	n, err := planned(meta["plan"])
	if err != nil {
		return nil, Heat{}, err
	}
	read := func(name string, to []float32) error {
		var t tensorInfo
		if err := json.Unmarshal(head[name], &t); err != nil {
			return fmt.Errorf("%w: tensor %s: %v", ErrWeights, name, err)
		}
		if t.Type != "F32" || t.Place[0] < 0 || t.Place[1] > int64(len(data)) || t.Place[1]-t.Place[0] != int64(4*len(to)) {
			return fmt.Errorf("%w: tensor %s: %d bytes of %s, want %d of F32", ErrWeights, name, t.Place[1]-t.Place[0], t.Type, 4*len(to))
		}
		for i := range to {
			to[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[int(t.Place[0])+4*i:]))
		}
		return nil
	}
	var errs []error
	for _, p := range n.Params {
		errs = append(errs, read(p.Name, p.Value))
	}
	for i, l := range n.layers() {
		errs = append(errs, read(l+".mean", n.Stats[i].Mean), read(l+".variance", n.Stats[i].Variance))
	}
	return n, heatOf(meta), errors.Join(errs...)
}

func safetensorsHead(file []byte) (map[string]json.RawMessage, []byte, error) {
	if len(file) < 8 {
		return nil, nil, fmt.Errorf("%w: %d bytes", ErrWeights, len(file))
	}
	length := binary.LittleEndian.Uint64(file)
	if length > mostHead || length > uint64(len(file)-8) {
		return nil, nil, fmt.Errorf("%w: a head of %d bytes in a file of %d", ErrWeights, length, len(file))
	}
	head := map[string]json.RawMessage{}
	if err := json.Unmarshal(file[8:8+length], &head); err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrWeights, err)
	}
	return head, file[8+length:], nil
}

// mostValues bounds the plan of a file: no classroom network is near it.
const mostValues = 200_000_000

// planned makes an empty network of a plan that comes from a file.
func planned(text string) (*Network[float32], error) {
	var p Plan
	if err := yaml.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("%w: its plan: %v", ErrWeights, err)
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrWeights, err)
	}
	if p.values() > mostValues {
		return nil, fmt.Errorf("%w: a plan of %.0f values", ErrWeights, p.values())
	}
	return NewNetwork[float32](p, 0)
}

// values is about how many weights a plan has.
func (p Plan) values() float64 {
	sum := float64(p.Stem)*Channels*9 + float64(p.Top)*float64(p.Embedding) + 8*float64(p.Width)*float64(p.Embedding+p.Width)
	in := float64(p.Stem)
	for _, s := range p.Stages {
		sum += float64(s.Repeat) * float64(s.Expand) * (max(in, float64(s.Out)) + float64(s.Out) + 9)
		in = float64(s.Out)
	}
	return sum + in*float64(p.Top)
}

func heatOf(meta map[string]string) Heat {
	number := func(key string) float64 {
		if v, err := strconv.ParseFloat(meta[key], 64); err == nil && v > 0 {
			return v
		}
		return 1
	}
	return Heat{number("heat_behaviour"), number("heat_attention"), number("heat_engagement")}
}
