//go:build bench

// Command bench makes up a learning log of 10.6 million rows of clicks (OULAD's
// size: 32,593 enrolments in 22 courses) on disk and reads it in a child process:
//
//	bench: import-10.6M-clicks seconds 6.31 peak_mb 143
//
// seconds is CPU time of the child; peak_mb its largest resident set in 10^6 bytes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"classlens/internal/learner/logs"
	"classlens/internal/learner/synthlog"
)

const rows = 10_600_000

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) == 2 { // the child
		return read(os.Args[1])
	}
	dir, err := os.MkdirTemp("", "classlens-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o := synthlog.Options{Seed: 1, Modules: 11, Presentations: []string{"2013J", "2014J"}, Students: 32593, Rows: rows, Healthy: true}
	if _, err := synthlog.Write(dir, o); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage) // Linux: Maxrss in KiB
	seconds := cmd.ProcessState.UserTime().Seconds() + cmd.ProcessState.SystemTime().Seconds()
	fmt.Printf("bench: import-10.6M-clicks seconds %.2f peak_mb %.0f\n", seconds, float64(usage.Maxrss)*1024/1e6)
	return nil
}

func read(dir string) error {
	l, err := logs.ReadOULAD(context.Background(), dir)
	if err != nil {
		return err
	}
	if got := l.Rows["studentVle.csv"]; got != rows || l.BadCount != 0 {
		return fmt.Errorf("%d of %d rows read, %d bad: %v", got, rows, l.BadCount, l.Bad[:min(3, len(l.Bad))])
	}
	return nil
}
