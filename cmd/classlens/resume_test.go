package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"classlens/internal/safefile"
)

// With asProgram in its environment the test binary is the program: main, its
// signals, its exit codes, in a process of its own that can be killed. killAt and fullAt
// then end it with SIGKILL, or let the disk be full, at the n-th write operation; holdUntil lets it wait in
// its heldAt-th one until there is a file of that name.
const (
	asProgram = "CLASSLENS_TEST_AS_PROGRAM"
	killAt    = "CLASSLENS_TEST_KILL_AT"
	fullAt    = "CLASSLENS_TEST_FULL_AT"
	holdUntil = "CLASSLENS_TEST_HOLD_UNTIL"
	onShared  = "CLASSLENS_TEST_ON_SHARED" // folders are on a file system that several machines share and whose locks do not hold between them
)

// heldAt lies in the second segment: the run has begun, and most of its work is before it.
const heldAt = 16

func faultsIfAsked() {
	deviceIfAsked()
	if os.Getenv(onShared) != "" {
		safefile.ActShared(time.Second, time.Hour)
	}
	kill, _ := strconv.Atoi(os.Getenv(killAt))
	full, _ := strconv.Atoi(os.Getenv(fullAt))
	hold := os.Getenv(holdUntil)
	if kill == 0 && full == 0 && hold == "" {
		return
	}
	n := 0
	safefile.SetFaults(func(operation, _ string) error {
		if operation != "write" { // to a buffer, hundreds of times for a report
			n++
		}
		if n == kill {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			time.Sleep(time.Minute)
		}
		if hold != "" && n == heldAt {
			for {
				if _, err := os.Stat(hold); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
		}
		if full > 0 && n >= full { // and it stays full
			return syscall.ENOSPC
		}
		return nil
	})
}

// lesson is one recording with an uninterrupted run's outputs to compare with.
type lessonRun struct {
	recording, whole string
	temporary        string // the system's folder for such files, as the runs see it
	took             time.Duration
	args             []string
}

func newLessonRun(t *testing.T, args ...string) *lessonRun {
	t.Helper()
	l := &lessonRun{recording: clip(t, "lesson.mp4", "-s", "640x360"), whole: t.TempDir(), temporary: t.TempDir(), args: args}
	begun := time.Now()
	if cmd, said := l.start(t, l.whole); cmd.Wait() != nil {
		t.Fatal(said)
	}
	l.took = time.Since(begun)
	return l
}

func (l *lessonRun) line(out string) []string {
	return append([]string{"analyze", l.recording, "--out", out}, l.args...)
}

// start runs the program on the recording in a process of its own.
func (l *lessonRun) start(t *testing.T, out string, env ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0], l.line(out)...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1", "TMPDIR="+l.temporary), env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &said
}

