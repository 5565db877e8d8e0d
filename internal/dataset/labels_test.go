package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// byHand is a rater's folder of a recording that lies elsewhere; the files are those of put.
func byHand(rater, folder string) map[string]string {
	return map[string]string{
		folder + "/labels.json":   `{"classlens_labels":1,"rater":"` + rater + `","recording":"lesson.mp4","video":"../../../recordings/lesson.mp4","recording_sha256":"ab","recording_bytes":5,"timeline_sha256":"cd"}`,
		folder + "/intervals.csv": "start_s,end_s,student,kind,label,p\n0,12,S01,behaviour,write,\n12,13,S01,behaviour,raise_hand,\n0,4,S02,behaviour,unknown,\n0,4,S02,attention,on_task,\n20,40,S02,behaviour,read,\n",
		folder + "/timeline.csv":  "time_s,student,x,y,w,h,visible\n0,S01,1,1,5,5,1\n2,S01,2,2,5,5,1\n6,S01,3,3,5,5,1\n10,S01,4,4,5,5,1\n12,S01,5,5,5,5,1\n2,S02,9,9,5,5,1\n",
	}
}

func merged(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, files := range all {
		for name, text := range files {
			out[name] = text
		}
	}
	return out
}

// Labels given by hand are cut into pieces as long as the network looks, of which those count in which the student is seen; the recording stays where it is.
func TestLabelsByHand(t *testing.T) {
	dir := put(t, merged(byHand("anna", "labels/anna/lesson"), map[string]string{"recordings/lesson.mp4": "video"}))
	for _, folder := range []string{"labels/anna", "labels", "labels/anna/lesson"} {
		s, err := Open(filepath.Join(dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Samples) != 5 {
			t.Fatalf("%s: %d samples: %+v", folder, len(s.Samples), s.Samples)
		}
		for i, want := range []struct{ start, end, x float64 }{{0, 4, 2}, {4, 8, 3}, {8, 12, 4}, {12, 13, 5}} {
			if x := s.Samples[i]; x.Start != want.start || x.End != want.end || x.Box.X != want.x || x.Subject != "lesson/S01" {
				t.Errorf("%s: %+v, want %+v", folder, x, want)
			}
		}
		if x := s.Samples[4]; x.Attention != 1 || x.Label != -1 || x.Subject != "lesson/S02" {
			t.Errorf("%+v", x)
		}
		if at := s.Path(s.Samples[0]); at != filepath.Join(dir, "recordings/lesson.mp4") {
			t.Errorf("%s: the recording is looked for at %s", folder, at)
		}
	}
	// Written in the one form and read again, it is found all the same.
	s, err := Open(filepath.Join(dir, "labels/anna"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(filepath.Join(dir, "labels/anna")); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(filepath.Join(dir, "labels/anna")); err != nil || s.Form != "classlens" || s.Path(s.Samples[0]) != filepath.Join(dir, "recordings/lesson.mp4") {
		t.Errorf("%v", err)
	}
	// Labels given since are not overlooked.
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(filepath.Join(dir, "labels/anna/lesson/intervals.csv"), later, later); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "labels/anna")); err == nil || !strings.Contains(err.Error(), "dataset.json is older than the labels in lesson/intervals.csv") {
		t.Errorf("%v", err)
	}
	// A recording that was put beside its labels goes first.
	if err := os.Rename(filepath.Join(dir, "recordings/lesson.mp4"), filepath.Join(dir, "labels/anna/lesson/lesson.mp4")); err != nil {
		t.Fatal(err)
	}
	if at := s.Path(s.Samples[0]); at != filepath.Join(dir, "labels/anna/lesson/lesson.mp4") {
		t.Errorf("the recording is looked for at %s", at)
	}
}

func TestLabelsByHandRefused(t *testing.T) {
	video := map[string]string{"recordings/lesson.mp4": "video"}
	anna := byHand("anna", "labels/anna/lesson")
	spoilt := func(old, new string) map[string]string {
		files := map[string]string{}
		for name, text := range anna {
			files[name] = strings.ReplaceAll(text, old, new)
		}
		return merged(files, video)
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"two raters of one recording": {merged(anna, byHand("ben", "labels/ben/lesson"), video), "label the same recording"},
		"the recording is gone":       {anna, "not there any more"},
		"it is another file":          {merged(anna, map[string]string{"recordings/lesson.mp4": "another video"}), "13 bytes"},
		"no labels.json":              {spoilt(`"classlens_labels":1`, `"classlens_labels":`), "labels.json"},
		"a later form":                {spoilt(`"classlens_labels":1`, `"classlens_labels":2`), "form 2"},
		"a sample without length":     {spoilt(`"recording_bytes":5`, `"recording_bytes":5,"sample":{"count":3}`), "3 windows of 0 s"},
		"a file that is no video":     {spoilt("lesson.mp4", "passwd"), "no video's name"},
		"a path as name":              {spoilt(`"recording":"lesson.mp4"`, `"recording":"../lesson.mp4"`), "no video's name"},
		"an interval without end":     {spoilt("20,40", "20,1e300"), "longer than any lesson"},
	} {
		if _, err := Open(filepath.Join(put(t, c.files), "labels")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
