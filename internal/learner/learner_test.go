package learner

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"classlens/internal/learner/judge"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
)

func quick(t *testing.T, d *Data, s Settings, kind string, presentations ...string) *Weights {
	t.Helper()
	w, err := Train(context.Background(), d, s, TrainOptions{Presentations: presentations, Model: kind, Seed: 1, Quick: true})
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return w
}

// Every model learns from one presentation what holds for the next, and says the
// same when it comes back from its folder.
func TestTrainSavePredict(t *testing.T) {
	d := open(t, made(t, 900))
	s := d.SettingsFor("70", false, false)
	for _, kind := range models.Kinds {
		w := quick(t, d, s, kind, "2013B", "2013J")
		a, err := w.Predict(d, []string{"2014B"})
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		cases, at := casesOf(d, a, func(p Predicted) bool { return !p.Left })
		var y, p []float64
		for k, c := range cases {
			y, p = append(y, 0), append(p, a[at[k]].Prediction[models.Passed])
			if c.Passed() {
				y[k] = 1
			}
		}
		if auc := judge.AUC(y, p); kind != "majority" && auc < .75 {
			t.Errorf("%s: AUC %.3f on made-up students with plain causes", kind, auc)
		}
		dir := t.TempDir()
		if err := w.Save(dir); err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadWeights(dir)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		b, err := loaded.Predict(d, []string{"2014B"})
		if err != nil || len(a) != len(b) {
			t.Fatalf("%s: %v", kind, err)
		}
		for i := range a {
			if a[i].Prediction != b[i].Prediction {
				t.Fatalf("%s: student %s: %v, from the folder %v", kind, a[i].Row.Student, a[i].Prediction, b[i].Prediction)
			}
		}
	}
}

func TestSameSeedSameWeights(t *testing.T) {
	d := open(t, made(t, 300))
	s := d.SettingsFor("mid", false, false)
	for _, kind := range []string{"gbdt", "cnn", "attention"} {
		a, b := quick(t, d, s, kind, "2013B", "2013J"), quick(t, d, s, kind, "2013B", "2013J")
		x, _ := pack(a.Fitted)
		y, _ := pack(b.Fitted)
		if !bytes.Equal(x, y) {
			t.Errorf("%s: two trainings with one seed differ", kind)
		}
	}
}

func TestWhoHasLeftHasNoChance(t *testing.T) {
	d := open(t, made(t, 300))
	w := quick(t, d, d.SettingsFor("end", false, false), "lr", "2013B", "2013J")
	all, err := w.Predict(d, []string{"2014B"})
	if err != nil {
		t.Fatal(err)
	}
	left, registered := 0, 0
	courses, _ := d.Log.In("2014B")
	for _, c := range courses {
		for _, i := range d.Log.Courses[c].Enrolments {
			if d.Log.Enrolments[i].RegisteredBy(d.Log.Courses[c].Length) {
				registered++
			}
		}
	}
	for _, p := range all {
		e := d.Log.Enrolments[p.Row.Enrolment]
		if p.Left != e.LeftBy(p.Row.Day) {
			t.Errorf("student %s: left %v", e.Student, p.Left)
		}
		if p.Left {
			left++
			if p.Prediction[models.Passed] != 0 || p.Result() != logs.Withdrawn {
				t.Errorf("student %s has left: %v %v", e.Student, p.Prediction, p.Result())
			}
		}
	}
	if left == 0 || len(all) != registered {
		t.Errorf("%d left, %d of %d predicted", left, len(all), registered)
	}
	var b strings.Builder
	if err := WritePredictions(&b, all, false); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(b.String(), "\n"); lines[0] != "code_module,code_presentation,id_student,day,p_pass,result" || len(lines) != len(all)+2 {
		t.Errorf("%d lines, header %s", len(lines), lines[0])
	}
}

