package kernels

import (
	"fmt"
	"testing"
)

// gradients are the plain loops of a convolution backwards: by x and by w.
func (s convShape) gradients(x, w, dy []float32) (dx, dw []float64) {
	oh, ow := s.size()
	cg, cout := s.cin/s.groups, s.m*s.groups
	dx, dw = make([]float64, len(x)), make([]float64, len(w))
	for i, g := range dy {
		j, k, o, n := i%ow, i/ow%oh, i/(ow*oh)%cout, i/(ow*oh*cout)
		for c := range cg {
			for a := range s.kh {
				for b := range s.kw {
					r, q := k*s.sh-s.top+a*s.dh, j*s.sw-s.left+b*s.dw
					if r >= 0 && r < s.h && q >= 0 && q < s.w {
						xi, wi := ((n*s.cin+o/s.m*cg+c)*s.h+r)*s.w+q, ((o*cg+c)*s.kh+a)*s.kw+b
						dx[xi] += float64(w[wi]) * float64(g)
						dw[wi] += float64(x[xi]) * float64(g)
					}
				}
			}
		}
	}
	return dx, dw
}

// tapsOf lists for each of channels the offset of its plane of the given size and where each tap lies; flat leaves
// the tap out of the offset, as the backward kernel wants it.
func (s convShape) tapsOf(channels, plane, width, most int, flat bool) []int32 {
	var taps []int32
	for c := range channels {
		for a := range s.kh {
			for b := range s.kw {
				at := c * plane
				if !flat {
					at += a*s.dh*width + b*s.dw
				}
				taps = append(taps, int32(at), int32(a*s.dh<<16|b*s.dw))
			}
		}
	}
	for len(taps) < 2*most {
		taps = append(taps, 0, 1<<30)
	}
	return taps
}

var backwardShapes = func() []convShape {
	wide := convShape{n: 2, cin: 5, h: 9, w: 7, groups: 1, m: 17, kh: 3, kw: 3, sh: 1, sw: 1, dh: 1, dw: 1, top: 1, left: 1, bottom: 1, right: 1, lo: -inf, hi: inf}
	change := func(f func(s *convShape)) convShape { s := wide; f(&s); return s }
	point := func(n, cin, h, w, m int) convShape {
		return change(func(s *convShape) {
			s.n, s.cin, s.h, s.w, s.m, s.kh, s.kw, s.top, s.left, s.bottom, s.right = n, cin, h, w, m, 1, 1, 0, 0, 0, 0
		})
	}
	return []convShape{
		wide,
		point(1, 1, 1, 1, 1),
		change(func(s *convShape) { s.sh, s.sw, s.kw, s.left, s.right = 2, 3, 5, 2, 2 }),
		change(func(s *convShape) { s.sh, s.sw, s.h, s.w, s.cin, s.m = 2, 2, 12, 12, 3, 16 }),
		change(func(s *convShape) { s.dh, s.dw, s.top, s.bottom, s.left, s.right = 2, 3, 2, 2, 0, 3 }),
		change(func(s *convShape) { s.groups, s.cin, s.m = 3, 6, 5 }),
		change(func(s *convShape) { s.n, s.cin, s.h, s.w, s.m = 1, 17, 4, 20, 3 }), // more inputs than a tile has rows
		point(1, 33, 5, 13, 65),
		point(2, 16, 8, 16, 32), // whole tiles
		// K of 144 forward and 144 backward, as in TestConv
		change(func(s *convShape) { s.n, s.groups, s.cin, s.h, s.w, s.m = 2, 2, 32, 5, 6, 16 }),
		change(func(s *convShape) { s.n, s.cin, s.h, s.w, s.m = 1, 30, 3, 3, 3 }), // more taps than the widest tile has columns
	}
}()

func TestConvInput(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, rows := range []int{16, 32, 64} {
			for i, s := range backwardShapes {
				t.Run(fmt.Sprint(rows, " rows ", s), func(t *testing.T) {
					oh, ow := s.size()
					cg := s.cin / s.groups
					x, w, dy := random(60, s.n*s.cin*s.h*s.w), random(61, s.groups*s.m*cg*s.kh*s.kw), random(62, s.n*s.m*s.groups*oh*ow)
					if i == 0 {
						dy = odd(62, len(dy))
					}
					if i == 8 {
						dy = spiky(62, len(dy))
					}
					want, _ := s.gradients(x, w, dy)
					size, _ := s.gradients(sizesOf(x), sizesOf(w), sizesOf(dy))
					residual, residualArg := optional(i%2 == 1, random(63, len(x)))
					for i := range residual {
						want[i] += float64(residual[i])
					}
					k := s.m * s.kh * s.kw
					kpad, mpad := ceil(k, 16)*16, ceil(cg, rows)*rows
					packed, dx := out(s.groups*kpad*mpad), out(len(x))
					d.run(t, "pack_weights", [3]int{ceil(packed.n, 256), 1, 1}, 256, w, packed, packed.n, s.m, cg, s.kh*s.kw, kpad, mpad, 1)
					pixels := s.n * s.h * s.w
					d.run(t, fmt.Sprintf("conv_input_%d", rows), [3]int{ceil(pixels, 4096/rows), mpad / rows, s.groups}, 256, dy, packed.got, s.tapsOf(s.m, oh*ow, ow, kpad, true), residualArg, dx,
						cg, mpad, kpad, pixels, s.h*s.w, s.w, s.groups*s.m*oh*ow, s.m*oh*ow, oh, ow, s.sh, s.sw, s.top, s.left)
					nearSum(t, "dx", dx.got, want, size, convTolerance)
				})
			}
		}
	})
}

