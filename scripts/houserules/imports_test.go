package main

import "testing"

func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		folder, imported string
		allowed          bool
	}{
		{"vision/scene", "math", true},
		{"vision/scene", "classlens/model", false},
		{"vision/track", "classlens/model", true},
		{"vision/track", "gocv.io/x/gocv", false},
		{"vision/video", "gocv.io/x/gocv", true},
		{"model", "classlens/vision/scene", true},
		{"model", "classlens/vision/track", false},
		{"model", "classlens/internal/config", false},
		{"internal/report", "github.com/spf13/viper", false},
		{"internal/config", "github.com/spf13/viper", true},
		{"internal/safefile", "classlens/internal/report", false},
		{"internal/label", "classlens/internal/dataset", true},
		{"internal/label", "classlens/internal/analysis", false},
		{"cuda/driver", "gorgonia.org/cu", true},
		{"model", "gorgonia.org/cu", false},
		{"samples/room", "classlens/internal/safefile", false},
		{"cmd/classlens", "classlens/internal/report", true},
		{"visionary", "classlens/model", false},
	} {
		if text := forbidden(c.folder, c.imported); (text == "") != c.allowed {
			t.Errorf("%s imports %s: %q, allowed should be %v", c.folder, c.imported, text, c.allowed)
		}
	}
}

func TestCheckLines(t *testing.T) {
	for _, c := range []struct {
		file, line string
		findings   int
	}{
		{"internal/a/a.go", `os.WriteFile(name, data, 0o600)`, 1},
		{"internal/a/a_test.go", `os.WriteFile(name, data, 0o600)`, 0},
		{"internal/safefile/a.go", `os.Create(name)`, 0},
		{"internal/a/a.go", `import "text/template"`, 1},
		{"a.md", "get it from " + "proxy.g" + "olang.org", 1},
		{"a.sh", "cd /wo" + "rk/main", 1},
		{"a.md", "the network/" + "work/ folder", 0},
	} {
		if got := checkLines(c.file, c.line); len(got) != c.findings {
			t.Errorf("%s %q: %v, want %d findings", c.file, c.line, got, c.findings)
		}
	}
}
