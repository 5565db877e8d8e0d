package kernels

import (
	"fmt"
	"math"
	"testing"
)

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func step(x float64) float64 {
	if x > 0 {
		return 1
	}
	return 0
}

// derivatives of the functions of unary, by number; nil where there is none to test.
var derivatives = []func(x float64) float64{
	step, func(float64) float64 { return -1 }, func(x float64) float64 { return sigmoid(x) * (1 - sigmoid(x)) }, func(x float64) float64 { return 1 - math.Tanh(x)*math.Tanh(x) }, math.Exp,
	func(x float64) float64 { return 1 / x }, func(x float64) float64 { return .5 / math.Sqrt(x) }, func(x float64) float64 { return step(x) - step(-x) },
	func(x float64) float64 { return 2 / math.Sqrt(math.Pi) * math.Exp(-x*x) }, nil, nil, func(float64) float64 { return 0 }, func(float64) float64 { return 0 },
	func(x float64) float64 { return -1 / (x * x) }, sigmoid, func(x float64) float64 {
		if x <= -3 {
			return 0
		}
		if x >= 3 {
			return 1
		}
		return x/3 + .5
	},
	func(x float64) float64 {
		if x < 0 {
			return .25
		}
		return 1
	},
	func(x float64) float64 {
		return .5*(1+math.Erf(x/math.Sqrt2)) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	},
	func(x float64) float64 { return sigmoid(x) * (1 + x*(1-sigmoid(x))) },
}

func TestUnaryBackward(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for which, f := range derivatives {
			for _, n := range blockSizes {
				if f == nil || n != 257 && which > 0 {
					continue
				}
				for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
					t.Run(fmt.Sprint(which, " ", n, kind), func(t *testing.T) {
						x, dy := fill(90, n), random(91, n)
						for i := range x {
							if i%5 == 0 && kind == "plain" { // kinks and beyond: -4, …, 4
								x[i] = float32(i/5%9 - 4)
							}
							if i%7 == 0 {
								x[i] *= 20
							}
						}
						want := make([]float64, n)
						for i, v := range x {
							want[i] = float64(dy[i]) * f(float64(v))
						}
						dx := out(n)
						d.run(t, "unary_backward", [3]int{ceil(n, 256), 1, 1}, 256, x, dy, dx, n, which, float32(.25))
						near(t, "dx", dx.got, want, 2e-6) // slopes are sums of rounded parts: some units in the last place
					})
				}
			}
		}
	})
}

func TestCutBackward(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, n := range blockSizes {
			x, dy, want := odd(92, n), random(93, n), make([]float64, n)
			if n == 256 {
				x, dy = spiky(92, n), wild(93, n)
			}
			for i := range x {
				if i%4 == 0 && x[i] == x[i] { // at the edges, too
					x[i] = float32(i/4%4) * .5
				}
				if x[i] > 0 && x[i] < 1 {
					want[i] = float64(dy[i])
				}
			}
			dx := out(n)
			d.run(t, "cut_backward", [3]int{ceil(n, 256), 1, 1}, 256, x, dy, dx, n, float32(0), float32(1))
			near(t, fmt.Sprint(n), dx.got, want, 0)
		}
	})
}

func TestPlaneDot(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range rowShapes {
			for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
				planes, area := s[0], s[1]
				a, b, want := fill(94, planes*area), random(95, planes*area), make([]float64, planes)
				for i := range a {
					want[i/area] += float64(a[i]) * float64(b[i])
				}
				y := out(planes)
				d.run(t, "plane_dot", [3]int{ceil(planes, 4), 1, 1}, 128, a, b, y, planes, area)
				within(t, fmt.Sprint(s, kind), y.got, want, rowTolerance, a)
			}
		}
	})
}

