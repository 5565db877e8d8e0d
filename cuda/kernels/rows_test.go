package kernels

import (
	"fmt"
	"math"
	"testing"
)

// The shapes that kernels with a warp a row are tried on: sizes below, at and above a
// warp, rows below, at and above a block.
var rowShapes = [][2]int{{1, 1}, {4, 31}, {5, 32}, {3, 33}, {9, 70}, {2, 257}}

// rowTolerance: float32 sums of some hundred parts, and exp to two units in the last place.
const rowTolerance = 1e-5

func softmaxRow(row []float32, logarithm bool) []float64 {
	most, sum := math.Inf(-1), 0.0
	for _, v := range row {
		most = math.Max(most, float64(v))
	}
	for _, v := range row {
		sum += math.Exp(float64(v) - most)
	}
	y := make([]float64, len(row))
	for i, v := range row {
		if y[i] = float64(v) - most - math.Log(sum); !logarithm {
			y[i] = math.Exp(float64(v)-most) / sum
		}
	}
	return y
}

func TestSoftmax(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range rowShapes {
			for logarithm := range 2 {
				for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "spiky": spiky, "odd": odd} {
					t.Run(fmt.Sprint(s, logarithm, kind), func(t *testing.T) {
						x, y := fill(21, s[0]*s[1]), out(s[0]*s[1])
						var want []float64
						for r := range s[0] {
							want = append(want, softmaxRow(x[r*s[1]:(r+1)*s[1]], logarithm == 1)...)
						}
						d.run(t, "softmax", [3]int{ceil(s[0], 4), 1, 1}, 128, x, y, s[0], s[1], logarithm)
						near(t, "y", y.got, want, rowTolerance)
					})
				}
			}
		}
	})
}

func TestLayerNorm(t *testing.T) {
	const epsilon = 1e-5
	onEach(t, func(t *testing.T, d *dev) {
		for i, s := range rowShapes {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				rows, n := s[0], s[1]
				x, scale := random(22, rows*n), random(23, n)
				if i == 4 {
					x = odd(22, rows*n)
				}
				if i == 5 {
					x = spiky(22, rows*n)
				}
				for k := range x {
					x[k] += 3 // a mean that a one-pass variance would suffer from
				}
				shift, shiftArg := optional(i%2 == 0, random(24, n))
				var want, means, inverses []float64
				for r := range rows {
					var mean, variance float64
					for _, v := range x[r*n : (r+1)*n] {
						mean += float64(v) / float64(n)
					}
					for _, v := range x[r*n : (r+1)*n] {
						variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
					}
					inverse := 1 / math.Sqrt(variance+epsilon)
					means, inverses = append(means, mean), append(inverses, inverse)
					for k, v := range x[r*n : (r+1)*n] {
						y := (float64(v) - mean) * inverse * float64(scale[k])
						if shift != nil {
							y += float64(shift[k])
						}
						want = append(want, y)
					}
				}
				y, m, inv := out(rows*n), out(rows), out(rows)
				grid := [3]int{ceil(rows, 4), 1, 1}
				d.run(t, "layer_norm", grid, 128, x, scale, shiftArg, y, m, inv, rows, n, float32(epsilon))
				near(t, "y", y.got, want, 1e-4) // one value a row has variance 0: its inverse is 316
				near(t, "means", m.got, means, rowTolerance)
				near(t, "inverses", inv.got, inverses, 1e-4)
				y = out(rows * n)
				d.run(t, "layer_norm", grid, 128, x, scale, shiftArg, y, nil, nil, rows, n, float32(epsilon))
				near(t, "y alone", y.got, want, 1e-4)
			})
		}
	})
}

