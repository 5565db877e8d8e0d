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

// TestTwoInOne: a seat that is not found now is hidden by a find on its place, unless both were found at once often enough to be two people.
func TestTwoInOne(t *testing.T) {
	found := &hit{}
	for _, c := range []struct {
		together int
		shown    bool
	}{{0, false}, {twoPeople - 1, false}, {twoPeople, true}} {
		a, b := make([]place, c.together+1), make([]place, c.together+1)
		for q := range a {
			a[q] = place{x: 100, y: 100, w: 18, h: 20, shown: true, found: true, hit: found}
			b[q] = place{x: 102, y: 108, w: 18, h: 20, shown: true, found: true, hit: found}
		}
		a[c.together] = place{x: 100, y: 100, w: 18, h: 20, shown: true}
		b[c.together].y = 104
		uncover([][]place{a, b}, []float64{5, 9})
		if a[c.together].shown != c.shown || !b[c.together].shown {
			t.Errorf("found at once %d times: shown %v, want %v", c.together, a[c.together].shown, c.shown)
		}
	}
}
