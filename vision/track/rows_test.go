package track_test

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"

	"classlens/vision/scene"
	"classlens/vision/track/score"
)

// writeRows leaves predictions for score.py.
func writeRows(t *testing.T, path string, tracks []scene.Track) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := csv.NewWriter(f)
	num := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	rows := [][]string{{"time_s", "track_id", "x", "y", "w", "h"}}
	for _, r := range score.Rows(tracks) {
		rows = append(rows, []string{num(r.Time), r.ID, num(r.X), num(r.Y), num(r.W), num(r.H)})
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
}
