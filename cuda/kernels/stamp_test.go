package kernels

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var include = regexp.MustCompile(`(?m)^#include "([^"]+)"`)

// Every PTX file was made of the source beside it: its first line holds the hash of
// the source with what it includes. No compiler is needed to see that.
func TestPTXIsOfItsSource(t *testing.T) {
	sources, err := filepath.Glob("*.cu")
	if err != nil || len(sources) == 0 {
		t.Fatal("no sources", err)
	}
	made := map[string]bool{}
	for _, m := range Modules() {
		made[m.Name] = true
	}
	for _, name := range sources {
		h := sha256.New()
		source := read(t, name)
		h.Write(source)
		for _, m := range include.FindAllSubmatch(source, -1) {
			h.Write(read(t, string(m[1])))
		}
		module := strings.TrimSuffix(name, ".cu")
		if !made[module] {
			t.Errorf("%s has no PTX; run `make kernels`", name)
			continue
		}
		delete(made, module)
		want := fmt.Sprintf("// source %x compiler NVRTC 12.2.140 compute_80\n", h.Sum(nil))
		if text := string(read(t, module+".ptx")); !strings.HasPrefix(text, want) {
			t.Errorf("%s.ptx is not of this source; run `make kernels`", module)
		}
	}
	for name := range made {
		t.Errorf("%s.ptx has no source", name)
	}
}

// No kernel's name may occur twice, and no path of the machine that compiled it may stay.
func TestModulesAreClean(t *testing.T) {
	seen := map[string]string{}
	for _, m := range Modules() {
		if len(m.Kernels) == 0 {
			t.Errorf("%s has no kernel", m.Name)
		}
		for _, k := range m.Kernels {
			if seen[k] != "" {
				t.Errorf("%s is in %s and in %s", k, seen[k], m.Name)
			}
			seen[k] = m.Name
		}
		if regexp.MustCompile(`\.file\s+\d+\s+"[^"]*/`).MatchString(m.PTX) {
			t.Errorf("%s holds a path", m.Name)
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
