package kernels

import (
	"fmt"
	"math"
	"testing"
)

var blockSizes = []int{1, 255, 256, 257, 700}

func TestUnary(t *testing.T) {
	functions := []func(x float64) float64{
		func(x float64) float64 { return math.Max(x, 0) }, func(x float64) float64 { return -x }, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, math.Tanh, math.Exp, math.Log,
		math.Sqrt, math.Abs, math.Erf, nil, nil, math.Floor, math.Ceil, func(x float64) float64 { return 1 / x }, func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
		func(x float64) float64 { return x * cut(x/6+.5, 0, 1) }, func(x float64) float64 {
			if x < 0 {
				return x * .25
			}
			return x
		},
		func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }, func(x float64) float64 { return x / (1 + math.Exp(-x)) },
	}
	onEach(t, func(t *testing.T, d *dev) {
		for which, f := range functions {
			for _, n := range blockSizes {
				if f == nil || (n != 257 && which > 0) {
					continue
				}
				for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "spiky": spiky, "odd": odd} {
					t.Run(fmt.Sprint(which, " ", n, kind), func(t *testing.T) {
						x, y := fill(31, n), out(n)
						for i := range x { // all kinks: some whole, some small, some zero
							if i%5 == 0 && x[i] == x[i] && math.Abs(float64(x[i])) < 1e3 {
								x[i] = float32(int(4 * x[i]))
							}
						}
						want := make([]float64, n)
						for i, v := range x {
							want[i] = f(float64(v))
						}
						d.run(t, "unary", [3]int{ceil(n, 256), 1, 1}, 256, x, y, n, which, float32(.25))
						near(t, "y", y.got, want, 1e-6) // two units in the last place
					})
				}
			}
		}
	})
}

func TestWave(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for cosine := range 2 {
			for _, n := range blockSizes {
				x, y, want := random(32, n), out(n), make([]float64, n)
				for i := range x {
					x[i] *= float32([]float64{1, 30, 1e3, 5e4}[i%4])
					want[i] = math.Sin(float64(x[i]))
					if cosine == 1 {
						want[i] = math.Cos(float64(x[i]))
					}
				}
				d.run(t, "wave", [3]int{ceil(n, 256), 1, 1}, 256, x, y, n, cosine)
				near(t, fmt.Sprint("wave ", cosine, n), y.got, want, 5e-7)
			}
		}
		y := out(3)
		d.run(t, "wave", [3]int{1, 1, 1}, 256, odd(1, 3), y, 3, 0)
		for i, v := range y.got {
			if v == v {
				t.Errorf("the sine of no number (%d) is %v", i, v)
			}
		}
	})
}

func TestBinary(t *testing.T) {
	operators := []func(a, b float64) float64{
		func(a, b float64) float64 { return a + b }, func(a, b float64) float64 { return a - b }, func(a, b float64) float64 { return a * b }, func(a, b float64) float64 { return a / b },
		math.Max, math.Min, func(a, b float64) float64 {
			if a < 0 {
				return a * b
			}
			return a
		},
	}
	type shape struct{ size, stepA, stepB [4]int }
	shapes := []shape{
		{[4]int{1, 1, 1, 1}, [4]int{}, [4]int{}}, {[4]int{2, 3, 5, 9}, [4]int{135, 45, 9, 1}, [4]int{0, 1, 0, 0}}, {[4]int{1, 1, 16, 16}, [4]int{0, 0, 16, 1}, [4]int{0, 0, 1, 16}},
		{[4]int{3, 2, 4, 11}, [4]int{0, 44, 0, 4}, [4]int{88, 44, 11, 1}},
		{[4]int{1, 3, 5, 17}, [4]int{255, 85, 17, 1}, [4]int{255, 85, 17, 1}}, {[4]int{1, 1, 1, 257}, [4]int{0, 0, 0, 1}, [4]int{0, 0, 0, 1}},
	}
	onEach(t, func(t *testing.T, d *dev) {
		for which, f := range operators {
			for k, s := range shapes {
				for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
					t.Run(fmt.Sprint(which, k, kind), func(t *testing.T) {
						total, sizeA, sizeB := 1, 1, 1
						for i, n := range s.size {
							total, sizeA, sizeB = total*n, sizeA+(n-1)*s.stepA[i], sizeB+(n-1)*s.stepB[i]
						}
						a, b, y, want := fill(33, sizeA), odd(34, sizeB), out(total), make([]float64, total)
						if kind != "odd" {
							b = random(34, sizeB)
						}
						for i := range want {
							index := [4]int{i / (s.size[3] * s.size[2] * s.size[1]), i / (s.size[3] * s.size[2]) % s.size[1], i / s.size[3] % s.size[2], i % s.size[3]}
							ia, ib := 0, 0
							for q, x := range index {
								ia, ib = ia+x*s.stepA[q], ib+x*s.stepB[q]
							}
							want[i] = f(float64(a[ia]), float64(b[ib]))
							if (which == 4 || which == 5) && (a[ia] != a[ia] || b[ib] != b[ib]) {
								want[i] = math.NaN() // Go's Max(Inf, NaN) is Inf
							}
						}
						d.run(t, "binary", [3]int{ceil(total, 256), 1, 1}, 256, a, b, y, total, s.size[1], s.size[2], s.size[3], s.stepA[0], s.stepA[1], s.stepA[2], s.stepA[3],
							s.stepB[0], s.stepB[1], s.stepB[2], s.stepB[3], which)
						near(t, "y", y.got, want, 2e-7)
					})
				}
			}
		}
	})
}

