package score

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"classlens/vision/scene"
)

// ReadTruth reads boxes.csv and, where there is one, ignore.csv of a truth
// folder.
func ReadTruth(dir string) ([]Head, []Rect, error) {
	var heads []Head
	err := readCSV(filepath.Join(dir, "boxes.csv"), func(get func(string) string, num func(string) float64) {
		heads = append(heads, Head{num("time_s"), get("student_id"), num("x"), num("y"), num("w"), num("h"), get("visibility")})
	})
	if err != nil {
		return nil, nil, err
	}
	var ignore []Rect
	err = readCSV(filepath.Join(dir, "ignore.csv"), func(_ func(string) string, num func(string) float64) {
		ignore = append(ignore, Rect{num("x"), num("y"), num("w"), num("h")})
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return heads, ignore, err
}

// ReadRows reads predictions: time_s, track_id, x, y, w, h.
func ReadRows(path string) ([]Row, error) {
	var rows []Row
	err := readCSV(path, func(get func(string) string, num func(string) float64) {
		rows = append(rows, Row{num("time_s"), get("track_id"), num("x"), num("y"), num("w"), num("h")})
	})
	return rows, err
}

// Rows are the visible sightings of tracks as predictions.
func Rows(tracks []scene.Track) []Row {
	var rows []Row
	for _, t := range tracks {
		for _, s := range t.Sightings {
			if s.Visible {
				rows = append(rows, Row{s.Time, t.ID, s.Head.X, s.Head.Y, s.Head.W, s.Head.H})
			}
		}
	}
	return rows
}

func readCSV(path string, row func(get func(string) string, num func(string) float64)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(all) == 0 {
		return fmt.Errorf("%s: no header", path)
	}
	column := map[string]int{}
	for i, name := range all[0] {
		column[name] = i
	}
	var bad error
	for n, rec := range all[1:] {
		get := func(name string) string {
			i, ok := column[name]
			if !ok {
				bad = fmt.Errorf("%s: no column %s", path, name)
				return ""
			}
			return rec[i]
		}
		row(get, func(name string) float64 {
			v, err := strconv.ParseFloat(get(name), 64)
			if err != nil && bad == nil {
				bad = fmt.Errorf("%s: row %d: %w", path, n+2, err)
			}
			return v
		})
	}
	return bad
}
