package config

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"classlens/configs"

	"gopkg.in/yaml.v3"
)

// Behaviours are the classes the network tells apart, in its output's order.
var Behaviours = []string{"look_forward", "read", "write", "raise_hand", "turn", "stand", "discuss", "phone", "head_down", "other"}

// Labels is configs/labels.yaml: how behaviour is read as attention and
// engagement, and how the classes of data sets are read as behaviours.
type Labels struct {
	Behaviours map[string]Meaning            `yaml:"behaviours" json:"behaviours"`
	Datasets   map[string]map[string]Reading `yaml:"datasets" json:"-"`
}

// Reading is the behaviours that a data set's class may be: one, or several that the
// set does not tell apart, the likeliest first. In YAML a name or a list of names.
type Reading []string

// UnmarshalYAML takes a name or a list of names.
func (r *Reading) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		*r = Reading{""}
		return n.Decode(&(*r)[0])
	}
	var names []string
	err := n.Decode(&names)
	*r = names
	return err
}

// Meaning is what one behaviour stands for.
type Meaning struct {
	Attention  string `yaml:"attention" json:"attention"`   // on_task, off_task or unknown
	Engagement int    `yaml:"engagement" json:"engagement"` // 0 disengaged … 3 interactive
}

// LoadLabels reads a labels file; empty means the one that ships. Every
// behaviour must be mapped, and nothing else.
func LoadLabels(file string) (Labels, error) {
	raw, name := configs.LabelsYAML, "configs/labels.yaml"
	if file != "" {
		var err error
		if raw, err = os.ReadFile(file); err != nil {
			return Labels{}, fmt.Errorf("labels file: %w", err)
		}
		name = file
	}
	var l Labels
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&l); err != nil {
		return Labels{}, fmt.Errorf("labels file %s: %w", name, err)
	}
	return l, l.validate(name)
}

func (l Labels) validate(name string) error {
	for _, b := range Behaviours {
		m, ok := l.Behaviours[b]
		switch {
		case !ok:
			return fmt.Errorf("labels file %s: behaviour %s is not mapped", name, b)
		case !slices.Contains([]string{"on_task", "off_task", "unknown"}, m.Attention):
			return fmt.Errorf("labels file %s: %s: attention is %q; it must be on_task, off_task or unknown", name, b, m.Attention)
		case m.Engagement < 0 || m.Engagement > 3:
			return fmt.Errorf("labels file %s: %s: engagement is %d; it must be 0 to 3", name, b, m.Engagement)
		}
	}
	for b := range l.Behaviours {
		if !slices.Contains(Behaviours, b) {
			return unknownKey(name, b, Behaviours)
		}
	}
	for set, classes := range l.Datasets {
		for class, reading := range classes {
			if len(reading) == 0 {
				return fmt.Errorf("labels file %s: %s: class %s is mapped to nothing", name, set, class)
			}
			for _, b := range reading {
				if !slices.Contains(Behaviours, b) {
					return fmt.Errorf("labels file %s: %s: class %s is mapped to %q, which is no behaviour", name, set, class, b)
				}
			}
		}
	}
	return nil
}
