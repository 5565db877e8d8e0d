package exec

import (
	"errors"
	"math"
	"strings"
	"testing"

	"classlens/cuda/driver"
)

// recorder is one on the first device; without one the test is skipped.
func recorder(t *testing.T) *Recorder {
	t.Helper()
	all, err := driver.Devices()
	if err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	d, err := Open(all[0].UUID)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRecorder(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// The roofline of a step counts what its convolutions and products must compute, and reads and writes every tensor once.
func TestTapeLimit(t *testing.T) {
	r := recorder(t)
	for precision, faster := range map[Precision]float64{Float32: 1, FP16: tensorCores} {
		forward := r.Phase()
		tape := NewTape(forward, precision)
		weight := func(shape ...int) *Var {
			n := count(shape)
			return tape.Weight(r.Memory(n), r.Memory(n), shape...)
		}
		data := tape.Data(r.Memory(2*8*6*4), 2, 8, 6, 4)
		x := tape.Conv(data, weight(16, 8, 3, 3), 1, 1, 1)   // of data: no gradient by it; in float32 always
		x = tape.Conv(x, weight(16, 1, 3, 3), 1, 1, 16)      // depthwise
		x = tape.Conv(x, weight(8, 16, 1, 1), 1, 0, 1)       // pointwise
		x = tape.Linear(tape.Average(x), weight(24, 8), nil) // (2, 8) to (2, 24)
		x.Grad = r.Memory(2 * 24)
		backward := r.Phase()
		tape.Backward(backward)
		if err := r.Wait(); err != nil {
			t.Fatal(err)
		}
		const conv, deep, point, linear = 2 * 2 * 16 * 24 * 72, 2 * 2 * 16 * 24 * 9, 2 * 2 * 8 * 24 * 16, 2 * 2 * 24 * 8
		inf := math.Inf(1)
		for _, c := range []struct {
			name  string
			phase *Phase
			want  float64
		}{{"forward", forward, conv + deep + (point+linear)/faster}, {"backward", backward, conv + 2*deep + 2*(point+linear)/faster}} {
			if got := total(c.phase.Limits(1, inf)); math.Abs(got-c.want) > 1e-9*c.want {
				t.Errorf("%v, %s: %.0f operations, want %.0f", precision, c.name, got, c.want)
			}
		}
		least := 4.0 * (2*8*24 + 16*72 + 2*16*24 + 2*16*24 + 16*9 + 2*16*24)
		if got := total(forward.Limits(inf, 1)); got < least || got > 4*least {
			t.Errorf("%v: %.0f bytes forward, the first two layers alone %.0f", precision, got, least)
		}
		if a, b := total(forward.Limits(1e12, 1e12)), math.Max(total(forward.Limits(1e12, inf)), total(forward.Limits(inf, 1e12))); a < b {
			t.Errorf("%v: both limits together give %.3g, one alone %.3g", precision, a, b)
		}
	}
}

func total(seconds map[string]float64) (sum float64) {
	for _, s := range seconds {
		sum += s
	}
	return sum
}

// Kernels count elements in 32 bits: a batch too large for that is an error, not a wrong result.
func TestTooManyElements(t *testing.T) {
	r := recorder(t)
	r.Memory(maxElements + 1)
	if err := r.Wait(); err == nil || !strings.Contains(err.Error(), "take a smaller batch") {
		t.Error(err)
	}
}
