package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"classlens/model/classroom"
)

// Each recording is in exactly one share, whatever folder it is in, and shares are about as large as each other.
func TestSharesAreAPartition(t *testing.T) {
	const shares, recordings = 16, 10000
	var size [shares]int
	for i := range recordings {
		name := fmt.Sprintf("lesson-%05d.mp4", i)
		owners := 0
		for k := range shares {
			s := share{k, shares}
			if s.has(name) {
				owners++
				size[k]++
			}
			if s.has(name) != s.has(filepath.Join("elsewhere", name)) {
				t.Fatalf("%s is in another share in another folder", name)
			}
		}
		if owners != 1 {
			t.Fatalf("%s is in %d shares", name, owners)
		}
	}
	for k, n := range size {
		if n < 500 || n > 750 { // 625 ± 5 standard deviations
			t.Errorf("share %d has %d of %d recordings", k, n, recordings)
		}
	}
}

func TestShareThatIsNone(t *testing.T) {
	in := filepath.Join(t.TempDir(), "a.mp4")
	for _, s := range []string{"3/3", "-1/3", "1", "0/0", "1/two", "0/2000000", "0/3/4"} {
		if _, stderr, code := classlens(t, "analyze", in, "--out", t.TempDir(), "--share", s); code != exitUsage || !strings.Contains(stderr, "--share "+s+": write it as K/N") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, said %q", s, code, stderr)
		}
	}
}

// Processes with a share each leave every recording in a state; until all have run, check tells those that are not begun, which have left nothing.
func TestSharesTogetherAreAll(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	const shares, recordings = 3, 8
	for i := range recordings {
		if err := os.WriteFile(filepath.Join(in, fmt.Sprintf("bad %d.mp4", i)), []byte("no video at all"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	failed := 0
	for k := range shares {
		stdout, _, code := classlens(t, "check", out, "--recordings", in)
		if want := fmt.Sprintf("%d recordings: 0 done, 0 partial, %d failed, %d pending, 0 damaged\n", recordings, failed, recordings-failed); code != exitPartial || !strings.HasSuffix(stdout, want) || strings.Count(stdout, "not begun") != recordings-failed {
			t.Errorf("before share %d: exit %d, %q, want %q", k, code, stdout, want)
		}
		_, stderr, code := classlens(t, "analyze", in, "--out", out, "--share", fmt.Sprintf("%d/%d", k, shares))
		if code != exitPartial {
			t.Errorf("share %d, whose recordings are all no videos: exit %d", k, code)
		}
		if _, stderr, code := classlens(t, "analyze", filepath.Join(in, "not mounted"), "--out", out, "--share", fmt.Sprintf("%d/%d", k, shares)); code != exitFailed || !strings.Contains(stderr, "no such file") {
			t.Errorf("share %d of a folder that is not there: exit %d, said %q", k, code, stderr)
		}
		failed += strings.Count(stderr, ": failed: ")
	}
	stdout, _, code := classlens(t, "check", out, "--recordings", in)
	if failed != recordings || code != exitPartial || !strings.HasSuffix(stdout, fmt.Sprintf("%d recordings: 0 done, 0 partial, %d failed, 0 pending, 0 damaged\n", recordings, recordings)) {
		t.Errorf("%d failures, exit %d, %q", failed, code, stdout)
	}
	one := filepath.Join(in, "bad 0.mp4")
	for k := range shares {
		if (share{k, shares}).has(one) {
			continue
		}
		if _, stderr, code := classlens(t, "analyze", one, "--out", out, "--share", fmt.Sprintf("%d/%d", k, shares)); code != exitDone || !strings.Contains(stderr, "none of the 1 recordings") {
			t.Errorf("a share without recordings: exit %d, said %q", code, stderr)
		}
	}
	if _, stderr, code := classlens(t, "check", out, in, "--recordings", in); code != exitUsage || !strings.Contains(stderr, "one OUT") {
		t.Errorf("two folders: exit %d, said %q", code, stderr)
	}
}

// Where and how fast results are made is nothing to them: another number of threads, device, folder for pictures or segment does not make a lesson anew. What
// results depend on does.
func TestOtherMachineFindsItDone(t *testing.T) {
	in, out, scratch := clip(t, "lesson.mp4", "-t", "1"), t.TempDir(), t.TempDir()
	run := func(set ...string) string {
		t.Helper()
		args := []string{"analyze", in, "--out", out, "--set", "people.preset=fast"}
		for _, s := range set {
			args = append(args, "--set", s)
		}
		stdout, stderr, code := classlens(t, args...)
		if code != exitDone {
			t.Fatalf("%v: exit %d, %s", set, code, stderr)
		}
		return stdout
	}
	if run("run.scratch="+scratch, "run.device=cpu"); strings.Contains(run("run.threads=1", "run.device=auto", "run.segment_seconds=7", "run.at_once=2", "video.memory_mb=2048", "video.hang_seconds=99"), "already analyzed") == false {
		t.Error("made anew for another machine's settings")
	}
	if strings.Contains(run("video.step_seconds=0.5"), "already analyzed") {
		t.Error("other steps are not made")
	}
	own := func(folder string) string { // the same weights, in another folder
		t.Helper()
		b, err := classroom.Shipped("s")
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(folder, "mine.onnx")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return "network.weights=" + name
	}
	if run("run.scratch="+scratch, own(t.TempDir())); !strings.Contains(run(own(t.TempDir())), "already analyzed") {
		t.Error("made anew for the same weights in another folder")
	}
	told, err := os.ReadFile(filepath.Join(out, "lesson", "summary.json"))
	if err != nil || !strings.Contains(string(told), `"weights": "mine.onnx"`) || strings.Contains(string(told), filepath.Dir(scratch)) {
		t.Errorf("the summary tells of this machine's folders: %v %s", err, told)
	}
	if left, _ := os.ReadDir(scratch); len(left) > 0 {
		t.Errorf("left in the folder for pictures: %v", left)
	}
	if _, stderr, code := classlens(t, "analyze", in, "--out", out, "--set", "run.scratch="+filepath.Join(scratch, "none")); code != exitUsage || !strings.Contains(stderr, "run.scratch: ") {
		t.Errorf("a folder that is not there: exit %d, said %q", code, stderr)
	}
}
