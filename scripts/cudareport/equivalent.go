package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	comparison = regexp.MustCompile(`setp\.[a-z]+\.([usf]\d+)\s+(%p\d+), (\S+), (\S+);`)
	selection  = regexp.MustCompile(`selp\.\w+\s+(\S+), (\S+), (\S+), (%p\d+);`)
	signShift  = regexp.MustCompile(`^\s*shr\.s(32|64)\s+(\S+), (\S+), (\d+);`)
	lowShift   = regexp.MustCompile(`^\s*shr\.[ub](?:32|64)\s+(\S+), (\S+), \d+;`)
	addition   = regexp.MustCompile(`^\s*(?:add|sub)\.s(?:32|64)\s+\S+, (\S+), (\S+);`)
)

// equivalent finds mutants that change nothing a test could see:
//
//   - a comparison whose one use is to choose between the numbers that it compares, also inside a clamp: at its edge they are the same;
//   - a signed shift by the width or more, which is one by the width less one;
//   - the correction of a signed division by a power of two for negative numbers (x + (x>>31>>>k)): sizes and indices never are.
func equivalent(lines []string, at int, text string) bool {
	if m := signShift.FindStringSubmatch(text); m != nil {
		width, _ := strconv.Atoi(m[1])
		by, _ := strconv.Atoi(m[4])
		return by >= width
	}
	if m := lowShift.FindStringSubmatch(text); m != nil {
		return isSign(lines, at, m[2])
	}
	if m := addition.FindStringSubmatch(text); m != nil {
		d := definition(lines, at, m[2])
		s := lowShift.FindStringSubmatch(d)
		return s != nil && isSign(lines, at, s[2])
	}
	return choosesBetweenCompared(lines, at, text)
}

// isSign says whether a register is the sign of another: 0 for what is not negative.
func isSign(lines []string, at int, register string) bool {
	m := signShift.FindStringSubmatch(definition(lines, at, register))
	if m == nil {
		return false
	}
	width, _ := strconv.Atoi(m[1])
	by, _ := strconv.Atoi(m[4])
	return by == width-1
}

// definition is the last line before at that sets the register; PTX of NVRTC sets most registers once.
func definition(lines []string, at int, register string) string {
	for i := at - 1; i >= 0 && !strings.HasPrefix(lines[i], "{"); i-- {
		f := strings.Fields(lines[i])
		if len(f) > 1 && f[1] == register+"," {
			return lines[i]
		}
	}
	return ""
}

func choosesBetweenCompared(lines []string, at int, text string) bool {
	c := comparison.FindStringSubmatch(text)
	if c == nil || c[1][0] != 'f' && c[1][0] != 's' && c[1][0] != 'u' {
		return false
	}
	predicate, compared := c[2], c[3:5]
	use := regexp.MustCompile(regexp.QuoteMeta(predicate) + `\b`)
	uses, same := 0, 0
	for i := at + 1; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "}") || strings.Contains(line, "setp") && strings.Contains(line, predicate+",") {
			break // the kernel's end, or the predicate's next life
		}
		if !use.MatchString(line) {
			continue
		}
		uses++
		s := selection.FindStringSubmatch(line)
		if s == nil || s[4] != predicate || !slices.Contains(compared, s[2]) && !slices.Contains(compared, s[3]) {
			continue
		}
		if isOneOf(lines, i, s[2], compared) && isOneOf(lines, i, s[3], compared) {
			same++
		}
	}
	return uses > 0 && uses == same
}

// isOneOf says whether an option is one of the compared numbers, or a clamp of one of them.
func isOneOf(lines []string, at int, option string, compared []string) bool {
	if slices.Contains(compared, option) {
		return true
	}
	s := selection.FindStringSubmatch(definition(lines, at, option))
	return s != nil && (slices.Contains(compared, s[2]) || slices.Contains(compared, s[3]))
}
