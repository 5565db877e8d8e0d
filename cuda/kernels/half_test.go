package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// halfKinds are the numbers of 16 bits; their place in the list is the kernels' half.
var halfKinds = []string{"bf16", "fp16"}

// halfTolerance is half a unit in the last place, and convTolerance for what was summed before.
var halfTolerance = []float64{1.0/256 + convTolerance, 1.0/2048 + convTolerance}

// toHalf rounds to nearest, ties to even.
func toHalf(kind int, v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return 0x7fff
	}
	if kind == 0 {
		return uint16((bits + 0x7fff + bits>>16&1) >> 16)
	}
	sign := uint16(bits >> 16 & 0x8000)
	a := math.Abs(float64(v))
	switch {
	case a >= 65520:
		return sign | 0x7c00
	case a < 1.0/(1<<14): // below the normal ones: units of 2^-24
		return sign | uint16(math.RoundToEven(a*(1<<24)))
	}
	e := math.Floor(math.Log2(a))
	m := math.RoundToEven(a * math.Pow(2, 10-e)) // 1024 to 2048
	return sign | uint16((int(e)+15)<<10) + uint16(m-1024)
}

func fromHalf(kind int, v uint16) float32 {
	if kind == 0 {
		return math.Float32frombits(uint32(v) << 16)
	}
	sign, e, m := float32(1), int(v>>10&31), float64(v&0x3ff)
	if v&0x8000 != 0 {
		sign = -1
	}
	switch {
	case e == 31 && m > 0:
		return float32(math.NaN())
	case e == 31:
		return sign * inf
	case e == 0:
		return sign * float32(m/(1<<24))
	}
	return sign * float32((1+m/1024)*math.Pow(2, float64(e-15)))
}

// halves are the bits of values, and the values themselves as rounded.
func halves(kind int, v []float32) (bits []uint16, rounded []float32) {
	for _, x := range v {
		b := toHalf(kind, x)
		bits, rounded = append(bits, b), append(rounded, fromHalf(kind, b))
	}
	return bits, rounded
}

// halfOut holds n results of 16 bits.
func halfOut(n int) *result { return out((n + 1) / 2) }

// values reads the results of a buffer of 16 bits.
func (r *result) values(kind, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = fromHalf(kind, uint16(math.Float32bits(r.got[i/2])>>(i%2*16)))
	}
	return v
}

func f64(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

func TestHalfConversions(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for kind, name := range halfKinds {
			for _, n := range []int{2, 510, 512, 514, 1400} {
				for what, fill := range map[string]func(uint64, int) []float32{"plain": random, "spiky": spiky, "odd": odd} {
					x := fill(160, n)
					bits, rounded := halves(kind, x)
					grid := [3]int{ceil(n, 512), 1, 1}
					y := halfOut(n)
					d.run(t, "to_half", grid, 256, x, y, n, kind)
					near(t, fmt.Sprint("to ", name, n, what), y.values(kind, n), f64(rounded), 0)
					back := out(n)
					d.run(t, "from_half", grid, 256, bits, back, n, kind)
					near(t, fmt.Sprint("from ", name, n, what), back.got, f64(rounded), 0)
				}
			}
			for _, s := range [][3]int{{1, 1, 1}, {3, 5, 9}, {16, 8, 4}, {5, 33, 9}, {2, 128, 2}} {
				m, c, taps := s[0], s[1], s[2]
				pad := ceil(c, 8) * 8
				_, w := halves(kind, wild(161, m*c*taps))
				want := make([]float64, m*taps*pad)
				for i, v := range w {
					want[(i/(c*taps)*taps+i%taps)*pad+i/taps%c] = float64(v)
				}
				y := halfOut(len(want))
				d.run(t, "pack_half", [3]int{ceil(len(want), 512), 1, 1}, 256, w, y, len(want), c, pad, taps, kind)
				near(t, fmt.Sprint("pack ", name, s), y.values(kind, len(want)), want, 0)
			}
			for _, s := range [][3]int{{1, 1, 1}, {2, 5, 33}, {1, 32, 32}, {2, 41, 31}, {1, 64, 70}, {1, 5, 128}, {3, 9, 43}, {1, 8, 127}, {2, 2, 3}, {2, 3, 3}, {2, 4, 3}, {2, 6, 3}, {2, 7, 3}} {
				n, c, area := s[0], s[1], s[2]
				pad := ceil(c, 8) * 8
				bits, x := halves(kind, wild(162, n*c*area))
				_ = bits
				last := make([]float32, n*area*pad)
				for i, v := range x {
					last[(i/(c*area)*area+i%area)*pad+i/area%c] = v
				}
				y := halfOut(len(last))
				grid := [3]int{ceil(area, 32), ceil(pad, 32), n}
				d.run(t, "last_half", [3]int{ceil(n*area, 128), pad / 8, 1}, 128, x, y, n*area, c, pad, area, kind)
				near(t, fmt.Sprint("last ", name, s), y.values(kind, len(last)), f64(last), 0)
				lastBits, _ := halves(kind, last)
				back := out(len(x))
				d.run(t, "first_float", grid, 256, lastBits, back, c, pad, area, kind)
				near(t, fmt.Sprint("first ", name, s), back.got, f64(x), 0)
				mean, wantMean := out(n*pad), make([]float64, n*pad)
				for i, v := range last {
					wantMean[i/(area*pad)*pad+i%pad] += float64(v) / float64(area)
				}
				d.run(t, "pool_half", [3]int{ceil(pad, 64), n, 1}, 128, lastBits, mean, pad, area, kind)
				within(t, fmt.Sprint("pool ", name, s), mean.got, wantMean, 1e-6, last)
			}
		}
	})
}

