package flow

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"classlens/cuda/driver"
)

// texture is a smooth random pattern, known at every place: some waves of random direction and length.
type texture [24][4]float64

func newTexture() (t texture) {
	state := uint32(1)
	random := func() float64 { state = state*1664525 + 1013904223; return float64(state>>8) / (1 << 24) }
	for i := range t {
		length, angle := 6+40*random()*random(), 2*math.Pi*random()
		t[i] = [4]float64{2 * math.Pi / length * math.Cos(angle), 2 * math.Pi / length * math.Sin(angle), 2 * math.Pi * random(), 8 + 8*random()}
	}
	return t
}

func (t texture) at(x, y float64) float64 {
	v := 128.0
	for _, w := range t {
		v += w[3] / 2 * math.Sin(w[0]*x+w[1]*y+w[2])
	}
	return math.Min(math.Max(v, 0), 255)
}

// motion says where a place of the first picture is in the second, and back.
type motion struct {
	name        string
	there, back func(x, y float64) (float64, float64)
	dis         float64 // mean error of OpenCV's DIS on the same pair, in pixels: testdata/dis.py
	offset      float64 // of the second picture's light
}

const height, width = 66, 116

func turn(angle, zoom, dx, dy float64) (there, back func(x, y float64) (float64, float64)) {
	c, s := math.Cos(angle), math.Sin(angle)
	there = func(x, y float64) (float64, float64) {
		x, y = x-width/2, y-height/2
		return zoom*(c*x-s*y) + width/2 + dx, zoom*(s*x+c*y) + height/2 + dy
	}
	back = func(x, y float64) (float64, float64) {
		x, y = (x-width/2-dx)/zoom, (y-height/2-dy)/zoom
		return c*x + s*y + width/2, -s*x + c*y + height/2
	}
	return there, back
}

func motions() []motion {
	var all []motion
	for _, m := range []struct {
		name                             string
		angle, zoom, dx, dy, dis, offset float64
	}{
		{"nothing", 0, 1, 0, 0, 0, 0}, {"a quarter of a pixel", 0, 1, .25, -.25, .1332, 0}, {"some pixels", 0, 1, 3.3, -2.6, .0720, 0}, {"far", 0, 1, 7.5, -5, .1859, 0},
		{"turned", .06, 1, 0, 0, .6891, 0}, {"nearer", 0, 1.06, 1, 0, .7692, 0}, {"darker", 0, 1, 2, 1, .1398, -20},
	} {
		there, back := turn(m.angle, m.zoom, m.dx, m.dy)
		all = append(all, motion{m.name, there, back, m.dis, m.offset})
	}
	return all
}

// pair draws both pictures, exactly, and the true flow.
func (m motion) pair(t texture) (from, to, truth []float32) {
	for y := range height {
		for x := range width {
			from = append(from, float32(t.at(float64(x), float64(y))))
			bx, by := m.back(float64(x), float64(y))
			to = append(to, float32(math.Min(math.Max(t.at(bx, by)+m.offset, 0), 255)))
			tx, ty := m.there(float64(x), float64(y))
			truth = append(truth, float32(tx-float64(x)), float32(ty-float64(y)))
		}
	}
	return from, to, truth
}

// endpointError is the mean distance from the truth, where it does not lead out of the picture, in pixels.
func endpointError(got, truth []float32, rate float64) float64 {
	sum, n := 0.0, 0
	for i := 0; i < len(truth); i += 2 {
		x, y := float64(i/2%width)+float64(truth[i]), float64(i/2/width)+float64(truth[i+1])
		if x < 0 || y < 0 || x > width-1 || y > height-1 {
			continue
		}
		sum += math.Hypot(float64(got[i])/rate-float64(truth[i]), float64(got[i+1])/rate-float64(truth[i+1]))
		n++
	}
	return sum / float64(n)
}

func TestFlow(t *testing.T) {
	found, err := driver.Devices()
	if err != nil || len(found) == 0 {
		t.Skip("no CUDA device, real or simulated")
	}
	for _, info := range found {
		d, err := driver.Open(info.UUID)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		list, pattern := motions(), newTexture()
		f, err := New(d, len(list), height, width)
		if err != nil {
			t.Fatal(err)
		}
		var from, to []float32
		var truths [][]float32
		for _, m := range list {
			a, b, truth := m.pair(pattern)
			from, to, truths = append(from, a...), append(to, b...), append(truths, truth)
		}
		got, err := Between(f, from, to, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, rate := range []float32{2, 2, 1, 1, 2} { // recorded, replayed, and recorded anew
			again, err := Between(f, from, to, rate)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range again {
				if v*2/rate != got[i] {
					t.Fatalf("value %d at rate %v is %v, at rate 2 it was %v", i, rate, v, got[i])
				}
			}
		}
		for i, m := range list {
			n := 2 * height * width
			e := endpointError(got[i*n:(i+1)*n], truths[i], 2)
			t.Logf("%s, %s: mean error %.4f pixels, DIS %.4f", info.Name, m.name, e, m.dis)
			if !(e <= m.dis+1e-4) {
				t.Errorf("%s: mean error %.4f pixels, DIS has %.4f", m.name, e, m.dis)
			}
		}
		if _, err := Between(f, from[1:], to, 1); err == nil {
			t.Error("a picture of another size passed")
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if _, err := Between(f, from, to, 1); err == nil {
			t.Error("a closed one went on")
		}
		if live := d.Live(); live != (driver.Counts{}) {
			t.Errorf("left on the device: %+v", live)
		}
	}
}

// Every call of three runs fails in turn: there is an error, or the same flow, and in the end nothing is left on the device.
func TestFaults(t *testing.T) {
	found, err := driver.Devices()
	if err != nil || len(found) == 0 || !found[0].Simulated {
		t.Skip("needs the simulated device")
	}
	const h, w = 17, 20
	var from, to []uint8
	pattern := newTexture()
	for i := range h * w {
		from = append(from, uint8(pattern.at(float64(i%w), float64(i/w))))
		to = append(to, uint8(pattern.at(float64(i%w)-1, float64(i/w))))
	}
	runs := func() (out []float32, err error) {
		d, err := driver.Open(found[0].UUID)
		if err != nil {
			return nil, err
		}
		f, err := New(d, 1, h, w)
		if err != nil {
			if live := d.Live(); live != (driver.Counts{}) && d.Err() == nil {
				t.Errorf("left on the device: %+v", live)
			}
			return nil, errors.Join(err, d.Close())
		}
		for range 3 {
			if out, err = Between(f, from, to, 1); err != nil {
				break
			}
		}
		if err2 := f.Close(); err == nil && err2 != nil && out == nil {
			err = err2
		}
		_ = d.Close() // may be the call that fails; the result is there by then
		return out, err
	}
	want, err := runs()
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, code := range []int{1, 2, 700} {
		for call, passed := 1, 0; passed < 3; call++ {
			t.Setenv(driver.FaultVariable, fmt.Sprintf("%d:%d", call, code))
			got, err := runs()
			if err != nil {
				failed, passed = failed+1, 0
				continue
			}
			passed++
			if !slices.Equal(got, want) {
				t.Fatalf("code %d at call %d gave another flow", code, call)
			}
		}
	}
	if failed < 30 {
		t.Errorf("only %d calls failed", failed)
	}
}
