package kernels

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"classlens/cuda/driver"
	"classlens/cuda/mutant"
)

// The mutation test of these tests, in one process: scripts/cudareport runs the compiled tests with CLASSLENS_MUTANTS set to how many mutants a
// kernel are to be tried (0: all) and reads what is printed:
//
//	mutant  KERNEL  PTX-line  kind  killed or alive  what stands there  what stands there instead
//
// First every test runs once and each launch is noted: what it executes and what comes out. A mutant is then tried by the subtests
// whose launches execute its line, the cheapest first, until one fails. Only those launches run; all others give what they gave
// before, as a mutant cannot change what does not execute it.
const (
	mutantsVariable = "CLASSLENS_MUTANTS"         // a number
	kernelsVariable = "CLASSLENS_MUTANTS_KERNELS" // names, separated by commas; empty: all
	testsVariable   = "CLASSLENS_MUTANTS_TESTS"   // names of the tests
)

// launched is a launch of the tests, without change.
type launched struct {
	kernel  string
	lines   map[int]bool // executed, by PTX line
	steps   uint64       // warp instructions
	results [][]float32
}

// leaf is a test or subtest that launches.
type leaf struct {
	name     string
	launches []*launched
}

type mutationTest struct {
	launches map[uint64]*launched // by kernel, grid, block and arguments
	leaves   map[string]*leaf
	trace    string // file of what a module did

	tried  *mutant.Mutant // nil: what is launched is noted
	at     []int          // PTX lines of which a launch that comes to the mutant executes one
	order  string
	by     string // the subtest that tries it
	left   int    // launches of the subtest that execute the mutant and have not run yet
	kernel *driver.Kernel
	killed bool
	broken error // of this machinery, not of a kernel
}

// mutation is nil in a usual run of the tests.
var mutation *mutationTest

// mutationRun takes the place of the tests' run.
func mutationRun(m *testing.M) error {
	perKernel, err := strconv.Atoi(os.Getenv(mutantsVariable))
	if err != nil {
		return err
	}
	if len(devices) == 0 || !devices[0].Info().Simulated {
		return fmt.Errorf("the mutation test needs the simulated device")
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &mutationTest{launches: map[uint64]*launched{}, leaves: map[string]*leaf{}, trace: dir + "/trace", order: "forward"}
	mutation = b
	answer := os.Stdout
	if os.Stdout, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0); err != nil {
		return err
	}
	defer func() { os.Stdout = answer }()
	os.Setenv("CLASSLENS_SIM_UNLOADED", b.trace)
	for _, name := range strings.Split(os.Getenv(testsVariable), ",") {
		if !b.passes(m, "^"+name+"$") {
			return fmt.Errorf("%s fails without any change", name)
		}
	}
	os.Unsetenv("CLASSLENS_SIM_UNLOADED")
	for _, module := range Modules() {
		for _, k := range module.Kernels {
			if wanted := os.Getenv(kernelsVariable); wanted != "" && !slices.Contains(strings.Split(wanted, ","), k) {
				continue
			}
			executed := map[int]bool{}
			for _, l := range b.launches {
				if l.kernel == k {
					for line := range l.lines {
						executed[line] = true
					}
				}
			}
			lines := strings.Split(module.PTX, "\n")
			if len(executed) > 0 { // without a change nothing may fail
				at := slices.Min(slices.Collect(maps.Keys(executed)))
				if err := b.try(m, module, mutant.Mutant{Kernel: k, Line: at, Kind: "none", Text: lines[at-1]}); err != nil || b.killed {
					return fmt.Errorf("%s fails without a change (%v)", k, err)
				}
			}
			all := mutant.All(module.PTX, k, func(line int) bool { return executed[line] })
			all, err := b.leaveOut(m, module, k, all)
			if err != nil {
				return err
			}
			for _, one := range mutant.Sample(all, perKernel) {
				if err := b.try(m, module, one); err != nil {
					return fmt.Errorf("%s line %d, %s: %w", k, one.Line, one.Kind, err)
				}
				state := "alive"
				if b.killed {
					state = "killed"
				}
				fmt.Fprintf(answer, "mutant\t%s\t%d\t%s\t%s\t%s\t%s\n", k, one.Line, one.Kind, state, oneLine(lines[one.Line-1]), oneLine(one.Text))
			}
		}
	}
	return nil
}

// equivalentFile lists mutants that change nothing that may be seen, with the reason: kernel, PTX line, kind, what stands there, what would stand
// there, why. They are tried, too, before the others, and it is a fault when a test notices one.
const equivalentFile = "equivalent.tsv"

