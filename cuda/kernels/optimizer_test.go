package kernels

import (
	"fmt"
	"math"
	"testing"
)

// Slots of the control array, as in common.cuh.
const (
	norm = iota
	factor
	counts
	scale
	good
	steps
	fix1
	fix2
	rate
	keep
)

func TestSquareSum(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range [][2]int{{1, 1}, {127, 1}, {128, 2}, {129, 1}, {2000, 3}, {5, 4}, {130, 1}, {257, 1}, {386, 1}, {513, 1}, {700, 2}} {
			for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
				n, blocks := s[0], s[1]
				g, want := fill(150, n), make([]float64, blocks)
				for i, v := range g {
					want[i/128%blocks] += float64(v) * float64(v)
				}
				part := out(blocks)
				d.run(t, "square_sum", [3]int{blocks, 1, 1}, 128, g, part, n)
				near(t, fmt.Sprint(s, kind), part.got, want, rowTolerance)
			}
		}
	})
}

func TestStepControl(t *testing.T) {
	const beta1, beta2 = .9, .999
	onEach(t, func(t *testing.T, d *dev) {
		for _, c := range []struct {
			name         string
			part         []float32
			most         float32
			every        int
			scale, good  float32
			scale2, keep float64 // loss scale and good steps after it
			counts       bool
		}{
			{"short", []float32{4, 5, 7}, 10, 0, 1, 0, 1, 0, true},
			{"long", []float32{4, 5, 7}, 1, 0, 2, 0, 2, 0, true},
			{"at the edge", []float32{16}, 4, 0, 1, 0, 1, 0, true},
			{"one more good step", []float32{1}, 10, 5, 8, 2, 8, 3, true},
			{"scale doubles", []float32{1}, 10, 5, 8, 4, 16, 0, true},
			{"scale is highest", []float32{1}, 10, 5, 16777216, 4, 16777216, 0, true},
			{"overflow", []float32{1, inf}, 10, 5, 8, 3, 4, 0, false},
			{"no number", []float32{1, float32(math.NaN())}, 10, 5, 1, 3, 1, 0, false},
			{"overflow, fixed scale", []float32{inf}, 10, 0, 8, 3, 8, 0, false},
			{"many", random(1, 300), 1e3, 0, 1, 0, 1, 0, true},
			{"a block less one", random(2, 127), 1, 0, 1, 0, 1, 0, true},
			{"a block", random(3, 128), 1, 0, 1, 0, 1, 0, true},
			{"a block and one", spiky(4, 129), 1, 0, 1, 0, 1, 0, true},
		} {
			for i, v := range c.part {
				c.part[i] = float32(math.Abs(float64(v)))
			}
			before := map[string]float32{"short": 0, "long": 4, "at the edge": 900, "one more good step": 30000}[c.name]
			if before == 0 && c.name != "short" {
				before = 41
			}
			control := inout([]float32{9, 9, 9, c.scale, c.good, before, 9, 9, .5, .25})
			d.run(t, "step_control", [3]int{1, 1, 1}, 128, c.part, control, len(c.part), c.most, c.every, float32(math.Log(beta1)), float32(math.Log(beta2)))
			sum := 0.0
			for _, v := range c.part {
				sum += float64(v)
			}
			want := make([]float64, 10)
			want[norm] = math.Sqrt(sum) / float64(c.scale)
			want[steps] = float64(before)
			if c.counts {
				want[factor] = math.Min(1, float64(c.most)/want[norm]) / float64(c.scale)
				want[counts], want[steps] = 1, float64(before)+1
			}
			want[scale], want[good] = c.scale2, c.keep
			want[fix1], want[fix2] = 1-math.Pow(beta1, want[steps]), 1-math.Pow(beta2, want[steps])
			want[rate], want[keep] = .5, .25
			near(t, c.name, control.got, want, 1e-6)
		}
	})
}