func TestAffineCutSum(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, n := range blockSizes {
			for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
				t.Run(fmt.Sprint(n, kind), func(t *testing.T) {
					const planes, c, lo, hi = 6, 3, -.5, .75
					a, b, y := fill(35, n), fill(36, n), out(n)
					grid := [3]int{ceil(n, 256), 1, 1}
					want := make([]float64, n)
					for i := range want {
						want[i] = cut(float64(a[i]), lo, hi)
					}
					d.run(t, "cut", grid, 256, a, y, n, float32(lo), float32(hi))
					near(t, "cut", y.got, want, 0)
					for i := range want {
						want[i] = cut(float64(a[i])+float64(b[i]), lo, hi)
					}
					y = out(n)
					d.run(t, "sum", grid, 256, a, b, y, n, float32(lo), float32(hi))
					near(t, "sum", y.got, want, 2e-7)
					x, scale, shift := fill(37, planes*n), random(38, c), random(39, c)
					want = make([]float64, planes*n)
					for i := range want {
						want[i] = cut(float64(x[i])*float64(scale[i/n%c])+float64(shift[i/n%c]), lo, hi)
					}
					y = out(planes * n)
					d.run(t, "affine", [3]int{planes, ceil(n, 256), 1}, 256, x, scale, shift, y, c, n, float32(lo), float32(hi))
					near(t, "affine", y.got, want, 3e-7)
				})
			}
		}
	})
}

func TestCopies(t *testing.T) {
	type shape struct {
		size         [4]int
		atX          int
		stepX        [4]int
		atY          int
		stepY        [4]int
		sizeX, sizeY int
	}
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range []shape{
			{[4]int{1, 1, 1, 1}, 0, [4]int{}, 0, [4]int{}, 1, 1},
			{[4]int{2, 3, 4, 5}, 0, [4]int{60, 20, 1, 4}, 0, [4]int{60, 20, 5, 1}, 120, 120},                // transpose
			{[4]int{1, 2, 3, 7}, 5, [4]int{0, 30, 10, 1}, 0, [4]int{0, 21, 7, 1}, 62, 42},                   // slice
			{[4]int{3, 2, 13, 9}, 702 - 1, [4]int{-234, -117, -9, -1}, 0, [4]int{234, 117, 9, 1}, 702, 702}, // turned round
			{[4]int{1, 2, 16, 8}, 0, [4]int{0, 0, 8, 1}, 3, [4]int{0, 130, 8, 1}, 128, 263},                 // repeated, into a part
			{[4]int{1, 3, 5, 17}, 0, [4]int{0, 85, 17, 1}, 0, [4]int{0, 85, 17, 1}, 255, 255}, {[4]int{1, 1, 1, 257}, 0, [4]int{0, 0, 0, 1}, 0, [4]int{0, 0, 0, 1}, 257, 257},
		} {
			x, y := wild(40, s.sizeX), inout(random(41, s.sizeY))
			want := make([]float64, s.sizeY)
			for i, v := range y.start {
				want[i] = float64(v)
			}
			total := s.size[0] * s.size[1] * s.size[2] * s.size[3]
			for i := range total {
				index := [4]int{i / (s.size[3] * s.size[2] * s.size[1]), i / (s.size[3] * s.size[2]) % s.size[1], i / s.size[3] % s.size[2], i % s.size[3]}
				from, to := s.atX, s.atY
				for q, v := range index {
					from, to = from+v*s.stepX[q], to+v*s.stepY[q]
				}
				want[to] = float64(x[from])
			}
			d.run(t, "copy_strided", [3]int{ceil(total, 256), 1, 1}, 256, x, y, total, s.size[1], s.size[2], s.size[3], s.atX, s.stepX[0], s.stepX[1], s.stepX[2], s.stepX[3],
				s.atY, s.stepY[0], s.stepY[1], s.stepY[2], s.stepY[3])
			near(t, fmt.Sprint("copy ", k), y.got, want, 0)
		}
		for k, s := range []struct{ from, before, after [4]int }{
			{[4]int{1, 1, 1, 1}, [4]int{}, [4]int{}}, {[4]int{2, 3, 4, 5}, [4]int{1, 0, 2, 1}, [4]int{0, 2, 1, 3}}, {[4]int{2, 3, 6, 9}, [4]int{0, -1, -2, 1}, [4]int{1, 0, 0, -3}},
			{[4]int{1, 1, 1, 253}, [4]int{0, 0, 0, 1}, [4]int{0, 0, 0, 1}}, {[4]int{1, 1, 2, 127}, [4]int{0, 0, 0, 1}, [4]int{}}, {[4]int{1, 1, 1, 255}, [4]int{0, 0, 0, 1}, [4]int{0, 0, 0, 1}},
		} {
			var m [4]int
			total, size := 1, 1
			for i := range m {
				m[i] = s.from[i] + s.before[i] + s.after[i]
				total, size = total*m[i], size*s.from[i]
			}
			x, y, want := wild(42, size), out(total), make([]float64, total)
			for i := range want {
				index := [4]int{i / (m[3] * m[2] * m[1]), i / (m[3] * m[2]) % m[1], i / m[3] % m[2], i % m[3]}
				from, inside := 0, true
				for q, v := range index {
					v -= s.before[q]
					inside = inside && v >= 0 && v < s.from[q]
					from = from*s.from[q] + v
				}
				if want[i] = 7; inside {
					want[i] = float64(x[from])
				}
			}
			d.run(t, "pad", [3]int{ceil(total, 256), 1, 1}, 256, x, y, total, m[1], m[2], m[3], s.from[0], s.from[1], s.from[2], s.from[3], s.before[0], s.before[1], s.before[2], s.before[3], float32(7))
			near(t, fmt.Sprint("pad ", k), y.got, want, 0)
		}
	})
}
