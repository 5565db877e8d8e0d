package people

import (
	"math"
	"slices"

	"classlens/vision/perspective"
	"classlens/vision/scene"
)

// lie learns how high seated heads are where in the picture, while looking. Who stands has the
// head above their plane: larger than seated heads there. Only what lies below
// the plane is smaller: a head bent down by 0.4 m under a camera 1 m above the heads by
// a factor of 1.4, a child's between adults by 1.15 more. What is smaller still, and smaller than the heads of this room
// differ from the plane by chance, is no head, but a print, a bag, a hand, and is left out.
type lie struct {
	heads  []perspective.Head // sure ones, source pixels
	fitted int                // heads the plane was fitted to
	plane  perspective.Plane
}

const (
	mostSmaller = 1.8 // tolerance, 1.4·1.15 and the boxes' own error
	mostScatter = 3   // standard deviations of sure heads, in log size
	lieLeast    = 60  // sure heads before the plane is believed
	lieMost     = 400
	sureSize    = 0.6 // score of a head whose size counts
)

func (l *lie) add(people []scene.Person) {
	for _, q := range people {
		if q.Score >= sureSize && len(l.heads) < lieMost {
			x, y := q.Head.Center()
			l.heads = append(l.heads, perspective.Head{X: x, Y: y, H: q.Head.H})
		}
	}
}

// plausible drops who is too small to be a head where they are.
func (l *lie) plausible(people []scene.Person) []scene.Person {
	if n := len(l.heads); n >= lieLeast && n >= l.fitted+l.fitted/2 { // again each time there are half as many heads more
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
