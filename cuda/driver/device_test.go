//go:build cuda

package driver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// Kernels by hand, so that these tests need no compiler: y = a*x + y, y += 1, an access outside, and a loop without end.
const testPTX = `.version 8.2
.target sm_80
.address_size 64
.visible .entry saxpy(.param .u32 n, .param .f32 a, .param .u64 x, .param .u64 y)
{
	.reg .pred %p<2>; .reg .b32 %r<6>; .reg .f32 %f<5>; .reg .b64 %rd<8>;
	ld.param.u32 %r1, [n]; ld.param.f32 %f1, [a]; ld.param.u64 %rd1, [x]; ld.param.u64 %rd2, [y];
	mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x;
	mad.lo.s32 %r5, %r2, %r3, %r4;
	setp.ge.s32 %p1, %r5, %r1;
	@%p1 bra DONE;
	cvta.to.global.u64 %rd3, %rd1; cvta.to.global.u64 %rd4, %rd2;
	mul.wide.s32 %rd5, %r5, 4;
	add.s64 %rd6, %rd3, %rd5; add.s64 %rd7, %rd4, %rd5;
	ld.global.f32 %f2, [%rd6]; ld.global.f32 %f3, [%rd7];
	fma.rn.f32 %f4, %f1, %f2, %f3;
	st.global.f32 [%rd7], %f4;
DONE:
	ret;
}
.visible .entry outside(.param .u64 y)
{
	.reg .b64 %rd<2>;
	ld.param.u64 %rd1, [y];
	st.global.u64 [%rd1+4096], %rd1;
	ret;
}
.visible .entry endless(.param .u64 y)
{
AGAIN:
	bra AGAIN;
}
.visible .entry manyshared(.param .u64 y)
{
	.reg .b64 %rd<2>; .reg .b32 %r<3>;
	ld.param.u64 %rd1, [y];
	mov.u32 %r1, 99996;
	st.shared.u32 [%r1], %r1;
	ld.shared.u32 %r2, [%r1];
	st.global.u32 [%rd1], %r2;
	ret;
}
`

// devices opens every device found, one after another: the simulated one and real ones.
func devices(t *testing.T, test func(t *testing.T, d *Device)) {
	t.Helper()
	all, err := Devices()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Skip("no device: set " + LibraryVariable + " to the library that scripts/cuda-simulator.sh prints")
	}
	for _, info := range all {
		t.Run(info.Name, func(t *testing.T) {
			d, err := Open(info.UUID)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}()
			test(t, d)
		})
	}
}

// must ends the test at the first error.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func function(t *testing.T, d *Device, name string) *Kernel {
	t.Helper()
	m, err := d.Load([]byte(testPTX))
	must(t, err)
	k, err := m.Function(name)
	must(t, err)
	return k
}

func TestDeviceDescribesItself(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		i := d.Info()
		if !strings.HasPrefix(i.UUID, "GPU-") || len(i.UUID) != 40 || i.Memory < 1<<28 || i.ComputeMajor < 3 || i.Multiprocessors < 1 || i.DriverVersion < 12000 {
			t.Fatalf("%+v", i)
		}
		if _, err := Open("GPU-none"); !errors.Is(err, ErrNoDevice) {
			t.Fatal("unknown UUID:", err)
		}
	})
}

func TestSaxpyOnStream(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		k := function(t, d, "saxpy")
		for _, n := range []int{1, 255, 256, 257, 1000} {
			x, y := make([]float32, n), make([]float32, n)
			for i := range x {
				x[i], y[i] = float32(i), 1
			}
			dx, err := Upload(d, x)
			must(t, err)
			dy, err := d.Alloc(4 * n)
			must(t, err)
			s, err := d.NewStream()
			must(t, err)
			must(t, CopyIn(s, dy, 0, y), k.Launch(s, [3]int{(n + 255) / 256, 1, 1}, [3]int{256, 1, 1}, 0, n, float32(2), dx, dy))
			got := make([]float32, n)
			must(t, CopyOut(s, got, dy, 0), s.Synchronize())
			for i, v := range got {
				if v != float32(2*i+1) {
					t.Fatalf("n %d: element %d is %v", n, i, v)
				}
			}
			must(t, s.Close(), s.Close(), dx.Free(), dx.Free(), dy.Free())
		}
		if c := d.Live(); c != (Counts{Modules: 1}) {
			t.Fatalf("left over: %+v", c)
		}
	})
}

