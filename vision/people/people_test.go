package people

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"testing"

	"classlens/model/alloctest"
	"classlens/model/pretrained"
	"classlens/vision/scene"
)

func gradient(w, h int) scene.Frame {
	f := scene.Frame{Width: w, Height: h, Pix: make([]byte, 3*w*h)}
	for y := range h {
		for x := range w {
			p := f.Pix[3*(y*w+x):]
			p[0], p[1], p[2] = byte(x*200/w), byte(y*200/h), 77
		}
	}
	return f
}

// TestResizerKeepsGradients: both ways of resizing keep a straight slope, inside.
func TestResizerKeepsGradients(t *testing.T) {
	for _, c := range []struct{ fw, fh, w, h, pw, ph int }{
		{64, 36, 128, 96, 128, 96}, {640, 360, 160, 96, 160, 96}, {100, 60, 75, 45, 128, 128}, {33, 17, 33, 17, 33, 17}, {3, 2, 32, 32, 32, 32},
	} {
		f := gradient(c.fw, c.fh)
		dst := make([]float32, 3*c.pw*c.ph)
		newResizer(c.fw, c.fh, c.w, c.h, c.pw, c.ph).into(dst, f, image.Rect(0, 0, c.pw, c.ph), 2, -1)
		plane := c.pw * c.ph
		for y := c.h / 4; y < c.h*3/4; y++ {
			for x := c.w / 4; x < c.w*3/4; x++ {
				for ch, want := range []float64{
					((float64(x)+0.5)*float64(c.fw)/float64(c.w) - 0.5) * 200 / float64(c.fw),
					((float64(y)+0.5)*float64(c.fh)/float64(c.h) - 0.5) * 200 / float64(c.fh), 77,
				} {
					got := (float64(dst[ch*plane+y*c.pw+x]) + 1) / 2
					tolerance := 1.6 // bytes are cut down by up to one; cubic overshoots steps by half
					if c.fw < 10 {
						tolerance = 25 // three pixels are no slope
					}
					if math.Abs(got-want) > tolerance {
						t.Fatalf("%+v: channel %d at (%d, %d) is %.2f, want %.2f", c, ch, x, y, got, want)
					}
				}
			}
		}
		if c.pw > c.w && dst[c.w] != 0 {
			t.Errorf("%+v: the border is %v, want 0", c, dst[c.w])
		}
	}
}

// BenchmarkResizer: a frame of 640 x 360 to the own net's input, and one of 4K.
func BenchmarkResizer(b *testing.B) {
	for _, c := range []struct{ fw, fh, w, h int }{{640, 360, 896, 512}, {3840, 2160, 1280, 736}} {
		b.Run(fmt.Sprintf("%dx%d", c.fw, c.fh), func(b *testing.B) {
			f, r, dst := gradient(c.fw, c.fh), newResizer(c.fw, c.fh, c.w, c.h, c.w, c.h), make([]float32, 3*c.w*c.h)
			for b.Loop() {
				r.into(dst, f, image.Rect(0, 0, c.w, c.h), 1, 0)
			}
		})
	}
}

