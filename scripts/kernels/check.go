package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"classlens/internal/safefile"
)

// architectures are those a kernel is assembled for: A100, RTX 30, RTX 40, H100.
var architectures = []string{"sm_80", "sm_86", "sm_89", "sm_90"}

// disassembled are those whose instructions are read: the oldest and the newest.
var disassembled = []string{"sm_80", "sm_90"}

// limitsFile says what a kernel may take at most and must have at least.
const limitsFile = folder + "/limits.tsv"

const limitsHead = "kernel\tregisters\tshared\thmma\twide loads"

// machine is what ptxas and nvdisasm say of a kernel, the worst of all architectures.
type machine struct {
	registers, shared int // most
	hmma, wide        int // fewest: products on the tensor cores, loads and copies of 8 bytes or more a thread
}

var (
	entryLine = regexp.MustCompile(`Compiling entry function '(\w+)'`)
	spillLine = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	usedLine  = regexp.MustCompile(`Used (\d+) registers`)
	smemLine  = regexp.MustCompile(`(\d+) bytes smem`)
	textLine  = regexp.MustCompile(`^\s*\.text\.(\w+):`)
	hmmaCode  = regexp.MustCompile(`\bHMMA\.`)
	wideCode  = regexp.MustCompile(`\b(LDG|LDGSTS|LDS)\.[\w.]*(64|128)|\bLDSM\.`)
	localCode = regexp.MustCompile(`\b(LDL|STL)\b`)
	floatCode = regexp.MustCompile(`\b(DADD|DMUL|DFMA|DSETP|MUFU\.R(CP|SQ)64H)\b`)
)

// assembleAll assembles every kernel for every architecture. Spills, local memory and
// double precision are faults.
func assembleAll(t tools) (map[string]machine, error) {
	names, err := sources()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kernels-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	all := map[string]machine{}
	var faults []error
	for _, arch := range architectures {
		for _, name := range names {
			faults = append(faults, assemble(t, all, arch, strings.TrimSuffix(name, ".cu")+".ptx", filepath.Join(dir, "out.cubin")))
		}
	}
	return all, errors.Join(faults...)
}

// assemble assembles one file and adds what is known of its kernels. ptxas itself refuses spills, local memory and double precision.
func assemble(t tools, all map[string]machine, arch, ptx, cubin string) error {
	cmd := exec.Command(t.ptxas, "-arch="+arch, "-v", "-Werror", "--warn-on-spills", "--warn-on-local-memory-usage", "--warn-on-double-precision-use", "-o", cubin, ptx)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("ptxas %s for %s: %w\n%s", ptx, arch, err, text)
	}
	faults := readPtxas(all, arch, string(text))
	if slices.Contains(disassembled, arch) {
		sass, err := exec.Command(t.nvdisasm, "-c", cubin).Output()
		if err != nil {
			return fmt.Errorf("nvdisasm %s for %s: %w", ptx, arch, explained(err))
		}
		faults = append(faults, readSASS(all, arch, string(sass))...)
	}
	return errors.Join(faults...)
}