func TestCopiesFillsAndBounds(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		a, err := d.Alloc(16)
		must(t, err)
		b, err := d.Alloc(16)
		must(t, err)
		must(t, a.Fill(nil, 0xff), b.Zero(nil), CopyIn(nil, a, 4, []uint32{1, 2}), b.CopyFrom(nil, 8, a, 4, 8))
		got, err := Download[uint32](b, 4)
		must(t, err)
		if !slices.Equal(got, []uint32{0, 0, 1, 2}) {
			t.Fatal(got)
		}
		if a.At(4) != a.Ptr()+4 || a.Len() != 16 {
			t.Fatal("address")
		}
		for name, err := range map[string]error{
			"past the end":    CopyIn(nil, a, 8, make([]uint32, 3)),
			"before":          CopyIn(nil, a, -1, []uint8{1}),
			"out of the end":  CopyOut(nil, make([]uint8, 17), a, 0),
			"between buffers": b.CopyFrom(nil, 0, a, 12, 5),
		} {
			if !errors.Is(err, ErrCall) {
				t.Error(name, err)
			}
		}
		must(t, a.Free())
		if err := CopyIn(nil, a, 0, []uint8{1}); !errors.Is(err, ErrCall) {
			t.Error("freed:", err)
		}
		empty, err := d.Alloc(0)
		must(t, err, CopyIn(nil, empty, 0, []float32{}), empty.Zero(nil), empty.Free(), b.Free())
		if _, err := d.Alloc(-1); !errors.Is(err, ErrCall) {
			t.Error("negative:", err)
		}
		_, total, err := d.Memory()
		must(t, err)
		if _, err := d.Alloc(int(total) + 1<<30); !errors.Is(err, ErrMemory) || !errors.Is(err, ErrCall) {
			t.Error("too much:", err)
		}
		if d.Err() != nil {
			t.Error("an ErrCall spoiled the device:", d.Err())
		}
	})
}

func TestEventsOrderStreams(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		k := function(t, d, "saxpy")
		x, err := Upload(d, []float32{1})
		must(t, err)
		y, err := d.Alloc(4)
		must(t, err)
		one, err := d.NewStream()
		must(t, err)
		two, err := d.NewStream()
		must(t, err)
		e, err := d.NewEvent()
		must(t, err)
		end, err := d.NewEvent()
		must(t, err)
		must(t, CopyIn(one, y, 0, []float32{3}), e.Record(one), two.Wait(e),
			k.Launch(two, [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, 1, float32(4), x, y), end.Record(two))
		got := make([]float32, 1)
		must(t, CopyOut(two, got, y, 0), two.Synchronize(), end.Synchronize())
		if got[0] != 7 {
			t.Fatal(got)
		}
		if took, err := end.Since(e); err != nil || took < 0 || took > time.Minute {
			t.Fatal(took, err)
		}
		must(t, e.Close(), e.Close(), end.Close(), one.Close(), two.Close(), x.Free(), y.Free())
	})
}

// On a simulated device that works only when it must, a wait that is missing shows.
func TestMissingWaitIsSeen(t *testing.T) {
	t.Setenv("CLASSLENS_SIM_LAZY", "1")
	devices(t, func(t *testing.T, d *Device) {
		if !d.Info().Simulated {
			t.Skip("a real device may be quick")
		}
		y, err := Upload(d, []float32{1})
		must(t, err)
		one, err := d.NewStream()
		must(t, err)
		two, err := d.NewStream()
		must(t, err)
		got := []float32{-1}
		must(t, CopyIn(one, y, 0, []float32{2}), CopyOut(two, got, y, 0))
		if got[0] != -1 {
			t.Fatal("the copy was done before anything waited for it")
		}
		must(t, two.Synchronize())
		if got[0] != 1 {
			t.Fatalf("two streams without an event: %v, want the old 1", got)
		}
		must(t, one.Close(), two.Close())
	})
}