// leaveOut takes a kernel's listed mutants out of all after trying each.
func (b *mutationTest) leaveOut(m *testing.M, module Module, kernel string, all []mutant.Mutant) ([]mutant.Mutant, error) {
	text, err := os.ReadFile(equivalentFile)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(module.PTX, "\n")
	for row := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(row), "\t")
		if len(f) != 6 || f[5] == "" {
			return nil, fmt.Errorf("%s: %q has not six fields", equivalentFile, row)
		}
		if f[0] != kernel {
			continue
		}
		at := slices.IndexFunc(all, func(one mutant.Mutant) bool {
			return strconv.Itoa(one.Line) == f[1] && one.Kind == f[2] && oneLine(lines[one.Line-1]) == f[3] && oneLine(one.Text) == f[4]
		})
		if at < 0 {
			return nil, fmt.Errorf("%s: there is no such mutant: %q", equivalentFile, row)
		}
		if err := b.try(m, module, all[at]); err != nil {
			return nil, err
		}
		if b.killed {
			return nil, fmt.Errorf("%s: a test notices what is said to change nothing: %q", equivalentFile, row)
		}
		all = slices.Delete(all, at, at+1)
	}
	return all, nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// passes runs the tests of a pattern.
func (b *mutationTest) passes(m *testing.M, pattern string) bool {
	if err := flag.Set("test.run", pattern); err != nil {
		panic(err)
	}
	return m.Run() == 0
}

// try sets killed.
func (b *mutationTest) try(m *testing.M, module Module, one mutant.Mutant) error {
	b.tried, b.killed, b.at = &one, false, comesTo(strings.Split(module.PTX, "\n"), one.Line)
	type candidate struct {
		leaf  *leaf
		count int
		cost  uint64
	}
	var candidates []candidate
	for _, l := range b.leaves {
		c := candidate{leaf: l}
		for _, s := range l.launches {
			if b.executes(s) {
				c.count++
				c.cost += s.steps
			}
		}
		if c.count > 0 {
			candidates = append(candidates, c)
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		if a.cost != b.cost {
			return int(a.cost) - int(b.cost)
		}
		return strings.Compare(a.leaf.name, b.leaf.name)
	})
	d := devices[0]
	loaded, err := d.Load([]byte(one.In(module.PTX)))
	if err != nil {
		return err
	}
	if b.kernel, err = loaded.Function(one.Kernel); err != nil {
		return err
	}
	for _, b.order = range []string{"forward", "reverse"} {
		for _, c := range candidates {
			b.left, b.by = c.count, c.leaf.name
			if !b.passes(m, pathPattern(c.leaf.name)) {
				b.killed = true
			}
			if b.broken != nil {
				return b.broken
			}
			if b.killed {
				if d.Err() == nil {
					return loaded.Close()
				}
				return d.reopen()
			}
			if b.left > 0 {
				return fmt.Errorf("%s did not come to %d of its launches", c.leaf.name, b.left)
			}
		}
	}
	return loaded.Close()
}

// pathPattern is a pattern for one subtest alone.
func pathPattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

func (b *mutationTest) executes(l *launched) bool {
	return l.kernel == b.tried.Kernel && slices.ContainsFunc(b.at, func(line int) bool { return l.lines[line] })
}

// comesTo are a line and, where it has a guard, which counts as executed only where the guard lets it through, the instruction before it
// or, at a label, behind it: turning the guard changes launches that it does not let through as well.
func comesTo(lines []string, line int) []int {
	all := []int{line}
	if !strings.HasPrefix(strings.TrimSpace(lines[line-1]), "@") {
		return all
	}
	for i := line - 2; i >= 0; i-- {
		switch text := strings.TrimSpace(lines[i]); {
		case text == "" || text[0] == '.' || strings.HasPrefix(text, "//"):
			continue
		case text[0] != '@' && text[0] != '{' && !strings.HasSuffix(text, ":") && !strings.HasPrefix(text, "bra") && !strings.HasPrefix(text, "ret"):
			return append(all, i+1)
		}
		break
	}
	for i := line; i < len(lines); i++ {
		switch text := strings.TrimSpace(lines[i]); {
		case text == "" || text[0] == '.' || strings.HasPrefix(text, "//"):
			continue
		case text[0] != '@' && text[0] != '}' && !strings.HasSuffix(text, ":"):
			return append(all, i+1)
		}
		break
	}
	return all
}

// A launch that a guard does not let through comes to it all the same.
func TestComesTo(t *testing.T) {
	lines := strings.Split("{\nsetp.lt.s32 %p1, %r1, 1;\n.loc 1 2 3\n@%p1 bra L1;\n\nadd.s32 %r1, %r1, 1;\nL1:\n@%p2 bra L2;\nadd.s32 %r2, %r2, 1;\n}", "\n")
	for line, want := range map[int][]int{4: {4, 2}, 6: {6}, 8: {8, 9}} {
		if got := comesTo(lines, line); !slices.Equal(got, want) {
			t.Errorf("line %d: %v, want %v", line, got, want)
		}
	}
}

// reopen opens the device anew after a fault has spoiled its context.
func (d *dev) reopen() error {
	uuid := d.Info().UUID
	d.Close()
	opened, err := driver.Open(uuid)
	if err != nil {
		return err
	}
	d.Device, d.kernels, d.modules = opened, map[string]*driver.Kernel{}, map[string]*driver.Module{}
	return nil
}

