package kernels

import (
	"encoding/binary"
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

// clipTaps are the weights of a target pixel along one axis; what falls outside goes to the edge.
func clipTaps(start, side float64, s, i, limit int) map[int]float64 {
	step := side / float64(s)
	reach, middle := math.Max(step, 1), start+(float64(i)+.5)*step-.5
	w, sum := map[int]float64{}, 0.0
	for k := int(math.Ceil(middle - reach)); k <= int(math.Floor(middle+reach)); k++ {
		v := math.Max(1-math.Abs(float64(k)-middle)/reach, 0)
		w[min(max(k, 0), limit-1)] += v
		sum += v
	}
	for k := range w {
		w[k] /= sum
	}
	return w
}

// The fused crop against the same sampling in float64: frames of two sizes in one block, squares that shrink and enlarge, that
// reach over every edge and lie wholly outside, with and without flow.
func TestClip(t *testing.T) {
	type frame struct {
		w, h, fw, fh, at, flowAt int
		scale                    float64
		rgb                      []uint8
		flow                     []float32
	}
	r := rand.New(rand.NewPCG(9, 9))
	var block []byte
	frames := []frame{{w: 31, h: 23, fw: 15, fh: 11, scale: 2}, {w: 50, h: 40, fw: 10, fh: 8, scale: 5}}
	for i := range frames {
		f := &frames[i]
		put := func(v []byte) int {
			at := len(block) / 16
			block = append(block, v...)
			block = append(block, make([]byte, (16-len(block)%16)%16)...)
			return at
		}
		f.rgb, f.flow = make([]uint8, f.w*f.h*3), random(uint64(54+i), f.fw*f.fh*2)
		for k := range f.rgb {
			f.rgb[k] = uint8(r.Uint32())
		}
		var raw []byte
		for k := range f.flow {
			f.flow[k] *= 40
			switch k {
			case 40:
				f.flow[k] = float32(math.NaN())
			case 49:
				f.flow[k] = inf
			case 61:
				f.flow[k] = 3e4
			}
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f.flow[k]))
		}
		f.at, f.flowAt = put(f.rgb), put(raw)
	}
	squares := []struct {
		frame            int
		x, y, side, rate float64
	}{{0, 0, 0, 23, .02}, {1, 5.5, 3.25, 20, .03}, {0, -6.75, -4.5, 16, .05}, {1, 25, 15, 40.5, .01}, {0, 7, 7, 2.5, 0}, {1, 90, -70, 9, .2}, {0, 3.125, 2, 5, .1}}
	table := make([]int32, 16*len(squares))
	for i, q := range squares {
		f, x, y := frames[q.frame], math.Floor(q.x), math.Floor(q.y)
		copy(table[16*i:], []int32{int32(f.at), int32(f.flowAt), int32(f.w), int32(f.h), int32(f.fw), int32(f.fh), int32(x), int32(y)})
		for k, v := range []float64{q.x - x, q.y - y, q.side, q.rate, f.scale} {
			table[16*i+8+k] = int32(math.Float32bits(float32(v)))
		}
	}
	words := make([]float32, len(block)/4)
	for i := range words {
		words[i] = math.Float32frombits(binary.LittleEndian.Uint32(block[4*i:]))
	}
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range []int{1, 8, 11, 12, 16} {
			y := out(len(squares) * 5 * s * s)
			d.run(t, "clip", [3]int{len(squares), ceil(s*s, 128), 1}, 128, words, table, y, s)
			for i, q := range squares {
				f := frames[q.frame]
				for p := range s * s {
					rows, columns := clipTaps(q.y, q.side, s, p/s, f.h), clipTaps(q.x, q.side, s, p%s, f.w)
					for c := range 3 {
						sum := 0.0
						for j, v := range rows {
							for k, w := range columns {
								sum += v * w * float64(f.rgb[(j*f.w+k)*3+c])
							}
						}
						got := float64(y.got[(i*5+c)*s*s+p])
						near := math.Abs(got-(math.Floor(sum+.499)/127.5-1)) < 1e-6 || math.Abs(got-(math.Floor(sum+.501)/127.5-1)) < 1e-6 // what lies between two bytes may become either
						if !near {
							t.Fatalf("side %d, square %d, channel %d, pixel %d: %v, want %v rounded", s, i, c, p, (got+1)*127.5, sum)
						}
					}
					rows, columns = clipTaps(q.y/f.scale, q.side/f.scale, s, p/s, f.fh), clipTaps(q.x/f.scale, q.side/f.scale, s, p%s, f.fw)
					for c := range 2 {
						sum, doubt := 0.0, false
						for j, v := range rows {
							for k, w := range columns {
								x := float64(f.flow[(j*f.fw+k)*2+c])
								sum += v * w * x
								doubt = doubt || v*w < 1e-3 && !(math.Abs(x) < 1e9) // a tap that rounding may give no weight
							}
						}
						if doubt {
							continue
						}
						if got, want := float64(y.got[(i*5+3+c)*s*s+p]), cut(sum*q.rate, -1, 1); !(math.Abs(got-want) < 2e-5) && !(got != got && want != want) {
							t.Fatalf("side %d, square %d, flow %d, pixel %d: %v, want %v", s, i, c, p, got, want)
						}
					}
				}
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
