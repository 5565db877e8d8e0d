//go:build cuda

package driver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every value, size, offset and signature of the project's own cuda.h, compiled against NVIDIA's. Theirs is in the cache where
// the kernels' compiler was fetched (make kernels-check); elsewhere there is nothing to compare with.
func TestHeaderAgreesWithNVIDIAs(t *testing.T) {
	cache := os.Getenv("CLASSLENS_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		must(t, err)
		cache = filepath.Join(user, "classlens")
	}
	theirs, _ := filepath.Glob(filepath.Join(cache, "cuda-*", "nvidia", "cuda_runtime", "include", "cuda.h"))
	if len(theirs) == 0 {
		t.Skip("NVIDIA's header is not in the cache")
	}
	const ours = "../include/cuda.h"
	checks, values, fields := headerChecks(t, ours)
	if values < 280 || fields < 90 {
		t.Fatalf("only %d values and %d fields found", values, fields)
	}
	dir := t.TempDir()
	for name, header := range map[string]string{"ours": ours, "theirs": theirs[0]} {
		path, err := filepath.Abs(header)
		must(t, err)
		functions, err := filepath.Abs("../include/cuda_functions.h")
		must(t, err)
		// A second declaration that says something else does not compile.
		source := fmt.Sprintf("#include %q\n#include <stddef.h>\n#include %q\n%s", path, functions, checks)
		file := filepath.Join(dir, name+".c")
		must(t, os.WriteFile(file, []byte(source), 0o600))
		if out, err := exec.Command("gcc", "-std=gnu11", "-fsyntax-only", file).CombinedOutput(); err != nil {
			t.Errorf("against %s: %v\n%s", name, err, out)
		}
	}
}

// headerChecks makes assertions of all that the header says.
func headerChecks(t *testing.T, header string) (source string, values, fields int) {
	t.Helper()
	out, err := exec.Command("gcc", "-E", "-P", "-dD", header).Output()
	must(t, err)
	text := string(out)
	var b strings.Builder
	for _, m := range regexp.MustCompile(`\b(CU\w+) = (\w+)`).FindAllStringSubmatch(text, -1) {
		fmt.Fprintf(&b, "_Static_assert(%s == %s, %q);\n", m[1], m[2], m[1])
		values++
	}
	for _, m := range regexp.MustCompile(`#define (CU_TRSF\w+) (\w+)`).FindAllStringSubmatch(text, -1) {
		fmt.Fprintf(&b, "_Static_assert(%s == %s, %q);\n", m[1], m[2], m[1])
		values++
	}
	var ask strings.Builder // prints sizes and offsets as this header has them
	fmt.Fprintf(&ask, "#include %q\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n", abs(t, header))
	assert := func(expression string) {
		fmt.Fprintf(&ask, "printf(\"_Static_assert(%s == %%zu, \\\"%s\\\");\\n\", (size_t)(%s));\n", expression, expression, expression)
	}
	for _, m := range regexp.MustCompile(`(?s)typedef struct \w+ \{(.*?)\} (\w+);`).FindAllStringSubmatch(text, -1) {
		assert("sizeof(" + m[2] + ")")
		for _, f := range regexp.MustCompile(`(\w+)(?:\[\d+\])?\s*[,;]`).FindAllStringSubmatch(m[1], -1) {
			assert("offsetof(" + m[2] + ", " + f[1] + ")")
			fields++
		}
	}
	ask.WriteString("return 0; }\n")
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "ask.c"), []byte(ask.String()), 0o600))
	if out, err := exec.Command("gcc", "-o", filepath.Join(dir, "ask"), filepath.Join(dir, "ask.c")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers, err := exec.Command(filepath.Join(dir, "ask")).Output()
	must(t, err)
	return b.String() + string(answers), values, fields
}

func abs(t *testing.T, path string) string {
	t.Helper()
	p, err := filepath.Abs(path)
	must(t, err)
	return p
}
