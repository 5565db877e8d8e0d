package driver

import "errors"

// heap keeps freed device memory for the next request of its size, because allocating from the driver is slow and waits for the
// device. On a simulated device it keeps and rounds nothing, so that uses of freed memory, and accesses beyond a buffer's end,
// are found. Only the device's thread uses it.
type heap struct {
	plain bool // no pooling
	alloc func(int) (Ptr, error)
	free  func(Ptr) error
	kept  map[int][]Ptr // by size
	size  map[Ptr]int   // of what is out or kept
	bytes int           // held from the driver
}

func newHeap(plain bool, alloc func(int) (Ptr, error), free func(Ptr) error) *heap {
	return &heap{plain: plain, alloc: alloc, free: free, kept: map[int][]Ptr{}, size: map[Ptr]int{}}
}

// sizeClass rounds up: to 512 bytes below 1 MiB, to a sixteenth of the next power of two above, so that a recording whose
// batches vary by a few students finds its memory again. At most 12.5 % is lost.
func sizeClass(n int) int {
	step := 512
	if n > 1<<20 {
		p := 1 << 20
		for p < n {
			p <<= 1
		}
		step = p / 16
	}
	return (n + step - 1) / step * step
}

// get gives at least n bytes. If the driver has no more memory, everything that is kept is returned to it, and it is asked again.
func (h *heap) get(n int) (Ptr, error) {
	if !h.plain {
		n = sizeClass(n)
		if k := h.kept[n]; len(k) > 0 {
			h.kept[n] = k[:len(k)-1]
			return k[len(k)-1], nil
		}
	}
	p, err := h.alloc(n)
	if err != nil && len(h.kept) > 0 && errors.Is(err, ErrMemory) {
		if err := h.trim(); err != nil {
			return 0, err
		}
		p, err = h.alloc(n)
	}
	if err != nil {
		return 0, err
	}
	h.size[p] = n
	h.bytes += n
	return p, nil
}

// put takes freed memory. Nothing on the device may still use it.
func (h *heap) put(p Ptr) error {
	n := h.size[p]
	if !h.plain {
		h.kept[n] = append(h.kept[n], p)
		return nil
	}
	return h.release(p)
}

func (h *heap) release(p Ptr) error {
	h.bytes -= h.size[p]
	delete(h.size, p)
	return h.free(p)
}

// trim returns everything that is kept to the driver, and gives the first error.
func (h *heap) trim() error {
	var first error
	for n, list := range h.kept {
		for _, p := range list {
			if err := h.release(p); err != nil && first == nil {
				first = err
			}
		}
		delete(h.kept, n)
	}
	return first
}
