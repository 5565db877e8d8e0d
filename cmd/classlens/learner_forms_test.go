package main

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tell runs a learner command that must do.
func tell(t *testing.T, want string, args ...string) (stderr string) {
	t.Helper()
	stdout, stderr, code := classlens(t, append([]string{"learner"}, args...)...)
	if code != exitDone || !strings.Contains(stdout, want) {
		t.Fatalf("%v: exit %d, printed %q, said %q", args, code, stdout, stderr)
	}
	return stderr
}

func put(t *testing.T, text string, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// chances reads a predictions file: p_pass by student.
func chances(t *testing.T, name string) map[string]float64 {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, r := range rows[1:] {
		if out[r[2]], err = strconv.ParseFloat(r[4], 64); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// The UCI table through the commands: who has low grades so far is found, with the
// grades of the period and no later ones.
func TestLearnerUCI(t *testing.T) {
	dir, r := t.TempDir(), rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	b.WriteString("school;sex;age;absences;failures;studytime;traveltime;schoolsup;paid;activities;G1;G2;G3\n")
	passed := map[string]bool{}
	for i := range 400 {
		ability := r.NormFloat64()
		grade := func(noise float64) int { return max(0, min(20, int(10.5+4*ability+noise*r.NormFloat64()))) }
		g3 := grade(1)
		passed[fmt.Sprint(i+1)] = g3 >= 10
		fmt.Fprintf(&b, "\"GP\";\"F\";17;%d;0;2;1;\"no\";\"no\";\"yes\";\"%d\";\"%d\";%d\n", r.IntN(20), grade(2), grade(1.5), g3)
	}
	good := put(t, b.String(), dir, "student-mat.csv")
	data := put(t, b.String()+"\"GP\";\"F\";17;none;0;2;1;\"no\";\"no\";\"yes\";5;6;6\n", dir, "bad", "student-mat.csv")
	if said := tell(t, "uci: 400 students", "import", data); !strings.Contains(said, "student-mat.csv:402: absences \"none\" is not a number") {
		t.Errorf("the bad row: %q", said)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	tell(t, "lr for day 2", "train", data, "--presentations", "fold1,fold2,fold3", "--day", "2", "--model", "lr", "--out", at("weights"))
	tell(t, "predictions of lr", "predict", good, "--presentations", "fold4,fold5", "--weights", at("weights"), "--out", at("pred.csv"))
	right, all := 0, chances(t, at("pred.csv"))
	for student, p := range all {
		if passed[student] == (p > .5) {
			right++
		}
	}
	if len(all) < 100 || 10*right < 8*len(all) {
		t.Errorf("%d of %d right from plain grades", right, len(all))
	}
	tell(t, "day end, active", "eval", good, "--train", "fold1,fold2,fold3", "--test", "fold4,fold5", "--days", "1,end", "--models", "majority,lr,lstm", "--quick", "--out", at("eval"))
	if trained, err := filepath.Glob(at("eval/weights/*")); err != nil || len(trained) != 6 {
		t.Errorf("three models on two days were asked for, trained %v, %v", trained, err)
	}
	tell(t, "page:", "suggest", good, "--weights", at("weights"), "--course", "student-mat", "--out", at("suggest"))
	// Later grades are not looked at.
	lines := strings.Split(b.String(), "\n")
	for i := range lines[1:] {
		if f := strings.Split(lines[i+1], ";"); len(f) > 11 {
			f[11], f[12] = "0", "0"
			lines[i+1] = strings.Join(f, ";")
		}
	}
	cut := put(t, strings.Join(lines, "\n"), dir, "cut", "student-mat.csv")
	tell(t, "predictions of lr", "predict", cut, "--presentations", "fold4,fold5", "--weights", at("weights"), "--out", at("cut.csv"))
	for student, p := range chances(t, at("cut.csv")) {
		if p != all[student] {
			t.Fatalf("student %s: %g, with other grades later %g", student, all[student], p)
		}
	}
	lines[0] = strings.Replace(lines[0], "G2", "G4", 1)
	wrong := put(t, strings.Join(lines, "\n"), dir, "wrong", "student-mat.csv")
	if _, stderr, code := classlens(t, "learner", "import", wrong); code != exitFailed || !strings.Contains(stderr, `student-mat.csv: column "G2" is missing`) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// What analyze leaves of lessons, as one more weekly series: with nothing else to go
// by, who pays attention is found, and lessons after the day are not looked at.
func TestLearnerLessons(t *testing.T) {
	dir, r := t.TempDir(), rand.New(rand.NewPCG(2, 2))
	var outcomes, lessons, seats, events strings.Builder
	outcomes.WriteString("student,course,result\n")
	lessons.WriteString("course,time,folder\n")
	seats.WriteString("course,seat,student\n")
	events.WriteString("student,course,time,kind,value\n")
	passed := map[string]bool{}
	attention := map[string]float64{}
	for _, course := range []string{"PHY/2025S", "PHY/2026S"} {
		for i := range 240 {
			student, ability := fmt.Sprintf("%s-%02d", course[4:], i), r.NormFloat64()
			passed[student] = ability+.3*r.NormFloat64() > 0
			attention[student] = .5
			if passed[student] {
				attention[student] = .8
			}
			fmt.Fprintf(&outcomes, "%s,%s,%s\n", student, course, map[bool]string{true: "Pass", false: "Fail"}[passed[student]])
			fmt.Fprintf(&seats, "%s,S%02d,%s\n", course, i, student)
			fmt.Fprintf(&events, "%s,%s,0,registered,\n%s,%s,%d,page,1\n", student, course, student, course, 1+i%60)
		}
		for week := range 6 {
			folder := fmt.Sprintf("%s-lesson%d", course[4:], week)
			var b strings.Builder
			b.WriteString("student,seat_x,seat_y,seen_s,on_task_share,engagement_mean,hand_raises\n")
			for i := range 240 {
				a := attention[fmt.Sprintf("%s-%02d", course[4:], i)]
				fmt.Fprintf(&b, "S%02d,1,1,2400,%.2f,%.2f,%d\n", i, min(1, max(0, a+.15*r.NormFloat64())), 3*a*r.Float64(), r.IntN(3))
			}
			if week == 5 { // beyond the day of the prediction
				b.Reset()
				b.WriteString("student,seat_x,seat_y,seen_s,on_task_share,engagement_mean,hand_raises\nS00,1,1,2400,9,1,1\n")
			}
			put(t, b.String(), dir, folder, "students.csv")
			fmt.Fprintf(&lessons, "%s,%d,%s\n", course, 3+7*week, folder)
		}
	}
	for name, text := range map[string]string{"outcomes.csv": outcomes.String(), "lessons.csv": lessons.String(), "seats.csv": seats.String(), "events.csv": events.String()} {
		put(t, text, dir, name)
	}
	if said := tell(t, "events: 2 courses, 480 enrolments", "import", dir); !strings.Contains(said, "students.csv:2: on_task_share \"9\" is not a number from 0 to 1") {
		t.Errorf("the bad row: %q", said)
	}
	out := t.TempDir()
	at := func(name string) string { return filepath.Join(out, name) }
	for _, model := range []string{"lr", "lstm"} {
		tell(t, model+" for day 28", "train", dir, "--presentations", "2025S", "--day", "28", "--model", model, "--quick", "--out", at(model))
		tell(t, "predictions of "+model, "predict", dir, "--presentations", "2026S", "--weights", at(model), "--out", at(model+".csv"))
		right, all := 0, chances(t, at(model+".csv"))
		for student, p := range all {
			if passed[student] == (p > .5) {
				right++
			}
		}
		if len(all) != 240 || right < 192 {
			t.Errorf("%s: %d of %d right from attention alone", model, right, len(all))
		}
	}
	table, err := os.ReadFile(at("lr/model.json"))
	if err != nil || !strings.Contains(string(table), "lesson_on_task_week") {
		t.Errorf("the weights know no lessons: %v", err)
	}
	before := chances(t, at("lr.csv"))
	put(t, "student,seat_x,seat_y,seen_s,on_task_share,engagement_mean,hand_raises\nS00,1,1,2400,0,0,0\nS01,1,1,2400,1,3,9\n", dir, "2026S-lesson4", "students.csv") // day 31
	tell(t, "predictions of lr", "predict", dir, "--presentations", "2026S", "--weights", at("lr"), "--out", at("later.csv"))
	for student, p := range chances(t, at("later.csv")) {
		if p != before[student] {
			t.Fatalf("student %s: %g, with another lesson later %g", student, before[student], p)
		}
	}
	tell(t, "page:", "suggest", dir, "--weights", at("lr"), "--course", "PHY/2026S", "--out", at("suggest"))
	if text, err := os.ReadFile(at("suggest/suggest.csv")); err != nil || !strings.Contains(string(text), "lessons") {
		t.Errorf("nobody's reason is in the lessons: %v", err)
	}
	put(t, "student,seen_s,on_task_share,hand_raises\n", dir, "2026S-lesson4", "students.csv")
	if _, stderr, code := classlens(t, "learner", "import", dir); code != exitFailed || !strings.Contains(stderr, `column "engagement_mean" is missing`) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// A term that has no results yet cannot be judged by: that is said before anything is trained. Other weights in a folder are not replaced without a word.
func TestLearnerNothingToJudge(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	var outcomes, events strings.Builder
	outcomes.WriteString("student,course,result\n")
	events.WriteString("student,course,time,kind,value\n")
	for _, course := range []string{"PHY/2024S", "PHY/2025S", "PHY/2026S"} {
		for i := range 60 {
			result := []string{"Pass", "Fail"}[i%2]
			if course == "PHY/2026S" {
				result = ""
			}
			fmt.Fprintf(&outcomes, "%s-%02d,%s,%s\n", course[4:], i, course, result)
			fmt.Fprintf(&events, "%s-%02d,%s,%d,page,%d\n", course[4:], i, course, 1+i%40, 1+i%2)
		}
	}
	put(t, outcomes.String(), dir, "outcomes.csv")
	put(t, events.String(), dir, "events.csv")
	for test, want := range map[string]string{"2026S": "no result of the 60 students of 2026S is known", "2025S,2026S": "no result of the 60 students of 2026S is known", "2027S": `presentation "2027S" has no enrolments`} {
		_, stderr, code := classlens(t, "learner", "eval", dir, "--train", "2024S", "--test", test, "--models", "lr", "--days", "14", "--quick", "--out", filepath.Join(out, "eval"))
		if code != exitUsage || !strings.Contains(stderr, want) || strings.Contains(stderr, ": train lr") {
			t.Errorf("%s: exit %d, said %q", test, code, stderr)
		}
	}
	train := func(more ...string) string {
		args := append([]string{"learner", "train", dir, "--day", "14", "--quick", "--out", filepath.Join(out, "w")}, more...)
		_, stderr, code := classlens(t, args...)
		if code != exitDone {
			t.Fatalf("%v: exit %d, said %q", more, code, stderr)
		}
		return stderr
	}
	train("--model", "lr", "--presentations", "2025S,2024S")
	if said := train("--model", "lr", "--presentations", "2024S,2025S"); strings.Contains(said, "replaced") {
		t.Errorf("the same again: %q", said)
	}
	if said := train("--model", "majority", "--presentations", "2024S"); !strings.Contains(said, "(lr for day 14 from [2024S 2025S]) are replaced") {
		t.Errorf("other weights: %q", said)
	}
}

// xAPI-Edu-Data's layout through the commands: who takes part is found, personal
// attributes are read only when asked for, and a missing column is one line.
func TestLearnerXAPI(t *testing.T) {
	dir, r := t.TempDir(), rand.New(rand.NewPCG(3, 3))
	const header = "gender,NationalITy,PlaceofBirth,StageID,GradeID,SectionID,Topic,Semester,Relation,raisedhands,VisITedResources,AnnouncementsView,Discussion,ParentAnsweringSurvey,ParentschoolSatisfaction,StudentAbsenceDays,Class"
	var b strings.Builder
	b.WriteString(header + "\r\n") // the published file has such ends
	passed := map[string]bool{}
	for i := range 480 {
		ability := r.NormFloat64()
		count := func() int { return max(0, min(100, int(50+25*ability+10*r.NormFloat64()))) }
		class := map[bool]string{true: "L", false: "M"}[ability < -.4]
		if ability > .9 {
			class = "H"
		}
		passed[fmt.Sprint(i+1)] = class != "L"
		fmt.Fprintf(&b, "%s,KW,KuwaIT,lowerlevel,G-04,A,%s,%s,Father,%d,%d,%d,%d,Yes,Good,%s,%s\r\n", []string{"M", "F"}[r.IntN(2)], []string{"IT", "Math"}[i%2], []string{"F", "S"}[r.IntN(2)],
			count(), count(), count(), count(), []string{"Under-7", "Above-7"}[r.IntN(2)], class)
	}
	good := put(t, b.String(), dir, "xAPI-Edu-Data.csv")
	bad := put(t, b.String()+"M,KW,KuwaIT,lowerlevel,G-04,A,IT,F,Father,1,2,3,4,Yes,Good,Under-7,X\r\n", dir, "bad", "xAPI-Edu-Data.csv")
	if said := tell(t, "xapi: 480 students", "import", bad); !strings.Contains(said, `xAPI-Edu-Data.csv:482: Class "X" is none of L, M, H`) {
		t.Errorf("the bad row: %q", said)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, model := range []string{"lr", "lstm"} { // a sequence of one period is one too
		tell(t, model+" for day end", "train", good, "--presentations", "fold1,fold2,fold3", "--day", "end", "--model", model, "--quick", "--out", at(model))
		tell(t, "predictions of "+model, "predict", good, "--presentations", "fold4,fold5", "--weights", at(model), "--out", at(model+".csv"))
		right, all := 0, chances(t, at(model+".csv"))
		for student, p := range all {
			if passed[student] == (p > .5) {
				right++
			}
		}
		if len(all) < 120 || 10*right < 8*len(all) {
			t.Errorf("%s: %d of %d right from taking part", model, right, len(all))
		}
	}
	if model, err := os.ReadFile(at("lr/model.json")); err != nil || strings.Contains(string(model), "static_") {
		t.Errorf("personal attributes without being asked for: %v", err)
	}
	tell(t, "day 1, active", "eval", good, "--train", "fold1,fold2,fold3", "--test", "fold4,fold5", "--days", "1", "--models", "majority,lr,gbdt", "--fair", "lr", "--with-static", "--quick", "--out", at("eval"))
	if text, err := os.ReadFile(at("eval/eval.txt")); err != nil || !strings.Contains(string(text), "lr+static") {
		t.Errorf("no figures with personal attributes: %v", err)
	}
	tell(t, "page:", "suggest", good, "--weights", at("lr"), "--course", "Math", "--out", at("suggest"))
	if text, err := os.ReadFile(at("suggest/suggest.csv")); err != nil || strings.Count(string(text), "\n") < 2 {
		t.Errorf("nobody to reach: %v", err)
	}
	for _, column := range []string{"Discussion", "Class", "StudentAbsenceDays"} {
		wrong := put(t, strings.Replace(b.String(), column, column+"2", 1), dir, column, "xAPI-Edu-Data.csv")
		if _, stderr, code := classlens(t, "learner", "import", wrong); code != exitFailed || !strings.Contains(stderr, fmt.Sprintf("xAPI-Edu-Data.csv: column %q is missing", column)) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d: %s", column, code, stderr)
		}
	}
	// Weights for another table are refused, not guessed with.
	uci := put(t, "school;sex;age;absences;failures;studytime;traveltime;schoolsup;paid;activities;G1;G2;G3\nGP;F;17;1;0;2;1;no;no;yes;9;9;9\n", dir, "student-mat.csv")
	if _, stderr, code := classlens(t, "learner", "predict", uci, "--presentations", "fold1,fold2,fold3,fold4,fold5", "--weights", at("lr"), "--out", at("x.csv")); code != exitUsage || !strings.Contains(stderr, "the weights are for data of form xapi, this is uci") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// The generic form of events, outcomes and posts through the commands: dates on the wall,
// work that is due, who goes silent is found from what is dated up to the day.
func TestLearnerEvents(t *testing.T) {
	dir, r := t.TempDir(), rand.New(rand.NewPCG(4, 4))
	var events, outcomes, posts strings.Builder
	events.WriteString("student,course,time,kind,value,item\n")
	outcomes.WriteString("student,course,result\n")
	posts.WriteString("student,course,time,text\n")
	passed := map[string]bool{}
	courses := map[string]string{"PHY/2025S": "2025-02-03", "PHY/2026S": "2026-02-02"}
	for _, course := range []string{"PHY/2025S", "PHY/2026S"} {
		start, err := time.Parse(time.DateOnly, courses[course])
		if err != nil {
			t.Fatal(err)
		}
		on := func(day int, clock string) string { return start.AddDate(0, 0, day).Format(time.DateOnly) + clock }
		for k, due := range []int{14, 28, 56} {
			fmt.Fprintf(&events, "*,%s,%s,due:essay %d,30,\n", course, on(due, ""), k+1)
		}
		for i := range 200 {
			student := fmt.Sprintf("%s-%03d", course[4:], i)
			ok := r.Float64() < .6
			passed[student] = ok == (r.Float64() < .92)
			fmt.Fprintf(&outcomes, "%s,%s,%s\n", student, course, map[bool]string{true: "Pass", false: "fail"}[passed[student]])
			for day := 0; day < 84; day += 1 + r.IntN(3) {
				if !ok && day > 12 && r.IntN(4) > 0 { // goes silent
					continue
				}
				fmt.Fprintf(&events, "%s,%s,%s,page,%d,page-%d\n", student, course, on(day, fmt.Sprintf("T%02d:15", 8+r.IntN(12))), 1+r.IntN(9), r.IntN(30))
			}
			for k, due := range []int{14, 28, 56} {
				if ok || r.IntN(3) == 0 {
					fmt.Fprintf(&events, "%s,%s,%s,score:essay %d,%d,\n", student, course, on(due-r.IntN(3), ""), k+1, 45+r.IntN(50))
				}
			}
			if i%3 == 0 {
				fmt.Fprintf(&posts, "%s,%s,%s,%s\n", student, course, on(9, " 18:30"), []string{"Could someone explain the second law? I am lost.", "Thanks - this was a great lecture!", "老师 这个 问题 怎么 做 ？"}[r.IntN(3)])
			}
		}
	}
	events.WriteString("nobody,PHY/2026S,2026-03-01,page,1,\n")
	for name, text := range map[string]string{"events.csv": events.String(), "outcomes.csv": outcomes.String(), "posts.csv": posts.String(), "courses.csv": "course,start,days\nPHY/2025S,2025-02-03,84\nPHY/2026S,2026-02-02,84\n"} {
		put(t, text, dir, name)
	}
	if said := tell(t, "events: 2 courses, 400 enrolments", "import", dir); !strings.Contains(said, "events.csv:") || !strings.Contains(said, "1 bad rows kept out") {
		t.Errorf("the bad row: %q", said)
	}
	out := t.TempDir()
	at := func(name string) string { return filepath.Join(out, name) }
	tell(t, "events: 2 courses, 400 enrolments", "import", dir, "--out", at("compact"))
	for _, model := range []string{"gbdt", "lstm"} {
		tell(t, model+" for day 35", "train", dir, "--presentations", "2025S", "--day", "35", "--model", model, "--quick", "--out", at(model))
		tell(t, "predictions of "+model, "predict", at("compact"), "--presentations", "2026S", "--weights", at(model), "--out", at(model+".csv"))
		right, all := 0, chances(t, at(model+".csv"))
		for student, p := range all {
			if passed[student] == (p > .5) {
				right++
			}
		}
		if len(all) != 200 || right < 160 {
			t.Errorf("%s: %d of %d right, 92 %% can be", model, right, len(all))
		}
	}
	tell(t, "day 35, active", "eval", dir, "--train", "2025S", "--test", "2026S", "--days", "14,35", "--models", "majority,lr,gru", "--fair", "lr", "--quick", "--out", at("eval"))
	tell(t, "page:", "suggest", dir, "--weights", at("lstm"), "--course", "PHY/2026S", "--out", at("suggest"))
	if text, err := os.ReadFile(at("suggest/indices.csv")); err != nil || strings.Count(string(text), "\n") != 201 {
		t.Errorf("indices of 200 students: %v", err)
	}
	// What is dated after the day moves nothing, posts included.
	before := chances(t, at("gbdt.csv"))
	var kept strings.Builder
	for _, line := range strings.SplitAfter(events.String(), "\n") {
		if f := strings.Split(line, ","); len(f) > 3 && f[1] == "PHY/2026S" && f[2] >= "2026-03-10" && f[0] != "*" { // day 36
			continue
		}
		kept.WriteString(line)
	}
	put(t, kept.String(), dir, "events.csv")
	put(t, posts.String()+"2026S-000,PHY/2026S,2026-03-10 08:00,I hate this and give up.\n", dir, "posts.csv")
	tell(t, "predictions of gbdt", "predict", dir, "--presentations", "2026S", "--weights", at("gbdt"), "--out", at("cut.csv"))
	for student, p := range chances(t, at("cut.csv")) {
		if p != before[student] {
			t.Fatalf("student %s: %g, without what comes later %g", student, before[student], p)
		}
	}
	// A log that ends before the day of the prediction is told of, and so are personal attributes that this form does not have.
	kept.Reset()
	for _, line := range strings.SplitAfter(events.String(), "\n") {
		if f := strings.Split(line, ","); len(f) > 3 && f[1] == "PHY/2026S" && f[2] >= "2026-03-02" && f[0] != "*" { // day 28
			continue
		}
		kept.WriteString(line)
	}
	short := t.TempDir()
	put(t, kept.String(), short, "events.csv")
	put(t, outcomes.String(), short, "outcomes.csv")
	put(t, "student,course,time,text\n2026S-000,PHY/2026S,2026-02-20,I am lost.\n", short, "posts.csv")
	put(t, "course,start,days\nPHY/2025S,2025-02-03,84\nPHY/2026S,2026-02-02,84\n", short, "courses.csv")
	const future = "PHY/2026S is on day 35 on 2026-03-09, and the log ends on 2026-03-01"
	if said := tell(t, "predictions of gbdt", "predict", short, "--presentations", "2026S", "--weights", at("gbdt"), "--out", at("short.csv")); !strings.Contains(said, future) {
		t.Errorf("the log ends before the day: said %q", said)
	}
	tell(t, future, "suggest", short, "--weights", at("gbdt"), "--course", "PHY/2026S", "--out", at("short"))
	if said := tell(t, "predictions of gbdt", "predict", dir, "--presentations", "2026S", "--weights", at("gbdt"), "--out", at("cut.csv")); strings.Contains(said, "ends on") {
		t.Errorf("the log does not end before the day: said %q", said)
	}
	if _, stderr, code := classlens(t, "learner", "train", dir, "--presentations", "2025S", "--day", "35", "--model", "lr", "--with-static", "--out", at("static")); code != exitUsage || !strings.Contains(stderr, "has no personal attributes") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	for file, column := range map[string]string{"events.csv": "kind", "outcomes.csv": "result", "posts.csv": "text", "courses.csv": "days"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		put(t, strings.Replace(string(text), column, "other", 1), dir, file)
		if _, stderr, code := classlens(t, "learner", "import", dir); code != exitFailed || !strings.Contains(stderr, fmt.Sprintf("%s: column %q is missing", file, column)) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d: %s", file, code, stderr)
		}
		put(t, string(text), dir, file)
	}
}
