package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"classlens/samples/room"
)

func TestDefaultPlanFile(t *testing.T) {
	p, err := readPlan("")
	if err != nil {
		t.Fatal(err)
	}
	if want := room.DefaultPlan(); !reflect.DeepEqual(p, want) {
		t.Errorf("plan.yaml says\n%+v\nand the code\n%+v", p, want)
	}
}

func TestReadPlan(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"a few keys":   {"seed: 5\ncameras: {ceiling: 1}\n", true},
		"unknown key":  {"sede: 5\n", false},
		"unknown room": {"layouts: {circle: 1}\n", false},
		"no yaml":      {"seed: [", false},
	} {
		path := filepath.Join(t.TempDir(), "plan.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := readPlan(path)
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v", name, err)
		}
		if c.ok && (p.Seed != 5 || len(p.Cameras) != 1 || p.Students != room.DefaultPlan().Students) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// A run that was cut short and started again leaves the same files as one that
// was not.
func TestCropsResume(t *testing.T) {
	a, err := open()
	if errors.Is(err, room.ErrNoAssets) {
		t.Skip("the assets are not fetched: make synth")
	}
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	dir := t.TempDir()
	plan := filepath.Join(dir, "plan.yaml")
	if err := os.WriteFile(plan, []byte("students: 24\ntakes: 1\nsteps: 2\nflow: true\nwidths: [240]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, jobs := range []string{"1", "2"} {
		out := filepath.Join(dir, "out"+jobs)
		if err := runCrops(context.Background(), []string{"-out", out, "-plan", plan, "-jobs", jobs}); err != nil {
			t.Fatal(err)
		}
		if jobs == "2" { // lose a scene and the tables, and go on
			os.Remove(filepath.Join(out, "annotations.json"))
			os.Remove(filepath.Join(out, "scenes", "00000.json"))
			if err := runCrops(context.Background(), []string{"-out", out, "-plan", plan}); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"annotations.json", "students.csv", "images/00000_00_1.jpg", "flow/00000_00_1.png"} {
			raw, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			if files[name] == nil {
				files[name] = raw
			} else if !bytes.Equal(raw, files[name]) {
				t.Errorf("%s differs between one worker and a resumed run of two", name)
			}
		}
	}
}