func TestGraphReplays(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		k := function(t, d, "saxpy")
		s, err := d.NewStream()
		must(t, err)
		in, err := d.AllocHost(8)
		must(t, err)
		out, err := d.AllocHost(8)
		must(t, err)
		x, err := Upload(d, []float32{10, 20})
		must(t, err)
		y, err := d.Alloc(8)
		must(t, err)
		g, err := s.Capture(func() error {
			return errors.Join(CopyIn(s, y, 0, HostSlice[float32](in, 0, 2)),
				k.Launch(s, [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, 2, float32(1), x, y), CopyOut(s, HostSlice[float32](out, 0, 2), y, 0))
		})
		must(t, err)
		for i := range 3 {
			v := float32(i)
			copy(HostSlice[float32](in, 0, 2), []float32{v, -v})
			must(t, g.Launch(s), s.Synchronize())
			if got := HostSlice[float32](out, 0, 2); got[0] != 10+v || got[1] != 20-v {
				t.Fatalf("replay %d: %v", i, got)
			}
		}
		if _, err := s.Capture(func() error { return CopyIn(s, y, 0, []float32{1}) }); !errors.Is(err, ErrCall) {
			t.Error("Go memory in a recording:", err)
		}
		if _, err := s.Capture(func() error { return y.Free() }); !errors.Is(err, ErrCall) {
			t.Error("free in a recording:", err)
		}
		must(t, s.Synchronize()) // the stream is usable after a recording that failed
		must(t, g.Close(), g.Close(), in.Free(), in.Free(), out.Free(), x.Free(), y.Free(), s.Close())
		if c := d.Live(); c != (Counts{Modules: 1}) {
			t.Fatalf("left over: %+v", c)
		}
	})
}

func TestLaunchIsChecked(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		k := function(t, d, "saxpy")
		b, err := d.Alloc(4)
		must(t, err)
		one := [3]int{1, 1, 1}
		for name, err := range map[string]error{
			"too few":        k.Launch(nil, one, one, 0, 1, float32(1), b),
			"order":          k.Launch(nil, one, one, 0, 1, b, float32(1), b),
			"no grid":        k.Launch(nil, [3]int{0, 1, 1}, one, 0, 1, float32(1), b, b),
			"large block":    k.Launch(nil, one, [3]int{2048, 1, 1}, 0, 1, float32(1), b, b),
			"shared memory":  k.Launch(nil, one, one, 1<<20, 1, float32(1), b, b),
			"unknown kernel": func() error { _, err := k.module.Function("none"); return err }(),
			"bad PTX":        func() error { _, err := d.Load([]byte(".version 8.2\n.target sm_80\nnonsense")); return err }(),
		} {
			if !errors.Is(err, ErrCall) {
				t.Error(name, err)
			}
		}
		must(t, k.module.Close(), k.module.Close())
		if err := k.Launch(nil, one, one, 0, 1, float32(1), b, b); !errors.Is(err, ErrCall) {
			t.Error("closed module:", err)
		}
		must(t, d.Synchronize())
	})
}

func TestMuchSharedMemory(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		k := function(t, d, "manyshared")
		y, err := d.Alloc(4)
		must(t, err)
		if err := k.Launch(nil, [3]int{1, 1, 1}, [3]int{1, 1, 1}, 100000, y); err != nil {
			if d.Info().ComputeMajor < 8 {
				t.Skip("a multiprocessor has less:", err)
			}
			t.Fatal(err)
		}
		got, err := Download[uint32](y, 1)
		must(t, err)
		if got[0] != 99996 {
			t.Fatal(got)
		}
	})
}

// A fault inside a kernel spoils the context: every later call says so, Close works, and another device can be opened.
func TestSpoiledContext(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		if !d.Info().Simulated && os.Getenv("CLASSLENS_TEST_SPOIL") == "" {
			t.Skip("a real device: other tests of this process may suffer; set CLASSLENS_TEST_SPOIL=1")
		}
		k := function(t, d, "outside")
		b, err := d.Alloc(8)
		must(t, err)
		err = k.Launch(nil, [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, b)
		if err == nil {
			err = d.Synchronize()
		}
		if !errors.Is(err, ErrContextSpoiled) {
			t.Fatal(err)
		}
		if d.Info().Simulated && !strings.Contains(err.Error(), "kernel outside, block (0,0,0) thread (0,0,0): writes byte 4096 of an allocation of 8") &&
			!strings.Contains(err.Error(), "which no allocation holds") {
			t.Error("the message does not say what happened:", err)
		}
		if _, again := d.Alloc(8); again == nil || again.Error() != err.Error() {
			t.Error("a later call:", again)
		}
		must(t, d.Close())
		other, err := Open(d.Info().UUID)
		must(t, err)
		_, err = Upload(other, []float32{1})
		must(t, err, other.Close())
	})
}

