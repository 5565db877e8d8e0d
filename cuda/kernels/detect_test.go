package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// frameTaps gives each of m places of an axis some of n source places, their weights filled up with zeros to most: sharp ones with weights
// below 0 too, as enlarging has them, and the last ones at the very end.
func frameTaps(r *rand.Rand, n, m, most int) (firsts []int32, weights []float32) {
	for i := range m {
		count := 1 + r.IntN(min(most, n))
		first := r.IntN(n - count + 1)
		if i == m-1 {
			first = n - count
		}
		firsts = append(firsts, int32(first))
		sum := float32(0)
		for k := range most {
			v := float32(0)
			if k < count-1 {
				v = r.Float32()*1.6 - .8
			} else if k == count-1 {
				v = 1.1 - sum
			}
			sum += v
			weights = append(weights, v)
		}
	}
	return firsts, weights
}

func TestFrameInput(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range []struct{ fh, fw, h, w, n, m, ph, pw, x, y int }{
			{1, 1, 1, 1, 1, 1, 1, 1, 0, 0},
			{9, 7, 12, 15, 4, 3, 12, 15, 0, 0},
			{20, 31, 9, 14, 3, 4, 11, 13, 0, 0}, // a border right and below
			{20, 31, 19, 24, 2, 4, 8, 16, 7, 11},
			{5, 40, 8, 130, 4, 4, 1, 127, 3, 7},
			{6, 8, 7, 50, 1, 2, 3, 43, 5, 4},
		} {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				r := rand.New(rand.NewPCG(71, uint64(s.fh*s.fw)))
				frame := make([]uint8, 3*s.fh*s.fw)
				for i := range frame {
					frame[i] = uint8(r.IntN(256))
				}
				firsts, weights := frameTaps(r, s.fh, s.h, s.n)
				left, across := frameTaps(r, s.fw, s.w, s.m)
				const gain, bias = 1.0 / 64, -2
				want := make([]float64, 3*s.ph*s.pw)
				low, high := 0, 0
				for i := range want {
					c, row, column := i/(s.ph*s.pw), i/s.pw%s.ph+s.y, i%s.pw+s.x
					if row >= s.h || column >= s.w {
						continue
					}
					sum := 0.0
					for a := range s.n {
						for b := range s.m {
							if v := float64(weights[row*s.n+a]) * float64(across[column*s.m+b]); v != 0 {
								sum += v * float64(frame[((int(firsts[row])+a)*s.fw+int(left[column])+b)*3+c])
							}
						}
					}
					if sum < 0 {
						low++
					} else if sum > 255 {
						high++
					}
					want[i] = cut(sum, 0, 255)*gain + bias
				}
				if s.fh > 5 && (low == 0 || high == 0) {
					t.Errorf("%d values below 0 and %d above 255: the test shows no clamp", low, high)
				}
				y := out(len(want))
				d.run(t, "frame_input", [3]int{ceil(s.ph*s.pw, 128), 1, 1}, 128, frame, []int32{int32(s.x), int32(s.y)}, append(firsts, left...), append(weights, across...), y,
					s.fh, s.fw, s.h, s.w, s.n, s.m, s.ph, s.pw, float32(gain), float32(bias))
				nearSum(t, "input", y.got, want, make([]float64, len(want)), 2e-5) // sums of a few hundred in float32, a 64th of that
			})
		}
	})
}

// foundAt is the table that peaks leaves: places, and the bits of values that nobody here reads.
func foundAt(places []int) []int32 {
	all := []int32{}
	for _, p := range places {
		all = append(all, int32(p), 0x7fc00000)
	}
	return all
}

func TestPeakValues(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range []struct{ planes, channels, first, n, area, most, there int }{
			{1, 1, 0, 1, 1, 1, 1}, {1, 5, 1, 4, 35, 32, 31}, {3, 4, 0, 4, 20, 33, 40}, {2, 7, 3, 3, 17, 9, 5}, {1, 2, 1, 1, 127, 127, 127}, {1, 3, 0, 1, 129, 129, 128}, {2, 2, 0, 2, 64, 64, 64}, {1, 1, 0, 1, 9, 5, 0},
		} {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				r := rand.New(rand.NewPCG(72, uint64(s.area)))
				m := spiky(73, s.planes*s.channels*s.area)
				if len(m) > 40 {
					m[7], m[20], m[33] = float32(math.NaN()), inf, -inf
				}
				places := make([]int, s.most)
				for i := range places {
					places[i] = r.IntN(s.planes * s.area)
				}
				places[0] = s.planes*s.area - 1
				y := out(s.most * s.n)
				d.run(t, "peak_values", [3]int{ceil(s.most*s.n, 128), 1, 1}, 128, m, foundAt(places), []int32{int32(s.there)}, y, s.channels, s.first, s.n, s.area, s.most)
				for i, got := range y.got {
					k := i / s.n
					if k >= s.there {
						if got == got {
							t.Fatalf("value %d of peak %d, which is none, was written: %v", i%s.n, k, got)
						}
						continue
					}
					want := m[(places[k]/s.area*s.channels+s.first+i%s.n)*s.area+places[k]%s.area]
					if got != want && (got == got || want == want) {
						t.Fatalf("value %d of peak %d is %v, want %v", i%s.n, k, got, want)
					}
				}
			})
		}
	})
}

