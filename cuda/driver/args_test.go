package driver

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// The driver checks neither count nor order nor width of arguments, so this is the only place where a mistake is found.
func TestPack(t *testing.T) {
	p := func(types ...string) (list []Param) {
		for _, s := range types {
			list = append(list, Param{Type: s, Bytes: typeBytes[s], Count: 1})
		}
		return list
	}
	for _, c := range []struct {
		name   string
		params []Param
		args   []any
		want   []uint64 // nil: must be refused
	}{
		{"nothing", nil, nil, []uint64{}},
		{"kinds", p("u64", "u32", "f32", "f64", "u16", "u8"), []any{Ptr(7), 5, float32(1), 2.0, uint16(9), true},
			[]uint64{7, 5, 0x3f800000, 0x4000000000000000, 9, 1}},
		{"negative", p("u32", "s32", "u64"), []any{-1, int32(-2), -3}, []uint64{0xffffffff, 0xfffffffe, 0xfffffffffffffffd}},
		{"wide", p("s64", "u64", "b64"), []any{int64(-1), uint64(1), int64(2)}, []uint64{math.MaxUint64, 1, 2}},
		{"half", p("b16", "f16"), []any{uint16(0x3c00), uint16(0x3c00)}, []uint64{0x3c00, 0x3c00}},
		{"too few", p("u64", "u32"), []any{Ptr(1)}, nil},
		{"too many", p("u64"), []any{Ptr(1), 2}, nil},
		{"swapped", p("u64", "u32"), []any{2, Ptr(1)}, nil},
		{"float for integer", p("u32"), []any{float32(1)}, nil},
		{"integer for float", p("f32"), []any{1}, nil},
		{"double for float", p("f32"), []any{1.0}, nil},
		{"float for double", p("f64"), []any{float32(1)}, nil},
		{"too large", p("u32"), []any{1 << 32}, nil},
		{"too small", p("s32"), []any{-1<<31 - 1}, nil},
		{"wide for narrow", p("u32"), []any{int64(1)}, nil},
		{"narrow for wide", p("u64"), []any{int32(1)}, nil},
		{"pointer for narrow", p("u32"), []any{Ptr(1)}, nil},
		{"no buffer", p("u64"), []any{(*Buffer)(nil)}, nil},
		{"structure", []Param{{Type: "b8", Bytes: 1, Count: 12}}, []any{Ptr(1)}, nil},
		{"unknown", p("u32"), []any{"text"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := pack("kernel", c.params, c.args)
			if c.want == nil {
				if !errors.Is(err, ErrCall) {
					t.Fatalf("%v, %v, want ErrCall", got, err)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Fatalf("%x, %v, want %x", got, err, c.want)
			}
		})
	}
}
