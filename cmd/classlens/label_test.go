package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// labeller is classlens label, running.
type labeller struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	log bytes.Buffer
}

// startLabel runs it and reads the address that it prints.
func startLabel(t *testing.T, args ...string) *labeller {
	t.Helper()
	l := &labeller{t: t, cmd: exec.Command(os.Args[0], append([]string{"label", "--no-open"}, args...)...)}
	l.cmd.Env = append(os.Environ(), asProgram+"=1")
	l.cmd.Stderr = &l.log
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.cmd.Process.Kill() }) // where the test ends before it
	if l.url, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		_ = l.cmd.Wait()
		t.Fatalf("no address: %s", l.log.String())
	}
	l.url = strings.TrimSpace(l.url)
	return l
}

// ask sends a request and gives what came.
func (l *labeller) ask(path, body string) []byte {
	l.t.Helper()
	method := "GET"
	if body != "" {
		method = "POST"
	}
	r, err := http.NewRequest(method, l.url+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		l.t.Fatalf("%s %s: %s %s (%v)", path, body, answer.Status, raw, err)
	}
	return raw
}

// end presses Ctrl-C.
func (l *labeller) end() {
	l.t.Helper()
	if err := l.cmd.Process.Signal(interruption()); err != nil {
		l.t.Fatal(err)
	}
	if err := l.cmd.Wait(); err != nil {
		l.t.Errorf("%v: %s", err, l.log.String())
	}
	if !strings.Contains(l.log.String(), "saved in") || strings.Contains(l.log.String(), "interrupted") {
		l.t.Errorf("said %q", l.log.String())
	}
}

// A researcher's way: a recording is analyzed, two raters label two students, what they gave is read as a data set, judged and compared.
func TestLabel(t *testing.T) {
	in, out := clip(t, "four seconds.mp4"), filepath.Join(t.TempDir(), "out")
	results := filepath.Join(out, "four seconds")
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no results", []string{"label", results, in}, exitFailed, "no results of classlens analyze"},
		{"one argument", []string{"label", results}, exitUsage, "usage: classlens label"},
		{"no port", []string{"label", results, in, "--port", "70000"}, exitUsage, "--port 70000"},
		{"json of nothing", []string{"label", results, in, "--json"}, exitUsage, "--json goes with --agreement"},
		{"raters who are not there", []string{"label", "--agreement", "nobody", "noone"}, exitFailed, "nobody"},
	} {
		if _, stderr, code := classlens(t, c.args...); code != c.code || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, said %q", c.name, code, stderr)
		}
	}
	if _, stderr, code := classlens(t, "analyze", in, "--out", out); code != exitDone {
		t.Fatal(stderr)
	}
	first := startLabel(t, results, in, "--rater", "anna")
	var lesson struct{ Students []struct{ ID string } }
	if err := json.Unmarshal(first.ask("lesson", ""), &lesson); err != nil || len(lesson.Students) < 2 {
		t.Fatalf("%+v (%v)", lesson, err)
	}
	s, other := lesson.Students[0].ID, lesson.Students[1].ID
	first.ask("change", `{"version":1,"do":"paint","student":"`+s+`","kind":"behaviour","label":"write","first":0,"end":4}`)
	first.ask("change", `{"version":2,"do":"paint","student":"`+other+`","kind":"behaviour","label":"read","first":0,"end":3}`)

	busy, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	_, port, err := net.SplitHostPort(busy.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"open already", []string{"label", results, in, "--rater", "anna", "--no-open"}, exitLocked, "locked by process"},
		{"a port that is taken", []string{"label", results, in, "--rater", "eve", "--no-open", "--port", port}, exitFailed, "in use"},
		{"another recording", []string{"label", results, "../../samples/lesson.mp4", "--no-open"}, exitFailed, "another recording"},
		{"a rater who is a path", []string{"label", results, in, "--rater", "a/b", "--no-open"}, exitUsage, "--rater"},
	} {
		if _, stderr, code := classlens(t, c.args...); code != c.code || !strings.Contains(stderr, c.says) || strings.Count(stderr, "classlens: ") != 1 {
			t.Errorf("%s: exit %d, said %q", c.name, code, stderr)
		}
	}
	first.end()

	second := startLabel(t, results, in, "--rater", "ben")
	second.ask("change", `{"version":1,"do":"paint","student":"`+s+`","kind":"behaviour","label":"write","first":0,"end":2}`)
	second.ask("change", `{"version":2,"do":"paint","student":"`+other+`","kind":"behaviour","label":"write","first":0,"end":1}`)
	second.end()
	again := startLabel(t, results, in, "--rater", "ben")
	if now := string(again.ask("labels", "")); strings.Count(now, `"write"`) != 2 {
		t.Errorf("opened again: %s", now)
	}
	again.end()

	anna, ben := filepath.Join(filepath.Dir(out), "out-labels", "anna"), filepath.Join(filepath.Dir(out), "out-labels", "ben")
	if stdout, stderr, code := classlens(t, "label", "--agreement", anna, ben); code != exitDone || !strings.Contains(stdout, "behaviour: agreement 0.667, Cohen's kappa 0.000; 3 steps of 2 students") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	var g struct {
		Kinds []struct {
			Kappa struct{ Value float64 }
			Steps int
		}
	}
	if stdout, _, _ := classlens(t, "label", "--agreement", anna, ben, "--json"); json.Unmarshal([]byte(stdout), &g) != nil || len(g.Kinds) != 1 || g.Kinds[0].Steps != 3 {
		t.Errorf("%s", stdout)
	}
	for _, args := range [][]string{{"dataset", "import", anna}, {"dataset", "stats", anna}} {
		stdout, stderr, code := classlens(t, args...)
		if code != exitDone || !strings.Contains(stdout, "2 samples in 1 media, 2 subjects") || !strings.Contains(stdout, "write") {
			t.Errorf("%v: exit %d, %s%s", args, code, stdout, stderr)
		}
	}
	if stdout, stderr, code := classlens(t, "eval", anna, "--size", "s", "--threads", "1"); code != exitDone || !strings.Contains(stdout, "2 boxes, accuracy") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}

	bad := filepath.Join(ben, "four seconds", "intervals.csv")
	if err := os.WriteFile(bad, []byte("start_s,end_s,student,kind,label,p\n0,2,"+s+",behaviour,asleep,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := classlens(t, "label", results, in, "--rater", "ben", "--no-open"); code != exitFailed || !strings.Contains(stderr, `intervals.csv: line 2: unknown behaviour "asleep"`) {
		t.Errorf("an unknown class: exit %d, said %q", code, stderr)
	}
	if raw, err := os.ReadFile(bad); err != nil || !strings.Contains(string(raw), "asleep") {
		t.Errorf("it was written over: %s (%v)", raw, err)
	}
}
