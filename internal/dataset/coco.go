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

// number is a JSON number, or a string that holds one; anything else is 0, true 1.
type number float64

func (n *number) UnmarshalJSON(raw []byte) error {
	words := strings.Trim(string(raw), `" `)
	v, err := finite(words)
	if *n = number(v); err != nil {
		*n = 0
		if words == "true" {
			*n = 1
		}
	}
	return nil
}

// numbers is a JSON list of numbers, or of strings that hold them; anything else is
// none, so that one bad box keeps itself out and not the whole set.
type numbers []float64

func (n *numbers) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	*n = nil
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	out := make(numbers, len(list))
	for i, v := range list {
		x, err := finite(strings.Trim(string(v), `" `))
		if err != nil {
			return nil
		}
		out[i] = x
	}
	*n = out
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
	Width     number  `json:"width"`
	Height    number  `json:"height"`
	File      string  `json:"file_name"`
	Flow      string  `json:"flow_file"`
	Room      text    `json:"room"`
	Recording text    `json:"recording"`
	Sequence  *int    `json:"sequence"`
	Time      float64 `json:"time_s"`
	Split     string  `json:"published_split"`
}

type cocoAnnotation struct {
	ID       text    `json:"id"`
	Image    text    `json:"image_id"`
	Category text    `json:"category_id"`
	Box      numbers `json:"bbox"`
	Points   numbers `json:"keypoints"`
	Student  text    `json:"student"`
	Subject  text    `json:"subject"`
	Crowd    number  `json:"iscrowd"`
	// Rendered students have these and one category, student.
	Head       numbers `json:"head_bbox"`
	Hidden     float64 `json:"head_hidden"`
	Behaviour  string  `json:"behaviour"`
	Attention  string  `json:"attention"`
	Engagement *int    `json:"engagement"`
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
			for _, f := range below(dir, pattern) {
				files[f] = part
			}
		}
	}
	if len(files) == 0 {
		if name := otherCOCO(dir); name != "" {
			files[name] = ""
		}
	}
	return files
}

// otherCOCO is the one file of another name, in the folder or in annotations/, that holds
// COCO's lists; "" where there is none or where there are several.
func otherCOCO(dir string) string {
	only := ""
	for _, pattern := range []string{"*.json", "annotations/*.json"} {
		for _, f := range below(dir, pattern) {
			raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f)))
			if err != nil {
				continue // told by who reads it in earnest
			}
			var lists struct{ Images, Annotations, Categories []json.RawMessage }
			if json.Unmarshal(raw, &lists) != nil || len(lists.Images) == 0 || len(lists.Annotations) == 0 || len(lists.Categories) == 0 {
				continue
			}
			if only != "" {
				return ""
			}
			only = f
		}
	}
	return only
}