// posePoint is what the kernel seeks, in float64: the best cell, the score there and the next best score.
func posePoint(heat []float32, h, w int, ey, ex float64) (place int, best, next float64) {
	place, best, next = -1, -1, -1
	for j := max(0, int(ey)-20); j < min(h, int(ey)+21); j++ {
		for i := max(0, int(ex)-20); i < min(w, int(ex)+21); i++ {
			p := 1 / (1 + math.Exp(-float64(heat[j*w+i]))) / (math.Hypot(float64(j)-ey, float64(i)-ex) + 1.8)
			if p > best {
				place, best, next = j*w+i, p, best
			} else if p > next {
				next = p
			}
		}
	}
	return place, best, next
}

// The one hot cell of a plane is found as far as the reach goes and no farther; where nothing is hot the first cell in reach counts.
func TestPosePointsReach(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		const h, w, area, my, mx = 52, 57, 52 * 57, 24, 30
		far := [][2]int{{-20, 0}, {20, 0}, {0, -20}, {0, 20}, {-21, 0}, {21, 0}, {0, -21}, {0, 21}, {-20, -20}, {20, 20}, {20, -20}, {-20, 20}, {-17, -15}}
		heat := make([]float32, len(far)*area)
		for i := range heat {
			heat[i] = -inf
		}
		for k, f := range far {
			heat[k*area+(my+f[0])*w+mx+f[1]] = 2
		}
		regress, offset := make([]float32, 2*len(far)*area), random(78, 2*len(far)*area)
		y := out(4 * len(far))
		d.run(t, "pose_points", [3]int{len(far), 1, 1}, 128, foundAt([]int{my*w + mx}), []int32{1}, regress, heat, offset, y, h, w, 1)
		for k, f := range far {
			want := (my+f[0])*w + mx + f[1]
			if f[0] < -20 || f[0] > 20 || f[1] < -20 || f[1] > 20 {
				want = (my-20)*w + mx - 20
			}
			if got := int(int32(math.Float32bits(y.got[4*k]))); got != want {
				t.Errorf("hot at %v from the middle: cell %d, want %d", f, got, want)
			}
		}
	})
}

func TestPosePoints(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range []struct {
			points, h, w, most, there int
			hot                       float64 // how far apart heats lie
		}{
			{1, 1, 1, 1, 1, 1}, {2, 9, 15, 3, 2, 3}, {3, 50, 61, 5, 7, 6}, {17, 25, 44, 4, 4, 2}, {1, 1, 127, 2, 2, 8}, {1, 3, 43, 2, 1, 8}, {2, 1, 129, 1, 1, 4}, {1, 8, 16, 3, 3, 5}, {1, 70, 70, 8, 8, 0},
		} {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				r := rand.New(rand.NewPCG(74, uint64(s.h*s.w)))
				area := s.h * s.w
				heat, regress, offset := random(75, s.points*area), random(76, 2*s.points*area), random(77, 2*s.points*area)
				for i := range heat {
					heat[i] *= float32(s.hot)
				}
				for i := range regress {
					if regress[i] *= 6; s.hot == 0 { // four cells are as near: the first of them counts
						regress[i] = float32(math.Floor(float64(regress[i]))) + .5
					}
				}
				if area > 500 {
					for i := range heat {
						switch r.IntN(60) {
						case 0:
							heat[i] = float32(math.NaN())
						case 1:
							heat[i] = -inf
						case 2:
							heat[i] = -3e4
						}
					}
				}
				places := make([]int, s.most)
				for i := range places {
					places[i] = r.IntN(area)
				}
				at := func(b, k int) (float64, float64) {
					p := places[b]
					return float64(float32(p/s.w) + regress[2*k*area+p]), float64(float32(p%s.w) + regress[(2*k+1)*area+p])
				}
				there := min(s.there, s.most)
				if s.most > 4 { // middles that say a point lies far outside, to all sides, on the edge of reach, and nowhere
					for b, v := range [][2]float32{{-1e9, 3}, {2e9, 3}, {3, -500}, {3, 900}, {float32(math.NaN()), 0}} {
						places[b] = b * 7
						regress[places[b]], regress[area+places[b]] = v[0], v[1]
					}
				}
				y := out(4 * s.most * s.points)
				d.run(t, "pose_points", [3]int{s.points, s.most, 1}, 128, foundAt(places), []int32{int32(s.there)}, regress, heat, offset, y, s.h, s.w, s.most)
				for b := range s.most {
					for k := range s.points {
						got := y.got[4*(b*s.points+k):][:4]
						if b >= there {
							for _, v := range got {
								if v == v {
									t.Fatalf("body %d, which is none, was written", b)
								}
							}
							continue
						}
						ey, ex := at(b, k)
						plane := heat[k*area : (k+1)*area]
						want, best, next := -1, -1.0, -1.0
						if ey == ey && ex == ex {
							want, best, next = posePoint(plane, s.h, s.w, ey, ex)
						}
						place := int(int32(math.Float32bits(got[0])))
						if place != want && (place < 0 || want < 0 || s.hot == 0 || best-next > 2e-6*best) {
							t.Fatalf("body %d, point %d expected at %.2f, %.2f: cell %d, want %d, scores %v and %v", b, k, ey, ex, place, want, best, next)
						}
						if place < 0 {
							continue
						}
						for i, v := range []float32{plane[place], offset[2*k*area+place], offset[(2*k+1)*area+place]} {
							if got[1+i] != v {
								t.Fatalf("body %d, point %d: value %d is %v, want %v", b, k, i, got[1+i], v)
							}
						}
					}
				}
			})
		}
	})
}

