package kernels

import (
	"fmt"
	"math"
	"testing"
)

// convShape is a convolution's geometry.
type convShape struct {
	n, cin, h, w, groups, m, kh, kw, sh, sw, dh, dw, top, left, bottom, right int
	bias, residual                                                            bool
	lo, hi                                                                    float32
}

func (s convShape) String() string {
	return fmt.Sprintf("%dx%dx%dx%d to %dx%d by %dx%d step %dx%d", s.n, s.cin, s.h, s.w, s.groups, s.m, s.kh, s.kw, s.sh, s.sw)
}

func (s convShape) size() (oh, ow int) {
	return (s.h+s.top+s.bottom-(s.kh-1)*s.dh-1)/s.sh + 1, (s.w+s.left+s.right-(s.kw-1)*s.dw-1)/s.sw + 1
}

// reference is the plain loop; nil bias and residual are none.
func (s convShape) reference(x, w, bias, residual []float32) []float64 {
	oh, ow := s.size()
	cg, cout := s.cin/s.groups, s.m*s.groups
	y := make([]float64, s.n*cout*oh*ow)
	for i := range y {
		j, k, o, n := i%ow, i/ow%oh, i/(ow*oh)%cout, i/(ow*oh*cout)
		sum := 0.0
		for c := range cg {
			for a := range s.kh {
				for b := range s.kw {
					r, q := k*s.sh-s.top+a*s.dh, j*s.sw-s.left+b*s.dw
					if r >= 0 && r < s.h && q >= 0 && q < s.w {
						sum += float64(w[((o*cg+c)*s.kh+a)*s.kw+b]) * float64(x[((n*s.cin+o/s.m*cg+c)*s.h+r)*s.w+q])
					}
				}
			}
		}
		if bias != nil {
			sum += float64(bias[o])
		}
		if residual != nil {
			sum += float64(residual[i])
		}
		y[i] = cut(sum, float64(s.lo), float64(s.hi))
	}
	return y
}

// pack lays weights out as the tiles want them.
func pack(w []float32, groups, m, k, mpad, kpad int) []float32 {
	to := make([]float32, groups*kpad*mpad)
	for g := range groups {
		for o := range m {
			for i := range k {
				to[(g*kpad+i)*mpad+o] = w[(g*m+o)*k+i]
			}
		}
	}
	return to
}

func optional(on bool, v []float32) ([]float32, any) {
	if !on {
		return nil, nil
	}
	return v, v
}

// Sums of K products in another order and in float32: K · 6e-8 of the size of the sum's
// parts. 2e-5 leaves room for K of some hundred.
const convTolerance = 2e-5

func TestConv(t *testing.T) {
	wide := convShape{n: 2, cin: 5, h: 9, w: 7, groups: 1, m: 17, kh: 3, kw: 3, sh: 1, sw: 1, dh: 1, dw: 1, top: 1, left: 1, bottom: 1, right: 1, bias: true, lo: -inf, hi: inf}
	change := func(f func(s *convShape)) convShape { s := wide; f(&s); return s }
	shapes := []convShape{
		wide,
		change(func(s *convShape) { s.residual, s.lo, s.hi = true, -.5, 1 }),
		change(func(s *convShape) {
			s.n, s.cin, s.h, s.w, s.m, s.kh, s.kw, s.top, s.left, s.bottom, s.right = 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0
		}),
		change(func(s *convShape) { s.sh, s.sw, s.kw, s.left, s.right, s.bias = 2, 3, 5, 2, 2, false }),
		change(func(s *convShape) { s.dh, s.dw, s.top, s.bottom, s.left, s.right = 2, 3, 2, 2, 0, 3 }),
		change(func(s *convShape) { s.groups, s.cin, s.m, s.residual = 3, 6, 5, true }),
		change(func(s *convShape) { s.n, s.cin, s.h, s.w, s.m = 1, 16, 8, 32, 16 }), // whole tiles of every width
		// K of 144: each of a tile's 16 rows meets each tap, at every edge of the picture and in the second group, too
		change(func(s *convShape) { s.n, s.groups, s.cin, s.h, s.w, s.m, s.residual = 2, 2, 32, 5, 6, 5, true }),
		change(func(s *convShape) {
			s.n, s.cin, s.h, s.w, s.m, s.kh, s.kw, s.top, s.left, s.bottom, s.right = 1, 33, 5, 13, 65, 1, 1, 0, 0, 0, 0
		}),
		change(func(s *convShape) {
			s.n, s.cin, s.h, s.w, s.m, s.kh, s.kw, s.top, s.left, s.bottom, s.right = 3, 2, 15, 19, 4, 2, 2, 0, 0, 0, 0
		}),
	}
	onEach(t, func(t *testing.T, d *dev) {
		for _, rows := range []int{16, 32, 64} {
			for _, s := range shapes {
				t.Run(fmt.Sprint(rows, " rows ", s), func(t *testing.T) {
					for _, make := range []func(uint64, int) []float32{random, odd, spiky} {
						x, w := make(1, s.n*s.cin*s.h*s.w), random(2, s.groups*s.m*s.cin/s.groups*s.kh*s.kw)
						runConv(t, d, rows, s, x, w)
					}
				})
			}
		}
	})
}

