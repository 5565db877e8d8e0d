package learner

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"classlens/internal/learner/models"
	"classlens/internal/safefile"
)

// checkpointFolder is within a weights folder until the weights are whole.
const checkpointFolder = "checkpoint"

// checkpoints keeps each net of a training that is done, and each epoch of the one in hand: a
// file holds the SHA-256 of all that the training depends on, that of what is kept, and
// what is kept.
type checkpoints struct {
	dir string
	of  [sha256.Size]byte
}

// checkpointsIn gives the checkpoints of a training in a weights folder; nil for none.
func checkpointsIn(dir string, w *Weights) (models.Keeper, error) {
	if dir == "" {
		return nil, nil
	}
	data, err := json.Marshal([]any{weightsFormat, w.Settings, w.Columns, w.Presentations, w.Seed, w.Quick, w.Data, models.Recurrence, models.Perceptron, models.Picture})
	if err != nil {
		return nil, err
	}
	return checkpoints{filepath.Join(dir, checkpointFolder), sha256.Sum256(data)}, nil
}

// Take implements models.Keeper: what is of another training, or damaged, is not there.
func (c checkpoints) Take(name string) []byte {
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	const head = 2 * sha256.Size
	if err != nil || len(data) < head || !bytes.Equal(data[:sha256.Size], c.of[:]) {
		return nil
	}
	if sum := sha256.Sum256(data[head:]); !bytes.Equal(sum[:], data[sha256.Size:head]) {
		return nil
	}
	return data[head:]
}

// Put implements models.Keeper.
func (c checkpoints) Put(name string, data []byte) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	return safefile.WriteFile(filepath.Join(c.dir, name), append(append(bytes.Clone(c.of[:]), sum[:]...), data...))
}

// dropCheckpoints removes the checkpoints in a weights folder, and what writes that were killed left.
func dropCheckpoints(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, checkpointFolder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := os.ReadDir(dir)
	for _, f := range files {
		if safefile.IsTemporary(f.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
		}
	}
	return err
}
