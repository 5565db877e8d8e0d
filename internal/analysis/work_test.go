package analysis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Unfinished work of another recording, other settings, another kind of machine or another build is begun anew, and it is said why; one's own goes on.
func TestUnfinishedWorkOfAnother(t *testing.T) {
	begun := key{inputs{Recording: "r", Settings: "s"}, "p", "amd64 avx2, 8 threads"}
	for _, c := range []struct {
		name, want string
		k          key
	}{
		{"the same", "", begun},
		{"recording", "is of another recording", key{inputs{Recording: "x", Settings: "s"}, "p", begun.Machine}},
		{"settings", "other settings", key{inputs{Recording: "r", Settings: "x"}, "p", begun.Machine}},
		{"machine", "amd64 avx2, 8 threads; here amd64 avx512, 4 threads", key{begun.Inputs, "p", "amd64 avx512, 4 threads"}},
		{"program", "another build", key{begun.Inputs, "x", begun.Machine}},
	} {
		folder := t.TempDir()
		w, err := openWork(folder, begun, false)
		if err != nil {
			t.Fatal(err)
		}
		if w.dropped != "" {
			t.Errorf("%s: nothing was there, and it is said that %s", c.name, w.dropped)
		}
		w.mayWrite = func() error { return nil }
		if err := w.save(segment{Pass: passPeople, To: 60}, 1); err != nil {
			t.Fatal(err)
		}
		w.close()
		if w, err = openWork(folder, c.k, false); err != nil {
			t.Fatal(err)
		}
		if went := w.reached(passPeople) == 60; went != (c.want == "") || !strings.Contains(w.dropped, c.want) || (w.dropped == "") != (c.want == "") {
			t.Errorf("%s: goes on: %v, dropped because %q", c.name, went, w.dropped)
		}
		w.close()
	}
}

// What NFS keeps of files that a lost machine had open goes with the other leftovers.
func TestSweepTakesWhatNFSLeft(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{".nfs000000000123", ".tmp-timeline.csv-1", "timeline.csv"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweep(folder); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 || left[0].Name() != "timeline.csv" {
		t.Errorf("left %v", left)
	}
}
