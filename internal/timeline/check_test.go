package timeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckTables(t *testing.T) {
	edit := func(name, old, new string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			b, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(b), old) {
				t.Fatalf("%s does not hold %q: %v", name, old, err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(*testing.T, string)
		want   string
	}{
		{"whole", nil, ""},
		{"another column", edit("timeline.csv", "attention_p", "attention"), "columns"},
		{"another cell", edit("timeline.csv", "0.8,on_task", "0.7,on_task"), "row 1 differs"},
		{"a row less", edit("timeline.csv", "1,S01,,,,,0,,,,,,,\n", ""), "3 rows where timeline.csv has 2"},
		{"out of order", edit("timeline.csv", "\n1,S01", "\n9,S01"), "out of order"},
		{"backwards", edit("intervals.csv", "0,1,S01", "1,1,S01"), "from 1 to 1"},
		{"no parquet", edit("timeline.parquet", "PAR1", "PAR9"), "timeline.parquet"},
		{"students", edit("students.csv", "seen_s", "seen"), "students.csv"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := build(t, input("S01", "f-?")).WriteTables(dir); err != nil {
				t.Fatal(err)
			}
			if c.damage != nil {
				c.damage(t, dir)
			}
			err := CheckTables(dir)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
