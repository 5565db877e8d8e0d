package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"classlens/samples/room"
)

func TestDefaultPlanFile(t *testing.T) {
	p, err := readPlan("", func(*room.Plan) {})
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
		p, err := readPlan(path, func(*room.Plan) {})
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

// Wrong usage is said before anything is drawn, in one line, and nothing is made.
func TestWrongUsage(t *testing.T) {
	dir := t.TempDir()
	plan := func(text string) string {
		path := filepath.Join(dir, "plan.yaml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		command, plan string
		args          []string
		say           string
	}{
		{"rooms", "", nil, "-out is missing"},
		{"rooms", "", []string{"-out", out, "plan.yaml"}, `flags only, not "plan.yaml"`},
		{"rooms", "", []string{"-out", out, "-clips", "-1"}, "clips must be above 0, not -1"},
		{"rooms", "", []string{"-out", out, "-clips", "0"}, "clips must be above 0, not 0"},
		{"rooms", "clips: -4\n", []string{"-out", out}, "clips must be above 0, not -4"},
		{"rooms", "", []string{"-out", out, "-crf", "99"}, "-crf must be 0 to 51"},
		{"rooms", "seconds: 0\n", []string{"-out", out}, "no frame"},
		{"rooms", "widths: [161]\n", []string{"-out", out}, "161 x 90"},
		{"rooms", "widths: [640, 162]\n", []string{"-out", out}, "162 x 91"},
		{"rooms", "seconds: two\n", []string{"-out", out}, `line 1: "two" where a number is wanted`},
		{"rooms", "sede: 5\n", []string{"-out", out}, `unknown key "sede"; did you mean "seed"?`},
		{"crops", "", nil, "-out is missing"},
		{"crops", "", []string{"-out", out, "-students", "-2"}, "students must be above 0, not -2"},
		{"crops", "", []string{"-out", out, "-steps", "-1"}, "steps, takes, interval, fps must be above 0"},
		{"lesson", "", []string{"-step", "0", "-out", out}, "-step must be"},
		{"frame", "", []string{"-w", "-1", "-out", out}, "-w must be"},
		{"flow", "", nil, "-out is missing"},
		{"truth-overlay", "", []string{"-w", "-1", "-out", out}, "-w and -h must be"},
	} {
		args := c.args
		if c.plan != "" {
			args = append(args, "-plan", plan(c.plan))
		}
		err := commands[c.command](context.Background(), args)
		if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), c.say) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %v: %v, want %q", c.command, args, err, c.say)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("%s %v left a folder", c.command, args)
		}
	}
}

// A folder holds what one plan and seed gave: clips of another would stay beside those drawn now, without a word. More of the same may be added.
func TestOneFolderOnePlan(t *testing.T) {
	out := t.TempDir()
	p := room.DefaultPlan()
	if err := keepPlan(out, &p, 25); err != nil {
		t.Fatal(err)
	}
	p.Clips, p.Students = 40, 7
	if err := keepPlan(out, &p, 25); err != nil {
		t.Errorf("more of the same: %v", err)
	}
	for name, change := range map[string]func(*room.Plan) int{
		"seed":    func(p *room.Plan) int { p.Seed++; return 25 },
		"layouts": func(p *room.Plan) int { p.Layouts = map[string]float64{"rows": 1}; return 25 },
		"quality": func(*room.Plan) int { return 24 },
	} {
		other := p
		if err := keepPlan(out, &other, change(&other)); !errors.As(err, new(usageError)) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}
