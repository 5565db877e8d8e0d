//go:build bench

package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The PyPI package that has the LSTM to compare with.
const torchPackage = "torch==2.15.0"

//go:embed epoch.py
var script string

// python gives an interpreter that has PyTorch: that of CLASSLENS_BENCH_PYTHON, or
// of a virtual environment in the cache, made once.
func python() (string, error) {
	if p := os.Getenv("CLASSLENS_BENCH_PYTHON"); p != "" {
		return p, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	if c := os.Getenv("CLASSLENS_CACHE"); c != "" {
		cache = c
	} else {
		cache = filepath.Join(cache, "classlens")
	}
	venv := filepath.Join(cache, "bench", "venv")
	program := filepath.Join(venv, "bin", "python")
	if exec.Command(program, "-c", "import torch").Run() == nil {
		return program, nil
	}
	fmt.Fprintln(os.Stderr, "bench: fetching", torchPackage, "from PyPI for the comparison")
	for _, c := range [][]string{{"python3", "-m", "venv", venv}, {program, "-m", "pip", "install", "--quiet", torchPackage, "numpy"}} {
		cmd := exec.Command(c[0], c[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("%s: %w; CLASSLENS_BENCH_PYTHON may name a Python that has PyTorch", strings.Join(c, " "), err)
		}
	}
	return program, nil
}

// theirs is a child process that runs one epoch for each line it gets, and answers
// with its seconds.
type theirs struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

func newTheirs(program string, p problem) (*theirs, error) {
	t := &theirs{cmd: exec.Command(program, "-c", script, fmt.Sprint(p.rows), fmt.Sprint(p.steps), fmt.Sprint(p.inputs), fmt.Sprint(p.hidden), fmt.Sprint(p.batch))}
	t.cmd.Stderr = os.Stderr
	t.cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1", "CUDA_VISIBLE_DEVICES=")
	var err error
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.answers = bufio.NewScanner(out)
	return t, t.cmd.Start()
}

// epoch gives wall and CPU seconds.
func (t *theirs) epoch() (wall, cpu float64, err error) {
	if _, err := fmt.Fprintln(t.in); err != nil {
		return 0, 0, err
	}
	if !t.answers.Scan() {
		return 0, 0, fmt.Errorf("PyTorch ended: %w", io.ErrUnexpectedEOF)
	}
	_, err = fmt.Sscan(t.answers.Text(), &wall, &cpu)
	return wall, cpu, err
}

func (t *theirs) close() error {
	t.in.Close()
	return t.cmd.Wait()
}
