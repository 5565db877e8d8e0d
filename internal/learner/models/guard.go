package models

import (
	"encoding/binary"
	"fmt"
)

// Keeper keeps trained nets by name, so that a training that breaks off goes on.
type Keeper interface {
	Take(name string) []byte // nil when there is none
	Put(name string, data []byte) error
}

// guard stops a training when it is told to and keeps each net that is done, and of the
// one in hand each epoch. Nets of other seeds do not depend on each other, and an epoch
// is kept with all that the next one depends on, so that a training that goes on gives
// the same weights to the bit.
type guard struct {
	keep Keeper
	name string
	stop func() error // asked before each batch; nil never stops
}

func (g guard) err() error {
	if g.stop == nil {
		return nil
	}
	return g.stop()
}

// of is the name of a seed's net.
func (g guard) of(seed int) string { return fmt.Sprintf("%s-seed%d", g.name, seed) }

// net gives the net of a seed and its best epoch: the one that is kept, or a trained one.
func (g guard) net(seed int, train func() ([]byte, int, error)) ([]byte, int, error) {
	name := g.of(seed)
	if g.keep != nil {
		if kept := g.keep.Take(name); len(kept) > 8 {
			return kept[8:], int(binary.LittleEndian.Uint64(kept)), nil
		}
	}
	data, best, err := train()
	if err == nil && g.keep != nil {
		err = g.keep.Put(name, append(binary.LittleEndian.AppendUint64(nil, uint64(best)), data...))
	}
	return data, best, err
}