func TestReduce(t *testing.T) {
	reduce := func(x []float32, outer, n, inner, op int) []float64 {
		want := make([]float64, outer*inner)
		for i := range want {
			v := []float64{0, 0, math.Inf(-1), math.Inf(1)}[op]
			for k := range n {
				e := float64(x[(i/inner*n+k)*inner+i%inner])
				switch {
				case op < 2 || v != v || e != e: // Go's Max(Inf, NaN) is Inf; the kernels keep NaN
					v += e
				case op == 2:
					v = math.Max(v, e)
				default:
					v = math.Min(v, e)
				}
			}
			if op == 1 {
				v /= float64(n)
			}
			want[i] = v
		}
		return want
	}
	onEach(t, func(t *testing.T, d *dev) {
		for op := range 4 {
			for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
				for _, s := range rowShapes {
					t.Run(fmt.Sprint("rows", op, kind, s), func(t *testing.T) {
						x, y := fill(25, s[0]*s[1]), out(s[0])
						d.run(t, "reduce_rows", [3]int{ceil(s[0], 4), 1, 1}, 128, x, y, s[0], s[1], op)
						within(t, "y", y.got, reduce(x, s[0], s[1], 1, op), rowTolerance, x)
						if op == 1 {
							y = out(s[0])
							d.run(t, "global_pool", [3]int{ceil(s[0], 4), 1, 1}, 128, x, y, s[0], s[1])
							within(t, "global_pool", y.got, reduce(x, s[0], s[1], 1, op), rowTolerance, x)
						}
					})
				}
				for _, s := range [][3]int{{1, 1, 1}, {2, 7, 127}, {3, 2, 128}, {2, 5, 129}} {
					t.Run(fmt.Sprint("axis", op, kind, s), func(t *testing.T) {
						x, y := fill(26, s[0]*s[1]*s[2]), out(s[0]*s[2])
						d.run(t, "reduce", [3]int{s[0], ceil(s[2], 128), 1}, 128, x, y, s[1], s[2], op)
						within(t, "y", y.got, reduce(x, s[0], s[1], s[2], op), rowTolerance, x)
					})
				}
			}
		}
	})
}

// attention is the plain loop; it gives the shares, too.
func attention(q, k, v, seen []float32, b, steps, heads, d int, scale float64) (y, share []float64) {
	y, share = make([]float64, len(q)), make([]float64, b*heads*steps*steps)
	at := func(z, i, h int) int { return ((z*steps+i)*heads + h) * d }
	for z := range b {
		for h := range heads {
			for i := range steps {
				row := make([]float32, steps)
				for j := range row {
					dot := 0.0
					for e := range d {
						dot += float64(q[at(z, i, h)+e]) * float64(k[at(z, j, h)+e])
					}
					row[j] = float32(scale*dot + (float64(seen[z*steps+j])-1)*1e4)
				}
				for j, s := range softmaxRow(row, false) {
					share[((z*heads+h)*steps+i)*steps+j] = s
					for e := range d {
						y[at(z, i, h)+e] += s * float64(v[at(z, j, h)+e])
					}
				}
			}
		}
	}
	return y, share
}

// mask hides some steps, and all of the last sequence.
func mask(b, steps int) []float32 {
	seen := make([]float32, b*steps)
	for i := range seen {
		if i%3 != 1 && (i/steps != b-1 || b == 1) {
			seen[i] = 1
		}
	}
	return seen
}

func TestAttention(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range [][4]int{{1, 1, 1, 1}, {2, 5, 2, 3}, {1, 33, 1, 32}, {2, 7, 3, 33}, {1, 130, 1, 2}, {1, 2, 1, 130}, {1, 70, 1, 5}, {1, 31, 1, 31}} {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				b, steps, heads, width := s[0], s[1], s[2], s[3]
				n := b * steps * heads * width
				q, k, v, seen := random(27, n), random(28, n), random(29, n), mask(b, steps)
				if steps == 70 { // scores far apart, which only the greatest keeps from overflow; and no number
					for i := range q {
						q[i] *= 60
					}
					q[12], q[20] = float32(math.NaN()), inf
					v = spiky(29, n)
				}
				scale := float32(1 / math.Sqrt(float64(width)))
				want, wantShare := attention(q, k, v, seen, b, steps, heads, width, float64(scale))
				share, y := out(len(wantShare)), out(n)
				d.run(t, "attention", [3]int{steps, heads, b}, 128, q, k, v, seen, share, y, steps, heads, width, scale)
				near(t, "share", share.got, wantShare, rowTolerance)
				// where all are hidden, scores near -10⁴ are known to 10⁻³ only
				tolerance := rowTolerance
				if b > 1 {
					tolerance = 2e-3
				}
				within(t, "y", y.got, want, tolerance, v)
			})
		}
	})
}
