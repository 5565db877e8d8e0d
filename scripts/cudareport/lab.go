package main

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
)

// lab runs compiled tests on the simulated device.
type lab struct {
	dir       string // temporary
	simulator string // path of the library
	tests     []test
}

// test is one top-level test and what it executes.
type test struct {
	binary, folder, name string
	took                 time.Duration
	seen                 trace
}

// newLab builds the simulated device and the test binaries, and runs every test alone once to see what it executes.
func newLab(packages []string) (*lab, error) {
	out, err := exec.Command("scripts/cuda-simulator.sh").Output()
	if err != nil {
		return nil, fmt.Errorf("scripts/cuda-simulator.sh: %w", explained(err))
	}
	l := &lab{simulator: strings.TrimSpace(string(out))}
	if l.dir, err = os.MkdirTemp("", "cudareport-"); err != nil {
		return nil, err
	}
	for n, p := range packages {
		if err := l.addPackage(n, p); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *lab) close() { os.RemoveAll(l.dir) }

func (l *lab) addPackage(n int, path string) error {
	binary := filepath.Join(l.dir, fmt.Sprintf("package%d.test", n))
	build := exec.Command("go", "test", "-c", "-tags", "cuda", "-o", binary, path)
	if os.Getenv("CGO_CFLAGS") == "" {
		here, err := os.Getwd()
		if err != nil {
			return err
		}
		build.Env = append(build.Environ(), "CGO_CFLAGS=-I"+filepath.Join(here, "cuda", "include"))
	}
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c %s: %w\n%s", path, err, out)
	}
	list, err := exec.Command(binary, "-test.list", ".").Output()
	if err != nil {
		return fmt.Errorf("list tests of %s: %w", path, explained(err))
	}
	for _, name := range strings.Fields(string(list)) {
		if !strings.HasPrefix(name, "Test") {
			continue
		}
		t := test{binary: binary, folder: path, name: name}
		if err := l.observe(&t); err != nil {
			return fmt.Errorf("%s fails without any change: %w", name, err)
		}
		if len(t.seen) > 0 {
			l.tests = append(l.tests, t)
		}
	}
	return nil
}

// observe runs a test alone and notes what it executes, in both orders of blocks and warps.
func (l *lab) observe(t *test) error {
	t.seen = trace{}
	for _, order := range []string{"forward", "reverse"} {
		file := filepath.Join(l.dir, "report")
		if err := os.RemoveAll(file); err != nil {
			return err
		}
		start := time.Now()
		if err := l.run(*t, order, "CLASSLENS_SIM_REPORT="+file); err != nil {
			return err
		}
		t.took = time.Since(start)
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil // it opened no device
		}
		if err != nil {
			return err
		}
		if order == "forward" { // counts of one order, coverage is the same in both
			if err := t.seen.read(string(text)); err != nil {
				return err
			}
		}
	}
	return nil
}

// testTimeout ends a test that a mutant made endless in a way that the limit of steps does not see.
const testTimeout = 2 * time.Minute

// run gives nil when the test passes.
func (l *lab) run(t test, order string, env ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.binary, "-test.run", "^"+t.name+"$", "-test.failfast")
	cmd.Dir = t.folder
	cmd.Env = append(cmd.Environ(), "CLASSLENS_LIBCUDA="+l.simulator, "CLASSLENS_SIM_ORDER="+order, "CLASSLENS_SIM_LAZY=0", "CLASSLENS_SIM_CORES=1", "GOMAXPROCS=1")
	cmd.Env = append(cmd.Env, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(out.String()))
	}
	return nil
}

func explained(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

// all is what the tests execute together.
func (l *lab) all() trace {
	sum := trace{}
	for _, t := range l.tests {
		sum.add(t.seen)
	}
	return sum
}
