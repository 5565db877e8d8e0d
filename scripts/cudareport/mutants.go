package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"classlens/cuda/kernels"
	"classlens/internal/safefile"
)

// resultFile keeps what was found for the report, and is committed, as mutants take hours: kernel, killed, tried, the start of the hash of
// the source that the PTX says it was made from.
const resultFile = "cuda/kernels/mutants.tsv"

// survivorsFile lists the mutants that no test noticed: kernel, PTX line, kind, what stands there, what stood there instead.
const survivorsFile = "cuda/kernels/survivors.tsv"

type score struct {
	killed, tried int
	source        string
}

// sourceOf is the start of a PTX file's hash of its source, from its first line.
func sourceOf(m kernels.Module) string {
	f := strings.Fields(m.PTX)
	if len(f) < 3 || len(f[2]) < 12 {
		return "none"
	}
	return f[2][:12]
}

// mutants tries mutants of every kernel wanted and keeps one score each. The compiled tests do it, all in one process: see
// cuda/kernels/mutants_test.go.
func mutants(l *lab, wanted, tests string, perKernel int, survivors bool, least float64, keep bool) error {
	names, err := l.names()
	if err != nil {
		return err
	}
	matching, err := regexp.Compile(tests)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !matching.MatchString(name) })
	sources := map[string]string{}
	for _, m := range kernels.Modules() {
		for _, k := range m.Kernels {
			sources[k] = sourceOf(m)
		}
	}
	cmd := l.command([]string{"CLASSLENS_MUTANTS=" + strconv.Itoa(perKernel), "CLASSLENS_MUTANTS_KERNELS=" + wanted, "CLASSLENS_MUTANTS_TESTS=" + strings.Join(names, ",")})
	cmd.Stderr = os.Stderr
	answer, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var sum, s score
	var faults []error
	var alive []string
	kernel := ""
	finish := func() error {
		if kernel == "" {
			return nil
		}
		fmt.Printf("mutants: %s %d/%d\n", kernel, s.killed, s.tried)
		sum.killed += s.killed
		sum.tried += s.tried
		if !keep {
			return nil
		}
		defer func() { alive = nil }()
		return errors.Join(keepScore(kernel, s), keepSurvivors(kernel, alive)) // one by one: the whole takes a while
	}
	for rows := bufio.NewScanner(answer); rows.Scan(); {
		f := strings.Split(rows.Text(), "\t")
		if len(f) != 7 || f[0] != "mutant" || f[4] != "killed" && f[4] != "alive" {
			faults = append(faults, fmt.Errorf("the tests say %q", rows.Text()))
			continue
		}
		if f[1] != kernel {
			faults = append(faults, finish())
			kernel, s = f[1], score{source: sources[f[1]]}
		}
		s.tried++
		if f[4] == "killed" {
			s.killed++
			continue
		}
		alive = append(alive, strings.Join([]string{f[1], f[2], f[3], f[5], f[6]}, "\t"))
		if survivors {
			fmt.Printf("  alive: %s line %s, %s: %s -> %s\n", f[1], f[2], f[3], f[5], f[6])
		}
	}
	faults = append(faults, finish(), cmd.Wait())
	fmt.Printf("mutants: all %d/%d, %.1f %%\n", sum.killed, sum.tried, 100*float64(sum.killed)/float64(max(sum.tried, 1)))
	if 100*float64(sum.killed) < least*float64(sum.tried) {
		faults = append(faults, fmt.Errorf("fewer than %g %% of the mutants were noticed", least))
	}
	return errors.Join(faults...)
}

// keepSurvivors writes a kernel's survivors in the place of those of before, kernels in the order of their names.
func keepSurvivors(kernel string, alive []string) error {
	text, err := os.ReadFile(survivorsFile)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	name := func(row string) string { before, _, _ := strings.Cut(row, "\t"); return before }
	rows := slices.DeleteFunc(strings.Split(string(text), "\n"), func(row string) bool { return row == "" || name(row) == kernel })
	rows = append(rows, alive...)
	slices.SortStableFunc(rows, func(a, b string) int { return strings.Compare(name(a), name(b)) })
	if len(rows) > 0 {
		rows = append(rows, "")
	}
	return safefile.WriteFile(survivorsFile, []byte(strings.Join(rows, "\n")))
}

// keepScore writes a kernel's score beside those of the others.
func keepScore(kernel string, s score) error {
	all, err := readScores()
	if err != nil {
		return err
	}
	all[kernel] = s
	names := make([]string, 0, len(all))
	for k := range all {
		names = append(names, k)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, k := range names {
		fmt.Fprintf(&b, "%s\t%d\t%d\t%s\n", k, all[k].killed, all[k].tried, all[k].source)
	}
	return safefile.WriteFile(resultFile, []byte(b.String()))
}

func readScores() (map[string]score, error) {
	scores := map[string]score{}
	text, err := os.ReadFile(resultFile)
	if os.IsNotExist(err) {
		return scores, nil
	}
	if err != nil {
		return nil, err
	}
	for row := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("%s: %q has not four fields", resultFile, row)
		}
		n, err := numbers(f[1:3])
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", resultFile, row, err)
		}
		scores[f[0]] = score{int(n[0]), int(n[1]), f[3]}
	}
	return scores, nil
}