func runConv(t *testing.T, d *dev, rows int, s convShape, x, w []float32) {
	t.Helper()
	oh, ow := s.size()
	cg := s.cin / s.groups
	k := cg * s.kh * s.kw
	kpad, mpad := ceil(k, 16)*16, ceil(s.m, rows)*rows
	var taps []int32
	for c := range cg {
		for a := range s.kh {
			for b := range s.kw {
				taps = append(taps, int32((c*s.h+a*s.dh)*s.w+b*s.dw), int32(a*s.dh<<16|b*s.dw))
			}
		}
	}
	for len(taps) < 2*kpad {
		taps = append(taps, 0, 1<<30)
	}
	pixels := s.n * oh * ow
	bias, biasArg := optional(s.bias, random(3, s.groups*s.m))
	residual, residualArg := optional(s.residual, random(4, pixels*s.m*s.groups))
	y := out(pixels * s.m * s.groups)
	d.run(t, fmt.Sprintf("conv_%d", rows), [3]int{ceil(pixels, 4096/rows), mpad / rows, s.groups}, 256, x, pack(w, s.groups, s.m, k, mpad, kpad), taps, biasArg, residualArg, y,
		s.m, mpad, kpad, pixels, oh*ow, ow, s.cin*s.h*s.w, cg*s.h*s.w, s.h, s.w, s.sh, s.sw, s.top, s.left, s.lo, s.hi)
	nearSum(t, "y", y.got, s.reference(x, w, bias, residual), s.sizes(x, w, bias, residual), convTolerance)
}

// sizes are the sums of the parts' sizes: what cancels in a sum keeps the error of what it was.
func (s convShape) sizes(x, w, bias, residual []float32) []float64 {
	s.lo, s.hi = -inf, inf
	return s.reference(sizesOf(x), sizesOf(w), sizesOf(bias), sizesOf(residual))
}

func sizesOf(v []float32) []float32 {
	if v == nil {
		return nil
	}
	a := make([]float32, len(v))
	for i, x := range v {
		a[i] = float32(math.Abs(float64(x)))
	}
	return a
}

func TestPointwise(t *testing.T) {
	type shape struct{ n, k, m, area int }
	onEach(t, func(t *testing.T, d *dev) {
		for _, rows := range []int{16, 32, 64} {
			for _, s := range []shape{{1, 1, 1, 4}, {2, 15, 17, 36}, {1, 16, 16, 256}, {3, 17, 33, 20}, {1, 35, 66, 68}, {2, 48, 64, 128}, {1, 5, 31, 8}, {1, 5, 63, 8}, {1, 5, 65, 8}} {
				for variant := range 5 {
					t.Run(fmt.Sprint(rows, s, variant), func(t *testing.T) {
						c := convShape{n: s.n, cin: s.k, h: 1, w: s.area, groups: 1, m: s.m, kh: 1, kw: 1, sh: 1, sw: 1, dh: 1, dw: 1, lo: -inf, hi: inf}
						x := random(5, s.n*s.k*s.area)
						if variant == 1 {
							x = odd(5, len(x))
						}
						if variant == 2 {
							c.lo, c.hi = 0, .5
						}
						if variant == 4 {
							x = spiky(5, len(x))
						}
						w := random(6, s.m*s.k)
						bias, biasArg := optional(variant > 0, random(7, s.m))
						residual, residualArg := optional(variant > 1, random(8, s.n*s.m*s.area))
						kpad, mpad := ceil(s.k, 16)*16, ceil(s.m, rows)*rows
						y := out(s.n * s.m * s.area)
						d.run(t, fmt.Sprintf("pointwise_%d", rows), [3]int{ceil(s.n*s.area, 4096/rows), mpad / rows, 1}, 256, x, pack(w, 1, s.m, s.k, mpad, kpad), biasArg, residualArg, y,
							s.m, mpad, s.k, kpad, s.n*s.area, s.area, c.lo, c.hi)
						nearSum(t, "y", y.got, c.reference(x, w, bias, residual), c.sizes(x, w, bias, residual), convTolerance)
					})
				}
			}
		}
	})
}