func TestPackWeights(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range [][4]int{{1, 1, 1, 1}, {1, 17, 5, 9}, {3, 5, 2, 6}, {2, 16, 16, 1}} {
			groups, m, cg, taps := s[0], s[1], s[2], s[3]
			w := wild(64, groups*m*cg*taps)
			for backward := range 2 {
				k, columns := cg*taps, m
				if backward == 1 {
					k, columns = m*taps, cg
				}
				kpad, mpad := ceil(k, 16)*16, ceil(columns, 16)*16
				want := make([]float64, groups*kpad*mpad)
				for i, v := range w {
					o, c, q := i/(cg*taps)%m, i/taps%cg, i%taps
					row, column := c*taps+q, o
					if backward == 1 {
						row, column = o*taps+q, c
					}
					want[(i/(cg*taps*m)*kpad+row)*mpad+column] = float64(v)
				}
				to := out(len(want))
				d.run(t, "pack_weights", [3]int{ceil(to.n, 256), 1, 1}, 256, w, to, to.n, m, cg, taps, kpad, mpad, backward)
				near(t, fmt.Sprint(s, backward), to.got, want, 0)
			}
		}
	})
}

func TestConvWeight(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, rows := range []int{16, 32, 64} {
			for i, s := range backwardShapes {
				t.Run(fmt.Sprint(rows, " rows ", s), func(t *testing.T) {
					oh, ow := s.size()
					cg := s.cin / s.groups
					x, w, dy := random(65, s.n*s.cin*s.h*s.w), random(66, s.groups*s.m*cg*s.kh*s.kw), random(67, s.n*s.m*s.groups*oh*ow)
					if i == 0 {
						x = odd(65, len(x))
					}
					if i == 8 {
						x = spiky(65, len(x))
					}
					_, want := s.gradients(x, w, dy)
					_, size := s.gradients(sizesOf(x), sizesOf(w), sizesOf(dy))
					k, pixels := cg*s.kh*s.kw, s.n*oh*ow
					per := ceil(ceil(pixels, i%3+1), 16) * 16
					splits := ceil(pixels, per)
					part, dw := out(splits*len(w)), out(len(w))
					d.run(t, fmt.Sprintf("conv_weight_%d", rows), [3]int{ceil(k, 4096/rows), ceil(s.m, rows), s.groups * splits}, 256, dy, x, s.tapsOf(cg, s.h*s.w, s.w, k, false), part,
						s.m, k, s.groups, pixels, per, oh*ow, ow, s.cin, cg*s.h*s.w, s.h, s.w, s.sh, s.sw, s.top, s.left)
					d.run(t, "fold", [3]int{ceil(len(w), 32), 1, 1}, 256, part.got, dw, splits, len(w), splits, 0)
					nearSum(t, "dw", dw.got, want, size, 2e-5) // sums over all pixels, some hundred
				})
			}
		}
	})
}

// K ends in each 32 rows of a block: the tap behind the last one must not be read.
func TestConvWeightEdges(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, rows := range []int{16, 32, 64} {
			for k := 20; k < 4096/rows; k += 32 {
				s := convShape{n: 1, cin: k, h: 2, w: 3, groups: 1, m: 3, kh: 1, kw: 1, sh: 1, sw: 1, dh: 1, dw: 1}
				x, w, dy := random(65, k*6), random(66, s.m*k), random(67, s.m*6)
				_, want := s.gradients(x, w, dy)
				_, size := s.gradients(sizesOf(x), sizesOf(w), sizesOf(dy))
				part := out(len(w))
				d.run(t, fmt.Sprintf("conv_weight_%d", rows), [3]int{1, 1, 1}, 256, dy, x, s.tapsOf(k, 6, 3, k, false), part, s.m, k, 1, 6, 16, 6, 3, k, k*6, 2, 3, 1, 1, 0, 0)
				nearSum(t, fmt.Sprint("K ", k), part.got, want, size, 1e-6)
			}
		}
	})
}

