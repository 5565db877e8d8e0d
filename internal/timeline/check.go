package timeline

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// CheckTables reads the tables in a folder back and checks that the columns are those of
// docs/formats.md, rows are in order, intervals end after they start, and the Parquet
// file equals timeline.csv cell by cell.
func CheckTables(folder string) error {
	rows, err := readTable(filepath.Join(folder, "timeline.csv"), timelineColumns)
	if err != nil {
		return err
	}
	if err := inOrder(rows); err != nil {
		return fmt.Errorf("timeline.csv: %w", err)
	}
	if err := sameAsParquet(filepath.Join(folder, "timeline.parquet"), rows); err != nil {
		return err
	}
	intervals, err := readTable(filepath.Join(folder, "intervals.csv"), intervalColumns)
	if err != nil {
		return err
	}
	for i, r := range intervals {
		start, err1 := strconv.ParseFloat(r[0], 64)
		end, err2 := strconv.ParseFloat(r[1], 64)
		if cmp.Or(err1, err2) != nil || start >= end {
			return fmt.Errorf("intervals.csv: line %d goes from %s to %s", i+2, r[0], r[1])
		}
	}
	_, err = readTable(filepath.Join(folder, "students.csv"), studentColumns())
	return err
}

// readTable gives the rows of a CSV file after its header.
func readTable(name string, columns []string) ([][]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], columns) {
		return nil, fmt.Errorf("%s: its columns are not those of docs/formats.md", filepath.Base(name))
	}
	return rows[1:], nil
}

// inOrder checks that rows are ordered by time, then student.
func inOrder(rows [][]string) error {
	last, id := -1.0, ""
	for i, r := range rows {
		t, err := strconv.ParseFloat(r[0], 64)
		if err != nil {
			return fmt.Errorf("line %d: time %q", i+2, r[0])
		}
		if t < last || t == last && r[1] <= id {
			return fmt.Errorf("line %d is out of order", i+2)
		}
		last, id = t, r[1]
	}
	return nil
}

// sameAsParquet compares the Parquet file with the rows of timeline.csv.
func sameAsParquet(name string, rows [][]string) error {
	all, err := parquet.ReadFile[parquetRow](name)
	if err != nil {
		return fmt.Errorf("timeline.parquet: %w", err)
	}
	if len(all) != len(rows) {
		return fmt.Errorf("timeline.parquet: %d rows where timeline.csv has %d", len(all), len(rows))
	}
	for i, p := range all {
		if !slices.Equal(p.cells(), rows[i]) {
			return fmt.Errorf("timeline.parquet: row %d differs from timeline.csv", i+1)
		}
	}
	return nil
}

// cells writes a Parquet row as timeline.csv does.
func (p parquetRow) cells() []string {
	float := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', -1, 64)
	}
	text := func(v *string) string {
		if v == nil {
			return ""
		}
		return *v
	}
	engagement := ""
	if p.Engagement != nil {
		engagement = strconv.Itoa(int(*p.Engagement))
	}
	return []string{float(&p.Time), p.Student, float(p.X), float(p.Y), float(p.W), float(p.H), strconv.Itoa(int(p.Visible)), text(p.Behaviour), float(p.BehaviourP),
		text(p.Attention), float(p.AttentionP), engagement, float(p.EngagementP), float(p.Motion)}
}
