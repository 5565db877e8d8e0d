package kernels

import (
	"fmt"
	"math"
	"testing"
)

// cellShapes are batches and widths: below, at and above a block of 128 in all.
var cellShapes = [][2]int{{1, 1}, {3, 5}, {4, 32}, {3, 43}, {2, 130}, {1, 127}}

// cellTolerance: a few roundings of values near 1, and exp and tanh to two units in the last place.
const cellTolerance = 2e-6

// What of the LSTM's optional arguments is given.
const (
	second = 1 << iota
	shift
	masked
	kept
)

func TestLSTM(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range cellShapes {
			for _, variant := range []int{second | shift | masked | kept, kept, second | shift | masked, shift | masked | kept, second | kept, 0} {
				t.Run(fmt.Sprint(s, variant), func(t *testing.T) {
					b, h := s[0], s[1]
					stepX, stepSeen := 4*h+k, 1+k
					gx, cell, out0, dout, dcell := random(120, b*stepX), random(121, b*h), random(122, b*h), random(123, b*h), random(124, b*h)
					gh, ghArg := optional(variant&second != 0, random(125, 4*b*h))
					bias, biasArg := optional(variant&shift != 0, random(126, 4*h))
					seen, seenArg := optional(variant&masked != 0, make([]float32, b*stepSeen))
					for i := range seen {
						if i/stepSeen%2 == 0 {
							seen[i] = 1
						}
					}
					if k == 2 {
						gx = odd(120, len(gx))
					}
					if k == 4 {
						dout[1] = inf
					}
					if k == 5 {
						gx, dout = spiky(120, len(gx)), spiky(123, b*h)
					}
					if k == 3 { // gates wide open and shut
						for i := range gx {
							gx[i] *= 40
						}
					}
					gates, cell2, out2 := make([]float64, 4*b*h), make([]float64, b*h), make([]float64, b*h)
					dgates, dcell1, dout1 := make([]float64, b*stepX), make([]float64, b*h), make([]float64, b*h)
					for i := range dgates {
						dgates[i] = 7
					}
					for i := range b * h {
						z, j := i/h, i%h
						var v [4]float64
						for q := range 4 {
							sum := float64(gx[z*stepX+q*h+j])
							if gh != nil {
								sum += float64(gh[z*4*h+q*h+j])
							}
							if bias != nil {
								sum += float64(bias[q*h+j])
							}
							if v[q] = sigmoid(sum); q == 2 {
								v[q] = math.Tanh(sum)
							}
							gates[z*4*h+q*h+j] = v[q]
						}
						next := v[1]*float64(cell[i]) + v[0]*v[2]
						cell2[i], out2[i] = next, v[3]*math.Tanh(next)
						go_, gc := float64(dout[i]), 0.0
						wide := math.Tanh(next)
						gc = float64(dcell[i]) + go_*v[3]*(1-wide*wide)
						dcell1[i] = gc * v[1]
						if seen != nil && seen[z*stepSeen] == 0 {
							cell2[i], out2[i] = float64(cell[i]), float64(out0[i])
							dcell1[i], dout1[i] = float64(dcell[i]), go_
							go_, gc = 0, 0
						}
						dgates[z*stepX+j] = gc * v[2] * v[0] * (1 - v[0])
						dgates[z*stepX+h+j] = gc * float64(cell[i]) * v[1] * (1 - v[1])
						dgates[z*stepX+2*h+j] = gc * v[0] * (1 - v[2]*v[2])
						dgates[z*stepX+3*h+j] = go_ * wide * v[3] * (1 - v[3])
					}
					grid := [3]int{ceil(b*h, 128), 1, 1}
					gotGates, c2, o2 := out(4*b*h), out(b*h), out(b*h)
					var keptArg any = gotGates
					if variant&kept == 0 {
						keptArg = nil
					}
					d.run(t, "lstm_step", grid, 128, gx, ghArg, biasArg, cell, out0, seenArg, keptArg, c2, o2, b, h, stepX, stepSeen)
					near(t, "cell", c2.got, cell2, cellTolerance)
					near(t, "out", o2.got, out2, cellTolerance)
					if variant&kept == 0 {
						return
					}
					near(t, "gates", gotGates.got, gates, cellTolerance)
					sevens := make([]float32, b*stepX) // what lies between the sequences stays
					for i := range sevens {
						sevens[i] = 7
					}
					dg, dc, do := inout(sevens), out(b*h), out(b*h)
					d.run(t, "lstm_step_backward", grid, 128, gotGates.got, cell, seenArg, dout, dcell, dg, dc, do, b, h, stepX, stepSeen)
					near(t, "dgates", dg.got, dgates, cellTolerance)
					near(t, "dcell", dc.got, dcell1, cellTolerance)
					near(t, "dout", do.got, dout1, cellTolerance)
				})
			}
		}
	})
}

