package dataset

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
)

// Folders of every form with faults in their texts: a character gone or doubled, a number, a list or a null where none belongs. What comes of it is an error, or
// samples that can be used: never a panic, a label without a class, a box that is no number or a picture outside the folder.
func TestDamagedFolders(t *testing.T) {
	pieces := []string{"null", "-1", "1e999", "NaN", "99999999999999999999", "{", "}", "[]", `"`, ",", "\n", "\x00", "\ufeff", "..", "/", "true", "0", ":", " "}
	forms := map[string]map[string]string{
		"coco": {"images/a.jpg": "a", "annotations.json": `{"images":[{"id":5,"file_name":"a.jpg","width":200,"height":100,"room":"A"}],"annotations":[{"id":1,"image_id":5,"category_id":3,"bbox":[10,20,30,40.5],
			"head_bbox":[12,20,8,9],"behaviour":"write","sequence":"q","student":2,"keypoints":[1,2,2]}],"categories":[{"id":1,"name":"read"},{"id":3,"name":"write"}]}`},
		"yolo":     {"images/1.jpg": "a", "labels/1.txt": "2 0.5 0.5 0.1 0.2\n0 .1 .1 .1 .1\n", "data.yaml": "nc: 3\nnames: [x, y, z]\n"},
		"daisee":   {"DataSet/Train/110001/1100011002/1100011002.avi": "", "Labels/AllLabels.csv": "ClipID,Boredom,Engagement,Confusion,Frustration \n1100011002.avi,0,2,0,0\n"},
		"table":    {"train_labels.csv": "chunk,label,subject\nsub1_v1.mp4,Highly-Engaged,sub1\n", "videos/sub1_v1.mp4": ""},
		"ava":      {"ava.csv": "vid,0902,0.1,0.2,0.3,0.6,12,7\nvid,0903,0.1,0.2,0.3,0.6,80,7\n"},
		"own":      {"dataset.json": `{"form":"own","classes":["a","b"],"samples":[{"media":"x.jpg","label":1,"box":{"X":1,"Y":2,"W":3,"H":4},"level":-1,"attention":-1}]}`, "x.jpg": "x"},
		"interval": {"lesson.mp4": "", "intervals.csv": "start_s,end_s,student,kind,label,p\n0,4,S01,behaviour,write,0.9\n4,6,S01,engagement,2,0.5\n", "timeline.csv": "time_s,student,x,y,w,h,visible\n0,S01,1,1,5,5,1\n3,S01,,,,,0\n"},
	}
	for form, files := range forms {
		texts := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool { return filepath.Ext(name) == ".jpg" || files[name] == "" })
		opened := 0
		for try := range 60 {
			r := rand.New(rand.NewPCG(uint64(len(form)), uint64(try)))
			faulty := maps.Clone(files)
			for range 1 + r.IntN(3) {
				name := texts[r.IntN(len(texts))]
				text := faulty[name]
				at := r.IntN(len(text) + 1)
				end := min(len(text), at+r.IntN(4))
				faulty[name] = text[:at] + pieces[r.IntN(len(pieces))] + text[end:]
			}
			dir := put(t, faulty)
			func() {
				defer func() {
					if p := recover(); p != nil {
						t.Errorf("%s, try %d, %q: panic: %v\n%s", form, try, faulty, p, debug.Stack())
					}
				}()
				s, err := Open(dir)
				if err != nil {
					return
				}
				opened++
				for _, x := range s.Samples {
					if err := usable(s, x); err != nil {
						t.Errorf("%s, try %d, %q: %v", form, try, faulty, err)
					}
				}
			}()
		}
		if opened == 0 {
			t.Errorf("%s: no folder was read", form)
		}
	}
}

func usable(s *Set, x Sample) error {
	switch {
	case x.Label >= len(s.Classes) || x.Label < -1 || x.Level < -1 || x.Level > 3 || x.Attention < -1 || x.Attention > 1:
		return fmt.Errorf("label %d of %d classes, level %d, attention %d", x.Label, len(s.Classes), x.Level, x.Attention)
	case !filepath.IsLocal(filepath.FromSlash(x.Media)):
		return fmt.Errorf("media %q", x.Media)
	}
	for _, v := range []float64{x.Box.X, x.Box.Y, x.Box.W, x.Box.H, x.Start, x.End} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("box %v, %v to %v s", x.Box, x.Start, x.End)
		}
	}
	return nil
}
