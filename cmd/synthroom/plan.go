package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"classlens/internal/config"
	"classlens/samples/room"
)

//go:embed plan.yaml
var defaultPlan []byte

// readPlan reads a plan over the defaults, changes it as flags say, and checks it; unknown keys are errors.
func readPlan(path string, change func(*room.Plan)) (room.Plan, error) {
	p := room.DefaultPlan()
	raw := defaultPlan
	if path != "" {
		var err error
		if raw, err = os.ReadFile(path); err != nil {
			return p, usageError{err}
		}
		// a map given replaces the default one as a whole
		var given map[string]any
		if err := yaml.Unmarshal(raw, &given); err != nil {
			return p, usageError{fmt.Errorf("plan %s: %w", path, config.PlainYAML(err, p))}
		}
		for key, m := range map[string]*map[string]float64{"layouts": &p.Layouts, "cameras": &p.Cameras, "behaviours": &p.Behaviours} {
			if given[key] != nil {
				*m = nil
			}
		}
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return p, usageError{fmt.Errorf("plan %s: %w", path, config.PlainYAML(err, p))}
	}
	change(&p)
	if err := p.Check(); err != nil {
		return p, usageError{fmt.Errorf("plan %s: %w", path, err)}
	}
	return p, nil
}

// planName is a file in a folder of rooms or crops that says what they were drawn from.
const planName = ".plan"

// keepPlan writes down what a folder is drawn from, and refuses one drawn from anything else: what is there is not drawn again. More of the same may be added.
func keepPlan(out string, p *room.Plan, crf int) error {
	same := *p
	same.Clips, same.Students = 0, 0
	want, err := json.Marshal(struct {
		Plan room.Plan
		CRF  int
	}{same, crf})
	if err != nil {
		return err
	}
	name := filepath.Join(out, planName)
	got, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(out, 0o755); err != nil {
			return err
		}
		return writeFile(name, func(w io.Writer) error { _, err := w.Write(want); return err })
	case err != nil:
		return err
	case !bytes.Equal(got, want):
		return usageError{fmt.Errorf("%s was drawn from another plan, seed or quality, and what is there would be left as it is: give another -out, or remove it", out)}
	}
	return nil
}
