//go:build bench

package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"

	"classlens/internal/safefile"
)

// The npm package that carries libonnxruntime.so.1.
const runtimePackage = "onnxruntime-node@1.30.0"

// fetchRuntime gives the path of ONNX Runtime's library, fetched once into the
// cache.
func fetchRuntime() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	if c := os.Getenv("CLASSLENS_CACHE"); c != "" {
		cache = c
	} else {
		cache = filepath.Join(cache, "classlens")
	}
	dir := filepath.Join(cache, "bench")
	library := filepath.Join(dir, "libonnxruntime-1.30.0.so")
	if _, err := os.Stat(library); err == nil {
		return library, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	fmt.Fprintln(os.Stderr, "bench: fetching", runtimePackage, "for the comparison")
	cmd := exec.Command("npm", "pack", "--silent", runtimePackage)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	name, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("npm pack %s: %w; is there a network?", runtimePackage, err)
	}
	archive := filepath.Join(dir, string(name[:len(name)-1]))
	defer os.Remove(archive)
	return library, unpackLibrary(archive, library)
}

// unpackLibrary takes the library for this machine out of the package.
func unpackLibrary(archive, to string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s has no libonnxruntime.so.1 for linux/%s", archive, arch)
		}
		if err != nil {
			return err
		}
		if match, _ := path.Match("package/bin/*/linux/"+arch+"/libonnxruntime.so.1", h.Name); !match {
			continue
		}
		out, err := safefile.Create(to)
		if err != nil {
			return err
		}
		defer out.Abort()
		if _, err := io.Copy(out, t); err != nil {
			return err
		}
		return out.Commit()
	}
}
