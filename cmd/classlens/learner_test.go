package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"classlens/internal/learner"
	"classlens/internal/learner/synthlog"
)

// madeLog writes a made-up log in OULAD's layout.
func madeLog(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := synthlog.Write(dir, synthlog.Options{Seed: 5, Students: 400, Modules: 1, Weeks: 16, Rows: 20000}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// unregistered adds a student who is enrolled and has no day of registration: predict says so.
func unregistered(t *testing.T, data string, at func(string) string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(data, "studentInfo.csv"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("AAA,2014B,nobody,F,Wales,,,,0,60,N,\n")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, before, _ := classlens(t, "learner", "predict", at("compact"), "--presentations", "2014B", "--weights", at("weights"), "--out", at("before.csv"))
	_, after, code := classlens(t, "learner", "predict", data, "--presentations", "2014B", "--weights", at("weights"), "--out", at("after.csv"))
	n := 0
	fmt.Sscanf(before[max(0, strings.Index(before, "no prediction")):], "no prediction for %d", &n)
	if want := fmt.Sprintf("no prediction for %d enrolled", n+1); code != exitDone || !strings.Contains(after, want) {
		t.Errorf("exit %d, said %q, want %q", code, after, want)
	}
	a, _ := os.ReadFile(at("before.csv"))
	if b, err := os.ReadFile(at("after.csv")); err != nil || !bytes.Equal(a, b) {
		t.Errorf("one who is not registered changes the predictions of others: %v", err)
	}
}

// From a log to predictions, an evaluation and suggestions, as a user would.
func TestLearnerEndToEnd(t *testing.T) {
	data, out := madeLog(t), t.TempDir()
	at := func(name string) string { return filepath.Join(out, name) }
	run := func(want string, args ...string) {
		t.Helper()
		stdout, stderr, code := classlens(t, append([]string{"learner"}, args...)...)
		if code != exitDone || !strings.Contains(stdout, want) {
			t.Fatalf("%v: exit %d, printed %q, said %q", args, code, stdout, stderr)
		}
	}
	run("400 enrolments", "import", data, "--out", at("compact"))
	run("lstm for day 56", "train", data, "--presentations", "2013B,2013J", "--day", "56", "--model", "lstm", "--quick", "--out", at("weights"))
	run("predictions of lstm", "predict", at("compact"), "--presentations", "2014B", "--weights", at("weights"), "--out", at("pred.csv"))
	checkPredictions(t, at("pred.csv"))
	unregistered(t, data, at)
	run("page:", "suggest", data, "--weights", at("weights"), "--course", "AAA/2014B", "--most", "3", "--out", at("suggest"))
	eval := []string{"eval", data, "--train", "2013B,2013J", "--test", "2014B", "--days", "28,mid", "--models", "majority,lr,gru", "--fair", "lr", "--with-static", "--quick", "--out", at("eval")}
	run("day mid, active", eval...)
	first, err := os.ReadFile(at("eval/eval.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, stderr, _ := classlens(t, append([]string{"learner"}, eval...)...)
	if strings.Contains(stderr, "train ") || !strings.Contains(stderr, "have lr+static") {
		t.Errorf("the second run trained again: %s", stderr)
	}
	if again, _ := os.ReadFile(at("eval/eval.json")); string(again) != string(first) {
		t.Error("the second run, from the first one's weights, gives other figures")
	}
	checkEvaluation(t, first)
	picture, err := os.ReadFile(at("eval/" + learner.PictureName))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := png.Decode(bytes.NewReader(picture)); err != nil || p.Bounds().Dx() < 600 || p.Bounds().Dy() < 300 {
		t.Errorf("the curves: %v", err)
	}
	for _, name := range []string{"suggest/suggest.html", "suggest/suggest.csv", "suggest/indices.csv", "eval/eval.html", "eval/eval.txt"} {
		text, err := os.ReadFile(at(name))
		if err != nil || len(text) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.HasSuffix(name, ".html") && (!strings.Contains(strings.ToLower(string(text)), "not for grading") || strings.Contains(string(text), "ZgotmplZ") || strings.Contains(string(text), "://")) {
			t.Errorf("%s: without its mark, or loads something", name)
		}
	}
}

func checkPredictions(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || strings.Join(rows[0], ",") != "code_module,code_presentation,id_student,day,p_pass,result" || len(rows) < 100 {
		t.Fatalf("%v %v", err, rows[:1])
	}
	for _, r := range rows[1:] {
		if p, err := strconv.ParseFloat(r[4], 64); err != nil || !(p >= 0 && p <= 1) || r[0] != "AAA" || r[1] != "2014B" || r[3] != "56" || r[5] == "" {
			t.Fatalf("%v", r)
		}
	}
}

func checkEvaluation(t *testing.T, data []byte) {
	t.Helper()
	var e struct {
		Days []struct {
			Populations map[string][]struct {
				Model string
				AUC   struct{ Value, Low, High float64 } `json:"roc_auc"`
			}
			Fairness map[string][]struct{ Attribute string }
		}
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Days) != 2 || len(e.Days[1].Populations["active"]) != 4 || len(e.Days[1].Fairness["lr+static"]) != 4 {
		t.Fatalf("%+v", e)
	}
	for _, f := range e.Days[1].Populations["active"] {
		if f.Model == "lr" && !(f.AUC.Low > .6 && f.AUC.Low < f.AUC.Value && f.AUC.Value < f.AUC.High) {
			t.Errorf("%+v", f)
		}
	}
}

// Each mistake is one line that says what to do, with the documented code.
func TestLearnerMistakes(t *testing.T) {
	data := madeLog(t)
	broken := madeLog(t)
	if err := os.WriteFile(filepath.Join(broken, "studentAssessment.csv"), []byte("id_assessment,id_student,date_submitted,score\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := madeLog(t)
	text, err := os.ReadFile(filepath.Join(bad, "courses.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, "courses.csv"), append(text, "ZZZ,2013J,long\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	folders := strings.NewReplacer("{data}", data, "{broken}", broken, "{bad}", bad, "{empty}", empty) // whose names may have blanks
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"import {broken}", exitFailed, `studentAssessment.csv: column "is_banked" is missing`},
		{"import {empty}", exitFailed, "neither courses.csv nor courses.csv.gz"},
		{"import {empty}/nothing", exitFailed, "no such file or folder"},
		{"import {bad} --strict", exitPartial, "courses.csv:5: module_presentation_length"},
		{"train {data} --presentations 2013B --day soon --out x", exitUsage, `day "soon": want mid, end or a number`},
		{"train {data} --presentations 2013B --model oracle --out x", exitUsage, `model "oracle": want one of`},
		{"train {data} --day mid --out x", exitUsage, "--presentations is missing"},
		{"train {data} --presentations 2015B --out x", exitUsage, `presentation "2015B" has no enrolments; there are [2013B 2013J 2014B]`},
		{"predict {data} --presentations 2014B --weights {empty} --out x", exitFailed, "no manifest.json"},
		{"eval {data} --train 2013B --test 2013B --out {empty}", exitUsage, "2013B is in training and in test"},
		{"eval {data} --train 2013B --test 2013J --days , --out x", exitUsage, "--days is missing: name days"},
		{"eval {data} --train 2013B --test 2013J --with-static --static-models oracle --out x", exitUsage, `--static-models: model "oracle": want one of`},
		{"suggest --out {empty}", exitUsage, "name a learning log"},
		{"suggest --lesson {empty} --out {empty}", exitFailed, "no timeline.csv: no folder that classlens analyze left"},
	} {
		args := strings.Fields("learner " + c.args)
		for i, a := range args {
			args[i] = folders.Replace(a)
		}
		_, stderr, code := classlens(t, args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, want %d: %s", c.args, code, c.code, stderr)
		}
		if n := strings.Count(stderr, "\n"); n > 3 {
			t.Errorf("%s: %d lines: %s", c.args, n, stderr)
		}
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("something was written")
	}
}