func TestFold(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range [][3]int{{1, 1, 1}, {7, 31, 1}, {8, 32, 2}, {9, 33, 3}, {70, 5, 4}, {33, 300, 1}} {
			rows, n, parts := s[0], s[1], s[2]
			for add := range 2 {
				for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
					per := ceil(rows, parts)
					x, y := fill(68, rows*n), inout(random(69, parts*n))
					want := make([]float64, parts*n)
					for i, v := range y.start {
						want[i] = float64(v) * float64(add)
					}
					for i, v := range x {
						want[i/n/per*n+i%n] += float64(v)
					}
					d.run(t, "fold", [3]int{ceil(n, 32), parts, 1}, 256, x, y, rows, n, per, add)
					within(t, fmt.Sprint(s, add, kind), y.got, want, rowTolerance, x)
				}
			}
		}
	})
}

func TestDepthwiseBackward(t *testing.T) {
	base := convShape{n: 3, cin: 3, h: 7, w: 9, groups: 3, m: 1, kh: 3, kw: 3, sh: 1, sw: 1, dh: 1, dw: 1, top: 1, left: 1, bottom: 1, right: 1, lo: -inf, hi: inf}
	change := func(f func(s *convShape)) convShape { s := base; f(&s); return s }
	onEach(t, func(t *testing.T, d *dev) {
		for i, s := range []convShape{
			base,
			change(func(s *convShape) { s.sh, s.sw, s.h, s.w = 2, 2, 12, 12 }),
			change(func(s *convShape) { s.top, s.left, s.bottom, s.right = 0, 0, 0, 0 }),
			change(func(s *convShape) { s.n, s.cin, s.groups, s.h, s.w = 1, 1, 1, 1, 1 }),
			change(func(s *convShape) { s.n, s.h, s.w = 1, 12, 11 }), // more than a block
			change(func(s *convShape) { s.n, s.h, s.w = 1, 1, 127 }),
			change(func(s *convShape) { s.n, s.h, s.w = 1, 3, 43 }),
			change(func(s *convShape) { s.n, s.h, s.w, s.sh, s.sw, s.top, s.left = 2, 8, 16, 1, 2, 0, 2 }),
			change(func(s *convShape) { s.kh, s.kw, s.top, s.left, s.bottom, s.right = 5, 7, 2, 3, 2, 3 }),
			change(func(s *convShape) {
				s.kh, s.kw, s.dh, s.dw, s.sh, s.top, s.left, s.bottom, s.right = 2, 3, 3, 2, 2, 1, 2, 1, 2
			}),
		} {
			t.Run(s.String(), func(t *testing.T) {
				oh, ow := s.size()
				x, w, dy := random(70, s.n*s.cin*s.h*s.w), random(71, s.cin*s.kh*s.kw), random(72, s.n*s.cin*oh*ow)
				if i == 0 {
					dy = odd(72, len(dy))
				}
				if i == 2 {
					dy = spiky(72, len(dy))
				}
				wantX, wantW := s.gradients(x, w, dy)
				sizeX, sizeW := s.gradients(sizesOf(x), sizesOf(w), sizesOf(dy))
				dx := out(len(x))
				d.run(t, "depthwise_input", [3]int{s.n * s.cin, ceil(s.h*s.w, 128), 1}, 128, dy, w, dx, s.cin, s.h, s.w, oh, ow, s.kh, s.kw, s.sh, s.sw, s.dh, s.dw, s.top, s.left)
				nearSum(t, "dx", dx.got, wantX, sizeX, convTolerance)
				parts := min(s.n, 1+i%2)
				fold := func(part *result) *result {
					dw := out(len(w))
					d.run(t, "fold", [3]int{ceil(len(w), 32), 1, 1}, 256, part.got, dw, parts, len(w), parts, 0)
					return dw
				}
				if s.kh == 3 && s.kw == 3 && s.dh == 1 && s.dw == 1 {
					part := out(parts * len(w))
					d.run(t, "depthwise_weight_3x3", [3]int{s.cin, parts, 1}, 128, dy, x, part, s.n, s.cin, s.h, s.w, oh, ow, s.sh, s.sw, s.top, s.left)
					nearSum(t, "dw 3x3", fold(part).got, wantW, sizeW, 2e-5)
				}
				part := out(parts * len(w))
				d.run(t, "depthwise_weight", [3]int{s.cin, parts, s.kh * s.kw}, 128, dy, x, part, s.n, s.cin, s.h, s.w, oh, ow, s.kw, s.sh, s.sw, s.dh, s.dw, s.top, s.left)
				nearSum(t, "dw", fold(part).got, wantW, sizeW, 2e-5)
			})
		}
	})
}
