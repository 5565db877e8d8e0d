package clip

import (
	"math"
	"testing"

	"classlens/vision/scene"
)

// ramp is a frame whose red grows by 1 a column and green by 1 a row.
func ramp(w, h int) scene.Frame {
	f := scene.Frame{Width: w, Height: h, Pix: make([]byte, 3*w*h)}
	for y := range h {
		for x := range w {
			f.Pix[3*(y*w+x)], f.Pix[3*(y*w+x)+1] = byte(x), byte(y)
		}
	}
	return f
}

func TestPictureKeepsPlaces(t *testing.T) {
	f := ramp(200, 150)
	for _, c := range []struct {
		name string
		q    Square
		size int
	}{
		{"as it is", Square{40, 30, 32}, 32}, {"shrunk", Square{40, 30, 96}, 32}, {"shrunk unevenly", Square{40.3, 30.8, 77.7}, 24}, {"enlarged", Square{50, 40, 20}, 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Picture(f, c.q, c.size)
			step := c.q.Side / float64(c.size)
			for i := 1; i < c.size-1; i++ {
				for j := 1; j < c.size-1; j++ {
					wantX, wantY := c.q.X+(float64(j)+.5)*step-.5, c.q.Y+(float64(i)+.5)*step-.5
					x, y := float64(p[3*(i*c.size+j)]), float64(p[3*(i*c.size+j)+1])
					if math.Abs(x-wantX) > .6 || math.Abs(y-wantY) > .6 {
						t.Fatalf("pixel %d,%d shows %v,%v, want %.2f,%.2f", j, i, x, y, wantX, wantY)
					}
				}
			}
		})
	}
}

// The C loops against the sums themselves.
func TestPictureAndFlowEqualPlainSums(t *testing.T) {
	f := scene.Frame{Width: 61, Height: 47, Pix: make([]byte, 3*61*47)}
	for i := range f.Pix {
		f.Pix[i] = byte(i*7919>>3 ^ i)
	}
	flow := &scene.Flow{Width: 31, Height: 24, Scale: 2, Interval: .04, UV: make([]float32, 2*31*24)}
	for i := range flow.UV {
		flow.UV[i] = float32(i%17)*.37 - 2
	}
	for _, q := range []Square{{10, 8, 16}, {7.3, 5.8, 33.7}, {-20, -9, 60}, {40, 30, 40}, {300, 300, 10}, {-30, -30, 150}} {
		const size = 20
		got, uv := Picture(f, q, size), Flow(flow, q, size)
		columns, rows := tapsOf(q.X, q.Side, size, f.Width), tapsOf(q.Y, q.Side, size, f.Height)
		for i := range size * size * 3 {
			y, x, c := i/3/size, i/3%size, i%3
			sum := float32(0)
			for a := range int(rows.count[y]) {
				line := float32(0)
				for b := range int(columns.count[x]) {
					line += columns.weights[x*columns.most+b] * float32(f.Pix[3*((int(rows.first[y])+a)*f.Width+int(columns.first[x])+b)+c])
				}
				sum += rows.weights[y*rows.most+a] * line
			}
			if want := byte(sum + .5); got[i] != want {
				t.Fatalf("%+v: picture %d is %d, want %d", q, i, got[i], want)
			}
		}
		columns, rows = tapsOf(q.X/2, q.Side/2, size, flow.Width), tapsOf(q.Y/2, q.Side/2, size, flow.Height)
		for i := range size * size * 2 {
			y, x, c := i/2/size, i/2%size, i%2
			sum := 0.0
			for a := range int(rows.count[y]) {
				for b := range int(columns.count[x]) {
					w := float64(rows.weights[y*rows.most+a]) * float64(columns.weights[x*columns.most+b])
					sum += w * float64(flow.UV[2*((int(rows.first[y])+a)*flow.Width+int(columns.first[x])+b)+c])
				}
			}
			if want := sum / (.04 * q.Side); math.Abs(float64(uv[i])-want) > 1e-4*math.Max(1, math.Abs(want)) {
				t.Fatalf("%+v: flow %d is %g, want %g", q, i, uv[i], want)
			}
		}
	}
}

func TestEdgesAreRepeated(t *testing.T) {
	f := ramp(60, 50)
	p := Picture(f, Square{-40, -40, 80}, 40)
	if p[0] != 0 || p[1] != 0 {
		t.Errorf("left of the frame: %v", p[:3])
	}
	p = Picture(f, Square{30, 20, 80}, 40)
	if last := p[len(p)-3:]; last[0] != 59 || last[1] != 49 {
		t.Errorf("right of the frame: %v", last)
	}
	Picture(f, Square{500, 500, 10}, 8) // wholly outside: no panic
}

func TestFlowIsInSidesASecond(t *testing.T) {
	f := &scene.Flow{Width: 32, Height: 18, Scale: 20, Interval: .04, UV: make([]float32, 2*32*18)}
	for i := range 32 * 18 {
		f.UV[2*i], f.UV[2*i+1] = 4, -2
	}
	uv := Flow(f, Square{100, 100, 100}, 16)
	for i := range 256 { // 4 pixels in 0.04 s are one side of 100 pixels a second
		if math.Abs(float64(uv[2*i]-1)) > 1e-5 || math.Abs(float64(uv[2*i+1]+.5)) > 1e-5 {
			t.Fatalf("flow %v,%v, want 1,-0.5", uv[2*i], uv[2*i+1])
		}
	}
	if Flow(nil, Square{0, 0, 10}, 4) != nil {
		t.Error("no flow gave one")
	}
}

func TestAround(t *testing.T) {
	q := Around(scene.Box{X: 100, Y: 80, W: 40, H: 40})
	if q.Side != 144 || q.X != 120-72 || q.Y != 100+24-72 {
		t.Errorf("square %+v", q)
	}
}

func BenchmarkPicture(b *testing.B) {
	f := ramp(640, 360)
	for b.Loop() {
		Picture(f, Square{100, 100, 150}, 96)
	}
}