// From a frame to a net's maps nothing is allocated, once the whole picture and the part were looked at before.
func TestRunnersAllocateOnce(t *testing.T) {
	f := gradient(640, 360)
	for name := range netStep {
		d := &Detector{o: Options{Threads: 2, Path: pretrained.Path}, nets: map[string]lanes{}, runs: map[string]*runner{}, memories: map[string]*memory{}}
		r, err := d.runner(name, 384, 0, f)
		if errors.Is(err, pretrained.ErrMissing) {
			t.Logf("%s: %v", name, err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		run := func(part image.Rectangle) error {
			_, err := r.run(f, part)
			return err
		}
		whole := r.part(scene.Box{})
		part := image.Rect(0, 0, whole.Dx()-r.step, whole.Dy())
		alloctest.Nothing(t, name, func() error { return errors.Join(run(whole), run(part)) })
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestResizerPart: a part is the same pixels as the whole has there.
func TestResizerPart(t *testing.T) {
	f := gradient(64, 36)
	r := newResizer(64, 36, 96, 54, 96, 64)
	all, part := make([]float32, 3*96*64), make([]float32, 3*32*40)
	r.into(all, f, image.Rect(0, 0, 96, 64), 1, 0)
	r.into(part, f, image.Rect(64, 24, 96, 64), 1, 0)
	for c := range 3 {
		for y := range 40 {
			for x := range 32 {
				if got, want := part[(c*40+y)*32+x], all[(c*64+y+24)*96+x+64]; got != want {
					t.Fatalf("channel %d at (%d, %d): %v, want %v", c, x, y, got, want)
				}
			}
		}
	}
}

func TestPart(t *testing.T) {
	r := newRunner(nil, "centerface", 1280, .25, scene.Frame{Width: 640, Height: 360})
	for _, c := range []struct {
		box  scene.Box
		want image.Rectangle
	}{
		{scene.Box{}, image.Rect(0, 0, 1280, 736)},
		{scene.Box{X: 100, Y: 100, W: 200, H: 100}, image.Rect(192, 192, 640, 448)},
		{scene.Box{X: 10, Y: 10, W: 600, H: 340}, image.Rect(0, 0, 1280, 736)}, // not worth it
		{scene.Box{X: -50, Y: 300, W: 300, H: 200}, image.Rect(0, 576, 512, 736)},
		{scene.Box{X: 900, Y: 900, W: 30, H: 20}, image.Rect(0, 0, 1280, 736)}, // elsewhere
	} {
		if got := r.part(c.box); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.box, got, c.want)
		}
	}
}

func TestWidthFor(t *testing.T) {
	l := netAt{"centerface", 1280, 30}
	for _, c := range []struct {
		small  float64
		fw, fh int
		want   int
	}{
		{0, 640, 360, 1280}, {15, 640, 360, 1280}, {40, 640, 360, 512}, {250, 640, 360, 320}, {60, 1920, 1080, 960},
	} {
		if got := l.widthFor(c.small, c.fw, c.fh); got != c.want {
			t.Errorf("%+v: got %d", c, got)
		}
	}
}

func TestInputSize(t *testing.T) {
	for _, c := range []struct {
		name                        string
		width, fw, fh, w, h, pw, ph int
	}{
		{"centerface", 1280, 640, 360, 1280, 736, 1280, 736},
		{"centerface", 1280, 1920, 1080, 1280, 736, 1280, 736},
		{"movenet-multipose", 896, 480, 640, 576, 768, 576, 768}, // upright: as many pixels
		{"faceboxes", 1280, 640, 360, 1280, 720, 1280, 768},
		{"centerface", 960, 100000, 10, 72000, 32, 72000, 32},
	} {
		w, h, pw, ph := inputSize(c.name, c.width, c.fw, c.fh)
		if c.fw == 100000 { // absurd, but finite
			if pw < 32 || ph < 32 || pw%32 != 0 || ph%32 != 0 {
				t.Errorf("%+v: got %d x %d", c, pw, ph)
			}
			continue
		}
		if w != c.w || h != c.h || pw != c.pw || ph != c.ph {
			t.Errorf("%+v: got %d x %d in %d x %d", c, w, h, pw, ph)
		}
	}
}

func blank(c, h, w int) plane { return plane{c, h, w, make([]float32, c*h*w)} }

func (p plane) set(c, y, x int, v float64) { p.v[(c*p.h+y)*p.w+x] = float32(v) }

func TestDecodeCenterFace(t *testing.T) {
	heat, size, offset, points := blank(1, 8, 16), blank(2, 8, 16), blank(2, 8, 16), blank(10, 8, 16)
	points.set(noseX, 3, 5, 0.75)
	heat.set(0, 3, 5, 0.9)
	heat.set(0, 3, 6, 0.5) // the same face again
	heat.set(0, 6, 12, 0.2)
	for _, x := range []int{5, 6} {
		size.set(0, 3, x, math.Log(5))
		size.set(1, 3, x, math.Log(4))
		offset.set(0, 3, x, 0.25)
	}
	offset.set(1, 3, 5, -0.5)
	got := decodeCenterFace(heat, size, offset, points, toSource{0.5, 0.5}, 0.25)
	if len(got) != 1 {
		t.Fatalf("%d faces, want 1", len(got))
	}
	if f := got[0]; math.Abs(f.x-10) > 1e-5 || math.Abs(f.y-7.5) > 1e-5 || math.Abs(f.w-8) > 1e-4 || math.Abs(f.h-10) > 1e-4 || f.noseX != 0.25 {
		t.Errorf("got %+v", f)
	}
}

func TestDecodeFaceBoxes(t *testing.T) {
	class := [3]plane{blank(42, 2, 2), blank(2, 1, 1), blank(2, 1, 1)}
	box := [3]plane{blank(84, 2, 2), blank(4, 1, 1), blank(4, 1, 1)}
	class[0].set(2*17+1, 1, 0, 3) // the second of the 64s: lower cell, right half of its upper row
	box[0].set(4*17+3, 1, 0, 5*math.Log(0.5))
	class[2].set(1, 0, 0, 1)
	got := decodeFaceBoxes(class, box, toSource{1, 1}, 0.6)
	if len(got) != 2 {
		t.Fatalf("%d faces, want 2", len(got))
	}
	if f := got[0]; f.x != 0.25*32 || f.y != (1+0.75)*32 || math.Abs(f.w-32) > 1e-4 || f.h != 64 {
		t.Errorf("small: got %+v", f)
	}
	if f := got[1]; f.x != 64 || f.y != 64 || f.w != 512 {
		t.Errorf("large: got %+v", f)
	}
}

func TestDecodeMultiPose(t *testing.T) {
	m := poseMaps{blank(1, 16, 16), blank(2, 16, 16), blank(2, 16, 16), blank(17, 16, 16), blank(34, 16, 16), blank(34, 16, 16)}
	m.center.set(0, 8, 6, 0.7)
	m.center.set(0, 8, 7, 0.6) // no peak
	m.size.set(0, 8, 6, 10)
	m.size.set(1, 8, 6, 5)
	for i := range m.heat.v {
		m.heat.v[i] = -9
	}
	m.regress.set(2*scene.Nose, 8, 6, -4) // the nose is thought at (6, 4)
	m.heat.set(scene.Nose, 5, 6, 3)
	m.heat.set(scene.Nose, 5, 15, 3.2) // another's nose: hotter, but far
	m.pointsOffset.set(2*scene.Nose+1, 5, 6, 0.5)
	got := decodeMultiPose(m, toSource{2, 2}, 0.2)
	if len(got) != 1 {
		t.Fatalf("%d bodies, want 1", len(got))
	}
	b := got[0]
	if b.x != 48 || b.y != 64 || b.w != 40 || b.h != 80 {
		t.Errorf("body %+v", b)
	}
	if n := b.points[scene.Nose]; n.X != 52 || n.Y != 40 || math.Abs(n.Score-sigmoid(3)) > 1e-6 {
		t.Errorf("nose %+v", n)
	}
	if r := b.regress[scene.Nose]; r.x != 48 || r.y != 32 {
		t.Errorf("regressed nose %+v", r)
	}
}

// standing builds a body whose head is 40 px high, facing the camera.
func standing(x, y float64) *body {
	b := &body{x: x, y: y + 60, w: 90, h: 200, score: 0.6}
	for i, p := range []xy{{0, 4}, {6, -2}, {-6, -2}, {13, 0}, {-13, 0}, {36, 42}, {-36, 42}} {
		b.points[i] = scene.Keypoint{X: x + p.x, Y: y + p.y, Score: 0.8}
		b.regress[i] = xy{x + p.x, y + p.y}
	}
	return b
}

func TestHeadOfBody(t *testing.T) {
	h := headOfBody(standing(300, 200), 0)
	if h.h < 30 || h.h > 55 || math.Abs(h.x-300) > 4 || h.y < 180 || h.y > 206 {
		t.Errorf("head at (%.1f, %.1f), %.1f x %.1f", h.x, h.y, h.w, h.h)
	}
	// Points too weak to believe are taken from the regression.
	b := standing(300, 200)
	for i := range b.points {
		b.points[i] = scene.Keypoint{X: 9999, Y: 9999, Score: 0.05}
	}
	if w := headOfBody(b, 0); math.Abs(w.x-h.x) > 3 || math.Abs(w.y-h.y) > 3 || math.Abs(w.h-h.h) > 1 {
		t.Errorf("with weak points at (%.1f, %.1f), %.1f high", w.x, w.y, w.h)
	}
}

func TestFuse(t *testing.T) {
	f := func(x, y, s float64, source int) head {
		return headOfFace(face{x: x, y: y, w: 20, h: 24, score: s}, source)
	}
	b := headOfBody(standing(300, 200), 0)
	for _, c := range []struct {
		name   string
		faces  []head
		bodies []head
		n      int
		score  float64 // of the first
	}{
		{"nothing", nil, nil, 0, 0},
		{"one face at two scales", []head{f(100, 100, 0.8, 0), f(103, 101, 0.6, 1)}, nil, 1, 0.75},
		{"a face seen at one of two scales", []head{f(100, 100, 0.8, 0)}, nil, 1, 0.6},
		{"neighbours", []head{f(100, 100, 0.8, 0), f(131, 100, 0.8, 0), f(100, 100, 0.8, 1), f(131, 100, 0.8, 1)}, nil, 2, 0.8},
		{"a body supports a face", []head{f(300, 202, 0.5, 0), f(300, 202, 0.5, 1)}, []head{b}, 1, 1 - 0.5*(1-math.Min(0.95, 1.5*b.score))},
		{"a body alone", nil, []head{b}, 1, math.Min(0.95, 1.5*b.score)},
	} {
		got := fuse(c.faces, 2, c.bodies, 1)
		if got == nil || len(got) != c.n {
			t.Errorf("%s: %d people (nil %v), want %d", c.name, len(got), got == nil, c.n)
			continue
		}
		if c.n > 0 && math.Abs(got[0].Score-c.score) > 1e-6 {
			t.Errorf("%s: score %.4f, want %.4f", c.name, got[0].Score, c.score)
		}
		if c.bodies != nil && got[0].Body.Empty() {
			t.Errorf("%s: the body is lost", c.name)
		}
	}
}

// TestTwoHeadsInOne: where two passes each tell two heads behind one another apart, what a third sees between them is both of them in one, not a third
// head or the better place of one. One pass alone may take a hand for the second, and two heads farther apart may have a third between them.
func TestTwoHeadsInOne(t *testing.T) {
	at := func(source int, x, y, score float64) head {
		return head{x: x, y: y, w: 20, h: 24, score: score, surest: score, source: source, own: source == 2}
	}
	for _, c := range []struct {
		name  string
		faces []head
		x     []float64
	}{
		{"two tell them apart", []head{at(0, 100, 100, .5), at(0, 112, 100, .4), at(1, 101, 101, .5), at(1, 113, 101, .4), at(2, 106, 100, 1)}, []float64{100.5, 112.5}},
		{"one tells them apart", []head{at(0, 100, 100, .5), at(0, 112, 100, .4), at(1, 105, 100, .6), at(2, 106, 100, 1)}, []float64{105}},
		{"far weaker than the one", []head{at(0, 100, 100, .1), at(0, 112, 100, .1), at(1, 101, 101, .1), at(1, 113, 101, .1), at(2, 106, 100, 1)}, []float64{106}},
		{"three heads in a row", []head{at(0, 100, 100, .5), at(0, 119, 100, .4), at(1, 100, 100, .5), at(1, 119, 100, .4), at(2, 109, 100, 1)}, []float64{100, 109.5, 119}},
	} {
		got := fuseHeads(c.faces, 3, nil, 0)
		slices.SortFunc(got, func(a, b head) int { return cmp.Compare(a.x, b.x) })
		same := len(got) == len(c.x)
		for i := range got {
			same = same && math.Abs(got[i].x-c.x[i]) < 2
		}
		if !same {
			t.Errorf("%s: %+v, want heads at %v", c.name, got, c.x)
		}
	}
}

func TestOptions(t *testing.T) {
	if _, err := NewDetector(Options{Preset: "perfect"}); err == nil {
		t.Error("an unknown preset is no error")
	}
	missing := errors.New("not there")
	if _, err := NewDetector(Options{Path: func(string) (string, error) { return "", missing }}); !errors.Is(err, missing) {
		t.Errorf("got %v", err)
	}
}

// TestDetectorPlan runs the real nets on a picture of nobody: what matters is
// when they look.
func TestDetectorPlan(t *testing.T) {
	d, err := NewDetector(Options{Threads: 1})
	if errors.Is(err, pretrained.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.plan.every = 2 // as seldom as no preset looks now
	f := gradient(320, 180)
	looked := 0
	for q := range 6 {
		f.Time = float64(q)
		if q == 5 {
			d.Reset()
		}
		p, err := d.Detect(f)
		if err != nil {
			t.Fatal(err)
		}
		if p != nil {
			looked++
		}
	}
	c := d.Counts()
	if looked != 4 || c["heads-1280"] != 4 || c["centerface-1280"] != 2 || c["movenet-multipose-896"] != 2 || c["heads-1280 part"] != 0 {
		t.Errorf("looked %d times of 6, counts %v", looked, c)
	}
	f.Time = 0 // the next recording
	if p, err := d.Detect(f); err != nil || p == nil || d.Counts()["centerface-1280"] != 1 {
		t.Errorf("the next recording: people %v, %v, counts %v", p, err, d.Counts())
	}
	if _, err := d.Detect(scene.Frame{Width: 10, Height: 10}); err == nil {
		t.Error("a frame without pixels is no error")
	}
	if _, score, err := d.Pose(f, scene.Box{X: 50, Y: 20, W: 60, H: 90}); err != nil || score < 0 || score > 1 {
		t.Errorf("pose: score %v, %v", score, err)
	}
}
