package main

import (
	"fmt"
	"strconv"
	"strings"
)

// trace is what kernels did, from the file that the simulated device writes (cuda/simulator/README.md).
type trace map[string]*activity

// activity is that of one kernel.
type activity struct {
	launches, instructions uint64 // warp instructions
	shared, replays        uint64
	global, sectors        uint64
	lines                  map[int]uint64 // PTX line: executions
}

func (t trace) kernel(name string) *activity {
	if t[name] == nil {
		t[name] = &activity{lines: map[int]uint64{}}
	}
	return t[name]
}

func (t trace) add(other trace) {
	for name, a := range other {
		k := t.kernel(name)
		k.launches += a.launches
		k.instructions += a.instructions
		k.shared += a.shared
		k.replays += a.replays
		k.global += a.global
		k.sectors += a.sectors
		for line, n := range a.lines {
			k.lines[line] += n
		}
	}
}

// coverage is the percentage of the kernel's instructions that were executed.
func (a *activity) coverage() float64 {
	done := 0
	for _, n := range a.lines {
		if n > 0 {
			done++
		}
	}
	if len(a.lines) == 0 {
		return 0
	}
	return 100 * float64(done) / float64(len(a.lines))
}

func (t trace) read(text string) error {
	for row := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		switch {
		case len(f) == 8 && f[0] == "kernel":
			n, err := numbers(f[2:])
			if err != nil {
				return fmt.Errorf("report %q: %w", row, err)
			}
			k := t.kernel(f[1])
			for i, to := range []*uint64{&k.launches, &k.instructions, &k.shared, &k.replays, &k.global, &k.sectors} {
				*to += n[i]
			}
		case len(f) == 8 && f[0] == "line":
			n, err := numbers([]string{f[2], f[4]})
			if err != nil {
				return fmt.Errorf("report %q: %w", row, err)
			}
			t.kernel(f[1]).lines[int(n[0])] += n[1]
		default:
			return fmt.Errorf("report: strange row %q", row)
		}
	}
	return nil
}

func numbers(fields []string) ([]uint64, error) {
	v := make([]uint64, len(fields))
	for i, s := range fields {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil, err
		}
		v[i] = n
	}
	return v, nil
}