// turned is the transpose of (rows, columns).
func turned(v []float32, rows, columns int) []float32 {
	w := make([]float32, len(v))
	for i, x := range v {
		w[i%columns*rows+i/columns] = x
	}
	return w
}

// foursApart turns (taps, c) into (taps, 2, c/8, 4).
func foursApart(v []float32, c int) []float32 {
	w := make([]float32, len(v))
	for i, x := range v {
		k := i % c
		w[i-k+k%8/4*c/2+k/8*4+k%4] = x
	}
	return w
}

func TestGEMMHalf(t *testing.T) {
	type shape struct{ m, n, k, batch, split int }
	onEach(t, func(t *testing.T, d *dev) {
		for kind, name := range halfKinds {
			for _, layout := range []string{"nt", "nn", "tn"} {
				for v, s := range []shape{{8, 8, 8, 1, 1}, {128, 64, 32, 1, 1}, {136, 72, 104, 1, 1}, {120, 56, 24, 3, 1}, {16, 24, 232, 1, 4}, {200, 132, 72, 1, 1}, {264, 136, 40, 1, 1}, {1, 4, 8, 2, 1}, {8, 8, 4, 1, 1}, {127, 64, 32, 1, 1}, {129, 64, 32, 1, 1}} {
					if s.k == 4 && layout != "tn" {
						continue // rows of 16 bytes at the least; turned, the sum has one part
					}
					if layout != "nt" {
						s.n = ceil(s.n, 8) * 8
					}
					if layout == "tn" {
						s.m, s.k = ceil(s.m, 8)*8, s.k-3 // the sum may have any length
					}
					t.Run(fmt.Sprint(name, layout, s), func(t *testing.T) { gemmHalf(t, d, kind, layout, v, s.m, s.n, s.k, s.batch, s.split) })
				}
			}
		}
	})
}

