package dataset

import (
	"bufio"
	"fmt"
	"image"
	_ "image/jpeg" // forms of pictures
	_ "image/png"
	"maps"
	"math"
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

// yoloFolder is a folder of pictures and one of their labels.
type yoloFolder struct{ images, labels, part string }

// yoloFolders finds images/ and labels/, or one such pair a part: train/images and
// train/labels, valid/images and so on.
func yoloFolders(dir string) []yoloFolder {
	if exists(dir, "images") && exists(dir, "labels") {
		return []yoloFolder{{"images", "labels", ""}}
	}
	var all []yoloFolder
	for folder, part := range partFolders {
		if exists(dir, folder, "images") && exists(dir, folder, "labels") {
			all = append(all, yoloFolder{folder + "/images", folder + "/labels", part})
		}
	}
	slices.SortFunc(all, func(a, b yoloFolder) int { return strings.Compare(a.images, b.images) })
	return all
}

// readYOLO reads images/ and labels/ with one text file a picture: class, middle x,
// middle y, width, height, all but the class as shares of the picture.
func readYOLO(dir string) (*Set, error) {
	s := &Set{Boxes: HeadBox}
	var err error
	if s.Classes, err = yoloClasses(dir); err != nil {
		return nil, err
	}
	given := len(s.Classes) > 0
	for _, f := range yoloFolders(dir) {
		if err := s.addYOLO(dir, f); err != nil {
			return nil, err
		}
	}
	highest := -1
	for _, x := range s.Samples {
		highest = max(highest, x.Label)
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

func (s *Set) addYOLO(dir string, f yoloFolder) error {
	pictures, err := pathIndex(filepath.Join(dir, filepath.FromSlash(f.images)), pictureTypes...)
	if err != nil {
		return err
	}
	labels, err := pathIndex(filepath.Join(dir, filepath.FromSlash(f.labels)), ".txt")
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name == "classes" {
			continue
		}
		file, ok := pictures[name]
		if !ok {
			return fmt.Errorf("%s/%s has no picture", f.labels, labels[name])
		}
		samples, err := yoloPicture(dir, path.Join(f.images, file), filepath.Join(dir, filepath.FromSlash(f.labels), filepath.FromSlash(labels[name])))
		if err != nil {
			return err
		}
		part := f.part
		if first, _, below := strings.Cut(name, "/"); below && part == "" {
			part = partFolders[first]
		}
		for i := range samples {
			samples[i].Part = part
		}
		s.Samples = append(s.Samples, samples...)
	}
	return nil
}

// yoloClasses reads the class list where there is one.
func yoloClasses(dir string) ([]string, error) {
	for _, name := range []string{"classes.txt", "obj.names", "labels/classes.txt"} {
		if raw, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return classLines(string(raw)), nil
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
		class, box, err := yoloBox(line)
		if err != nil {
			return nil, fmt.Errorf("%s line %d: %w", filepath.Base(labels), n, err)
		}
		fw, fh := float64(size.Width), float64(size.Height)
		samples = append(samples, Sample{Media: media, Box: scene.Box{X: box.X * fw, Y: box.Y * fh, W: box.W * fw, H: box.H * fh}, Label: class, Level: -1, Attention: -1})
	}
	return samples, lines.Err()
}

// classLines are the lines of a class list; names may hold spaces. One line of
// several words is a list as well.
func classLines(raw string) []string {
	var names []string
	for line := range strings.Lines(raw) {
		if line = strings.TrimSpace(line); line != "" {
			names = append(names, line)
		}
	}
	if len(names) == 1 {
		return strings.Fields(names[0])
	}
	return names
}

// yoloBox reads a class and its box, as shares of the picture: middle and size, or
// the corners of an outline.
func yoloBox(line string) (class int, box scene.Box, err error) {
	words := strings.Fields(line)
	v := make([]float64, 0, len(words))
	for _, w := range words {
		x, err := strconv.ParseFloat(w, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, box, fmt.Errorf("%q is no class and box", line)
		}
		v = append(v, x)
	}
	if len(v) < 5 || v[0] < 0 || v[0] != math.Trunc(v[0]) {
		return 0, box, fmt.Errorf("%q is no class and box", line)
	}
	if class = int(v[0]); len(v) < 7 { // a sixth number is a confidence
		return class, scene.Box{X: v[1] - v[3]/2, Y: v[2] - v[4]/2, W: v[3], H: v[4]}, nil
	}
	x0, y0, x1, y1 := v[1], v[2], v[1], v[2]
	for i := 3; i+1 < len(v); i += 2 {
		x0, y0, x1, y1 = min(x0, v[i]), min(y0, v[i+1]), max(x1, v[i]), max(y1, v[i+1])
	}
	return class, scene.Box{X: x0, Y: y0, W: x1 - x0, H: y1 - y0}, nil
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
