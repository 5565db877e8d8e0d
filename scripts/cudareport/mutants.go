package main

import (
	"fmt"
	"os"
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

// mutants tries the mutants of every kernel and prints one line each.
func mutants(l *lab, wanted func(string) bool, perKernel int, survivors bool, least float64) error {
	seen := l.all()
	var sum score
	for _, m := range kernels.Modules() {
		for _, k := range m.Kernels {
			if !wanted(k) || seen[k] == nil {
				continue
			}
			list := sample(mutate(m.PTX, k, seen[k].lines), perKernel)
			s := score{source: sourceOf(m)}
			for _, one := range list {
				s.tried++
				if l.kills(one) {
					s.killed++
				} else if survivors {
					was := strings.TrimSpace(strings.Split(m.PTX, "\n")[one.line-1])
					fmt.Printf("  alive: %s line %d, %s: %s -> %s\n", k, one.line, one.kind, was, strings.TrimSpace(one.text))
				}
			}
			fmt.Printf("mutants: %s %d/%d\n", k, s.killed, s.tried)
			if err := keepScore(k, s); err != nil { // one by one: the whole takes hours
				return err
			}
			sum.killed += s.killed
			sum.tried += s.tried
		}
	}
	fmt.Printf("mutants: all %d/%d, %.1f %%\n", sum.killed, sum.tried, 100*float64(sum.killed)/float64(max(sum.tried, 1)))
	if 100*float64(sum.killed) < least*float64(sum.tried) {
		return fmt.Errorf("fewer than %g %% of the mutants were noticed", least)
	}
	return nil
}

// sample takes n of the list, spread over kinds in turn and over the lines of a kind evenly: the same ones on every run.
func sample(list []mutant, n int) []mutant {
	if n <= 0 || len(list) <= n {
		return list
	}
	byKind := map[string][]mutant{}
	var kinds []string
	for _, m := range list {
		if byKind[m.kind] == nil {
			kinds = append(kinds, m.kind)
		}
		byKind[m.kind] = append(byKind[m.kind], m)
	}
	sort.Strings(kinds)
	quota := map[string]int{}
	for left := n; left > 0; {
		for _, k := range kinds {
			if left > 0 && quota[k] < len(byKind[k]) {
				quota[k]++
				left--
			}
		}
	}
	var out []mutant
	for _, k := range kinds {
		for i := range quota[k] {
			out = append(out, byKind[k][i*len(byKind[k])/quota[k]])
		}
	}
	return out
}

// kills says whether a test that executes the line fails with the mutant, in either order of blocks and warps. The quickest goes
// first.
func (l *lab) kills(m mutant) bool {
	var tests []test
	for _, t := range l.tests {
		if a := t.seen[m.kernel]; a != nil && a.lines[m.line] > 0 {
			tests = append(tests, t)
		}
	}
	slices.SortFunc(tests, func(a, b test) int { return int(a.took - b.took) })
	for _, order := range []string{"forward", "reverse"} {
		for _, t := range tests {
			steps := max(1000000, 20*t.seen[m.kernel].instructions)
			err := l.run(t, order, fmt.Sprintf("CLASSLENS_SIM_MUTANT=%s\t%d\t%s", m.kernel, m.line, m.text), "CLASSLENS_SIM_STEPS="+strconv.FormatUint(steps, 10))
			if err != nil {
				return true
			}
		}
	}
	return false
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
