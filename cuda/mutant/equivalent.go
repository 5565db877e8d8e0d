package mutant

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	comparison  = regexp.MustCompile(`setp\.[a-z]+\.([usf]\d+)\s+(%p\d+), (\S+), (\S+);`)
	selection   = regexp.MustCompile(`selp\.\w+\s+(\S+), (\S+), (\S+), (%p\d+);`)
	signShift   = regexp.MustCompile(`^\s*shr\.s(32|64)\s+(\S+), (\S+), (\d+);`)
	signBit     = regexp.MustCompile(`^\s*shr\.u32\s+(\S+), (\S+), 31;`)
	lowShift    = regexp.MustCompile(`^\s*shr\.[ub](?:32|64)\s+(\S+), (\S+), \d+;`)
	joining     = regexp.MustCompile(`^\s*(?:or|and)\.pred\s+(%p\d+), %p\d+, %p\d+;`)
	butterfly   = regexp.MustCompile(`shfl\.sync\.bfly\.b32\s+\S+, %\w+, (%\w+),`)
	sharedWrite = regexp.MustCompile(`\b(?:st|atom|red)\.(?:volatile\.)?shared|cp\.async`)
	constant    = regexp.MustCompile(`^\s*mov\.u32\s+(%r\d+), (\d+);`)
	addendLost  = regexp.MustCompile(`^\s*mul\.rn\.f32\s`)
	setToZero   = regexp.MustCompile(`^\s*mov\.f32\s+%f\d+, 0f00000000;`)
	fusedParts  = regexp.MustCompile(`^\s*fma\.rn\.f32\s+\S+, (%f\d+), (%f\d+), (%f\d+);`)
	ordered     = regexp.MustCompile(`\b(?:ld|st|atom|red)\.(?:volatile\.)?(?:shared|global)|ldmatrix|cp\.async`) // memory that others see
	readOnly    = regexp.MustCompile(`\bld\.global\.nc`)
	branch      = regexp.MustCompile(`^\s*(@!?%p\d+\s+)?bra(?:\.uni)?\s+(\S+);`)
	ends        = regexp.MustCompile(`^\s*(?:ret|exit|trap);`)
	masked      = regexp.MustCompile(`^\s*and\.b32\s+%r\d+, (%r\d+), (-?\d+);`)
	shifted     = regexp.MustCompile(`^\s*shl\.b32\s+%r\d+, %r\d+, (\d+);`)
	addition    = regexp.MustCompile(`^\s*(?:add|sub)\.s(?:32|64)\s+\S+, (\S+), (\S+);`)
)

// equivalent finds mutants that change nothing a test could see:
//
//   - a comparison whose one use is to choose between the numbers that it compares, also inside a clamp or with a test for NaN: at its
//     edge they are the same;
//   - a butterfly's distance of one lane more (17 for 16): with distance 1 among them, the five steps reach the same lanes in another order;
//   - a signed shift by the width or more, which is one by the width less one;
//   - a barrier's removal where no shared memory is written since the one before nor behind it: it orders nothing;
//   - a barrier's removal where on every way from the one before, or on every way to the one behind or to the end, no memory is accessed that
//     other threads see: the other barrier orders all that this one does;
//   - a mask's lowest bits over what was shifted left by as many;
//   - the loss of an addend that is 0;
//   - how expf splits its exponent (its 1/2 lost): powers of two and the rest share it otherwise, and the product is the same but for
//     rounding, also where it ends in 0 or infinity;
//   - the correction of a signed division by a power of two for negative numbers (x + (x>>31>>>k)): sizes and indices never are.
func equivalent(lines []string, at int, text string) bool {
	if m := signShift.FindStringSubmatch(text); m != nil {
		width, _ := strconv.Atoi(m[1])
		by, _ := strconv.Atoi(m[4])
		return by >= width
	}
	if m := lowShift.FindStringSubmatch(text); m != nil {
		return isSign(lines, at, m[2]) || isCorrection(lines, at, m[1])
	}
	if m := addition.FindStringSubmatch(text); m != nil {
		d := definition(lines, at, m[2])
		s := lowShift.FindStringSubmatch(d)
		return s != nil && isSign(lines, at, s[2]) || signBit.MatchString(d) && signBit.FindStringSubmatch(d)[2] == m[1]
	}
	if strings.Contains(lines[at], "bar.sync") {
		return ordersNothing(lines, at) || besideAnother(lines, at)
	}
	if m := masked.FindStringSubmatch(text); m != nil {
		from := masked.FindStringSubmatch(lines[at])
		by := shifted.FindStringSubmatch(definition(lines, at, m[1]))
		if from == nil || by == nil {
			return false
		}
		was, _ := strconv.Atoi(from[2])
		is, _ := strconv.Atoi(m[2])
		low, _ := strconv.Atoi(by[1])
		return uint32(was^is)>>low == 0
	}
	if m := addendLost.FindStringSubmatch(text); m != nil {
		from := fusedParts.FindStringSubmatch(lines[at])
		if from == nil {
			return false
		}
		addend := definition(lines, at, from[3])
		return setToZero.MatchString(addend) || strings.Contains(addend, "0f3F000000") && strings.Contains(definition(lines, at, from[2]), "0f3BBB989D")
	}
	if m := constant.FindStringSubmatch(lines[at]); m != nil {
		return isOtherLane(lines, at, m[1], m[2])
	}
	return choosesBetweenCompared(lines, at, text)
}

