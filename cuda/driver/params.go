package driver

import (
	"fmt"
	"strconv"
	"strings"
)

// Param is one parameter of a kernel, as the PTX declares it.
type Param struct {
	Type  string // u64, u32, s32, f32, b8 ...
	Bytes int    // of one element
	Count int    // elements; more than 1 for a structure passed by value
}

var typeBytes = map[string]int{
	"b8": 1, "u8": 1, "s8": 1, "b16": 2, "u16": 2, "s16": 2, "f16": 2, "bf16": 2, "b32": 4, "u32": 4, "s32": 4, "f32": 4,
	"f16x2": 4, "bf16x2": 4, "b64": 8, "u64": 8, "s64": 8, "f64": 8,
}

// parseKernels finds the kernels of a PTX text and their parameters. Only `.entry NAME ( .param ..., ... )` is read, so a text
// that the driver would refuse elsewhere passes here.
func parseKernels(ptx string) (map[string][]Param, error) {
	kernels := map[string][]Param{}
	rest := stripComments(ptx)
	for {
		i := strings.Index(rest, ".entry")
		if i < 0 {
			return kernels, nil
		}
		rest = rest[i+len(".entry"):]
		end := strings.IndexAny(rest, "({;")
		if end < 0 {
			return nil, fmt.Errorf("PTX ends inside an .entry")
		}
		fields := strings.Fields(rest[:end])
		if len(fields) == 0 {
			return nil, fmt.Errorf("PTX has an .entry without a name")
		}
		name := fields[0]
		kernels[name] = nil
		if rest[end] != '(' {
			continue
		}
		closing := strings.IndexByte(rest, ')')
		if closing < end {
			return nil, fmt.Errorf("PTX kernel %s: parameter list without end", name)
		}
		params, err := parseParams(rest[end+1 : closing])
		if err != nil {
			return nil, fmt.Errorf("PTX kernel %s: %w", name, err)
		}
		kernels[name] = params
		rest = rest[closing:]
	}
}

func parseParams(list string) ([]Param, error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	var params []Param
	for _, one := range strings.Split(list, ",") {
		p := Param{Count: 1}
		for _, word := range strings.Fields(one) {
			word = strings.TrimPrefix(word, ".")
			if b, ok := typeBytes[word]; ok {
				p.Type, p.Bytes = word, b
			}
		}
		if p.Type == "" {
			return nil, fmt.Errorf("parameter %q has no known type", strings.TrimSpace(one))
		}
		if open := strings.IndexByte(one, '['); open >= 0 {
			size, _, ok := strings.Cut(one[open+1:], "]")
			n, err := strconv.Atoi(strings.TrimSpace(size))
			if !ok || err != nil || n < 1 {
				return nil, fmt.Errorf("parameter %q has no size", strings.TrimSpace(one))
			}
			p.Count = n
		}
		params = append(params, p)
	}
	return params, nil
}

func stripComments(s string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '/')
		if i < 0 || i+1 >= len(s) {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		end := -1
		switch s[i+1] {
		case '/':
			end = strings.IndexByte(s[i:], '\n')
		case '*':
			if end = strings.Index(s[i:], "*/"); end >= 0 {
				end += 2
			}
		default:
			b.WriteByte('/')
			end = 1
		}
		if end < 0 {
			break
		}
		s = s[i+end:]
	}
	return b.String()
}
