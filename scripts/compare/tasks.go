package main

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"classlens/internal/dataset"
	"classlens/internal/evaluate"
)

// valShare is the part of the pictures to train on, the last in order of name, that
// validates instead.
const valShare = 0.15

func (c *compare) tasks() ([]task, error) {
	var tasks []task
	add := func(dir, name string, video bool, media func(s *dataset.Set) (map[string]string, error)) error {
		if dir == "" {
			return nil
		}
		s, err := c.open(dir)
		if err != nil {
			return err
		}
		groups, err := media(s)
		if err != nil {
			return err
		}
		p := &dataset.Split{Set: s.Name, By: "media", Groups: groups}
		t := task{name: name, set: s, video: video, upper: s.Root != dir, split: filepath.Join(c.out, name+".json")}
		if t.part, err = p.Parts(s); err != nil {
			return err
		}
		tasks = append(tasks, t)
		return p.Save(t.split)
	}
	room := func(x dataset.Sample) string { return x.Room }
	block := func(x dataset.Sample) string { return x.Recording }
	for _, t := range []struct {
		dir, name, test string
		of              func(dataset.Sample) string
	}{
		{c.clabehavior, "clabehavior A to B", "B", room}, {c.clabehavior, "clabehavior B to A", "A", room},
		{c.cctv, "cctv block 1 to 2", "block 2", block}, {c.cctv, "cctv block 2 to 1", "block 1", block},
	} {
		if err := add(t.dir, t.name, false, func(s *dataset.Set) (map[string]string, error) { return leaveOut(s, t.of, t.test), nil }); err != nil {
			return nil, err
		}
	}
	return tasks, add(c.rendered, "rendered rooms", true, renderedRooms)
}

// open reads a set; boxes of head and upper body become heads at their usual place, so
// that no detector is needed: the set is written anew beside links to its pictures.
func (c *compare) open(dir string) (*dataset.Set, error) {
	s, err := dataset.Open(dir)
	if err != nil || s.Boxes != dataset.UpperBox {
		return s, err
	}
	for i, x := range s.Samples {
		s.Samples[i].Box = dataset.HeadOf(x.Box, s.Boxes, nil)
	}
	s.Boxes = dataset.HeadBox
	heads := filepath.Join(c.out, "heads-"+filepath.Base(dir))
	if err := os.MkdirAll(heads, 0o755); err != nil {
		return nil, err
	}
	images, err := filepath.Abs(filepath.Join(dir, "images"))
	if err != nil {
		return nil, err
	}
	if err := os.Symlink(images, filepath.Join(heads, "images")); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	if err := s.Save(heads); err != nil {
		return nil, err
	}
	return dataset.Open(heads)
}

// leaveOut tests on one group's pictures and shares the others' out.
func leaveOut(s *dataset.Set, of func(dataset.Sample) string, test string) map[string]string {
	groups := map[string]string{}
	var rest []string
	for _, x := range s.Samples {
		switch {
		case groups[x.Media] != "":
		case of(x) == test:
			groups[x.Media] = "test"
		default:
			groups[x.Media] = "train"
			rest = append(rest, x.Media)
		}
	}
	slices.SortFunc(rest, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }) // 2.jpg before 10.jpg
	for _, m := range rest[len(rest)-int(valShare*float64(len(rest))):] {
		groups[m] = "val"
	}
	return groups
}

// renderedRooms leaves rooms out; of each take its middle step is trained and tested
// on, the others are what is seen round it.
func renderedRooms(s *dataset.Set) (map[string]string, error) {
	byRoom, err := dataset.MakeSplit(s, "room", valShare, 0.25, 1)
	if err != nil {
		return nil, err
	}
	parts, err := byRoom.Parts(s)
	if err != nil {
		return nil, err
	}
	groups := map[string]string{}
	for _, take := range evaluate.Takes(s) {
		middle := take[len(take)/2]
		groups[s.Samples[middle].Media] = parts[middle]
	}
	return groups, nil
}

// of lists the task's labelled samples of one part.
func (t task) of(part string) []int {
	var at []int
	for i, p := range t.part {
		if p == part && t.set.Samples[i].Label >= 0 {
			at = append(at, i)
		}
	}
	return at
}
