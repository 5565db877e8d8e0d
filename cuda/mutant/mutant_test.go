package mutant

import (
	"slices"
	"strings"
	"testing"
)

func TestMutate(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string // kind: text; nil: none
	}{
		{"\tbar.sync \t0;", []string{"barrier removed: \t"}},
		{"\tcp.async.wait_group 1;", []string{"wait removed: \t"}},
		{"\tst.global.f32 \t[%rd4], %f1;", []string{"store removed: \t", "next element: \tst.global.f32 \t[%rd4+4], %f1;"}},
		{"\t@%p3 st.shared.u32 [%r4], %r1;", []string{"store removed: \t", "next element: \t@%p3 st.shared.u32 [%r4+4], %r1;"}},
		{"\tld.global.nc.v4.f32 \t{%f1, %f2, %f3, %f4}, [%rd1+16];", []string{"next element: \tld.global.nc.v4.f32 \t{%f1, %f2, %f3, %f4}, [%rd1+32];"}},
		{"\tld.shared.v4.f32 \t{%f1, %f2, %f3, %f4}, [%r1+-16];", []string{"next element: \tld.shared.v4.f32 \t{%f1, %f2, %f3, %f4}, [%r1+0];"}},
		{"\tld.param.u64 \t%rd1, [k_param_0];", nil},
		{"\tsetp.lt.s32 \t%p1, %r1, %r2;", []string{"comparison at its edge: \tsetp.le.s32 \t%p1, %r1, %r2;"}},
		{"\tadd.s32 \t%r1, %r2, %r3;", []string{"sum for difference: \tsub.s32 \t%r1, %r2, %r3;"}},
		{"\tadd.s32 \t%r1, %r2, 4;", []string{"sum for difference: \tsub.s32 \t%r1, %r2, 4;", "number: \tadd.s32 \t%r1, %r2, 5;"}},
		{"\tmax.f32 \t%f1, %f2, %f3;", []string{"least for greatest: \tmin.f32 \t%f1, %f2, %f3;"}},
		{"\t@%p1 bra \t$L_1;", []string{"guard turned: \t@!%p1 bra \t$L_1;"}},
		{"\tfma.rn.f32 \t%f1, %f2, %f3, %f4;", []string{"factor lost: \tfma.rn.f32 \t%f1, %f2, %f2, %f4;", "addend lost: \tmul.rn.f32 \t%f1, %f2, %f3;"}},
		{"\tfma.rn.f32 \t%f1, %f2, %f2, %f4;", []string{"addend lost: \tmul.rn.f32 \t%f1, %f2, %f2;"}},
		{"\tselp.f32 \t%f1, %f2, %f3, %p1;", []string{"choice turned: \tselp.f32 \t%f1, %f3, %f2, %p1;"}},
		{"\tshfl.sync.bfly.b32 \t%r1|%p1, %r2, 16, 31, -1;", []string{"other lane: \tshfl.sync.bfly.b32 \t%r1|%p1, %r2, 0, 31, -1;"}},
		{"\tshr.s32 \t%r1, %r2, 31;", nil},
		{"\tmov.u32 \t%r1, %tid.x;", nil},
		{"$L_1:", nil},
	} {
		var got []string
		for _, m := range All("\tst.shared.u32 \t[%r8], %r9;\n"+c.line+"\n\tst.shared.u32 \t[%r8], %r9;\n}", "k", executed(2)) {
			got = append(got, m.Kind+": "+m.Text)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q becomes\n%q, want\n%q", c.line, got, c.want)
		}
	}
}

func TestEquivalentMutantsAreNotTried(t *testing.T) {
	for _, c := range []struct {
		name, ptx string
		none      bool
	}{
		{"chooses what it compares", "setp.lt.f32 \t%p1, %f1, %f2;\nselp.f32 \t%f3, %f2, %f1, %p1;\n}", true},
		{"chooses something else", "setp.lt.f32 \t%p1, %f1, %f2;\nselp.f32 \t%f3, %f2, %f4, %p1;\n}", false},
		{"is used twice", "setp.lt.f32 \t%p1, %f1, %f2;\nselp.f32 \t%f3, %f2, %f1, %p1;\n@%p1 bra L;\n}", false},
		{"clamps", "setp.lt.f32 \t%p1, %f1, %f2;\nsetp.gt.f32 \t%p2, %f1, %f5;\nselp.f32 \t%f3, %f5, %f1, %p2;\nselp.f32 \t%f4, %f2, %f3, %p1;\n}", true},
		{"not used", "setp.lt.f32 \t%p1, %f1, %f2;\n}", false},
	} {
		n := 0 // mutants of the first line
		for _, m := range All(c.ptx, "k", executed(1)) {
			if strings.HasPrefix(m.Kind, "comparison") {
				n++
			}
		}
		if (n == 0) != c.none {
			t.Errorf("%s: %d mutants", c.name, n)
		}
	}
}

