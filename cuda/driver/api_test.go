package driver

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// The stub and the tagged files must offer the same names and signatures, or one of the two builds of a caller breaks.
func TestStubOffersTheSame(t *testing.T) {
	plain, tagged := exported(t, "stub.go"), exported(t, "*_cuda.go")
	if len(plain) < 40 {
		t.Fatalf("only %d exported names found", len(plain))
	}
	for _, s := range plain {
		if !contains(tagged, s) {
			t.Errorf("only without the tag: %s", s)
		}
	}
	for _, s := range tagged {
		if !contains(plain, s) {
			t.Errorf("only with the tag: %s", s)
		}
	}
}

func contains(list []string, s string) bool {
	i := sort.SearchStrings(list, s)
	return i < len(list) && list[i] == s
}

// exported lists the functions, methods, types and constants of the files that match, functions with their signature.
func exported(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal(pattern, files, err)
	}
	var names []string
	fset := token.NewFileSet()
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(fset, f, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			names = append(names, declared(fset, d)...)
		}
	}
	sort.Strings(names)
	return names
}

func declared(fset *token.FileSet, d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() {
			d.Body = nil
			var b strings.Builder
			_ = printer.Fprint(&b, fset, d)
			names = append(names, strings.Join(strings.Fields(b.String()), " "))
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					names = append(names, "type "+s.Name.Name)
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() {
					names = append(names, "value "+s.Names[0].Name)
				}
			}
		}
	}
	return names
}
