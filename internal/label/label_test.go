package label

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"classlens/internal/dataset"
	"classlens/internal/safefile"
)

func TestChanges(t *testing.T) {
	on := func(label string, first, end int) change {
		return change{Do: "paint", Student: "S01", Kind: "behaviour", Label: label, First: first, End: end}
	}
	off := func(first, end int) change {
		return change{Do: "erase", Student: "S01", Kind: "behaviour", First: first, End: end}
	}
	cut := func(at int) change {
		return change{Do: "split", Student: "S01", Kind: "behaviour", First: at, End: at + 1}
	}
	undo, redo := change{Do: "undo"}, change{Do: "redo"}
	for _, c := range []struct {
		name    string
		changes []change
		want    string // label first-end
	}{
		{"one", []change{on("read", 2, 4)}, "read 2-4"},
		{"grows to the right", []change{on("read", 2, 4), on("read", 4, 5)}, "read 2-5"},
		{"grows to the left", []change{on("read", 2, 4), on("read", 1, 2)}, "read 1-4"},
		{"fills the hole", []change{on("read", 2, 4), on("read", 6, 8), on("read", 4, 6)}, "read 2-8"},
		{"another beside", []change{on("read", 2, 4), on("write", 4, 5)}, "read 2-4, write 4-5"},
		{"over the end", []change{on("read", 2, 6), on("write", 4, 8)}, "read 2-4, write 4-8"},
		{"over the beginning", []change{on("read", 4, 8), on("write", 2, 6)}, "write 2-6, read 6-8"},
		{"in the middle", []change{on("read", 2, 8), on("write", 4, 5)}, "read 2-4, write 4-5, read 5-8"},
		{"over all", []change{on("read", 2, 4), on("write", 5, 6), on("turn", 0, 10)}, "turn 0-10"},
		{"erased in the middle", []change{on("read", 2, 8), off(4, 6)}, "read 2-4, read 6-8"},
		{"erased whole", []change{on("read", 2, 8), off(0, 10)}, ""},
		{"split", []change{on("read", 2, 8), cut(5)}, "read 2-5, read 5-8"},
		{"split and told apart", []change{on("read", 2, 8), cut(5), on("write", 5, 8)}, "read 2-5, write 5-8"},
		{"undone", []change{on("read", 2, 8), on("write", 4, 5), undo}, "read 2-8"},
		{"undone twice", []change{on("read", 2, 8), on("write", 4, 5), undo, undo}, ""},
		{"undone and done again", []change{on("read", 2, 8), on("write", 4, 5), undo, undo, redo}, "read 2-8"},
		{"a change ends redoing", []change{on("read", 2, 8), undo, on("turn", 0, 1)}, "turn 0-1"},
		{"other students and kinds stay", []change{on("read", 2, 8), {Do: "paint", Student: "S02", Kind: "behaviour", Label: "turn", First: 0, End: 10},
			{Do: "paint", Student: "S01", Kind: "attention", Label: "on_task", First: 0, End: 10}, off(0, 10)}, "on_task 0-10, turn 0-10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, name := small(2, 10), filepath.Join(t.TempDir(), IntervalsName)
			kept, err := openLabels(name, l)
			if err != nil {
				t.Fatal(err)
			}
			do(t, kept, c.changes...)
			again, err := openLabels(name, l)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range again.all {
				got = append(got, fmt.Sprintf("%s %d-%d", v.Label, v.First, v.End))
			}
			if text := strings.Join(got, ", "); text != c.want || !slices.Equal(again.all, kept.all) {
				t.Errorf("on disk %q, want %q; in memory %v", text, c.want, kept.all)
			}
		})
	}
}

