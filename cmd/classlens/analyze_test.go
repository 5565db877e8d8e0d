package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"classlens/internal/analysis"
	"classlens/vision/video"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		faultsIfAsked()
		main()
	}
	video.RunWorkerIfAsked()
	os.Exit(m.Run())
}

// classlens runs the program with its real commands and gives what it printed
// and its exit code.
func classlens(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, log bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&log)
	err := root.ExecuteContext(context.Background())
	return out.String(), log.String() + lineOf(err), exitCode(err)
}

func lineOf(err error) string {
	if err == nil || err.Error() == "" {
		return ""
	}
	return "classlens: " + errorLine(err) + "\n"
}

// clip cuts some seconds of the sample.
func clip(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	full := append([]string{"-v", "error", "-y", "-ss", "20", "-t", "4", "-i", "../../samples/lesson.mp4"}, args...)
	full = append(full, "-threads", "3", path) // x264 makes other pictures with another number of threads, and takes what the machine has
	if out, err := exec.Command("ffmpeg", full...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	return path
}

func TestAnalyzeSample(t *testing.T) {
	in, out := clip(t, "four seconds.mp4"), t.TempDir()
	stdout, stderr, code := classlens(t, "analyze", in, "--out", out)
	if code != exitDone || !strings.Contains(stdout, "students") {
		t.Fatalf("exit %d, printed %q, said %q", code, stdout, stderr)
	}
	dir := filepath.Join(out, "four seconds")
	for _, f := range []string{"timeline.csv", "intervals.csv", "students.csv", "summary.json", "timeline.parquet", "report.html", "manifest.json"} {
		if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", f, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	checkTimeline(t, filepath.Join(dir, "timeline.csv"))
	checkSummary(t, filepath.Join(dir, "summary.json"))

	stdout, _, code = classlens(t, "analyze", in, "--out", out)
	if code != exitDone || !strings.Contains(stdout, "already analyzed") {
		t.Errorf("the second run: exit %d, %q", code, stdout)
	}
	again := t.TempDir()
	if _, stderr, code = classlens(t, "analyze", in, "--out", again); code != exitDone {
		t.Fatal(stderr)
	}
	for _, f := range []string{"timeline.csv", "intervals.csv", "students.csv", "timeline.parquet", "report.html"} {
		a, _ := os.ReadFile(filepath.Join(dir, f))
		b, _ := os.ReadFile(filepath.Join(again, "four seconds", f))
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two runs give different bytes", f)
		}
	}
}

// checkTimeline: the columns of docs/formats.md, people at every step, a decision
// for whoever is visible and nothing for whoever is not.
// TestSeats: with a seat file the chairs keep their names in a recording of the
// same room by a camera that was nudged; a broken file is refused at once and kept.
func TestSeats(t *testing.T) {
	file, out := filepath.Join(t.TempDir(), "room.json"), t.TempDir()
	chairs := map[string][2]float64{}
	for _, c := range []struct {
		name   string
		dx, dy float64
	}{{"monday.mp4", 0, 0}, {"tuesday.mp4", 14, 8}} {
		in := clip(t, c.name, "-vf", fmt.Sprintf("crop=600:340:%v:%v", c.dx, c.dy))
		if _, stderr, code := classlens(t, "analyze", in, "--out", out, "--seats", file); code != exitDone {
			t.Fatalf("exit %d, said %q", code, stderr)
		}
		f, err := os.Open(filepath.Join(out, strings.TrimSuffix(c.name, ".mp4"), "students.csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil || len(rows) < 10 {
			t.Fatalf("%d students, %v", len(rows)-1, err)
		}
		same := 0
		for _, r := range rows[1:] {
			x, _ := strconv.ParseFloat(r[1], 64)
			y, _ := strconv.ParseFloat(r[2], 64)
			x, y = x+c.dx, y+c.dy
			if at, known := chairs[r[0]]; known && r[0][0] == 'S' {
				if math.Hypot(at[0]-x, at[1]-y) > 12 { // half a head of this clip
					t.Errorf("%s sat at %v on Monday and sits at %.0f, %.0f", r[0], at, x, y)
				}
				same++
			}
			chairs[r[0]] = [2]float64{x, y}
		}
		if c.dx > 0 && same < 8 {
			t.Errorf("%d students of %d are known again", same, len(rows)-1)
		}
	}
	inside := filepath.Join(t.TempDir(), "results", "room.json") // beside the results, whose folder is not there yet
	if _, stderr, code := classlens(t, "analyze", clip(t, "short.mp4", "-t", "4"), "--out", filepath.Dir(inside), "--seats", inside, "--set", "people.preset=fast"); code != exitDone {
		t.Errorf("a seat file in the folder of results: exit %d, said %q", code, stderr)
	} else if _, err := os.Stat(inside); err != nil {
		t.Error(err)
	}
	if _, stderr, code := classlens(t, "analyze", "../../samples/lesson.mp4", "--out", out, "--seats", "/proc/room.json"); code != exitUsage || strings.Contains(stderr, "people") {
		t.Errorf("a seat file that cannot be written: exit %d, said %q", code, stderr)
	}
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := classlens(t, "analyze", "../../samples/lesson.mp4", "--out", out, "--seats", file)
	if left, _ := os.ReadFile(file); code != exitUsage || !strings.Contains(stderr, "room.json") || string(left) != "{}" {
		t.Errorf("a broken seat file: exit %d, said %q, left %q", code, stderr, left)
	}
}

func checkTimeline(t *testing.T, name string) {
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
	want := "time_s,student,x,y,w,h,visible,behaviour,behaviour_p,attention,attention_p,engagement,engagement_p,motion"
	if got := strings.Join(rows[0], ","); got != want {
		t.Fatalf("columns %s", got)
	}
	visible := 0
	for _, r := range rows[1:] {
		if r[6] == "1" {
			visible++
		}
		if (r[6] == "1") != (r[7] != "") || (r[6] == "1") != (r[2] != "") {
			t.Errorf("row %v", r)
		}
	}
	// Seventeen students sit there, but four steps are too little evidence for those in the back rows.
	if visible < 4*8 {
		t.Errorf("%d rows, %d of them visible", len(rows)-1, visible)
	}
}

func checkSummary(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		State string
		Class struct{ Students int }
		Run   struct {
			Timings map[string]float64 `json:"timings_s"`
		}
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if s.State != "done" || s.Class.Students < 8 || s.Class.Students > 22 || s.Run.Timings["people"] <= 0 {
		t.Errorf("summary %+v", s)
	}
}

func TestDamagedRecordingIsPartial(t *testing.T) {
	whole := clip(t, "whole.mkv", "-c", "copy")
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.mkv")
	if err := os.WriteFile(cut, b[:len(b)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	stdout, stderr, code := classlens(t, "analyze", cut, "--out", out)
	if code != exitPartial || !strings.Contains(stdout, "partial") || !strings.Contains(stdout, "without data") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

func TestBadInputIsOneLine(t *testing.T) {
	text := filepath.Join(t.TempDir(), "notes.mp4")
	if err := os.WriteFile(text, []byte("#EXTM3U\nlesson.mp4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"missing file", []string{"analyze", "nowhere.mp4"}, exitFailed, "no such file"},
		{"playlist", []string{"analyze", text}, exitFailed, "not a video file"},
		{"no recording", []string{"analyze"}, exitUsage, "--help"},
		{"unknown flag", []string{"analyze", "--fast", "x.mp4"}, exitUsage, "unknown flag"},
		{"unknown setting", []string{"analyze", "x.mp4", "--set", "video.step_second=1"}, exitUsage, "did you mean \"video.step_seconds\"?"},
		{"bad setting", []string{"analyze", "x.mp4", "--set", "video.step_seconds=100"}, exitUsage, "between 0.2 and 10"},
		{"bad device", []string{"analyze", "x.mp4", "--device", "tpu"}, exitUsage, "one of: auto, cpu, cuda"},
		{"no device", []string{"analyze", "x.mp4", "--device", "cuda:77"}, exitFailed, "no CUDA device"},
		{"no number", []string{"analyze", "x.mp4", "--set", "video.step_seconds=fast"}, exitUsage, "video.step_seconds"},
		{"no weights", []string{"analyze", "x.mp4", "--set", "network.weights=none.onnx"}, exitUsage, "network.weights: open none.onnx: no such file"},
		{"weights that are none", []string{"analyze", "x.mp4", "--set", "network.weights=" + text}, exitUsage, "network.weights takes"},
		{"same name twice", []string{"analyze", "a/x.mp4", "b/x.mkv"}, exitUsage, "both write to x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, code := classlens(t, append(c.args, "--out", t.TempDir())...)
			if code != c.code || !strings.Contains(stderr, c.want) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
				t.Errorf("exit %d, said %q; want %d and %q on one line", code, stderr, c.code, c.want)
			}
		})
	}
}

// Wrong usage of any command is exit code 2, and one line that says what is wanted or the nearest there is.
func TestWrongUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"bogus", `no command "bogus"`},
		{"help bogus", `no command "bogus"`},
		{"help analyse", "did you mean analyze?"},
		{"analyse x.mp4", "did you mean analyze?"},
		{"analyze", "usage: classlens analyze RECORDING... --out OUT; got nothing"},
		{"eval one two", `usage: classlens eval DATA; got ["one" "two"]`},
		{"doctor twice", `got ["twice"]`},
		{"analyze --anotate x.mp4", "did you mean --annotate?"},
		{"analyze --o x.mp4", "did you mean --out?"},
		{"analyze --set people.preset=fsat x.mp4", "did you mean fast?"},
		{"analyze --set run.threads=two x.mp4", `run.threads is "two"; it must be a whole number`},
		{"bench track --preset fast,nosuch x.mp4", "--preset nosuch: there are best, default, fast, pretrained"},
		{"bench trak", "did you mean track?"},
		{"bench track x.mp4 --truth nosuch", "nosuch/boxes.csv: no such file"},
		{"bench track a/000/video.mp4 b/000/video.mp4 --rows r", "b/000/video.mp4 would both write to PRESET-000.csv"},
		{"bench track x.mp4 --between-fps NaN", "--between-fps above 0"},
		{"bench track x.mp4 --threads -1", "--threads and --detectors from 0"},
		{"completion bahs", "did you mean bash?"},
		{"completion bash zsh", `usage: classlens completion bash; got ["zsh"]`},
		{"label --agreement anna", `--agreement compares two raters: name two folders; got ["anna"]`},
		{"analyze x.mp4 --out=", "--out is empty"},
		{"analyze x.mp4 --seats=", "--seats is empty"},
		{"analyze x.mp4 --share=", "--share is empty"},
		{"analyze x.mp4 --set=", "--set is empty"},
		{"check x --recordings=", "--recordings is empty"},
		{"eval x --weights=", "--weights is empty"},
		{"label x y --kinds=", "--kinds is empty"},
		{"learner predict x --weights w --out=", "--out is empty"},
		{"eval x --attack fgsm --attack-size NaN", "a size above 0"},
		{"eval x --threads -1", "want numbers from 0"},
		{"eval x --weights w.onnx --size s", "nothing to choose"},
		{"eval x --alone --size s", "--alone goes with --size box"},
		{"eval x --attack-samples 5", "--attack-samples goes with --attack"},
		{"label x y --seed 5", "--seed goes with --sample"},
		{"label x y --blind", "--blind goes with --sample"},
		{"label --agreement . ./", "the same folder"},
		{"label root.go x", "root.go is a file: first comes the folder"},
		{"label --agreement x y --out z", "--out says nothing"},
		{"learner suggest x --weights w --course c --out o --most 0", "--most 0: want a number from 1"},
		{"learner suggest x --weights w --course c --out o --below 0", "--below 0: want a chance above 0"},
		{"learner suggest x --weights w --course c --out o --below NaN", "--below NaN: want a chance"},
		{"learner suggest x --weights w --course c --out o --order best", "--order best: want risk or fall"},
		{"learner suggest --lesson x --weights w --out o", "--weights is about a learning log"},
		{"eval x --part val", "name its file with --split"},
		{"eval x --threads two", `--threads is "two"; it must be a whole number (see`},
		{"dataset split x --seed -1", `--seed is "-1"; it must be a whole number from 0 (see`},
		{"dataset split x --test some", `--test is "some"; it must be a number (see`},
		{"analyze x.mp4 --json=maybe", `--json is "maybe"; it must be true or false (see`},
	} {
		stdout, stderr, code := classlens(t, strings.Fields(c.args)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("classlens %s: exit %d, printed %q, said %q; want %q", c.args, code, stdout, stderr, c.want)
		}
	}
	if _, stderr, code := classlens(t, "analyze", ""); code != exitUsage || !strings.Contains(stderr, "name is empty") {
		t.Errorf("no name: exit %d, said %q", code, stderr)
	}
	if _, stderr, code := classlens(t, "check", "analyze_test.go"); code != exitFailed || !strings.Contains(stderr, "analyze_test.go: not a folder") {
		t.Errorf("check of a file: exit %d, said %q", code, stderr)
	}
	if stdout, _, code := classlens(t, "help", "bench", "track"); code != exitDone || !strings.Contains(stdout, "classlens bench track RECORDING...") {
		t.Errorf("help: exit %d, %q", code, stdout)
	}
}

// What settings prints is taken as a settings file, and the table as a labels file.
func TestSettingsArePrinted(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"mine.yaml": "", "labels.yaml": ""}
	for name := range files {
		args := []string{"settings"}
		if name == "labels.yaml" {
			args = append(args, "--labels")
		}
		stdout, _, code := classlens(t, args...)
		if code != exitDone {
			t.Fatalf("%q: exit %d", args, code)
		}
		files[name] = filepath.Join(dir, name)
		if err := os.WriteFile(files[name], []byte(stdout), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, stderr, code := classlens(t, "analyze", filepath.Join(dir, "none.mp4"), "--config", files["mine.yaml"], "--labels", files["labels.yaml"], "--out", dir)
	if code != exitFailed || !strings.Contains(stderr, "no such file") {
		t.Errorf("exit %d, said %q", code, stderr)
	}
}

// The shell is told what may stand behind a flag.
func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"analyze", "--device", ""}, "cuda:all\n"},
		{[]string{"analyze", "--set", "people."}, "people.preset=\n"},
		{[]string{"analyze", ""}, "\nmp4\n"},
		{[]string{"bench", "track", "--preset", ""}, "best\ndefault\nfast\n"},
		{[]string{"eval", "--size", ""}, "box\n"},
	} {
		stdout, _, code := classlens(t, append([]string{"__complete"}, c.args...)...)
		if code != exitDone || !strings.Contains("\n"+stdout, c.want) {
			t.Errorf("%q: exit %d, offered %q, want %q", c.args, code, stdout, c.want)
		}
	}
}