// partFolders are the usual names of a published set's parts.
var partFolders = map[string]string{"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}

// readCOCO reads boxes with classes: annotations.json beside images/. ClaBehavior
// is such a set whose boxes hold head and upper body.
func readCOCO(dir string) (*Set, error) {
	s := &Set{Boxes: UpperBox, Root: dir}
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
	pictures, err := s.cocoPictures(dir, path.Dir(name), c.Images)
	if err != nil {
		return err
	}
	for i, a := range c.Annotations {
		where := fmt.Sprintf("%s, annotation %d (id %s)", name, i+1, a.ID)
		im, label := pictures[a.Image], class[a.Category]
		if !s.usable(where, a, im, rendered, class) {
			continue
		}
		x := Sample{Media: im.media, Image: im.File, Label: label, Level: -1, Attention: -1, Subject: string(a.Student), Room: string(im.Room), Recording: string(im.Recording),
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
			s.rendered(&x, a, &im.cocoImage)
		} else {
			x.Box = boxOf(a.Box)
		}
		s.Samples = append(s.Samples, x)
	}
	return nil
}

// rendered fills in what the files of synthroom say besides.
func (s *Set) rendered(x *Sample, a cocoAnnotation, im *cocoImage) {
	s.Boxes, s.BoxesSaid = HeadBox, true
	x.Box, x.Label = boxOf(a.Head), s.classIndex(a.Behaviour)
	x.Attention = map[string]int{"on_task": 2, "off_task": 1}[a.Attention] - 1
	if a.Engagement != nil && *a.Engagement >= 0 && *a.Engagement <= 3 {
		x.Level = *a.Engagement
	}
	x.Flow = im.Flow
	if im.Sequence != nil {
		x.Recording = fmt.Sprintf("%s/%d", x.Room, *im.Sequence)
		x.Track = x.Recording + "/" + x.Subject
	}
}

func boxOf(v []float64) scene.Box { return scene.Box{X: v[0], Y: v[1], W: v[2], H: v[3]} }

// usable tells whether an annotation can be a sample, and notes why not.
func (s *Set) usable(where string, a cocoAnnotation, im *foundImage, rendered bool, class map[text]int) bool {
	_, named := class[a.Category]
	box := a.Box
	if rendered {
		box = a.Head
	}
	switch {
	case a.Crowd != 0:
		s.problem(crowd, where, "a crowd")
	case im == nil:
		s.problem(noPicture, where, "no picture has the id %q", string(a.Image))
	case !rendered && !named:
		s.problem(noClass, where, "no category has the id %q", string(a.Category))
	case len(box) != 4:
		s.problem(noArea, where, "%d box numbers, want 4", len(box))
	case !(box[2] > 0 && box[3] > 0): // written so that no number is caught as well
		s.problem(noArea, where, "a box of %g x %g pixels", box[2], box[3])
	case im.media == "":
		s.problem(noPicture, where, "the picture %q is not in the folder", im.File)
	case box[0]+box[2] <= 0 || box[1]+box[3] <= 0 || s.beyond(box, im):
		s.problem(outside, where, "a box at %g, %g in a picture of %g x %g pixels", box[0], box[1], float64(im.Width), float64(im.Height))
	case rendered && a.Hidden >= mostHidden:
		s.problem(hiddenHeads, where, "%.0f %% of the head are hidden", 100*a.Hidden)
	default:
		return true
	}
	return false
}

// beyond tells whether a box begins right of its picture or below it. Where the file
// says so, or says no size, the picture itself is asked, once.
func (s *Set) beyond(box []float64, im *foundImage) bool {
	inside := func() bool { return box[0] < float64(im.Width) && box[1] < float64(im.Height) }
	if !inside() && !im.measured {
		im.measured = true
		if w, h, err := pictureSize(s.Path(Sample{Media: im.media})); err == nil { // a broken one is told when it is opened
			im.Width, im.Height = number(w), number(h)
		}
	}
	return im.Width > 0 && im.Height > 0 && !inside()
}

// foundImage is a picture with the place where it lies; media is empty where it is
// missing.
type foundImage struct {
	cocoImage
	media, folder string
	measured      bool // its size is the picture's own
}

// cocoPictures finds the pictures: where their names lead to below images/, beside the
// annotations, or in the set's folder; else, as absolute names come from another
// machine, the one picture of that base name.
func (s *Set) cocoPictures(dir, beside string, images []cocoImage) (map[text]*foundImage, error) {
	folders := []string{"images", path.Join(beside, "images"), beside, ""}
	if base := path.Base(beside); base != "." {
		folders = append(folders, path.Join("images", base))
	}
	var byBase map[string]string
	found := map[text]*foundImage{}
	for _, im := range images {
		f := &foundImage{cocoImage: im}
		found[im.ID] = f
		if local := filepath.FromSlash(im.File); filepath.IsLocal(local) {
			for _, folder := range folders {
				if isFile(dir, filepath.FromSlash(folder), local) {
					f.media, f.folder = path.Join(folder, filepath.ToSlash(im.File)), folder
					break
				}
			}
		}
		f.Flow = findFlow(dir, f.folder, im.Flow)
		if f.media != "" {
			continue
		}
		if byBase == nil {
			var err error
			if byBase, err = baseNames(dir); err != nil {
				return nil, err
			}
		}
		f.media = byBase[path.Base(strings.ReplaceAll(im.File, "\\", "/"))]
		f.folder = path.Dir(f.media)
	}
	return found, nil
}

// findFlow is where a flow picture lies: as its name leads from the set's folder, from
// the pictures', or in flow/; "" where there is none.
func findFlow(dir, folder, name string) string {
	if name == "" || !filepath.IsLocal(filepath.FromSlash(name)) {
		return ""
	}
	for _, place := range []string{"", folder, "flow"} {
		if p := path.Join(place, name); isFile(dir, filepath.FromSlash(p)) {
			return p
		}
	}
	return ""
}

// baseNames finds the pictures below a folder by their base names; a name that two
// pictures have leads to none.
func baseNames(dir string) (map[string]string, error) {
	all, err := pathIndex(dir, pictureTypes...)
	if err != nil {
		return nil, err
	}
	byBase := map[string]string{}
	for _, rel := range all {
		base := path.Base(rel)
		if _, twice := byBase[base]; twice {
			byBase[base] = ""
			continue
		}
		byBase[base] = rel
	}
	return byBase, nil
}
