package main

import "testing"

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