func explained(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

// readPtxas takes what a kernel uses from ptxas -v.
func readPtxas(all map[string]machine, arch, text string) (faults []error) {
	kernel := ""
	for line := range strings.Lines(text) {
		if m := entryLine.FindStringSubmatch(line); m != nil {
			kernel = m[1]
		}
		if m := spillLine.FindStringSubmatch(line); m != nil && m[1]+m[2]+m[3] != "000" {
			faults = append(faults, fmt.Errorf("%s for %s: %s", kernel, arch, strings.TrimSpace(line)))
		}
		m := usedLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		k, known := all[kernel]
		if !known {
			k.hmma, k.wide = 1<<30, 1<<30
		}
		k.registers = max(k.registers, number(m[1]))
		if s := smemLine.FindStringSubmatch(line); s != nil {
			k.shared = max(k.shared, number(s[1]))
		}
		all[kernel] = k
	}
	return faults
}

// readSASS counts instructions that must be there, and finds those that must not.
func readSASS(all map[string]machine, arch, text string) (faults []error) {
	kernel, hmma, wide := "", 0, 0
	finish := func() {
		if k, ok := all[kernel]; ok {
			k.hmma, k.wide = min(k.hmma, hmma), min(k.wide, wide)
			all[kernel] = k
		}
		hmma, wide = 0, 0
	}
	for line := range strings.Lines(text) {
		if m := textLine.FindStringSubmatch(line); m != nil {
			finish()
			kernel = m[1]
		}
		switch {
		case hmmaCode.MatchString(line):
			hmma++
		case wideCode.MatchString(line):
			wide++
		case localCode.MatchString(line):
			faults = append(faults, fmt.Errorf("%s for %s uses local memory: %s", kernel, arch, strings.TrimSpace(line)))
		case floatCode.MatchString(line):
			faults = append(faults, fmt.Errorf("%s for %s uses double precision: %s", kernel, arch, strings.TrimSpace(line)))
		}
	}
	finish()
	return faults
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // the patterns let digits through only
	return n
}

// check compares the committed PTX with its source, and the assembled kernels with the table.
func check(t tools) error {
	if err := same(t); err != nil {
		return err
	}
	all, err := assembleAll(t)
	if err != nil {
		return err
	}
	limits, err := readLimits()
	if err != nil {
		return err
	}
	if err := compare(all, limits); err != nil {
		return err
	}
	fmt.Printf("kernels: %d kernels for %s within %s, no spills, no local memory, no double precision\n", len(all), strings.Join(architectures, ", "), limitsFile)
	return nil
}

// compare holds kernels to the table, which must have a row for each of them and for nothing else.
func compare(all, limits map[string]machine) error {
	var faults []error
	for _, name := range sortedNames(all) {
		k, l := all[name], limits[name]
		if _, ok := limits[name]; !ok {
			faults = append(faults, fmt.Errorf("%s is not in %s; run `go run ./scripts/kernels limits` and read the difference", name, limitsFile))
			continue
		}
		if k.registers > l.registers || k.shared > l.shared || k.hmma < l.hmma || k.wide < l.wide {
			faults = append(faults, fmt.Errorf("%s has %d registers, %d bytes of shared memory, %d HMMA, %d wide loads; %s says at most %d and %d, at least %d and %d", name,
				k.registers, k.shared, k.hmma, k.wide, limitsFile, l.registers, l.shared, l.hmma, l.wide))
		}
	}
	for _, name := range sortedNames(limits) {
		if _, ok := all[name]; !ok {
			faults = append(faults, fmt.Errorf("%s has a row for %s, which is no kernel", limitsFile, name))
		}
	}
	return errors.Join(faults...)
}

// writeLimits makes the table anew.
func writeLimits(t tools) error {
	all, err := assembleAll(t)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(limitsHead + "\n")
	for _, name := range sortedNames(all) {
		k := all[name]
		fmt.Fprintf(&b, "%s\t%d\t%d\t%d\t%d\n", name, k.registers, k.shared, k.hmma, k.wide)
	}
	return safefile.WriteFile(limitsFile, []byte(b.String()))
}

func readLimits() (map[string]machine, error) {
	text, err := os.ReadFile(limitsFile)
	if err != nil {
		return nil, err
	}
	all := map[string]machine{}
	for i, row := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if i == 0 {
			continue
		}
		var name string
		var k machine
		if _, err := fmt.Sscanf(row, "%s\t%d\t%d\t%d\t%d", &name, &k.registers, &k.shared, &k.hmma, &k.wide); err != nil {
			return nil, fmt.Errorf("%s, row %d: %w", limitsFile, i+1, err)
		}
		all[name] = k
	}
	return all, nil
}

func sortedNames(all map[string]machine) []string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
