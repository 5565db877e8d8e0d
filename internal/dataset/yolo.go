package dataset

import (
	"bufio"
	"fmt"
	"image"
	_ "image/jpeg" // forms of pictures
	_ "image/png"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"classlens/vision/scene"

	"gopkg.in/yaml.v3"
)

// cctvClasses are the CCTV set's; it comes without a class list.
var cctvClasses = []string{"down", "lookaround", "phone", "up"}

// cctvBreak is the CCTV set's last picture before its break of 49 minutes; pictures
// are 5 s apart otherwise.
const (
	cctvBreak      = 36
	cctvInterval   = 5.0
	cctvBreakWidth = 49 * 60.0
)

// readYOLO reads images/ and labels/ with one text file a picture: class, middle x,
// middle y, width, height, all but the class as shares of the picture.
func readYOLO(dir string) (*Set, error) {
	s := &Set{Boxes: HeadBox}
	var err error
	if s.Classes, err = yoloClasses(dir); err != nil {
		return nil, err
	}
	given := len(s.Classes) > 0
	pictures, err := mediaIndex(filepath.Join(dir, "images"), pictureTypes...)
	if err != nil {
		return nil, err
	}
	labels, err := mediaIndex(filepath.Join(dir, "labels"), ".txt")
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(labels))
	for name := range labels {
		if name != "classes" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	highest := -1
	for _, name := range names {
		file, ok := pictures[name]
		if !ok {
			return nil, fmt.Errorf("labels/%s has no picture", labels[name])
		}
		samples, err := yoloPicture(dir, path.Join("images", file), filepath.Join(dir, "labels", filepath.FromSlash(labels[name])))
		if err != nil {
			return nil, err
		}
		for _, x := range samples {
			highest = max(highest, x.Label)
		}
		s.Samples = append(s.Samples, samples...)
	}
	if given {
		if highest >= len(s.Classes) {
			return nil, fmt.Errorf("class %d is used, the list has %d", highest, len(s.Classes))
		}
		return s, nil
	}
	if highest < len(cctvClasses) { // a set without a list is read as the CCTV set: its classes and times
		s.Classes = cctvClasses
		cctvTimes(s)
		return s, nil
	}
	for i := range highest + 1 {
		s.Classes = append(s.Classes, strconv.Itoa(i))
	}
	return s, nil
}

// yoloClasses reads the class list where there is one.
func yoloClasses(dir string) ([]string, error) {
	for _, name := range []string{"classes.txt", "obj.names", "labels/classes.txt"} {
		if raw, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return strings.Fields(string(raw)), nil
		}
	}
	for _, name := range []string{"data.yaml", "data.yml", "dataset.yaml"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		var list struct{ Names []string }
		if yaml.Unmarshal(raw, &list) == nil && len(list.Names) > 0 {
			return list.Names, nil
		}
		var numbered struct{ Names map[int]string }
		if err := yaml.Unmarshal(raw, &numbered); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		classes := make([]string, len(numbered.Names))
		for i, n := range numbered.Names {
			if i < 0 || i >= len(classes) {
				return nil, fmt.Errorf("%s: class numbers have holes", name)
			}
			classes[i] = n
		}
		return classes, nil
	}
	return nil, nil
}

func yoloPicture(dir, media, labels string) ([]Sample, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(media)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, _, err := image.DecodeConfig(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", media, err)
	}
	text, err := os.Open(labels)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	var samples []Sample
	lines := bufio.NewScanner(text)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		var class int
		var x, y, w, h float64
		if _, err := fmt.Sscan(line, &class, &x, &y, &w, &h); err != nil || class < 0 {
			return nil, fmt.Errorf("%s line %d: %q is no class and box", filepath.Base(labels), n, line)
		}
		fw, fh := float64(size.Width), float64(size.Height)
		samples = append(samples, Sample{Media: media, Box: scene.Box{X: (x - w/2) * fw, Y: (y - h/2) * fh, W: w * fw, H: h * fh}, Label: class, Level: -1, Attention: -1})
	}
	return samples, lines.Err()
}

// cctvTimes gives the CCTV set its one room, its two blocks as recordings, and its
// times, where the files are numbered as there.
func cctvTimes(s *Set) {
	for i := range s.Samples {
		x := &s.Samples[i]
		n, err := strconv.Atoi(strings.TrimSuffix(path.Base(x.Media), path.Ext(x.Media)))
		if err != nil {
			continue
		}
		x.Room, x.Recording, x.Start = "cctv", "block 1", float64(n-1)*cctvInterval
		if n > cctvBreak {
			x.Recording, x.Start = "block 2", x.Start-cctvInterval+cctvBreakWidth
		}
		x.End = x.Start
	}
}
