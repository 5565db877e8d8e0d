package evaluate

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strconv"

	"classlens/internal/dataset"
	"classlens/internal/safefile"
)

// WritePredictions writes one row a labelled box: image, x, y, w, h, label,
// predicted, p (the predicted class's probability), then one probability a class.
// Boxes are in the pixels of the picture, or as the set gives them; images are
// named below the set's pictures folder.
func WritePredictions(name string, s *dataset.Set, predictions []Prediction) (err error) {
	f, err := safefile.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	w := csv.NewWriter(f)
	if err := w.Write(append([]string{"image", "x", "y", "w", "h", "label", "predicted", "p"}, s.Classes...)); err != nil {
		return err
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	probability := func(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }
	for _, p := range predictions {
		x := s.Samples[p.Sample]
		if x.Label < 0 || p.P == nil {
			continue
		}
		row := []string{imageName(x), number(round(x.Box.X)), number(round(x.Box.Y)), number(round(x.Box.W)), number(round(x.Box.H)), s.Classes[x.Label], s.Classes[p.Class], probability(p.P[p.Class])}
		for _, v := range p.P {
			row = append(row, probability(v))
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return f.Commit()
}

// imageName is the file's name as the set's own labels call it.
func imageName(x dataset.Sample) string {
	if x.Image != "" {
		return x.Image
	}
	if rest, ok := cutFolder(x.Media, "images"); ok {
		return rest
	}
	return x.Media
}

func cutFolder(media, folder string) (string, bool) {
	if len(media) > len(folder)+1 && media[:len(folder)+1] == folder+"/" {
		return path.Clean(media[len(folder)+1:]), true
	}
	return media, false
}

// round keeps a hundred-thousandth of a pixel: the rest is arithmetic's.
func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 5, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// WriteReport writes eval.json, eval.txt and eval.html into a folder that exists.
func (j *Judgement) WriteReport(dir string) error {
	raw, err := json.MarshalIndent(j, "", " ")
	if err != nil {
		return fmt.Errorf("eval.json: %w", err)
	}
	page, err := j.page()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"eval.json", append(raw, '\n')}, {"eval.txt", []byte(j.Text())}, {"eval.html", page}} {
		if err := safefile.WriteFile(filepath.Join(dir, f.name), f.data); err != nil {
			return err
		}
	}
	return nil
}
