//go:build cuda

package simulator

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"classlens/cuda/kernels"
)

// inTests are the opcodes whose semantics a test has that is no table of instructions.
var inTests = map[string]string{
	"atom.global.add.u32":           "TestAtomics",
	"cp.async.cg.shared.global":     "TestAsyncCopy",
	"cp.async.commit_group":         "TestAsyncCopy",
	"cp.async.wait_group":           "TestAsyncCopy",
	"ld.param.f32":                  "TestParameters",
	"ld.param.s32":                  "TestParameters",
	"ld.param.u32":                  "TestParameters",
	"ld.param.u64":                  "TestParameters",
	"shfl.sync.bfly.b32":            "TestWarpWide",
	"ldmatrix.sync.aligned.m8n8.x4": "TestLoadMatrix", // plain and transposed
	"mma.sync.aligned.m16n8k16":     "TestMatrixProduct",
}

var opcodeOf = regexp.MustCompile(`^\s*(?:@!?%\w+\s+)?(?:\w+:\s+)?([a-z][a-z0-9_.]*)`)

// Every opcode, with all its suffixes, that occurs in the PTX that ships has a test of its semantics from the PTX manual, at edge values.
func TestEveryShippedOpcodeHasATest(t *testing.T) {
	shipped := map[string]string{} // and a kernel that has it
	for _, m := range kernels.Modules() {
		_, code, _ := strings.Cut(m.PTX, ".entry")
		for line := range strings.Lines(code) {
			if f := opcodeOf.FindStringSubmatch(line); f != nil && strings.HasSuffix(strings.TrimSpace(line), ";") {
				shipped[f[1]] = m.Name
			}
		}
	}
	if len(shipped) < 100 {
		t.Fatalf("only %d opcodes were found", len(shipped))
	}
	var tested []string
	for _, table := range [][]op{integerOps, bitOps, compareOps, floatOps, halfOps, convertOps, moveOps, memoryOps, controlOps} {
		for _, o := range table {
			for _, instruction := range strings.Split(o.text, ";") {
				if f := opcodeOf.FindStringSubmatch(instruction); f != nil {
					tested = append(tested, f[1])
				}
			}
		}
	}
	tested = append(tested, "ld.global.b64", "st.global.b64", "mul.wide.u32", "cvta.to.global.u64") // the frame of every table's test: it could not pass without them
	for opcode, test := range inTests {
		if !strings.Contains(sourceOf(t, test), firstParts(opcode)) {
			t.Errorf("%s is not in %s", opcode, test)
		}
	}
	for opcode, kernel := range shipped {
		found := slices.Contains(tested, opcode)
		for prefix := range inTests {
			found = found || opcode == prefix || strings.HasPrefix(opcode, prefix+".")
		}
		if !found {
			t.Errorf("%s, which %s uses, has no test of its semantics", opcode, kernel)
		}
	}
}

// firstParts leaves out what a test puts together from its cases: the shape of a matrix.
func firstParts(opcode string) string {
	opcode, _, _ = strings.Cut(opcode, ".m16n8k16")
	opcode, _, _ = strings.Cut(opcode, "4")
	return opcode
}

// sourceOf is the text of a test of this package, and of what it calls here.
func sourceOf(t *testing.T, name string) string {
	t.Helper()
	set := token.NewFileSet()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(set, f.Name(), text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				bodies[fn.Name.Name] = string(text[set.Position(fn.Pos()).Offset:set.Position(fn.End()).Offset])
			}
		}
	}
	if bodies[name] == "" {
		t.Fatalf("no test is called %s", name)
	}
	all := bodies[name]
	for other, body := range bodies {
		if other != name && strings.Contains(bodies[name], other+"(") {
			all += body
		}
	}
	return all
}

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	plain  = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
)

// The table of the README holds: each opcode that it calls modelled is in some test, each that it calls not modelled is refused.
func TestTableOfOpcodes(t *testing.T) {
	d := simulated(t)
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| group | modelled | not modelled |")
	table, _, _ = strings.Cut(table, "\n\n")
	var sources strings.Builder
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "_test.go") {
			text, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(text)
		}
	}
	words := func(cell string) (names []string) {
		for _, q := range quoted.FindAllStringSubmatch(cell, -1) {
			for _, w := range strings.Fields(q[1]) {
				if w, _, _ = strings.Cut(w, "."); plain.MatchString(w) {
					names = append(names, w)
				}
			}
		}
		return names
	}
	rows, modelled, refused := 0, 0, 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || strings.HasPrefix(cells[0], "-") {
			continue
		}
		rows++
		is := words(cells[1])
		for _, op := range is {
			modelled++
			if !regexp.MustCompile(`[^a-z0-9%_]` + op + `\b`).MatchString(sources.String()) {
				t.Errorf("%s is called modelled, and no test has it", op)
			}
		}
		for _, op := range words(cells[2]) {
			if slices.Contains(is, op) {
				continue // some of its forms
			}
			refused++
			if m, err := d.Load([]byte(faultKernel(op + ".b32 %t, %t;"))); err == nil {
				t.Errorf("%s is called not modelled, and is taken", op)
				_ = m.Close()
			}
		}
	}
	if rows < 10 || modelled < 60 || refused < 10 {
		t.Fatalf("the table has %d groups with %d opcodes modelled and %d not", rows, modelled, refused)
	}
}