// sameAsWhole compares all that does not hold times with the uninterrupted run,
// and checks the folder.
func (l *lessonRun) sameAsWhole(t *testing.T, out string) {
	t.Helper()
	for _, f := range []string{"timeline.csv", "intervals.csv", "students.csv", "timeline.parquet", "report.html"} {
		a, err := os.ReadFile(filepath.Join(l.whole, "lesson", f))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(out, "lesson", f))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs from that of the uninterrupted run", f)
		}
	}
	if stdout, stderr, code := classlens(t, "check", out); code != exitDone || !strings.Contains(stdout, "lesson: done") {
		t.Errorf("check: exit %d, %s%s", code, stdout, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(out, "lesson", ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// legal: after a kill there are no pictures but finished, blurred ones, nothing
// lies in the system's temporary folder, and check knows the state.
func (l *lessonRun) legal(t *testing.T, out string) {
	t.Helper()
	if found, _ := filepath.Glob(filepath.Join(l.temporary, "*")); len(found) > 0 {
		t.Errorf("temporary files stay: %v", found)
	}
	if found, _ := filepath.Glob(filepath.Join(out, "lesson", ".spool-*")); len(found) > 0 {
		t.Errorf("pictures stay: %v", found)
	}
	stdout, stderr, code := classlens(t, "check", out)
	if code == exitDone && !strings.Contains(stdout, "lesson: done") || code == exitFailed && !strings.Contains(stderr, "no results") || code == exitUsage {
		t.Errorf("check after a kill: exit %d, %s%s", code, stdout, stderr)
	}
}

// However a run ends early, the same command goes on and comes to the bytes of
// an uninterrupted run.
func TestRunsThatEndEarly(t *testing.T) {
	l := newLessonRun(t, "--set", "run.segment_seconds=1", "--set", "video.step_seconds=0.5", "--set", "people.preset=fast", "--set", "report.keyframes=2")
	t.Run("killed again and again", l.killedAgainAndAgain)
	t.Run("killed at any moment", l.killedAtAnyMoment)
	t.Run("disk full", l.diskFullAtAnyWrite)
	t.Run("interrupted", l.interrupted)
	t.Run("interrupted twice", l.interruptedTwice)
	t.Run("folder lost", l.folderLost)
}

// best looks half-way between steps, too: that makes no rows, and a killed run goes on at a step or at a half.
func TestHalvesResume(t *testing.T) {
	l := newLessonRun(t, "--set", "run.segment_seconds=1.5", "--set", "people.preset=best", "--set", "report.keyframes=2")
	for _, at := range []int{10, 17} {
		out := t.TempDir()
		if cmd, _ := l.start(t, out, killAt+"="+strconv.Itoa(at)); cmd.Wait() == nil {
			t.Fatalf("not killed at write %d", at)
		}
		cmd, said := l.start(t, out)
		if cmd.Wait() != nil || !strings.Contains(said.String(), "continuing an earlier run") {
			t.Fatal(said)
		}
		l.sameAsWhole(t, out)
	}
	var summary struct {
		Run struct {
			Steps  int `json:"steps"`
			Looks  int `json:"steps_searched"`
			Halves int `json:"halves_searched"`
			Others int `json:"steps_followed"`
		} `json:"run"`
	}
	raw, err := os.ReadFile(filepath.Join(l.whole, "lesson", "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &summary); err != nil {
		t.Fatal(err)
	}
	if r := summary.Run; r.Steps != 4 || r.Looks != 4 || r.Halves != 4 || r.Others != 0 {
		t.Errorf("four seconds: %+v", r)
	}
}

// Killed again and again, each time after some more writes, the same command
// comes to the same bytes.
func (l *lessonRun) killedAgainAndAgain(t *testing.T) {
	out := t.TempDir()
	for round := 1; ; round++ {
		// A segment takes six operations, so that every round gets further; over the rounds
		// kills fall on all kinds of them, borders too. The outputs at the end take fifty and
		// are written again from the start.
		cmd, said := l.start(t, out, killAt+"="+strconv.Itoa(9+round*round/2))
		err := cmd.Wait()
		if err == nil {
			if round < 6 {
				t.Errorf("done after %d rounds: was it killed at all?", round)
			}
			break
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("round %d: %v, %s", round, err, said)
		}
		l.legal(t, out)
		if round == 60 {
			t.Fatal("no end in sight")
		}
	}
	l.sameAsWhole(t, out)
}

// Killed at moments that have nothing to do with its writes, likewise.
func (l *lessonRun) killedAtAnyMoment(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	out := t.TempDir()
	for range 8 {
		cmd, said := l.start(t, out)
		// The child's link and its folder live from its start to the opening of the recording, a tenth of a
		// second: the one thing that such a kill can leave.
		time.Sleep(time.Duration(random.Int64N(int64(l.took))))
		_ = cmd.Process.Kill() // it may be done already
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() > 0 {
			t.Fatalf("exit %d, %s", cmd.ProcessState.ExitCode(), said)
		}
		folders, _ := filepath.Glob(filepath.Join(l.temporary, "classlens-*"))
		for _, f := range folders {
			_ = os.Remove(filepath.Join(f, "input.mp4"))
			_ = os.Remove(f) // where more lies in it, it stays, and is found
		}
		l.legal(t, out)
	}
	if cmd, said := l.start(t, out); cmd.Wait() != nil {
		t.Fatal(said)
	}
	l.sameAsWhole(t, out)
}

// A disk that fills up at any write ends the run with one line; with room again
// the same command goes on.
func (l *lessonRun) diskFullAtAnyWrite(t *testing.T) {
	out := t.TempDir()
	// Every round has room for some more writes than the one before and goes on from where that
	// came to; the outputs at the end take fifty and are written again from the start.
	for n := 1; ; n += 5 {
		cmd, said := l.start(t, out, fullAt+"="+strconv.Itoa(n))
		if cmd.Wait() == nil {
			if n < 50 {
				t.Errorf("done with room for %d writes: was the disk full at all?", n-1)
			}
			break
		}
		if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(said.String(), "no space left on device") {
			t.Fatalf("full at %d: exit %d, %s", n, code, said)
		}
		if found, _ := filepath.Glob(filepath.Join(out, "lesson", "*", ".tmp-*")); len(found) > 0 {
			t.Errorf("full at %d: left %v", n, found)
		}
		l.legal(t, out)
		if n > 200 {
			t.Fatal("no end in sight")
		}
	}
	l.sameAsWhole(t, out)
}

// startHeld starts a run and waits until it has begun to work in its folder. In one of its writes it waits until it is
// let go on, so that whatever is done to it meanwhile falls into its work.
func (l *lessonRun) startHeld(t *testing.T, out string, env ...string) (cmd *exec.Cmd, said *bytes.Buffer, goOn func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "go on")
	cmd, said = l.start(t, out, append(env, holdUntil+"="+file)...)
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // where the test ends before it
	for {
		if _, err := os.Stat(filepath.Join(out, "lesson", ".work", "journal.jsonl")); err == nil {
			break
		}
		if state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid)); bytes.Contains(state, []byte(") Z ")) {
			t.Fatalf("the run ended before it began: %v, %s", cmd.Wait(), said)
		}
		time.Sleep(time.Millisecond)
	}
	return cmd, said, func() {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// interruption is Ctrl-C's signal, or where these tests run in the background and ignore it, kill's.
func interruption() os.Signal { return heededSignals()[0] }

// The first signal keeps what is under way and exits with 130; the same command
// goes on. While a run works, a second one in its folder is refused.
func (l *lessonRun) interrupted(t *testing.T) {
	out := t.TempDir()
	cmd, said, goOn := l.startHeld(t, out)
	if _, stderr, code := classlens(t, l.line(out)...); code != exitLocked || !strings.Contains(stderr, "locked by process "+strconv.Itoa(cmd.Process.Pid)) || strings.Contains(stderr, "failed") {
		t.Errorf("a second run at the same time: exit %d, %s", code, stderr)
	}
	if err := cmd.Process.Signal(interruption()); err != nil {
		t.Fatal(err)
	}
	goOn()
	_ = cmd.Wait() // the exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(said.String(), "same command again continues") {
		t.Errorf("exit %d, %s", code, said)
	}
	l.legal(t, out)
	cmd, said = l.start(t, out)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("going on: %v %s", err, said)
	}
	l.sameAsWhole(t, out)
}

// On a file system without common locks a machine that was silent for too long may find its folder taken. That is no failure of the recording: it writes nothing
// more and exits with 11, and the other goes on.
func (l *lessonRun) folderLost(t *testing.T) {
	out := t.TempDir()
	cmd, said, goOn := l.startHeld(t, out, onShared+"=1")
	lock := filepath.Join(out, "lesson", safefile.LockName)
	if err := safefile.WriteFile(lock, []byte(`{"pid":7,"host":"elsewhere","since":"2026-01-02T03:04:05Z","run":"r"}`)); err != nil {
		t.Fatal(err)
	}
	goOn()
	_ = cmd.Wait() // the exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitLocked || !strings.Contains(said.String(), "lost the folder: locked by process 7 on elsewhere") {
		t.Errorf("exit %d, %s", code, said)
	}
	for name, want := range map[string]bool{safefile.LockName: true, ".work": true, "failed.json": false, "manifest.json": false} {
		if _, err := os.Stat(filepath.Join(out, "lesson", name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, !want)
		}
	}
	cmd, said = l.start(t, out) // the other machine, whose locks are its own
	if err := cmd.Wait(); err != nil {
		t.Fatalf("going on: %v %s", err, said)
	}
	l.sameAsWhole(t, out)
}