// gemmHalf tries one product; split parts of the sum are made one by one and added up.
func gemmHalf(t *testing.T, d *dev, kind int, layout string, variant, m, n, k, batch, split int) {
	t.Helper()
	fill := random
	if variant == 2 {
		fill = odd
	}
	if variant == 1 {
		fill = spiky // its results are fp32
	}
	aBits, a := halves(kind, fill(170, batch*m*k))
	bBits, b := halves(kind, random(171, k*n)) // one for the whole batch
	bias, biasArg := optional(variant%2 == 1 || variant == 6, random(172, n))
	resBits, res := halves(kind, random(173, batch*m*n))
	lo, hi, alpha := -inf, inf, float32(1)
	if variant == 3 {
		lo, hi, alpha = -2, 3, .5
	}
	if variant == 6 { // 16 bits out
		alpha = .5
	}
	wide := variant % 2
	var residual any
	switch variant {
	case 3:
		residual = res
	case 4, 6:
		residual = resBits
	}
	if variant == 4 {
		if wide, residual = 1, res; layout == "tn" { // made in parts
			residual = nil
		}
	}
	if layout == "tn" { // lies as (k, m), one matrix after the other
		for z := range batch {
			copy(aBits[z*m*k:], turnedBits(aBits[z*m*k:(z+1)*m*k], m, k))
		}
	}
	if layout == "nt" {
		bBits = turnedBits(bBits, k, n)
	}
	want := make([]float64, batch*m*n)
	for i := range want {
		z, r, j, sum := i/(m*n), i/n%m, i%n, 0.0
		for q := range k {
			sum += float64(a[(z*m+r)*k+q]) * float64(b[q*n+j])
		}
		sum *= float64(alpha)
		if bias != nil {
			sum += float64(bias[j])
		}
		if residual != nil {
			sum += float64(res[i])
		}
		want[i] = cut(sum, float64(lo), float64(hi))
	}
	parts, per, stepA, stepB := batch, k, m*k, 0
	if split > 1 && layout != "tn" {
		split = 1 // rows of a part would not be whole: only turned sides are split
	}
	if split > 1 {
		per = ceil(ceil(k, split), 8) * 8
		parts = ceil(k, per)
		stepA, stepB = per*m, per*n
	}
	y := halfOut(parts * m * n)
	if wide == 1 {
		y = out(parts * m * n)
	}
	d.run(t, fmt.Sprintf("gemm_%s_%s", halfKinds[kind], layout), [3]int{ceil(n, 64), ceil(m, 128), parts}, 256, aBits, bBits, biasArg, residual, y, m, n, per, stepA, stepB, m*n, batch*k, alpha, lo, hi, wide)
	if split > 1 {
		sum := out(m * n)
		d.run(t, "fold", [3]int{ceil(m*n, 32), 1, 1}, 256, y.got, sum, parts, m*n, parts, 0)
		near(t, "c of parts", sum.got, want, 5e-5)
		return
	}
	if wide == 1 {
		within(t, "c", y.got, want, 5e-5, a)
		return
	}
	near(t, "c", y.values(kind, len(want)), want, halfTolerance[kind])
}

// Where all ends within a part's rows, the part sums as far as that: with rows that lie along the sum, too.
func TestGEMMHalfRest(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		const m, n, k, parts, all = 9, 16, 40, 3, 40 + 40 + 24
		for kind, name := range halfKinds {
			for _, layout := range []string{"nt", "nn"} {
				aBits, a := halves(kind, random(175, parts*m*k))
				bBits, b := halves(kind, random(176, k*n))
				want := make([]float64, parts*m*n)
				for i := range want {
					z, r, j := i/(m*n), i/n%m, i%n
					for q := range min(k, all-z*k) {
						want[i] += float64(a[(z*m+r)*k+q]) * float64(b[q*n+j])
					}
				}
				if layout == "nt" {
					bBits = turnedBits(bBits, k, n)
				}
				y := out(len(want))
				d.run(t, "gemm_"+name+"_"+layout, [3]int{1, 1, parts}, 256, aBits, bBits, nil, nil, y, m, n, k, m*k, 0, m*n, all, float32(1), -inf, inf, 1)
				within(t, name+" "+layout, y.got, want, 5e-5, a)
			}
		}
	})
}

// A sum of nothing is the bias.
func TestGEMMHalfOfNothing(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, name := range halfKinds {
			for _, layout := range []string{"nt", "nn", "tn"} {
				bias, y, want := random(174, 8), out(16), make([]float64, 16)
				for i := range want {
					want[i] = float64(bias[i%8])
				}
				d.run(t, "gemm_"+name+"_"+layout, [3]int{1, 1, 1}, 256, nil, nil, bias, nil, y, 2, 8, 0, 0, 0, 0, 0, float32(1), -inf, inf, 1)
				near(t, layout, y.got, want, 0)
			}
		}
	})
}

