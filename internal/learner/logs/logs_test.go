package logs

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// small is a log of one course with everything that can be odd in a row.
var small = map[string]string{
	"courses.csv":             "code_module,code_presentation,module_presentation_length\nAAA,2013J,268\nAAA,2013J,200\nBBB,2013J,long\n",
	"assessments.csv":         "code_module,code_presentation,id_assessment,assessment_type,date,weight\nAAA,2013J,1,TMA,19,10\nAAA,2013J,2,CMA,,0\nAAA,2013J,3,Exam,?,100\nZZZ,2013J,4,TMA,19,10\nAAA,2013J,5,TMA,19,110\n",
	"studentInfo.csv":         "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,num_of_prev_attempts,studied_credits,disability,final_result\nAAA,2013J,11,F,\"Wales, all\",A Level or Equivalent,10-20,0-35,0,60,Y,Pass\nAAA,2013J,12,M,Wales,?,,55<=,1,120,N,Withdrawn\nAAA,2013J,11,F,,,,,0,60,N,Pass\nAAA,2013J,13,F,,,,,0,60,N,Great\nAAA,2013J,14,F,,\n",
	"studentRegistration.csv": "code_module,code_presentation,id_student,date_registration,date_unregistration\nAAA,2013J,11,-30,\nAAA,2013J,12,-3.0,40\nAAA,2013J,99,-3,\n",
	"studentAssessment.csv":   "id_assessment,id_student,date_submitted,is_banked,score\n1,11,18,0,78\n2,11,5,1,?\n1,12,20,0,101\n1,11,19,0,60\n7,11,19,0,60\n",
	"vle.csv":                 "id_site,code_module,code_presentation,activity_type\n500,AAA,2013J,forumng\n501,AAA,2013J,resource\n",
	"studentVle.csv":          "code_module,code_presentation,id_student,id_site,date,sum_click\nAAA,2013J,11,500,3,4\nAAA,2013J,11,500,-2,1\nAAA,2013J,11,501,3,2\nAAA,2013J,11,500,3,1\nAAA,2013J,11,502,3,1\nAAA,2013J,11,500,3,0\n",
}

func write(t *testing.T, files map[string]string, zipped bool) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		data := []byte(text)
		if zipped {
			var b strings.Builder
			z := gzip.NewWriter(&b)
			z.Write(data)
			z.Close()
			name, data = name+".gz", []byte(b.String())
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBadRowsAreToldAndKeptOut(t *testing.T) {
	for _, zipped := range []bool{false, true} {
		l, err := ReadOULAD(context.Background(), write(t, small, zipped))
		if err != nil {
			t.Fatal(err)
		}
		suffix := ""
		if zipped {
			suffix = ".gz"
		}
		want := []string{"courses.csv:3: course AAA 2013J a second time", "courses.csv:4: module_presentation_length", "assessments.csv:5: course ZZZ 2013J", "assessments.csv:6: weight \"110\"",
			"studentInfo.csv:4: student 11 a second time", "studentInfo.csv:5: final_result \"Great\"", "studentInfo.csv:6: 6 fields, the header has 12", "studentRegistration.csv:4: student 99",
			"studentAssessment.csv:4: score \"101\"", "studentAssessment.csv:5: student 11 hands in assessment 1 a second time", "studentAssessment.csv:6: assessment 7",
			"studentVle.csv:6: site 502", "studentVle.csv:7: date"}
		if l.BadCount != len(want) || len(l.Bad) != len(want) {
			t.Fatalf("%d bad rows, want %d: %v", l.BadCount, len(want), l.Bad)
		}
		for i, b := range l.Bad {
			if text := strings.Replace(b.String(), suffix+":", ":", 1); !strings.HasPrefix(text, want[i]) {
				t.Errorf("%s, want %s", text, want[i])
			}
		}
		if len(l.Courses) != 1 || len(l.Enrolments) != 2 || len(l.Assessments) != 3 || l.Rows["studentVle.csv"+suffix] != 4 {
			t.Errorf("%+v", l.Rows)
		}
		checkStudent(t, l)
	}
}

// TestQuotes reads the same log as a spreadsheet may write it: byte order mark, every field quoted, lines that
// end in CR LF, one more column with quotes and commas in it.
func TestQuotes(t *testing.T) {
	quoted := map[string]string{}
	for name, text := range small {
		var b strings.Builder
		b.WriteString("\ufeff")
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			first := `"said ""yes, well"""`
			if i == 0 {
				first = `"remarks"`
			}
			line = strings.ReplaceAll(line, `"Wales, all"`, "Wales; all")
			b.WriteString(first + `,"` + strings.ReplaceAll(line, ",", `","`) + "\"\r\n")
		}
		quoted[name] = strings.ReplaceAll(b.String(), "Wales; all", "Wales, all")
	}
	var all [2]*Log
	for i, files := range []map[string]string{small, quoted} {
		l, err := ReadOULAD(context.Background(), write(t, files, false))
		if err != nil {
			t.Fatal(err)
		}
		l.Bad = nil // one of them says how many fields there are
		all[i] = l
	}
	if len(all[0].Enrolments) != 2 || fmt.Sprint(*all[0]) != fmt.Sprint(*all[1]) {
		t.Errorf("%v\n%v", *all[0], *all[1])
	}
}

