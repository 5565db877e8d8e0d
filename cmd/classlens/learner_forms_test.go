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
	tell(t, "day end, active", "eval", good, "--train", "fold1,fold2,fold3", "--test", "fold4,fold5", "--days", "1,end", "--models", "majority,lr,lstm", "--fair", "lr", "--quick", "--out", at("eval"))
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