func TestStuckDevice(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		release := make(chan struct{})
		defer close(release)
		d.SetTimeout(50 * time.Millisecond)
		err := d.Do(func() error { <-release; return nil })
		if !errors.Is(err, ErrStuck) {
			t.Fatal(err)
		}
		if _, err := d.Alloc(8); !errors.Is(err, ErrStuck) {
			t.Error("a later call:", err)
		}
	})
}

// A process that is stopped in a call for longer than the limit, and goes on, has no device that is stuck.
func TestStoppedProcessIsNotStuck(t *testing.T) {
	const limit, stopped = 2 * time.Second, 3 * time.Second
	devices(t, func(t *testing.T, d *Device) {
		d.SetTimeout(limit)
		begin := time.Now()
		err := d.Do(func() error {
			return exec.Command("sh", "-c", fmt.Sprintf("kill -STOP %[1]d; sleep %[2]d; kill -CONT %[1]d", os.Getpid(), stopped/time.Second)).Run()
		})
		took := time.Since(begin)
		switch {
		case took-stopped >= limit-limit/timeoutTicks:
			t.Skipf("it took %v besides: this machine is too busy to tell", took-stopped)
		case err != nil:
			t.Fatal(err)
		case took < stopped:
			t.Fatalf("stopped for %v only", took)
		}
		d.SetTimeout(usualTimeout)
		if _, err := Upload(d, []float32{1}); err != nil {
			t.Error(err)
		}
	})
}

func TestEndlessKernel(t *testing.T) {
	t.Setenv("CLASSLENS_SIM_STEPS", "3000000")
	devices(t, func(t *testing.T, d *Device) {
		if !d.Info().Simulated {
			t.Skip("a real device has no limit of steps")
		}
		k := function(t, d, "endless")
		err := errors.Join(k.Launch(nil, [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, Ptr(0)), d.Synchronize())
		if !errors.Is(err, ErrStuck) || !strings.Contains(err.Error(), "endless loop") {
			t.Fatal(err)
		}
	})
}

func TestManyGoroutines(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		k := function(t, d, "saxpy")
		done := make(chan error)
		for g := range 8 {
			go func() {
				x, err := Upload(d, []float32{1, 2})
				if err != nil {
					done <- err
					return
				}
				err = k.Launch(nil, [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, 2, float32(g), x, x)
				got, err2 := Download[float32](x, 2)
				if err == nil && err2 == nil && got[1] != float32(2*g+2) {
					err = errors.New("wrong result")
				}
				done <- errors.Join(err, err2, x.Free())
			}()
		}
		for range 8 {
			must(t, <-done)
		}
	})
}

// A text that the driver's compiler refuses: what it says of it comes out. A device that cannot run the kernels is not opened.
func TestRefusals(t *testing.T) {
	devices(t, func(t *testing.T, d *Device) {
		_, err := d.Load([]byte(strings.Replace(testPTX, "fma.rn.f32 %f4, %f1, %f2, %f3;", "fma.rn.f32 %f4, %f1, %f2, %nowhere;", 1)))
		var refused *Error
		if !errors.As(err, &refused) || !errors.Is(err, ErrCall) || !strings.Contains(refused.Detail, "nowhere") {
			t.Errorf("a wrong text: %v", err)
		}
		k := function(t, d, "saxpy")
		for _, c := range [][2][3]int{{{1, 65536, 1}, {1, 1, 1}}, {{1, 1, 65536}, {1, 1, 1}}, {{1 << 31, 1, 1}, {1, 1, 1}}, {{1, 1, 1}, {32, 33, 1}}, {{1, 1, 1}, {1, 1, 65}}} {
			if err := k.Launch(nil, c[0], c[1], 0, 0, float32(0), Ptr(0), Ptr(0)); !errors.Is(err, ErrCall) || !strings.Contains(err.Error(), "a grid has") {
				t.Errorf("grid %v, block %v: %v", c[0], c[1], err)
			}
		}
		if !d.Info().Simulated {
			return
		}
		t.Setenv("CLASSLENS_SIM_DRIVER", "12010")
		all, err := Devices()
		must(t, err)
		if all[0].DriverVersion != 12010 || all[0].Unfit() == nil {
			t.Fatal(all[0])
		}
		if _, err := Open(all[0].UUID); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "CUDA 12.1, the kernels need one for CUDA 12.2") {
			t.Errorf("an old driver: %v", err)
		}
		if _, err := d.Load([]byte(testPTX)); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "CUDA_ERROR_UNSUPPORTED_PTX_VERSION") {
			t.Errorf("kernels for a newer driver: %v", err)
		}
	})
}
