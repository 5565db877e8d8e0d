package driver

import (
	"fmt"
	"math"
)

// Ptr is an address on the device: of a buffer (Buffer.Ptr, Buffer.At), or 0.
type Ptr uint64

// pack converts the arguments of a launch to cells of 8 bytes, after comparing them with the kernel's parameters: the driver
// checks nothing, and gorgonia.org/cu reads 8 bytes from each. It accepts
//
//	*Buffer, Ptr             for .u64 and .b64
//	int                      for 32 and 64 bit integers, when the value fits
//	int32, uint32            for .s32, .u32, .b32
//	int64, uint64            for .s64, .u64, .b64
//	uint16 and uint8, bool   for 16 and 8 bit parameters (bool as 0 or 1)
//	float32, float64         for .f32, .f64
func pack(kernel string, params []Param, args []any) ([]uint64, error) {
	op := "launch " + kernel
	if len(params) != len(args) {
		return nil, callError(op, "%d arguments given, the kernel has %d parameters", len(args), len(params))
	}
	cells := make([]uint64, len(args))
	for i, a := range args {
		cell, err := packOne(params[i], a)
		if err != nil {
			return nil, callError(op, "argument %d: %v", i, err)
		}
		cells[i] = cell
	}
	return cells, nil
}

func packOne(p Param, arg any) (uint64, error) {
	if p.Count != 1 {
		return 0, fmt.Errorf("the kernel takes a structure of %d bytes by value; pass its fields or a pointer", p.Bytes*p.Count)
	}
	kind, width := p.Type[0], p.Bytes // kind: b u s f
	whole := kind == 'u' || kind == 's' || kind == 'b'
	wrong := fmt.Errorf("%T given where the kernel has .%s", arg, p.Type)
	switch v := arg.(type) {
	case *Buffer:
		if v == nil || v.Len() == 0 && v.Ptr() == 0 {
			return 0, fmt.Errorf("the buffer is nil or was freed")
		}
		return when(whole && width == 8, uint64(v.Ptr()), wrong)
	case Ptr:
		return when(whole && width == 8, uint64(v), wrong)
	case int:
		return packInt(p, v, wrong)
	case int32:
		return when(whole && width == 4, uint64(uint32(v)), wrong)
	case uint32:
		return when(whole && width == 4, uint64(v), wrong)
	case int64:
		return when(whole && width == 8, uint64(v), wrong)
	case uint64:
		return when(whole && width == 8, v, wrong)
	case uint16:
		return when(width == 2, uint64(v), wrong)
	case uint8:
		return when(whole && width == 1, uint64(v), wrong)
	case bool:
		n := uint64(0)
		if v {
			n = 1
		}
		return when(whole && width == 1, n, wrong)
	case float32:
		return when(p.Type == "f32", uint64(math.Float32bits(v)), wrong)
	case float64:
		return when(p.Type == "f64", math.Float64bits(v), wrong)
	}
	return 0, wrong
}

func packInt(p Param, v int, wrong error) (uint64, error) {
	if p.Type[0] == 'f' {
		return 0, wrong
	}
	switch p.Bytes {
	case 8:
		return uint64(v), nil
	case 4: // signed or not, PTX says .u32 for both: either range is fine
		if v < math.MinInt32 || v > math.MaxUint32 {
			return 0, fmt.Errorf("%d does not fit .%s", v, p.Type)
		}
		return uint64(uint32(v)), nil
	}
	return 0, wrong
}

func when(ok bool, cell uint64, wrong error) (uint64, error) {
	if !ok {
		return 0, wrong
	}
	return cell, nil
}