func turnedBits(v []uint16, rows, columns int) []uint16 {
	w := make([]uint16, len(v))
	for i, x := range v {
		w[i%columns*rows+i/columns] = x
	}
	return w
}

// channelsLast turns (n, c, area) into (n, area, pad).
func channelsLast(v []float32, n, c, area, pad int) []float32 {
	w := make([]float32, n*area*pad)
	for i, x := range v {
		w[(i/(c*area)*area+i%area)*pad+i/area%c] = x
	}
	return w
}

func TestConvHalf(t *testing.T) {
	wide := convShape{n: 2, cin: 5, h: 9, w: 7, groups: 1, m: 20, kh: 3, kw: 3, sh: 1, sw: 1, dh: 1, dw: 1, top: 1, left: 1, bottom: 1, right: 1, bias: true, lo: -inf, hi: inf}
	change := func(f func(s *convShape)) convShape { s := wide; f(&s); return s }
	point := func(n, cin, h, w, m int) convShape {
		return change(func(s *convShape) {
			s.n, s.cin, s.h, s.w, s.m, s.kh, s.kw, s.top, s.left, s.bottom, s.right = n, cin, h, w, m, 1, 1, 0, 0, 0, 0
		})
	}
	shapes := []convShape{
		wide,
		change(func(s *convShape) { s.residual, s.lo, s.hi = true, -.5, 1 }),
		point(1, 1, 1, 1, 4),
		change(func(s *convShape) { s.sh, s.sw, s.kw, s.left, s.right, s.bias = 2, 3, 5, 2, 2, false }),
		change(func(s *convShape) { s.dh, s.dw, s.top, s.bottom, s.left, s.right = 2, 3, 2, 2, 0, 3 }),
		change(func(s *convShape) { s.n, s.cin, s.h, s.w, s.m = 1, 16, 8, 32, 64 }), // whole tiles
		point(1, 72, 5, 13, 68),
		point(2, 40, 11, 13, 32),
		change(func(s *convShape) { s.n, s.h, s.w, s.m, s.lo, s.hi = 1, 7, 9, 32, -6e4, 6e4 }), // spiky
	}
	onEach(t, func(t *testing.T, d *dev) {
		for kind, name := range halfKinds {
			for _, columns := range []int{32, 64} {
				for i, s := range shapes {
					t.Run(fmt.Sprint(name, columns, " ", s), func(t *testing.T) {
						oh, ow := s.size()
						pad, pixels := ceil(s.cin, 8)*8, s.n*oh*ow
						fill := random
						if i == 4 {
							fill = odd
						}
						if i == 8 {
							fill = spiky
						}
						_, x := halves(kind, fill(180, s.n*s.cin*s.h*s.w))
						_, w := halves(kind, random(181, s.m*s.cin*s.kh*s.kw))
						_, res := halves(kind, random(182, pixels*s.m))
						bias, biasArg := optional(s.bias, random(183, s.m))
						var residual []float32
						if s.residual {
							residual = res
						}
						want := channelsLast64(s.reference(x, w, bias, residual), s.n, s.m, oh*ow)
						size := channelsLast64(s.sizes(x, w, bias, residual), s.n, s.m, oh*ow)
						xBits, _ := halves(kind, channelsLast(x, s.n, s.cin, s.h*s.w, pad))
						wBits, _ := halves(kind, channelsLast(w, s.m, s.cin, s.kh*s.kw, pad))
						resLast := channelsLast(res, s.n, s.m, oh*ow, s.m)
						for out32 := range 2 {
							var resArg any
							if s.residual {
								if resArg = resLast; out32 == 0 {
									resArg, _ = halves(kind, resLast)
								}
							}
							y := halfOut(len(want))
							if out32 == 1 {
								y = out(len(want))
							}
							d.run(t, fmt.Sprintf("conv_%s_%d", name, columns), [3]int{ceil(s.m, columns), ceil(pixels, 128), 1}, 256, xBits, wBits, biasArg, resArg, y, s.m, pixels, s.h, s.w, pad, oh, ow,
								s.kh, s.kw, s.sh, s.sw, s.dh, s.dw, s.top, s.left, s.lo, s.hi, out32)
							if out32 == 1 {
								nearSum(t, "y", y.got, want, size, 2e-5)
							} else {
								nearSum(t, "y of 16 bits", y.values(kind, len(want)), want, size, halfTolerance[kind])
							}
						}
					})
				}
			}
		}
	})
}

