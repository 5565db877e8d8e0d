//go:build cuda

package simulator

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"classlens/cuda/driver"
)

// fragments lays a (16 x k), b (k x 8) and c (16 x 8) out as lanes hold them: a cell of 16 words a lane, first a, then b, then c.
// Lane l is in group g = l/4 with place q = l%4.
func fragments(a, b, c []int, k, regsA, regsB int, bits func(int) uint32, pairs bool) []uint32 {
	v := make([]uint32, 32*16)
	for l := range 32 {
		g, q := l/4, l%4
		cell := v[16*l:]
		for r := range regsA {
			row := g + 8*(r%2)
			if pairs {
				col := 2*q + 8*(r/2)
				cell[r] = bits(a[row*k+col]) | bits(a[row*k+col+1])<<16
			} else {
				cell[r] = bits(a[row*k+q+4*(r/2)])
			}
		}
		for r := range regsB {
			if pairs {
				row := 2*q + 8*r
				cell[regsA+r] = bits(b[row*8+g]) | bits(b[(row+1)*8+g])<<16
			} else {
				cell[regsA+r] = bits(b[(q+4*r)*8+g])
			}
		}
		for r := range 4 {
			cell[regsA+regsB+r] = math.Float32bits(float32(c[(g+8*(r/2))*8+2*q+r%2]))
		}
	}
	return v
}

// multiply runs one mma and gathers its 16 x 8 result.
func multiply(t *testing.T, d *driver.Device, shape, kind string, regsA, regsB int, cells []uint32) []float32 {
	t.Helper()
	list := func(prefix string, n int) string {
		var s []string
		for i := range n {
			s = append(s, fmt.Sprintf("%%%s%d", prefix, i))
		}
		return "{" + strings.Join(s, ", ") + "}"
	}
	var b strings.Builder
	b.WriteString(header + ".visible .entry product(.param .u64 cells, .param .u64 out)\n{\n\t.reg .b32 %a<4>, %b<2>, %l; .reg .f32 %c<4>, %d<4>; .reg .b64 %i, %o, %x;\n")
	b.WriteString("\tld.param.u64 %i, [cells]; ld.param.u64 %o, [out]; cvta.to.global.u64 %i, %i; cvta.to.global.u64 %o, %o; mov.u32 %l, %tid.x;\n")
	b.WriteString("\tmul.wide.u32 %x, %l, 64; add.s64 %i, %i, %x; mul.wide.u32 %x, %l, 16; add.s64 %o, %o, %x;\n")
	word := 0
	for _, p := range []struct {
		name string
		n    int
	}{{"a", regsA}, {"b", regsB}, {"c", 4}} {
		for i := range p.n {
			fmt.Fprintf(&b, "\tld.global.b32 %%%s%d, [%%i+%d];\n", p.name, i, 4*word)
			word++
		}
	}
	fmt.Fprintf(&b, "\tmma.sync.aligned.%s.row.col.f32.%s.%s.f32 %s, %s, %s, %s;\n", shape, kind, kind, list("d", 4), list("a", regsA), list("b", regsB), list("c", 4))
	b.WriteString("\tst.global.v4.f32 [%o], {%d0, %d1, %d2, %d3};\n\tret;\n}\n")
	k := kernel(t, d, b.String(), "product")
	in, out := upload(t, d, cells), upload(t, d, make([]float32, 128))
	if err := run(d, k, [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, in, out); err != nil {
		t.Fatal(err)
	}
	v := download[float32](t, out, 128)
	got := make([]float32, 128)
	for l := range 32 {
		for r := range 4 {
			got[(l/4+8*(r/2))*8+2*(l%4)+r%2] = v[4*l+r]
		}
	}
	return got
}

// ldmatrix: lane l of matrix m gets elements 2(l%4) and the next of row l/4; transposed, of column l/4.
func TestLoadMatrix(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		count int
		trans bool
	}{{1, false}, {2, false}, {4, false}, {1, true}, {2, true}, {4, true}} {
		t.Run(fmt.Sprintf("x%d transposed %v", c.count, c.trans), func(t *testing.T) {
			trans, regs := "", []string{"%d0", "%d1", "%d2", "%d3"}[:c.count]
			if c.trans {
				trans = ".trans"
			}
			ptx := header + `.visible .entry matrices(.param .u64 out)
{
	.shared .align 16 .b8 tile[512];
	.reg .b32 %d<4>, %l, %s, %w, %v; .reg .b64 %o, %x; .reg .pred %p;
	ld.param.u64 %o, [out]; cvta.to.global.u64 %o, %o; mov.u32 %l, %tid.x; mov.u32 %s, tile;
	mov.u32 %d1, 0; mov.u32 %d2, 0; mov.u32 %d3, 0;
	mov.u32 %w, %l;
FILL:
	shl.b32 %v, %w, 1; add.u32 %d0, %v, 1; shl.b32 %d0, %d0, 16; or.b32 %v, %v, %d0;
	mad.lo.u32 %d0, %w, 4, %s; st.shared.b32 [%d0], %v;
	add.u32 %w, %w, 32; setp.lt.u32 %p, %w, 128; @%p bra FILL;
	bar.sync 0;
	mad.lo.u32 %w, %l, 16, %s;
	ldmatrix.sync.aligned.m8n8.x` + fmt.Sprint(c.count) + trans + `.shared.b16 {` + strings.Join(regs, ", ") + `}, [%w];
	mul.wide.u32 %x, %l, 16; add.s64 %o, %o, %x; st.global.v4.b32 [%o], {%d0, %d1, %d2, %d3};
	ret;
}
`
			out := upload(t, d, make([]uint16, 32*8))
			if err := run(d, kernel(t, d, ptx, "matrices"), [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, out); err != nil {
				t.Fatal(err)
			}
			got := download[uint16](t, out, 32*8)
			for l := range 32 {
				for m := range c.count {
					for e := range 2 {
						row, col := l/4, 2*(l%4)+e
						if c.trans {
							row, col = col, row
						}
						if want := uint16(m*64 + row*8 + col); got[8*l+2*m+e] != want {
							t.Fatalf("lane %d matrix %d element %d is %d, want %d", l, m, e, got[8*l+2*m+e], want)
						}
					}
				}
			}
		})
	}
}
