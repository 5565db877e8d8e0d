package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"classlens/cuda/kernels"
	"classlens/internal/safefile"
)

// usage is what ptxas says of a kernel.
type usage struct{ registers, spills int }

var (
	compiling = regexp.MustCompile(`Compiling entry function '(\w+)'[^\n]*\n[^\n]*\n[^\n]*?(\d+) bytes spill stores, (\d+) bytes spill loads\n[^\n]*Used (\d+) registers`)
)

// assemble asks ptxas for sm_80; without it nothing is known, which is no error.
func assemble() (map[string]usage, error) {
	ptxas, err := findPtxas()
	if err != nil {
		return nil, nil
	}
	found := map[string]usage{}
	dir, err := os.MkdirTemp("", "cudareport-ptxas-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for _, m := range kernels.Modules() {
		in := filepath.Join(dir, m.Name+".ptx")
		if err := safefile.WriteFile(in, []byte(m.PTX)); err != nil {
			return nil, err
		}
		out, err := exec.Command(ptxas, "-arch=sm_80", "-v", "-o", os.DevNull, in).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("ptxas %s: %w\n%s", m.Name, err, out)
		}
		for _, f := range compiling.FindAllStringSubmatch(string(out), -1) {
			stores, _ := strconv.Atoi(f[2])
			loads, _ := strconv.Atoi(f[3])
			registers, _ := strconv.Atoi(f[4])
			found[f[1]] = usage{registers, stores + loads}
		}
	}
	return found, nil
}

// findPtxas looks into the project's cache, where make kernels-check puts it.
func findPtxas() (string, error) {
	cache := os.Getenv("CLASSLENS_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(user, "classlens")
	}
	list, err := filepath.Glob(filepath.Join(cache, "cuda-*", "nvidia", "cuda_nvcc", "bin", "ptxas"))
	if err != nil || len(list) == 0 {
		return "", fmt.Errorf("no ptxas")
	}
	return list[len(list)-1], nil
}