func TestDepthwise(t *testing.T) {
	base := convShape{n: 2, cin: 3, h: 7, w: 9, groups: 3, m: 1, kh: 3, kw: 3, sh: 1, sw: 1, dh: 1, dw: 1, top: 1, left: 1, bottom: 1, right: 1, bias: true, lo: -inf, hi: inf}
	change := func(f func(s *convShape)) convShape { s := base; f(&s); return s }
	shapes := []convShape{
		base,
		change(func(s *convShape) { s.sh, s.sw, s.lo, s.hi = 2, 2, 0, 6 }),
		change(func(s *convShape) { s.bias, s.top, s.left, s.bottom, s.right = false, 0, 0, 0, 0 }),
		change(func(s *convShape) { s.n, s.cin, s.groups, s.h, s.w = 1, 1, 1, 1, 1 }),
		change(func(s *convShape) { s.n, s.h, s.w = 1, 12, 11 }), // more than a block
		change(func(s *convShape) { s.n, s.h, s.w = 1, 1, 127 }),
		change(func(s *convShape) { s.n, s.h, s.w = 1, 3, 43 }),
		change(func(s *convShape) { s.n, s.h, s.w, s.sh, s.sw, s.top, s.left = 1, 8, 16, 1, 2, 0, 2 }),
		change(func(s *convShape) { s.kh, s.kw, s.top, s.left, s.bottom, s.right, s.lo, s.hi = 5, 7, 2, 3, 2, 3, -1, 1 }),
		change(func(s *convShape) {
			s.kh, s.kw, s.dh, s.dw, s.sh, s.top, s.left, s.bottom, s.right, s.bias = 2, 3, 3, 2, 2, 1, 2, 1, 2, false
		}),
		change(func(s *convShape) { s.n, s.kh, s.kw, s.h, s.w = 1, 5, 1, 20, 9 }),
		change(func(s *convShape) { s.n, s.h, s.w, s.top, s.left, s.bottom, s.right = 2, 4, 5, 3, 3, 3, 3 }), // every tap meets every edge
	}
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range shapes {
			t.Run(s.String(), func(t *testing.T) {
				for _, make := range []func(uint64, int) []float32{random, odd, spiky} {
					x, w := make(9, s.n*s.cin*s.h*s.w), random(10, s.cin*s.kh*s.kw)
					bias, biasArg := optional(s.bias, random(11, s.cin))
					want := s.reference(x, w, bias, nil)
					oh, ow := s.size()
					grid := [3]int{s.n * s.cin, ceil(oh*ow, 128), 1}
					if s.kh == 3 && s.kw == 3 && s.dh == 1 && s.dw == 1 {
						y := out(len(want))
						d.run(t, "depthwise_3x3", grid, 128, x, w, biasArg, y, s.cin, s.h, s.w, oh, ow, s.sh, s.sw, s.top, s.left, s.lo, s.hi)
						near(t, "3x3", y.got, want, convTolerance)
					}
					y := out(len(want))
					d.run(t, "depthwise", grid, 128, x, w, biasArg, y, s.cin, s.h, s.w, oh, ow, s.kh, s.kw, s.sh, s.sw, s.dh, s.dw, s.top, s.left, s.lo, s.hi)
					near(t, "any", y.got, want, convTolerance)
				}
			})
		}
	})
}