func channelsLast64(v []float64, n, c, area int) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[(i/(c*area)*area+i%area)*c+i/area%c] = x
	}
	return w
}

func TestDepthwiseHalf(t *testing.T) {
	base := convShape{n: 2, cin: 8, h: 7, w: 9, groups: 8, m: 1, kh: 3, kw: 3, sh: 1, sw: 1, dh: 1, dw: 1, top: 1, left: 1, bottom: 1, right: 1, bias: true, lo: -inf, hi: inf}
	change := func(f func(s *convShape)) convShape { s := base; f(&s); return s }
	onEach(t, func(t *testing.T, d *dev) {
		for kind, name := range halfKinds {
			for i, s := range []convShape{
				base,
				change(func(s *convShape) { s.sh, s.sw, s.lo, s.hi = 2, 2, 0, 6 }),
				change(func(s *convShape) { s.n, s.h, s.w, s.lo, s.hi = 1, 8, 16, -6e4, 6e4 }), // one whole block
				change(func(s *convShape) { s.n, s.h, s.w = 1, 1, 127 }),
				change(func(s *convShape) { s.n, s.h, s.w = 1, 3, 43 }),
				change(func(s *convShape) { s.cin, s.groups, s.bias = 24, 24, false }),
				change(func(s *convShape) { s.n, s.h, s.w = 1, 1, 1 }),
				change(func(s *convShape) { s.kh, s.kw, s.top, s.left, s.bottom, s.right, s.sw = 5, 2, 2, 0, 2, 1, 3 }),
				change(func(s *convShape) { s.n, s.h, s.w, s.top, s.left, s.bottom, s.right = 2, 4, 5, 3, 3, 3, 3 }), // every tap meets every edge
				change(func(s *convShape) { s.cin, s.groups, s.n, s.h, s.w, s.sh, s.sw = 16, 16, 3, 2, 43, 1, 2 }),   // 129 and 127 pairs of outputs
				change(func(s *convShape) { s.n, s.h, s.w, s.sw = 1, 127, 3, 2 }),
				change(func(s *convShape) { s.h, s.w, s.top, s.left, s.bottom, s.right = 3, 6, 3, 3, 3, 4 }),
				change(func(s *convShape) { s.h, s.w, s.top, s.left, s.bottom, s.right, s.sw = 3, 5, 3, 3, 3, 6, 2 }),
				change(func(s *convShape) { s.h, s.w, s.top, s.left, s.bottom, s.right, s.sw = 3, 6, 3, 3, 3, 6, 2 }),
				change(func(s *convShape) { s.h, s.w, s.top, s.left, s.bottom, s.right, s.sw = 3, 6, 3, 4, 3, 6, 2 }),
				change(func(s *convShape) { s.h, s.w, s.top, s.left, s.bottom, s.right, s.sw = 3, 5, 3, 4, 3, 6, 2 }),
			} {
				t.Run(fmt.Sprint(name, s), func(t *testing.T) {
					oh, ow := s.size()
					fill := random
					if i == 5 {
						fill = odd
					}
					if i == 2 {
						fill = spiky
					}
					_, x := halves(kind, fill(190, s.n*s.cin*s.h*s.w))
					w := random(191, s.cin*s.kh*s.kw)
					bias, biasArg := optional(s.bias, random(192, s.cin))
					want := channelsLast64(s.reference(x, w, bias, nil), s.n, s.cin, oh*ow)
					bits, _ := halves(kind, channelsLast(x, s.n, s.cin, s.h*s.w, s.cin))
					y := halfOut(len(want))
					packed := foursApart(turned(w, s.cin, s.kh*s.kw), s.cin)
					d.run(t, "depthwise_"+name, [3]int{ceil(len(want)/8, 128), 1, 1}, 128, bits, packed, biasArg, y, len(want)/8, s.cin/8, s.h, s.w, oh, ow, s.kh, s.kw, s.sh, s.sw,
						s.top, s.left, s.lo, s.hi)
					size := channelsLast64(s.sizes(x, w, bias, nil), s.n, s.cin, oh*ow)
					nearSum(t, "y", y.values(kind, len(want)), want, size, halfTolerance[kind])
					if s.kh != 3 || s.kw != 3 {
						return
					}
					y = halfOut(len(want))
					total := s.n * oh * ceil(ow, 2) * s.cin / 8
					d.run(t, "depthwise_"+name+"_3x3", [3]int{ceil(total, 128), 1, 1}, 128, bits, packed, biasArg, y, total, s.cin/8, s.h, s.w, oh, ow, s.sh, s.sw, s.top, s.left, s.lo, s.hi)
					nearSum(t, "y of 3x3", y.values(kind, len(want)), want, size, halfTolerance[kind])
				})
			}
		}
	})
}

