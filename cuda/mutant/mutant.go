// Package mutant spoils PTX one instruction at a time, for the mutation test of the kernels' tests (make mutants): a test that is worth
// something fails with the spoiled kernel.
package mutant

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Mutant is a PTX text with one line replaced.
type Mutant struct {
	Kernel string
	Line   int // from 1
	Kind   string
	Text   string
}

// In puts the mutant into the PTX it was made of, and leaves out the module's other kernels. Lines keep their numbers.
func (m Mutant) In(ptx string) string {
	lines := strings.Split(Only(ptx, m.Kernel), "\n")
	lines[m.Line-1] = m.Text
	return strings.Join(lines, "\n")
}

// Only empties the lines of all kernels but one.
func Only(ptx, kernel string) string {
	lines := strings.Split(ptx, "\n")
	other := false
	for i, l := range lines {
		if rest, ok := strings.CutPrefix(l, ".visible .entry "); ok {
			other = !strings.HasPrefix(rest, kernel+"(")
		}
		end := l == "}"
		if other {
			lines[i] = ""
		}
		if end {
			other = false
		}
	}
	return strings.Join(lines, "\n")
}

// change is a way to spoil an instruction: the pattern with what stands for it.
type change struct {
	kind    string
	pattern *regexp.Regexp
	with    func(match []string) string // from the submatches; "" for no change
}

func swap(kind, pattern string, pairs ...string) change {
	table := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		table[pairs[i]], table[pairs[i+1]] = pairs[i+1], pairs[i]
	}
	return change{kind, regexp.MustCompile(pattern), func(m []string) string {
		if table[m[2]] == "" {
			return ""
		}
		return m[1] + table[m[2]] + m[3]
	}}
}

func fixed(kind, pattern, with string) change {
	re := regexp.MustCompile(pattern)
	return change{kind, re, func(m []string) string { return re.ReplaceAllString(m[0], with) }}
}

// The changes tried on every executed instruction. None is made where it would change nothing that a test could ever see: an
// address that nobody uses is not built, a comparison is changed at its edge, a product loses a factor.
var changes = []change{
	fixed("barrier removed", `bar\.sync\s[^;]*;`, ``),
	fixed("wait removed", `cp\.async\.wait_(group|all)[^;]*;`, ``),
	fixed("store removed", `(@!?%p\d+ )?(st|red)\.(global|shared)\.[^;]*;`, ``),
	swap("comparison at its edge", `^(.*setp\.)(lt|le|gt|ge|eq|ne)(\.[usf]\d+.*)$`, "lt", "le", "gt", "ge", "eq", "ne"),
	swap("sum for difference", `^(\s*)(add|sub)(\.(?:s|u|f|rn\.f|rz\.f)(?:16|32|64)\s.*)$`, "add", "sub"),
	swap("least for greatest", `^(\s*)(min|max)(\..*)$`, "min", "max"),
	swap("and for or", `^(\s*)(and|or)(\.(?:pred|b32|b64|b16)\s.*)$`, "and", "or"),
	swap("guard turned", `^(\s*)(@|@!)(%p\d+\s+bra.*)$`, "@", "@!"),
	fixed("factor lost", `(fma\.[a-z.]+\.?f32\s+%f\d+), (%f\d+), (%f\d+), `, `$1, $2, $2, `),
	fixed("addend lost", `fma\.rn\.f32(\s+%f\d+), (%f\d+), (%f\d+), %f\d+;`, `mul.rn.f32$1, $2, $3;`),
	fixed("factor lost", `(mul\.f32\s+%f\d+), (%f\d+), (%f\d+);`, `$1, $2, $2;`),
	fixed("factor lost", `(mul\.(?:lo|wide)\.[su]\d\d\s+%r?d?\d+), (%\w+), (%\w+);`, `$1, $2, $2;`),
	fixed("choice turned", `(selp\.\w+\s+%\w+), (\S+), (\S+), (%p\d+);`, `$1, $3, $2, $4;`),
	{"next element", regexp.MustCompile(`^(.*(?:ld|st|atom|red)\.(?:[a-z]+\.)*(?:v[24]\.)?([a-z])(\d+)\s[^\[]*\[%\w+)(\+-?\d+)?(\].*)$`), nextElement},
	{"number", regexp.MustCompile(`^(\s*(?:mov|add|shl|shr|and|mad)\.[\w.]+\s+%\w+, (?:.*, )?)(-?\d+)(;.*)$`), nextNumber},
	fixed("sign lost", `neg\.f32(\s)`, `mov.f32$1`),
	fixed("other lane", `(shfl\.sync\.(?:bfly|down|up|idx)\.b32\s+[^,]+, %\w+), (\d+),`, `$1, 0,`),
	swap("quotient for rest", `^(\s*)(div|rem)(\.[su]\d\d\s.*)$`, "div", "rem"),
}

// nextElement moves an access by its width.
func nextElement(m []string) string {
	if strings.Contains(m[1], "ld.param") {
		return ""
	}
	bits, err1 := strconv.Atoi(m[3])
	offset := 0
	var err2 error
	if m[4] != "" {
		offset, err2 = strconv.Atoi(m[4][1:])
	}
	if err1 != nil || err2 != nil {
		return ""
	}
	bytes := bits / 8
	for _, v := range []int{2, 4} {
		if strings.Contains(m[1], ".v"+strconv.Itoa(v)+".") {
			bytes *= v
		}
	}
	return m[1] + "+" + strconv.Itoa(offset+bytes) + m[5]
}

func nextNumber(m []string) string {
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return ""
	}
	return m[1] + strconv.Itoa(n+1) + m[3]
}

// All gives the mutants of a kernel in lines that a test executes.
func All(ptx, kernel string, executed func(line int) bool) []Mutant {
	var all []Mutant
	lines := strings.Split(ptx, "\n")
	for i, line := range lines {
		if !executed(i + 1) {
			continue
		}
		for _, c := range changes {
			m := c.pattern.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			part := c.with(m)
			text := strings.Replace(line, m[0], part, 1)
			if part == "" && !strings.HasSuffix(c.kind, "removed") || text == line || equivalent(lines, i, text) {
				continue
			}
			all = append(all, Mutant{kernel, i + 1, c.kind, text})
		}
	}
	return all
}

// Sample takes n of the list, spread over kinds in turn and over the lines of a kind evenly: the same ones on every run.
func Sample(list []Mutant, n int) []Mutant {
	if n <= 0 || len(list) <= n {
		return list
	}
	byKind := map[string][]Mutant{}
	var kinds []string
	for _, m := range list {
		if byKind[m.Kind] == nil {
			kinds = append(kinds, m.Kind)
		}
		byKind[m.Kind] = append(byKind[m.Kind], m)
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
	var out []Mutant
	for _, k := range kinds {
		for i := range quota[k] {
			out = append(out, byKind[k][i*len(byKind[k])/quota[k]])
		}
	}
	return out
}
