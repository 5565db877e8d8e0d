package people

import (
	"reflect"
	"slices"
	"testing"

	"classlens/vision/perspective"
	"classlens/vision/scene"
)

// A field that the detector gains must be written down by State, or be named
// here as one that holds nothing of the recording.
func TestStateHoldsAllThatIsRemembered(t *testing.T) {
	for _, c := range []struct {
		of    any
		known []string
	}{
		{Detector{}, []string{"o", "plan", "nets", "runs", "memories", "area", "turn", "first", "looked", "body", "whole", "counts", "sizes", "known", "mixed", "looks", "fresh", "pending"}},
		{area{}, []string{"seen", "heights", "looks"}},
		{headPlane{}, []string{"heads", "fitted", "plane"}},
		{confirmed{}, []string{"places"}},
		{xy{}, []string{"x", "y"}},
		{sighted{}, []string{"time", "box"}},
		{finding{}, []string{"look", "time", "box", "heights"}},
	} {
		typ := reflect.TypeOf(c.of)
		for i := range typ.NumField() {
			if name := typ.Field(i).Name; !slices.Contains(c.known, name) {
				t.Errorf("%v.%s is new: add it to state, or here when it holds nothing of the recording", typ, name)
			}
		}
	}
}

func TestStateComesBack(t *testing.T) {
	d := &Detector{counts: map[string]int{}}
	d.Begin()
	for i := range 9 {
		d.area.add(findingOf(i, float64(i), []scene.Person{{Score: .9, Head: scene.Box{X: 10, Y: 20, W: 30, H: 40 + float64(i)}}}))
	}
	d.looks, d.fresh = 10, []finding{findingOf(9, 9, []scene.Person{{Score: .9, Head: scene.Box{X: 10, Y: 20, W: 30, H: 40}}})}
	d.sizes = headPlane{heads: []perspective.Head{{X: 1, Y: 2, H: 3}}, fitted: 1, plane: perspective.Plane{At: 5, X: .5, Y: 6, Scatter: .1}}
	d.known.places = []xy{{7, 8}, {9, 10}}
	d.turn, d.first, d.looked, d.body, d.whole = 9, false, 8, 5, 3
	d.counts["centerface-960"] = 7
	b, err := d.State()
	if err != nil {
		t.Fatal(err)
	}
	other := &Detector{counts: map[string]int{"left over": 1}}
	if err := other.SetState(b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(d, other) {
		t.Errorf("came back as %+v, was %+v", other, d)
	}
	if err := other.SetState(b[:len(b)/2]); err == nil {
		t.Error("half a state was taken")
	}
}