// A product halfway between two numbers of 16 bits goes to the even one, 1: nothing of the channel beside it may stick to it.
func TestDepthwiseHalfway(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for kind, step := range []float32{1. / 128, 1. / 1024} { // between 1 and the next number
			x, w, ones := make([]uint16, 8), make([]float32, 8), make([]float64, 8)
			for i := range x {
				if x[i] = toHalf(kind, 1); i%2 == 0 {
					x[i]++ // the lowest bit set
				}
				w[i], ones[i] = 1+step/2, 1
				if i%2 == 0 {
					w[i] = 1 / (1 + step)
				}
			}
			y := halfOut(8)
			d.run(t, "depthwise_"+halfKinds[kind], [3]int{1, 1, 1}, 128, x, w, nil, y, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, -inf, inf)
			near(t, halfKinds[kind], y.values(kind, 8), ones, 0)
			for sw := 1; sw <= 2; sw++ { // of 3 x 3, each place where the one pixel can lie in what two outputs see
				for place := range 3 * (3 + sw) {
					top, left := place/(3+sw), place%(3+sw)
					weights, want := make([]float32, 9*8), make([]float64, 2*8)
					for b := range 3 {
						copy(weights[(top*3+b)*8:], w)
					}
					for o := range 2 {
						if b := left - o*sw; b >= 0 && b < 3 {
							copy(want[o*8:], ones)
						}
					}
					y := halfOut(2 * 8)
					d.run(t, "depthwise_"+halfKinds[kind]+"_3x3", [3]int{1, 1, 1}, 128, x, weights, nil, y, 1, 1, 1, 1, 1, 2, 1, sw, top, left, -inf, inf)
					near(t, fmt.Sprint(halfKinds[kind], " 3x3 ", sw, top, left), y.values(kind, 2*8), want, 0)
				}
			}
		}
	})
}

// The test's own rounding against the definition, for every number of 16 bits and those between two.
func TestHalfOfTheTest(t *testing.T) {
	for kind := range halfKinds {
		var last float32 = -1
		for b := range 0x7c00 + 1 { // up to infinity
			if kind == 0 && b > 0x7f80 {
				break
			}
			v := fromHalf(kind, uint16(b))
			if toHalf(kind, v) != uint16(b) || v <= last {
				t.Fatalf("%s %#x is %v, and that rounds to %#x; the one before is %v", halfKinds[kind], b, v, toHalf(kind, v), last)
			}
			if last >= 0 && v != inf {
				if middle := last + (v-last)/2; toHalf(kind, middle) != uint16(b)&^1 {
					t.Fatalf("%s: the middle of %v and %v rounds to %#x", halfKinds[kind], last, v, toHalf(kind, middle))
				}
			}
			last = v
		}
	}
	if !slices.Equal([]uint16{toHalf(1, float32(math.Inf(-1))), toHalf(1, 65520), toHalf(1, 65519)}, []uint16{0xfc00, 0x7c00, 0x7bff}) {
		t.Fatal("the greatest numbers of fp16")
	}
}
