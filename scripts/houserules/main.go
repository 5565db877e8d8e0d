// Command houserules checks what gofmt, vet and staticcheck cannot: the import
// table of docs/architecture.md, files written other than through
// internal/safefile, templates that do not escape, large files, and names of
// machines or package hosts. It prints one line a finding and exits 1.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

func main() {
	findings, err := check()
	if err != nil {
		fmt.Fprintln(os.Stderr, "houserules:", err)
		os.Exit(2)
	}
	for _, f := range findings {
		fmt.Println(f)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
}

func check() ([]string, error) {
	var all []string
	for _, tags := range []string{"", "cuda", "bench"} {
		packages, err := listPackages(tags)
		if err != nil {
			return nil, err
		}
		all = append(all, checkImports(packages)...)
	}
	files, err := trackedFiles()
	if err != nil {
		return nil, err
	}
	all = append(all, checkFiles(files)...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// goPackage is what `go list -json` says of one package.
type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func listPackages(tags string) ([]goPackage, error) {
	cmd := exec.Command("go", "list", "-e", "-tags", tags, "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var packages []goPackage
	for dec := json.NewDecoder(out); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		packages = append(packages, p)
	}
	return packages, cmd.Wait()
}

// trackedFiles are the files git tracks or would track.
func trackedFiles() ([]string, error) {
	out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	return strings.Split(strings.Trim(string(out), "\x00"), "\x00"), nil
}

const maxFileBytes = 10 << 20

var (
	goWrites   = regexp.MustCompile(`\bos\.(WriteFile|Create)\(`)
	goTemplate = regexp.MustCompile(`"text/template"|template\.(HTML|JS|URL|CSS|HTMLAttr)\(`)
	// Written so that this file does not match itself.
	hosts   = regexp.MustCompile(`p[y]pi\.org|n[p]mjs\.(org|com)|proxy\.g[o]lang|deb\.[d]ebian\.org|c[r]ates\.io`)
	machine = regexp.MustCompile(`(^|[^A-Za-z0-9_.])/(w[o]rk|f[a]rm)/`)
)

func checkFiles(files []string) []string {
	var found []string
	for _, f := range files {
		info, err := os.Lstat(f)
		if err != nil || !info.Mode().IsRegular() {
			continue // deleted in the working tree, or a link
		}
		if info.Size() > maxFileBytes {
			found = append(found, fmt.Sprintf("%s: larger than 10 MB", f))
		}
		if info.Size() > 2<<20 || f == "go.sum" {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil || slices.Contains(text, 0) {
			continue
		}
		found = append(found, checkLines(f, string(text))...)
	}
	return found
}

func checkLines(file, text string) []string {
	var found []string
	isGo := strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go")
	guarded := isGo && !strings.HasPrefix(file, "internal/safefile/") && !strings.HasPrefix(file, "scripts/")
	for i, line := range strings.Split(text, "\n") {
		at := fmt.Sprintf("%s:%d: ", file, i+1)
		if guarded && goWrites.MatchString(line) && !strings.Contains(line, "houserules:allow") {
			found = append(found, at+"files are written through internal/safefile")
		}
		if guarded && goTemplate.MatchString(line) && !strings.Contains(line, "houserules:allow") {
			found = append(found, at+"html/template only, and no unescaped types on data")
		}
		if hosts.MatchString(line) {
			found = append(found, at+"names a package host")
		}
		if machine.MatchString(line) {
			found = append(found, at+"holds a path of one machine")
		}
	}
	return found
}