func TestSample(t *testing.T) {
	var list []Mutant
	for i := range 100 {
		kind := "a"
		if i%10 == 0 {
			kind = "b"
		}
		list = append(list, Mutant{Line: i, Kind: kind})
	}
	got := Sample(list, 30)
	b := 0
	seen := map[int]bool{}
	for _, m := range got {
		if seen[m.Line] {
			t.Fatal("a mutant twice")
		}
		seen[m.Line] = true
		if m.Kind == "b" {
			b++
		}
	}
	if len(got) != 30 || b != 10 {
		t.Fatalf("%d mutants, %d of the rare kind", len(got), b)
	}
	if len(Sample(list, 0)) != 100 || len(Sample(list, 200)) != 100 {
		t.Fatal("all were asked for")
	}
}

func TestSignCorrectionIsNotTried(t *testing.T) {
	const ptx = "{\nshr.s32 \t%r2, %r1, 31;\nshr.u32 \t%r3, %r2, 28;\nadd.s32 \t%r4, %r1, %r3;\nadd.s32 \t%r5, %r1, %r4;\n}"
	var lines []int
	for _, m := range All(ptx, "k", executed(2, 3, 4, 5)) {
		lines = append(lines, m.Line)
	}
	if !slices.Equal(lines, []int{5}) {
		t.Fatal("mutants in lines", lines)
	}
}

func executed(lines ...int) func(int) bool {
	return func(line int) bool { return slices.Contains(lines, line) }
}

func TestOnlyOneKernelStays(t *testing.T) {
	const ptx = "head\n.visible .entry a(\nx)\n{\n}\n\n.visible .entry ab(\ny)\n{\nz\n}\nfoot"
	m := Mutant{Kernel: "ab", Line: 10, Text: "Z"}
	if got := m.In(ptx); got != "head\n\n\n\n\n\n.visible .entry ab(\ny)\n{\nZ\n}\nfoot" {
		t.Fatalf("%q", got)
	}
}

func TestButterflyDistancesAreNotTried(t *testing.T) {
	const ptx = "{\nmov.u32 \t%r1, 16;\nmov.u32 \t%r2, 1;\nmov.u32 \t%r3, 31;\nshfl.sync.bfly.b32 \t%r5|%p1, %r4, %r1, %r3, %r6;\nshfl.sync.bfly.b32 \t%r5|%p1, %r4, %r2, %r3, %r6;\n}"
	var lines []int
	for _, m := range All(ptx, "k", executed(2, 3, 4)) {
		lines = append(lines, m.Line)
	}
	if !slices.Equal(lines, []int{3, 4}) { // distance 1, and the last lane
		t.Fatal("mutants in lines", lines)
	}
}

func TestGreatestIsNotTriedAtItsEdge(t *testing.T) {
	const keepsNaN = "{\nsetp.nan.f32 \t%p1, %f1, %f1;\nsetp.gt.f32 \t%p2, %f1, %f2;\nor.pred \t%p3, %p1, %p2;\nselp.f32 \t%f3, %f1, %f2, %p3;\n}"
	for _, m := range All(keepsNaN, "k", executed(3)) {
		t.Error("tried", m)
	}
	const branches = "{\nsetp.gt.f32 \t%p2, %f1, %f2;\nor.pred \t%p3, %p1, %p2;\n@%p3 bra L;\n}"
	if len(All(branches, "k", executed(2))) != 1 {
		t.Error("a comparison that decides was not tried")
	}
}

func TestBarriersThatOrderNothingAreNotTried(t *testing.T) {
	const block = "{\nst.shared.f32 \t[%rd1], %f1;\nbar.sync \t0;\nld.shared.f32 \t%f2, [%rd2];\nbar.sync \t0;\n"
	for _, c := range []struct {
		behind string
		want   []int
	}{
		{"st.global.f32 \t[%rd3], %f2;\nret;\n}", []int{3}},
		{"st.shared.f32 \t[%rd1], %f2;\nret;\n}", []int{3, 5}},
	} {
		var lines []int
		for _, m := range All(block+c.behind, "k", executed(3, 5)) {
			lines = append(lines, m.Line)
		}
		if !slices.Equal(lines, c.want) {
			t.Errorf("before %q: mutants in lines %v, want %v", c.behind, lines, c.want)
		}
	}
	const loop = "{\n$L:\nst.shared.f32 \t[%rd1], %f1;\nbar.sync \t0;\nld.shared.f32 \t%f2, [%rd2];\nbar.sync \t0;\n@%p1 bra \t$L;\nret;\n}"
	if n := len(All(loop, "k", executed(6))); n != 1 {
		t.Error("a barrier in a loop:", n)
	}
}