// What is named twice is analyzed once.
func TestNamedTwice(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "lesson.mp4")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := expandRecordings([]string{dir, file, dir + "/./lesson.mp4"})
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// A folder: hidden files are no recordings, everything else that is called a video ends in a state that check knows later, and no name can pretend to be a line
// of its own or move the cursor.
func TestFolderOfAllSorts(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	for _, name := range []string{"._lesson.mp4", "text.mp4", "two\nlines\x1b[2J.mp4", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(in, name), []byte("no video at all, whatever it is called"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(out, "nothing"), filepath.Join(in, "link.mp4")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(in, ".pipe"), 0o600); err != nil { // nobody ever writes to it
		t.Fatal(err)
	}
	if err := os.Symlink(".pipe", filepath.Join(in, "to a pipe.mp4")); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := classlens(t, "analyze", in, "--out", out)
	if code != exitFailed || !strings.Contains(stderr, "(a link to a pipe)") || !strings.Contains(stderr, `two\nlines\x1b[2J.mp4: failed`) || !strings.Contains(stderr, "link.mp4: failed") || strings.Contains(stderr, "._lesson") || strings.Contains(stderr, "\x1b") {
		t.Errorf("exit %d, said %q", code, stderr)
	}
	stdout, _, code := classlens(t, "check", out)
	if code != exitPartial || strings.Count(stdout, ": failed\n") != 4 || strings.Count(stdout, "not a video file") != 2 || !strings.Contains(stdout, "link.mp4: no such file") {
		t.Errorf("check: exit %d, said %q", code, stdout)
	}
	if _, _, code := classlens(t, "analyze", filepath.Join(in, "none.mp4"), "--out", out); code != exitFailed {
		t.Errorf("no file: exit %d", code)
	}
	if _, err := os.Stat(filepath.Join(out, "none")); err == nil {
		t.Error("a file that is not there left a folder")
	}
}

// A failure is told until the recording has been analyzed.
func TestFailureIsForgottenWhenItIsDone(t *testing.T) {
	in, out := filepath.Join(t.TempDir(), "lesson.mp4"), t.TempDir()
	good, err := os.ReadFile(clip(t, "good.mp4", "-t", "1"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(clip(t, "other.mp4", "-t", "1", "-vf", "hflip"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		content []byte
		analyze int
		check   string
	}{{"bad", good[:1000], exitFailed, "lesson: failed\n"}, {"good", good, exitDone, "lesson: done\n"}, {"bad again", good[:1000], exitFailed, "lesson: failed\n"}, {"good again", good, exitDone, "lesson: done\n"}, {"other", other, exitDone, "lesson: done\n"}} {
		if err := os.WriteFile(in, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, stderr, code := classlens(t, "analyze", in, "--out", out, "--set", "people.preset=fast")
		if code != c.analyze {
			t.Fatalf("%s: exit %d, %s", c.name, code, stderr)
		}
		if told := strings.Contains(stderr, "results of another recording"); told != (c.name == "other") {
			t.Errorf("%s: that results are replaced is told: %v", c.name, told)
		}
		if stdout, _, _ := classlens(t, "check", out); !strings.Contains(stdout, c.check) || c.name == "bad again" && !strings.Contains(stdout, "an earlier run's") {
			t.Errorf("%s: check says %q", c.name, stdout)
		}
	}
}

func TestUnknownCommand(t *testing.T) {
	for _, c := range [][]string{{"analyse", "x.mp4"}, {"learner", "predcit"}, {"dataset", "chek", "x"}, {"bench", "all"}} {
		if _, stderr, code := classlens(t, c...); code != exitUsage || !strings.Contains(stderr, fmt.Sprintf("has no command %q", c[len(c)-1])) && !strings.Contains(stderr, "did you mean") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, said %q", c, code, stderr)
		}
	}
	for _, c := range []string{"learner", "dataset", "bench"} {
		if stdout, _, code := classlens(t, c); code != exitDone || !strings.Contains(stdout, "Available Commands:") {
			t.Errorf("%s: exit %d, printed %q", c, code, stdout)
		}
	}
}

// A reader that stops listening, as head does, ends no analysis.
func TestReaderThatIsGone(t *testing.T) {
	in, out := clip(t, "lesson.mp4", "-t", "1"), t.TempDir()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	var said bytes.Buffer
	cmd := exec.Command(os.Args[0], "analyze", in, "--out", out, "--json", "--set", "people.preset=fast")
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), asProgram+"=1"), writer, &said
	err = cmd.Run()
	writer.Close()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if stdout, _, code := classlens(t, "check", out); code != exitDone {
		t.Errorf("check: exit %d, %s", code, stdout)
	}
}

// Every line of --json is an object; all stages that take long are told, the drawing of the annotated video, which takes longest, too, and what is left grows no
// larger when a stage ends.
func TestEvents(t *testing.T) {
	in, out := clip(t, "lesson.mp4"), t.TempDir()
	stdout, stderr, code := classlens(t, "analyze", in, "--out", out, "--json", "--annotate", "--set", "people.preset=fast")
	if code != exitDone || stderr != "" {
		t.Fatalf("exit %d, said %q", code, stderr)
	}
	stages, kinds := map[string]float64{}, []string{}
	for line := range strings.Lines(stdout) {
		var e struct {
			Event, Recording, Stage, State, Folder string
			Done                                   float64 `json:"done_s"`
			Total                                  float64 `json:"total_s"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Recording != "lesson.mp4" {
			t.Fatalf("%q: %v", line, err)
		}
		if kinds = append(kinds, e.Event); e.Event == "progress" {
			if e.Done < stages[e.Stage] || e.Done > e.Total || e.Total != 4 {
				t.Errorf("%s goes from %g to %g of %g s", e.Stage, stages[e.Stage], e.Done, e.Total)
			}
			stages[e.Stage] = e.Done
		}
	}
	// Who looked at the results with a file manager damaged nothing; what else lies there is told.
	for name, want := range map[string]int{".DS_Store": exitDone, "notes.txt": exitFailed} {
		if err := os.WriteFile(filepath.Join(out, "lesson", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if stdout, stderr, code := classlens(t, "check", out); code != want || want != exitDone && (!strings.Contains(stdout, "notes.txt: not listed in the manifest") || !strings.Contains(stderr, "move stray files away")) {
			t.Errorf("with %s: exit %d, %s%s", name, code, stdout, stderr)
		}
		if err := os.Remove(filepath.Join(out, "lesson", name)); err != nil {
			t.Fatal(err)
		}
	}
	if kinds[0] != "start" || kinds[len(kinds)-1] != "end" || len(stages) != 3 {
		t.Errorf("events %v, stages %v", kinds, stages)
	}
}

// Whatever a recording is called, its results lie in a folder of their own.
func TestRecordingName(t *testing.T) {
	for path, want := range map[string]string{"a/lesson.mp4": "lesson", "lesson.v2.mkv": "lesson.v2", "noext": "noext", ".hidden.mp4": ".hidden", ".mp4": ".mp4", "..mp4": "..mp4", "a/...mp4": "...mp4"} {
		if got := recordingName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// The moving line of a recording with a long name stays on one line of a terminal of 80 columns.
func TestProgressFitsTheTerminal(t *testing.T) {
	var log bytes.Buffer
	p := newProgress(&bytes.Buffer{}, &log, false)
	p.terminal = true
	name := "a rather long file name of a lesson in week 34, third period, room B 204.mp4"
	for _, stage := range []string{"people", "classify", "annotate"} {
		for done := range 40 {
			p.Event(analysis.Event{Kind: "progress", Recording: name, Stage: stage, Done: float64(100 * done), Total: 4000})
			time.Sleep(10 * time.Millisecond)
		}
	}
	longest := 0
	for _, line := range strings.FieldsFunc(log.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
		longest = max(longest, len([]rune(strings.TrimRight(line, " "))))
	}
	if longest < 40 || longest > 79 || !strings.Contains(log.String(), "a rather") || !strings.Contains(log.String(), "204.mp4: annotate") {
		t.Errorf("lines of up to %d characters: %q", longest, log.String())
	}
}

// A recording that does not say how long it is, as from a browser: seconds done are shown, not "of 0", and the line goes before anything lasting comes.
func TestProgressWithoutLength(t *testing.T) {
	var out, log bytes.Buffer
	p := newProgress(&out, &log, false)
	p.Event(analysis.Event{Kind: "progress", Recording: "web.webm", Stage: "people", Done: 7})
	if got := log.String(); got != "web.webm: people 7 s\n" {
		t.Errorf("in a log: %q", got)
	}
	log.Reset()
	p.terminal = true
	p.Event(analysis.Event{Kind: "progress", Recording: "web.webm", Stage: "people", Done: 7})
	p.Event(analysis.Event{Kind: "progress", Recording: "web.webm", Stage: "people", Done: 300})
	p.Event(analysis.Event{Kind: "note", Recording: "web.webm", Text: "something"})
	if got := log.String(); got != "\rweb.webm: people 7 s\x1b[K\rweb.webm: people 300 s\x1b[K\r\x1b[Kweb.webm: something\n" {
		t.Errorf("on a terminal: %q", got)
	}
}

// Programs that read --json find done_s in every line of progress, and in no other.
func TestProgressBeginsAtNought(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, &bytes.Buffer{}, true)
	p.Event(analysis.Event{Kind: "progress", Recording: "a.mp4", Stage: "people", Total: 5})
	p.Event(analysis.Event{Kind: "progress", Recording: "a.mp4", Stage: "people", Done: 2.5, Total: 5})
	p.Event(analysis.Event{Kind: "note", Recording: "a.mp4", Text: "x"})
	want := []string{`"done_s":0}`, `"done_s":2.5}`, `"text":"x"}`}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if !strings.HasSuffix(line, want[i]) || strings.Count(line, "done_s") > 1 {
			t.Errorf("%s, want it to end in %s", line, want[i])
		}
	}
}

// What a data set or a log holds does not move the cursor, whatever its classes and courses are called.
func TestNamesInDataAreNoCommands(t *testing.T) {
	set, log := t.TempDir(), t.TempDir()
	put(t, "vid,0902,0.1,0.2,0.3,0.6,wri\x1b[2Jte,7\nvid,0903,0.1,0.2,0.3,0.6,read,7\n", set, "ava.csv")
	put(t, "student,course,result\na\x1b[2J,P\x1b[2JHY/2026S,Pass\n,PHY/2026S,Pa\x1b[2Jss\n", log, "outcomes.csv")
	put(t, "student,course,time,kind,value\na\x1b[2J,P\x1b[2JHY/2026S,2026-03-01,video,1\n", log, "events.csv")
	for flag, where := range map[string]string{"--against": filepath.Join(set, "none.onnx"), "--predictions": set, "--out": filepath.Join(set, "ava.csv")} { // before anything is judged
		if stdout, stderr, code := classlens(t, "eval", set, "--size", "s", flag, where); code != exitFailed || stdout != "" || strings.Contains(stderr, "left out") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, where) {
			t.Errorf("%s %s: exit %d, %q, %q", flag, where, code, stdout, stderr)
		}
	}
	for _, args := range [][]string{{"dataset", "stats", set}, {"learner", "import", log}} {
		if stdout, stderr, code := classlens(t, args...); code != exitDone || strings.Contains(stdout+stderr, "\x1b") || !strings.Contains(stdout+stderr, `\x1b[2J`) {
			t.Errorf("%v: exit %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

// A folder that is not there does not keep the others from being checked, and one that is given twice is counted once.
func TestCheckOfSeveralFolders(t *testing.T) {
	out := t.TempDir()
	for _, name := range []string{"a", "b"} {
		put(t, `{"recording":"x.mp4","state":"failed","reason":"no","version":"1"}`, out, name, "failed.json")
	}
	stdout, stderr, code := classlens(t, "check", filepath.Join(out, "none"), filepath.Join(out, "a")+"/", out, filepath.Join(out, "nothing"))
	if code != exitFailed || strings.Count(stdout, ": failed\n") != 2 || !strings.Contains(stdout, "2 recordings: 0 done, 0 partial, 2 failed") || strings.Count(stderr, "no such folder") != 2 {
		t.Errorf("exit %d, printed %q, said %q", code, stdout, stderr)
	}
}

// A recording called like a flag, which *.mp4 catches: the message says how to name it.
func TestRecordingCalledLikeAFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"-dash.mp4", "--two.mp4"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := classlens(t, "analyze", name); code != exitUsage || !strings.Contains(stderr, "write ./"+name) || strings.Contains(stderr, "did you mean") {
			t.Errorf("%s: exit %d, said %q", name, code, stderr)
		}
	}
}

// A folder called like a video, which *.mp4 catches, costs itself only; any other folder without videos is still wrong usage.
func TestFolderCalledLikeAVideo(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	for _, name := range []string{"empty.MP4", "plain"} {
		if err := os.Mkdir(filepath.Join(in, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(in, "empty.MP4")
	_, stderr, code := classlens(t, "analyze", folder, clip(t, "good.mp4", "-t", "1"), "--out", out, "--set", "people.preset=fast")
	if code != exitPartial || strings.Count(stderr, "empty.MP4: failed") != 1 || !strings.Contains(stderr, "a folder") || !strings.Contains(stderr, "1 done, 0 partial, 1 failed") {
		t.Errorf("exit %d, said %q", code, stderr)
	}
	if stdout, _, code := classlens(t, "check", out); code != exitPartial || !strings.Contains(stdout, "empty: failed") || !strings.Contains(stdout, "good: done") {
		t.Errorf("check: exit %d, said %q", code, stdout)
	}
	if _, stderr, code := classlens(t, "analyze", folder, "--out", out); code != exitFailed || !strings.Contains(stderr, "a folder") {
		t.Errorf("alone: exit %d, said %q", code, stderr)
	}
	if _, stderr, code := classlens(t, "analyze", filepath.Join(in, "plain"), "--out", out); code != exitUsage || !strings.Contains(stderr, "no video file in this folder") {
		t.Errorf("a folder called otherwise: exit %d, said %q", code, stderr)
	}
}
