package dataset

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func made(n, subjects int) *Set {
	s := &Set{Name: "made", Classes: []string{"a"}}
	for i := range n {
		s.Samples = append(s.Samples, Sample{Media: fmt.Sprintf("%d.avi", i), Subject: fmt.Sprint("p", i%subjects), Room: fmt.Sprint("r", i%2), Recording: fmt.Sprint("v", i%4), Start: float64(i)})
	}
	return s
}

func TestSplitBySubject(t *testing.T) {
	s := made(1000, 40)
	p, err := MakeSplit(s, "subject", 0.15, 0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := p.Parts(s)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, x := range parts {
		count[x]++
	}
	if count["test"] < 150 || count["test"] > 250 || count["val"] < 100 || count["val"] > 200 || count["train"]+count["val"]+count["test"] != 1000 {
		t.Errorf("parts %v", count)
	}
	leaks, err := Check(s, "subject", parts)
	if err != nil || len(leaks) != 0 {
		t.Errorf("leaks %v, %v", leaks, err)
	}
	parts[0] = map[string]string{"train": "test", "val": "test", "test": "train"}[parts[0]]
	if leaks, _ = Check(s, "subject", parts); len(leaks) != 1 || leaks[0].Kind != "subject" || leaks[0].What != "p0" {
		t.Errorf("a subject on both sides: %v", leaks)
	}
	file := filepath.Join(t.TempDir(), "split.json")
	if err := p.Save(file); err != nil {
		t.Fatal(err)
	}
	q, err := LoadSplit(file)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := q.Parts(s)
	again[0] = parts[0]
	if !slices.Equal(again, parts) {
		t.Error("the file gives another split")
	}
}

func TestSplitByTime(t *testing.T) {
	s := made(400, 3)
	p, err := MakeSplit(s, "time", 0.1, 0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	parts, _ := p.Parts(s)
	last := map[string]string{}
	order := map[string]int{"train": 0, "val": 1, "test": 2}
	for i, x := range s.Samples {
		if order[parts[i]] < order[last[x.Recording]] {
			t.Fatalf("%s: %s after %s", x.Recording, parts[i], last[x.Recording])
		}
		last[x.Recording] = parts[i]
	}
	for r, part := range last {
		if part != "test" {
			t.Errorf("%s ends in %s", r, part)
		}
	}
}

// A split made before the set grew, or for another set, says so; one that fits says nothing.
func TestSplitUnmatched(t *testing.T) {
	s := made(40, 8)
	for _, by := range []string{"subject", "recording", "media", "time"} {
		p, err := MakeSplit(s, by, 0.1, 0.2, 1)
		if err != nil {
			t.Fatal(err)
		}
		parts, _ := p.Parts(s)
		if said, err := p.Unmatched(s, parts); said != "" || err != nil {
			t.Errorf("by %s: %q, %v", by, said, err)
		}
		grown := made(40, 8)
		grown.Samples = append(slices.Clone(grown.Samples[2:]), Sample{Media: "new", Subject: "p99", Recording: "v99"})
		for i := range grown.Samples { // p0 and v0 and the media of the set are gone
			if x := &grown.Samples[i]; x.Subject == "p0" || x.Recording == "v0" {
				x.Subject, x.Recording = "p1", "v1"
			}
		}
		parts, _ = p.Parts(grown)
		if said, err := p.Unmatched(grown, parts); err != nil || !strings.Contains(said, "1 of 39 samples are in no part") || !strings.Contains(said, "are not in the set") {
			t.Errorf("by %s: %q, %v", by, said, err)
		}
	}
	nameless := made(40, 8)
	for i := range nameless.Samples {
		nameless.Samples[i].Recording = ""
	}
	p, err := MakeSplit(nameless, "time", 0.1, 0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	parts, _ := p.Parts(nameless)
	if said, err := p.Unmatched(nameless, parts); said != "" || err != nil {
		t.Errorf("by time, one recording without a name: %q, %v", said, err)
	}
	file := filepath.Join(t.TempDir(), "split.json")
	for _, text := range []string{"media,x,y\n", "{}", `{"by":"hair"}`, "[]"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadSplit(file); err == nil || !strings.Contains(err.Error(), "no file that classlens dataset split wrote") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSplitRefused(t *testing.T) {
	for name, make := range map[string]func() error{
		"two rooms, three parts": func() error { _, err := MakeSplit(made(10, 5), "room", 0.2, 0.2, 1); return err },
		"shares too large":       func() error { _, err := MakeSplit(made(10, 5), "subject", 0.5, 0.5, 1); return err },
		"a share that is none":   func() error { _, err := MakeSplit(made(10, 5), "subject", math.NaN(), 0.2, 1); return err },
		"unknown group":          func() error { _, err := MakeSplit(made(10, 5), "hair", 0.1, 0.1, 1); return err },
	} {
		if make() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNearDuplicates(t *testing.T) {
	dir := put(t, map[string]string{"images/a.jpg": "kL", "images/b.jpg": "kL", "images/c.jpg": "Qz"})
	s := &Set{Root: dir}
	for _, m := range []string{"images/a.jpg", "images/b.jpg", "images/c.jpg"} {
		s.Samples = append(s.Samples, Sample{Media: m, Label: -1})
	}
	leaks, err := Check(s, "media", []string{"train", "test", "test"})
	if err != nil || len(leaks) != 1 || leaks[0].Kind != "near duplicate" || !strings.Contains(leaks[0].What, "a.jpg") {
		t.Errorf("leaks %v, %v", leaks, err)
	}
	if leaks, err = Check(s, "media", []string{"train", "train", "test"}); err != nil || len(leaks) != 0 {
		t.Errorf("leaks %v, %v", leaks, err)
	}
}

// shared finds the development data beside the checkout.
func shared(t *testing.T) string {
	t.Helper()
	if d := os.Getenv("CLASSLENS_SHARED"); d != "" {
		return d
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if exists(dir, "shared", "data") {
			return filepath.Join(dir, "shared")
		}
	}
	t.Skip("the development data (../shared/data) are not here")
	return ""
}

// The two public sets, as SOURCES.md counts them; ClaBehavior's published split
// leaks, the split by room does not.
func TestRealSets(t *testing.T) {
	data := filepath.Join(shared(t), "data")
	cla, err := Open(filepath.Join(data, "clabehavior"))
	if err != nil {
		t.Fatal(err)
	}
	if st := Count(cla); st.Samples != 6277 || st.Media != 277 || st.Rooms != 2 || st.Classes["phone"] != 0 || st.Classes["lookup"] != 3253 {
		t.Errorf("%+v", st)
	}
	cctv, err := Open(filepath.Join(data, "cctv"))
	if err != nil {
		t.Fatal(err)
	}
	if st := Count(cctv); st.Media != 79 || st.Recordings != 2 || st.Classes["phone"] != 27 {
		t.Errorf("%+v", st)
	}
	if testing.Short() {
		t.Skip("comparing pictures takes seconds")
	}
	published, byRoom := make([]string, len(cla.Samples)), make([]string, len(cla.Samples))
	for i, x := range cla.Samples {
		published[i], byRoom[i] = x.Part, map[string]string{"A": "train", "B": "test"}[x.Room]
	}
	if leaks, err := nearDuplicates(cla, published); err != nil || len(leaks) == 0 {
		t.Errorf("published split: %d near duplicates, %v", len(leaks), err)
	}
	if leaks, err := nearDuplicates(cla, byRoom); err != nil || len(leaks) != 0 {
		t.Errorf("split by room: %d near duplicates, %v", len(leaks), err)
	}
}

// Two rooms cannot make three parts; the error says what can be done.
func TestTooFewGroupsSaysWhatHelps(t *testing.T) {
	s := made(100, 40)
	if _, err := MakeSplit(s, "room", 0.15, 0.2, 1); err == nil || !strings.Contains(err.Error(), "2 rooms cannot make 3 parts") || !strings.Contains(err.Error(), "--val 0") {
		t.Errorf("said %v", err)
	}
	if _, err := MakeSplit(s, "room", 0, 0.2, 1); err != nil {
		t.Error(err)
	}
	for i := range s.Samples {
		s.Samples[i].Recording, s.Samples[i].Start = "", 0
	}
	if _, err := MakeSplit(s, "time", 0.15, 0.2, 1); err == nil || !strings.Contains(err.Error(), "made does not say") {
		t.Errorf("by time: said %v", err)
	}
}
