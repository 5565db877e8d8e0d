package evaluate

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/model/classroom"
)

// mapping turns the network's behaviours into a data set's classes.
type mapping struct {
	behaviour []int // of each class, -1: none
	sharing   []int // how many classes have that behaviour
}

// newMapping looks each class up: in the data set of the labels file that lists all
// of them, else among the behaviours themselves, else in any data set.
func newMapping(s *dataset.Set, labels config.Labels, warn func(string, ...any)) (*mapping, error) {
	m := &mapping{behaviour: make([]int, len(s.Classes)), sharing: make([]int, len(s.Classes))}
	table := wholeTable(s.Classes, labels)
	var unknown []string
	uses := map[int]int{}
	for i, c := range s.Classes {
		name := table[c]
		if name == "" && slices.Contains(classroom.Behaviours, plainName(c)) {
			name = plainName(c)
		}
		if name == "" {
			name = anyTable(c, labels)
		}
		m.behaviour[i] = slices.Index(classroom.Behaviours, name)
		if m.behaviour[i] < 0 {
			unknown = append(unknown, c)
			continue
		}
		uses[m.behaviour[i]]++
	}
	for i, b := range m.behaviour {
		m.sharing[i] = uses[b]
	}
	if len(s.Classes) > 0 && len(uses) == 0 {
		return nil, fmt.Errorf("none of the classes %s is in the labels file: add them under datasets and pass it with --labels", strings.Join(s.Classes, ", "))
	}
	if len(unknown) > 0 {
		warn("the labels file says nothing of %s: never predicted", strings.Join(unknown, ", "))
	}
	return m, nil
}

func wholeTable(classes []string, labels config.Labels) map[string]string {
	var names []string
	for name := range labels.Datasets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.ContainsFunc(classes, func(c string) bool { return labels.Datasets[name][c] == "" }) {
			return labels.Datasets[name]
		}
	}
	return nil
}

func anyTable(class string, labels config.Labels) string {
	var names []string
	for name := range labels.Datasets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if b := labels.Datasets[name][class]; b != "" {
			return b
		}
	}
	for _, name := range names {
		for c, b := range labels.Datasets[name] {
			if plainName(c) == plainName(class) {
				return b
			}
		}
	}
	return ""
}

// plainName is a class's name in one spelling: "Hand-Raising" as "hand_raising".
func plainName(class string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '.' || r == '/' {
			return '_'
		}
		return unicode.ToLower(r)
	}, strings.TrimSpace(class))
}

// classes gives each class the probability of its behaviour, shared where several
// classes have one, and scaled to sum 1: behaviours that the set does not know are
// ruled out. nil for a set without classes.
func (m *mapping) classes(p [10]float32) []float64 {
	if len(m.behaviour) == 0 {
		return nil
	}
	out, sum := make([]float64, len(m.behaviour)), 0.0
	for i, b := range m.behaviour {
		if b >= 0 {
			out[i] = float64(p[b]) / float64(m.sharing[i])
			sum += out[i]
		}
	}
	for i, b := range m.behaviour {
		if b >= 0 && sum > 0 {
			out[i] /= sum
		}
	}
	return out
}

// Behaviours gives the behaviour of each of the set's classes, as an index into
// classroom.Behaviours, or -1 where the labels file says nothing of it.
func Behaviours(s *dataset.Set, labels config.Labels) ([]int, error) {
	m, err := newMapping(s, labels, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	return m.behaviour, nil
}
