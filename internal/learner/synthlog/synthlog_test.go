package synthlog

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"classlens/internal/learner/logs"
)

// TestRead reads a made-up log with the project's reader: no bad row, and the
// causes are where they should be.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	students, err := Write(dir, Options{Seed: 1, Students: 600})
	if err != nil {
		t.Fatal(err)
	}
	l, err := logs.ReadOULAD(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if l.BadCount != 0 || len(l.Enrolments) != 600 || l.Clicks != logs.DailyClicks {
		t.Fatalf("%d bad rows %v, %d enrolments, clicks %s", l.BadCount, l.Bad, len(l.Enrolments), l.Clicks)
	}
	n, passed := map[Cause]int{}, map[Cause]int{}
	for i, s := range students {
		e := l.Enrolments[i]
		n[s.Cause]++
		if e.Result.Passed() {
			passed[s.Cause]++
		}
		if e.Result.String() != s.Result || len(e.Submissions) != len(s.Submissions) {
			t.Errorf("student %d: read %s with %d submissions, made %s with %d", s.ID, e.Result, len(e.Submissions), s.Result, len(s.Submissions))
		}
		for _, a := range e.Activities {
			if int(a.Day) >= s.Unregistered {
				t.Errorf("student %d left on day %d and clicks on day %d", s.ID, s.Unregistered, a.Day)
			}
		}
		checkCause(t, s, l, &e)
	}
	for _, c := range Causes {
		if share := float64(passed[c]) / float64(n[c]); n[c] < 30 || (c == None) != (share > .5) {
			t.Errorf("%s: %d students, %.2f of them pass", c, n[c], share)
		}
	}
}

func checkCause(t *testing.T, s Student, l *logs.Log, e *logs.Enrolment) {
	t.Helper()
	late, low, after, clicks := 0, 0, 0, 0
	for _, x := range e.Submissions {
		a := l.Assessments[x.Assessment]
		if a.Due < 7*s.From {
			continue
		}
		after++
		if x.Day > a.Due {
			late++
		}
		if x.Score < 40 {
			low++
		}
	}
	for _, a := range e.Activities {
		if int(a.Day) >= 7*s.From {
			clicks++
		}
	}
	if (s.Cause == Missing) != (after == 0) && s.Unregistered == Stayed {
		t.Errorf("%s: %d handed in after week %d", s.Cause, after, s.From)
	}
	if after > 0 && ((s.Cause == Late) != (late > 0) || (s.Cause == Low) != (low > 0)) {
		t.Errorf("%s: of %d handed in %d are late and %d low", s.Cause, after, late, low)
	}
	if s.Unregistered == Stayed && (s.Cause == Inactive) != (clicks < 50) {
		t.Errorf("%s: %d days and kinds with clicks after week %d", s.Cause, clicks, s.From)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	read := func(o Options) map[string][]byte {
		dir := t.TempDir()
		if _, err := Write(dir, o); err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		names, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(name)] = data
		}
		return files
	}
	a, b := read(Options{Seed: 3, Students: 50}), read(Options{Seed: 3, Students: 50})
	if len(a) != 8 {
		t.Fatalf("%d files", len(a))
	}
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs", name)
		}
	}
	if c := read(Options{Seed: 4, Students: 50}); bytes.Equal(a["studentVle.csv"], c["studentVle.csv"]) {
		t.Error("another seed made the same clicks")
	}
}

func TestRowsAreExact(t *testing.T) {
	for _, zip := range []bool{false, true} {
		dir := t.TempDir()
		if _, err := Write(dir, Options{Seed: 1, Students: 77, Rows: 12345, Healthy: true, Modules: 7, Gzip: zip}); err != nil {
			t.Fatal(err)
		}
		l, err := logs.ReadOULAD(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		name := "studentVle.csv"
		if zip {
			name += ".gz"
		}
		if l.Rows[name] != 12345 {
			t.Errorf("%d rows of %s: %v", l.Rows[name], name, l.Rows)
		}
	}
}

func TestErrors(t *testing.T) {
	if _, err := Write(t.TempDir(), Options{}); err == nil {
		t.Error("no students, no error")
	}
	if _, err := Write(filepath.Join(t.TempDir(), "none"), Options{Students: 1}); err == nil {
		t.Error("no folder, no error")
	}
}
