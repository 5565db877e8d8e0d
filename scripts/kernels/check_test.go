package main

import "testing"

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
