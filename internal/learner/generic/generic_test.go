package generic

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"classlens/internal/learner/features"
	"classlens/internal/learner/indices"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
)

func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const xapiHead = "gender,NationalITy,PlaceofBirth,StageID,GradeID,SectionID,Topic,Semester,Relation,raisedhands,VisITedResources,AnnouncementsView,Discussion,ParentAnsweringSurvey,ParentschoolSatisfaction,StudentAbsenceDays,Class\n"

func TestXAPI(t *testing.T) {
	path := filepath.Join(write(t, t.TempDir(), map[string]string{"x.csv": xapiHead +
		"M,KW,KuwaIT,lowerlevel,G-04,A,IT,F,Father,15,16,2,20,Yes,Good,Under-7,M\n" +
		"F,KW,KuwaIT,lowerlevel,G-04,A,Math,S,Mum,80,90,50,70,No,Bad,Above-7,H\n" +
		"F,KW,KuwaIT,lowerlevel,G-04,A,Math,S,Mum,many,90,50,70,No,Bad,Above-7,H\n" +
		"F,KW,KuwaIT,lowerlevel,G-04,A,Math,S,Mum,1,90,50,70,No,Bad,Above-7,Z\n" +
		"F,KW\n"}), "x.csv")
	if kind, err := Detect(path); err != nil || kind != XAPI {
		t.Errorf("%s, %v", kind, err)
	}
	f, err := ReadXAPI(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if f.Good != 2 || f.Bad.Count != 3 || len(f.Rows) != 2 {
		t.Fatalf("%d good, %d bad: %v", f.Good, f.Bad.Count, f.Bad.Rows)
	}
	for i, want := range []string{"x.csv:4: raisedhands \"many\"", "x.csv:5: Class \"Z\" is none of L, M, H", "x.csv:6: 2 fields, the header has 17"} {
		if got := f.Bad.Rows[i].String(); !strings.HasPrefix(got, want) {
			t.Errorf("bad row %q, want %q", got, want)
		}
	}
	if got := fmt.Sprint(f.Rows[1].Steps[0]); got != "[80 90 50 70 1 1 0 0]" || f.Rows[1].Module != "Math" || f.Rows[1].Truth[0][models.Distinguished] != 1 || f.Rows[0].Truth[0][models.Passed] != 1 {
		t.Errorf("%s %+v", got, f.Rows)
	}
	for _, c := range f.Columns {
		if strings.HasPrefix(c, "static_") {
			t.Errorf("personal column %s without being asked for", c)
		}
	}
	g, err := ReadXAPI(path, true)
	if err != nil || len(g.Columns) != len(g.Rows[0].Steps[0]) || g.Columns[8] != "static_gender_f" || g.Rows[0].Steps[0][8] != 0 || g.Rows[1].Steps[0][8] != 1 {
		t.Errorf("%v: %v, %v", err, g.Columns, g.Rows[0].Steps[0])
	}
}

func TestUCI(t *testing.T) {
	path := filepath.Join(write(t, t.TempDir(), map[string]string{"student-mat.csv": "school;sex;age;absences;failures;studytime;traveltime;schoolsup;paid;activities;G1;G2;G3\n" +
		"\"GP\";\"F\";18;6;0;2;1;\"yes\";\"no\";\"no\";\"5\";\"6\";6\n" +
		"\"GP\";\"F\";17;4;0;2;1;\"no\";\"no\";\"yes\";17;16;16\n" +
		"\"GP\";\"F\";17;4;0;2;1;\"no\";\"no\";\"yes\";17;16;26\n"}), "student-mat.csv")
	if kind, err := Detect(path); err != nil || kind != UCI {
		t.Errorf("%s, %v", kind, err)
	}
	f, err := ReadUCI(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if f.Good != 2 || f.Bad.Count != 1 || f.Periods != 3 {
		t.Fatalf("%d good, %d bad: %v", f.Good, f.Bad.Count, f.Bad.Rows)
	}
	first, err := f.At(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range first.Rows {
		for k, c := range f.Columns {
			if v := first.Rows[i].Last()[k]; strings.HasPrefix(c, "grade_") && v == v {
				t.Errorf("%s is known before it is given: %g", c, v)
			}
		}
	}
	last, _ := f.At(2)
	if got := fmt.Sprint(last.Rows[0].Last()); got != "[2 0 1 6 5 6 1 0 0]" {
		t.Error(got)
	}
	if y := last.Rows[1].Truth[2]; y[models.Passed] != 1 || y[models.Distinguished] != 1 || y[models.Score] != .8 {
		t.Error(y)
	}
	if _, err := f.At(3); err == nil {
		t.Error("a fourth period, no error")
	}
	if _, err := ReadUCI(path, true); err == nil || !strings.Contains(err.Error(), `student-mat.csv: column "address" is missing`) {
		t.Errorf("error %v", err)
	}
}

func course(t *testing.T) string {
	return write(t, t.TempDir(), map[string]string{
		"outcomes.csv": "student,course,result\nann,PHY/2026,Pass\nbob,PHY/2026,fail\neve,PHY/2026,\nann,PHY/2026,Pass\nzoe,PHY/2026,great\n",
		"courses.csv":  "course,start,days\nPHY/2026,2026-02-02,70\n",
		"events.csv": "student,course,time,kind,value,item\n" +
			"ann,PHY/2026,2026-02-03T10:00:00,page,,p1\nann,PHY/2026,2026-02-03T10:10,page,2,p1\nann,PHY/2026,2026-02-03 11:00:00,forum,,f\n" +
			"*,PHY/2026,2026-02-16,due:essay,60,\nann,PHY/2026,2026-02-15T12:00:00,score:essay,80,\nbob,PHY/2026,2026-02-20,score:essay,35,\n" +
			"bob,PHY/2026,2026-03-01,left,,\nann,PHY/2026,2026-02-01,page,,p1\n" +
			"joe,PHY/2026,2026-02-03,page,,p1\nann,MAT,2026-02-03,page,,p1\nann,PHY/2026,soon,page,,p1\nann,PHY/2026,5,page,,p1\n" +
			"ann,PHY/2026,2026-02-03,page,1.5,p1\n*,PHY/2026,2026-02-03,page,,p1\nann,PHY/2026,2026-02-03,due:essay,3,\nann,PHY/2026,2026-02-03,score:essay,101,\n",
		"posts.csv":            "student,course,time,text\nann,PHY/2026,2026-02-04T09:00:00,\"Why, and how?\"\n",
		"lessons.csv":          "course,time,folder\nPHY/2026,2026-02-05,lesson1\nPHY/2026,2026-02-12,lesson2\nPHY/2026,2026-02-12,../x\n",
		"seats.csv":            "course,seat,student\nPHY/2026,S01,ann\n",
		"lesson1/students.csv": "student,seat_x,seat_y,seen_s,on_task_share,engagement_mean,hand_raises\nS01,1,1,100,0.5,1,2\nS02,1,1,100,0.5,1,0\nT01,1,1,9,,,0\n",
		"lesson2/students.csv": "student,seat_x,seat_y,seen_s,on_task_share,engagement_mean,hand_raises\nS01,1,1,300,0.9,2,0\nS01,1,1,300,1.9,2,0\n",
	})
}

func TestEvents(t *testing.T) {
	dir := course(t)
	if kind, err := Detect(dir); err != nil || kind != Events {
		t.Errorf("%s, %v", kind, err)
	}
	d, err := ReadEvents(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := d.Log
	var bad []string
	for _, b := range l.Bad {
		bad = append(bad, fmt.Sprintf("%s:%d", b.File, b.Line))
	}
	if got, want := strings.Join(bad, " "), "outcomes.csv:5 outcomes.csv:6 events.csv:10 events.csv:11 events.csv:12 events.csv:13 events.csv:14 events.csv:15 events.csv:16 events.csv:17 lesson2/students.csv:3 lessons.csv:4"; got != want {
		t.Errorf("bad rows\n%s, want\n%s\n%v", got, want, l.Bad)
	}
	if len(l.Courses) != 1 || l.Courses[0].Module != "PHY" || l.Courses[0].Presentation != "2026" || l.Courses[0].Length != 70 || len(l.Enrolments) != 3 {
		t.Fatalf("%+v", l.Courses)
	}
	ann, bob := l.Enrolments[0], l.Enrolments[1]
	want := []logs.Activity{{Day: -1, Kind: 0, Sites: 1, Clicks: 1}, {Day: 1, Kind: 0, Sites: 1, Clicks: 3, Again: 2}, {Day: 1, Kind: 1, Sites: 1, Clicks: 1}}
	if fmt.Sprint(ann.Activities) != fmt.Sprint(want) || fmt.Sprint(l.Kinds) != "[page forum]" {
		t.Errorf("%+v, want %+v; kinds %v", ann.Activities, want, l.Kinds)
	}
	if fmt.Sprint(ann.Submissions) != "[{0 13 false 80}]" || fmt.Sprint(bob.Submissions) != "[{0 18 false 35}]" || bob.Unregistered != 27 || bob.Result != logs.Fail || l.Enrolments[2].Result != logs.NoResult {
		t.Errorf("%+v\n%+v", ann, bob)
	}
	if a := l.Assessments[0]; a.ID != "essay" || a.Due != 14 || a.Weight != 60 || len(l.Assessments) != 1 {
		t.Errorf("%+v", l.Assessments)
	}
	if len(d.Posts) != 1 || d.Posts[0].Text != "Why, and how?" || math.Abs(d.Posts[0].Day-2.375) > 1e-9 {
		t.Errorf("%+v", d.Posts)
	}
	x := indices.Of(d.Records[0], 20)
	if math.Abs(x.Hours-(10+1+1+1)/60.) > 1e-9 || x.PostsPerWeek != 7./21 {
		t.Errorf("%+v", x)
	}
	for _, c := range []struct {
		day  int
		want [5]float64
	}{{2, [5]float64{math.NaN(), math.NaN(), math.NaN(), math.NaN(), 0}}, {5, [5]float64{.5, 1, 2, .5, 1}}, {11, [5]float64{.8, 1.75, .5, .9, 2}}} {
		for k, v := range d.LessonFigures(0, c.day) {
			if w := c.want[k]; math.Abs(float64(v)-w) > 1e-6 || (v != v) != (w != w) {
				t.Errorf("day %d %s: %g, want %g", c.day, LessonColumns[k], v, w)
			}
		}
	}
	// the log serves the project's own features
	if row := features.NewBuilder(l, features.Options{Clicks: true, Daily: true}, nil).At(0, 20).Row(0); row == nil {
		t.Error("no features")
	}
}

// TestNumbersOfDays: the same without dates and courses.csv.
func TestNumbersOfDays(t *testing.T) {
	d, err := ReadEvents(write(t, t.TempDir(), map[string]string{"outcomes.csv": "student,course,result\nann,PHY,1\nbob,PHY,0\n",
		"events.csv": "student,course,time,kind,value\nann,PHY,3.5,page,2\nann,PHY,30,score:a,50\nbob,PHY,2026-02-03,page,\n"}))
	if err != nil {
		t.Fatal(err)
	}
	l := d.Log
	if l.Courses[0].Length != 31 || l.Courses[0].Presentation != "PHY" || l.BadCount != 1 || l.Enrolments[0].Activities[0].Day != 3 || l.Assessments[0].Weight != 0 {
		t.Errorf("%+v %+v", l.Courses, l.Bad)
	}
}

// TestSemicolons: what a spreadsheet writes where the comma is the decimal mark, and tabs.
func TestSemicolons(t *testing.T) {
	files := map[string]string{"outcomes.csv": "student,course,result\nann,PHY/1,1\nbob,PHY/1,\n", "courses.csv": "course,start,days\nPHY/1,2026-02-02,28\n",
		"events.csv": "student,course,time,kind,value\n*,PHY/1,2026-02-09,due:a,50\nann,PHY/1,2026-02-08 10:00,score:a,65.5\nann,PHY/1,2026-02-03,page,2\n",
		"posts.csv":  "student,course,time,text\nann,PHY/1,2026-02-08T11:00,\"Why, and\nhow?\"\n"}
	want, err := ReadEvents(write(t, t.TempDir(), files))
	if err != nil {
		t.Fatal(err)
	}
	for name, as := range map[string]*strings.Replacer{"semicolons": strings.NewReplacer("Why, and\n", "Why, and\r\n", ",", ";", ".", ",", "\n", "\r\n"), "tabs": strings.NewReplacer("Why, and\n", "Why, and\n", ",", "\t")} {
		other := map[string]string{}
		for file, text := range files {
			other[file] = "\ufeff" + as.Replace(text)
		}
		got, err := ReadEvents(write(t, t.TempDir(), other))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if fmt.Sprint(*got.Log, got.Posts, got.Records, got.Starts, got.Last) != fmt.Sprint(*want.Log, want.Posts, want.Records, want.Starts, want.Last) || got.Log.BadCount != 0 || len(got.Posts) != 1 || got.Log.Enrolments[0].Submissions[0].Score != 65.5 {
			t.Errorf("%s: %+v %+v, want %+v %+v", name, got.Log, got.Posts, want.Log, want.Posts)
		}
	}
	if want.Last != want.Starts[0]+6+11./24 {
		t.Errorf("the log ends on %g, want %g: what is due is nothing that a student did", want.Last, want.Starts[0]+6+11./24)
	}
}

func TestErrors(t *testing.T) {
	good := map[string]string{"outcomes.csv": "student,course,result\na,c,1\n", "events.csv": "student,course,time,kind,value\na,c,1,page,\n"}
	for name, c := range map[string]struct {
		file, text, want string
	}{
		"no outcomes": {"outcomes.csv", "", "outcomes.csv: empty"}, "column": {"events.csv", "student,course,time,value\n", `events.csv: column "kind" is missing`},
		"outcome column": {"outcomes.csv", "student,course,grade\n", `column "result" is missing; the header has student,course,grade`},
		"separator":      {"outcomes.csv", "student|course|result\n", `column "student" is missing; fields must be parted by commas, semicolons or tabs, and the first line is student|course|result`},
		"lessons":        {"lessons.csv", "course,time,folder\nc,1,gone\n", "seats.csv"}, "post column": {"posts.csv", "student,course,time\n", `"text"`},
	} {
		dir := write(t, write(t, t.TempDir(), good), map[string]string{c.file: c.text})
		if _, err := ReadEvents(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	dir := write(t, t.TempDir(), map[string]string{"a.csv": "x,y\n", "events.csv": "student,course,time,kind,value\n"})
	if _, err := ReadEvents(dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "outcomes.csv") {
		t.Errorf("no outcomes.csv: %v", err)
	}
	tables := write(t, t.TempDir(), map[string]string{"x.csv": strings.Replace(strings.Join(xapiColumns(), ","), "raisedhands", "hands", 1) + "\n",
		"u.csv": "\ufeff\"" + strings.Replace(strings.Join(uciColumns(), `";"`), "G3", "final", 1) + "\"\n"})
	if kind, err := Detect(filepath.Join(tables, "x.csv")); err != nil || kind != XAPI {
		t.Errorf("without raisedhands: %s, %v", kind, err)
	}
	if _, err := ReadXAPI(filepath.Join(tables, "x.csv"), false); err == nil || !strings.Contains(err.Error(), `column "raisedhands" is missing`) {
		t.Errorf("without raisedhands: %v", err)
	}
	if kind, err := Detect(filepath.Join(tables, "u.csv")); err != nil || kind != UCI {
		t.Errorf("without G3: %s, %v", kind, err)
	}
	if _, err := ReadUCI(filepath.Join(tables, "u.csv"), false); err == nil || !strings.Contains(err.Error(), `column "G3" is missing`) {
		t.Errorf("without G3: %v", err)
	}
	if _, err := Detect(filepath.Join(dir, "a.csv")); !errors.Is(err, ErrForm) {
		t.Errorf("detect: %v", err)
	}
	if _, err := Detect(t.TempDir()); !errors.Is(err, ErrForm) {
		t.Errorf("detect: %v", err)
	}
}

// What is said of a time that cannot be one is true: 1900-01-01 is a date, 46056 a number, and what comes after such a row is still read.
func TestTimesOutOfRange(t *testing.T) {
	for text, want := range map[string]string{
		"1900-01-01":          "year is not within 1970 to 2199",
		"1899-12-30T00:00:00": "year is not within 1970 to 2199",
		"2200-01-01":          "year is not within 1970 to 2199",
		"46056":               "no number of days since a course began (a spreadsheet's date",
		"-32769":              "no number of days",
		"1e99":                "no number of days",
		"NaN":                 "neither a date",
		"Inf":                 "neither a date",
		"1.2.2026":            "neither a date",
		"":                    "neither a date",
	} {
		d, err := ReadEvents(write(t, t.TempDir(), map[string]string{"outcomes.csv": "student,course,result\nann,PHY,1\n",
			"events.csv": "student,course,time,kind,value\nann,PHY," + text + ",page,\nann,PHY,2026-02-03,page,\n"}))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d.Log.BadCount != 1 || !strings.Contains(d.Log.Bad[0].String(), want) || len(d.Log.Enrolments[0].Activities) != 1 {
			t.Errorf("%q: %d bad rows, %v, want %q", text, d.Log.BadCount, d.Log.Bad, want)
		}
	}
	r := &reader{}
	if day, reason := r.when("1970-01-01"); day != 0 || reason != "" {
		t.Errorf("1970-01-01: day %g, %s", day, reason)
	}
}
