package analysis

import (
	"testing"

	"classlens/vision/scene"
	"classlens/vision/video"
)

// finderAt finds one head where it is told.
type finderAt struct {
	box   scene.Box
	looks int
}

func (f *finderAt) Detect(scene.Frame) ([]scene.Person, error) {
	f.looks++
	return []scene.Person{{Head: f.box, Score: 0.1}}, nil
}
func (*finderAt) Close() error { return nil }

// grey is a picture with its left part of another level.
func grey(at float64, left int, level byte) scene.Frame {
	f := scene.Frame{Time: at, Width: 64, Height: 36, Pix: make([]byte, 3*64*36)}
	for i := range f.Pix {
		f.Pix[i] = 100
		if i/3%64 < left {
			f.Pix[i] = level
		}
	}
	return f
}

// TestBlurLooks: where little changes heads are looked for four times a second, where much changes in every frame, and a place stays
// blurred a moment longer.
func TestBlurLooks(t *testing.T) {
	d := &finderAt{box: scene.Box{X: 5, Y: 5, W: 9, H: 9}}
	b := &blurLooks{finders: []headFinder{d}}
	look := func(f scene.Frame) []scene.Box {
		t.Helper()
		found, err := b.heads(f)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for i := range 31 {
		if found := look(grey(float64(i)/30, 0, 0)); len(found) == 0 || found[0] != d.box {
			t.Fatalf("frame %d: %v", i, found)
		}
	}
	if d.looks < 4 || d.looks > 5 {
		t.Errorf("%d looks in a second in which nothing moved", d.looks)
	}
	was := d.looks
	d.box.X = 30
	for i := range 10 { // somebody comes before the lens
		found := look(grey(1.02+float64(i)/30, 6*(i+1), 220))
		if last := found[len(found)-1]; last != d.box {
			t.Fatalf("frame %d of the passer-by: %v", i, found)
		}
		if old := found[0]; i == 0 && old.X != 5 {
			t.Errorf("the place of a tenth of a second before is no longer blurred: %v", found)
		}
	}
	if d.looks != was+10 {
		t.Errorf("%d looks at ten frames that differ", d.looks-was)
	}
}

// TestOverlay: a box drawn by how it came about, a cross where the student was last seen, nothing where they were never in the shot.
func TestOverlay(t *testing.T) {
	r := &run{Analyzer: &Analyzer{}}
	head := func(x float64) scene.Box { return scene.Box{X: x, Y: 10, W: 10, H: 10} }
	tr := scene.Track{ID: "S07", Sightings: []scene.Sighting{
		{Step: 0, Time: 0, Visible: true, Quality: 0.8, Head: head(10)},
		{Step: 1, Time: 1, Visible: true, Quality: 0.4, Head: head(20)},
		{Step: 2, Time: 2, Visible: true, Quality: 0.1, Head: head(20)},
		{Step: 3, Time: 3},
		{Step: 4, Time: 4, Shot: 1},
	}}
	for _, c := range []struct {
		at    float64
		line  video.Line
		x     float64
		trail int
		ok    bool
	}{
		{-1, 0, 0, 0, false}, {0, video.Solid, 10, 1, true}, {0.5, video.Solid, 15, 1, true}, {1, video.Dashed, 20, 2, true}, {2.5, video.Dotted, 20, 3, true},
		{3.2, video.Cross, 20, 0, true}, {4, 0, 0, 0, false},
	} {
		o, ok := r.overlay(tr, c.at, nil)
		if ok != c.ok || ok && (o.Line != c.line || o.Box.X != c.x || len(o.Trail) != c.trail) {
			t.Errorf("at %v: %+v, %v", c.at, o, ok)
		}
	}
}
