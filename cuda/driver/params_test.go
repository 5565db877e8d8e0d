package driver

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseKernels(t *testing.T) {
	for _, c := range []struct {
		name, ptx string
		want      map[string][]Param
		fails     string
	}{
		{name: "none", ptx: ".version 8.2\n", want: map[string][]Param{}},
		{name: "no parameters", ptx: ".visible .entry a()\n{ ret; }", want: map[string][]Param{"a": nil}},
		{name: "no list", ptx: ".visible .entry a\n{ ret; }", want: map[string][]Param{"a": nil}},
		{name: "kinds", ptx: ".visible .entry a(\n\t.param .u32 a_param_0,\n\t.param .f32 a_param_1,\n\t.param .u64 .ptr .global .align 16 a_param_2\n)\n.maxntid 256, 1, 1\n{",
			want: map[string][]Param{"a": {{"u32", 4, 1}, {"f32", 4, 1}, {"u64", 8, 1}}}},
		{name: "structure", ptx: ".entry a(.param .align 4 .b8 p[12]) {", want: map[string][]Param{"a": {{"b8", 1, 12}}}},
		{name: "two", ptx: ".entry a(.param .u64 p) {}\n// .entry c(.param .f32 x)\n/* .entry d( */ .entry b(.param .u16 q) {}",
			want: map[string][]Param{"a": {{"u64", 8, 1}}, "b": {{"u16", 2, 1}}}},
		{name: "cut", ptx: ".entry a(.param .u64 p", fails: "without end"},
		{name: "cut at once", ptx: ".entry", fails: "inside an .entry"},
		{name: "no name", ptx: ".entry (.param .u64 p)", fails: "without a name"},
		{name: "unknown type", ptx: ".entry a(.param .v7 p)", fails: "no known type"},
		{name: "no size", ptx: ".entry a(.param .b8 p[x])", fails: "no size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseKernels(c.ptx)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("error %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func FuzzParseKernels(f *testing.F) {
	f.Add(".visible .entry a(.param .u32 a_param_0, .param .align 4 .b8 p[12]) { ret; } // x\n/* .entry */")
	f.Fuzz(func(t *testing.T, ptx string) {
		kernels, err := parseKernels(ptx)
		for name, params := range kernels {
			for _, p := range params {
				if err == nil && (p.Bytes < 1 || p.Count < 1 || name == "") {
					t.Fatal(name, p)
				}
			}
		}
	})
}
