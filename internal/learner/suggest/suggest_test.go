package suggest

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"classlens/internal/learner/features"
	"classlens/internal/learner/generic"
	"classlens/internal/learner/indices"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
	"classlens/internal/learner/synthlog"
	"classlens/internal/learner/text"
)

// truthGroup is where the mark of a cause is to be found.
var truthGroup = map[synthlog.Cause]string{synthlog.Inactive: "activity", synthlog.Missing: "handing in", synthlog.Late: "timing", synthlog.Low: "scores"}

// made is a made-up log with features by week.
type made struct {
	truth   map[string]synthlog.Student
	columns []string
	sets    map[string]*models.Set // by presentation
	days    []int
}

func makeUp(t *testing.T, students, day int) made {
	t.Helper()
	dir := t.TempDir()
	list, err := synthlog.Write(dir, synthlog.Options{Seed: 7, Students: students, Modules: 1, Presentations: []string{"2013J", "2014B"}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := logs.ReadOULAD(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	m := made{truth: map[string]synthlog.Student{}, sets: map[string]*models.Set{}}
	o := features.Options{Clicks: true, Daily: true}
	m.columns = o.Names()
	for d := 7; d <= day; d += 7 {
		m.days = append(m.days, d)
	}
	b := features.NewBuilder(l, o, nil)
	for c, course := range l.Courses {
		set := &models.Set{Columns: m.columns}
		for _, i := range course.Enrolments {
			e := l.Enrolments[i]
			r := models.Row{Enrolment: i, Student: e.Student, Module: course.Module, Present: true}
			for _, d := range m.days {
				if row := b.At(c, d).Row(i); row != nil {
					r.Steps = append(r.Steps, row)
					r.Truth = append(r.Truth, models.TruthOf(e.Result, 0, 0))
				}
			}
			if len(r.Steps) == len(m.days) { // still there
				set.Rows = append(set.Rows, r)
			}
		}
		m.sets[course.Presentation] = set
	}
	for i, s := range list {
		m.truth[l.Enrolments[i].Student] = s
	}
	return m
}

func (m made) cases(t *testing.T, presentation string) []Case {
	t.Helper()
	all, err := Cases(m.sets[presentation], m.days)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestKnownCauses holds the first reason to act on to the cause that the log was
// made with, and its day to the week in which the cause began.
func TestKnownCauses(t *testing.T) {
	const day = 140
	m := makeUp(t, 1600, day)
	train := m.sets["2013J"]
	for name, model := range map[string]models.Model{"linear": models.FitLinear(train), "trees": models.FitTrees(train, models.TreeOptions{Count: 60, Leaves: 8, Least: 20, Lambda: 5, Columns: .4, Rows: .7, Rate: .1}, true, 1)} {
		t.Run(name, func(t *testing.T) {
			r, err := Make(m.cases(t, "2014B"), Asking(model, m.columns), Options{Course: "AAA 2014B", Day: day, Columns: m.columns, Most: 200, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			n, right, second, near, healthy := map[synthlog.Cause]int{}, map[synthlog.Cause]int{}, 0, 0, 0
			all := 0
			for _, s := range r.Listed {
				truth := m.truth[s.Student]
				if truth.Cause == synthlog.None {
					healthy++
					continue
				}
				n[truth.Cause]++
				all++
				if len(s.Reasons) > 0 && s.Reasons[0].Group == truthGroup[truth.Cause] {
					right[truth.Cause]++
				}
				for _, x := range s.Reasons[:min(2, len(s.Reasons))] {
					if x.Group == truthGroup[truth.Cause] {
						second++
						if math.Abs(float64(x.Since-7*truth.From)) <= 35 { // work is due every four weeks
							near++
						}
					}
				}
			}
			t.Logf("listed %d, of them healthy %d; cause first: %v of %v; among the first two %d of %d; day within five weeks %d", len(r.Listed), healthy, right, n, second, all, near)
			for c, of := range n {
				if of < 10 || float64(right[c]) < .6*float64(of) {
					t.Errorf("%s: first reason right for %d of %d", c, right[c], of)
				}
			}
			if 10*second < 9*all || 2*near < second || 5*healthy > len(r.Listed) {
				t.Errorf("among the first two %d of %d, near in time %d, healthy %d of %d", second, all, near, healthy, len(r.Listed))
			}
		})
	}
}

// plane is a logistic model on the last step: what it says of a group is known.
func plane(weights []float64) Predict {
	return func(cases []Case) ([]float64, error) {
		var out []float64
		for _, c := range cases {
			z := 1.
			for k, v := range c.Steps[len(c.Steps)-1] {
				z += weights[k] * float64(v)
			}
			out = append(out, 1/(1+math.Exp(-z)))
		}
		return out, nil
	}
}

// TestOrders: who falls now comes first by fall, who stands lowest by risk.
func TestOrders(t *testing.T) {
	columns := []string{"handed_share"}
	var cases []Case
	add := func(name string, v ...float32) {
		c := Case{Student: name, Days: []int{7, 14, 21, 28}}
		for _, x := range v {
			c.Steps = append(c.Steps, []float32{x})
		}
		cases = append(cases, c)
	}
	for i := range 9 {
		add(string(rune('a'+i)), 1, 1, 1, 1)
	}
	add("low", 0, 0, 0, 0)
	add("falling", 1, 1, .4, .1)
	for order, want := range map[string]string{"": "low", ByRisk: "low", ByFall: "falling"} {
		r, err := Make(cases, plane([]float64{6}), Options{Columns: columns, Below: .9, Order: order})
		if err != nil {
			t.Fatal(err)
		}
		if r.Listed[0].Student != want {
			t.Errorf("order %q begins with %s", order, r.Listed[0].Student)
		}
	}
	if _, err := Make(cases, plane([]float64{6}), Options{Columns: columns, Order: "name"}); !errors.Is(err, ErrInput) {
		t.Errorf("error %v", err)
	}
}

// Who was never seen was not last seen so many days ago: the column's number for that is a model's, no figure for people.
func TestNeverSeen(t *testing.T) {
	columns := []string{"clicks_days", "since_seen"}
	var cases []Case
	for i := range 9 {
		cases = append(cases, Case{Student: fmt.Sprint(i), Days: []int{7, 14}, Steps: [][]float32{{3, 1}, {6, 1}}})
	}
	cases = append(cases, Case{Student: "never", Days: []int{7, 14}, Steps: [][]float32{{0, 37}, {0, 44}}}, Case{Student: "gone", Days: []int{7, 14}, Steps: [][]float32{{2, 5}, {2, 12}}})
	r, err := Make(cases, plane([]float64{.5, -.5}), Options{Columns: columns, Below: .99})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, s := range r.Listed {
		told[s.Student] = fmt.Sprint(s.Reasons)
	}
	if len(told) < 2 || strings.Contains(told["never"], "last seen") || !strings.Contains(told["never"], "active days so far: 0") || !strings.Contains(told["gone"], "days since last seen: 12") {
		t.Errorf("told %q", told)
	}
}

// TestAdditive: on a linear model the effect of a group is its weights times what
// the student lacks, whatever the orders; by week it is what was lost that week.
func TestAdditive(t *testing.T) {
	columns := []string{"progress", "handed_share", "backlog_tma", "clicks_recent"}
	r := rand.New(rand.NewPCG(1, 1))
	var cases []Case
	row := func(handed, backlog, clicks float32) []float32 { return []float32{.5, handed, backlog, clicks} }
	for i := range 21 {
		v := float32(i%3) * .01
		cases = append(cases, Case{string(rune('a' + i)), "AAA", [][]float32{row(1, 0, 5+v), row(1, 0, 5+v), row(1, 0, 5+v)}, []int{7, 14, 21}, false})
		_ = r
	}
	cases = append(cases, Case{"weak", "AAA", [][]float32{row(1, 0, 5.01), row(.5, 0, 5.01), row(.5, 1, 3.01)}, []int{7, 14, 21}, false})
	report, err := Make(cases, plane([]float64{9, 2, -1.5, .25}), Options{Course: "c", Day: 21, Columns: columns, Below: 1, Most: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := report.Listed[0]
	if s.Student != "weak" || len(s.Reasons) != 2 {
		t.Fatalf("%+v", report.Listed)
	}
	for i, want := range []struct {
		group  string
		effect float64
		since  int
		weeks  [3]float64
	}{{"handing in", -2.5, 21, [3]float64{0, -1, -1.5}}, {"activity", -.5, 21, [3]float64{0, 0, -.5}}} {
		got := s.Reasons[i]
		if got.Group != want.group || math.Abs(got.Effect-want.effect) > .02 || got.Since != want.since {
			t.Errorf("%+v, want %+v", got, want)
		}
		for k := range want.weeks {
			if math.Abs(got.Weeks[k]-want.weeks[k]) > .02 {
				t.Errorf("%s weeks %v, want %v", want.group, got.Weeks, want.weeks)
			}
		}
	}
	if math.Abs(s.Fall+3) > .02 { // from step 1 on: 2*.5 + 1.5 + .5
		t.Errorf("the last two steps did %g", s.Fall)
	}
	if len(s.Advice) != 2 || len(s.Advice[0].Studies) == 0 {
		t.Errorf("advice %+v", s.Advice)
	}
}

func TestBadInput(t *testing.T) {
	good := []Case{{"a", "", [][]float32{{1}}, []int{7}, false}}
	nan := func(c []Case) ([]float64, error) { return []float64{math.NaN()}, nil }
	few := func(c []Case) ([]float64, error) { return nil, nil }
	for name, f := range map[string]func() error{
		"columns": func() error { _, err := Make(good, nan, Options{Columns: []string{"a", "b"}}); return err },
		"none":    func() error { _, err := Make(good, nan, Options{}); return err },
		"days": func() error {
			_, err := Make([]Case{{"a", "", [][]float32{{1}}, nil, false}}, nan, Options{Columns: []string{"a"}})
			return err
		},
		"nan": func() error { _, err := Make(good, nan, Options{Columns: []string{"a"}}); return err },
		"few": func() error { _, err := Make(good, few, Options{Columns: []string{"a"}}); return err },
	} {
		if err := f(); !errors.Is(err, ErrInput) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if r, err := Make(nil, nan, Options{Columns: []string{"a"}}); err != nil || r.Note == "" {
		t.Errorf("no students: %v, %v", r, err)
	}
}

// lessonFile is 120 s of ten students: off task between 40 and 70 s, apart from
// the teacher, who writes.
func lessonFile(t *testing.T, dir string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("time_s,student,visible,behaviour,attention\n")
	for s := range 120 {
		for k := range 10 {
			behaviour, attention := "look_forward", "on_task"
			if (s >= 40 && s < 70 && k < 7) || (s == 10 && k < 7) {
				behaviour, attention = "phone", "off_task"
			}
			b.WriteString(strings.Join([]string{itoa(s), "S0" + itoa(k), "1", behaviour, attention}, ",") + "\n")
		}
		b.WriteString(itoa(s) + ",T01,1,write,off_task\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "timeline.csv"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string {
	if n >= 10 {
		return itoa(n/10) + itoa(n%10)
	}
	return string(rune('0' + n))
}

func TestLesson(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lesson<1>")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	lessonFile(t, dir)
	r := &Report{}
	if err := r.AddLesson(dir); err != nil {
		t.Fatal(err)
	}
	if len(r.Video) != 1 {
		t.Fatalf("%d stretches: %+v", len(r.Video), r.Video)
	}
	s := r.Video[0]
	if math.Abs(s.Start-40) > 5 || math.Abs(s.End-70) > 5 || s.OffTask < .6 || s.Teacher != "write" || s.Did[0].Behaviour != "phone" || len(s.Seats) != 7 || len(r.Lesson) == 0 {
		t.Errorf("%+v", s)
	}
	names, err := r.WriteFiles(filepath.Join(dir, "out"))
	if err != nil || len(names) != 3 {
		t.Fatalf("%v, %v", names, err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "out", "suggest.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Not for grading", "lesson&lt;1&gt;", "Szpunar", "0:4"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(string(page), "<1>") || !strings.Contains(r.Table(), "usually") {
		t.Error("a folder's name went into the page as it is, or the table lacks the stretch")
	}
}

func TestLessonErrors(t *testing.T) {
	for name, text := range map[string]string{"column": "time_s,student,visible,behaviour\n", "number": "time_s,student,visible,behaviour,attention\nx,S,1,read,on_task\n",
		"back": "time_s,student,visible,behaviour,attention\n2,S,1,read,on_task\n1,S,1,read,on_task\n", "empty": "", "fields": "time_s,student,visible,behaviour,attention\n1,S\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "timeline.csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Lesson(dir); err == nil || !strings.Contains(err.Error(), "timeline.csv") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := Lesson(t.TempDir()); err == nil {
		t.Error("no file, no error")
	}
}

// TestStudiesExist: every advice cites studies of the list, and each is described
// in docs/suggestions.md under the anchor that the advice gives.
func TestStudiesExist(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/suggestions.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if len(r.studies) == 0 || !strings.Contains(string(doc), "\n## "+strings.ToUpper(r.doc[:1])+strings.ReplaceAll(r.doc[1:], "-", " ")+"\n") {
			t.Errorf("%s: no studies, or no section %q in docs/suggestions.md", r.group, r.doc)
		}
		for _, s := range r.studies {
			if !slices.ContainsFunc(Studies, func(x Study) bool { return x.Key == s }) {
				t.Errorf("%s cites %q, which is not in the list", r.group, s)
			}
		}
		if _, act := textOf(r.group); !act {
			t.Errorf("advice for %q, which cannot be acted on", r.group)
		}
	}
	for _, s := range Studies {
		if !strings.Contains(string(doc), s.Title) {
			t.Errorf("docs/suggestions.md lacks %q", s.Title)
		}
	}
}

// A lesson in which nothing stands out is told, in the page and in the terminal, and what was looked for.
func TestQuietLesson(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "quiet")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	lessonFile(t, dir)
	name := filepath.Join(dir, "timeline.csv")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(b), "off_task", "on_task")), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Report{}
	if err := r.AddLesson(dir); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if _, err := r.WriteFiles(out); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(out, "suggest.html"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "quiet: in no stretch of 20 seconds or more"
	if !strings.Contains(string(page), want) || strings.Contains(string(page), "<h2>Studies") || !strings.Contains(r.Table(), want) {
		t.Errorf("the page or the table does not say that nothing was found: %s", r.Table())
	}
}

// TestFiguresTold: every column that can be a reason is told in words, in a group of its own.
func TestFiguresTold(t *testing.T) {
	columns := append(features.Options{Clicks: true, Daily: true}.Names(), text.Columns...)
	columns = append(append(columns, generic.LessonColumns...), indices.ViewingColumns...)
	for _, c := range columns {
		if groupOf(c) == "course" {
			continue
		}
		if x, ok := figureTexts[c]; !ok || x.text == "" {
			t.Errorf("column %s has no words", c)
		}
		if groupOf(c) == "other" {
			t.Errorf("column %s has no group", c)
		}
	}
}

// TestWorseFigures: a reason shows what lies on the worse side, in plain numbers; what is better than the
// peers' is no reason.
func TestWorseFigures(t *testing.T) {
	columns := []string{"clicks_recent", "days_recent", "since_seen", "clicks_change", "score_spread", "points_so_far", "score_mean"}
	var cases []Case
	for i := range 21 {
		v := float32(i%3) * .01
		cases = append(cases, Case{string(rune('a' + i)), "AAA", [][]float32{{float32(math.Log1p(1200)) + v, 5, 1, 0, 4, 20 + v, 70}}, []int{7}, false})
	}
	cases = append(cases, Case{"weak", "AAA", [][]float32{{float32(math.Log1p(3)), 7, 1, float32(math.Log(.25)), 9, 20, 70}}, []int{7}, false})
	r, err := Make(cases, plane([]float64{.5, 0, 0, .1, -.1, 0, 0}), Options{Course: "c", Day: 7, Columns: columns, Below: 1, Most: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := r.Listed[0]
	if len(s.Reasons) != 2 || s.Reasons[0].Group != "activity" || s.Reasons[1].Group != "scores" {
		t.Fatalf("%+v", s.Reasons)
	}
	want := "clicks of the last two weeks as a multiple of the two before: 0.25 (peers 1), clicks of the last two weeks: 3 (peers 1218)"
	if got := s.Reasons[0].told(); got != want {
		t.Errorf("figures %q, want %q: seven active days are better than the peers' five", got, want)
	}
	// a spread of scores is no worse for being wide: it is shown, and nothing is suggested
	if got := s.Reasons[1].told(); got != "spread of the scores: 9 (peers 4)" {
		t.Errorf("figures %q", got)
	}
	if len(s.Advice) != 1 || s.Advice[0].For != "activity" || !strings.Contains(s.Advice[0].Because, "0.25, peers 1") {
		t.Errorf("advice %+v", s.Advice)
	}
}

// A kind of figures that lowers the chance though none can be shown says why, and nothing untrue.
func TestReasonWithoutFigures(t *testing.T) {
	nan := float32(math.NaN())
	var cases []Case
	for i := range 9 {
		cases = append(cases, Case{string(rune('a' + i)), "AAA", [][]float32{{1, float32(i)}}, []int{7}, false})
	}
	cases = append(cases, Case{"weak", "AAA", [][]float32{{0, nan}}, []int{7}, false})
	// The model minds that it is not known when work came in.
	predict := func(all []Case) ([]float64, error) {
		var out []float64
		for _, c := range all {
			row := c.Steps[len(c.Steps)-1]
			z := 3*float64(row[0]) - 2
			if row[1] != row[1] {
				z--
			}
			out = append(out, 1/(1+math.Exp(-z)))
		}
		return out, nil
	}
	r, err := Make(cases, predict, Options{Course: "c", Day: 7, Columns: []string{"handed_share", "early_mean"}, Most: 1, Below: .5, Seed: 1})
	if err != nil || len(r.Listed) != 1 || len(r.Listed[0].Reasons) != 2 {
		t.Fatalf("%v: %+v", err, r)
	}
	timing := r.Listed[0].Reasons[1]
	const want = "nothing to go by yet, unlike the peers"
	page, err := r.Page()
	if timing.Group != "timing" || timing.told() != want || err != nil || !strings.Contains(string(page), want) || !strings.Contains(r.Table(), want) {
		t.Errorf("%v: %+v", err, timing)
	}
}

func TestChance(t *testing.T) {
	for p, want := range map[float64]string{3e-5: "<1 %", .0051: "1 %", .5: "50 %", .9949: "99 %", .995: ">99 %", .005: "<1 %", 1: ">99 %"} {
		if got := chance(p); got != want {
			t.Errorf("%g is %s, want %s", p, got, want)
		}
	}
}

// TestNobodyListed: the page says why it is empty.
func TestNobodyListed(t *testing.T) {
	sure := func(c []Case) ([]float64, error) { return []float64{.9, .8}[:len(c)], nil }
	row := [][]float32{{1}}
	r, err := Make([]Case{{"a", "", row, []int{7}, false}, {"b", "", row, []int{7}, false}}, sure, Options{Course: "c", Day: 7, Columns: []string{"score_mean"}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page()
	const want = "nobody a chance to pass below 50 %"
	if err != nil || !strings.Contains(string(page), want) || strings.Contains(string(page), "<table") || !strings.Contains(r.Table(), want) {
		t.Errorf("%v: %s\n%s", err, r.Table(), page)
	}
}

// No name becomes a formula in the table that is opened in a spreadsheet; in the JSON file names are as they are.
func TestNoNameIsAFormula(t *testing.T) {
	r := &Report{}
	for _, name := range []string{"=cmd|' /C calc'!A0", "+1", "-5", "@x", "\tx", "S 1"} {
		r.Listed = append(r.Listed, Student{Student: name}, Student{Student: name, Reasons: []Reason{{Group: "scores"}}})
	}
	dir := t.TempDir()
	if _, err := r.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "suggest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil || len(rows) != 1+2*6 {
		t.Fatal(len(rows), err)
	}
	for i, row := range rows[1:] {
		want := r.Listed[i].Student
		if want != "S 1" {
			want = "'" + want
		}
		if row[0] != want {
			t.Errorf("%q, want %q", row[0], want)
		}
	}
}
