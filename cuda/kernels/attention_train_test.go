package kernels

import (
	"fmt"
	"math"
	"testing"
)

func TestAttentionBackward(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range [][4]int{{1, 1, 1, 1}, {2, 5, 2, 3}, {1, 33, 1, 32}, {2, 7, 3, 33}, {1, 130, 1, 2}, {1, 2, 1, 130}, {1, 2, 1, 300}, {1, 3, 1, 2}, {1, 4, 2, 2}, {1, 31, 1, 31}} {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				b, steps, heads, width := s[0], s[1], s[2], s[3]
				n := b * steps * heads * width
				q, key, v, dy, seen := random(110, n), random(111, n), random(112, n), random(113, n), mask(b, steps)
				if k == 1 {
					dy = odd(113, n)
				}
				if k == 9 {
					dy = spiky(113, n)
				}
				scale := float32(1 / math.Sqrt(float64(width)))
				_, shares := attention(q, key, v, seen, b, steps, heads, width, float64(scale))
				share := make([]float32, len(shares))
				for i, x := range shares {
					share[i] = float32(x)
				}
				at := func(z, i, h int) int { return ((z*steps+i)*heads + h) * width }
				ds, dq, dk, dv := make([]float64, len(share)), make([]float64, n), make([]float64, n), make([]float64, n)
				for row := range b * heads * steps {
					z, h, i := row/(heads*steps), row/steps%heads, row%steps
					g, mean := make([]float64, steps), 0.0
					for j := range steps {
						for e := range width {
							g[j] += float64(dy[at(z, i, h)+e]) * float64(v[at(z, j, h)+e])
							dv[at(z, j, h)+e] += float64(share[row*steps+j]) * float64(dy[at(z, i, h)+e])
						}
						mean += float64(share[row*steps+j]) * g[j]
					}
					for j := range steps {
						s := float64(scale) * float64(share[row*steps+j]) * (g[j] - mean)
						ds[row*steps+j] = s
						for e := range width {
							dq[at(z, i, h)+e] += s * float64(key[at(z, j, h)+e])
							dk[at(z, j, h)+e] += s * float64(q[at(z, i, h)+e])
						}
					}
				}
				grid := [3]int{steps, heads, b}
				gotS, gotQ, gotK, gotV := out(len(ds)), out(n), out(n), out(n)
				d.run(t, "attention_query", grid, 128, key, v, share, dy, gotS, gotQ, steps, heads, width, scale)
				within(t, "ds", gotS.got, ds, rowTolerance, dy)
				within(t, "dq", gotQ.got, dq, rowTolerance, dy)
				d.run(t, "attention_key", grid, 128, q, share, gotS.got, dy, gotK, gotV, steps, heads, width)
				within(t, "dk", gotK.got, dk, rowTolerance, dy)
				within(t, "dv", gotV.got, dv, rowTolerance, dy)
			})
		}
	})
}

// Two steps whose scores lie near each other: their shares are as exact as an exponential of 2⁻²², a sum and a division are.
func TestAttentionPoolShares(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		const b = 3
		for seed := range uint64(12) {
			score, seen, x := random(200+seed, 2*b), make([]float32, 2*b), make([]float32, 2*b)
			for i := range score {
				score[i], seen[i] = float32(math.Tanh(float64(score[i]))), 1
			}
			gotM, gotY := out(2*b), out(b)
			d.run(t, "attention_pool", [3]int{b, 1, 1}, 128, x, score, seen, gotM, gotY, 2, 1)
			for i, v := range gotM.got {
				if want := softmaxRow(score[i/2*2:i/2*2+2], false)[i%2]; !(math.Abs(float64(v)-want) <= 8e-7*want) {
					t.Errorf("step %d of %v: %v, want %v", i%2, score[i/2*2:i/2*2+2], v, want)
				}
			}
		}
	})
}

func TestAttentionPool(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range [][3]int{{1, 1, 1}, {2, 5, 33}, {3, 33, 32}, {1, 130, 2}, {2, 3, 130}, {2, 70, 3}, {1, 31, 127}} {
			for _, with := range []bool{true, false} {
				t.Run(fmt.Sprint(s, with), func(t *testing.T) {
					b, steps, width := s[0], s[1], s[2]
					x, dy, seen := random(114, b*steps*width), random(115, b*width), mask(b, steps)
					score, scoreArg := optional(with, random(116, b*steps))
					if k == 1 {
						x = odd(114, len(x))
					}
					if steps == 31 {
						x = spiky(114, len(x))
					}
					if steps == 70 && with { // scores far apart, and in the second sequence no number
						for i := range score {
							score[i] *= 100
						}
						score[75] = float32(math.NaN())
						score[3], seen[3] = 900, 1 // a lane of a warp meets the greatest first
					}
					moment, y := make([]float64, b*steps), make([]float64, b*width)
					dx, dscore := make([]float64, len(x)), make([]float64, b*steps)
					for z := range b {
						row := make([]float32, steps)
						for i := range row {
							row[i] = (seen[z*steps+i] - 1) * 1e4
							if with {
								row[i] += score[z*steps+i]
							}
						}
						copy(moment[z*steps:], softmaxRow(row, false))
						g, mean := make([]float64, steps), 0.0
						for i := range steps {
							m := moment[z*steps+i]
							for e := range width {
								v, gy := float64(x[(z*steps+i)*width+e]), float64(dy[z*width+e])
								y[z*width+e] += m * v
								g[i] += gy * v
								dx[(z*steps+i)*width+e] = m * gy
							}
							mean += m * g[i]
						}
						for i := range steps {
							dscore[z*steps+i] = moment[z*steps+i] * (g[i] - mean)
						}
					}
					gotM, gotY, gotX, gotS := out(b*steps), out(b*width), out(len(x)), out(b*steps)
					d.run(t, "attention_pool", [3]int{b, 1, 1}, 128, x, scoreArg, seen, gotM, gotY, steps, width)
					near(t, "moment", gotM.got, moment, rowTolerance)
					within(t, "y", gotY.got, y, rowTolerance, x)
					d.run(t, "attention_pool_backward", [3]int{b, 1, 1}, 128, x, gotM.got, dy, gotX, gotS, steps, width)
					near(t, "dx", gotX.got, dx, rowTolerance)
					within(t, "dscore", gotS.got, dscore, rowTolerance, x)
					gotX = out(len(x))
					d.run(t, "attention_pool_backward", [3]int{b, 1, 1}, 128, x, gotM.got, dy, gotX, nil, steps, width)
					near(t, "dx alone", gotX.got, dx, rowTolerance)
				})
			}
		}
	})
}
