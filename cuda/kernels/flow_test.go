package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// smooth is a plane of 0..255 with a gradient everywhere, moved by dx, dy.
func smooth(h, w int, dx, dy float64) []float32 {
	v := make([]float32, h*w)
	for i := range v {
		x, y := float64(i%w)-dx, float64(i/w)-dy
		v[i] = float32(128 + 50*math.Sin(x/3+y/7) + 40*math.Sin(y/2.5-x/9) + 20*math.Sin(x/1.7+y/2))
	}
	return v
}

// readBetween is the plane read at any place, linear between pixels, the nearest pixel outside.
func readBetween(p []float32, h, w int, x, y float64) float64 {
	x, y = math.Min(math.Max(x, 0), float64(w-1)), math.Min(math.Max(y, 0), float64(h-1))
	x0, y0 := int(x), int(y)
	x1, y1, fx, fy := min(x0+1, w-1), min(y0+1, h-1), x-float64(int(x)), y-float64(int(y))
	v := func(y, x int) float64 { return float64(p[y*w+x]) }
	return (v(y0, x0)*(1-fx)+v(y0, x1)*fx)*(1-fy) + (v(y1, x0)*(1-fx)+v(y1, x1)*fx)*fy
}

func TestFlowGrayAndHalve(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		r := rand.New(rand.NewPCG(3, 3))
		for _, s := range [][3]int{{1, 2, 2}, {2, 9, 15}, {1, 16, 8}, {3, 13, 11}, {2, 32, 17}, {1, 1, 1}, {1, 1, 127}, {1, 3, 43}, {1, 2, 254}, {1, 2, 258}} {
			n, h, w := s[0], s[1], s[2]
			rgb, gray := make([]uint8, n*h*w*3), make([]float64, n*h*w)
			for i := range rgb {
				rgb[i] = uint8(r.Uint32())
			}
			for i := range gray {
				gray[i] = .299*float64(rgb[3*i]) + .587*float64(rgb[3*i+1]) + .114*float64(rgb[3*i+2])
			}
			y := out(n * h * w)
			d.run(t, "flow_gray", [3]int{ceil(h*w, 128), n, 1}, 128, rgb, y, h*w)
			near(t, fmt.Sprint("gray ", s), y.got, gray, 1e-6)
			oh, ow := h/2, w/2
			if oh*ow == 0 {
				continue
			}
			x := wild(3, n*h*w)
			want := make([]float64, n*oh*ow)
			for i := range want {
				at := (i/(oh*ow)*h+i/ow%oh*2)*w + i%ow*2
				want[i] = (float64(x[at]) + float64(x[at+1]) + float64(x[at+w]) + float64(x[at+w+1])) / 4
			}
			small := out(len(want))
			d.run(t, "flow_halve", [3]int{ceil(oh*ow, 128), n, 1}, 128, x, small, h, w)
			within(t, fmt.Sprint("half ", s), small.got, want, 1e-6, x)
		}
	})
}

