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

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
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
	if exists(dir, "obj_train_data") { // as CVAT writes it: pictures and labels beside each other
		return []yoloFolder{{"obj_train_data", "obj_train_data", ""}}
	}
	var all []yoloFolder
	for folder, part := range partFolders {
		if exists(dir, folder, "images") && exists(dir, folder, "labels") {
			all = append(all, yoloFolder{folder + "/images", folder + "/labels", part})
		}
	}
	slices.SortFunc(all, func(a, b yoloFolder) int { return strings.Compare(a.images, b.images) })
	if len(all) == 0 && labelsBeside(dir) {
		return []yoloFolder{{".", ".", ""}}
	}
	return all
}

// labelsBeside tells whether some picture of a folder has its labels beside it.
func labelsBeside(dir string) bool {
	found, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(found, func(f os.DirEntry) bool {
		ext := filepath.Ext(f.Name())
		return slices.Contains(pictureTypes, strings.ToLower(ext)) && isFile(dir, strings.TrimSuffix(f.Name(), ext)+".txt")
	})
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
	if given {
		return s, nil
	}
	highest := -1
	for _, x := range s.Samples {
		highest = max(highest, x.Label)
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

// notLabels are text files that lie among labels and hold none.
var notLabels = map[string]bool{"classes": true, "train": true, "val": true, "valid": true, "test": true, "notes": true, "readme": true, "README": true}

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
		if notLabels[name] {
			continue
		}
		file, ok := pictures[name]
		where := path.Join(f.labels, labels[name])
		if !ok {
			s.problem(noPicture, where, "no picture of that name in %s", f.images)
			continue
		}
		samples, err := s.yoloPicture(dir, path.Join(f.images, file), where)
		if err != nil {
			return err
		}
		part := f.part
		if first, _, below := strings.Cut(name, "/"); below && part == "" {
			part = partFolders[first]
		}
		for i := range samples {
			samples[i].Part, samples[i].Image = part, file
		}
		s.Samples = append(s.Samples, samples...)
	}
	return nil
}

// yoloClasses reads the class list where there is one.
func yoloClasses(dir string) ([]string, error) {
	names := []string{"classes.txt", "obj.names", "labels/classes.txt", "labels/obj.names", "images/classes.txt", "data/obj.names", "_darknet.labels", "classes.names"}
	for _, name := range names {
		if raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			return classLines(strings.TrimPrefix(string(raw), "\ufeff")), nil
		}
	}
	yamls := []string{"data.yaml", "data.yml", "dataset.yaml", "dataset.yml"}
	usual := len(yamls)
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		yamls = append(yamls, below(dir, pattern)...)
	}
	for i, name := range yamls {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		var named map[string]any
		err = yaml.Unmarshal(raw, &named)
		if err != nil && i < usual { // the set's own list, which nothing must stand in for
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err != nil || named["names"] == nil {
			continue // of something else
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

// yoloPicture reads one picture's labels; lines that cannot be used become problems.
func (s *Set) yoloPicture(dir, media, labels string) ([]Sample, error) {
	width, height, err := pictureSize(filepath.Join(dir, filepath.FromSlash(media)))
	if err != nil {
		s.problem(noPicture, labels, "%s: %v", media, err)
		return nil, nil
	}
	text, err := os.Open(filepath.Join(dir, filepath.FromSlash(labels)))
	if err != nil {
		return nil, err
	}
	defer text.Close()
	var samples []Sample
	lines := bufio.NewScanner(text)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" {
			continue
		}
		where := fmt.Sprintf("%s line %d", labels, n)
		class, box, err := yoloBox(line)
		switch {
		case err != nil:
			s.problem(unreadable, where, "%v", err)
			continue
		case len(s.Classes) > 0 && class >= len(s.Classes):
			s.problem(noClass, where, "class %d, the list has %d", class, len(s.Classes))
			continue
		case box.Empty():
			s.problem(noArea, where, "a box of %g x %g", box.W, box.H)
			continue
		case box.X >= 1 || box.Y >= 1 || box.X+box.W <= 0 || box.Y+box.H <= 0:
			s.problem(outside, where, "a box at %g, %g; shares of the picture lie between 0 and 1", box.X, box.Y)
			continue
		}
		samples = append(samples, Sample{Media: media, Box: scene.Box{X: box.X * width, Y: box.Y * height, W: box.W * width, H: box.H * height}, Label: class, Level: -1, Attention: -1})
	}
	return samples, lines.Err()
}

// pictureSize reads a picture's size from its head.
func pictureSize(file string) (width, height float64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	size, _, err := image.DecodeConfig(f)
	return float64(size.Width), float64(size.Height), err
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

// mostClasses a set can have; a larger number is a slip.
const mostClasses = 1 << 16

// yoloBox reads a class and its box, as shares of the picture: middle and size, or
// the corners of an outline.
func yoloBox(line string) (class int, box scene.Box, err error) {
	words := strings.Fields(line)
	v := make([]float64, 0, len(words))
	for _, w := range words {
		x, err := finite(w)
		if err != nil {
			return 0, box, fmt.Errorf("%q is no class and box", line)
		}
		v = append(v, x)
	}
	if len(v) < 5 || v[0] < 0 || v[0] > mostClasses || v[0] != math.Trunc(v[0]) {
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
