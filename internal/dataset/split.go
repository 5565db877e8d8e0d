package dataset

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"slices"
	"strings"

	"classlens/internal/safefile"
)

// Split says which part each group of a set belongs to. It is kept in a file, so
// that everyone trains and tests on the same parts.
type Split struct {
	Set    string            `json:"set"`
	By     string            `json:"by"` // subject, room, recording, media or time
	Seed   uint64            `json:"seed"`
	Groups map[string]string `json:"groups,omitempty"` // group -> train, val or test
	Times  []Cut             `json:"times,omitempty"`  // by time: where a recording's parts end
}

// Cut is where a recording goes over from one part to the next.
type Cut struct {
	Recording string  `json:"recording"`
	ValFrom   float64 `json:"val_from_s"`
	TestFrom  float64 `json:"test_from_s"`
}

// MakeSplit shares the groups out so that val and test get about the given shares
// of the samples. By time, each recording's end is tested and what lies before
// that validated. The same seed gives the same split.
func MakeSplit(s *Set, by string, val, test float64, seed uint64) (*Split, error) {
	if !(val >= 0 && test >= 0 && val+test < 1) {
		return nil, fmt.Errorf("shares of %g for validation and %g for testing leave nothing to train on", val, test)
	}
	p := &Split{Set: s.Name, By: by, Seed: seed}
	if by == "time" {
		return p, p.byTime(s, val, test)
	}
	groups, err := s.Groups(by)
	if err != nil {
		return nil, err
	}
	sizes := map[string]int{}
	for _, g := range groups {
		sizes[g]++
	}
	names := make([]string, 0, len(sizes))
	for g := range sizes {
		names = append(names, g)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(mix(a, seed), mix(b, seed)), cmp.Compare(a, b)) })
	parts := 1
	if val > 0 {
		parts++
	}
	if test > 0 {
		parts++
	}
	if len(names) < parts {
		return nil, fmt.Errorf("%d %s cannot make %d parts: name another --by, or leave a part out with --val 0 or --test 0", len(names), counted(by, len(names)), parts)
	}
	p.Groups = shareOut(names, sizes, len(groups), val, test)
	return p, nil
}

// counted is a kind of group in the number that fits.
func counted(by string, n int) string {
	if n == 1 || by == "media" {
		return by
	}
	return by + "s"
}

// shareOut fills test, then val, then train, and leaves none of them empty.
func shareOut(names []string, sizes map[string]int, total int, val, test float64) map[string]string {
	groups := map[string]string{}
	wants := []struct {
		part string
		goal float64
	}{{"test", test * float64(total)}, {"val", val * float64(total)}}
	left := names
	for i, w := range wants {
		have := 0.0
		keep := 1 // groups that later parts need
		if i == 0 && val > 0 {
			keep = 2
		}
		for w.goal > 0 && len(left) > keep && (have == 0 || have+float64(sizes[left[0]])/2 < w.goal) {
			groups[left[0]] = w.part
			have += float64(sizes[left[0]])
			left = left[1:]
		}
	}
	for _, g := range left {
		groups[g] = "train"
	}
	return groups
}

// mix is a hash of the group and the seed: an order that does not change when
// groups are added.
func mix(group string, seed uint64) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d\x00%s", seed, group)
	return h.Sum64()
}

func (p *Split) byTime(s *Set, val, test float64) error {
	times := map[string][]float64{}
	for _, x := range s.Samples {
		times[x.Recording] = append(times[x.Recording], x.Start)
	}
	for _, name := range slices.Sorted(maps.Keys(times)) {
		t := times[name]
		slices.Sort(t)
		if t[0] == t[len(t)-1] {
			if name == "" {
				return fmt.Errorf("%s does not say of what recordings and times its samples are: it cannot be split by time", s.Name)
			}
			return fmt.Errorf("recording %q has one time only: it cannot be split by time", name)
		}
		at := func(share float64) float64 { return t[min(int(float64(len(t))*share), len(t)-1)] }
		p.Times = append(p.Times, Cut{Recording: name, ValFrom: at(1 - test - val), TestFrom: at(1 - test)})
	}
	return nil
}

// Parts gives each sample's part: train, val, test, or "" for groups that the
// split does not name.
func (p *Split) Parts(s *Set) ([]string, error) {
	parts := make([]string, len(s.Samples))
	if p.By == "time" {
		cuts := map[string]Cut{}
		for _, c := range p.Times {
			cuts[c.Recording] = c
		}
		for i, x := range s.Samples {
			c, ok := cuts[x.Recording]
			switch {
			case !ok:
			case x.Start >= c.TestFrom:
				parts[i] = "test"
			case x.Start >= c.ValFrom:
				parts[i] = "val"
			default:
				parts[i] = "train"
			}
		}
		return parts, nil
	}
	groups, err := s.Groups(p.By)
	if err != nil {
		return nil, err
	}
	for i, g := range groups {
		parts[i] = p.Groups[g]
	}
	return parts, nil
}

// Unmatched says, in a line, where a split and a set do not fit each other: samples that are in no part, as they came after the split was made, and groups that
// the set does not have. It is empty where they fit.
func (p *Split) Unmatched(s *Set, parts []string) (string, error) {
	by := p.By
	var groups []string
	if by == "time" { // by the recording itself, which may have no name
		by = "recording"
		for _, x := range s.Samples {
			groups = append(groups, x.Recording)
		}
	} else {
		var err error
		if groups, err = s.Groups(by); err != nil {
			return "", err
		}
	}
	here, left, without := map[string]bool{}, 0, ""
	for i, g := range groups {
		here[g] = true
		if parts[i] == "" {
			if left++; without == "" {
				without = g
			}
		}
	}
	named := slices.Sorted(maps.Keys(p.Groups))
	for _, c := range p.Times {
		named = append(named, c.Recording)
	}
	gone := slices.DeleteFunc(named, func(g string) bool { return here[g] })
	var said []string
	if left > 0 {
		said = append(said, fmt.Sprintf("%d of %d samples are in no part (%s %q is not named by it)", left, len(groups), by, without))
	}
	if len(gone) > 0 {
		said = append(said, fmt.Sprintf("of its groups %d are not in the set (%s %q)", len(gone), by, gone[0]))
	}
	if len(said) == 0 {
		return "", nil
	}
	return "the split does not fit the set: " + strings.Join(said, "; "), nil
}

// LoadSplit reads a split file.
func LoadSplit(file string) (*Split, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p := &Split{}
	if json.Unmarshal(raw, p) != nil || !slices.Contains([]string{"subject", "room", "recording", "media", "time"}, p.By) {
		return nil, fmt.Errorf("split %s: no file that classlens dataset split wrote", file)
	}
	for g, part := range p.Groups {
		if !slices.Contains([]string{"train", "val", "test"}, part) {
			return nil, fmt.Errorf("split %s: group %q is in %q; want train, val or test", file, g, part)
		}
	}
	return p, nil
}

// Save writes a split file.
func (p *Split) Save(file string) error {
	raw, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	return safefile.WriteFile(file, append(raw, '\n'))
}
