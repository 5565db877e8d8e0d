package dataset

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// readDAiSEE reads DAiSEE's official layout: DataSet/{Train,Validation,Test}/SUBJECT/CLIP/CLIP.avi
// and Labels/*Labels.csv with ClipID, Boredom, Engagement, Confusion, Frustration,
// each 0..3. Engagement alone is kept: the others are emotions.
func readDAiSEE(dir string) (*Set, error) {
	s := &Set{Name: "DAiSEE", Boxes: NoBox}
	clips, err := mediaIndex(filepath.Join(dir, "DataSet"), videoTypes...)
	if err != nil {
		return nil, err
	}
	files := []string{"AllLabels.csv"}
	if !exists(dir, "Labels", files[0]) {
		files = []string{"TrainLabels.csv", "ValidationLabels.csv", "TestLabels.csv"}
	}
	for _, file := range files {
		if !exists(dir, "Labels", file) {
			continue
		}
		t, err := readTable(filepath.Join(dir, "Labels", file))
		if err != nil {
			return nil, err
		}
		id, level := t.column("clipid"), t.column("engagement")
		if id < 0 || level < 0 {
			return nil, fmt.Errorf("%s has no columns ClipID and Engagement", file)
		}
		for n, row := range t.rows {
			name := cell(row, id)
			clip, ok := clips[strings.TrimSuffix(name, path.Ext(name))]
			if !ok { // the published labels name a few clips that do not exist
				s.problem(noClip, fmt.Sprintf("Labels/%s line %d", file, n+2), "the clip %q does not lie below DataSet", name)
				continue
			}
			v, err := strconv.Atoi(cell(row, level))
			if err != nil || v < 0 || v > 3 {
				return nil, fmt.Errorf("%s line %d: engagement %q, want 0 to 3", file, n+2, cell(row, level))
			}
			s.Samples = append(s.Samples, daiseeSample(clip, v))
		}
	}
	return s, nil
}

// daiseeSample takes part, subject and recording from the path PART/SUBJECT/CLIP/CLIP.avi.
func daiseeSample(clip string, level int) Sample {
	x := Sample{Media: path.Join("DataSet", clip), Label: -1, Level: level, Attention: -1, Recording: strings.TrimSuffix(path.Base(clip), path.Ext(clip))}
	if p := strings.Split(clip, "/"); len(p) >= 3 {
		x.Subject = p[1]
		x.Part = map[string]string{"train": "train", "validation": "val", "test": "test"}[strings.ToLower(p[0])]
	}
	return x
}
