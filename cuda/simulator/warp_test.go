//go:build cuda

package simulator

import (
	"math"
	"math/rand"
	"slices"
	"testing"
)

// warpKernel runs body with 32 threads: %a holds in[lane], out[lane] gets %d; %l is the lane.
func warpKernel(body string) string {
	return header + `.visible .entry warp(.param .u64 in, .param .u64 out)
{
	.reg .b32 %a, %d, %l, %t, %m; .reg .pred %p, %q; .reg .b64 %i, %o, %x;
	ld.param.u64 %i, [in]; ld.param.u64 %o, [out]; cvta.to.global.u64 %i, %i; cvta.to.global.u64 %o, %o;
	mov.u32 %l, %tid.x; mul.wide.u32 %x, %l, 4; add.s64 %i, %i, %x; add.s64 %o, %o, %x;
	ld.global.b32 %a, [%i];
	` + body + `
	st.global.b32 [%o], %d;
	ret;
}
`
}

// From the PTX manual's pseudo code of each instruction.
func TestWarpWide(t *testing.T) {
	d := open(t)
	lanes := func(f func(l int) int) []int32 {
		v := make([]int32, 32)
		for l := range v {
			v[l] = int32(f(l))
		}
		return v
	}
	in := lanes(func(l int) int { return l*l - 100 })
	at := func(l int) int { return l*l - 100 }
	same := lanes(func(l int) int { return l / 4 })
	for _, c := range []struct {
		name, body string
		in, want   []int32
	}{
		{"shfl up", "shfl.sync.up.b32 %d, %a, 3, 0, -1;", in, lanes(func(l int) int {
			if l < 3 {
				return at(l)
			}
			return at(l - 3)
		})},
		{"shfl down", "shfl.sync.down.b32 %d, %a, 5, 31, -1;", in, lanes(func(l int) int {
			if l+5 > 31 {
				return at(l)
			}
			return at(l + 5)
		})},
		{"shfl bfly", "shfl.sync.bfly.b32 %d, %a, 9, 31, -1;", in, lanes(func(l int) int { return at(l ^ 9) })},
		{"shfl idx", "shfl.sync.idx.b32 %d, %a, 7, 31, -1;", in, lanes(func(l int) int { return at(7) })},
		{"shfl in segments of 8", "shfl.sync.idx.b32 %d, %a, 11, 0x1807, -1;", in, lanes(func(l int) int { return at(l&^7 | 3) })},
		{"shfl down in segments of 8", "shfl.sync.down.b32 %d, %a, 6, 0x1807, -1;", in, lanes(func(l int) int {
			if l&7+6 > 7 {
				return at(l)
			}
			return at(l + 6)
		})},
		{"shfl up in segments of 16", "shfl.sync.up.b32 %d, %a, 2, 0x1000, -1;", in, lanes(func(l int) int {
			if l&15 < 2 {
				return at(l)
			}
			return at(l - 2)
		})},
		{"shfl says whether inside", "shfl.sync.up.b32 %t|%p, %a, 4, 0, -1; selp.b32 %d, 1, 0, %p;", in, lanes(func(l int) int { return min(l/4, 1) })},
		{"ballot", "and.b32 %t, %a, 1; setp.ne.b32 %p, %t, 0; vote.sync.ballot.b32 %d, %p, -1;", in, lanes(func(int) int { return -0x55555556 })},
		{"ballot of not", "and.b32 %t, %a, 1; setp.ne.b32 %p, %t, 0; vote.sync.ballot.b32 %d, !%p, -1;", in, lanes(func(int) int { return 0x55555555 })},
		{"vote all", "setp.lt.s32 %p, %a, 1000; vote.sync.all.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;", in, lanes(func(int) int { return 1 })},
		{"vote not all", "setp.lt.s32 %p, %a, 800; vote.sync.all.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;", in, lanes(func(int) int { return 0 })},
		{"vote any", "setp.gt.s32 %p, %a, 800; vote.sync.any.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;", in, lanes(func(int) int { return 1 })},
		{"vote uniform", "setp.gt.s32 %p, %a, 800; vote.sync.uni.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;", in, lanes(func(int) int { return 0 })},
		{"redux add", "redux.sync.add.s32 %d, %a, -1;", in, lanes(func(int) int { return 31*32*63/6 - 3200 })},
		{"redux min", "redux.sync.min.s32 %d, %a, -1;", in, lanes(func(int) int { return -100 })},
		{"redux unsigned max", "redux.sync.max.u32 %d, %a, -1;", in, lanes(func(int) int { return -1 - 18 })},
		{"redux and", "redux.sync.and.b32 %d, %l, -1;", in, lanes(func(int) int { return 0 })},
		{"redux or", "redux.sync.or.b32 %d, %l, -1;", in, lanes(func(int) int { return 31 })},
		{"match any", "match.any.sync.b32 %d, %a, -1;", same, lanes(func(l int) int { return int(int32(uint32(15) << (l &^ 3))) })},
		{"match all", "match.all.sync.b32 %t|%p, %a, -1; selp.b32 %d, 1, %t, %p;", same, lanes(func(int) int { return 0 })},
		{"active lanes", "mov.u32 %d, 0; setp.lt.u32 %p, %l, 5; @!%p bra OUT; activemask.b32 %d; OUT:", in, lanes(func(l int) int {
			if l < 5 {
				return 31
			}
			return 0
		})},
		{"some lanes", "mov.u32 %d, -1; setp.lt.u32 %p, %l, 8; @!%p bra OUT; shfl.sync.bfly.b32 %d, %a, 1, 31, 0xff; OUT:", in, lanes(func(l int) int {
			if l < 8 {
				return at(l ^ 1)
			}
			return -1
		})},
		{"lanes that come apart meet", "and.b32 %t, %l, 1; setp.eq.b32 %p, %t, 0; @%p bra EVEN; add.s32 %a, %a, 1000; bra JOIN; EVEN: add.s32 %a, %a, 2000; JOIN: shfl.sync.bfly.b32 %d, %a, 1, 31, -1;", in,
			lanes(func(l int) int { return at(l^1) + 1000 + 1000*(l&1) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := kernel(t, d, warpKernel(c.body), "warp")
			src, dst := upload(t, d, c.in), upload(t, d, make([]int32, 32))
			if err := run(d, k, [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, src, dst); err != nil {
				t.Fatal(err)
			}
			if got := download[int32](t, dst, 32); !slices.Equal(got, c.want) {
				t.Fatalf("%v\nwant %v", got, c.want)
			}
		})
	}
}

// Atomics of 256 threads on one word each: every kind that has one answer in any order.
func TestAtomics(t *testing.T) {
	d := open(t)
	const n = 256
	source := func(instruction string) string {
		return header + `.visible .entry atomics(.param .u64 out)
{
	.reg .b32 %l, %r, %n; .reg .b64 %o, %w; .reg .f32 %f; .reg .f64 %g; .reg .b16 %h;
	ld.param.u64 %o, [out]; cvta.to.global.u64 %o, %o;
	mov.u32 %l, %tid.x; cvt.rn.f32.u32 %f, %l; cvt.rn.f64.u32 %g, %l; cvt.u64.u32 %w, %l; neg.s32 %n, %l;
	` + instruction + `
	ret;
}
`
	}
	sum := uint64(n * (n - 1) / 2)
	for _, c := range []struct {
		instruction   string
		before, after uint64
	}{
		{"red.global.add.u32 [%o], %l;", 5, sum + 5},
		{"atom.global.add.u32 %r, [%o], %l;", 0, sum},
		{"red.global.add.u64 [%o], %w;", 1 << 40, sum + 1<<40},
		{"red.global.add.f32 [%o], %f;", 0, uint64(math.Float32bits(float32(sum)))},
		{"red.global.add.f64 [%o], %g;", 0, math.Float64bits(float64(sum))},
		{"red.global.min.s32 [%o], %n;", 0, neg32(n - 1)},
		{"red.global.max.s32 [%o], %l;", 0xffffffff, n - 1},
		{"red.global.max.u32 [%o], %l;", 0xffffffff, 0xffffffff},
		{"red.global.min.u32 [%o], %l;", 7, 0},
		{"red.global.and.b32 [%o], %l;", 0xffff, 0},
		{"red.global.or.b32 [%o], %l;", 0x1000, 0x10ff},
		{"red.global.xor.b32 [%o], %l;", 3, 3},
		{"red.global.inc.u32 [%o], 99;", 0, n % 100},
		{"red.global.dec.u32 [%o], 99;", 0, 44},
		{"atom.global.exch.b32 %r, [%o], 7;", 0, 7},
		{"atom.global.cas.b32 %r, [%o], 3, 9;", 3, 9},
		{"atom.global.cas.b32 %r, [%o], 3, 9;", 4, 4},
		{"atom.global.cas.b64 %w, [%o], 3, 9;", 3, 9},
	} {
		t.Run(c.instruction, func(t *testing.T) {
			k := kernel(t, d, source(c.instruction), "atomics")
			b := upload(t, d, []uint64{c.before})
			if err := run(d, k, [3]int{1, 1, 1}, [3]int{n, 1, 1}, 0, b); err != nil {
				t.Fatal(err)
			}
			if got := download[uint64](t, b, 1)[0]; got != c.after {
				t.Fatalf("%x, want %x", got, c.after)
			}
		})
	}
}

// The tensor cores' product against a plain one: the fragments' layout is that of the manual's figures, and values are small
// whole numbers, so that every order of summation gives the same.
func TestMatrixProduct(t *testing.T) {
	d := open(t)
	r := rand.New(rand.NewSource(1))
	for _, c := range []struct {
		shape, kind string
		k           int
		bits        func(v int) uint32 // one element
		pairs       bool               // two elements a register
	}{
		{"m16n8k16", "bf16", 16, func(v int) uint32 { return math.Float32bits(float32(v)) >> 16 }, true},
		{"m16n8k8", "bf16", 8, func(v int) uint32 { return math.Float32bits(float32(v)) >> 16 }, true},
		{"m16n8k16", "f16", 16, halfBits, true},
		{"m16n8k8", "f16", 8, halfBits, true},
		{"m16n8k8", "tf32", 8, func(v int) uint32 { return math.Float32bits(float32(v)) }, false},
		{"m16n8k4", "tf32", 4, func(v int) uint32 { return math.Float32bits(float32(v)) }, false},
	} {
		t.Run(c.shape+" "+c.kind, func(t *testing.T) {
			a, b, acc := small(r, 16*c.k), small(r, c.k*8), small(r, 16*8)
			want := make([]float32, 16*8)
			for m := range 16 {
				for n := range 8 {
					s := acc[m*8+n]
					for k := range c.k {
						s += a[m*c.k+k] * b[k*8+n]
					}
					want[m*8+n] = float32(s)
				}
			}
			regsA := 16 * c.k / 64
			if !c.pairs {
				regsA *= 2
			}
			regsB := regsA / 2
			got := multiply(t, d, c.shape, c.kind, regsA, regsB, fragments(a, b, acc, c.k, regsA, regsB, c.bits, c.pairs))
			if !slices.Equal(got, want) {
				t.Fatalf("%v\nwant %v", got, want)
			}
		})
	}
}

func small(r *rand.Rand, n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = r.Intn(17) - 8
	}
	return v
}

func halfBits(v int) uint32 {
	if v == 0 {
		return 0
	}
	b := math.Float32bits(float32(v))
	return b>>16&0x8000 | (b>>23&0xff-112)<<10 | b>>13&0x3ff
}
