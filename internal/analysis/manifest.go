package analysis

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"classlens/internal/config"
	"classlens/internal/safefile"
	"classlens/vision/probe"
)

// inputs are what the outputs were made from: the same inputs need no second run.
type inputs struct {
	Recording string `json:"recording_sha256"`
	Settings  string `json:"settings_sha256"`
	Weights   string `json:"weights_sha256"`
	Version   string `json:"version"`
	Annotated bool   `json:"annotated"`
	Seats     bool   `json:"named_by_seats,omitempty"` // whether there was a seat file, not what it held: names once given are not revised
}

// manifest is manifest.json: written last, so that a folder that has one is complete.
type manifest struct {
	Recording string            `json:"recording"`
	State     State             `json:"state"`
	Inputs    inputs            `json:"inputs"`
	Outputs   map[string]string `json:"outputs_sha256"`
}

// shaping keeps the settings that results depend on and clears those that only say where and how fast they are made, so that machines of different
// kinds can share a folder of results. (A GPU's results are within the promised tolerance; precision and flow are settings of their own, and kept.)
func shaping(c config.Config) config.Config {
	c.Run.Device, c.Run.Threads, c.Run.AtOnce, c.Run.SegmentSeconds, c.Run.Scratch = "", 0, 0, 0, ""
	c.Video.HangSeconds, c.Video.MemoryMB = 0, 0
	if c.Network.Weights != "" {
		c.Network.Weights = "the user's own" // which ones inputs.Weights tells; where they lie is nothing to the results
	}
	return c
}

// told are the settings as summary.json gives them, which may be passed on with the results: without the folders of this machine.
func told(c config.Config) config.Config {
	c.Run.Scratch = ""
	if c.Network.Weights != "" {
		c.Network.Weights = filepath.Base(c.Network.Weights)
	}
	return c
}

func (r *run) inputs() (inputs, error) {
	in := inputs{Weights: sum(r.weights), Version: r.options.Version, Annotated: r.options.Annotate, Seats: r.options.Seats != ""}
	settings, err := json.Marshal(struct {
		Config config.Config
		Labels config.Labels
	}{shaping(r.options.Config), r.options.Labels})
	if err != nil {
		return in, err
	}
	in.Settings = sum(settings)
	if probe.Regular(r.path) != nil {
		return in, nil // it is not read; what is wrong with it is reported when it is opened
	}
	in.Recording, err = safefile.Sum(r.path)
	return in, err
}

// holdsOtherRecording tells whether the folder holds the results of a recording with other content.
func holdsOtherRecording(folder string, in inputs) bool {
	raw, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	var m manifest
	return err == nil && json.Unmarshal(raw, &m) == nil && m.Inputs.Recording != "" && m.Inputs.Recording != in.Recording
}

// alreadyDone reads the manifest of an earlier run and checks each output
// against it.
func alreadyDone(folder string, in inputs) (State, bool) {
	raw, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		return "", false
	}
	var m manifest
	if json.Unmarshal(raw, &m) != nil || m.Inputs != in || in.Recording == "" || len(m.Outputs) == 0 {
		return "", false
	}
	for name, want := range m.Outputs {
		if !filepath.IsLocal(name) {
			return "", false
		}
		if got, err := safefile.Sum(filepath.Join(folder, name)); err != nil || got != want {
			return "", false
		}
	}
	return m.State, true
}

func (r *run) writeManifest(in inputs, state State, names []string) error {
	m := manifest{Recording: r.name, State: state, Inputs: in, Outputs: map[string]string{}}
	for _, n := range names {
		var err error
		if m.Outputs[filepath.ToSlash(n)], err = safefile.Sum(filepath.Join(r.folder, n)); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(r.folder, "manifest.json"), m)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
