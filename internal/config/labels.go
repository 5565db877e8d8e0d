package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"classlens/configs"

	"gopkg.in/yaml.v3"
)

// Behaviours are the network's classes, in the order of its output.
var Behaviours = []string{"look_forward", "read", "write", "raise_hand", "turn", "stand", "discuss", "phone", "head_down", "other"}

// Labels is configs/labels.yaml: the attention and engagement that each behaviour stands for, and
// the behaviours that the classes of data sets stand for.
type Labels struct {
	Behaviours map[string]Meaning            `yaml:"behaviours" json:"behaviours"`
	Datasets   map[string]map[string]Reading `yaml:"datasets" json:"-"`
	Words      []Words                       `yaml:"words" json:"-"`
}

// Words is a rule that tells what a class may be from its name alone, for classes that no data set lists.
type Words struct {
	In    []string `yaml:"in"` // alternatives, each some beginnings of words, separated by spaces: all of them must occur in the name
	Means Reading  `yaml:"means"`
}

func (w Words) fits(name []string) bool {
	for _, beginnings := range w.In {
		missing := slices.ContainsFunc(strings.Fields(beginnings), func(b string) bool {
			return !slices.ContainsFunc(name, func(word string) bool { return strings.HasPrefix(word, b) })
		})
		if !missing {
			return true
		}
	}
	return false
}

// ByWords is what a class may be, judging by the words of its name; nil if these tell
// nothing. The first rule that fits counts. "not X" means all behaviours that X does not.
func (l Labels) ByWords(class string) Reading {
	name := wordsOf(class)
	if len(name) > 1 && slices.Contains([]string{"not", "no", "non", "without"}, name[0]) {
		if is := l.ByWords(strings.Join(name[1:], " ")); is != nil {
			return slices.DeleteFunc(slices.Clone(Behaviours), func(b string) bool { return slices.Contains(is, b) })
		}
	}
	for _, w := range l.Words {
		if w.fits(name) {
			return w.Means
		}
	}
	return nil
}

// wordsOf splits a name into lower-case words: "handRaising", "hand-raising" and
// "Hand_Raising" all give hand, raising.
func wordsOf(class string) []string {
	var spaced strings.Builder
	before := ' '
	for _, r := range class {
		switch {
		case !unicode.IsLetter(r):
			r = ' '
		case unicode.IsUpper(r) && unicode.IsLower(before):
			spaced.WriteRune(' ')
		}
		spaced.WriteRune(r)
		before = r
	}
	return strings.Fields(strings.ToLower(spaced.String()))
}

// Reading is the behaviours that a data set's class may stand for: one, or several that the
// set does not distinguish, the likeliest first. In YAML it is a name or a list of names.
type Reading []string

// UnmarshalYAML accepts a name or a list of names.
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

// LoadLabels reads a labels file; "" means the built-in one. Every
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
		return Labels{}, fmt.Errorf("labels file %s: %w", name, PlainYAML(err, l))
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
			if err := reading.validate(); err != nil {
				return fmt.Errorf("labels file %s: %s: class %s %w", name, set, class, err)
			}
		}
	}
	for _, w := range l.Words {
		if err := w.Means.validate(); err != nil {
			return fmt.Errorf("labels file %s: words: %s %w", name, strings.Join(w.In, ", "), err)
		}
	}
	return nil
}

func (r Reading) validate() error {
	if len(r) == 0 {
		return errors.New("is mapped to nothing")
	}
	for _, b := range r {
		if !slices.Contains(Behaviours, b) {
			return fmt.Errorf("is mapped to %q, which is not a behaviour", b)
		}
	}
	return nil
}
