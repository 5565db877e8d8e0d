package main

import (
	"errors"
	"fmt"

	"classlens/cuda/kernels"
)

// report prints one line a kernel and fails when coverage or mutants are below the limits.
func report(l *lab, wanted func(string) bool, leastCoverage, leastKilled float64, write bool) error {
	seen, err := l.observe()
	if err != nil {
		return err
	}
	scores, err := readScores()
	if err != nil {
		return err
	}
	assembled, err := assemble()
	if err != nil {
		return err
	}
	var faults []error
	var lines, names []string
	coverage, counts := map[string]float64{}, map[string]count{}
	for _, m := range kernels.Modules() {
		for _, k := range m.Kernels {
			if !wanted(k) {
				continue
			}
			a := seen.kernel(k)
			s := scores[k]
			if s.source != sourceOf(m) {
				s = score{} // of another text
			}
			names = append(names, k)
			coverage[k], counts[k] = a.coverage(), countOf(a)
			use := "registers - spills -"
			if u, ok := assembled[k]; ok {
				use = fmt.Sprintf("registers %d spills %d", u.registers, u.spills)
			}
			lines = append(lines, fmt.Sprintf("kernel: %s coverage %.1f mutants %d/%d %s replays %d", k, a.coverage(), s.killed, s.tried, use, a.replays))
			fmt.Println(lines[len(lines)-1])
			if s.tried == 0 && leastKilled > 0 {
				faults = append(faults, fmt.Errorf("%s: no mutants of its source were tried; run make mutants", k))
			}
			if 100*float64(s.killed) < leastKilled*float64(s.tried) {
				faults = append(faults, fmt.Errorf("%s: %d of %d mutants were noticed, want %g %%", k, s.killed, s.tried, leastKilled))
			}
			if a.coverage() < leastCoverage {
				faults = append(faults, fmt.Errorf("%s: %.1f %% of its instructions are executed by tests, want %g", k, a.coverage(), leastCoverage))
			}
		}
	}
	faults = append(faults, keep(write, lines, coverage, counts, names))
	return errors.Join(faults...)
}
