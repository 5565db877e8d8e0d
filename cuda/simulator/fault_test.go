//go:build cuda

package simulator

import (
	"errors"
	"strings"
	"testing"

	"classlens/cuda/driver"
)

// faultKernel is a kernel with 128 words of shared memory `s` (%s its address, %m this thread's word in it), a parameter `out` in
// %o, its word for this thread in %w, and the thread in %l.
func faultKernel(body string) string {
	return header + ".file 1 \"fault.cu\"\n" + `.visible .entry faulty(.param .u64 out, .param .u32 n)
{
	.shared .align 4 .b8 s[512];
	.reg .b32 %l, %s, %m, %t, %v, %n; .reg .b64 %o, %w, %x; .reg .pred %p; .reg .f32 %f<4>;
	ld.param.u64 %o, [out]; ld.param.u32 %n, [n]; cvta.to.global.u64 %o, %o;
	mov.u32 %l, %tid.x; mul.wide.u32 %x, %l, 4; add.s64 %w, %o, %x;
	mov.u32 %s, s; mad.lo.u32 %m, %l, 4, %s;
	.loc 1 77 1
	` + body + `
	ret;
}
`
}

// Each fault is provoked, and the message names what happened, where, and in which thread. The twin of each kernel that is right
// must pass, or the check would be worth nothing.
func TestFaultsAreFound(t *testing.T) {
	for _, c := range []struct {
		name, body string
		threads    int
		want       string // in the message; empty: no fault
	}{
		{"right", "st.global.u32 [%w], %l;", 128, ""},
		{"one element outside", "st.global.u32 [%w], %l;", 129, "thread (128,0,0): writes byte 512 of an allocation of 512"},
		{"read outside", "ld.global.u32 %t, [%w+4];", 128, "reads byte 512 of an allocation of 512"},
		{"before the start", "ld.global.u32 %t, [%o+-4];", 1, "which no allocation holds"},
		{"null", "mov.u64 %x, 0; ld.global.u32 %t, [%x];", 1, "reads address 0x0, which no allocation holds"},
		{"last element with a wide access", "ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%o+504];", 1, "not a multiple of 16"},
		{"misaligned", "ld.global.u32 %t, [%o+2];", 1, "is not a multiple of 4"},
		{"shared outside", "ld.shared.u32 %t, [%m+512];", 1, "reads byte 512 of 512 bytes of shared memory"},
		{"shared before the start", "ld.shared.u64 %x, [%s+-8];", 1, "of 512 bytes of shared memory"},
		{"shared misaligned", "st.shared.u32 [%s+2], %l;", 1, "not a multiple of 4"},
		{"generic address of shared memory outside", "cvt.u64.u32 %x, %m; cvta.shared.u64 %x, %x; st.u32 [%x+512], %l;", 1, "shared memory"},
		{"write and read by barrier", "st.shared.u32 [%m], %l; bar.sync 0; xor.b32 %t, %m, 4; ld.shared.u32 %v, [%t];", 128, ""},
		{"write then read by another thread", "st.shared.u32 [%m], %l; xor.b32 %t, %m, 4; ld.shared.u32 %v, [%t];", 128, "race in shared memory at byte"},
		{"write then read across warps", "st.shared.u32 [%m], %l; xor.b32 %t, %m, 256; ld.shared.u32 %v, [%t];", 128, "shared memory"},
		{"read then write", "st.shared.u32 [%m], %l; bar.sync 0; xor.b32 %t, %m, 4; ld.shared.u32 %v, [%t]; st.shared.u32 [%m], %v;", 128, "writes what"},
		{"read, barrier, write", "st.shared.u32 [%m], %l; bar.sync 0; xor.b32 %t, %m, 4; ld.shared.u32 %v, [%t]; bar.sync 0; st.shared.u32 [%m], %v;", 128, ""},
		{"two write", "st.shared.u32 [%s], %l;", 128, "race in shared memory"},
		{"one writes", "setp.eq.u32 %p, %l, 5; @%p st.shared.u32 [%s], %l; bar.sync 0; ld.shared.u32 %v, [%s];", 128, ""},
		{"within a warp with its barrier", "st.shared.u32 [%m], %l; bar.warp.sync -1; xor.b32 %t, %m, 4; ld.shared.u32 %v, [%t];", 128, ""},
		{"across warps with a warp's barrier", "st.shared.u32 [%m], %l; bar.warp.sync -1; xor.b32 %t, %m, 256; ld.shared.u32 %v, [%t];", 128, "shared memory"},
		{"atomics together", "setp.eq.u32 %p, %l, 0; @%p st.shared.u32 [%s], 0; bar.sync 0; red.shared.add.u32 [%s], %l; bar.sync 0; ld.shared.u32 %v, [%s];", 128, ""},
		{"atomic and read", "setp.eq.u32 %p, %l, 0; @%p st.shared.u32 [%s], 0; bar.sync 0; red.shared.add.u32 [%s], %l; ld.shared.u32 %v, [%s];", 128, "race in shared memory"},
		{"never written", "setp.ne.u32 %p, %l, 0; @%p st.shared.u32 [%m], %l; bar.sync 0; ld.shared.u32 %v, [%m];", 128, "reads shared memory that nothing wrote, at byte 0"},
		{"barrier in one branch", "setp.lt.u32 %p, %l, 64; @%p bra SKIP; bar.sync 0; SKIP: mov.u32 %t, 0;", 128, "has left the kernel while other threads wait"},
		{"two barriers", "setp.lt.u32 %p, %l, 64; @%p bra LOW; bar.sync 0; bra END; LOW: bar.sync 0; END:", 128, "waits at this barrier while thread"},
		{"two barriers in a warp", "setp.lt.u32 %p, %l, 16; @%p bra LOW; bar.sync 0; bra END; LOW: bar.sync 0; END:", 32, "of its warp waits at another one"},
		{"same barrier after a branch", "setp.lt.u32 %p, %l, 16; @%p bra LOW; mov.u32 %t, 1; bra END; LOW: mov.u32 %t, 2; END: bar.sync 0;", 128, ""},
		{"early exit before a barrier", "setp.ge.u32 %p, %l, 100; @%p ret; bar.sync 0;", 128, "has left the kernel while other threads wait"},
		{"absent lane", "and.b32 %t, %l, 1; setp.eq.u32 %p, %t, 1; @%p shfl.sync.bfly.b32 %v, %l, 1, 31, -1; bar.warp.sync -1;", 32, "names lanes 0xffffffff but only 0xaaaaaaaa execute it"},
		{"value of a lane that has left", "and.b32 %t, %l, 1; setp.eq.u32 %p, %t, 1; @%p shfl.sync.bfly.b32 %v, %l, 1, 31, -1;", 32, "which does not take part"},
		{"value of an absent lane", "setp.lt.u32 %p, %l, 8; @%p shfl.sync.down.b32 %v, %l, 4, 31, 0xff;", 32, "which does not take part"},
		{"lane that the mask does not name", "shfl.sync.bfly.b32 %v, %l, 1, 31, 0xffff;", 32, "does not name"},
		{"half a warp", "shfl.sync.bfly.b32 %v, %l, 1, 31, -1;", 16, ""},
		{"ballot of half the lanes", "setp.lt.u32 %p, %l, 16; @%p vote.sync.ballot.b32 %v, %p, -1; bar.sync 0;", 32, "names lanes"},
		{"ballot when the others have left", "setp.ge.u32 %p, %l, 16; @%p ret; vote.sync.ballot.b32 %v, %p, -1;", 32, ""},
		{"trap", "setp.eq.u32 %p, %l, 3; @%p trap;", 32, "thread (3,0,0): trap"},
		{"endless", "LOOP: ld.volatile.global.u32 %t, [%o]; setp.ne.u32 %p, %t, 12345; @%p bra LOOP;", 32, "endless loop"},
		{"matrix with half a warp", "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%v}, [%s];", 16, "needs all 32 lanes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := simulated(t)
			if c.name == "endless" {
				t.Setenv("CLASSLENS_SIM_STEPS", "3000000") // read at each launch
			}
			k := kernel(t, d, faultKernel(c.body), "faulty")
			out := upload(t, d, make([]float32, 128))
			checkFault(t, run(d, k, [3]int{1, 1, 1}, [3]int{c.threads, 1, 1}, 0, out, 1), c.want)
		})
	}
}

