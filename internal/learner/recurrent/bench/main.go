//go:build bench

// Command bench times the learner's LSTM beside PyTorch's on the CPU, one thread
// each, an epoch of the one after an epoch of the other in one run:
//
//	bench: lstm-16384x10x13-b256 ours_ms 125.9 pytorch_ms 274.6 ratio 2.18
//	bench: lstm-16384x10x13 ours_ms 125.6 pytorch_ms 274.6 ratio 2.19
//
// The name holds sequences, steps, inputs and batch; 64 hidden units. Times are
// medians of CPU time (other work on the machine does not count); ratio is theirs
// over ours; the line without a batch has each side at its own best one. PyTorch comes from PyPI into a virtual environment of the cache, or
// from the Python that CLASSLENS_BENCH_PYTHON names.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// rounds that are timed, after one that warms up.
var rounds = flag.Int("rounds", 9, "epochs of each that are timed")

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	runtime.GOMAXPROCS(1)
	program, err := python()
	if err != nil {
		return err
	}
	for _, size := range [][2]int{{16384, 10}, {4096, 40}} {
		p := problem{rows: size[0], steps: size[1], inputs: 13, hidden: 64}
		name := fmt.Sprintf("lstm-%dx%dx%d", p.rows, p.steps, p.inputs)
		var mine, torch []float64
		for _, p.batch = range []int{128, 256, 512} {
			x, y, err := compare(program, p)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			tell(fmt.Sprintf("%s-b%d", name, p.batch), x, y)
			mine, torch = append(mine, x), append(torch, y)
		}
		tell(name, slices.Min(mine), slices.Min(torch))
	}
	return nil
}

func tell(name string, ours, torch float64) {
	fmt.Printf("bench: %s ours_ms %.1f pytorch_ms %.1f ratio %.2f\n", name, ours, torch, torch/ours)
}

// compare gives the median milliseconds of an epoch.
func compare(program string, p problem) (ours, pytorch float64, err error) {
	a, err := newOurs(p)
	if err != nil {
		return 0, 0, err
	}
	b, err := newTheirs(program, p)
	if err != nil {
		return 0, 0, err
	}
	var mine, torch []float64
	for i := range *rounds + 1 {
		from := used()
		if err := a.epoch(); err != nil {
			return 0, 0, err
		}
		x := used() - from
		_, y, err := b.epoch()
		if err != nil {
			return 0, 0, err
		}
		if i > 0 { // the first round warms up
			mine, torch = append(mine, x*1e3), append(torch, y*1e3)
		}
	}
	slices.Sort(mine)
	slices.Sort(torch)
	return mine[*rounds/2], torch[*rounds/2], b.close()
}

// used is the CPU time of this process in seconds.
func used() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
