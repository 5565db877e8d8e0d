package kernels

import (
	"fmt"
	"math"
	"testing"
)

// channelOf gives picture, channel and place of element i of (N, C, area).
func channelOf(i, c, area int) (picture, channel int) { return i / (c * area), i / area % c }

// holed has one NaN.
func holed(seed uint64, n int) []float32 {
	v := random(seed, n)
	v[n/2] = float32(math.NaN())
	return v
}

func TestBatchNorm(t *testing.T) {
	const momentum, epsilon = float32(.1), float32(1e-5)
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range [][4]int{{1, 1, 1, 1}, {3, 2, 5, 2}, {5, 3, 129, 3}, {2, 130, 3, 1}, {4, 2, 257, 4}, {3, 2, 256, 1}, {2, 2, 700, 2}, {1, 2, 1300, 1}, {1, 2, 127, 1}, {1, 1, 255, 1}, {2, 127, 1, 1}, {1, 1, 400, 1}} {
			n, c, area, parts := s[0], s[1], s[2], s[3]
			for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "spiky": spiky, "no number": holed, "infinite": func(seed uint64, n int) []float32 { v := random(seed, n); v[n/2] = inf; return v }} {
				t.Run(fmt.Sprint(s, kind), func(t *testing.T) {
					x, dy := fill(80, n*c*area), random(81, n*c*area)
					if kind == "plain" && k%3 == 1 {
						dy = odd(81, len(dy))
					}
					for i := range x {
						x[i] = x[i]*2 + 5 // a mean that a one-pass variance would suffer from
					}
					scale, shift, running := random(82, c), random(83, c), random(84, 2*c)
					lo, hi := float32(-.5), float32(1)
					if k%2 == 0 {
						lo, hi = -inf, inf
					}
					count := float64(n * area)
					means, squares, inverses := make([]float64, c), make([]float64, c), make([]float64, c)
					for i, v := range x {
						_, q := channelOf(i, c, area)
						means[q] += float64(v) / count
					}
					for i, v := range x {
						_, q := channelOf(i, c, area)
						squares[q] += (float64(v) - means[q]) * (float64(v) - means[q])
					}
					runMean, runVariance := make([]float64, c), make([]float64, c)
					for q := range c {
						inverses[q] = 1 / math.Sqrt(squares[q]/count+float64(epsilon))
						runMean[q] = float64(running[q]) + .1*(means[q]-float64(running[q]))
						runVariance[q] = float64(running[c+q]) + .1*(squares[q]/math.Max(count-1, 1)-float64(running[c+q]))
					}
					part, gotMeans, gotInverses, gotRun, gotVariance := out(2*parts*c), out(c), out(c), inout(running[:c]), inout(running[c:])
					d.run(t, "batch_moments", [3]int{c, parts, 1}, 128, x, part, n, c, area)
					finish := [3]int{ceil(c, 128), 1, 1}
					d.run(t, "batch_finish", finish, 128, part.got, gotMeans, gotInverses, gotRun, gotVariance, n, c, area, parts, momentum, epsilon)
					for i := range c { // an infinite number in one part of several: infinite or none, by the order of the parts
						for got, want := range map[*result][]float64{gotMeans: means, gotInverses: inverses, gotRun: runMean, gotVariance: runVariance} {
							if math.IsInf(want[i], 0) && got.got[i] != got.got[i] {
								want[i] = math.NaN()
							}
						}
					}
					near(t, "means", gotMeans.got, means, rowTolerance)
					near(t, "inverses", gotInverses.got, inverses, 1e-4) // where the variance is 0 it is 316
					near(t, "running mean", gotRun.got, runMean, rowTolerance)
					near(t, "running variance", gotVariance.got, runVariance, rowTolerance)
					again, inv := out(c), out(c)
					d.run(t, "batch_finish", finish, 128, part.got, again, inv, nil, nil, n, c, area, parts, momentum, epsilon)
					near(t, "means alone", again.got, means, rowTolerance)

					// From here on in the kernels' own means and inverses: their error has been judged.
					z, g, y := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
					sums := make([]float64, 2*c)
					for i, v := range x {
						_, q := channelOf(i, c, area)
						z[i] = (float64(v) - float64(gotMeans.got[q])) * float64(gotInverses.got[q])
						full := z[i]*float64(scale[q]) + float64(shift[q])
						y[i] = cut(full, float64(lo), float64(hi))
						if full > float64(lo) && full < float64(hi) {
							g[i] = float64(dy[i])
						}
						sums[q] += g[i]
						sums[c+q] += g[i] * z[i]
					}
					grid := [3]int{n * c, ceil(area, 256), 1}
					gotY := out(len(x))
					d.run(t, "batch_norm", grid, 256, x, gotMeans.got, gotInverses.got, scale, shift, gotY, c, area, lo, hi)
					near(t, "y", gotY.got, y, rowTolerance)
					gotPart, gotSums := out(parts*2*c), out(2*c)
					d.run(t, "batch_norm_sums", [3]int{c, parts, 1}, 128, x, dy, gotMeans.got, gotInverses.got, scale, shift, gotPart, n, c, area, lo, hi)
					d.run(t, "fold", [3]int{ceil(2*c, 32), 1, 1}, 256, gotPart.got, gotSums, parts, 2*c, parts, 0)
					near(t, "sums", gotSums.got, sums, 1e-4) // sums of some thousand parts that cancel
					for _, fixed := range []bool{false, true} {
						want := make([]float64, len(x))
						for i := range want {
							_, q := channelOf(i, c, area)
							rest := g[i]
							if !fixed {
								rest -= (float64(gotSums.got[q]) + z[i]*float64(gotSums.got[c+q])) / count
							}
							want[i] = float64(scale[q]) * float64(gotInverses.got[q]) * rest
						}
						dx := out(len(x))
						_, sumsArg := optional(!fixed, gotSums.got)
						d.run(t, "batch_norm_input", grid, 256, x, dy, gotMeans.got, gotInverses.got, scale, shift, sumsArg, dx, c, area, float32(count), lo, hi)
						near(t, fmt.Sprint("dx, fixed ", fixed), dx.got, want, 1e-4)
					}
				})
			}
		}
	})
}

