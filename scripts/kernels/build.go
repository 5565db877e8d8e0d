package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"classlens/internal/safefile"
)

const folder = "cuda/kernels"

// build compiles all kernels and writes what changed.
func build(t tools) error {
	names, err := sources()
	if err != nil {
		return err
	}
	for _, name := range names {
		ptx, err := compile(t, name)
		if err != nil {
			return err
		}
		to := strings.TrimSuffix(name, ".cu") + ".ptx"
		if old, err := os.ReadFile(to); err == nil && bytes.Equal(old, ptx) {
			continue
		}
		if err := safefile.WriteFile(to, ptx); err != nil {
			return err
		}
		fmt.Println("wrote", to)
	}
	return nil
}

// same fails when a committed PTX is not what the compiler makes of its source.
func same(t tools) error {
	names, err := sources()
	if err != nil {
		return err
	}
	for _, name := range names {
		ptx, err := compile(t, name)
		if err != nil {
			return err
		}
		old, err := os.ReadFile(strings.TrimSuffix(name, ".cu") + ".ptx")
		if err != nil {
			return err
		}
		if !bytes.Equal(old, ptx) {
			return fmt.Errorf("%s: the committed PTX is not what NVRTC %s makes of it; run `make kernels`", name, cudaVersion)
		}
	}
	return nil
}

func sources() ([]string, error) {
	names, err := filepath.Glob(folder + "/*.cu")
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("no kernels in %s: run this at the root of the repository", folder)
	}
	return names, err
}

var (
	filePath = regexp.MustCompile(`(?m)^(\s*\.file\s+\d+\s+")[^"]*/`)
	include  = regexp.MustCompile(`(?m)^#include "([^"]+)"`)
)

// compile gives the PTX of one source with its stamp as the first line; paths are cut
// to base names, so that it is the same on every machine.
func compile(t tools, name string) ([]byte, error) {
	stamp, err := stampOf(name)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kernels-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "out.ptx")
	cmd := exec.Command(t.driver, t.nvrtc, out, name, "--gpu-architecture=compute_80", "--std=c++17", "-I"+folder, "-I"+t.include, "-lineinfo")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, text)
	}
	ptx, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return append([]byte(stamp+"\n"), filePath.ReplaceAll(ptx, []byte("$1"))...), nil
}

// stampOf is a PTX file's first line: the hash of the source with what it includes,
// and the compiler. cuda/kernels checks it without a compiler.
func stampOf(name string) (string, error) {
	h := sha256.New()
	source, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	h.Write(source)
	for _, m := range include.FindAllSubmatch(source, -1) {
		part, err := os.ReadFile(filepath.Join(folder, string(m[1])))
		if err != nil {
			return "", err
		}
		h.Write(part)
	}
	return fmt.Sprintf("// source %x compiler NVRTC %s compute_80", h.Sum(nil), cudaVersion), nil
}
