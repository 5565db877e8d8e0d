package track_test

import (
	"testing"
)

// TestHandheld: a camera carried through a college class must not multiply its
// students. About a dozen people sit in the picture at a time.
func TestHandheld(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the nets over a recording")
	}
	t.Parallel()
	tracks, s := tracksOf(t, shared(t, "data/video/college_handheld_13s.mp4"), "default")
	most, sightings := 0, 0
	for q := range s.steps {
		n := 0
		for _, tr := range tracks {
			if tr.Sightings[q].Visible {
				n++
			}
		}
		most = max(most, n)
		sightings += n
	}
	t.Logf("%d tracks, %d visible at most at once, %d sightings in %d steps; %v",
		len(tracks), most, sightings, s.steps, s.counts)
	if len(tracks) == 0 || len(tracks) > 2*most {
		t.Errorf("%d tracks for %d people at once", len(tracks), most)
	}
}
