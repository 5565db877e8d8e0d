package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"classlens/cuda/kernels"
)

// The table of docs/performance.md has every kernel that ships, and is what the program prints.
func TestEveryKernelHasItsRoofline(t *testing.T) {
	var names []string
	for _, w := range works() {
		names = append(names, w.kernel)
		if w.bytes <= 0 || w.operations < 0 {
			t.Errorf("%s moves %g bytes for %g operations", w.kernel, w.bytes, w.operations)
		}
	}
	shipped := 0
	for _, m := range kernels.Modules() {
		for _, k := range m.Kernels {
			shipped++
			if !slices.Contains(names, k) {
				t.Errorf("%s has no row", k)
			}
		}
	}
	for _, n := range names {
		found := false
		for _, m := range kernels.Modules() {
			found = found || slices.Contains(m.Kernels, n)
		}
		if !found {
			t.Errorf("the row of %s is of no kernel", n)
		}
	}
	if shipped < 90 {
		t.Fatalf("only %d kernels ship", shipped)
	}
	root := filepath.Join("..", "..")
	counts, err := readCounts(filepath.Join(root, countsFile))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, performanceDoc))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), rooflineTable(counts)) {
		t.Error("docs/performance.md has another table; run go run ./scripts/cudareport roofline -write")
	}
	if !strings.Contains(string(text), "Nothing here has run on a real card.") {
		t.Error("docs/performance.md does not say that nothing has run on a real card")
	}
}
