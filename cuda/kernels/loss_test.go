package kernels

import (
	"fmt"
	"math"
	"testing"
)

// lossTolerance: exp, log and pow to some units in the last place, sums of K parts.
const lossTolerance = 3e-6

// scaleOnly is a control array that holds nothing but a loss scale.
func scaleOnly(v float32) []float32 {
	c := make([]float32, 10)
	c[3] = v
	return c
}

func TestClassLoss(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range append([][2]int{{13, 10}}, rowShapes...) {
			for _, v := range []struct {
				smoothing, focal float32
				weighted, scaled bool
			}{{0, 0, false, false}, {.1, 0, true, false}, {0, 2, false, true}, {.2, 1.5, true, true}, {.1, .5, false, false}} {
				t.Run(fmt.Sprint(s, v), func(t *testing.T) {
					rows, n := s[0], s[1]
					x, labels := random(140, rows*n), make([]int32, rows)
					for i := range x {
						x[i] *= 3
					}
					if k == 2 {
						x = odd(140, rows*n)
					}
					if k == 5 {
						x = spiky(140, rows*n)
					}
					for i := range labels {
						if labels[i] = int32(i * 7 % n); i%4 == 2 {
							labels[i] = -1
						}
					}
					weights, weightsArg := optional(v.weighted, random(141, n))
					for i := range weights {
						weights[i] = float32(math.Abs(float64(weights[i]))) + .5
					}
					const inverse, coefficient = float32(1.5), float32(1.5)
					control, controlArg := optional(v.scaled, scaleOnly(64))
					factor := float64(coefficient)
					if control != nil {
						factor *= 64
					}
					loss, dx := make([]float64, rows), make([]float64, rows*n)
					for r, label := range labels {
						if label < 0 {
							continue
						}
						weight := float64(inverse)
						if weights != nil {
							weight *= float64(weights[label])
						}
						logp, slope, sum := softmaxRow(x[r*n:(r+1)*n], true), make([]float64, n), 0.0
						for j, l := range logp {
							q := float64(v.smoothing) / float64(n)
							if j == int(label) {
								q += 1 - float64(v.smoothing)
							}
							p := math.Exp(l)
							far := math.Max(-math.Expm1(l), 1e-12)
							f := math.Pow(far, float64(v.focal))
							loss[r] -= weight * q * f * l
							slope[j] = q * (float64(v.focal)*math.Pow(far, float64(v.focal)-1)*l*p - f)
							sum += slope[j]
						}
						for j, l := range logp {
							dx[r*n+j] = weight * factor * (slope[j] - math.Exp(l)*sum)
						}
					}
					gotLoss, gotX := out(rows), out(rows*n)
					d.run(t, "class_loss", [3]int{ceil(rows, 4), 1, 1}, 128, x, labels, weightsArg, controlArg, gotLoss, gotX, rows, n, inverse, v.smoothing, v.focal, coefficient)
					tolerance := lossTolerance
					if n == 1 { // p is 1: what is left of 1-p to the power of a half is chance
						tolerance = 1e-4
					}
					near(t, "loss", gotLoss.got, loss, tolerance)
					if control != nil {
						tolerance *= 64 // slopes that cancel, times the scale
					}
					near(t, "dx", gotX.got, dx, tolerance)
				})
			}
		}
	})
}

func TestBinaryLoss(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, n := range []int{1, 127, 128, 129, 300} {
			for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "spiky": spiky, "no number": holed} {
				for _, scaled := range []bool{true, false} {
					x, targets, loss, dx := fill(142, n), make([]int32, n), make([]float64, n), make([]float64, n)
					const inverse, coefficient = float32(2), float32(.5)
					_, controlArg := optional(scaled, scaleOnly(16))
					factor := 1.0
					if scaled {
						factor *= 16
					}
					if n > 1 {
						x[1], x[2] = 0, float32(math.Inf(-1))
					}
					for i, v := range x {
						if targets[i] = int32(i%3 - 1); n == 1 {
							targets[i] = 1
						}
						if target := float64(targets[i]); target >= 0 {
							z := float64(v)
							loss[i] = 2 * (math.Max(z, 0) - z*target + math.Log1p(math.Exp(-math.Abs(z))))
							dx[i] = factor * (sigmoid(z) - target)
						}
					}
					gotLoss, gotX := out(n), out(n)
					d.run(t, "binary_loss", [3]int{ceil(n, 128), 1, 1}, 128, x, targets, controlArg, gotLoss, gotX, n, inverse, coefficient)
					near(t, fmt.Sprint("loss ", n, kind), gotLoss.got, loss, 3e-7)
					tolerance := 3e-7
					if scaled {
						tolerance = 1e-6 // a device's ex2.approx is off by 2⁻²² and the division by less: 1.5e-7 of a sigmoid, times the scale
					}
					near(t, fmt.Sprint("dx ", n, kind), gotX.got, dx, tolerance)
				}
			}
		}
	})
}

