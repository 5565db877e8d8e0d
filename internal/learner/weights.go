package learner

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"classlens/internal/learner/features"
	"classlens/internal/learner/models"
	"classlens/internal/safefile"
)

// weightsFormat goes up when a column or a model changes its meaning under the same name.
const weightsFormat = 7

// Weights are a trained model with all that it needs to predict.
type Weights struct {
	Format        int              `json:"format"`
	Kind          string           `json:"model"`
	Settings      Settings         `json:"settings"`
	Columns       []string         `json:"columns"`
	Presentations []string         `json:"presentations"`
	Modules       []string         `json:"modules"`
	Students      int              `json:"students"`
	Seed          uint64           `json:"seed"`
	Quick         bool             `json:"quick"`
	Data          string           `json:"trained_on_sha256"` // of the features and truths
	Held          string           `json:"held_out"`          // validated and calibrated on
	Stops         map[string]int   `json:"epochs"`            // of each net
	Levels        *Levels          `json:"levels,omitempty"`  // of the courses trained on; none for flat tables
	Fitted        *models.Fitted   `json:"-"`
	Tables        *features.Tables `json:"-"`
}

// Files of a weights folder; the manifest is written last.
const (
	modelFile    = "model.json"
	fittedFile   = "weights.json.gz"
	tablesFile   = "ranks.json.gz"
	manifestFile = "manifest.json"
)

// manifest holds the SHA-256 of each file.
type manifest struct {
	Files map[string]string `json:"files"`
}

// Save writes the weights to a folder and drops the checkpoints in it.
func (w *Weights) Save(dir string) error {
	w.Format = weightsFormat
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// What a run before left must not pass for whole while files are replaced.
	if err := os.Remove(filepath.Join(dir, manifestFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	m := manifest{Files: map[string]string{}}
	put := func(name string, value any, packed bool) error {
		data, err := json.MarshalIndent(value, "", " ")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if packed {
			if data, err = pack(value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		sum := sha256.Sum256(data)
		m.Files[name] = hex.EncodeToString(sum[:])
		return safefile.WriteFile(filepath.Join(dir, name), data)
	}
	if err := errors.Join(put(modelFile, w, false), put(fittedFile, w.Fitted, true), put(tablesFile, w.Tables, true)); err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if err := safefile.WriteFile(filepath.Join(dir, manifestFile), data); err != nil {
		return err
	}
	return dropCheckpoints(dir)
}

func pack(value any) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(value); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

// LoadWeights reads a folder that Save wrote, and refuses one that is damaged or of
// other features than this program has.
func LoadWeights(dir string) (*Weights, error) {
	var m manifest
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no %s: no weights folder, or one whose training did not end; run classlens learner train", dir, manifestFile)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, manifestFile), err)
	}
	w := &Weights{}
	get := func(name string, into any) error {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != m.Files[name] {
			return fmt.Errorf("%s: damaged: its SHA-256 is not the one in %s; train again", filepath.Join(dir, name), manifestFile)
		}
		if filepath.Ext(name) == ".gz" {
			if data, err = unpack(data); err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
			}
		}
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
		}
		return nil
	}
	if err := get(modelFile, w); err != nil {
		return nil, err
	}
	if err := w.fits(); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if err := errors.Join(get(fittedFile, &w.Fitted), get(tablesFile, &w.Tables)); err != nil {
		return nil, err
	}
	if w.Fitted == nil {
		return nil, fmt.Errorf("%s: no model in it", filepath.Join(dir, fittedFile))
	}
	return w, nil
}

func unpack(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, 1<<30))
}

// fits compares the columns with those that this program makes.
func (w *Weights) fits() error {
	if w.Format != weightsFormat {
		return fmt.Errorf("%w: weights of format %d, this program has %d: train again", ErrRequest, w.Format, weightsFormat)
	}
	if _, err := ParseDay(string(w.Settings.Day)); err != nil {
		return err
	}
	if w.Settings.Form == XAPI || w.Settings.Form == UCI {
		return nil // compared with the table's own in Predict
	}
	return sameColumns(w.Columns, w.Settings.names())
}

// sameColumns says where two lists of columns part.
func sameColumns(stored, own []string) error {
	if slices.Equal(stored, own) {
		return nil
	}
	for i := range max(len(stored), len(own)) {
		a, b := "none", "none"
		if i < len(stored) {
			a = stored[i]
		}
		if i < len(own) {
			b = own[i]
		}
		if a != b {
			return fmt.Errorf("%w: the weights are from other features: column %d is %s there and %s here: train again", ErrRequest, i+1, a, b)
		}
	}
	return nil
}
