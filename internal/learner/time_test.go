package learner

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"classlens/internal/learner/features"
	"classlens/internal/learner/synthlog"
)

// made writes a made-up log and gives its folder.
func made(t *testing.T, students int) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := synthlog.Write(dir, synthlog.Options{Seed: 3, Students: students, Modules: 2, Weeks: 20, Rows: 60 * students}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *Data {
	t.Helper()
	d, err := Open(context.Background(), dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, n := d.Bad(); n > 0 {
		t.Fatalf("%d bad rows", n)
	}
	return d
}

// rewrite copies a table with each row changed by do; nil drops it.
func rewrite(t *testing.T, from, to, name string, do func(header, row []string) []string) {
	t.Helper()
	in, err := os.Open(filepath.Join(from, name))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r := csv.NewReader(in)
	header, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]string{header}
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if row = do(header, row); row != nil {
			rows = append(rows, row)
		}
	}
	out, err := os.Create(filepath.Join(to, name))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := csv.NewWriter(out).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
}

// cut copies a log without anything dated after the day, and deals the outcomes and
// the dates of leaving after it out anew.
func cut(t *testing.T, dir string, day int) string {
	t.Helper()
	out, r := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	later := func(text string) bool {
		v, err := strconv.Atoi(text)
		return err == nil && v > day
	}
	field := func(header, row []string, column string) *string {
		i := slices.Index(header, column)
		if i < 0 {
			t.Fatalf("no column %s in %v", column, header)
		}
		return &row[i]
	}
	same := func(header, row []string) []string { return row }
	for _, name := range []string{"courses.csv", "assessments.csv", "vle.csv"} {
		rewrite(t, dir, out, name, same)
	}
	rewrite(t, dir, out, "studentInfo.csv", func(header, row []string) []string {
		*field(header, row, "final_result") = []string{"Withdrawn", "Fail", "Pass", "Distinction"}[r.IntN(4)]
		return row
	})
	rewrite(t, dir, out, "studentRegistration.csv", func(header, row []string) []string {
		if v := field(header, row, "date_unregistration"); later(*v) || *v == "" {
			*v = []string{"", strconv.Itoa(day + 1 + r.IntN(30))}[r.IntN(2)]
		}
		if later(*field(header, row, "date_registration")) {
			*field(header, row, "date_registration") = strconv.Itoa(day + 1 + r.IntN(5))
		}
		return row
	})
	for name, column := range map[string]string{"studentAssessment.csv": "date_submitted", "studentVle.csv": "date"} {
		rewrite(t, dir, out, name, func(header, row []string) []string {
			if later(*field(header, row, column)) {
				return nil
			}
			return row
		})
	}
	return out
}

// differ says where the features of two logs differ by a bit. Extra columns are of
// the log that they are given.
func differ(t *testing.T, a, b *Data, s Settings, extra func(d *Data) []features.Extra) string {
	t.Helper()
	rows := func(d *Data) *Assembled {
		courses, err := d.Log.In(d.Presentations()...)
		if err != nil {
			t.Fatal(err)
		}
		builder := d.builder(s, nil)
		if extra != nil {
			builder.Extra = append(builder.Extra, extra(d)...)
		}
		return d.assemble(builder, courses, s, false)
	}
	x, y := rows(a), rows(b)
	if len(x.Rows) != len(y.Rows) || len(x.Left) != len(y.Left) || len(x.Rows) == 0 {
		return fmt.Sprintf("%d rows and %d who left, %d and %d with the future cut", len(x.Rows), len(x.Left), len(y.Rows), len(y.Left))
	}
	for i := range x.Rows {
		p, q := x.Rows[i], y.Rows[i]
		if p.Repeats != q.Repeats {
			return fmt.Sprintf("student %s repeats: %v, with the future cut %v", p.Student, p.Repeats, q.Repeats)
		}
		if p.Student != q.Student || len(p.Steps) != len(q.Steps) {
			return fmt.Sprintf("student %s has %d steps, %s has %d", p.Student, len(p.Steps), q.Student, len(q.Steps))
		}
		for k := range p.Steps {
			for c := range p.Steps[k] {
				if math.Float32bits(p.Steps[k][c]) != math.Float32bits(q.Steps[k][c]) {
					return fmt.Sprintf("student %s step %d: %s is %g, with the future cut %g", p.Student, k, x.Columns[c], p.Steps[k][c], q.Steps[k][c])
				}
			}
		}
	}
	return ""
}

