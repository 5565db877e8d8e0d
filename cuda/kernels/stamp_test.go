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

// variants are what a kernel's name may have behind that of its file: tile, order of the factors, a fixed window, a layout.
var variants = regexp.MustCompile(`^(_(16|32|64|nn|nt|tn|3x3|rows))?$`)

// A file holds one op, in as many variants as it needs, and says with which shapes, by which formula, how it is
// launched and what bounds it.
func TestOneOpAFile(t *testing.T) {
	for _, m := range Modules() {
		for _, k := range m.Kernels {
			op := strings.NewReplacer("bf16", "half", "fp16", "half").Replace(k) // a number of 16 bits is a variant, too
			if rest, ok := strings.CutPrefix(op, m.Name); !ok || !variants.MatchString(rest) {
				t.Errorf("%s.cu holds %s, which is another op", m.Name, k)
			}
		}
		head, _, _ := strings.Cut(string(read(t, m.Name+".cu")), "#include")
		for _, part := range []string{"\n//   ", "Shapes: ", "Launch: ", "Bound: "} {
			if !strings.Contains(head, part) {
				t.Errorf("the comment of %s.cu has no %q", m.Name, part)
			}
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
