package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"classlens/internal/safefile"
)

// Files that keep what the report said last; CI compares with them.
const (
	reportFile = "cuda/kernels/report.txt"
	countsFile = "cuda/kernels/counts.tsv"
)

const countsHead = "kernel\twarp instructions a launch\treplays a 1000 shared accesses\texcess sectors a 1000 global accesses"

// count is what a kernel's launches cost over all tests: exact for them, and the same on every run.
type count struct{ instructions, replays, sectors float64 }

func countOf(a *activity) count {
	return count{float64(a.instructions) / float64(max(a.launches, 1)), 1000 * float64(a.replays) / float64(max(a.shared, 1)), 1000 * float64(a.sectors) / float64(max(a.global, 1))}
}

// slack is what a count may grow by before it is a fault: tests change, too.
const slack = 1.02

// keep writes both files anew, or compares with them: no coverage may fall, no count grow.
func keep(write bool, lines []string, coverage map[string]float64, counts map[string]count, names []string) error {
	if write {
		var b strings.Builder
		b.WriteString(countsHead + "\n")
		for _, k := range names {
			fmt.Fprintf(&b, "%s\t%.1f\t%.1f\t%.1f\n", k, counts[k].instructions, counts[k].replays, counts[k].sectors)
		}
		return errors.Join(safefile.WriteFile(reportFile, []byte(strings.Join(lines, "\n")+"\n")), safefile.WriteFile(countsFile, []byte(b.String())))
	}
	known, err := readCounts(countsFile)
	if err != nil {
		return err
	}
	var faults []error
	for _, k := range names {
		was, ok := known[k]
		if now := counts[k]; ok && (now.instructions > slack*was.instructions || now.replays > slack*was.replays+.1 || now.sectors > slack*was.sectors+.1) {
			faults = append(faults, fmt.Errorf("%s: %.1f warp instructions a launch, %.1f replays, %.1f excess sectors a 1000 accesses; %s has %.1f, %.1f, %.1f", k,
				now.instructions, now.replays, now.sectors, countsFile, was.instructions, was.replays, was.sectors))
		}
		if !ok {
			faults = append(faults, fmt.Errorf("%s is not in %s; run the report with -write and read the difference", k, countsFile))
		}
	}
	text, err := os.ReadFile(reportFile)
	if err != nil {
		return err
	}
	for row := range strings.Lines(string(text)) {
		var k string
		var was float64
		if _, err := fmt.Sscanf(row, "kernel: %s coverage %g", &k, &was); err != nil {
			return fmt.Errorf("%s: %q: %w", reportFile, row, err)
		}
		if now, ok := coverage[k]; ok && now < was-.1 {
			faults = append(faults, fmt.Errorf("%s: %.1f %% of its instructions are executed by tests, before it was %.1f", k, now, was))
		}
	}
	return errors.Join(faults...)
}

func readCounts(file string) (map[string]count, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	known := map[string]count{}
	for _, row := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		var k string
		var c count
		if _, err := fmt.Sscanf(row, "%s\t%g\t%g\t%g", &k, &c.instructions, &c.replays, &c.sectors); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, row, err)
		}
		known[k] = c
	}
	return known, nil
}
