package video

import (
	"image"
	"strings"
	"testing"

	"classlens/vision/scene"
)

// TestLabelsStandApart: in a full room no label covers another while there is a place for
// each, every student keeps a name, and the nearest keep the whole label.
func TestLabelsStandApart(t *testing.T) {
	var class []Overlay
	for row := range 4 {
		for seat := range 8 {
			size := float64(24 + 12*row)
			class = append(class, Overlay{Box: scene.Box{X: 20 + 150*float64(seat), Y: 60 + 120*float64(row), W: size, H: size}, Label: "S01 look_forward", Line: Line(seat % 4)})
		}
	}
	class = append(class, Overlay{Box: scene.Box{X: 30, Y: 62, W: 24, H: 24}, Label: "S34 not visible", Line: Cross}, // before another
		Overlay{Box: scene.Box{X: 1250, Y: 0, W: 30, H: 30}, Label: "S35 head_down"}, // in the corner
		Overlay{Box: scene.Box{X: 500, Y: 500, W: 30, H: 30}, Line: NoLine})
	picture := image.Rect(0, 0, 1280, 720)
	placed := placeLabels(picture, 1, class)
	if len(placed) != len(class)-1 {
		t.Fatalf("%d labels of %d", len(placed), len(class)-1)
	}
	for i, a := range placed {
		if !a.at.In(picture) || !strings.HasPrefix(a.text, "S") {
			t.Errorf("%q at %v", a.text, a.at)
		}
		for _, b := range placed[:i] {
			if a.at.Overlaps(b.at) {
				t.Errorf("%q at %v covers %q at %v", a.text, a.at, b.text, b.at)
			}
		}
	}
	if placed[0].text != "S01 look_forward" {
		t.Errorf("the nearest has %q only", placed[0].text)
	}
	// Ten heads in one place: more than there are places, and still ten names.
	if crowd := placeLabels(picture, 1, make([]Overlay, 0)); len(crowd) != 0 {
		t.Error("labels of nobody")
	}
	heap := make([]Overlay, 10)
	for i := range heap {
		heap[i] = Overlay{Box: scene.Box{X: 600, Y: 300, W: 30, H: 30}, Label: "S07 read"}
	}
	if n := len(placeLabels(picture, 1, heap)); n != len(heap) {
		t.Errorf("%d names of %d", n, len(heap))
	}
}
