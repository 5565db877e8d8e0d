package track

import "testing"

// TestDepthOrder: of two heads behind one another the nearer one, lower and larger, is not held where the farther one is found.
func TestDepthOrder(t *testing.T) {
	found := &hit{}
	far := place{x: 100, y: 100, w: 18, h: 20, shown: true, found: true, hit: found}
	for _, c := range []struct {
		name  string
		other place
		far   place
		shown bool
	}{
		{"nearer, held", place{x: 103, y: 109, w: 22, h: 26, shown: true}, far, false},
		{"nearer, held over a head that is only followed", place{x: 103, y: 109, w: 22, h: 26, shown: true}, place{x: 100, y: 100, w: 18, h: 20, shown: true, found: true}, true},
		{"nearer, found too", place{x: 103, y: 109, w: 22, h: 26, shown: true, found: true, hit: found}, far, true},
		{"nearer, beside it", place{x: 115, y: 109, w: 22, h: 26, shown: true}, far, true},
		{"farther, held", place{x: 102, y: 91, w: 16, h: 18, shown: true}, far, true},
	} {
		all := [][]place{{c.far}, {c.other}}
		uncover(all, []float64{5, 9})
		if all[1][0].shown != c.shown || !all[0][0].shown {
			t.Errorf("%s: shown %v, the far one %v", c.name, all[1][0].shown, all[0][0].shown)
		}
	}
}
