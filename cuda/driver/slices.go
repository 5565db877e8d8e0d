package driver

import (
	"errors"
	"unsafe"
)

// Number is what crosses between host and device: fixed width, no pointers.
type Number interface {
	~int8 | ~uint8 | ~int16 | ~uint16 | ~int32 | ~uint32 | ~int64 | ~uint64 | ~float32 | ~float64
}

// bytesOf views a slice as bytes, without copying.
func bytesOf[T Number](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// CopyIn copies src to byte offset at of dst, in the order of s. The copy may still run when CopyIn returns: do not change
// src before s (nil: the default stream) is synchronized. While a graph is recorded, src must lie in a HostBuffer.
func CopyIn[T Number](s *Stream, dst *Buffer, at int, src []T) error {
	return dst.copyIn(s, at, bytesOf(src))
}

// CopyOut copies len(dst) elements from byte offset at of src, in the order of s. dst holds them only once s (nil: the default
// stream) is synchronized. While a graph is recorded, dst must lie in a HostBuffer.
func CopyOut[T Number](s *Stream, dst []T, src *Buffer, at int) error {
	return src.copyOut(s, at, bytesOf(dst))
}

// Upload allocates a buffer and fills it with v, waiting for the copy.
func Upload[T Number](d *Device, v []T) (*Buffer, error) {
	b, err := d.Alloc(len(bytesOf(v)))
	if err != nil {
		return nil, err
	}
	err = CopyIn(nil, b, 0, v)
	if err == nil {
		err = d.Synchronize()
	}
	if err != nil {
		return nil, errors.Join(err, b.Free())
	}
	return b, nil
}

// Download waits for the device and copies n elements from the start of b.
func Download[T Number](b *Buffer, n int) ([]T, error) {
	v := make([]T, n)
	if err := b.device.Synchronize(); err != nil {
		return nil, err
	}
	if err := CopyOut(nil, v, b, 0); err != nil {
		return nil, err
	}
	return v, b.device.Synchronize()
}

// HostSlice views page-locked memory as n elements from byte offset at; it panics, as a slice expression does, when they do
// not fit or the offset is not a multiple of the element.
func HostSlice[T Number](h *HostBuffer, at, n int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	part := h.Bytes()[at : at+n*size : at+n*size]
	if uintptr(unsafe.Pointer(&part[0]))%uintptr(size) != 0 {
		panic("driver: HostSlice at an unaligned offset")
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&part[0])), n)
}