func TestHalvingsCorrectionIsNotTried(t *testing.T) {
	const ptx = "{\nshr.u32 \t%r2, %r1, 31;\nadd.s32 \t%r3, %r1, %r2;\nshr.s32 \t%r4, %r3, 1;\nshr.u32 \t%r5, %r1, 31;\nadd.s32 \t%r6, %r7, %r5;\n}"
	var lines []int
	for _, m := range All(ptx, "k", executed(2, 3, 5, 6)) {
		lines = append(lines, m.Line)
	}
	if !slices.Equal(lines, []int{5, 6}) { // the sign of another number may well be 1
		t.Fatal("mutants in lines", lines)
	}
}

func TestAddendOfZeroIsNotTried(t *testing.T) {
	const ptx = "{\nmov.f32 \t%f2, 0f00000000;\nfma.rn.f32 \t%f4, %f1, %f3, %f2;\nfma.rn.f32 \t%f5, %f1, %f3, %f4;\n}"
	for _, m := range All(ptx, "k", executed(3, 4)) {
		if m.Kind == "addend lost" && m.Line == 3 {
			t.Error("tried", m)
		}
	}
}

func TestHowExpSplitsIsNotTried(t *testing.T) {
	const ptx = "{\nmov.f32 \t%f2, 0f3F000000;\nmov.f32 \t%f3, 0f3BBB989D;\nfma.rn.f32 \t%f4, %f1, %f3, %f2;\nfma.rn.f32 \t%f5, %f1, %f3, %f4;\nfma.rn.f32 \t%f6, %f1, %f4, %f2;\n}"
	lost := map[int]int{}
	for _, m := range All(ptx, "k", executed(4, 5, 6)) {
		if m.Kind == "addend lost" {
			lost[m.Line]++
		}
	}
	if len(lost) != 2 || lost[5] != 1 || lost[6] != 1 {
		t.Fatal("addends lost in lines", lost)
	}
}

func TestBarrierBesideAnotherIsNotTried(t *testing.T) {
	for _, c := range []struct {
		name, ptx string
		at        int
		none      bool
	}{
		{"behind a loop that ends with one", "{\n@%p1 bra SKIP;\nLOOP:\nst.shared.f32 [%r1], %f1;\nbar.sync 0;\nld.shared.f32 %f1, [%r2];\nbar.sync 0;\n@%p2 bra LOOP;\nSKIP:\nbar.sync 0;\nst.shared.f32 [%r3], %f1;\nret;\n}", 10, true},
		{"the loop's own", "{\n@%p1 bra SKIP;\nLOOP:\nst.shared.f32 [%r1], %f1;\nbar.sync 0;\nld.shared.f32 %f1, [%r2];\nbar.sync 0;\n@%p2 bra LOOP;\nSKIP:\nbar.sync 0;\nst.shared.f32 [%r3], %f1;\nret;\n}", 5, false},
		{"an access on one way", "{\nbar.sync 0;\n@%p1 bra SKIP;\nst.shared.f32 [%r1], %f1;\nSKIP:\nbar.sync 0;\nld.shared.f32 %f1, [%r1];\nret;\n}", 6, false},
		{"nothing behind it", "{\nst.shared.f32 [%r1], %f1;\nbar.sync 0;\nld.shared.f32 %f2, [%r2];\nbar.sync 0;\nmov.f32 %f3, %f2;\nret;\n}", 5, true},
		{"a store to global memory behind it", "{\nst.shared.f32 [%r1], %f1;\nbar.sync 0;\nst.global.f32 [%rd1], %f2;\nret;\n}", 3, false},
		{"alone in a loop", "{\nLOOP:\nbar.sync 0;\n@%p1 bra LOOP;\nld.shared.f32 %f2, [%r2];\nret;\n}", 3, false},
	} {
		got := len(All(c.ptx, "k", executed(c.at)))
		if (got == 0) != c.none {
			t.Errorf("%s: %d mutants", c.name, got)
		}
	}
}

func TestMaskOfWhatWasShiftedIsNotTried(t *testing.T) {
	for by, want := range map[string]int{"4": 0, "1": 0, "0": 1} {
		numbers := 0
		for _, m := range All("{\nshl.b32 \t%r2, %r1, "+by+";\nand.b32 \t%r3, %r2, -256;\n}", "k", executed(3)) {
			if m.Kind == "number" {
				numbers++
			}
		}
		if numbers != want {
			t.Errorf("shifted by %s: %d mutants of the mask", by, numbers)
		}
	}
}
