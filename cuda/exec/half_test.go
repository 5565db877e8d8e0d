package exec

import (
	"math"
	"testing"
)

// value of a number in 16 bits.
func (p Precision) value(h uint16) float64 {
	if p == BF16 {
		return float64(math.Float32frombits(uint32(h) << 16))
	}
	sign, e, m := 1.0, int(h>>10&31), float64(h&0x3ff)
	if h&0x8000 != 0 {
		sign = -1
	}
	switch {
	case e == 31 && m > 0:
		return math.NaN()
	case e == 31:
		return sign * math.Inf(1)
	case e == 0:
		return sign * math.Ldexp(m, -24)
	}
	return sign * math.Ldexp(1+m/1024, e-15)
}

// Every number of 16 bits stays itself; what lies between two goes to the nearer, half way to
// the even one; what is too large becomes infinite.
func TestRoundingToHalf(t *testing.T) {
	for _, p := range []Precision{BF16, FP16} {
		for h := range uint16(0x7fff) {
			v, next := p.value(h), p.value(h+1)
			if math.IsNaN(v) {
				if got := p.value(p.round(float32(v))); !math.IsNaN(got) {
					t.Fatalf("%s: no number becomes %v", p, got)
				}
				continue
			}
			for _, sign := range []float64{1, -1} {
				bits := uint16(0)
				if sign < 0 {
					bits = 0x8000
				}
				if got := p.round(float32(sign * v)); got != h|bits {
					t.Fatalf("%s: %v becomes %#x, not %#x", p, sign*v, got, h|bits)
				}
				if math.IsInf(v, 0) || math.IsNaN(next) {
					continue
				}
				step := next - v
				if math.IsInf(next, 0) {
					step = v - p.value(h-1)
				}
				if p == BF16 && v+step/2 > math.MaxFloat32 || float64(float32(v+step/4)) != v+step/4 { // not a float32
					continue
				}
				even := h + h&1
				for part, want := range map[float64]uint16{.25: h, .5: even, .75: h + 1} {
					if got := p.round(float32(sign * (v + part*step))); got != want|bits {
						t.Fatalf("%s: %v becomes %#x, want %#x", p, sign*(v+part*step), got, want|bits)
					}
				}
			}
		}
	}
}
