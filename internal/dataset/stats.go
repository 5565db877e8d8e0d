package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Stats counts what a set holds.
type Stats struct {
	Name       string         `json:"name"`
	Form       string         `json:"form"`
	Samples    int            `json:"samples"`
	Media      int            `json:"media"`
	Subjects   int            `json:"subjects"` // 0: the set does not say
	Rooms      int            `json:"rooms"`
	Recordings int            `json:"recordings"`
	Classes    map[string]int `json:"classes"`          // samples a class
	Levels     [4]int         `json:"engagement"`       // samples a level
	Sides      [3]float64     `json:"box_side_px"`      // 10 %, 50 %, 90 % of sqrt(w·h)
	ByRoom     []RoomCount    `json:"by_room,omitzero"` // rooms in order
}

// RoomCount is one room's share of the classes.
type RoomCount struct {
	Room    string `json:"room"`
	Classes []int  `json:"classes"` // in the set's order
}

// Count looks through the set.
func Count(s *Set) Stats {
	st := Stats{Name: s.Name, Form: s.Form, Samples: len(s.Samples), Classes: map[string]int{}}
	for _, c := range s.Classes {
		st.Classes[c] = 0
	}
	var names [4]map[string]bool
	for i := range names {
		names[i] = map[string]bool{}
	}
	var sides []float64
	rooms := map[string][]int{}
	for _, x := range s.Samples {
		for i, v := range []string{x.Media, x.Subject, x.Room, x.Recording} {
			if v != "" {
				names[i][v] = true
			}
		}
		if x.Label >= 0 {
			st.Classes[s.Classes[x.Label]]++
			if rooms[x.Room] == nil {
				rooms[x.Room] = make([]int, len(s.Classes))
			}
			rooms[x.Room][x.Label]++
		}
		if x.Level >= 0 {
			st.Levels[x.Level]++
		}
		if !x.Box.Empty() {
			sides = append(sides, side(x.Box.W, x.Box.H))
		}
	}
	st.Media, st.Subjects, st.Rooms, st.Recordings = len(names[0]), len(names[1]), len(names[2]), len(names[3])
	slices.Sort(sides)
	for i, q := range []float64{0.1, 0.5, 0.9} {
		if len(sides) > 0 {
			st.Sides[i] = sides[int(q*float64(len(sides)-1))]
		}
	}
	for r, c := range rooms {
		st.ByRoom = append(st.ByRoom, RoomCount{r, c})
	}
	slices.SortFunc(st.ByRoom, func(a, b RoomCount) int { return cmp.Compare(a.Room, b.Room) })
	return st
}

// Text is the counts as a table for people.
func (st Stats) Text(s *Set) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %d samples in %d media", st.Name, st.Form, st.Samples, st.Media)
	for _, c := range []struct {
		n    int
		what string
	}{{st.Subjects, "subjects"}, {st.Rooms, "rooms"}, {st.Recordings, "recordings"}} {
		if c.n > 0 {
			fmt.Fprintf(&b, ", %d %s", c.n, c.what)
		}
	}
	b.WriteString("\n")
	if st.Sides[1] > 0 && !s.Shares {
		fmt.Fprintf(&b, "box side, pixels: %.0f at 10 %%, %.0f at half, %.0f at 90 %%\n", st.Sides[0], st.Sides[1], st.Sides[2])
	}
	if len(s.Classes) > 0 {
		fmt.Fprintf(&b, "%-16s %7s", "class", "all")
		for _, r := range st.ByRoom {
			fmt.Fprintf(&b, " %7.7s", cmp.Or(r.Room, "-"))
		}
		b.WriteString("\n")
		for i, c := range s.Classes {
			fmt.Fprintf(&b, "%-16s %7d", c, st.Classes[c])
			for _, r := range st.ByRoom {
				fmt.Fprintf(&b, " %7d", r.Classes[i])
			}
			b.WriteString("\n")
		}
	}
	if st.Levels != [4]int{} {
		fmt.Fprintf(&b, "engagement 0 to 3: %d %d %d %d\n", st.Levels[0], st.Levels[1], st.Levels[2], st.Levels[3])
	}
	return b.String()
}
