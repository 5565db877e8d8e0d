package lucas

import (
	"math"
	"testing"

	"classlens/vision/scene"
	"classlens/vision/track"
)

// waves is a smooth picture without two places alike, moved by (dx, dy): random
// heights five pixels apart, and coarser ones, with a smooth surface through them.
func waves(w, h int, dx, dy float64) scene.Gray {
	height := func(x, y int) float64 {
		k := uint32(x)*2654435761 ^ uint32(y)*40503*65537
		k = (k ^ k>>15) * 0x5bd1e995
		k = (k ^ k>>13) * 0x2c1b3c6d
		return float64(k>>24) / 255
	}
	surface := func(u, v float64) float64 {
		x, y := math.Floor(u), math.Floor(v)
		fx, fy := u-x, v-y
		fx, fy = fx*fx*(3-2*fx), fy*fy*(3-2*fy)
		i, j := int(x), int(y)
		return (height(i, j)*(1-fx)+height(i+1, j)*fx)*(1-fy) + (height(i, j+1)*(1-fx)+height(i+1, j+1)*fx)*fy
	}
	g := scene.Gray{Width: w, Height: h, Pix: make([]byte, w*h)}
	for y := range h {
		for x := range w {
			u, v := float64(x)-dx+640, float64(y)-dy+640
			g.Pix[y*w+x] = byte(math.Round(20 + 100*surface(u/5, v/5) + 110*surface(u/19, v/19)))
		}
	}
	return g
}

// TestFollow: what moved by a known, broken number of pixels is found to a
// tenth of one, small motion and large, also where a window reaches over the border.
func TestFollow(t *testing.T) {
	a := waves(320, 240, 0, 0)
	pts := []track.Point{{X: 50, Y: 60}, {X: 160.3, Y: 120.7}, {X: 250, Y: 200}, {X: 15, Y: 14}, {X: 304, Y: 226}}
	for _, d := range []track.Point{{X: 0, Y: 0}, {X: .4, Y: -.3}, {X: 4.25, Y: -3.5}, {X: -9, Y: 6}} {
		var f Follower
		moved, ok := f.Follow(a, waves(320, 240, d.X, d.Y), pts)
		for i, p := range pts {
			if !ok[i] || math.Abs(moved[i].X-p.X-d.X) > 0.1 || math.Abs(moved[i].Y-p.Y-d.Y) > 0.1 {
				t.Errorf("moved by %v: %v went to %v, %v", d, p, moved[i], ok[i])
			}
		}
	}
}

// TestKernelsAgree: what any machine has and what this one has find the same places, to what sums in another order differ by.
func TestKernelsAgree(t *testing.T) {
	defer plain(false)
	a, b := waves(331, 243, 0, 0), waves(331, 243, 3.3, -2.1)
	var pts []track.Point
	for i := range 300 {
		pts = append(pts, track.Point{X: float64(i*37%331) + .25, Y: float64(i * 91 % 243)})
	}
	var f Follower
	moved, ok := f.Follow(a, b, pts)
	plain(true)
	var g Follower
	want, sure := g.Follow(a, b, pts)
	found := 0
	for i := range pts {
		if ok[i] != sure[i] {
			t.Errorf("%v: %v here, %v anywhere", pts[i], ok[i], sure[i])
		}
		if ok[i] {
			found++
		}
		if math.Hypot(moved[i].X-want[i].X, moved[i].Y-want[i].Y) > 0.02 {
			t.Errorf("%v went to %v here, %v anywhere", pts[i], moved[i], want[i])
		}
	}
	if found < 250 {
		t.Errorf("%d of %d points were found", found, len(pts))
	}
}

// TestNotFollowed: points that cannot be followed stay and say so.
func TestNotFollowed(t *testing.T) {
	a, b := waves(320, 240, 0, 0), waves(320, 240, 3, 1)
	flat := scene.Gray{Width: 320, Height: 240, Pix: make([]byte, 320*240)}
	covered := waves(320, 240, 0, 0)
	for y := 90; y < 150; y++ {
		for x := 130; x < 190; x++ { // something quite different came before the place
			covered.Pix[y*320+x] = byte(x * y * 7)
		}
	}
	middle := track.Point{X: 160, Y: 120}
	for _, c := range []struct {
		name string
		a, b scene.Gray
		p    track.Point
	}{
		{"outside", a, b, track.Point{X: -40, Y: -40}},
		{"beyond the last pixel", a, b, track.Point{X: 320, Y: 10}},
		{"no number", a, b, track.Point{X: math.NaN(), Y: 3}},
		{"infinite", a, b, track.Point{X: math.Inf(1), Y: 3}},
		{"flat", flat, flat, middle},
		{"covered", a, covered, middle},
		{"two sizes", a, waves(160, 120, 0, 0), middle},
		{"a torn frame", a, scene.Gray{Width: 320, Height: 240, Pix: b.Pix[:1000]}, middle},
		{"a tiny frame", waves(20, 20, 0, 0), waves(20, 20, 1, 0), track.Point{X: 10, Y: 10}},
		{"no frame", scene.Gray{}, scene.Gray{}, middle},
	} {
		var f Follower
		moved, ok := f.Follow(c.a, c.b, []track.Point{c.p})
		if ok[0] || (moved[0] != c.p && !math.IsNaN(c.p.X)) {
			t.Errorf("%s: went to %v, %v", c.name, moved[0], ok[0])
		}
	}
	var f Follower
	if moved, ok := f.Follow(a, b, nil); len(moved) != 0 || len(ok) != 0 {
		t.Error("something came of nothing")
	}
}

// TestRemembered: frames that come again are the same frames; many frames are
// not all kept.
func TestRemembered(t *testing.T) {
	var frames []scene.Gray
	for i := range 2 * kept {
		frames = append(frames, waves(160, 120, float64(i)*0.7, 0))
	}
	var f Follower
	pts := []track.Point{{X: 80, Y: 60}}
	for i := 1; i < len(frames); i++ {
		for k := i; k > max(0, i-kept+2); k-- { // back and forth
			var fresh Follower
			got, _ := f.Follow(frames[k], frames[k-1], pts)
			want, _ := fresh.Follow(frames[k], frames[k-1], pts)
			if got[0] != want[0] {
				t.Fatalf("frame %d: %v with memory, %v without", k, got[0], want[0])
			}
		}
	}
	if len(f.recent) != kept {
		t.Errorf("%d frames are remembered, want %d", len(f.recent), kept)
	}
}

// BenchmarkFollow: 640 points, as of forty heads, between two frames.
func BenchmarkFollow(b *testing.B) {
	x, y := waves(960, 540, 0, 0), waves(960, 540, 2, 1)
	var pts []track.Point
	for i := range 640 {
		pts = append(pts, track.Point{X: float64(20 + i*37%920), Y: float64(20 + i*91%500)})
	}
	var f Follower
	for b.Loop() {
		f.Follow(x, y, pts)
	}
}
