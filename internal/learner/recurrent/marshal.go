package recurrent

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// ErrFormat says that data is not a marshalled network.
var ErrFormat = errors.New("recurrent: not a marshalled network")

const magic = "classlens recurrent 1\n"

// Marshal gives the shape and weights, without the optimizer's state: a line that
// names the format, a line of JSON (Config), the weights as little-endian float32.
func (n *Net) Marshal() ([]byte, error) {
	head, err := json.Marshal(n.config)
	if err != nil {
		return nil, err
	}
	out := append([]byte(magic), head...)
	out = append(out, '\n')
	for _, w := range n.weights {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(w))
	}
	return out, nil
}

// Unmarshal makes the network of a Marshal, on any instruction set.
func Unmarshal(data []byte) (*Net, error) {
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok {
		return nil, ErrFormat
	}
	head, body, ok := bytes.Cut(rest, []byte("\n"))
	var c Config
	if !ok {
		return nil, ErrFormat
	}
	if err := json.Unmarshal(head, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if want := c.size(); len(body) != 4*want { // before any memory is taken
		return nil, fmt.Errorf("%w: %d bytes of weights, want %d", ErrFormat, len(body), 4*want)
	}
	n, err := New(c)
	if err != nil {
		return nil, err
	}
	for i := range n.weights {
		w := math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
		if math.IsNaN(float64(w)) || math.IsInf(float64(w), 0) {
			return nil, fmt.Errorf("%w: weight %d is not finite", ErrFormat, i)
		}
		n.weights[i] = w
	}
	return n, nil
}

// size is the number of weights, padding included.
func (c Config) size() int {
	units, in, total := blocks(c.Hidden), c.Inputs, 0
	for range c.Layers {
		total += (in + units + 1) * 4 * units
		in = units
	}
	wide := units + 1
	if c.Attention > 0 {
		total += (units+1)*blocks(c.Attention) + blocks(c.Attention)*block
		wide += units
	}
	return total + wide*blocks(c.Outputs)
}
