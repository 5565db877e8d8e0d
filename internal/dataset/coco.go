package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"classlens/vision/scene"
)

// text is a JSON string or number, as text: public files name rooms and students
// by either.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*t = text(s)
		return nil
	}
	if raw = bytes.TrimSpace(raw); bytes.Equal(raw, []byte("null")) {
		return nil
	}
	*t = text(raw)
	return nil
}

// cocoFile is what is read of a COCO file. All but files, boxes and categories are
// ClaBehavior's and our own additions; plain COCO lacks them.
type cocoFile struct {
	Images      []cocoImage      `json:"images"`
	Annotations []cocoAnnotation `json:"annotations"`
	Categories  []struct {
		ID   text   `json:"id"`
		Name string `json:"name"`
	} `json:"categories"`
}

type cocoImage struct {
	ID        text    `json:"id"`
	File      string  `json:"file_name"`
	Flow      string  `json:"flow_file"`
	Room      text    `json:"room"`
	Recording text    `json:"recording"`
	Sequence  *int    `json:"sequence"`
	Time      float64 `json:"time_s"`
	Split     string  `json:"published_split"`
}

type cocoAnnotation struct {
	Image    text      `json:"image_id"`
	Category text      `json:"category_id"`
	Box      []float64 `json:"bbox"`
	Points   []float64 `json:"keypoints"`
	Student  text      `json:"student"`
	Subject  text      `json:"subject"`
	Crowd    int       `json:"iscrowd"`
	// Rendered students have these and one category, student.
	Head       []float64 `json:"head_bbox"`
	Hidden     float64   `json:"head_hidden"`
	Behaviour  string    `json:"behaviour"`
	Attention  string    `json:"attention"`
	Engagement *int      `json:"engagement"`
}

// mostHidden is the share of a rendered head that may be covered: students
// hidden more are not seen at run time either.
const mostHidden = 0.7

// cocoFiles are the annotation files of a folder with the part that each stands
// for: one for all, or one a part as in exported sets.
func cocoFiles(dir string) map[string]string {
	for _, name := range []string{"annotations.json", "_annotations.coco.json", "annotations/instances.json", "annotations/annotations.json", "instances.json", "coco.json"} {
		if exists(dir, filepath.FromSlash(name)) {
			return map[string]string{name: ""}
		}
	}
	files := map[string]string{}
	for folder, part := range partFolders {
		for _, pattern := range []string{folder + "/_annotations.coco.json", folder + "/annotations.json", "annotations/instances_" + folder + "*.json"} {
			found, _ := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern))) // the pattern is fixed
			for _, f := range found {
				if rel, err := filepath.Rel(dir, f); err == nil {
					files[filepath.ToSlash(rel)] = part
				}
			}
		}
	}
	return files
}

// partFolders are the usual names of a published set's parts.
var partFolders = map[string]string{"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}

// readCOCO reads boxes with classes: annotations.json beside images/. ClaBehavior
// is such a set whose boxes hold head and upper body.
func readCOCO(dir string) (*Set, error) {
	s := &Set{Boxes: UpperBox}
	files := cocoFiles(dir)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := s.addCOCO(dir, name, files[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

func (s *Set) addCOCO(dir, name, part string) error {
	raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	var c cocoFile
	if err := json.Unmarshal(raw, &c); err != nil {
		return err
	}
	rendered := len(c.Annotations) > 0 && c.Annotations[0].Behaviour != "" && len(c.Annotations[0].Head) == 4
	class := map[text]int{}
	if !rendered {
		used := map[text]bool{}
		for _, a := range c.Annotations {
			used[a.Category] = true
		}
		for i, k := range c.Categories {
			if i == 0 && !used[k.ID] && len(c.Categories) > 1 && path.Base(name) == "_annotations.coco.json" {
				continue // such exports begin with a category that stands for the set itself
			}
			class[k.ID] = s.classIndex(k.Name)
		}
	}
	picture := map[text]*cocoImage{}
	folder := cocoFolder(dir, path.Dir(name), c.Images)
	for i := range c.Images {
		im := &c.Images[i]
		picture[im.ID] = im
		if !filepath.IsLocal(filepath.FromSlash(im.File)) || (im.Flow != "" && !filepath.IsLocal(filepath.FromSlash(im.Flow))) {
			return fmt.Errorf("picture %q leads out of the folder", im.File)
		}
	}
	for i, a := range c.Annotations {
		im := picture[a.Image]
		label, named := class[a.Category]
		if im == nil || (!named && !rendered) || len(a.Box) != 4 {
			return fmt.Errorf("annotation %d: picture %q, category %q, %d box numbers: one of them is wrong", i, a.Image, a.Category, len(a.Box))
		}
		if a.Crowd != 0 || (rendered && a.Hidden >= mostHidden) {
			continue
		}
		x := Sample{Media: path.Join(folder, im.File), Box: boxOf(a.Box), Label: label, Level: -1, Attention: -1, Subject: string(a.Student), Room: string(im.Room), Recording: string(im.Recording),
			Start: im.Time, End: im.Time, Part: part}
		if x.Subject == "" {
			x.Subject = string(a.Subject)
		}
		if im.Split != "" {
			x.Part = im.Split
		}
		if len(a.Points) == 51 {
			x.Points = (*[51]float64)(a.Points)
		}
		if rendered {
			s.rendered(&x, a, im, folder)
		}
		s.Samples = append(s.Samples, x)
	}
	return nil
}

// rendered fills in what the files of synthroom say besides.
func (s *Set) rendered(x *Sample, a cocoAnnotation, im *cocoImage, folder string) {
	s.Boxes = HeadBox
	x.Box, x.Label = boxOf(a.Head), s.classIndex(a.Behaviour)
	x.Attention = map[string]int{"on_task": 2, "off_task": 1}[a.Attention] - 1
	if a.Engagement != nil && *a.Engagement >= 0 && *a.Engagement <= 3 {
		x.Level = *a.Engagement
	}
	if im.Flow != "" {
		x.Flow = path.Join(folder, im.Flow)
	}
	if im.Sequence != nil {
		x.Recording = fmt.Sprintf("%s/%d", x.Room, *im.Sequence)
		x.Track = x.Recording + "/" + x.Subject
	}
}

func boxOf(v []float64) scene.Box { return scene.Box{X: v[0], Y: v[1], W: v[2], H: v[3]} }

// cocoFolder is where the pictures lie: below images/, beside the file, or as
// the file names them.
func cocoFolder(dir, beside string, images []cocoImage) string {
	if len(images) == 0 {
		return ""
	}
	parts := []string{"images", path.Join(beside, "images"), beside, ""}
	if base := strings.TrimSuffix(path.Base(beside), "/"); base != "." {
		parts = append(parts, path.Join("images", base))
	}
	for _, p := range parts {
		if exists(dir, filepath.FromSlash(p), filepath.FromSlash(images[0].File)) {
			return p
		}
	}
	return "images"
}