func TestPoolBackward(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range []struct{ planes, h, w, kh, kw, sh, sw, top, left, oh, ow int }{
			{1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1}, {2, 9, 7, 3, 3, 2, 2, 1, 1, 5, 4}, {3, 13, 12, 2, 3, 1, 1, 0, 0, 12, 10}, {1, 8, 16, 1, 1, 1, 1, 0, 0, 8, 16}, {2, 5, 4, 3, 2, 3, 1, 2, 0, 2, 3},
			{1, 4, 4, 2, 2, 2, 2, 1, 1, 3, 3}, {1, 9, 9, 2, 2, 4, 4, 0, 0, 2, 2}, // a step wider than the window
			{1, 1, 127, 1, 2, 1, 1, 0, 1, 1, 127}, {1, 3, 43, 1, 1, 1, 1, 0, 0, 3, 43},
		} {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				x, n := random(96, s.planes*s.h*s.w), s.planes*s.oh*s.ow
				for i := range x { // equals, too
					x[i] = float32(math.Round(float64(2 * x[i])))
				}
				if k == 1 {
					x[3], x[50] = float32(math.NaN()), inf
				}
				dy, y := random(97, n), make([]float32, n)
				if k == 2 {
					dy = odd(97, n)
				}
				if k == 3 {
					dy, x[3] = spiky(97, n), 1e4
				}
				most, mean, counted := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
				for i := range n {
					var inside []int
					for j := range s.kh * s.kw {
						r, q := i/s.ow%s.oh*s.sh-s.top+j/s.kw, i%s.ow*s.sw-s.left+j%s.kw
						if r >= 0 && r < s.h && q >= 0 && q < s.w {
							inside = append(inside, (i/(s.oh*s.ow)*s.h+r)*s.w+q)
						}
					}
					top := inside[0]
					for _, at := range inside {
						if x[top] == x[top] && (x[at] > x[top] || x[at] != x[at]) {
							top = at
						}
						mean[at] += float64(dy[i]) / float64(len(inside))
						counted[at] += float64(dy[i]) / float64(s.kh*s.kw)
					}
					y[i] = x[top]
					most[top] += float64(dy[i])
				}
				grid := [3]int{s.planes, ceil(s.h*s.w, 128), 1}
				dx := out(len(x))
				d.run(t, "max_pool_backward", grid, 128, x, y, dy, dx, s.h, s.w, s.oh, s.ow, s.kh, s.kw, s.sh, s.sw, s.top, s.left)
				within(t, "max", dx.got, most, 1e-6, dy)
				for which, want := range [][]float64{mean, counted} {
					dx = out(len(x))
					d.run(t, "average_pool_backward", grid, 128, dy, dx, s.h, s.w, s.oh, s.ow, s.kh, s.kw, s.sh, s.sw, s.top, s.left, which)
					within(t, "average", dx.got, want, 1e-6, dy)
				}
			})
		}
		for _, s := range [][2]int{{1, 1}, {13, 127}, {2, 128}, {2, 129}} {
			dy, dx, want := wild(98, s[0]), out(s[0]*s[1]), make([]float64, s[0]*s[1])
			for i := range want {
				want[i] = float64(dy[i/s[1]]) / float64(s[1])
			}
			d.run(t, "global_pool_backward", [3]int{s[0], ceil(s[1], 128), 1}, 128, dy, dx, s[1])
			near(t, fmt.Sprint("global", s), dx.got, want, 1e-6)
		}
	})
}

func TestSoftmaxBackward(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range rowShapes {
			for logarithm := range 2 {
				for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
					rows, n := s[0], s[1]
					x, dy, y, want := random(99, rows*n), fill(100, rows*n), make([]float32, rows*n), make([]float64, rows*n)
					for r := range rows {
						sum := 0.0
						for i, v := range softmaxRow(x[r*n:(r+1)*n], logarithm == 1) {
							y[r*n+i] = float32(v)
							if logarithm == 0 {
								sum += v * float64(dy[r*n+i])
							} else {
								sum += float64(dy[r*n+i])
							}
						}
						for i := r * n; i < (r+1)*n; i++ {
							if logarithm == 0 {
								want[i] = float64(y[i]) * (float64(dy[i]) - sum)
							} else {
								want[i] = float64(dy[i]) - math.Exp(float64(y[i]))*sum
							}
						}
					}
					dx := out(rows * n)
					d.run(t, "softmax_backward", [3]int{ceil(rows, 4), 1, 1}, 128, y, dy, dx, rows, n, logarithm)
					within(t, fmt.Sprint(s, logarithm, kind), dx.got, want, rowTolerance, dy)
				}
			}
		}
	})
}