func checkFault(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v\nwant %q", err, want)
	}
	if !errors.Is(err, driver.ErrContextSpoiled) && !errors.Is(err, driver.ErrStuck) {
		t.Error("the context is not spoiled by", err)
	}
	for _, part := range []string{"kernel faulty at fault.cu:77, block (0,0,0) thread (", "PTX line"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\nlacks %q", err, part)
		}
	}
}

func TestFreedMemory(t *testing.T) {
	d := simulated(t)
	k := kernel(t, d, faultKernel("st.global.u32 [%w], %l;"), "faulty")
	b := upload(t, d, make([]float32, 128))
	address := b.Ptr()
	if err := b.Free(); err != nil {
		t.Fatal(err)
	}
	other := upload(t, d, make([]float32, 128)) // must not get the same address
	if other.Ptr() == address {
		t.Fatal("an address was given twice")
	}
	checkFault(t, run(d, k, [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, address, 1), "writes byte 0 of freed memory")
}

// A host that reads without waiting gets what was there before: work runs only when something waits for it. Its right twin waits.
func TestMissingSynchronisationIsSeen(t *testing.T) {
	t.Setenv("CLASSLENS_SIM_LAZY", "1") // read when a context is made
	d := simulated(t)
	k := kernel(t, d, faultKernel("st.global.u32 [%w], %l;"), "faulty")
	out := upload(t, d, make([]uint32, 128))
	s, err := d.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	got := make([]uint32, 128)
	read := func() uint32 {
		other, err := d.NewStream() // which nothing orders behind s
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(driver.CopyOut(other, got, out, 0), other.Synchronize(), other.Close()); err != nil {
			t.Fatal(err)
		}
		return got[77]
	}
	if err := k.Launch(s, [3]int{1, 1, 1}, [3]int{128, 1, 1}, 0, out, 1); err != nil {
		t.Fatal(err)
	}
	if v := read(); v != 0 {
		t.Fatalf("without a wait the host reads %d, want the old 0", v)
	}
	if err := s.Synchronize(); err != nil {
		t.Fatal(err)
	}
	if v := read(); v != 77 {
		t.Fatalf("after the wait the host reads %d, want 77", v)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// What nothing wrote is NaN, in global memory as in local.
func TestFreshMemoryIsNaN(t *testing.T) {
	d := simulated(t)
	b, err := d.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range download[float32](t, b, 16) {
		if v == v {
			t.Fatal("fresh memory holds", v)
		}
	}
}

// cp.async: the copy is there after its wait, and not before.
func TestAsyncCopy(t *testing.T) {
	const copyIn = `
	mul.wide.u32 %x, %l, 16; add.s64 %x, %o, %x; mad.lo.u32 %t, %l, 16, %s;
	setp.ge.u32 %p, %l, 32; @%p ret;
	cp.async.cg.shared.global [%t], [%x], 16;
	cp.async.commit_group;
`
	for _, c := range []struct {
		name, wait string
		same       bool
	}{
		{"waited for", "cp.async.wait_group 0;", true},
		{"wait for all", "cp.async.wait_all;", true},
		{"one may stay open", "cp.async.wait_group 1;", false},
		{"not waited for", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := simulated(t)
			k := kernel(t, d, faultKernel(copyIn+c.wait+`
	bar.sync 0;
	ld.shared.v4.f32 {%f0, %f1, %f2, %f3}, [%t];
	st.global.v4.f32 [%x], {%f0, %f1, %f2, %f3};`), "faulty")
			in := make([]float32, 128)
			for i := range in {
				in[i] = float32(i)
			}
			out := upload(t, d, in)
			if err := run(d, k, [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, out, 1); err != nil {
				t.Fatal(err)
			}
			for i, v := range download[float32](t, out, 128) {
				if (v == in[i]) != c.same {
					t.Fatalf("element %d is %v", i, v)
				}
			}
		})
	}
}

// A copy of fewer bytes fills the rest with zeros and does not touch what it does not read.
func TestAsyncCopyOfPart(t *testing.T) {
	d := simulated(t)
	k := kernel(t, d, faultKernel(`
	sub.u32 %n, %n, 1; mad.lo.u32 %t, %l, 16, %s;
	setp.lt.u32 %p, %l, 1; selp.b32 %v, 8, 0, %p;
	mul.wide.u32 %x, %l, 100000; add.s64 %x, %o, %x;
	cp.async.ca.shared.global [%t], [%x], 16, %v;
	cp.async.wait_all;
	bar.sync 0;
	ld.shared.v4.f32 {%f0, %f1, %f2, %f3}, [%t];
	mul.wide.u32 %x, %l, 16; add.s64 %x, %o, %x;
	st.global.v4.f32 [%x], {%f0, %f1, %f2, %f3};`), "faulty")
	out := upload(t, d, []float32{1, 2, 3, 4, 5, 6, 7, 8})
	if err := run(d, k, [3]int{1, 1, 1}, [3]int{2, 1, 1}, 0, out, 1); err != nil {
		t.Fatal(err)
	}
	got := download[float32](t, out, 8)
	for i, want := range []float32{1, 2, 0, 0, 0, 0, 0, 0} {
		if got[i] != want {
			t.Fatal(got)
		}
	}
}

// What is not modelled is refused when the module is loaded, with the line and the instruction.
func TestRefused(t *testing.T) {
	d := simulated(t)
	for _, c := range []struct{ name, ptx, want string }{
		{"unknown opcode", faultKernel("wgmma.fence.sync.aligned;"), "'wgmma.fence.sync.aligned' with 0 operands is not supported"},
		{"call", faultKernel("call f;"), "make the device function __forceinline__"},
		{"function", header + ".func f() { ret; }", "device function 'f' is not supported"},
		{"barrier of some threads", faultKernel("bar.sync 1, 64;"), "barriers with a thread count are not supported"},
		{"reduction at a barrier", faultKernel("bar.red.popc.u32 %t, 0, %p;"), "barriers other than sync are not supported"},
		{"no label", faultKernel("bra NOWHERE;"), "no label NOWHERE"},
		{"unknown register", faultKernel("mov.u32 %t, %zz;"), "unknown operand '%zz'"},
		{"wrong guard", faultKernel("@%t mov.u32 %t, 1;"), "the guard is no predicate"},
		{"missing operand", faultKernel("add.s32 %t, %t;"), "'add.s32' with 2 operands is not supported"},
		{"missing semicolon", faultKernel("add.s32 %t, %t, %t"), "was expected"},
		{"no end", header + ".visible .entry faulty() {", "has no end"},
		{"texture", faultKernel("tex.1d.v4.f32.s32 {%f0, %f1, %f2, %f3}, [%o, {%t}];"), "where ']' was expected"},
		{"no kernel", header, "no kernel"},
		{"32 bits", ".version 8.2\n.target sm_80\n.address_size 32\n", "only 64-bit addresses"},
		{"nothing", "", "no kernel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := d.Load([]byte(c.ptx))
			if err == nil {
				_ = m.Close()
			}
			if !errors.Is(err, driver.ErrCall) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v\nwant %q", err, c.want)
			}
		})
	}
}

func TestLaunchLimits(t *testing.T) {
	d := simulated(t)
	k := kernel(t, d, strings.Replace(faultKernel("mov.u32 %t, 1;"), ".u32 n)", ".u32 n)\n.maxntid 64, 1, 1", 1), "faulty")
	b := upload(t, d, []float32{1})
	for _, c := range []struct {
		name        string
		grid, block [3]int
		shared      int
		ok          bool
	}{
		{"usual", [3]int{1, 1, 1}, [3]int{64, 1, 1}, 0, true},
		{"more than compiled for", [3]int{1, 1, 1}, [3]int{65, 1, 1}, 0, false},
		{"deep block", [3]int{1, 1, 1}, [3]int{1, 1, 65}, 0, false},
		{"tall grid", [3]int{1, 65536, 1}, [3]int{1, 1, 1}, 0, false},
		{"tallest grid", [3]int{1, 65535, 1}, [3]int{1, 1, 1}, 0, true},
		{"much shared memory", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 200 << 10, false},
	} {
		if err := run(d, k, c.grid, c.block, c.shared, b, 1); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