func TestLayerNormBackward(t *testing.T) {
	const epsilon = 1e-5
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range append([][2]int{{40, 33}}, rowShapes...) {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				rows, n := s[0], s[1]
				x, dy, scale := random(85, rows*n), random(86, rows*n), random(87, n)
				if k == 2 {
					dy = odd(86, rows*n)
				}
				if k == 3 {
					dy = spiky(86, rows*n)
				}
				means, inverses := make([]float32, rows), make([]float32, rows)
				want, wantSums := make([]float64, rows*n), make([]float64, 2*n)
				for r := range rows {
					var mean, variance float64
					for _, v := range x[r*n : (r+1)*n] {
						mean += float64(v) / float64(n)
					}
					for _, v := range x[r*n : (r+1)*n] {
						variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
					}
					means[r], inverses[r] = float32(mean), float32(1/math.Sqrt(variance+epsilon))
					var all, normed float64
					z := make([]float64, n)
					for i := range n {
						z[i] = (float64(x[r*n+i]) - float64(means[r])) * float64(inverses[r])
						g := float64(dy[r*n+i]) * float64(scale[i])
						all += g / float64(n)
						normed += g * z[i] / float64(n)
						wantSums[i] += float64(dy[r*n+i])
						wantSums[n+i] += float64(dy[r*n+i]) * z[i]
					}
					for i := range n {
						want[r*n+i] = float64(inverses[r]) * (float64(dy[r*n+i])*float64(scale[i]) - all - z[i]*normed)
					}
				}
				dx := out(rows * n)
				d.run(t, "layer_norm_input", [3]int{ceil(rows, 4), 1, 1}, 128, x, dy, scale, means, inverses, dx, rows, n)
				within(t, "dx", dx.got, want, 1e-4, dy)
				for _, parts := range []int{1, 2} {
					per := ceil(rows, parts)
					part, sums := out(parts*2*n), out(2*n)
					d.run(t, "layer_norm_sums", [3]int{ceil(n, 32), parts, 1}, 256, x, dy, means, inverses, part, rows, n, per)
					d.run(t, "fold", [3]int{ceil(2*n, 32), 1, 1}, 256, part.got, sums, parts, 2*n, parts, 0)
					within(t, "sums", sums.got, wantSums, rowTolerance, dy)
				}
			})
		}
	})
}

// At lo and at hi the clamp lets no gradient through.
func TestBatchNormAtTheClamp(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		const lo, hi, area = float32(-.5), float32(1), 6
		x, dy := []float32{lo, hi, 0, -1, 2, .25}, []float32{1, 2, 4, 8, 16, 32}
		zero, one := []float32{0}, []float32{1}
		part, dx := out(2), out(area)
		d.run(t, "batch_norm_sums", [3]int{1, 1, 1}, 128, x, dy, zero, one, one, zero, part, 1, 1, area, lo, hi)
		near(t, "sums", part.got, []float64{4 + 32, 32 * .25}, 0)
		d.run(t, "batch_norm_input", [3]int{1, 1, 1}, 256, x, dy, zero, one, one, zero, nil, dx, 1, area, float32(area), lo, hi)
		near(t, "dx", dx.got, []float64{0, 0, 4, 0, 0, 32}, 0)
	})
}
