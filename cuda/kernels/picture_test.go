package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPool(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range []struct{ planes, h, w, kh, kw, sh, sw, top, left, oh, ow int }{
			{1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1}, {2, 9, 7, 3, 3, 2, 2, 1, 1, 5, 4}, {3, 13, 12, 2, 3, 1, 1, 0, 0, 12, 10}, {1, 8, 16, 1, 1, 1, 1, 0, 0, 8, 16}, {2, 5, 4, 3, 2, 3, 1, 2, 0, 2, 3},
			{1, 3, 3, 2, 2, 2, 2, 2, 2, 3, 3}, // windows wholly outside
			{1, 1, 127, 1, 2, 1, 1, 0, 1, 1, 127}, {1, 3, 43, 2, 1, 1, 1, 1, 0, 3, 43},
		} {
			for kind, fill := range map[string]func(uint64, int) []float32{"plain": random, "odd": odd, "spiky": spiky} {
				t.Run(fmt.Sprint(s, kind), func(t *testing.T) {
					x := fill(51, s.planes*s.h*s.w)
					n := s.planes * s.oh * s.ow
					most, mean, counted := make([]float64, n), make([]float64, n), make([]float64, n)
					for i := range most {
						m, sum, seen := math.Inf(-1), 0.0, 0
						for j := range s.kh * s.kw {
							y, z := i/s.ow%s.oh*s.sh-s.top+j/s.kw, i%s.ow*s.sw-s.left+j%s.kw
							if y >= 0 && y < s.h && z >= 0 && z < s.w {
								v := float64(x[(i/(s.oh*s.ow)*s.h+y)*s.w+z])
								if v != v || m != m {
									m = math.NaN()
								} else {
									m = math.Max(m, v)
								}
								sum, seen = sum+v, seen+1
							}
						}
						most[i], mean[i], counted[i] = m, sum/float64(max(seen, 1)), sum/float64(s.kh*s.kw)
					}
					grid := [3]int{s.planes, ceil(s.oh*s.ow, 128), 1}
					y := out(n)
					d.run(t, "max_pool", grid, 128, x, y, s.h, s.w, s.oh, s.ow, s.kh, s.kw, s.sh, s.sw, s.top, s.left)
					near(t, "max", y.got, most, 0)
					y = out(n)
					d.run(t, "average_pool", grid, 128, x, y, s.h, s.w, s.oh, s.ow, s.kh, s.kw, s.sh, s.sw, s.top, s.left, 0)
					within(t, "average", y.got, mean, 1e-6, x)
					y = out(n)
					d.run(t, "average_pool", grid, 128, x, y, s.h, s.w, s.oh, s.ow, s.kh, s.kw, s.sh, s.sw, s.top, s.left, 1)
					within(t, "counted", y.got, counted, 1e-6, x)
				})
			}
		}
	})
}

func TestResize(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range [][5]int{{1, 1, 1, 1, 1}, {2, 5, 7, 10, 14}, {1, 9, 4, 6, 11}, {3, 3, 5, 16, 8}, {1, 6, 6, 3, 43}, {1, 6, 7, 1, 127}} {
			for variant := range 4 {
				t.Run(fmt.Sprint(s, variant), func(t *testing.T) {
					planes, h, w, oh, ow := s[0], s[1], s[2], s[3], s[4]
					r := rand.New(rand.NewPCG(5, uint64(variant)))
					var sides []int32
					var share []float32
					for i := range oh + ow {
						size := h
						if i >= oh {
							size = w
						}
						first := r.IntN(size)
						sides, share = append(sides, int32(first), int32(min(first+1, size-1))), append(share, r.Float32())
					}
					x, n := random(52, planes*h*w), planes*oh*ow
					if variant == 2 {
						x = odd(52, len(x))
					}
					if variant == 3 {
						x = spiky(52, len(x))
					}
					add, addArg := optional(variant > 0, random(53, n))
					lo, hi := -inf, inf
					if variant == 1 {
						lo, hi = -.4, .8
					}
					linear, nearest := make([]float64, n), make([]float64, n)
					for i := range n {
						p, a, b := i/(oh*ow), i/ow%oh, i%ow
						v := func(y, x32 int32) float64 { return float64(x[(p*h+int(y))*w+int(x32)]) }
						i0, i1, j0, j1 := sides[2*a], sides[2*a+1], sides[2*(oh+b)], sides[2*(oh+b)+1]
						fi, fj := float64(share[a]), float64(share[oh+b])
						linear[i] = (v(i0, j0)*(1-fj)+v(i0, j1)*fj)*(1-fi) + (v(i1, j0)*(1-fj)+v(i1, j1)*fj)*fi
						nearest[i] = v(i0, j0)
						if add != nil {
							linear[i] += float64(add[i])
						}
						linear[i] = cut(linear[i], float64(lo), float64(hi))
					}
					grid, y := [3]int{planes, ceil(oh*ow, 128), 1}, out(n)
					d.run(t, "resize_linear", grid, 128, x, sides, share, addArg, y, h, w, oh, ow, lo, hi)
					within(t, "linear", y.got, linear, 1e-6, x)
					y = out(n)
					d.run(t, "resize_nearest", grid, 128, x, sides, y, h, w, oh, ow)
					near(t, "nearest", y.got, nearest, 0)
				})
			}
		}
	})
}

