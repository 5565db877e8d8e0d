//go:build cuda

package simulator

import (
	"testing"

	"classlens/cuda/driver"
)

const header = ".version 8.2\n.target sm_80\n.address_size 64\n"

// open gives the first device: the simulated one, or a card when CLASSLENS_LIBCUDA is not set.
func open(t *testing.T) *driver.Device {
	t.Helper()
	all, err := driver.Devices()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Skip("no device: set " + driver.LibraryVariable + " to the library that scripts/cuda-simulator.sh prints")
	}
	d, err := driver.Open(all[0].UUID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// simulated is open for tests of what only the simulated device does.
func simulated(t *testing.T) *driver.Device {
	t.Helper()
	d := open(t)
	if !d.Info().Simulated {
		t.Skip("only on the simulated device")
	}
	return d
}

func kernel(t *testing.T, d *driver.Device, ptx, name string) *driver.Kernel {
	t.Helper()
	m, err := d.Load([]byte(ptx))
	if err != nil {
		t.Fatal(err)
	}
	k, err := m.Function(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func upload[T driver.Number](t *testing.T, d *driver.Device, v []T) *driver.Buffer {
	t.Helper()
	b, err := driver.Upload(d, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func download[T driver.Number](t *testing.T, b *driver.Buffer, n int) []T {
	t.Helper()
	v, err := driver.Download[T](b, n)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// run launches on the default stream and waits; the error is the launch's or the kernel's.
func run(d *driver.Device, k *driver.Kernel, grid, block [3]int, shared int, args ...any) error {
	if err := k.Launch(nil, grid, block, shared, args...); err != nil {
		return err
	}
	return d.Synchronize()
}