// With the stored rank tables a student alone gets about what he gets among his
// course: the tables are quantiles, so not to the bit.
func TestOneStudentAlone(t *testing.T) {
	dir := made(t, 600)
	d := open(t, dir)
	w := quick(t, d, d.SettingsFor("56", false, false), "lr", "2013B", "2014B")
	among, err := w.Predict(d, []string{"2014B"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range among[:8] {
		alone := t.TempDir()
		one := func(header, row []string) []string {
			for i, h := range header {
				if h == "id_student" && row[i] != p.Row.Student {
					return nil
				}
			}
			return row
		}
		for _, name := range []string{"courses.csv", "assessments.csv", "vle.csv", "studentInfo.csv", "studentRegistration.csv", "studentAssessment.csv", "studentVle.csv"} {
			rewrite(t, dir, alone, name, one)
		}
		got, err := w.Predict(open(t, alone), []string{"2014B"})
		if err != nil || len(got) != 1 {
			t.Fatalf("%d predictions, %v", len(got), err)
		}
		if a, b := got[0].Prediction[models.Passed], p.Prediction[models.Passed]; math.Abs(models.Logit(a)-models.Logit(b)) > .25 {
			t.Errorf("student %s: alone %.3f, among the course %.3f", p.Row.Student, a, b)
		}
	}
}

func TestDamagedAndForeignWeights(t *testing.T) {
	d := open(t, made(t, 300))
	dir := t.TempDir()
	w := quick(t, d, d.SettingsFor("56", false, false), "lr", "2013B", "2013J")
	if err := w.Save(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{modelFile, fittedFile, tablesFile} {
		file := filepath.Join(dir, name)
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(good)
		bad[len(bad)/2] ^= 1
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadWeights(dir); err == nil || !strings.Contains(err.Error(), name+": damaged") {
			t.Errorf("%s with one bit turned: %v", name, err)
		}
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadWeights(t.TempDir()); err == nil || !strings.Contains(err.Error(), manifestFile) {
		t.Errorf("an empty folder: %v", err)
	}
	w.Columns = append([]string{"weather"}, w.Columns[1:]...)
	if err := w.Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadWeights(dir); !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "weather") {
		t.Errorf("weights of other features: %v", err)
	}
}

// Weights that want what a log does not have are refused.
func TestDataWithoutClicks(t *testing.T) {
	dir := made(t, 300)
	d := open(t, dir)
	w := quick(t, d, d.SettingsFor("28", false, false), "lr", "2013B", "2013J")
	if err := os.Remove(filepath.Join(dir, "studentVle.csv")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Predict(open(t, dir), []string{"2014B"}); !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "studentVle.csv") {
		t.Errorf("%v", err)
	}
}

// Before anything is due, weights that know no clicks have little to go by, and say so.
func TestCautions(t *testing.T) {
	d := open(t, made(t, 60))
	first := math.MaxInt
	for _, a := range d.Log.Assessments {
		if !a.Exam() {
			first = min(first, a.Due)
		}
	}
	for _, c := range []struct {
		day    int
		clicks bool
		lines  int
	}{{first - 1, false, 1}, {first, false, 0}, {first - 1, true, 0}} {
		s := Settings{Form: OULAD, Day: Day(strconv.Itoa(c.day))}
		s.Features.Clicks = c.clicks
		got := d.Cautions([]string{"2014B"}, s)
		if courses, _ := d.Log.In("2014B"); len(got) != c.lines*len(courses) || len(got) > 0 && !strings.Contains(got[0], "nothing is due in") {
			t.Errorf("day %d: %q", c.day, got)
		}
	}
}

func TestCompactCopy(t *testing.T) {
	d := open(t, made(t, 120))
	name, err := d.SaveCompact(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if text := differ(t, d, open(t, filepath.Dir(name)), d.SettingsFor("mid", true, false), nil); text != "" {
		t.Error(text)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{data[:len(data)-9], append(bytes.Clone(data[:len(data)/2]), data[len(data)/2+1:]...), []byte("no gzip")} {
		if err := os.WriteFile(name, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(context.Background(), name, false); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a damaged copy of %d bytes: %v", len(damaged), err)
		}
	}
}

// The real log, where it is at hand, has the populations of its BASELINES.md: who
// always says "the commoner" is right as often as the table's first row says.
func TestPopulationsOfOULAD(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "oulad")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no OULAD here")
	}
	d := open(t, dir)
	for day, want := range map[Day]float64{"14": .504, "28": .516, "42": .528, "56": .541, Mid: .579, End: .647} {
		set, err := d.Assemble(d.SettingsFor(day, false, false), nil, []string{"2014B"}, false)
		if err != nil {
			t.Fatal(err)
		}
		passed := 0.
		for _, y := range set.Truth(models.Passed) {
			passed += float64(y)
		}
		share := passed / float64(len(set.Rows))
		if got := max(share, 1-share); math.Abs(got-want) > .0006 {
			t.Errorf("day %s: the commoner outcome has %.4f of %d active students, want %.3f", day, got, len(set.Rows), want)
		}
	}
}
