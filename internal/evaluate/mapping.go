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
	readings [][]int // of each class, the likeliest first; none: unknown
	sharing  [10]int // how many classes may be each behaviour
}

// newMapping looks each class up: in the data set of the labels file that lists all
// of them, else in any data set, else among the behaviours themselves, else by the words
// of its name.
func newMapping(s *dataset.Set, labels config.Labels, warn func(string, ...any)) (*mapping, error) {
	m := &mapping{readings: make([][]int, len(s.Classes))}
	table := wholeTable(s.Classes, labels)
	var unknown, guessed []string
	for i, c := range s.Classes {
		reading := table[c]
		if reading == nil {
			reading = anyTable(c, labels)
		}
		if reading == nil && slices.Contains(classroom.Behaviours, plainName(c)) {
			reading = config.Reading{plainName(c)}
		}
		if reading == nil {
			if reading = labels.ByWords(c); reading != nil {
				guessed = append(guessed, fmt.Sprintf("%s as %s", c, strings.Join(reading, " or ")))
			}
		}
		for _, b := range reading {
			m.readings[i] = append(m.readings[i], slices.Index(classroom.Behaviours, b))
		}
		if reading == nil {
			unknown = append(unknown, c)
			continue
		}
		m.sharing[m.readings[i][0]]++
	}
	if len(s.Classes) > 0 && len(unknown) == len(s.Classes) {
		return nil, fmt.Errorf("none of the classes %s is in the labels file: add them under datasets and pass it with --labels", strings.Join(s.Classes, ", "))
	}
	m.settle()
	if len(guessed) > 0 {
		warn("read by the words of their names: %s (another reading: --labels)", strings.Join(guessed, "; "))
	}
	if len(unknown) > 0 {
		warn("the labels file says nothing of %s: never predicted", strings.Join(unknown, ", "))
	}
	return m, nil
}

// settle takes from a class the further behaviours that are another class's first: where
// a set has write, its down is not write.
func (m *mapping) settle() {
	first := m.sharing
	for i, r := range m.readings {
		if len(r) < 2 {
			continue
		}
		kept := []int{r[0]}
		for _, b := range r[1:] {
			if first[b] == 0 {
				kept = append(kept, b)
				m.sharing[b]++
			}
		}
		m.readings[i] = kept
	}
}

// can tells whether the set may hold a behaviour; one without classes may hold all.
func (m *mapping) can(behaviour int) bool {
	return len(m.readings) == 0 || slices.ContainsFunc(m.readings, func(r []int) bool { return slices.Contains(r, behaviour) })
}

// first is the likeliest behaviour of a class, -1: none.
func (m *mapping) first(class int) int {
	if len(m.readings[class]) == 0 {
		return -1
	}
	return m.readings[class][0]
}

func wholeTable(classes []string, labels config.Labels) map[string]config.Reading {
	var names []string
	for name := range labels.Datasets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.ContainsFunc(classes, func(c string) bool { return labels.Datasets[name][c] == nil }) {
			return labels.Datasets[name]
		}
	}
	return nil
}

func anyTable(class string, labels config.Labels) config.Reading {
	var names []string
	for name := range labels.Datasets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if b := labels.Datasets[name][class]; b != nil {
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
	return nil
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

// classes gives each class the probability of the behaviours that it may be, shared where
// several classes may be one, and scaled to sum 1: behaviours that the set does not know
// are ruled out. nil for a set without classes.
func (m *mapping) classes(p [10]float32) []float64 {
	if len(m.readings) == 0 {
		return nil
	}
	out, sum := make([]float64, len(m.readings)), 0.0
	for i, r := range m.readings {
		for _, b := range r {
			out[i] += float64(p[b]) / float64(m.sharing[b])
		}
		sum += out[i]
	}
	for i := range out {
		if sum > 0 {
			out[i] /= sum
		}
	}
	return out
}

// Behaviours gives the behaviours that each of the set's classes may be, as indices into
// classroom.Behaviours, the likeliest first; none where the labels file says nothing of it.
func Behaviours(s *dataset.Set, labels config.Labels) ([][]int, error) {
	m, err := newMapping(s, labels, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	return m.readings, nil
}
