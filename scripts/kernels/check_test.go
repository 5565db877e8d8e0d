package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const said = `ptxas info    : Compiling entry function 'one' for 'sm_80'
ptxas info    : Function properties for one
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 95 registers, 39936 bytes smem, 464 bytes cmem[0]
ptxas info    : Compiling entry function 'two' for 'sm_80'
ptxas info    : Function properties for two
    8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 24 registers, 380 bytes cmem[0]
`

const listed = `.text.one:
        /*0b0*/                   LDGSTS.E.BYPASS.128 [R9], [R6.64], P0 ;
        /*0c0*/                   LDSM.16.M88.4 R60, [R60] ;
        /*0d0*/                   HMMA.16816.F32 R56, R60, R64.reuse, R56 ;
        /*0e0*/                   LDG.E.CONSTANT R5, [R2.64] ;
.text.two:
        /*0b0*/                   LDL R9, [R1] ;
        /*0c0*/                   DFMA R2, R4, R6, R8 ;
`

// What is wrong must be seen: spills, local memory, double precision.
func TestAssemblerIsRead(t *testing.T) {
	all := map[string]machine{}
	if faults := readPtxas(all, "sm_80", said); len(faults) != 1 {
		t.Errorf("one spill, told %v", faults)
	}
	if faults := readSASS(all, "sm_80", listed); len(faults) != 2 {
		t.Errorf("local memory and a double, told %v", faults)
	}
	if want := (machine{95, 39936, 1, 2}); all["one"] != want {
		t.Errorf("one is %+v, want %+v", all["one"], want)
	}
	if want := (machine{24, 0, 0, 0}); all["two"] != want {
		t.Errorf("two is %+v, want %+v", all["two"], want)
	}
}

// Each limit is a fault when it is passed, and so is a kernel without a row and a row without a kernel.
func TestLimitsHold(t *testing.T) {
	limits := map[string]machine{"k": {registers: 40, shared: 1024, hmma: 8, wide: 4}}
	for _, c := range []struct {
		name string
		all  map[string]machine
		says string // empty: no fault
	}{
		{"within", map[string]machine{"k": {40, 1024, 8, 4}}, ""},
		{"better", map[string]machine{"k": {20, 0, 16, 9}}, ""},
		{"registers", map[string]machine{"k": {41, 1024, 8, 4}}, "k has 41 registers"},
		{"shared memory", map[string]machine{"k": {40, 1025, 8, 4}}, "1025 bytes of shared memory"},
		{"tensor cores", map[string]machine{"k": {40, 1024, 7, 4}}, "7 HMMA"},
		{"wide loads", map[string]machine{"k": {40, 1024, 8, 3}}, "3 wide loads"},
		{"no row", map[string]machine{"k": {40, 1024, 8, 4}, "new": {}}, "new is not in"},
		{"no kernel", map[string]machine{}, "a row for k, which is no kernel"},
	} {
		err := compare(c.all, limits)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
	if !slices.Equal(architectures, []string{"sm_80", "sm_86", "sm_89", "sm_90"}) {
		t.Error("assembled for", architectures)
	}
}

// The real assembler refuses what must not be, for every architecture. It is there once make kernels-check has fetched it.
func TestAssemblerRefuses(t *testing.T) {
	tools, err := fetched()
	if err != nil {
		t.Skip(err)
	}
	const frame = ".version 8.2\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p) {\n.reg .b64 %o, %x; .reg .f64 %d; .reg .f32 %f; .reg .b32 %r;\nld.param.u64 %o, [p]; cvta.to.global.u64 %o, %o;\n"
	for _, c := range []struct{ name, body, says string }{
		{"right", "ld.global.f32 %f, [%o]; add.f32 %f, %f, %f; st.global.f32 [%o], %f;", ""},
		{"double precision", "ld.global.f64 %d, [%o]; add.f64 %d, %d, %d; st.global.f64 [%o], %d;", "Double"},
		{"local memory", ".local .align 4 .b8 a[64]; ld.global.u32 %r, [%o]; and.b32 %r, %r, 60; cvt.u64.u32 %x, %r; .reg .b64 %l; mov.u64 %l, a; add.s64 %l, %l, %x;" +
			"st.local.u32 [%l], %r; ld.local.u32 %r, [a+8]; st.global.u32 [%o], %r;", "Local"},
	} {
		dir := t.TempDir()
		ptx := filepath.Join(dir, "k.ptx")
		if err := os.WriteFile(ptx, []byte(frame+c.body+"\nret;\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, arch := range architectures {
			err := assemble(tools, map[string]machine{}, arch, ptx, filepath.Join(dir, "out.cubin"))
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.says)) {
				t.Errorf("%s for %s: %v, want %q", c.name, arch, err, c.says)
			}
		}
	}
}