func TestGRU(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for k, s := range cellShapes {
			for variant := range 3 { // 1: no mask; 2: no gates kept
				t.Run(fmt.Sprint(s, variant), func(t *testing.T) {
					b, h := s[0], s[1]
					stepX, stepSeen := 3*h+k, 1+k
					gx, gh, out0, dout := random(130, b*stepX), random(131, 3*b*h), random(132, b*h), random(133, b*h)
					seen, seenArg := optional(variant != 1, make([]float32, b*stepSeen))
					for i := range seen {
						if i/stepSeen%2 == 0 {
							seen[i] = 1
						}
					}
					if k == 2 {
						gx = odd(130, len(gx))
					}
					if k == 4 {
						dout[1] = inf
					}
					if k == 5 {
						gx, dout = spiky(130, len(gx)), spiky(133, b*h)
					}
					if k == 3 {
						for i := range gx {
							gx[i] *= 40
						}
					}
					gates, out2, dgh, dout1 := make([]float64, 3*b*h), make([]float64, b*h), make([]float64, 3*b*h), make([]float64, b*h)
					dgx, sevens := make([]float64, b*stepX), make([]float32, b*stepX)
					for i := range dgx {
						dgx[i], sevens[i] = 7, 7
					}
					for i := range b * h {
						z, j := i/h, i%h
						x, y := func(q int) float64 { return float64(gx[z*stepX+q*h+j]) }, func(q int) float64 { return float64(gh[z*3*h+q*h+j]) }
						reset, update := sigmoid(x(0)+y(0)), sigmoid(x(1)+y(1))
						fresh := math.Tanh(x(2) + reset*y(2))
						gates[z*3*h+j], gates[z*3*h+h+j], gates[z*3*h+2*h+j] = reset, update, fresh
						out2[i] = fresh + update*(float64(out0[i])-fresh)
						g := float64(dout[i])
						dout1[i] = g * update
						if seen != nil && seen[z*stepSeen] == 0 {
							out2[i], dout1[i], g = float64(out0[i]), g, 0
						}
						dn, dz := g*(1-update)*(1-fresh*fresh), g*(float64(out0[i])-fresh)*update*(1-update)
						dr := dn * y(2) * reset * (1 - reset)
						for q, v := range []float64{dr, dz, dn} {
							dgx[z*stepX+q*h+j], dgh[z*3*h+q*h+j] = v, v
						}
						dgh[z*3*h+2*h+j] *= reset
					}
					grid := [3]int{ceil(b*h, 128), 1, 1}
					kept, o2 := out(3*b*h), out(b*h)
					var keptArg any = kept
					if variant == 2 {
						keptArg = nil
					}
					d.run(t, "gru_step", grid, 128, gx, gh, out0, seenArg, keptArg, o2, b, h, stepX, stepSeen)
					near(t, "out", o2.got, out2, cellTolerance)
					if variant == 2 {
						return
					}
					near(t, "gates", kept.got, gates, cellTolerance)
					dx, dh, do := inout(sevens), out(3*b*h), out(b*h)
					d.run(t, "gru_step_backward", grid, 128, kept.got, gh, out0, seenArg, dout, dx, dh, do, b, h, stepX, stepSeen)
					if k == 5 { // spiky
						within(t, "dgx", dx.got, dgx, cellTolerance, dout)
						within(t, "dgh", dh.got, dgh, cellTolerance, dout)
						return
					}
					near(t, "dgx", dx.got, dgx, cellTolerance)
					near(t, "dgh", dh.got, dgh, cellTolerance)
					near(t, "dout", do.got, dout1, cellTolerance)
				})
			}
		}
	})
}