func TestConvTranspose(t *testing.T) {
	type shape struct{ n, c, o, h, w, kh, kw, sh, sw, dh, dw, top, left, oh, ow int }
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range []shape{
			{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1}, {2, 3, 4, 5, 6, 2, 2, 2, 2, 1, 1, 0, 0, 10, 12}, {1, 4, 2, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 10, 8},
			{1, 2, 3, 7, 6, 3, 2, 1, 3, 2, 1, 2, 0, 7, 17}, {1, 2, 1, 12, 11, 3, 3, 1, 1, 1, 1, 1, 1, 12, 11}, {1, 1, 2, 4, 5, 2, 3, 3, 2, 1, 2, 1, 2, 9, 9},
			{1, 2, 1, 1, 127, 1, 1, 1, 1, 1, 1, 0, 0, 1, 127}, {1, 1, 1, 2, 64, 1, 1, 1, 1, 1, 1, 0, 0, 2, 64}, {1, 1, 1, 3, 43, 1, 3, 1, 1, 1, 1, 0, 1, 3, 43},
		} {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				for variant, fill := range []func(uint64, int) []float32{random, random, odd, spiky} {
					x, w := fill(12, s.n*s.c*s.h*s.w), random(13, s.c*s.o*s.kh*s.kw)
					bias, biasArg := optional(variant == 0, random(14, s.o))
					lo, hi := -inf, inf
					if variant == 1 {
						lo, hi = -.3, .7
					}
					y := out(s.n * s.o * s.oh * s.ow)
					want := make([]float64, y.n)
					for i := range want {
						if bias != nil {
							want[i] = float64(bias[i/(s.oh*s.ow)%s.o])
						}
					}
					for i := range s.n * s.c * s.h * s.w {
						q, r, c, n := i%s.w, i/s.w%s.h, i/(s.w*s.h)%s.c, i/(s.w*s.h*s.c)
						for j := range s.o * s.kh * s.kw {
							b, a, o := j%s.kw, j/s.kw%s.kh, j/(s.kw*s.kh)
							if yy, xx := r*s.sh-s.top+a*s.dh, q*s.sw-s.left+b*s.dw; yy >= 0 && yy < s.oh && xx >= 0 && xx < s.ow {
								want[((n*s.o+o)*s.oh+yy)*s.ow+xx] += float64(x[i]) * float64(w[c*s.o*s.kh*s.kw+j])
							}
						}
					}
					for i := range want {
						want[i] = cut(want[i], float64(lo), float64(hi))
					}
					d.run(t, "conv_transpose", [3]int{s.n * s.o, ceil(s.oh*s.ow, 128), 1}, 128, x, w, biasArg, y, s.c, s.o, s.h, s.w, s.oh, s.ow, s.kh, s.kw, s.sh, s.sw, s.dh, s.dw,
						s.top, s.left, lo, hi)
					within(t, "y", y.got, want, convTolerance, x)
				}
			})
		}
	})
}

func TestGemm(t *testing.T) {
	type shape struct{ batch, m, n, k int }
	onEach(t, func(t *testing.T, d *dev) {
		for _, name := range []string{"gemm_nn", "gemm_nt", "gemm_tn"} {
			for _, s := range []shape{{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 63, 64, 16}, {1, 64, 65, 17}, {3, 66, 63, 15}, {1, 64, 64, 33}, {1, 18, 22, 9}, {1, 35, 37, 27}, {1, 52, 50, 30}} {
				for variant := range 4 { // the last: spiky
					t.Run(fmt.Sprint(name, s, variant), func(t *testing.T) { runGemm(t, d, name, s.batch, s.m, s.n, s.k, variant) })
				}
			}
		}
	})
}

func runGemm(t *testing.T, d *dev, name string, batch, m, n, k, variant int) {
	t.Helper()
	stepA, stepB, alpha, lo, hi := m*k, k*n, float32(1), -inf, inf
	if variant == 1 {
		stepB = 0
	}
	a, b := random(15, batch*m*k), random(16, max(stepB*batch, k*n))
	if variant == 2 {
		alpha, lo, hi = .25, -.5, .5
		a = odd(15, len(a))
	}
	if variant == 3 {
		a = spiky(15, len(a))
	}
	bias, biasArg := optional(variant > 0, random(17, n))
	residual, residualArg := optional(variant == 2, random(18, batch*m*n))
	y := out(batch * m * n)
	want := make([]float64, y.n)
	for i := range want {
		j, r, z := i%n, i/n%m, i/(n*m)
		sum := 0.0
		for q := range k {
			u, v := a[z*stepA+r*k+q], b[z*stepB+min(q*n+j, k*n-1)]
			if name == "gemm_tn" {
				u = a[z*stepA+q*m+r]
			}
			if name == "gemm_nt" {
				v = b[z*stepB+j*k+q]
			}
			sum += float64(u) * float64(v)
		}
		sum *= float64(alpha)
		if bias != nil {
			sum += float64(bias[j])
		}
		if residual != nil {
			sum += float64(residual[i])
		}
		want[i] = cut(sum, float64(lo), float64(hi))
	}
	d.run(t, name, [3]int{ceil(n, 64), ceil(m, 64), batch}, 256, a, b, biasArg, residualArg, y, m, n, k, stepA, stepB, m*n, alpha, lo, hi)
	within(t, "c", y.got, want, convTolerance, a)
	if variant == 1 && math.IsNaN(want[0]) {
		t.Fatal("the reference is NaN where nothing odd went in")
	}
}