func TestChangesRefused(t *testing.T) {
	l, name := small(1, 10), filepath.Join(t.TempDir(), IntervalsName)
	kept, err := openLabels(name, l)
	if err != nil {
		t.Fatal(err)
	}
	good := change{Do: "paint", Student: "S01", Kind: "behaviour", Label: "read", First: 2, End: 4}
	do(t, kept, good)
	before := kept.state()
	for name, spoil := range map[string]func(*change){
		"another student": func(c *change) { c.Student = "S99" },
		"another kind":    func(c *change) { c.Kind = "mood" },
		"another label":   func(c *change) { c.Label = "bored" },
		"an emotion":      func(c *change) { c.Kind, c.Label = "engagement", "confused" },
		"backwards":       func(c *change) { c.First, c.End = 4, 2 },
		"before":          func(c *change) { c.First = -1 },
		"after":           func(c *change) { c.End = 11 },
		"nothing asked":   func(c *change) { c.Do = "" },
		"nothing to redo": func(c *change) { c.Do = "redo" },
		"no label there":  func(c *change) { c.Do, c.First, c.End = "erase", 6, 7 },
		"nothing to part": func(c *change) { c.Do, c.First = "split", 2 },
		"not allowed":     func(c *change) { c.First, c.End = 0, 1 },
	} {
		c := good
		c.Version = before.Version
		spoil(&c)
		if _, err := kept.apply(c, func(c change) bool { return c.First > 0 }); !errors.Is(err, errChange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.Version = before.Version - 1
	if _, err := kept.apply(good, func(change) bool { return true }); !errors.Is(err, errStale) {
		t.Errorf("a stale page: %v", err)
	}
	if now := kept.state(); now.Version != before.Version || !slices.Equal(now.Labels, before.Labels) {
		t.Errorf("%+v became %+v", before, now)
	}
	// What cannot be saved is not so in memory either.
	if err := os.RemoveAll(filepath.Dir(name)); err != nil {
		t.Fatal(err)
	}
	good.Version, good.Label = before.Version, "write"
	if _, err := kept.apply(good, func(change) bool { return true }); err == nil || errors.Is(err, errChange) {
		t.Errorf("saved nowhere: %v", err)
	}
	if now := kept.state(); now.Version != before.Version || !slices.Equal(now.Labels, before.Labels) {
		t.Errorf("%+v became %+v", before, now)
	}
}

const head = "start_s,end_s,student,kind,label,p\n"

var hostile = map[string]struct{ text, want string }{
	"empty":                 {"", "its columns are not"},
	"other columns":         {"a,b\n1,2\n", "its columns are not"},
	"an unknown class":      {head + "0,2,S01,behaviour,sleep,\n", `line 2: unknown behaviour "sleep"`},
	"an unknown kind":       {head + "0,2,S01,mood,read,\n", `line 2: unknown kind "mood"`},
	"an unknown student":    {head + "0,2,S07,behaviour,read,\n", `no student "S07"`},
	"a formula":             {head + "0,2,=cmd|' /C calc'!A0,behaviour,read,\n", "no student"},
	"a script":              {head + "0,2,<script>alert(1)</script>,behaviour,read,\n", "no student"},
	"backwards":             {head + "4,2,S01,behaviour,read,\n", "is no interval"},
	"words for numbers":     {head + "a,b,S01,behaviour,read,\n", "is no interval"},
	"no number":             {head + "NaN,2,S01,behaviour,read,\n", "is no interval"},
	"after the end":         {head + "100,200,S01,behaviour,read,\n", "no step"},
	"between two steps":     {head + "0.6,0.9,S01,behaviour,read,\n", "no step"},
	"overlapping":           {head + "0,4,S01,behaviour,read,\n2,6,S01,behaviour,write,\n", "line 3 overlaps"},
	"too few cells":         {head + "0,4,S01\n", "wrong number of fields"},
	"a quote without end":   {head + "0,4,\"S01,behaviour,read,\n", "quote"},
	"bytes that are no CSV": {"\x00\x01\x02", "its columns are not"},
}

func TestHostileLabels(t *testing.T) {
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), IntervalsName)
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := openLabels(file, small(2, 10)); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	all, err := parse([]byte("\ufeff"+head+"0,2.4,S01,behaviour,read,0.7\r\n"), small(1, 10)) // as a spreadsheet writes it
	if err != nil || len(all) != 1 || all[0] != (interval{"S01", "behaviour", "read", 0, 2}) {
		t.Errorf("%v %v", all, err)
	}
}