// launch is the launch of a test: noted, given as it was before, or with the mutant.
func (b *mutationTest) launch(t *testing.T, d *dev, name string, grid [3]int, block int, real []any, all []held) {
	t.Helper()
	key := keyOf(name, grid, block, real, all)
	if b.tried == nil {
		b.note(t, d, key, name, grid, block, real, all)
		return
	}
	was := b.launches[key]
	switch {
	case b.killed:
		t.FailNow()
	case was == nil && t.Name() != b.by:
		b.broken = fmt.Errorf("%s launches %s as it did not before: a test must do the same each time", t.Name(), name)
		t.FailNow()
	case was == nil: // it takes what the mutant made
		k, steps := b.kernel, uint64(1e8)
		if name != b.tried.Kernel {
			k = d.kernel(t, name)
		}
		b.really(t, d, k, steps, name, grid, block, real, all)
		return
	case !b.executes(was) || t.Name() != b.by:
		n := 0
		for _, h := range all {
			if h.result != nil {
				h.result.got = slices.Clone(was.results[n])
				n++
			}
		}
		return
	case b.left == 0:
		t.SkipNow() // all were tried and seen through
	}
	b.left--
	b.really(t, d, b.kernel, 20000+10*was.steps, name, grid, block, real, all)
}

// really launches; what goes wrong then is the mutant's fault.
func (b *mutationTest) really(t *testing.T, d *dev, k *driver.Kernel, steps uint64, name string, grid [3]int, block int, real []any, all []held) {
	t.Helper()
	os.Setenv("CLASSLENS_SIM_ORDER", b.order)
	os.Setenv("CLASSLENS_SIM_STEPS", strconv.FormatUint(steps, 10))
	err := k.Launch(nil, grid, [3]int{block, 1, 1}, 0, real...)
	if err == nil {
		err = d.Synchronize()
	}
	os.Setenv("CLASSLENS_SIM_STEPS", "")
	if err != nil {
		b.killed = true
		t.Fatal(err)
	}
	for i := range all {
		all[i].check(t, name)
	}
}

// note launches in a module of its own, whose end tells what it did.
func (b *mutationTest) note(t *testing.T, d *dev, key uint64, name string, grid [3]int, block int, real []any, all []held) {
	t.Helper()
	loaded, err := d.Load([]byte(mutant.Only(d.ptx[name].PTX, name)))
	if err != nil {
		t.Fatal(err)
	}
	k, err := loaded.Function(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Launch(nil, grid, [3]int{block, 1, 1}, 0, real...); err != nil {
		t.Fatal(err)
	}
	if err := d.Synchronize(); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].check(t, name)
	}
	if err := loaded.Close(); err != nil {
		t.Fatal(err)
	}
	l := b.launches[key]
	if l == nil {
		l = &launched{kernel: name, lines: map[int]bool{}}
		b.launches[key] = l
		for _, h := range all {
			if h.result != nil {
				l.results = append(l.results, slices.Clone(h.result.got))
			}
		}
		text, err := os.ReadFile(b.trace)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.read(string(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(b.trace); err != nil {
		t.Fatal(err)
	}
	of := b.leaves[t.Name()]
	if of == nil {
		of = &leaf{name: t.Name()}
		b.leaves[t.Name()] = of
	}
	of.launches = append(of.launches, l)
}

// read takes what is executed from what the simulated device writes (cuda/simulator/README.md).
func (l *launched) read(text string) error {
	for row := range strings.Lines(text) {
		f := strings.Split(row, "\t")
		if len(f) != 8 {
			return fmt.Errorf("trace %q: want 8 fields", row)
		}
		at := 4
		if f[0] == "kernel" {
			at = 3
		}
		n, err := strconv.ParseUint(f[at], 10, 64)
		if err != nil {
			return fmt.Errorf("trace %q: %w", row, err)
		}
		line, err := strconv.Atoi(f[2])
		if err != nil {
			return fmt.Errorf("trace %q: %w", row, err)
		}
		if f[0] == "kernel" {
			l.steps = n
		} else if n > 0 {
			l.lines[line] = true
		}
	}
	return nil
}

// keyOf is the same for the same launch with the same memory.
func keyOf(name string, grid [3]int, block int, real []any, all []held) uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, name, grid, block, len(real))
	for _, a := range real {
		switch v := a.(type) {
		case int:
			io.WriteString(h, "i"+strconv.Itoa(v))
		case float32:
			fmt.Fprint(h, "f", math.Float32bits(v))
		case driver.Ptr:
			fmt.Fprint(h, "p", v == 0)
		default:
			fmt.Fprintf(h, "%T %v", a, a)
		}
	}
	var b []byte
	for _, one := range all {
		b = append(b[:0], 'b')
		for _, w := range one.words {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
		h.Write(b)
	}
	return h.Sum64()
}
