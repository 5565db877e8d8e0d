package dataset

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
)

// Leak is something that lies on both sides of a split.
type Leak struct {
	Kind  string   `json:"kind"` // subject, room, recording, medium, or near duplicate
	What  string   `json:"what"`
	Parts []string `json:"parts"`
}

// String is the leak in words.
func (l Leak) String() string {
	return fmt.Sprintf("%s %s: in %s", l.Kind, l.What, strings.Join(l.Parts, " and "))
}

// nearDuplicate is how many of 256 bits two pictures' fingerprints may differ in to
// count as one moment. On ClaBehavior, frames a second apart differ in up to about
// 12, pictures of different lessons in one room in 30 and more.
const nearDuplicate = 12

// Check lists what crosses the split: subjects, media and near-duplicate pictures
// always; rooms and recordings when the split is by room, or recording or room.
// parts gives each sample's part, as Split.Parts does; "" is left out.
func Check(s *Set, by string, parts []string) ([]Leak, error) {
	if len(parts) != len(s.Samples) {
		return nil, fmt.Errorf("%d parts for %d samples", len(parts), len(s.Samples))
	}
	kinds := []struct {
		name   string
		counts bool
		of     func(Sample) string
	}{
		{"subject", by != "time", func(x Sample) string { return x.Subject }},
		{"room", by == "room", func(x Sample) string { return x.Room }},
		{"recording", by == "room" || by == "recording", func(x Sample) string { return x.Recording }},
		{"medium", by != "time", func(x Sample) string { return x.Media }},
	}
	var leaks []Leak
	for _, k := range kinds {
		if k.counts {
			leaks = append(leaks, crossing(s, parts, k.name, k.of)...)
		}
	}
	near, err := nearDuplicates(s, parts)
	return append(leaks, near...), err
}

func crossing(s *Set, parts []string, kind string, of func(Sample) string) []Leak {
	seen := map[string][]string{}
	var names []string
	for i, x := range s.Samples {
		key := of(x)
		if key == "" || parts[i] == "" {
			continue
		}
		if seen[key] == nil {
			names = append(names, key)
		}
		if !slices.Contains(seen[key], parts[i]) {
			seen[key] = append(seen[key], parts[i])
		}
	}
	slices.Sort(names)
	var leaks []Leak
	for _, n := range names {
		if p := seen[n]; len(p) > 1 {
			slices.Sort(p)
			leaks = append(leaks, Leak{kind, n, p})
		}
	}
	return leaks
}

// nearDuplicates compares pictures of different parts with each other.
func nearDuplicates(s *Set, parts []string) ([]Leak, error) {
	partOf := map[string]string{}
	var media []string
	for i, x := range s.Samples {
		if parts[i] == "" || partOf[x.Media] != "" || !slices.Contains(pictureTypes, strings.ToLower(path.Ext(x.Media))) {
			continue
		}
		partOf[x.Media] = parts[i]
		media = append(media, x.Media)
	}
	prints, err := s.fingerprints(media)
	if err != nil {
		return nil, err
	}
	var leaks []Leak
	for i, a := range media {
		for k, b := range media[i+1:] {
			if d := prints[i].distance(prints[i+1+k]); partOf[a] != partOf[b] && d <= nearDuplicate {
				leaks = append(leaks, Leak{"near duplicate", fmt.Sprintf("%s ~ %s (%d of 256 bits differ)", a, b, d), []string{partOf[a], partOf[b]}})
			}
		}
	}
	return leaks, nil
}

// fingerprints reads pictures on all cores; each is read once a set.
func (s *Set) fingerprints(media []string) ([]fingerprint, error) {
	if s.prints == nil {
		s.prints = map[string]fingerprint{}
	}
	type result struct {
		media string
		print fingerprint
		err   error
	}
	missing := make(chan string, len(media))
	for _, m := range media {
		if _, known := s.prints[m]; !known {
			missing <- m
		}
	}
	count := len(missing)
	close(missing)
	results := make(chan result, count)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for m := range missing {
				im, err := decodePicture(s.Path(Sample{Media: m}))
				if err != nil {
					results <- result{m, fingerprint{}, err}
					continue
				}
				results <- result{m, fingerprintOf(im), nil}
			}
		}()
	}
	var errs []error
	for range count {
		r := <-results
		s.prints[r.media] = r.print
		errs = append(errs, r.err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out := make([]fingerprint, len(media))
	for i, m := range media {
		out[i] = s.prints[m]
	}
	return out, nil
}
