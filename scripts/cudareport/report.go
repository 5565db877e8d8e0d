package main

import (
	"errors"
	"fmt"

	"classlens/cuda/kernels"
)

// report prints one line a kernel and fails when coverage or mutants are below the limits.
func report(l *lab, wanted func(string) bool, leastCoverage, leastKilled float64) error {
	seen := l.all()
	scores, err := readScores()
	if err != nil {
		return err
	}
	assembled, err := assemble()
	if err != nil {
		return err
	}
	var faults []error
	var sum score
	for _, m := range kernels.Modules() {
		for _, k := range m.Kernels {
			if !wanted(k) {
				continue
			}
			a := seen.kernel(k)
			s := scores[k]
			sum.killed += s.killed
			sum.tried += s.tried
			use := "registers - spills -"
			if u, ok := assembled[k]; ok {
				use = fmt.Sprintf("registers %d spills %d", u.registers, u.spills)
			}
			fmt.Printf("kernel: %s coverage %.1f mutants %d/%d %s replays %d\n", k, a.coverage(), s.killed, s.tried, use, a.replays)
			if a.coverage() < leastCoverage {
				faults = append(faults, fmt.Errorf("%s: %.1f %% of its instructions are executed by tests, want %g", k, a.coverage(), leastCoverage))
			}
		}
	}
	if 100*float64(sum.killed) < leastKilled*float64(sum.tried) {
		faults = append(faults, fmt.Errorf("%d of %d mutants were noticed, want %g %%", sum.killed, sum.tried, leastKilled))
	}
	return errors.Join(faults...)
}
