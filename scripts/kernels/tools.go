package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"classlens/internal/safefile"
)

// Versions of what is fetched, and what it is for.
const (
	cudaVersion   = "12.2.140"
	disasmVersion = "13.2.51"
)

// tools are the paths of the CUDA compiler's parts.
type tools struct{ dir, driver, nvrtc, include, ptxas, nvdisasm string }

// toolsIn are the tools' places in the cache, whether they are there or not.
func toolsIn() (tools, error) {
	cache := os.Getenv("CLASSLENS_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return tools{}, err
		}
		cache = filepath.Join(user, "classlens")
	}
	dir := filepath.Join(cache, "cuda-"+cudaVersion)
	nvidia := filepath.Join(dir, "nvidia")
	return tools{dir: dir, driver: filepath.Join(dir, "nvrtc"), nvrtc: filepath.Join(nvidia, "cuda_nvrtc", "lib", "libnvrtc.so.12"),
		include: filepath.Join(nvidia, "cuda_runtime", "include"), ptxas: filepath.Join(nvidia, "cuda_nvcc", "bin", "ptxas"), nvdisasm: filepath.Join(nvidia, "cu13", "bin", "nvdisasm")}, nil
}

// fetched gives the tools when they are in the cache already.
func fetched() (tools, error) {
	t, err := toolsIn()
	if err != nil {
		return t, err
	}
	if _, err := os.Stat(filepath.Join(t.dir, "complete")); err != nil {
		return t, fmt.Errorf("the assembler was not fetched: %w", err)
	}
	return t, nil
}

// fetchTools downloads the wheels by name from PyPI (50 MB, once), unpacks them into
// the cache and compiles the small driver of NVRTC.
func fetchTools() (tools, error) {
	t, err := toolsIn()
	if err != nil {
		return t, err
	}
	ready := filepath.Join(t.dir, "complete")
	if _, err := os.Stat(ready); err != nil {
		if err := t.fetch(); err != nil {
			return t, err
		}
		if err := safefile.WriteFile(ready, nil); err != nil {
			return t, err
		}
	}
	// The driver is compiled anew each time: it takes a tenth of a second and may have changed.
	if out, err := exec.Command("cc", "-O1", "-o", t.driver, "scripts/kernels/driver/nvrtc.c", "-ldl").CombinedOutput(); err != nil {
		return t, fmt.Errorf("cc nvrtc.c: %w\n%s", err, out)
	}
	return t, nil
}

func (t tools) fetch() error {
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return err
	}
	wheels, err := os.MkdirTemp(t.dir, "wheels-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(wheels)
	pip := exec.Command("python3", "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, "nvidia-cuda-runtime-cu12=="+cudaVersion,
		"nvidia-cuda-nvrtc-cu12=="+cudaVersion, "nvidia-cuda-nvcc-cu12=="+cudaVersion, "nvidia-cuda-nvdisasm=="+disasmVersion)
	if out, err := pip.CombinedOutput(); err != nil {
		return fmt.Errorf("pip download: %w\n%s", err, out)
	}
	names, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := unzip(name, t.dir); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	for _, name := range []string{t.ptxas, t.nvdisasm} {
		if err := os.Chmod(name, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// unzip unpacks the files of an archive below dir; names that lead out of it fail.
func unzip(archive, dir string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("the archive names %q", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return err
		}
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := safefile.WriteFile(name, data); err != nil {
			return err
		}
	}
	return nil
}
