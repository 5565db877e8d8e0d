//go:build cuda

package simulator

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// op is an instruction with cases from the PTX manual: inputs a, b, c and the wanted d, as bits.
type op struct {
	text  string     // reads %a, %b, %c, writes %d; may use %p, %q, %t (b32), %u (b64)
	types string     // widths of d a b c: "b32 b32 b32"
	cases [][]uint64 // a, b, c, want
	kind  compare
}

// compare says how near a result must be.
type compare int

const (
	exact    compare = iota
	float32s         // bits, and any NaN for NaN
	float64s
	float16s
	bfloat16s
	near32 // .approx: within 2^-20 of the value, as every device promises for the ranges tried here
)

func f(v float64) uint64 { return uint64(math.Float32bits(float32(v))) }
func g(v float64) uint64 { return math.Float64bits(v) }

var (
	inf32, ninf32, nan32 = f(math.Inf(1)), f(math.Inf(-1)), uint64(0x7fffffff)
	inf64, nan64         = g(math.Inf(1)), uint64(0x7ff8000000000001)
	negZero32            = uint64(0x80000000)
	tiny32               = uint64(1)          // the least subnormal
	min32                = uint64(0x00800000) // the least normal
	max32                = uint64(0x7f7fffff)
)

const (
	u32max = 0xffffffff
	s32min = 0x80000000
	s32max = 0x7fffffff
	u64max = 0xffffffffffffffff
	s64min = 0x8000000000000000
	s64max = 0x7fffffffffffffff
)

// neg32 and neg16 are negative numbers in two's complement.
func neg32(v uint64) uint64 { return uint64(uint32(-v)) }
func neg16(v uint64) uint64 { return uint64(uint16(-v)) }
func neg64(v uint64) uint64 { return -v }

func TestIntegerArithmetic(t *testing.T) { testOps(t, integerOps) }
func TestBits(t *testing.T)              { testOps(t, bitOps) }
func TestCompare(t *testing.T)           { testOps(t, compareOps) }
func TestFloat(t *testing.T)             { testOps(t, floatOps) }
func TestHalf(t *testing.T)              { testOps(t, halfOps) }
func TestConvert(t *testing.T)           { testOps(t, convertOps) }
func TestMove(t *testing.T)              { testOps(t, moveOps) }

// source makes a kernel of the instruction: thread n takes row n of the inputs, 4 cells of 8 bytes a row, the last the result.
func (o op) source(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".visible .entry %s(.param .u64 rows)\n{\n", name)
	widths := strings.Fields(o.types)
	regs := []string{"%d", "%a", "%b", "%c"}
	for i, w := range widths {
		fmt.Fprintf(&b, "\t.reg .%s %s;\n", w, regs[i])
	}
	b.WriteString("\t.reg .pred %p, %q; .reg .b32 %n, %t; .reg .b64 %row, %at, %u;\n")
	b.WriteString("\tld.param.u64 %row, [rows]; cvta.to.global.u64 %row, %row;\n")
	b.WriteString("\tmov.u32 %n, %tid.x; mul.wide.u32 %at, %n, 32; add.s64 %row, %row, %at;\n")
	for i, w := range widths[1:] {
		fmt.Fprintf(&b, "\tld.global.%s %s, [%%row+%d];\n", w, regs[i+1], 8*i)
	}
	fmt.Fprintf(&b, "\t%s\n\tst.global.%s [%%row+24], %%d;\n\tret;\n}\n", o.text, widths[0])
	return b.String()
}

func (o op) name() string { return strings.Join(strings.FieldsFunc(o.text, isNoLetter), "_") }

func isNoLetter(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
}

func testOps(t *testing.T, ops []op) {
	d := open(t)
	for n, o := range ops {
		name := fmt.Sprintf("op%d_%s", n, o.name())
		t.Run(strings.TrimSuffix(o.text, ";"), func(t *testing.T) {
			k := kernel(t, d, header+o.source(name), name)
			inputs := len(strings.Fields(o.types)) - 1
			rows := make([]uint64, 4*len(o.cases))
			for i, c := range o.cases {
				if len(c) != inputs+1 {
					t.Fatalf("case %d has %d values", i, len(c))
				}
				copy(rows[4*i:], c[:inputs])
			}
			b := upload(t, d, rows)
			if err := run(d, k, [3]int{1, 1, 1}, [3]int{len(o.cases), 1, 1}, 0, b); err != nil {
				t.Fatal(err)
			}
			got := download[uint64](t, b, len(rows))
			for i, c := range o.cases {
				if want := c[inputs]; !o.kind.same(got[4*i+3], want) {
					t.Errorf("of %x: %x, want %x", c[:inputs], got[4*i+3], want)
				}
			}
			if err := b.Free(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func (k compare) same(got, want uint64) bool {
	if got == want {
		return true
	}
	switch k {
	case float32s, near32:
		x, y := math.Float32frombits(uint32(got)), math.Float32frombits(uint32(want))
		if y != y {
			return x != x
		}
		return k == near32 && math.Abs(float64(x)-float64(y)) <= math.Abs(float64(y))*0x1p-20+0x1p-21
	case float64s:
		x, y := math.Float64frombits(got), math.Float64frombits(want)
		return x != x && y != y
	case float16s:
		return got&0x7fff > 0x7c00 && want&0x7fff > 0x7c00
	case bfloat16s:
		return got&0x7fff > 0x7f80 && want&0x7fff > 0x7f80
	}
	return false
}
