//go:build cuda

package driver

/*
#include <cuda.h>
*/
import "C"

import (
	"unsafe"

	"gorgonia.org/cu"
)

// Buffer is memory on a device. Fresh memory holds no defined values.
type Buffer struct {
	device *Device
	ptr    Ptr
	bytes  int
	freed  bool
}

// Alloc gives a buffer of this many bytes, aligned to 256. A buffer of no bytes has no memory, and may be copied and freed.
func (d *Device) Alloc(bytes int) (*Buffer, error) {
	if bytes < 0 {
		return nil, callError("allocate", "%d bytes", bytes)
	}
	b := &Buffer{device: d, bytes: bytes}
	err := d.Do(func() error {
		if bytes > 0 {
			var err error
			if b.ptr, err = d.heap.get(bytes); err != nil {
				return err
			}
		}
		d.live.Buffers++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (d *Device) memAlloc(bytes int) (p Ptr, err error) {
	err = d.call("allocate", func() error {
		q, err := cu.MemAlloc(int64(bytes))
		p = Ptr(q)
		return err
	})
	return p, err
}

func (d *Device) memFree(p Ptr) error {
	return d.call("free", func() error { return cu.MemFree(cu.DevicePtr(p)) })
}

// Memory gives the free and the whole memory of the device in bytes. What the pool keeps counts as free.
func (d *Device) Memory() (free, total int64, err error) {
	err = d.Do(func() error {
		err := d.call("get memory", func() (err error) { free, total, err = cu.MemInfo(); return err })
		for n, list := range d.heap.kept {
			free += int64(n) * int64(len(list))
		}
		return err
	})
	return free, total, err
}

// Trim gives the pool's unused memory back to the driver.
func (d *Device) Trim() error { return d.Do(d.heap.trim) }

// Free gives the memory back, after the work that was queued so far. A second call does nothing.
func (b *Buffer) Free() error {
	d := b.device
	return d.Do(func() error {
		if b.freed {
			return nil
		}
		if d.captures > 0 {
			return callError("free", "a graph is being recorded")
		}
		if d.busy {
			if err := d.synchronize(); err != nil {
				return err
			}
		}
		b.freed = true
		d.live.Buffers--
		p := b.ptr
		b.ptr, b.bytes = 0, 0
		if p == 0 {
			return nil
		}
		return d.heap.put(p)
	})
}

// Len is the size in bytes that was asked for, 0 after Free.
func (b *Buffer) Len() int { return b.bytes }

// Ptr is the address of the first byte, 0 after Free.
func (b *Buffer) Ptr() Ptr { return b.ptr }

// At is the address of the byte at this offset, for a kernel's argument. It panics outside the buffer.
func (b *Buffer) At(offset int) Ptr {
	if offset < 0 || offset > b.bytes {
		panic("driver: Buffer.At outside the buffer")
	}
	return b.ptr + Ptr(offset)
}

func (b *Buffer) check(op string, at, n int) error {
	if b.freed {
		return callError(op, "the buffer was freed")
	}
	if at < 0 || n < 0 || at+n > b.bytes {
		return callError(op, "bytes %d to %d of a buffer of %d", at, at+n, b.bytes)
	}
	return nil
}

func (b *Buffer) copyIn(s *Stream, at int, src []byte) error {
	return b.transfer("copy to device", s, at, src, func(p unsafe.Pointer, to cu.DevicePtr, n int64) error {
		return cu.MemcpyHtoDAsync(to, p, n, s.raw())
	})
}

func (b *Buffer) copyOut(s *Stream, at int, dst []byte) error {
	return b.transfer("copy from device", s, at, dst, func(p unsafe.Pointer, from cu.DevicePtr, n int64) error {
		return cu.MemcpyDtoHAsync(p, from, n, s.raw())
	})
}

// transfer queues a copy and keeps Go memory where it is until the device was synchronized.
func (b *Buffer) transfer(op string, s *Stream, at int, host []byte, move func(unsafe.Pointer, cu.DevicePtr, int64) error) error {
	d := b.device
	return d.Do(func() error {
		if err := b.check(op, at, len(host)); err != nil || len(host) == 0 {
			return err
		}
		p := unsafe.Pointer(&host[0])
		if !d.inHost(p) {
			if d.captures > 0 {
				return callError(op, "a graph is being recorded: the memory must be a HostBuffer")
			}
			d.hold(s, &host[0])
		}
		d.busy = true
		return d.call(op, func() error { return move(p, cu.DevicePtr(b.ptr)+cu.DevicePtr(at), int64(len(host))) })
	})
}

// CopyFrom copies n bytes of another buffer of the same device, in the order of s. The parts must not overlap.
func (b *Buffer) CopyFrom(s *Stream, at int, src *Buffer, from, n int) error {
	d := b.device
	return d.Do(func() error {
		if err := b.check("copy on device", at, n); err != nil {
			return err
		}
		if err := src.check("copy on device", from, n); err != nil || n == 0 {
			return err
		}
		d.busy = true
		return d.call("copy on device", func() error {
			return cu.MemcpyDtoDAsync(cu.DevicePtr(b.ptr)+cu.DevicePtr(at), cu.DevicePtr(src.ptr)+cu.DevicePtr(from), int64(n), s.raw())
		})
	})
}

// Zero fills the buffer with zero bytes, in the order of s.
func (b *Buffer) Zero(s *Stream) error { return b.Fill(s, 0) }

// Fill sets every byte, in the order of s: 0 for zeros, 0xff for NaN.
func (b *Buffer) Fill(s *Stream, value byte) error {
	d := b.device
	return d.Do(func() error {
		if err := b.check("fill", 0, b.bytes); err != nil || b.bytes == 0 {
			return err
		}
		d.busy = true
		return d.call("fill", func() error { return cu.MemsetD8Async(cu.DevicePtr(b.ptr), value, int64(b.bytes), s.raw()) })
	})
}

// ZeroPart fills n bytes from offset at with zeros, in the order of s. While a graph is recorded it becomes a node of it.
func (b *Buffer) ZeroPart(s *Stream, at, n int) error {
	d := b.device
	return d.Do(func() error {
		if err := b.check("fill", at, n); err != nil || n == 0 {
			return err
		}
		d.busy = true
		return d.call("fill", func() error { return cu.MemsetD8Async(cu.DevicePtr(b.ptr)+cu.DevicePtr(at), 0, int64(n), s.raw()) })
	})
}

// HostBuffer is page-locked memory of the host, which copies overlap with work and graphs may name.
type HostBuffer struct {
	device *Device
	bytes  []byte
}

// AllocHost gives page-locked memory. It is scarce: keep it to what is copied over and over.
func (d *Device) AllocHost(bytes int) (*HostBuffer, error) {
	if bytes < 1 {
		return nil, callError("allocate host memory", "%d bytes", bytes)
	}
	h := &HostBuffer{device: d}
	err := d.Do(func() error {
		var p unsafe.Pointer
		if err := d.call("allocate host memory", func() error { return result(C.cuMemHostAlloc(&p, C.size_t(bytes), 0)) }); err != nil {
			return err
		}
		h.bytes = unsafe.Slice((*byte)(p), bytes)
		d.hosts = append(d.hosts, h)
		d.live.HostBuffers++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Bytes is the memory; nil after Free.
func (h *HostBuffer) Bytes() []byte { return h.bytes }

// Free gives the memory back, after the work that was queued so far. Slices of it must not be used any more. A second call does
// nothing.
func (h *HostBuffer) Free() error {
	d := h.device
	return d.Do(func() error {
		if h.bytes == nil {
			return nil
		}
		if d.busy {
			if err := d.synchronize(); err != nil {
				return err
			}
		}
		p := unsafe.Pointer(&h.bytes[0])
		h.bytes = nil
		d.live.HostBuffers--
		for i := range d.hosts {
			if d.hosts[i] == h {
				d.hosts = append(d.hosts[:i], d.hosts[i+1:]...)
				break
			}
		}
		return d.call("free host memory", func() error { return cu.MemFreeHost(p) })
	})
}

// inHost says whether an address lies in page-locked memory of the device.
func (d *Device) inHost(p unsafe.Pointer) bool {
	for _, h := range d.hosts {
		first := uintptr(unsafe.Pointer(&h.bytes[0]))
		if a := uintptr(p); a >= first && a < first+uintptr(len(h.bytes)) {
			return true
		}
	}
	return false
}