func TestPointLoss(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, n := range []int{1, 127, 128, 129, 300} {
			for _, scaled := range []bool{true, false} {
				x, target, weight, loss, dx := random(143, n), random(144, n), random(145, n), make([]float64, n), make([]float64, n)
				if n == 129 {
					x = odd(143, n)
				}
				if n == 128 {
					x = spiky(143, n)
				}
				const inverse, beta, coefficient = float32(.25), float32(.5), float32(2)
				_, controlArg := optional(scaled, scaleOnly(16))
				factor := 2.0
				if scaled {
					factor *= 16
				}
				for i := range x {
					if i%4 == 0 { // at the bend
						target[i] = x[i] + float32(i/4%3-1)*beta
					}
					if i%5 == 1 {
						weight[i] = 0
					}
					delta, w := float64(x[i]-target[i]), float64(weight[i])*.25
					switch {
					case math.Abs(delta) > .5:
						loss[i], dx[i] = w*(math.Abs(delta)-.25), w*factor*math.Copysign(1, delta)
					default:
						loss[i], dx[i] = w*delta*delta, w*factor*delta*2
					}
				}
				gotLoss, gotX := out(n), out(n)
				d.run(t, "point_loss", [3]int{ceil(n, 128), 1, 1}, 128, x, target, weight, controlArg, gotLoss, gotX, n, inverse, beta, coefficient)
				near(t, fmt.Sprint("loss ", n), gotLoss.got, loss, 1e-6)
				near(t, fmt.Sprint("dx ", n), gotX.got, dx, 1e-6)
			}
		}
	})
}

func TestCumulative(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range [][2]int{{1, 1}, {5, 3}, {128, 1}, {43, 3}, {130, 4}, {3, 32}, {127, 1}, {129, 1}, {31, 2}} {
			n, k := s[0], s[1]
			score, steps, dy := random(146, n), random(147, k), random(148, n*k)
			if n == 127 {
				score, dy = wild(146, n), wild(148, n*k)
			}
			if n == 129 {
				dy = spiky(148, n*k)
			}
			if k > 3 { // a gap of nothing, and one that is wide
				steps[1], steps[2] = -200, 30
			}
			if k > 4 {
				steps[k-1] = float32(math.NaN())
			}
			at, y, dscore, dsteps := make([]float64, k), make([]float64, n*k), make([]float64, n), make([]float64, k)
			for j, v := range steps {
				if at[j] = float64(v); j > 0 {
					at[j] = at[j-1] + math.Log1p(math.Exp(float64(v))) // exact enough up to some hundred
				}
			}
			for i := range y {
				y[i] = float64(score[i/k]) - at[i%k]
				dscore[i/k] += float64(dy[i])
				for m := 0; m <= i%k; m++ {
					slope := 1.0
					if m > 0 {
						slope = sigmoid(float64(steps[m]))
					}
					dsteps[m] -= float64(dy[i]) * slope
				}
			}
			gotY, gotScore, gotSteps := out(n*k), out(n), out(k)
			d.run(t, "cumulative", [3]int{ceil(n*k, 128), 1, 1}, 128, score, steps, gotY, n, k)
			near(t, fmt.Sprint("y ", s), gotY.got, y, 5e-7)
			d.run(t, "cumulative_backward", [3]int{1, 1, 1}, 128, steps, dy, gotScore, gotSteps, n, k)
			near(t, fmt.Sprint("dscore ", s), gotScore.got, dscore, 2e-6)
			within(t, fmt.Sprint("dsteps ", s), gotSteps.got, dsteps, rowTolerance, dy)
		}
	})
}
