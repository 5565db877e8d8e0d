package learner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"classlens/internal/learner/logs"
)

// lessonTable is what analyze leaves of a lesson's students.
const lessonTable = "students.csv"

// Summary says what is in the data, a line a course.
func (d *Data) Summary() string {
	var b strings.Builder
	if d.Flat != nil {
		fmt.Fprintf(&b, "%s: %d students, %d columns, periods 1 to %d\n", d.Form, len(d.Flat.Rows), len(d.Flat.Columns), d.Flat.Periods)
		return b.String()
	}
	l := d.Log
	fmt.Fprintf(&b, "%s: %d courses, %d enrolments, %d assessments, clicks: %s\n", d.Form, len(l.Courses), len(l.Enrolments), len(l.Assessments), l.Clicks)
	var files []string
	lessons, seen := 0, 0
	for name := range l.Rows {
		if filepath.Base(name) == lessonTable {
			lessons, seen = lessons+1, seen+l.Rows[name]
			continue
		}
		files = append(files, name)
	}
	slices.Sort(files)
	for _, name := range files {
		fmt.Fprintf(&b, "  %-34s %9d rows\n", name, l.Rows[name])
	}
	if lessons > 0 {
		fmt.Fprintf(&b, "  %-34s %9d rows\n", fmt.Sprintf("%s of %d lessons", lessonTable, lessons), seen)
	}
	fmt.Fprintf(&b, "  %-12s %-12s %6s %9s %6s %6s %6s %6s %6s\n", "module", "presentation", "days", "students", "dist.", "pass", "fail", "left", "?")
	for _, c := range l.Courses {
		if len(c.Enrolments) == 0 {
			continue
		}
		count := map[logs.Result]int{}
		for _, i := range c.Enrolments {
			count[l.Enrolments[i].Result]++
		}
		fmt.Fprintf(&b, "  %-12s %-12s %6d %9d %6d %6d %6d %6d %6d\n", c.Module, c.Presentation, c.Length, len(c.Enrolments),
			count[logs.Distinction], count[logs.Pass], count[logs.Fail], count[logs.Withdrawn], count[logs.NoResult])
	}
	return b.String()
}

// SaveCompact writes the compact copy to a folder and gives its name.
func (d *Data) SaveCompact(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name := filepath.Join(dir, CompactName)
	return name, d.WriteCompact(name)
}
