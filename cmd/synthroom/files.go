package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"classlens/internal/safefile"
)

// writeFile makes a file whole or not at all, lasting even through a power cut.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := safefile.Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Commit()
}

// writePicture makes a file whole or not at all, without waiting for the disk:
// the table that names it is written after it.
func writePicture(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// progress is a line on stderr, at most once a second.
type progress struct {
	what        string
	n, total    int
	start, last time.Time
}

func newProgress(what string, total int) *progress {
	return &progress{what: what, total: total, start: time.Now()}
}

func (p *progress) add(k int) {
	p.n += k
	if time.Since(p.last) < time.Second {
		return
	}
	p.last = time.Now()
	rate := float64(p.n) / time.Since(p.start).Seconds()
	fmt.Fprintf(os.Stderr, "\r%d of %d %s, %.1f a second, %.0f s left   ", p.n, p.total, p.what, rate, float64(p.total-p.n)/rate)
}

func (p *progress) done() {
	d := time.Since(p.start).Seconds()
	fmt.Fprintf(os.Stderr, "\r%d %s in %.0f s, %.1f a second          \n", p.n, p.what, d, float64(p.n)/max(d, 1e-3))
}
