package dataset

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"classlens/vision/scene"
)

// cocoFile is what is read of a COCO file. "room", "recording", "subject" and
// "published_split" are ClaBehavior's and our own additions; plain COCO lacks them.
type cocoFile struct {
	Images []struct {
		ID        int    `json:"id"`
		File      string `json:"file_name"`
		Width     int    `json:"width"`
		Height    int    `json:"height"`
		Room      any    `json:"room"`
		Recording string `json:"recording"`
		Split     string `json:"published_split"`
	} `json:"images"`
	Annotations []struct {
		Image    int       `json:"image_id"`
		Category int       `json:"category_id"`
		Box      []float64 `json:"bbox"`
		Subject  string    `json:"student"`
		Crowd    int       `json:"iscrowd"`
	} `json:"annotations"`
	Categories []struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	} `json:"categories"`
}

// readCOCO reads boxes with classes: annotations.json beside images/. ClaBehavior
// is such a set whose boxes hold head and upper body.
func readCOCO(dir string) (*Set, error) {
	file := filepath.Join(dir, "annotations.json")
	if !exists(file) {
		file = filepath.Join(dir, "annotations", "instances.json")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var c cocoFile
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	s := &Set{Boxes: UpperBox}
	class := map[int]int{}
	for _, k := range c.Categories {
		class[k.ID] = s.classIndex(k.Name)
	}
	picture := map[int]int{}
	for i, im := range c.Images {
		picture[im.ID] = i
	}
	prefix := "images"
	if len(c.Images) > 0 && !exists(dir, prefix, filepath.FromSlash(c.Images[0].File)) && exists(dir, filepath.FromSlash(c.Images[0].File)) {
		prefix = ""
	}
	for i, a := range c.Annotations {
		k, known := picture[a.Image]
		label, named := class[a.Category]
		if !known || !named || len(a.Box) != 4 {
			return nil, fmt.Errorf("annotation %d: picture %d, category %d, %d box numbers: one of them is wrong", i, a.Image, a.Category, len(a.Box))
		}
		im := c.Images[k]
		if !filepath.IsLocal(filepath.FromSlash(im.File)) {
			return nil, fmt.Errorf("picture %q leads out of the folder", im.File)
		}
		if a.Crowd != 0 {
			continue
		}
		room := ""
		if im.Room != nil {
			room = fmt.Sprint(im.Room)
		}
		s.Samples = append(s.Samples, Sample{Media: filepath.ToSlash(filepath.Join(prefix, im.File)), Box: scene.Box{X: a.Box[0], Y: a.Box[1], W: a.Box[2], H: a.Box[3]},
			Label: label, Level: -1, Attention: -1, Subject: a.Subject, Room: room, Recording: im.Recording, Part: im.Split})
	}
	return s, nil
}
