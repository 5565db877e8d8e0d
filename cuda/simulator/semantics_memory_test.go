//go:build cuda

package simulator

import (
	"math"
	"slices"
	"testing"
)

func TestMemory(t *testing.T)  { testOps(t, memoryOps) }
func TestControl(t *testing.T) { testOps(t, controlOps) }

// shared16 gives each thread 16 bytes of shared memory at %s.
const shared16 = ".shared .align 16 .b8 s[512]; .reg .b32 %s; mov.u32 %s, s; mad.lo.u32 %s, %n, 16, %s; "

// four puts four words below 256 into one, the first lowest.
const four = " .reg .b32 %x; shl.b32 %x, %v3, 8; or.b32 %x, %x, %v2; shl.b32 %x, %x, 8; or.b32 %x, %x, %v1; shl.b32 %x, %x, 8; or.b32 %d, %x, %v0;"

var fourCases = [][]uint64{{0x2200000011, 0x4400000033, 0x44332211}, {0xff00000000, 0xff00000000, 0xff00ff00}, {0, 0, 0}}

// Loads take from the thread's own row, cells of 8 bytes: %a at 0, %b at 8, %c at 16. Stores go there, and what lies beside must stay.
var memoryOps = []op{
	{text: "ld.global.f32 %d, [%row+4];", types: "b32 b64", cases: [][]uint64{{nan32<<32 | 7, nan32}, {negZero32 << 32, negZero32}}},
	{text: "ld.global.u32 %d, [%row];", types: "b32 b64", cases: [][]uint64{{0x1234567890abcdef, 0x90abcdef}}},
	{text: "ld.global.nc.f32 %d, [%row+4];", types: "b32 b64", cases: [][]uint64{{tiny32<<32 | 7, tiny32}}},
	{text: "ld.global.nc.u32 %d, [%row+4];", types: "b32 b64", cases: [][]uint64{{0x1234567890abcdef, 0x12345678}}},
	{text: "ld.global.nc.u16 %d, [%row+2];", types: "b16 b64", cases: [][]uint64{{0xffff0000, 0xffff}, {0x12345678, 0x1234}}},
	{text: "ld.global.nc.u8 %d, [%row+1];", types: "b16 b64", cases: [][]uint64{{0xff00, 0xff}, {0xffff00ff, 0}}},
	{text: ".reg .b32 %v<2>; ld.global.nc.v2.u32 {%v0, %v1}, [%row]; mov.b64 %d, {%v1, %v0};", types: "b64 b64", cases: [][]uint64{{0x1234567890abcdef, 0x90abcdef12345678}}},
	{text: ".reg .f32 %v<2>; ld.global.nc.v2.f32 {%v0, %v1}, [%row]; mov.b64 %d, {%v1, %v0};", types: "b64 b64", cases: [][]uint64{{nan32<<32 | tiny32, tiny32<<32 | nan32}}},
	{text: ".reg .b32 %v<4>; ld.global.nc.v4.u32 {%v0, %v1, %v2, %v3}, [%row];" + four, types: "b32 b64 b64", cases: fourCases},
	{text: ".reg .b32 %v<4>; ld.global.nc.v4.f32 {%v0, %v1, %v2, %v3}, [%row];" + four, types: "b32 b64 b64", cases: fourCases},
	{text: ".reg .b32 %v<4>; cvta.global.u64 %u, %row; ld.v4.f32 {%v0, %v1, %v2, %v3}, [%u];" + four, types: "b32 b64 b64", cases: fourCases},

	{text: "st.global.u16 [%row], %b; ld.global.u32 %d, [%row];", types: "b32 b32 b16", cases: [][]uint64{{0xaaaabbbb, 0x1234, 0xaaaa1234}, {0, 0xffff, 0xffff}}},
	{text: "st.global.u32 [%row+4], %b; ld.global.b64 %d, [%row];", types: "b64 b64 b32", cases: [][]uint64{{u64max, 5, 5<<32 | u32max}}},
	{text: "st.global.f32 [%row+4], %b; ld.global.b64 %d, [%row];", types: "b64 b64 f32", cases: [][]uint64{{u64max, tiny32, tiny32<<32 | u32max}, {0, nan32, nan32 << 32}}},
	{text: "st.global.v2.u32 [%row+8], {%a, %b}; ld.global.b64 %d, [%row+8];", types: "b64 b32 b32", cases: [][]uint64{{1, 2, 2<<32 | 1}}},
	{text: "st.global.v2.f32 [%row+8], {%a, %b}; ld.global.b64 %d, [%row+8];", types: "b64 f32 f32", cases: [][]uint64{{nan32, negZero32, negZero32<<32 | nan32}}},
	{text: "st.global.v4.u32 [%row], {%a, %b, %c, %n}; ld.global.b64 %d, [%row];", types: "b64 b32 b32 b32", cases: [][]uint64{{1, 2, 3, 2<<32 | 1}}},
	{text: "st.global.v4.u32 [%row], {%a, %b, %c, %n}; ld.global.b64 %d, [%row+8];", types: "b64 b32 b32 b32", cases: [][]uint64{{1, 2, 3, 3}, {1, 2, 9, 1<<32 | 9}}},
	{text: "st.global.v4.f32 [%row], {%a, %b, %c, %a}; ld.global.b64 %d, [%row+8];", types: "b64 f32 f32 f32", cases: [][]uint64{{nan32, f(1), tiny32, nan32<<32 | tiny32}}},
	{text: "st.global.v4.f32 [%row], {%a, %b, %c, %a}; ld.global.b64 %d, [%row];", types: "b64 f32 f32 f32", cases: [][]uint64{{nan32, negZero32, tiny32, negZero32<<32 | nan32}}},

	{text: shared16 + "st.shared.u32 [%s+8], 0; st.shared.f32 [%s+4], %a; ld.shared.f32 %d, [%s+4];", types: "f32 f32", cases: [][]uint64{{nan32, nan32}, {negZero32, negZero32}, {tiny32, tiny32}}},
	{text: shared16 + "st.shared.v2.f32 [%s+8], {%a, %b}; ld.shared.b64 %d, [%s+8];", types: "b64 f32 f32", cases: [][]uint64{{nan32, tiny32, tiny32<<32 | nan32}, {f(1), f(2), f(2)<<32 | f(1)}}},
	{text: shared16 + "st.shared.v4.f32 [%s], {%a, %b, %c, %a}; ld.shared.b64 %d, [%s+8];", types: "b64 f32 f32 f32", cases: [][]uint64{{nan32, f(1), tiny32, nan32<<32 | tiny32}, {f(1), f(2), f(3), f(1)<<32 | f(3)}}},
	{text: shared16 + ".reg .b32 %v<4>; st.shared.b64 [%s], %a; st.shared.b64 [%s+8], %b; ld.shared.v4.f32 {%v0, %v1, %v2, %v3}, [%s];" + four, types: "b32 b64 b64", cases: fourCases},
	{text: shared16 + "st.shared.u64 [%s+8], %a; st.shared.u64 [%s], %b; ld.shared.u64 %d, [%s+8];", types: "b64 b64 b64", cases: [][]uint64{{u64max, 1, u64max}, {s64min, u64max, s64min}, {5 << 32, 7, 5 << 32}}},
	// Each thread reads what its neighbour wrote, behind a barrier.
	{text: shared16 + "st.shared.u32 [%s], %a; bar.sync 0; .reg .b32 %x; xor.b32 %x, %s, 16; ld.shared.u32 %d, [%x];", types: "b32 b32", cases: [][]uint64{{5, 6}, {6, 5}, {0, u32max}, {u32max, 0}}},
}

