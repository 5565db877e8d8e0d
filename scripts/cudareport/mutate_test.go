package main

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
		for _, m := range mutate("\n"+c.line+"\n}", "k", map[int]uint64{2: 1}) {
			got = append(got, m.kind+": "+m.text)
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
		for _, m := range mutate(c.ptx, "k", map[int]uint64{1: 1}) {
			if strings.HasPrefix(m.kind, "comparison") {
				n++
			}
		}
		if (n == 0) != c.none {
			t.Errorf("%s: %d mutants", c.name, n)
		}
	}
}

func TestSample(t *testing.T) {
	var list []mutant
	for i := range 100 {
		kind := "a"
		if i%10 == 0 {
			kind = "b"
		}
		list = append(list, mutant{line: i, kind: kind})
	}
	got := sample(list, 30)
	b := 0
	seen := map[int]bool{}
	for _, m := range got {
		if seen[m.line] {
			t.Fatal("a mutant twice")
		}
		seen[m.line] = true
		if m.kind == "b" {
			b++
		}
	}
	if len(got) != 30 || b != 10 {
		t.Fatalf("%d mutants, %d of the rare kind", len(got), b)
	}
	if len(sample(list, 0)) != 100 || len(sample(list, 200)) != 100 {
		t.Fatal("all were asked for")
	}
}

func TestTraceReadsAndAdds(t *testing.T) {
	var a, b = trace{}, trace{}
	if err := a.read("kernel\tk\t2\t30\t4\t5\t6\t7\nline\tk\t9\tk.cu:3\t1\t0\t0\tret;\nline\tk\t10\tk.cu:3\t0\t0\t0\tadd x;\n"); err != nil {
		t.Fatal(err)
	}
	if err := b.read("kernel\tk\t1\t1\t1\t1\t1\t1\nline\tk\t10\tk.cu:3\t8\t0\t0\tadd x;\n"); err != nil {
		t.Fatal(err)
	}
	if c := a["k"].coverage(); c != 50 {
		t.Fatal(c)
	}
	a.add(b)
	if k := a["k"]; k.coverage() != 100 || k.launches != 3 || k.replays != 6 || k.lines[10] != 8 {
		t.Fatalf("%+v", k)
	}
	for _, bad := range []string{"kernel\tk\n", "line\tk\tx\ty\t1\t1\t1\tz\n", "other\n"} {
		if err := (trace{}).read(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestSignCorrectionIsNotTried(t *testing.T) {
	const ptx = "{\nshr.s32 \t%r2, %r1, 31;\nshr.u32 \t%r3, %r2, 28;\nadd.s32 \t%r4, %r1, %r3;\nadd.s32 \t%r5, %r1, %r4;\n}"
	var lines []int
	for _, m := range mutate(ptx, "k", map[int]uint64{2: 1, 3: 1, 4: 1, 5: 1}) {
		lines = append(lines, m.line)
	}
	if !slices.Equal(lines, []int{5}) {
		t.Fatal("mutants in lines", lines)
	}
}
