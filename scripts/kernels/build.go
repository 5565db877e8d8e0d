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

// build compiles the kernels whose source changed and writes their PTX.
func build(t tools) error {
	names, err := sources()
	if err != nil {
		return err
	}
	for _, name := range names {
		to := strings.TrimSuffix(name, ".cu") + ".ptx"
		old, err := os.ReadFile(to)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		stamp, err := stampOf(name)
		if err != nil {
			return err
		}
		if string(firstLine(old)) == stamp {
			continue // check compiles it anew
		}
		ptx, err := compile(t, name, false)
		if err != nil {
			return err
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
		old, err := os.ReadFile(strings.TrimSuffix(name, ".cu") + ".ptx")
		if err != nil {
			return err
		}
		_, equal, err := compileTo(t, name, old)
		if err != nil {
			return err
		}
		if !equal {
			return fmt.Errorf("%s: the committed PTX is not what NVRTC %s makes of it; run `make kernels`", name, cudaVersion)
		}
	}
	return nil
}

// attempts: NVRTC sorts some things by where they lie in memory, so that of one source it makes one of a few texts, which
// differ in the order of registers. The driver keeps memory in place on its first run; the others
// look for a text that another machine made. Of conv_input's six texts the one that ships came up in 11 of 24 runs, a third of a second each: with 12 attempts a check failed
// once in some hundreds. Where the compiler really makes another text all of them are made.
const attempts = 80

// compileTo compiles until the text is the one that is there, or until it is clear that it will not be.
func compileTo(t tools, name string, old []byte) (ptx []byte, equal bool, err error) {
	var other []byte
	for i := range attempts {
		if other, err = compile(t, name, i > 0); err != nil {
			return nil, false, err
		}
		if i == 0 {
			ptx = other
		}
		if bytes.Equal(old, other) {
			return old, true, nil
		}
		if !bytes.Equal(firstLine(old), firstLine(ptx)) {
			break // another source
		}
	}
	return ptx, false, nil
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
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
func compile(t tools, name string, anywhere bool) ([]byte, error) {
	stamp, err := stampOf(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(t.driver, t.nvrtc, "/dev/stdout", name, "--gpu-architecture=compute_80", "--std=c++17", "-I"+folder, "-I"+t.include, "-lineinfo")
	if anywhere {
		cmd.Env = append(cmd.Environ(), "NVRTC_ANYWHERE=1")
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	ptx, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, complaints.Bytes())
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
