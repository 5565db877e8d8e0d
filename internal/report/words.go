package report

import (
	"fmt"
	"math"
	"strings"

	"classlens/internal/timeline"
)

// reading is one line of the table from behaviour to attention or engagement.
type reading struct{ Name, Behaviours string }

type legend struct{ Class, Letter, Name string }

// letters tell behaviours apart without colour.
var letters = map[string]string{"look_forward": "", "read": "R", "write": "W", "raise_hand": "H", "turn": "T", "stand": "S", "discuss": "D", "phone": "P", "head_down": "Z", "other": "?"}

var names = map[string]string{"look_forward": "looks to the front", "read": "reads", "write": "writes", "raise_hand": "raises a hand", "turn": "turned away", "stand": "stands", "discuss": "talks with others", "phone": "uses a phone", "head_down": "head on the desk", "other": "something else"}

func readable(b string) string {
	if n, ok := names[b]; ok {
		return n
	}
	return b
}

func legends() []legend {
	var all []legend
	for _, b := range timeline.Behaviours {
		all = append(all, legend{"b-" + b, letters[b], readable(b)})
	}
	return all
}

// clock writes seconds as 1:02:03 or 2:03.
func clock(s float64) string {
	t := int(math.Max(s, 0) + .5)
	if t >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", t/3600, t/60%60, t%60)
	}
	return fmt.Sprintf("%d:%02d", t/60, t%60)
}

func percent(v any) string {
	switch x := v.(type) {
	case *float64:
		if x == nil {
			return "unknown"
		}
		return fmt.Sprintf("%.0f %%", 100**x)
	case float64:
		if math.IsNaN(x) {
			return "unknown"
		}
		return fmt.Sprintf("%.0f %%", 100*x)
	}
	return ""
}

// cell of a table is a share, or a dash where nothing is known.
func cell(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return percent(v)
}

// listed joins names as in a sentence: "S01, S02 and S03".
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// readings puts the table from behaviour to attention and engagement into words.
func readings(meanings map[string]timeline.Meaning) []reading {
	if len(meanings) == 0 {
		return nil
	}
	of := func(fits func(timeline.Meaning) bool) string {
		var all []string
		for _, b := range timeline.Behaviours {
			if m, ok := meanings[b]; ok && fits(m) {
				all = append(all, readable(b))
			}
		}
		return strings.Join(all, ", ")
	}
	var all []reading
	add := func(name string, fits func(timeline.Meaning) bool) {
		if text := of(fits); text != "" {
			all = append(all, reading{name, text})
		}
	}
	for _, a := range [][2]string{{timeline.OnTask, "on task"}, {timeline.OffTask, "off task"}, {timeline.Unknown, "tells nothing about it"}} {
		add(a[1], func(m timeline.Meaning) bool { return m.Attention == a[0] })
	}
	for level, name := range []string{"engagement 0, disengaged", "engagement 1, passive", "engagement 2, active", "engagement 3, interactive"} {
		add(name, func(m timeline.Meaning) bool { return m.Engagement == level })
	}
	return all
}
