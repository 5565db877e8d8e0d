package recurrent

import (
	"encoding/binary"
	"fmt"
	"math"
)

// State is all that goes on changing in training: weights, both of Adam's moments, and
// how many steps and passes there were (dropout draws by them). A network of the same
// Config that takes it goes on to the same weights to the bit.
func (n *Net) State() []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(n.taken))
	out = binary.LittleEndian.AppendUint64(out, n.passes)
	for _, part := range n.state() {
		for _, v := range part {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	return out
}

// SetState takes what State gave of a network of the same Config.
func (n *Net) SetState(data []byte) error {
	const head = 16
	if want := head + 3*4*len(n.weights); len(data) != want {
		return fmt.Errorf("%w: %d bytes of state, want %d", ErrFormat, len(data), want)
	}
	n.taken, n.passes = int(binary.LittleEndian.Uint64(data)), binary.LittleEndian.Uint64(data[8:])
	data = data[head:]
	for _, part := range n.state() {
		for i := range part {
			part[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		data = data[4*len(part):]
	}
	return nil
}

func (n *Net) state() [3][]float32 { return [3][]float32{n.weights, n.moments[0], n.moments[1]} }
