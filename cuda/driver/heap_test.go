package driver

import (
	"errors"
	"testing"
)

// fakeDevice is memory that runs out and breaks on demand.
type fakeDevice struct {
	left   int
	next   Ptr
	out    map[Ptr]int
	broken error
}

func (f *fakeDevice) alloc(n int) (Ptr, error) {
	if n > f.left {
		return 0, &Error{Op: "allocate", Code: codeOutOfMemory, Class: ErrCall}
	}
	f.left -= n
	f.next += 1 << 20
	f.out[f.next] = n
	return f.next, nil
}
func (f *fakeDevice) free(p Ptr) error {
	n, ok := f.out[p]
	if !ok {
		return errors.New("freed twice")
	}
	delete(f.out, p)
	f.left += n
	return f.broken
}

func TestHeapKeepsAndTrims(t *testing.T) {
	dev := &fakeDevice{left: 10 << 10, out: map[Ptr]int{}}
	h := newHeap(false, dev.alloc, dev.free)
	a, err := h.get(1000)
	if err != nil || dev.out[a] != 1024 {
		t.Fatal(dev.out, err)
	}
	if err := h.put(a); err != nil || len(dev.out) != 1 {
		t.Fatal("memory did not stay in the heap", err)
	}
	if b, err := h.get(900); err != nil || b != a {
		t.Fatalf("got %x, want the kept %x, %v", b, a, err)
	}
	if err := h.put(a); err != nil {
		t.Fatal(err)
	}
	big, err := h.get(10 << 10) // only when what is kept goes back
	if err != nil || dev.left != 0 {
		t.Fatal(err, dev.left)
	}
	if _, err := h.get(1); !errors.Is(err, ErrMemory) {
		t.Fatal("no memory was left:", err)
	}
	if err := errors.Join(h.put(big), h.trim()); err != nil || len(dev.out) != 0 || h.bytes != 0 {
		t.Fatal("trim left", dev.out, h.bytes, err)
	}
}

func TestPlainHeapFindsEveryMistake(t *testing.T) {
	dev := &fakeDevice{left: 4000, out: map[Ptr]int{}}
	h := newHeap(true, dev.alloc, dev.free)
	a, err := h.get(1001)
	if err != nil || dev.out[a] != 1001 {
		t.Fatal("a simulated device must see the exact size", dev.out, err)
	}
	if err := h.put(a); err != nil || len(dev.out) != 0 {
		t.Fatal("a simulated device must see the release", dev.out, err)
	}
}

func TestHeapTellsBrokenFrees(t *testing.T) {
	dev := &fakeDevice{left: 4096, out: map[Ptr]int{}, broken: errors.New("broken")}
	h := newHeap(false, dev.alloc, dev.free)
	for range 3 {
		a, err := h.get(512)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.put(a) }()
	}
	a, _ := h.get(600)
	_ = h.put(a)
	if err := h.trim(); err == nil || h.bytes != 3*512 {
		t.Fatal("trim hid an error, or stopped at it:", err, h.bytes)
	}
}

func TestSizeClass(t *testing.T) {
	last := 0
	for n := 1; n < 1<<28; n += n/3 + 1 {
		c := sizeClass(n)
		if c < n || c > n+512 && float64(c) > 1.126*float64(n) || c < last || c%512 != 0 {
			t.Fatalf("%d bytes become %d", n, c)
		}
		last = c
	}
}
