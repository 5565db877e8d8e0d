package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// testedPackage holds the kernels and their tests.
const testedPackage = "./cuda/kernels"

// lab runs compiled tests on the simulated device.
type lab struct {
	dir       string // temporary
	simulator string // path of the library
	tests     string // path of the compiled tests
}

// newLab builds the simulated device and the tests.
func newLab() (*lab, error) {
	out, err := exec.Command("scripts/cuda-simulator.sh").Output()
	if err != nil {
		return nil, fmt.Errorf("scripts/cuda-simulator.sh: %w", explained(err))
	}
	l := &lab{simulator: strings.TrimSpace(string(out))}
	if l.dir, err = os.MkdirTemp("", "cudareport-"); err != nil {
		return nil, err
	}
	l.tests = filepath.Join(l.dir, "kernels.test")
	build := exec.Command("go", "test", "-c", "-tags", "cuda", "-o", l.tests, testedPackage)
	if os.Getenv("CGO_CFLAGS") == "" {
		here, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		build.Env = append(build.Environ(), "CGO_CFLAGS=-I"+filepath.Join(here, "cuda", "include"))
	}
	if out, err := build.CombinedOutput(); err != nil {
		l.close()
		return nil, fmt.Errorf("go test -c %s: %w\n%s", testedPackage, err, out)
	}
	return l, nil
}

func (l *lab) close() { os.RemoveAll(l.dir) }

// command runs the compiled tests where their sources are.
func (l *lab) command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(l.tests, args...)
	cmd.Dir = testedPackage
	cmd.Env = append(cmd.Environ(), "CLASSLENS_LIBCUDA="+l.simulator, "CLASSLENS_SIM_ORDER=forward", "CLASSLENS_SIM_LAZY=0", "CLASSLENS_SIM_CORES=1", "GOMAXPROCS=1")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// names are those of the tests.
func (l *lab) names() ([]string, error) {
	out, err := l.command(nil, "-test.list", ".").Output()
	if err != nil {
		return nil, fmt.Errorf("list tests of %s: %w", testedPackage, explained(err))
	}
	var names []string
	for _, f := range strings.Fields(string(out)) {
		if strings.HasPrefix(f, "Test") {
			names = append(names, f)
		}
	}
	return names, nil
}

// observe runs all tests and tells what they execute.
func (l *lab) observe() (trace, error) {
	file := filepath.Join(l.dir, "report")
	if out, err := l.command([]string{"CLASSLENS_SIM_REPORT=" + file}, "-test.count=1").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the tests of %s: %w\n%s", testedPackage, err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	seen := trace{}
	return seen, seen.read(string(text))
}

func explained(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}
