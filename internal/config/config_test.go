package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"classlens/configs"

	"gopkg.in/yaml.v3"
)

// The manual and the struct must name the same keys, and each key of the
// manual must have a comment above it.
func TestDefaultFileAndStructAgree(t *testing.T) {
	var root yaml.Node
	if err := yaml.Unmarshal(configs.DefaultYAML, &root); err != nil {
		t.Fatal(err)
	}
	var inFile []string
	sections := root.Content[0].Content
	for i := 0; i < len(sections); i += 2 {
		keys := sections[i+1].Content
		for j := 0; j < len(keys); j += 2 {
			key := sections[i].Value + "." + keys[j].Value
			inFile = append(inFile, key)
			twin := key == "video.max_height" // shares the comment of max_width
			if keys[j].HeadComment == "" && !twin {
				t.Errorf("%s has no comment in configs/default.yaml", key)
			}
			if key != strings.ToLower(key) {
				t.Errorf("%s is not lower-case", key)
			}
		}
	}
	var inStruct []string
	typ := reflect.TypeFor[Config]()
	for i := range typ.NumField() {
		section := typ.Field(i)
		for j := range section.Type.NumField() {
			f := section.Type.Field(j)
			inStruct = append(inStruct, section.Tag.Get("mapstructure")+"."+f.Tag.Get("mapstructure"))
			for _, bound := range []string{"min", "max"} {
				if s := f.Tag.Get(bound); s != "" {
					if _, err := strconv.ParseFloat(s, 64); err != nil {
						t.Errorf("%s: %s tag: %v", f.Name, bound, err)
					}
				}
			}
		}
	}
	slices.Sort(inFile)
	slices.Sort(inStruct)
	if !slices.Equal(inFile, inStruct) {
		t.Errorf("configs/default.yaml has %v\nthe struct has %v", inFile, inStruct)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOrderOfStrength(t *testing.T) {
	file := write(t, "video:\n  step_seconds: 2\n  max_fps: 60\n  between_fps: 3\n")
	t.Setenv("CLASSLENS_VIDEO_STEP_SECONDS", "3")
	t.Setenv("CLASSLENS_VIDEO_MAX_FPS", "100")
	c, err := Load(file, map[string]any{"video.step_seconds": 4.0})
	if err != nil {
		t.Fatal(err)
	}
	if c.Video.StepSeconds != 4 || c.Video.MaxFPS != 100 || c.Video.BetweenFPS != 3 || c.Video.MaxHours != 12 {
		t.Errorf("flag, environment, file, default gave %+v", c.Video)
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "video:\n  step_second: 1\n", `unknown setting "video.step_second"; did you mean "video.step_seconds"?`},
		{"unknown section", "vidoe:\n  max_fps: 1\n", `did you mean "video.max_fps"?`},
		{"out of range", "video:\n  step_seconds: 99\n", "setting video.step_seconds is 99; it must be between 0.2 and 10"},
		{"not a number", "video:\n  step_seconds: fast\n", "step_seconds"},
		{"nan", "video:\n  step_seconds: .nan\n", "video.step_seconds"},
		{"wrong choice", "run:\n  device: tpu\n", "setting run.device is \"tpu\"; it must be one of: auto, cpu, cuda"},
		{"no yaml", "video: [", "own.yaml"},
		{"a list of sections", "- video\n", "it holds no sections with settings"},
		{"a text", "just text\n", "it holds no sections with settings"},
		{"a value for a section", "video: 5\n", "video is a section, not a setting"},
		{"two documents", "video:\n  step_seconds: 1\n---\nvideo:\n  step_seconds: 2\n", "several YAML documents"},
		{"a part of a thread", "run:\n  threads: 1.5\n", `run.threads is "1.5"; it must be a whole number`},
		{"a yes for a number", "run:\n  threads: true\n", `run.threads is "true"; it must be a whole number`},
		{"a number for a yes", "report:\n  blur_faces: 2\n", `report.blur_faces is "2"; it must be true or false`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(write(t, c.text), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// A section whose settings are all commented out sets nothing, nor does an empty file; a whole number is one however it is written.
func TestNothingIsSet(t *testing.T) {
	want, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "# mine\n", "video:\n#  step_seconds: 2\nrun:\n", "---\n", "video:\n  step_seconds:\n", "run:\n  threads: 0.0\n"} {
		if c, err := Load(write(t, text), nil); err != nil || c != want {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

// An empty value, as of a variable that a script has not set, is none: faces stay blurred.
func TestEmptyValue(t *testing.T) {
	for _, key := range []string{"report.blur_faces", "run.threads", "video.step_seconds"} {
		if c, err := Load("", map[string]any{key: ""}); err == nil || !strings.Contains(err.Error(), key+` is ""; it must be`) {
			t.Errorf("%s: %+v, %v", key, c, err)
		}
	}
	if _, err := Load("", map[string]any{"run.scratch": ""}); err != nil {
		t.Error(err)
	}
}

// What the YAML library says of a file that is none is one plain line.
func TestBrokenFile(t *testing.T) {
	for text, want := range map[string]string{
		"video: {step_seconds: 2, step_seconds: 1}\n":                      `line 1: mapping key "step_seconds" already defined at line 1`,
		"run:\n  threads: 1\nvideo:\n  step_seconds: 2\nrun: {threads: 2}": `line 5: mapping key "run" already defined at line 1`,
		"video:\n\tstep_seconds: 2\n":                                      "yaml: line 2: found character that cannot start any token (a tab? YAML is indented with spaces)",
		"video: [\n":                                                       "yaml: line",
	} {
		file := write(t, text)
		_, err := Load(file, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "config file "+file+": "+want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// What YAML says of Go's types is said in plain words.
func TestPlainYAML(t *testing.T) {
	type table struct {
		Count  int            `yaml:"count"`
		Share  *float64       `yaml:"share"`
		On     bool           `yaml:"on"`
		Names  []string       `yaml:"names"`
		Of     map[string]int `yaml:"of"`
		Within struct {
			Rate float32 `yaml:"rate"`
		} `yaml:"within"`
	}
	for text, want := range map[string]string{
		"":                     "the file is empty",
		"count: many":          `line 1: "many" where a whole number is wanted`,
		"count: [1]":           "line 1: a list where a whole number is wanted",
		"share: {a: 1}":        "line 1: a table of keys where a number is wanted",
		"on: 5":                `line 1: "5" where true or false is wanted`,
		"names: a":             `line 1: "a" where a list is wanted`,
		"of: 1":                `line 1: "1" where a table of keys is wanted`,
		"within: {rate: fast}": `line 1: "fast" where a number is wanted`,
		"[1]":                  "line 1: a list where a table of keys is wanted",
	} {
		var into table
		if err := PlainYAML(yaml.NewDecoder(strings.NewReader(text)).Decode(&into), into); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestLabels(t *testing.T) {
	l, err := LoadLabels("")
	if err != nil {
		t.Fatal(err)
	}
	if l.Behaviours["discuss"].Engagement != 3 || l.Behaviours["phone"].Attention != "off_task" {
		t.Errorf("labels.yaml gives %+v", l.Behaviours)
	}
	good := string(configs.LabelsYAML)
	for _, c := range []struct{ name, from, to, want string }{
		{"missing", "  phone: ", "  fone: ", "behaviour phone is not mapped"},
		{"attention", "phone:        {attention: off_task", "phone:        {attention: away", "phone: attention is \"away\""},
		{"level", "discuss:      {attention: on_task,  engagement: 3}", "discuss:      {attention: on_task,  engagement: 4}", "engagement is 4"},
		{"words", "means: phone}", "means: fone}", "words: phone, mobile, smartphone, texting is mapped to \"fone\""},
		{"class", "lookup: look_forward", "lookup: look_up", "\"look_up\", which is not a behaviour"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(good, c.from, c.to, 1)
			if text == good {
				t.Fatalf("labels.yaml no longer has %q", c.from)
			}
			if _, err := LoadLabels(write(t, text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// A variable that is written like a setting's and is none is no less a mistake than a key of a file.
func TestUnknownVariable(t *testing.T) {
	t.Setenv("CLASSLENS_CACHE_OF_MINE", "x")
	if _, err := Load("", nil); err != nil {
		t.Error(err)
	}
	t.Setenv("CLASSLENS_VIDEO_STEPSECONDS", "2")
	if _, err := Load("", nil); err == nil || !strings.Contains(err.Error(), `unknown setting "CLASSLENS_VIDEO_STEPSECONDS"; did you mean "CLASSLENS_VIDEO_STEP_SECONDS"?`) {
		t.Errorf("said %v", err)
	}
}

func TestValueOfAnotherKindIsOneLine(t *testing.T) {
	_, err := Load("", map[string]any{"video.step_seconds": "fast"})
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "video.step_seconds") {
		t.Errorf("said %q", err)
	}
}

func TestByWords(t *testing.T) {
	l, err := LoadLabels("")
	if err != nil {
		t.Fatal(err)
	}
	for class, want := range map[string]string{
		"Reading book": "read", "handRaising": "raise_hand", "Turning_around": "turn", "Looking-around": "turn", "raising head": "look_forward", "Standing Up": "stand",
		"Discussing with classmates": "discuss", "USING PHONE": "phone", "taking notes": "write", "Head Down": "head_down write read", "sleeping": "head_down", "inattentive": "turn phone head_down",
		"not raising hand": "look_forward read write turn stand discuss phone head_down other", "hand-writing": "write", "Handwriting": "write", "turning pages": "read", "Hand": "raise_hand", "hands up": "raise_hand", "frobnicate": "", "7": "", "": "", "not": "",
	} {
		if got := strings.Join(l.ByWords(class), " "); got != want {
			t.Errorf("%q is read as %q, want %q", class, got, want)
		}
	}
}

func TestUnknownKeyOfLabels(t *testing.T) {
	_, err := LoadLabels(write(t, string(configs.LabelsYAML)+"\ndatasetss: {}\n"))
	if err == nil || !strings.Contains(err.Error(), `unknown key "datasetss"; did you mean "datasets"?`) || strings.Contains(err.Error(), "\n") {
		t.Errorf("said %v", err)
	}
}
