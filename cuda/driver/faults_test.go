//go:build cuda

package driver

import (
	"errors"
	"fmt"
	"testing"
)

// work is a run with all that the package does: it must give everything back whatever call fails.
func work(d *Device) (result float32, err error) {
	var undo []func() error
	defer func() {
		for i := len(undo) - 1; i >= 0; i-- {
			err = errors.Join(err, undo[i]())
		}
	}()
	m, err := d.Load([]byte(testPTX))
	if err != nil {
		return 0, err
	}
	undo = append(undo, m.Close)
	k, err := m.Function("saxpy")
	if err != nil {
		return 0, err
	}
	big, err := m.Function("manyshared")
	if err != nil {
		return 0, err
	}
	s, err := d.NewStream()
	if err != nil {
		return 0, err
	}
	undo = append(undo, s.Close)
	e, err := d.NewEvent()
	if err != nil {
		return 0, err
	}
	undo = append(undo, e.Close)
	h, err := d.AllocHost(8)
	if err != nil {
		return 0, err
	}
	undo = append(undo, h.Free)
	copy(HostSlice[float32](h, 0, 2), []float32{5, 0})
	x, err := Upload(d, []float32{2})
	if err != nil {
		return 0, err
	}
	undo = append(undo, x.Free)
	y, err := d.Alloc(4)
	if err != nil {
		return 0, err
	}
	undo = append(undo, y.Free)
	one := [3]int{1, 1, 1}
	g, err := s.Capture(func() error {
		if err := CopyIn(s, y, 0, HostSlice[float32](h, 0, 1)); err != nil {
			return err
		}
		if err := k.Launch(s, one, one, 0, 1, float32(3), x, y); err != nil {
			return err
		}
		return CopyOut(s, HostSlice[float32](h, 4, 1), y, 0)
	})
	if err != nil {
		return 0, err
	}
	undo = append(undo, g.Close)
	for _, step := range []func() error{
		func() error { return y.Zero(s) }, func() error { return g.Launch(s) }, func() error { return e.Record(s) },
		func() error { return s.Wait(e) }, s.Synchronize, func() error { return big.Launch(s, one, one, 100000, x) }, d.Synchronize,
	} {
		if err := step(); err != nil {
			return 0, err
		}
	}
	return HostSlice[float32](h, 4, 1)[0], nil
}

// Call N fails, for all N, with each class of error: the error comes out in its class, nothing leaks, and the device works on when
// the error allows it.
func TestEveryCallFails(t *testing.T) {
	devices(t, func(t *testing.T, first *Device) {
		if !first.Info().Simulated {
			t.Skip("faults are put in on the simulated device")
		}
		for _, code := range []int{1, 2, 100, 700, 702, 999} {
			t.Run(fmt.Sprint(code), func(t *testing.T) {
				n := 1
				for ; failAt(t, first.Info().UUID, n, code); n++ {
				}
				if n < 25 {
					t.Fatalf("only %d calls were made", n-1)
				}
			})
		}
	})
}

// failAt says whether call n was made at all.
func failAt(t *testing.T, uuid string, n, code int) bool {
	t.Helper()
	d, err := Open(uuid)
	must(t, err)
	defer func() {
		if err := d.Close(); err != nil {
			t.Errorf("call %d: close: %v", n, err)
		}
	}()
	plan := &faultPlan{at: n, code: code}
	must(t, d.Do(func() error { d.plan = plan; return nil }))
	got, err := work(d)
	if plan.hit == "" {
		if err != nil || got != 11 {
			t.Errorf("without a fault: %v, %v", got, err)
		}
		return false
	}
	class := classOf(code)
	if !errors.Is(err, class) {
		t.Errorf("call %d (%s): %v, want %v", n, plan.hit, err, class)
	}
	if class == ErrContextSpoiled || class == ErrStuck {
		if !errors.Is(d.Err(), class) {
			t.Errorf("call %d (%s): the device goes on after %v", n, plan.hit, err)
		}
		return true
	}
	if d.Err() != nil {
		t.Errorf("call %d (%s): an error of this call alone stopped the device: %v", n, plan.hit, d.Err())
	}
	checkNothingLeft(t, d, n, plan)
	if got, err := work(d); err != nil || got != 11 {
		t.Errorf("call %d (%s): afterwards %v, %v", n, plan.hit, got, err)
	}
	return true
}

// checkNothingLeft compares with what the device holds: at most the one thing whose release was made to fail.
func checkNothingLeft(t *testing.T, d *Device, n int, plan *faultPlan) {
	t.Helper()
	var held Counts
	must(t, d.Do(func() (err error) { held, err = alive(); return err }))
	spared := 0
	for _, op := range []string{"free", "free host memory", "unload module", "destroy stream", "destroy event", "destroy graph", "destroy recording", "synchronize device", "synchronize stream"} {
		if plan.hit == op {
			spared = 8 // what was not released because this call failed; at most one is left below
		}
	}
	left := held.Buffers + held.HostBuffers + held.Streams + held.Events + held.Modules + held.Graphs
	if left > spared {
		t.Errorf("call %d (%s) failed: left on the device %+v", n, plan.hit, held)
	}
	if own := d.live; own != (Counts{}) && spared == 0 {
		t.Errorf("call %d (%s) failed: this package counts %+v", n, plan.hit, own)
	}
}