// isSign says whether a register is the sign of another: 0 for what is not negative.
func isSign(lines []string, at int, register string) bool {
	if m := signBit.FindStringSubmatch(definition(lines, at, register)); m != nil {
		return true
	}
	m := signShift.FindStringSubmatch(definition(lines, at, register))
	if m == nil {
		return false
	}
	width, _ := strconv.Atoi(m[1])
	by, _ := strconv.Atoi(m[4])
	return by == width-1
}

// isCorrection says whether a register is the sign bit of a number (x >>> 31) that is added to it before it is halved.
func isCorrection(lines []string, at int, register string) bool {
	s := signBit.FindStringSubmatch(lines[at])
	if s == nil {
		return false
	}
	for _, line := range lines[at+1:] {
		if strings.HasPrefix(line, "}") {
			break
		}
		if m := addition.FindStringSubmatch(line); m != nil && m[2] == register {
			return m[1] == s[2]
		}
	}
	return false
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
	return onlyChooses(lines, at, c[2], c[3:5])
}

// onlyChooses says whether a predicate, also joined with others, is used for nothing but a choice between numbers.
func onlyChooses(lines []string, at int, predicate string, compared []string) bool {
	use := regexp.MustCompile(regexp.QuoteMeta(predicate) + `\b`)
	uses := 0
	for i := at + 1; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "}") || strings.Contains(line, "setp") && strings.Contains(line, predicate+",") {
			break // the kernel's end, or the predicate's next life
		}
		if !use.MatchString(line) {
			continue
		}
		uses++
		if j := joining.FindStringSubmatch(line); j != nil && j[1] != predicate {
			if !onlyChooses(lines, i, j[1], compared) {
				return false
			}
			continue
		}
		s := selection.FindStringSubmatch(line)
		if s == nil || s[4] != predicate || !slices.Contains(compared, s[2]) && !slices.Contains(compared, s[3]) {
			return false
		}
		if !isOneOf(lines, i, s[2], compared) || !isOneOf(lines, i, s[3], compared) {
			return false
		}
	}
	return uses > 0
}

// ordersNothing says whether a barrier stands between reads of shared memory and nothing that writes it.
func ordersNothing(lines []string, at int) bool {
	for i := at - 1; ; i-- {
		if i < 0 || strings.HasPrefix(lines[i], "{") || sharedWrite.MatchString(lines[i]) {
			return false
		}
		if strings.HasPrefix(lines[i], "$") {
			return false // other ways lead here
		}
		if strings.Contains(lines[i], "bar.sync") {
			break
		}
	}
	before := map[string]bool{}
	for _, line := range lines[:at] {
		if l, ok := strings.CutSuffix(strings.TrimSpace(line), ":"); ok {
			before[l] = true
		}
	}
	for _, line := range lines[at+1:] {
		if strings.HasPrefix(line, "}") {
			return true
		}
		if sharedWrite.MatchString(line) {
			return false
		}
		if f := strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), ";")); len(f) > 1 && strings.Contains(line, "bra") && before[f[len(f)-1]] {
			return false // back to what was before
		}
	}
	return true
}

// besideAnother says whether a barrier is met, on every way to or from it, right beside another one (or the kernel's start or end): no access that
// it could order lies between.
func besideAnother(lines []string, at int) bool {
	first, last := at, at
	for first > 0 && !strings.HasPrefix(lines[first], "{") {
		first--
	}
	for last < len(lines)-1 && !strings.HasPrefix(lines[last], "}") {
		last++
	}
	labels := map[string]int{}
	for i := first; i <= last; i++ {
		if l, ok := strings.CutSuffix(strings.TrimSpace(lines[i]), ":"); ok {
			labels[l] = i
		}
	}
	after, before := map[int][]int{}, map[int][]int{}
	join := func(i, j int) { after[i], before[j] = append(after[i], j), append(before[j], i) }
	for i := first; i < last; i++ {
		b := branch.FindStringSubmatch(lines[i])
		if b != nil {
			to, ok := labels[b[2]]
			if !ok {
				return false
			}
			join(i, to)
		}
		if !(b != nil && b[1] == "" || ends.MatchString(lines[i])) {
			join(i, i+1)
		}
	}
	quiet := func(next map[int][]int) bool {
		seen := map[int]bool{}
		for left := slices.Clone(next[at]); len(left) > 0; {
			i := left[len(left)-1]
			left = left[:len(left)-1]
			if seen[i] || strings.Contains(lines[i], "bar.sync") {
				if i == at {
					return false // round a loop to itself
				}
				continue
			}
			seen[i] = true
			if ordered.MatchString(lines[i]) && !readOnly.MatchString(lines[i]) {
				return false
			}
			left = append(left, next[i]...)
		}
		return true
	}
	return quiet(before) || quiet(after)
}

// isOtherLane says whether a register is set to a power of two that is nothing but the distance of lanes in a butterfly.
func isOtherLane(lines []string, at int, register, number string) bool {
	n, err := strconv.Atoi(number)
	if err != nil || n < 2 || n > 16 || n&(n-1) != 0 {
		return false
	}
	uses := 0
	use := regexp.MustCompile(regexp.QuoteMeta(register) + `\b`)
	for _, line := range lines[at+1:] {
		if strings.HasPrefix(line, "}") {
			break
		}
		if !use.MatchString(line) {
			continue
		}
		b := butterfly.FindStringSubmatch(line)
		if b == nil || b[1] != register {
			return false
		}
		uses++
	}
	return uses > 0
}

// isOneOf says whether an option is one of the compared numbers, or a clamp of one of them.
func isOneOf(lines []string, at int, option string, compared []string) bool {
	if slices.Contains(compared, option) {
		return true
	}
	s := selection.FindStringSubmatch(definition(lines, at, option))
	return s != nil && (slices.Contains(compared, s[2]) || slices.Contains(compared, s[3]))
}
