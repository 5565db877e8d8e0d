// Command cudareport says what the tests of the CUDA kernels see of them, on the simulated device:
//
//	go run ./scripts/cudareport            one line a kernel: coverage, mutants, registers, spills, replays (make cuda-report)
//	go run ./scripts/cudareport mutants    changes one PTX instruction at a time and asks whether the tests notice (make mutants)
//	go run ./scripts/cudareport roofline   what launches of the network's sizes take at the least on an H100 (docs/performance.md)
//
// Coverage is the share of a kernel's PTX instructions that some test executes. A mutant is a kernel with one executed instruction
// changed; it is killed when a test fails. Registers and spills are those of ptxas for sm_80, where it is in the cache
// (make kernels-check fetches it), replays the bank conflicts' turns over all tests.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cudareport:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	verb := "report"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("cudareport "+verb, flag.ContinueOnError)
	only := flags.String("kernels", "", "only these kernels, separated by commas")
	tests := flags.String("tests", "", "mutants: only these tests of the kernels, a regular expression; saves the noting of all others")
	perKernel := flags.Int("mutants", 40, "mutants tried a kernel, chosen evenly over kinds and lines; 0: all")
	survivors := flags.Bool("v", false, "list the mutants that no test noticed")
	coverage := flags.Float64("min-coverage", 0, "fail when a kernel's coverage is below this percentage")
	killed := flags.Float64("min-killed", 0, "fail when fewer than this percentage of all mutants are killed")
	write := flags.Bool("write", false, "write cuda/kernels/report.txt and counts.tsv (report), mutants.tsv and survivors.txt (mutants), or the table of docs/performance.md (roofline); without it a report compares with them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if verb == "roofline" {
		return roofline(*write)
	}
	l, err := newLab()
	if err != nil {
		return err
	}
	defer l.close()
	switch verb {
	case "report":
		return report(l, pick(*only), *coverage, *killed, *write)
	case "mutants":
		return mutants(l, *only, *tests, *perKernel, *survivors, *killed, *write)
	}
	return fmt.Errorf("unknown verb %q: want report, mutants or roofline", verb)
}

// pick makes a filter of a list of names; an empty list lets all pass.
func pick(list string) func(string) bool {
	if list == "" {
		return func(string) bool { return true }
	}
	names := strings.Split(list, ",")
	return func(name string) bool { return slices.Contains(names, name) }
}