// patchShift is one patch's search in float64.
func patchShift(from, to, coarse []float32, h, w, left, top, rounds int) (u, v float64) {
	var value, gx, gy [64]float64
	var mx, my float64
	px := func(i int) int { return left + i%8 }
	py := func(i int) int { return top + i/8 }
	for i := range 64 {
		x, y := px(i), py(i)
		value[i] = float64(from[y*w+x])
		gx[i] = (float64(from[y*w+min(x+1, w-1)]) - float64(from[y*w+max(x-1, 0)])) / 2
		gy[i] = (float64(from[min(y+1, h-1)*w+x]) - float64(from[max(y-1, 0)*w+x])) / 2
		mx, my = mx+gx[i]/64, my+gy[i]/64
	}
	xx, xy, yy := 1.0, 0.0, 1.0
	for i := range 64 {
		gx[i], gy[i] = gx[i]-mx, gy[i]-my
		xx, xy, yy = xx+gx[i]*gx[i], xy+gx[i]*gy[i], yy+gy[i]*gy[i]
	}
	difference := func(i int, u, v float64) float64 {
		return readBetween(to, h, w, float64(px(i))+u, float64(py(i))+v) - value[i]
	}
	if coarse != nil {
		least := math.Inf(1)
		for _, o := range [][2]int{{0, 0}, {8, 0}, {-8, 0}, {0, 8}, {0, -8}} {
			cx, cy := min(max((left+4+o[0])/2, 0), w/2-1), min(max((top+4+o[1])/2, 0), h/2-1)
			du, dv := 2*float64(coarse[2*(cy*(w/2)+cx)]), 2*float64(coarse[2*(cy*(w/2)+cx)+1])
			sum, squares := 0.0, 0.0
			for i := range 64 {
				e := difference(i, du, dv)
				sum, squares = sum+e, squares+e*e
			}
			if squares -= sum * sum / 64; squares < least {
				least, u, v = squares, du, dv
			}
		}
	}
	u0, v0 := u, v
	for range rounds {
		var a, b float64
		for i := range 64 {
			e := difference(i, u, v)
			a, b = a+gx[i]*e, b+gy[i]*e
		}
		det := xx*yy - xy*xy
		u, v = u-(yy*a-xy*b)/det, v-(xx*b-xy*a)/det
	}
	if !((u-u0)*(u-u0)+(v-v0)*(v-v0) <= 64) {
		return u0, v0
	}
	return u, v
}

func TestFlowPatchesAndDense(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range [][3]int{{1, 8, 8}, {2, 11, 22}, {1, 20, 16}, {1, 17, 13}, {1, 15, 17}, {1, 11, 35}} {
			for rounds := range 4 {
				n, h, w := s[0], s[1], s[2]
				gh, gw := ceil(h-8, 4)+1, ceil(w-8, 4)+1
				var from, to []float32
				for i := range n {
					from, to = append(from, smooth(h, w, float64(i), 0)...), append(to, smooth(h, w, float64(i)+.7, -.4*float64(rounds))...)
				}
				if k == 3 && rounds == 1 { // no gradient and a jump: the search leaves, and is called back
					for i := range to {
						from[i], to[i] = from[i]*.02, to[i]*20
					}
				}
				coarse, coarseArg := optional(rounds%2 == 1, random(200, n*(h/2)*(w/2)*2))
				want := make([]float64, 0, n*gh*gw*2)
				for i := range n {
					var c []float32
					if coarse != nil {
						c = coarse[i*(h/2)*(w/2)*2:]
					}
					for p := range gh * gw {
						u, v := patchShift(from[i*h*w:(i+1)*h*w], to[i*h*w:(i+1)*h*w], c, h, w, min(p%gw*4, w-8), min(p/gw*4, h-8), rounds)
						want = append(want, u, v)
					}
				}
				patches := out(len(want))
				d.run(t, "flow_patches", [3]int{ceil(gh*gw, 4), n, 1}, 128, from, to, coarseArg, patches, h, w, gh, gw, rounds)
				near(t, fmt.Sprint("patches ", s, rounds), patches.got, want, 2e-3) // each round enlarges rounding errors of the one before

				dense := make([]float64, n*h*w*2)
				for q := range n * h * w {
					i, y, x := q/(h*w), q/w%h, q%w
					var u, v, all float64
					for p := range gh * gw {
						left, top := min(p%gw*4, w-8), min(p/gw*4, h-8)
						if x < left || y < top || x >= left+8 || y >= top+8 {
							continue
						}
						du, dv := float64(patches.got[2*(i*gh*gw+p)]), float64(patches.got[2*(i*gh*gw+p)+1])
						e := math.Abs(readBetween(to[i*h*w:(i+1)*h*w], h, w, float64(x)+du, float64(y)+dv) - float64(from[q]))
						weight := 1 / math.Max(1, e)
						u, v, all = u+weight*du, v+weight*dv, all+weight
					}
					dense[2*q], dense[2*q+1] = 3*u/all, 3*v/all
				}
				flow := out(len(dense))
				d.run(t, "flow_dense", [3]int{ceil(h*w, 128), n, 1}, 128, from, to, patches.got, flow, h, w, gh, gw, float32(3))
				near(t, fmt.Sprint("dense ", s, rounds), flow.got, dense, 1e-4)
			}
		}
	})
}