// personPoint is the best of the cells by a score in float64, of equals the first, none of NaN; next is the next best score. 0 and false where there is none.
func personPoint(area int, score func(c int) float64) (at int, best, next float64, there bool) {
	best, next = -1, -1
	for c := range area {
		if s := score(c); s > best {
			at, best, next = c, s, best
		} else if s > next {
			next = s
		}
	}
	return at, best, next, best >= 0
}

func TestPersonPoints(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, s := range []struct {
			n, points, h, w int
			hot             float64 // how far apart heats lie; 0: all are the same
		}{
			{1, 1, 1, 1, 1}, {2, 3, 9, 15, 3}, {1, 2, 1, 127, 4}, {3, 1, 8, 16, 3}, {1, 2, 43, 3, 5}, {2, 17, 24, 27, 2}, {1, 2, 28, 40, 8}, {1, 3, 30, 17, 0},
		} {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				area, slack := s.h*s.w, float32(2.4)
				r := rand.New(rand.NewPCG(81, uint64(area)))
				middle, near, heat := random(82, s.n*area), make([]float32, area), random(83, s.n*s.points*area)
				regress, offset := spiky(84, 2*s.n*s.points*area), random(85, 2*s.n*s.points*area)
				for i := range near {
					near[i] = r.Float32()
					if s.hot == 0 {
						near[i] = 1
					}
				}
				for i := range middle {
					middle[i] *= float32(s.hot)
				}
				for i := range heat {
					heat[i] *= float32(s.hot)
				}
				for i := range regress {
					if regress[i] *= 6; s.hot == 0 { // four cells are as near: the first of them counts
						regress[i] = float32(math.Mod(math.Floor(float64(regress[i])), 5)) + .5
					}
				}
				if area > 500 && s.hot > 0 {
					for _, v := range [][]float32{middle, heat} {
						for i := range v {
							switch r.IntN(40) {
							case 0:
								v[i] = float32(math.NaN())
							case 1:
								v[i] = -inf
							case 2:
								v[i] = -3e4
							}
						}
					}
					for i := range area { // the last point of all is nowhere, and of one shape the middle, too
						if s.n == 1 {
							middle[i] = float32(math.NaN())
						}
						heat[(s.n*s.points-1)*area+i] = float32(math.NaN())
					}
				}
				sigmoid := func(x float32) float64 { return 1 / (1 + math.Exp(-float64(x))) }
				y := out(s.n * (5*s.points + 1))
				d.run(t, "person_points", [3]int{s.points, s.n, 1}, 128, middle, near, heat, regress, offset, y, s.h, s.w, slack)
				for n := range s.n {
					row := y.got[n*(5*s.points+1):][:5*s.points+1]
					mid := middle[n*area:][:area]
					m, best, next, somewhere := personPoint(area, func(c int) float64 { return sigmoid(mid[c]) * float64(near[c]) })
					if somewhere && s.hot > 0 && best-next < 2e-6*best {
						t.Fatal("two middles are as good: choose another seed")
					}
					value := func(what string, got float32, want float64) {
						if !(math.Abs(float64(got)-want) <= 2e-6*(1+math.Abs(want))) && (want == want || got == got) {
							t.Fatalf("picture %d: %s is %v, want %v", n, what, got, want)
						}
					}
					value("the middle's warmth", row[5*s.points], sigmoid(mid[m]))
					for k := range s.points {
						plane := heat[(n*s.points+k)*area:][:area]
						both := 2 * (n*s.points + k) * area
						ey, ex := float64(float32(m/s.w)+regress[both+m]), float64(float32(m%s.w)+regress[both+area+m])
						a, best, next, there := personPoint(area, func(c int) float64 {
							return sigmoid(plane[c]) / (math.Hypot(float64(c/s.w)-ey, float64(c%s.w)-ex) + float64(slack))
						})
						if there && s.hot > 0 && best-next < 2e-6*best {
							t.Fatal("two cells are as good: choose another seed")
						}
						warmth := 0.0
						if there {
							warmth = sigmoid(plane[a])
						}
						for i, want := range []float64{(float64(a%s.w) + float64(offset[both+area+a])) / float64(s.w), (float64(a/s.w) + float64(offset[both+a])) / float64(s.h), warmth, ex / float64(s.w), ey / float64(s.h)} {
							value(fmt.Sprintf("value %d of point %d", i, k), row[5*k+i], want)
						}
					}
				}
			})
		}
	})
}