func TestNoCourse(t *testing.T) {
	header, _, _ := strings.Cut(small["courses.csv"], "\n")
	for text, want := range map[string]string{header + "\nAAA,2013J\n": "no course can be used: courses.csv:2: 2 fields", header + "\n": "courses.csv: no course"} {
		_, err := ReadOULAD(context.Background(), write(t, map[string]string{"courses.csv": text}, false))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func checkStudent(t *testing.T, l *Log) {
	t.Helper()
	e := l.Enrolments[0]
	if e.Region != "Wales, all" || !e.Disability || e.Result != Pass || e.Registered != -30 || e.Unregistered != NoDay || l.Enrolments[1].Unregistered != 40 || l.Enrolments[1].Education != "" {
		t.Errorf("%+v", e)
	}
	if len(e.Submissions) != 2 || e.Submissions[0].Day != 5 || !e.Submissions[0].Banked || e.Submissions[0].Score == e.Submissions[0].Score || e.Submissions[1].Score != 78 {
		t.Errorf("%+v", e.Submissions)
	}
	// Two rows of one site and day are one activity with the second one's clicks again.
	want := []Activity{{Day: -2, Kind: 0, Sites: 1, Clicks: 1}, {Day: 3, Kind: 0, Sites: 2, Clicks: 5, Again: 3}, {Day: 3, Kind: 1, Sites: 1, Clicks: 2, Again: 1}}
	if len(e.Activities) != len(want) {
		t.Fatalf("%+v", e.Activities)
	}
	for i := range want {
		if e.Activities[i] != want[i] {
			t.Errorf("%+v, want %+v", e.Activities[i], want[i])
		}
	}
	if l.Assessments[1].Due != 268 || l.Assessments[2].Due != NoDay || !l.Assessments[2].Exam() {
		t.Errorf("%+v", l.Assessments)
	}
	if !e.ActiveOn(0) || e.RegisteredBy(-31) || l.Enrolments[1].ActiveOn(40) || !l.Enrolments[1].ActiveOn(39) {
		t.Error("who is there when")
	}
}

// Tables as spreadsheets save them where the comma is the decimal sign, and with tabs, say the same.
func TestOtherSeparators(t *testing.T) {
	for _, comma := range []string{";", "\t"} {
		files := map[string]string{}
		for name, text := range small {
			text = strings.ReplaceAll(strings.ReplaceAll(text, ",", comma), "Wales"+comma+" all", "Wales, all")
			files[name] = strings.Replace(text, comma+"78\n", comma+"78,0\n", 1)
		}
		l, err := ReadOULAD(context.Background(), write(t, files, false))
		if err != nil {
			t.Fatal(err)
		}
		want, err := ReadOULAD(context.Background(), write(t, small, false))
		if err != nil {
			t.Fatal(err)
		}
		checkStudent(t, l)
		if l.BadCount != want.BadCount || fmt.Sprint(l.Rows) != fmt.Sprint(want.Rows) {
			t.Errorf("%q: %d bad rows of %v, want %d of %v", comma, l.BadCount, l.Rows, want.BadCount, want.Rows)
		}
	}
}

func TestWrongLayout(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"studentInfo.csv", "id_student,final_result\n", `studentInfo.csv: column "code_module" is missing; the header has id_student,final_result`},
		{"studentVle.csv", "code_module,code_presentation,id_student,date,sum_click\n", `studentVle.csv: column "id_site" is missing`},
		{"courses.csv", "", "courses.csv: empty"},
		{"courses.csv", "code_module|code_presentation|module_presentation_length\n", `column "code_module" is missing; fields must be parted by commas, semicolons or tabs, and the first line is code_module|code_presentation`},
		{"studentInfo.csv", strings.SplitAfter(small["studentInfo.csv"], "\n")[0], "studentInfo.csv: no student in it"},
		{"studentInfo.csv", strings.SplitAfter(small["studentInfo.csv"], "\n")[0] + "AAA,2013J,14,F,,\n", "no student can be used: studentInfo.csv:2: 6 fields"},
		{"studentRegistration.csv", strings.SplitAfter(small["studentRegistration.csv"], "\n")[0] + "AAA,2013J,11,,\n", "studentRegistration.csv: no day of registration"},
		{"courses.csv", strings.Repeat("x", 1<<17), "courses.csv:1: a line longer than 64 KiB"},
	} {
		files := map[string]string{}
		for k, v := range small {
			files[k] = v
		}
		files[c.file] = c.text
		if _, err := ReadOULAD(context.Background(), write(t, files, false)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if _, err := ReadOULAD(context.Background(), t.TempDir()); !errors.Is(err, errNoTable) || !strings.Contains(err.Error(), "neither courses.csv nor courses.csv.gz") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestCutGzip(t *testing.T) {
	dir := write(t, small, true)
	name := filepath.Join(dir, "studentVle.csv.gz")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data[:len(data)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadOULAD(context.Background(), dir); err == nil || !strings.Contains(err.Error(), "studentVle.csv.gz") {
		t.Errorf("a cut file: %v", err)
	}
}

func TestCumulative(t *testing.T) {
	files := map[string]string{}
	for k, v := range small {
		files[k] = v
	}
	delete(files, "studentVle.csv")
	files["courses.csv"] = "code_module,code_presentation,module_presentation_length\nAAA,2013J,268\nAAA,2014J,268\n"
	files["studentInfo.csv"] += "AAA,2014J,12,M,,,,,0,60,N,Pass\n"
	files["clicks_cumulative_week_2.csv"] = "id_student,total_clicks,avg_daily_clicks,std_clicks,active_days,interactions\n11,40,2.5,,5,16\n12,10,1,0,1,1\n13,1,1,1,1,1\n11,1,1,1,1,1\n"
	l, err := ReadOULAD(context.Background(), write(t, files, false))
	if err != nil {
		t.Fatal(err)
	}
	if c := l.Enrolments[0].Cumulative; l.Clicks != CumulativeClicks || len(c) != 1 || c[0] != (Cumulative{Day: 14, Clicks: 40, Daily: 2.5, ActiveDays: 5, Interactions: 16}) {
		t.Errorf("%s %+v", l.Clicks, c)
	}
	var said []string
	for _, b := range l.Bad {
		if strings.HasPrefix(b.File, "clicks") {
			said = append(said, b.String())
		}
	}
	if len(said) != 3 || !strings.Contains(said[0], "student 12 has several courses") || !strings.Contains(said[1], "student 13 is not in") || !strings.Contains(said[2], "student 11 a second time") {
		t.Errorf("%q", said)
	}
}

func TestPresentations(t *testing.T) {
	l, err := ReadOULAD(context.Background(), write(t, small, false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.In("2013J", "2015J"); err == nil || !strings.Contains(err.Error(), `"2015J" has no enrolments; there are [2013J]`) {
		t.Errorf("%v", err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := ReadOULAD(ctx, write(t, small, false)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"a,b", `"a,b",c`, `"a`, ``, `"",""`, `a"b,c`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		fields := split(nil, ',', line)
		total := 0
		for _, x := range fields {
			total += len(x)
		}
		if len(fields) == 0 || total > len(line) {
			t.Fatalf("%q: %q", line, fields)
		}
	})
}