// Whatever is read is written so that it is read the same.
func FuzzLabels(f *testing.F) {
	for _, c := range hostile {
		f.Add([]byte(c.text))
	}
	f.Add([]byte(head + "0,2,S01,behaviour,read,\n2,4,S01,behaviour,read,\n0,10,S02,engagement,3,1\n"))
	l := small(2, 10)
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := parse(raw, l)
		if err != nil {
			return
		}
		text, err := format(all, l)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(text, l)
		if err != nil || !slices.Equal(all, again) {
			t.Errorf("%v became %v (%v)", all, again, err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	dir := results(t)
	good := options(t, dir)
	good.Sample, good.Seed = 5, 3
	first := session(t, good)
	defer first.Close()
	if _, err := Open(context.Background(), good); !errors.Is(err, safefile.ErrLocked) {
		t.Errorf("a second labeller: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	chosen := options(t, dir)
	chosen.Rater = "ben"
	s := session(t, chosen)
	do(t, s.labels, change{Do: "paint", Student: "S01", Kind: "behaviour", Label: "read", First: 2, End: 4})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*Options)
		want  string
	}{
		"a rater who is a path":      {func(o *Options) { o.Rater = "../anna" }, "--rater"},
		"a hidden rater":             {func(o *Options) { o.Rater = ".anna" }, "--rater"},
		"no kind":                    {func(o *Options) { o.Kinds = nil }, "--kinds"},
		"an emotion":                 {func(o *Options) { o.Kinds = []string{"mood"} }, "--kinds mood"},
		"a window of no length":      {func(o *Options) { o.Window = 0 }, "--window"},
		"blind without a sample":     {func(o *Options) { o.Blind, o.Sample, o.Rater = true, 0, "eve" }, "--blind goes with"},
		"another seed":               {func(o *Options) { o.Seed = 4 }, "begun with --seed 3"},
		"a smaller sample":           {func(o *Options) { o.Sample = 2 }, "can grow"},
		"a sample of what is chosen": {func(o *Options) { o.Rater = "ben" }, "begun without --sample"},
		"another recording":          {func(o *Options) { o.SHA256 = strings.Repeat("0", 64) }, "another recording"},
		"no recording":               {func(o *Options) { o.Recording = "nowhere.mp4" }, "no such file"},
		"a folder as recording":      {func(o *Options) { o.Recording = t.TempDir() }, "not a regular file"},
		"no results":                 {func(o *Options) { o.Results, o.Rater = t.TempDir(), "eve" }, "no such file"},
	} {
		o := good
		c.spoil(&o)
		s, err := Open(context.Background(), o)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", name, err, c.want)
		}
	}
	if own := filepath.Join(first.Path(), timelineName); os.WriteFile(own, []byte("time_s,student,x,y,w,h,visible,behaviour\n0,S01,1,1,5,5,1,read\n"), 0o600) != nil {
		t.Fatal("cannot write")
	}
	if _, err := Open(context.Background(), good); err == nil || !strings.Contains(err.Error(), "changed since") {
		t.Errorf("another timeline: %v", err)
	}
}

// What was labelled goes on where it was, also when the recording was analyzed anew meanwhile; a blind sample stays blind.
func TestOpenContinues(t *testing.T) {
	dir := results(t)
	o := options(t, dir)
	o.Sample, o.Seed, o.Blind = 4, 7, true
	s := session(t, o)
	w := s.windows[0]
	do(t, s.labels, change{Do: "paint", Student: w.Student, Kind: "behaviour", Label: "write", First: w.First, End: w.End})
	if s.Reanalyzed() || s.Close() != nil {
		t.Fatal("not closed")
	}
	if err := os.WriteFile(filepath.Join(dir, timelineName), []byte("time_s,student,x,y,w,h,visible,behaviour\n0,S99,1,1,5,5,1,read\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Sample, o.Blind = 0, false
	s = session(t, o)
	defer s.Close()
	if n, students := s.labels.count(); n != 1 || students != 1 || len(s.windows) != 4 || s.windows[0] != w || !s.blind || !s.about.Sample.Blind || !s.Reanalyzed() {
		t.Errorf("%d labels of %d students, windows %v, blind %v", n, students, s.windows, s.blind)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Path(), ".pictures*")); len(left) > 0 {
		t.Errorf("pictures have a name: %v", left)
	}
}

// A larger sample begins with the smaller one; another seed draws others; the teacher and those who are out of view are not drawn.
func TestDraw(t *testing.T) {
	l := small(6, 60)
	l.students[5].ID, l.students[5].Teacher = "T01", true
	for i := range 60 {
		l.students[0].Boxes[i] = nil
	}
	few, many := l.draw(dataset.Windows{Count: 5, Seed: 1, Seconds: 10}), l.draw(dataset.Windows{Count: 100, Seed: 1, Seconds: 10})
	if len(few) != 5 || len(many) != 4*6 || !slices.Equal(few, many[:5]) || slices.Equal(few, l.draw(dataset.Windows{Count: 5, Seed: 2, Seconds: 10})) {
		t.Errorf("%v of %v", few, many)
	}
	seen := map[window]bool{}
	for _, w := range many {
		if w.Student == "S01" || w.Student == "T01" || w.End-w.First != 10 || w.First%10 != 0 || seen[w] {
			t.Errorf("%v", w)
		}
		seen[w] = true
	}
}

// asRater makes the test program label without end, in the folder that it names.
const asRater = "CLASSLENS_LABEL_UNTIL_KILLED"

func labelUntilKilled(folder string) {
	l := small(3, 50)
	lock, err := safefile.LockFolder(folder)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer lock.Unlock()
	kept, err := openLabels(filepath.Join(folder, IntervalsName), l)
	for i := 0; err == nil; i++ {
		c := change{Version: kept.state().Version, Do: "paint", Student: "S02", Kind: "behaviour", Label: Values["behaviour"][i%10], First: i % 50, End: i%50 + 1}
		if _, err = kept.apply(c, func(change) bool { return true }); err == nil {
			fmt.Println("saved", i)
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

// Killed at any moment, a labeller loses nothing that was saved, leaves a file that is whole, and no lock.
func TestKilledBetweenSaves(t *testing.T) {
	folder, l := t.TempDir(), small(3, 50)
	for _, saves := range []int{1, 2, 3, 7, 12, 30, 49} {
		if err := os.RemoveAll(filepath.Join(folder, IntervalsName)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asRater+"="+folder)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(out)
		for n := 0; n < saves && said.Scan(); n++ {
			if !strings.HasPrefix(said.Text(), "saved") {
				t.Error(said.Text())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		kept, err := openLabels(filepath.Join(folder, IntervalsName), l)
		if err != nil {
			t.Fatalf("after %d saves: %v", saves, err)
		}
		if n, _ := kept.count(); n < saves {
			t.Errorf("%d labels after %d saves", n, saves)
		}
		if safefile.HeldBy(folder) != nil {
			t.Error("still locked")
		}
	}
}
