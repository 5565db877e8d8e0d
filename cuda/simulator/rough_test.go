//go:build cuda

package simulator

import (
	"math"
	"testing"

	"classlens/cuda/driver"
)

// CLASSLENS_SIM_ROUGH makes .approx functions and tensor cores as inexact as a device may be: other bits, within what the PTX manual allows, and the same
// on each run. The kernels' tests must pass with it, or their tolerances ask for more than a card gives.
func TestRoughFunctions(t *testing.T) {
	x := make([]float32, 128)
	for i := range x {
		x[i] = float32(i-40) / 13
	}
	x[40], x[127] = 0, float32(math.Inf(1))
	values := func(t *testing.T, op string) []float32 {
		d := simulated(t)
		k := kernel(t, d, faultKernel("ld.global.f32 %f0, [%w]; "+op+" %f1, %f0; st.global.f32 [%w], %f1;"), "faulty")
		b := upload(t, d, x)
		if err := run(d, k, [3]int{1, 1, 1}, [3]int{128, 1, 1}, 0, b, 1); err != nil {
			t.Fatal(err)
		}
		return download[float32](t, b, 128)
	}
	for op, f := range map[string]func(float64) float64{"ex2.approx.f32": math.Exp2, "ex2.approx.ftz.f32": math.Exp2, "rcp.approx.ftz.f32": func(v float64) float64 { return 1 / v }} {
		t.Run(op, func(t *testing.T) {
			t.Setenv("CLASSLENS_SIM_ROUGH", "0") // read when a context is made
			exact := values(t, op)
			t.Setenv("CLASSLENS_SIM_ROUGH", "1")
			rough, again := values(t, op), values(t, op)
			other := 0
			for i, v := range rough {
				want := f(float64(x[i]))
				if float64(exact[i]) != float64(float32(want)) {
					t.Errorf("%s of %v is %v, want %v", op, x[i], exact[i], want)
				}
				if v != exact[i] {
					other++
				}
				// 2⁻²² of the value, and half a unit for the rounding of the exact one
				if v != again[i] || math.Abs(float64(v)-want) > want*(1.0/(1<<22)+1.0/(1<<24)) && want != math.Inf(1) && want > 0 {
					t.Errorf("rough %s of %v is %v, then %v, want nearly %v", op, x[i], v, again[i], want)
				}
			}
			if other < 40 || rough[40] != exact[40] || rough[127] != exact[127] {
				t.Errorf("%d of 128 values are others; of 0 %v, of infinity %v", other, rough[40], rough[127])
			}
		})
	}
}

// 1 and sixteen products of 1.5 units of its last place: a float32 loop rounds each up to 2, tensor cores cut each off to 1.
func TestRoughProducts(t *testing.T) {
	a, b, c := make([]int, 16*16), make([]int, 16*8), make([]int, 16*8)
	for i := range a {
		a[i] = 3
	}
	for i := range b {
		b[i] = 1
	}
	for i := range c {
		c[i] = 1
	}
	bits := func(v int) uint32 { return math.Float32bits(float32(v)/4096) >> 16 } // 3/4096 · 1/4096 = 1.5 · 2⁻²³
	cells := fragments(a, b, c, 16, 4, 2, bits, true)
	product := func() float64 {
		got := multiply(t, simulated(t), "m16n8k16", "bf16", 4, 2, cells)
		for _, v := range got {
			if v != got[0] {
				t.Fatal(got)
			}
		}
		return (float64(got[0]) - 1) * (1 << 23)
	}
	t.Setenv("CLASSLENS_SIM_ROUGH", "0")
	if v := product(); v != 32 {
		t.Errorf("in order the sum is 1 and %v units", v)
	}
	t.Setenv("CLASSLENS_SIM_ROUGH", "1")
	if v := product(); v != 16 {
		t.Errorf("as on tensor cores the sum is 1 and %v units", v)
	}
}

// A device has memory of its own contexts only.
func TestMemoryOfAnotherDevice(t *testing.T) {
	other := simulated(t)
	b := upload(t, other, make([]float32, 128))
	d := simulated(t)
	k := kernel(t, d, faultKernel("st.global.u32 [%w], %l;"), "faulty")
	var p driver.Ptr = b.Ptr()
	checkFault(t, run(d, k, [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, p, 1), "writes byte 0 of memory of another context")
}