// What an optimizer makes of one element: w, g are the weight and the gradient as it counts.
type rule func(w, g, first, second float64) (float64, float64, float64)

func TestOptimizers(t *testing.T) {
	const lr, mu, b2, decay, eps, f, c1, c2 = .125, .75, .875, .0625, 1e-3, .5, .25, .375
	adam := func(w, g, m, s float64) (float64, float64, float64) {
		m, s = mu*m+(1-mu)*g, b2*s+(1-b2)*g*g
		return w - lr*(m/c1)/(math.Sqrt(s/c2)+eps), m, s
	}
	rules := map[string]rule{
		"sgd": func(w, g, m, s float64) (float64, float64, float64) {
			m = mu*m + g + decay*w
			return w - lr*m, m, s
		},
		"rmsprop": func(w, g, m, s float64) (float64, float64, float64) {
			g += decay * w
			s = mu*s + (1-mu)*g*g
			return w - lr*g/(math.Sqrt(s)+eps), m, s
		},
		"adam":  func(w, g, m, s float64) (float64, float64, float64) { return adam(w, g+decay*w, m, s) },
		"adamw": func(w, g, m, s float64) (float64, float64, float64) { return adam(w-lr*decay*w, g, m, s) },
	}
	onEach(t, func(t *testing.T, d *dev) {
		for name, rule := range rules {
			for _, n := range blockSizes {
				for _, count := range []float32{1, 0} {
					t.Run(fmt.Sprint(name, n, " ", count), func(t *testing.T) {
						w, g, first, second := random(151, n), random(152, n), random(153, n), random(154, n)
						if n == 257 {
							g = odd(152, n)
						}
						if n == 256 {
							g = spiky(152, n)
						}
						for i, v := range second {
							second[i] = v * v
						}
						control := make([]float32, 10)
						control[factor], control[counts], control[fix1], control[fix2], control[rate] = f, count, c1, c2, lr
						wantW, wantM, wantS := make([]float64, n), make([]float64, n), make([]float64, n)
						for i := range w {
							wantW[i], wantM[i], wantS[i] = float64(w[i]), float64(first[i]), float64(second[i])
							if count == 1 {
								wantW[i], wantM[i], wantS[i] = rule(wantW[i], float64(g[i])*f, wantM[i], wantS[i])
							}
						}
						grid, gotW, gotM, gotS := [3]int{ceil(n, 256), 1, 1}, inout(w), inout(first), inout(second)
						switch name {
						case "sgd":
							d.run(t, "sgd", grid, 256, gotW, g, gotM, control, n, float32(mu), float32(decay))
							gotS.got = second
						case "rmsprop":
							d.run(t, "rmsprop", grid, 256, gotW, g, gotS, control, n, float32(mu), float32(decay), float32(eps))
							gotM.got = first
						default:
							decoupled := 0
							if name == "adamw" {
								decoupled = 1
							}
							d.run(t, "adam", grid, 256, gotW, g, gotM, gotS, control, n, float32(mu), float32(b2), float32(decay), float32(eps), decoupled)
						}
						near(t, "w", gotW.got, wantW, 3e-6)
						near(t, "first", gotM.got, wantM, 1e-6)
						near(t, "second", gotS.got, wantS, 1e-6)
					})
				}
			}
		}
		for _, n := range blockSizes {
			for _, count := range []float32{1, 0} {
				w, mean, want := random(155, n), random(156, n), make([]float64, n)
				if n == 257 {
					w = wild(155, n)
				}
				control := make([]float32, 10)
				control[counts], control[keep] = count, .75
				for i := range want {
					if want[i] = float64(mean[i]); count == 1 {
						want[i] = .75*float64(mean[i]) + .25*float64(w[i])
					}
				}
				got := inout(mean)
				d.run(t, "average", [3]int{ceil(n, 256), 1, 1}, 256, w, got, control, n)
				near(t, fmt.Sprint("average ", n), got.got, want, 1e-6)
			}
		}
	})
}