var controlOps = []op{
	{text: "setp.lt.s32 %p, %a, 0; mov.u32 %d, 5; st.global.u32 [%row+24], %d; @%p ret; mov.u32 %d, 6;", types: "b32 b32", cases: [][]uint64{{neg32(1), 5}, {0, 6}, {s32min, 5}}},
	{text: "mov.u32 %d, %a; bra.uni OVER; mov.u32 %d, 7; OVER: add.u32 %d, %d, 1;", types: "b32 b32", cases: [][]uint64{{1, 2}, {u32max, 0}}},
	{text: "setp.lt.s32 %q, %a, 0; mov.pred %p, %q;" + pq, types: "b32 b32", cases: [][]uint64{{neg32(1), 1}, {0, 0}}},
	{text: "mov.pred %p, -1;" + pq, types: "b32 b32", cases: [][]uint64{{0, 1}}},
	{text: "mov.pred %p, 0;" + pq, types: "b32 b32", cases: [][]uint64{{0, 0}}},
	{text: "mov.u16 %d, %a;", types: "b16 b16", cases: [][]uint64{{0xffff, 0xffff}, {0, 0}}},
	{text: "mov.u64 %d, %a;", types: "b64 b64", cases: [][]uint64{{u64max, u64max}, {s64min, s64min}}},
	{text: "setp.lt.s32 %p, %a, 0; selp.u32 %d, %b, %c, %p;", types: "b32 b32 b32 b32", cases: [][]uint64{{neg32(1), 5, u32max, 5}, {0, 5, u32max, u32max}}},
	{text: "setp.lt.s32 %p, %a, 0; selp.u16 %d, %b, %c, %p;", types: "b16 b32 b16 b16", cases: [][]uint64{{neg32(1), 5, 0xffff, 5}, {0, 5, 0xffff, 0xffff}}},
	{text: "setp.eq.s16 %p, %a, %b;" + pq, types: "b32 b16 b16", cases: [][]uint64{{0xffff, 0xffff, 1}, {0xffff, 0x7fff, 0}}},
	{text: "setp.eq.s32 %p, %a, %b;" + pq, types: "b32 b32 b32", cases: [][]uint64{{s32min, s32min, 1}, {s32min, 0, 0}}},
	{text: "setp.ne.s32 %p, %a, %b;" + pq, types: "b32 b32 b32", cases: [][]uint64{{s32min, s32min, 0}, {s32min, 0, 1}}},
	{text: "setp.eq.s64 %p, %a, %b;" + pq, types: "b32 b64 b64", cases: [][]uint64{{1 << 32, 0, 0}, {s64min, s64min, 1}}},
	{text: "setp.ge.s32 %p, %a, %b;" + pq, types: "b32 b32 b32", cases: [][]uint64{{neg32(1), 0, 0}, {0, neg32(1), 1}, {s32min, s32min, 1}}},
	{text: "setp.le.s32 %p, %a, %b;" + pq, types: "b32 b32 b32", cases: [][]uint64{{neg32(1), 0, 1}, {0, neg32(1), 0}, {s32max, s32max, 1}}},
	{text: "setp.gt.s32 %p, %a, %b;" + pq, types: "b32 b32 b32", cases: [][]uint64{{s32min, s32max, 0}, {s32max, s32min, 1}, {3, 3, 0}}},
	{text: "setp.ge.u32 %p, %a, %b;" + pq, types: "b32 b32 b32", cases: [][]uint64{{u32max, 0, 1}, {0, u32max, 0}, {3, 3, 1}}},
	{text: "setp.gt.u32 %p, %a, %b;" + pq, types: "b32 b32 b32", cases: [][]uint64{{u32max, 0, 1}, {0, u32max, 0}, {3, 3, 0}}},
	{text: "shr.u64 %d, %a, %b;", types: "b64 b64 b32", cases: [][]uint64{{s64min, 63, 1}, {u64max, 64, 0}, {5, 0, 5}}},
	{text: "and.b64 %d, %a, %b;", types: "b64 b64 b64", cases: [][]uint64{{u64max, s64min, s64min}, {0xff << 40, 0xf0 << 40, 0xf0 << 40}}},
	{text: "or.b32 %d, %a, %b;", types: "b32 b32 b32", cases: [][]uint64{{0xff00ff00, 0x0ff00ff0, 0xfff0fff0}, {0, u32max, u32max}}},
	{text: "xor.b32 %d, %a, %b;", types: "b32 b32 b32", cases: [][]uint64{{u32max, u32max, 0}, {0xff00, 0x0ff0, 0xf0f0}}},
	{text: "xor.b64 %d, %a, %b;", types: "b64 b64 b64", cases: [][]uint64{{u64max, s64min, s64max}}},
	{text: "add.f32 %d, %a, %b;", types: "f32 f32 f32", kind: float32s, cases: [][]uint64{{f(1), f(0x1p-24), f(1)}, {inf32, ninf32, nan32}, {max32, max32, inf32}, {tiny32, tiny32, 2}, {f(1), f(-1), 0}, {nan32, f(1), nan32}}},
	{text: "ldu.global.f32 %d, [%row+4];", types: "b32 b64", cases: [][]uint64{{nan32<<32 | 7, nan32}, {tiny32 << 32, tiny32}}},
	// What orders, waits or hints changes no value.
	{text: "membar.gl; mov.u32 %d, %a;", types: "b32 b32", cases: [][]uint64{{u32max, u32max}}},
	{text: "fence.acq_rel.gpu; mov.u32 %d, %a;", types: "b32 b32", cases: [][]uint64{{u32max, u32max}}},
	{text: "nanosleep.u32 20; mov.u32 %d, %a;", types: "b32 b32", cases: [][]uint64{{u32max, u32max}}},
	{text: "prefetch.global.L2 [%row]; mov.u32 %d, %a;", types: "b32 b32", cases: [][]uint64{{u32max, u32max}}},
	{text: "setp.ne.s32 %p, %a, %a; @%p discard.global.L2 [%row], 128; mov.u32 %d, %a;", types: "b32 b32", cases: [][]uint64{{u32max, u32max}}},
	{text: "tanh.approx.f32 %d, %a;", types: "f32 f32", kind: near32, cases: [][]uint64{{0, 0}, {inf32, f(1)}, {ninf32, f(-1)}, {f(40), f(1)}, {nan32, nan32}}}, // between them devices promise 2^-11 only
	{text: "ex2.approx.f32 %d, %a;", types: "f32 f32", kind: near32, cases: [][]uint64{{0, f(1)}, {f(3), f(8)}, {f(-1.5), f(math.Exp2(-1.5))}, {ninf32, 0}, {inf32, inf32}, {f(-200), 0}, {f(200), inf32}, {nan32, nan32}}},
}