// A second signal ends the program at once; nothing half written stays under a
// final name, and the next run explains the lock.
func (l *lessonRun) interruptedTwice(t *testing.T) {
	out := t.TempDir()
	cmd, _, _ := l.startHeld(t, out)
	gone := make(chan error)
	go func() { gone <- cmd.Wait() }()
	for ended := false; !ended; {
		select {
		case <-gone:
			ended = true
		case <-time.After(time.Millisecond):
			_ = cmd.Process.Signal(interruption()) // one that is gone needs none
		}
	}
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit %d", code)
	}
	l.legal(t, out)
	cmd, said := l.start(t, out)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("going on: %v %s", err, said)
	}
	if !strings.Contains(said.String(), "ended without finishing") {
		t.Errorf("the stale lock is not explained: %s", said)
	}
	l.sameAsWhole(t, out)
}

// Who starts a run with nohup, or in the background, does not want it to end with the terminal.
func TestIgnoredSignalsStayIgnored(t *testing.T) {
	for name, ignored := range map[string][]os.Signal{"HUP": {syscall.SIGHUP}, "INT HUP": {os.Interrupt, syscall.SIGHUP}} {
		if os.Getenv(ignores) == name {
			for _, s := range ignored {
				if slices.Contains(heededSignals(), s) {
					t.Errorf("%v is heeded", s)
				}
			}
			return
		}
	}
	if os.Getenv(ignores) != "" {
		t.Fatal("which signals?")
	}
	for _, names := range []string{"HUP", "INT HUP"} {
		cmd := exec.Command("sh", "-c", `trap '' $1; exec "$2" -test.run='^TestIgnoredSignalsStayIgnored$'`, "sh", names, os.Args[0])
		cmd.Env = append(os.Environ(), ignores+"="+names)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v, %s", names, err, out)
		}
	}
}

// ignores names the signals that the test's process was started to ignore.
const ignores = "CLASSLENS_TEST_IGNORES"
