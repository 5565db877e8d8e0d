package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"

	"gopkg.in/yaml.v3"

	"classlens/samples/room"
)

//go:embed plan.yaml
var defaultPlan []byte

// readPlan reads a plan over the defaults; unknown keys are errors.
func readPlan(path string) (room.Plan, error) {
	p := room.DefaultPlan()
	raw := defaultPlan
	if path != "" {
		var err error
		if raw, err = os.ReadFile(path); err != nil {
			return p, err
		}
		// a map given replaces the default one as a whole
		var given map[string]any
		if err := yaml.Unmarshal(raw, &given); err != nil {
			return p, fmt.Errorf("%s: %w", path, err)
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
		return p, fmt.Errorf("plan %s: %w", path, err)
	}
	return p, p.Check()
}