// Parameters of every width lie where the manual says: each at a multiple of its size.
func TestParameters(t *testing.T) {
	d := open(t)
	k := kernel(t, d, header+`.visible .entry parameters(.param .f32 f, .param .u64 out, .param .s32 s, .param .u32 u)
{
	.reg .b64 %o; .reg .b32 %s, %u; .reg .f32 %f;
	ld.param.f32 %f, [f]; ld.param.u64 %o, [out]; ld.param.s32 %s, [s]; ld.param.u32 %u, [u];
	cvta.to.global.u64 %o, %o;
	st.global.f32 [%o], %f; st.global.u32 [%o+4], %s; st.global.u32 [%o+8], %u; st.global.u64 [%o+16], %o;
	ret;
}
`, "parameters")
	b := upload(t, d, make([]uint32, 6))
	if err := run(d, k, [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, float32(-1.5), b, -7, 0x7fffffff); err != nil {
		t.Fatal(err)
	}
	address := uint64(b.Ptr())
	want := []uint32{math.Float32bits(-1.5), uint32(neg32(7)), 0x7fffffff, 0, uint32(address), uint32(address >> 32)}
	if got := download[uint32](t, b, 6); !slices.Equal(got, want) {
		t.Fatalf("%x, want %x", got, want)
	}
}