// The fused crop against the same sampling in float64.
func TestClip(t *testing.T) {
	const h, w, fh, fw = 23, 31, 11, 15 // no flow cell ends where a target pixel looks
	boxes := []float32{0, 0, 31, 23, 5.5, 3.25, 20, 22.5, -6, -4, 10, 12, 25, 15, 40, 30, 7, 7, 9, 10}
	which := []int32{0, 1, 1, 0, 1}
	r := rand.New(rand.NewPCG(9, 9))
	rgb := make([]uint8, 2*h*w*3)
	for i := range rgb {
		rgb[i] = uint8(r.Uint32())
	}
	flow := random(54, 2*fh*fw*2)
	for i := range flow {
		flow[i] *= 4
	}
	flow[10], flow[21], flow[33] = float32(math.NaN()), inf, 3e4
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range []int{1, 8, 11, 12, 16} {
			for _, with := range []bool{true, false} {
				count := len(which)
				want := make([]float64, count*5*s*s)
				for i := range count {
					b := boxes[4*i:]
					bx, by := float64(b[0]), float64(b[1])
					stepX, stepY := float64(b[2]-b[0])/float64(s), float64(b[3]-b[1])/float64(s)
					for p := range s * s {
						left, top := bx+float64(p%s)*stepX, by+float64(p/s)*stepY
						for c := range 3 {
							sum := 0.0
							for k := range 4 {
								sx, sy := cut(left+(.25+.5*float64(k&1))*stepX-.5, 0, w-1), cut(top+(.25+.5*float64(k>>1))*stepY-.5, 0, h-1)
								x0, y0 := int(sx), int(sy)
								x1, y1 := min(x0+1, w-1), min(y0+1, h-1)
								v := func(y, x int) float64 { return float64(rgb[((int(which[i])*h+y)*w+x)*3+c]) }
								fx, fy := sx-float64(x0), sy-float64(y0)
								sum += (v(y0, x0)*(1-fx)+v(y0, x1)*fx)*(1-fy) + (v(y1, x0)*(1-fx)+v(y1, x1)*fx)*fy
							}
							want[(i*5+c)*s*s+p] = sum/4/127.5 - 1
						}
						if with {
							kx, ky := float64(fw)/w, float64(fh)/h
							j, q := int(cut((left+stepX/2)*kx, 0, fw-1)), int(cut((top+stepY/2)*ky, 0, fh-1))
							f := flow[((int(which[i])*fh+q)*fw+j)*2:]
							want[(i*5+3)*s*s+p] = cut(float64(f[0])/(kx*float64(b[2]-b[0])), -1, 1)
							want[(i*5+4)*s*s+p] = cut(float64(f[1])/(ky*float64(b[3]-b[1])), -1, 1)
						}
					}
				}
				_, flowArg := optional(with, flow)
				y := out(len(want))
				d.run(t, "clip", [3]int{count, ceil(s*s, 128), 1}, 128, rgb, flowArg, boxes, which, y, h, w, fh, fw, s)
				near(t, fmt.Sprint("side ", s), y.got, want, 1e-5)
			}
		}
	})
}

func TestPeaks(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range [][4]int{{1, 1, 1, 1}, {2, 9, 15, 1}, {3, 12, 11, 2}, {1, 16, 8, 3}, {1, 1, 127, 1}, {1, 3, 43, 1}} {
			planes, h, w, r := s[0], s[1], s[2], s[3]
			heat := random(55, planes*h*w)
			for i := range heat {
				heat[i] = float32(math.Round(float64(heat[i]*4))) / 4 // equals, too
			}
			heat[0] = 1
			if planes == 2 {
				heat[7], heat[20], heat[33] = float32(math.NaN()), inf, 3e4
			}
			const threshold = .5
			want := map[int]float32{}
			for i, v := range heat {
				y, x, top := i/w%h, i%w, v > threshold
				for yy := max(0, y-r); yy <= min(h-1, y+r); yy++ {
					for xx := max(0, x-r); xx <= min(w-1, x+r); xx++ {
						j := i/(h*w)*h*w + yy*w + xx
						top = top && !(heat[j] > v || heat[j] == v && j < i)
					}
				}
				if top {
					want[i] = v
				}
			}
			for _, most := range []int{len(want), max(len(want)-1, 1), len(want) + 3} {
				found, count := out(2*most), inout([]float32{0})
				d.run(t, "peaks", [3]int{planes, ceil(h*w, 128), 1}, 128, heat, found, count, h, w, r, float32(threshold), most)
				if got := int(math.Float32bits(count.got[0])); got != len(want) {
					t.Fatalf("%v: %d peaks, want %d", s, got, len(want))
				}
				var seen []int
				for k := range min(most, len(want)) {
					at := int(math.Float32bits(found.got[2*k]))
					if v, ok := want[at]; !ok || v != found.got[2*k+1] || slices.Contains(seen, at) {
						t.Fatalf("%v: peak %d of %v is none, or twice", s, at, found.got[2*k+1])
					}
					seen = append(seen, at)
				}
			}
		}
	})
}
