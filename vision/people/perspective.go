package people

import (
	"math"
	"slices"

	"classlens/vision/perspective"
	"classlens/vision/scene"
)

// headPlane learns, while a recording is searched, how high seated heads are at each place in the picture, and
// rejects what is too small to be one. Standing people's heads are above the plane of seated heads, and look larger than
// those. Only what is below the plane looks smaller: a head bent down by 0.4 m, under a camera 1 m above the heads,
// by a factor of 1.4, and a child's among adults by another 1.15. What is smaller still, and by more than the heads in this room
// scatter about the plane, is not a head but a print, a bag or a hand.
type headPlane struct {
	heads  []perspective.Head // sure ones, source pixels
	fitted int                // heads the plane was fitted to
	plane  perspective.Plane
}

const (
	mostSmaller = 1.8 // factor by which a head may be smaller: 1.4·1.15, and the error of the boxes
	mostScatter = 3   // standard deviations of sure heads, in log size
	planeLeast  = 60  // sure heads before the plane is believed
	planeMost   = 400
	sureSize    = 0.6 // score of a head whose size counts
)

func (l *headPlane) add(people []scene.Person) {
	for _, q := range people {
		if q.Score >= sureSize && len(l.heads) < planeMost {
			x, y := q.Head.Center()
			l.heads = append(l.heads, perspective.Head{X: x, Y: y, H: q.Head.H})
		}
	}
}

// plausible drops people whose heads are too small for their place.
func (l *headPlane) plausible(people []scene.Person) []scene.Person {
	if n := len(l.heads); n >= planeLeast && n >= l.fitted+l.fitted/2 { // refit whenever the number of heads has grown by half
		l.plane, l.fitted = perspective.Fit(l.heads), n
	}
	if l.fitted == 0 {
		return people
	}
	least := 1 / math.Max(mostSmaller, math.Exp(mostScatter*l.plane.Scatter))
	return slices.DeleteFunc(people, func(q scene.Person) bool {
		return q.Head.H < least*l.plane.Height(q.Head.Center())
	})
}