func TestFeaturesDoNotSeeTheFuture(t *testing.T) {
	dir := made(t, 240)
	for _, day := range []int{1, 28, 56, 70} {
		a, b := open(t, dir), open(t, cut(t, dir, day))
		for _, static := range []bool{false, true} {
			if text := differ(t, a, b, a.SettingsFor(Day(strconv.Itoa(day)), static, false), nil); text != "" {
				t.Errorf("day %d: %s", day, text)
			}
		}
	}
}

// Each of these reads something that is not known on the day.
func TestPlantedLeaksAreFound(t *testing.T) {
	dir := made(t, 240)
	a, b := open(t, dir), open(t, cut(t, dir, 56))
	for name, leak := range map[string]func(d *Data, i, day int) float32{
		"outcome":         func(d *Data, i, _ int) float32 { return float32(d.Log.Enrolments[i].Result) },
		"clicks tomorrow": func(d *Data, i, day int) float32 { return clicksUntil(d, i, day+1) },
		"late submissions": func(d *Data, i, _ int) float32 {
			return float32(len(d.Log.Enrolments[i].Submissions))
		},
		"who will leave": func(d *Data, i, day int) float32 {
			if d.Log.Enrolments[i].Unregistered > day {
				return 1
			}
			return 0
		},
	} {
		extra := func(d *Data) []features.Extra {
			return []features.Extra{{Names: []string{"leak"}, Of: func(i, day int) []float32 { return []float32{leak(d, i, day)} }}}
		}
		if text := differ(t, a, b, a.SettingsFor("56", false, false), extra); !strings.Contains(text, "leak is") {
			t.Errorf("%s: not found: %q", name, text)
		}
	}
}

func clicksUntil(d *Data, i, day int) float32 {
	sum := 0
	for _, a := range d.Log.Enrolments[i].Activities {
		if int(a.Day) <= day {
			sum += int(a.Clicks)
		}
	}
	return float32(sum)
}

// A click file of week N must not be seen before its last day, and nothing but the
// clicks themselves may tell who has a row.
func TestCumulativeClicksDoNotSeeTheFuture(t *testing.T) {
	dir := cumulative(t, made(t, 240))
	full := open(t, dir)
	s := full.SettingsFor("28", false, true)
	if !s.OneCourse || !s.Features.Clicks || s.Features.Daily {
		t.Fatalf("%+v", s)
	}
	if err := os.Remove(filepath.Join(dir, "clicks_cumulative_week_6.csv")); err != nil {
		t.Fatal(err)
	}
	if text := differ(t, full, open(t, dir), s, nil); text != "" {
		t.Error(text)
	}
	set, err := full.Assemble(s, nil, full.Presentations(), false)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(set.Columns, oneCourse)
	for _, r := range set.Rows {
		if r.Last()[at] != 1 {
			t.Fatalf("to predict, everyone counts as having a row: student %s", r.Student)
		}
	}
	learn, err := full.Assemble(s, nil, full.Presentations(), true)
	if err != nil {
		t.Fatal(err)
	}
	clicks, count := slices.Index(learn.Columns, "clicks_total"), map[[2]bool]int{}
	for _, r := range learn.Rows {
		count[[2]bool{r.Last()[at] == 1, r.Last()[clicks] == r.Last()[clicks]}]++
	}
	if count[[2]bool{true, true}] == 0 || count[[2]bool{true, false}] == 0 || count[[2]bool{false, false}] == 0 || count[[2]bool{false, true}] != 0 {
		t.Errorf("rows to learn from by has a row, clicks known: %v", count)
	}
}

// cumulative adds click files for students whose number is not divisible by three.
func cumulative(t *testing.T, dir string) string {
	t.Helper()
	d := open(t, dir)
	if err := os.Remove(filepath.Join(dir, "studentVle.csv")); err != nil {
		t.Fatal(err)
	}
	for _, week := range []int{2, 4, 6} {
		var b strings.Builder
		b.WriteString("id_student,total_clicks,avg_daily_clicks,std_clicks,active_days,interactions\n")
		for i, e := range d.Log.Enrolments {
			if i%3 > 0 {
				n := clicksUntil(d, i, 7*week)
				fmt.Fprintf(&b, "%s,%g,2,1,%g,%g\n", e.Student, n, n/4, n/2)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("clicks_cumulative_week_%d.csv", week)), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
