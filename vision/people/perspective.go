package people

import (
	"slices"

	"classlens/vision/scene"
)

// perspective learns how high a seated head is at each row of the picture.
// Heads of a seated class lie near a plane parallel to the floor, so a camera without
// roll sees their height grow straight with the row: h = at + grow·y. Who stands has the
// head above that plane: larger than seated heads of the same row. Only what lies below
// the plane is smaller: a head bent down by 0.4 m under a camera 1 m above the heads by
// a factor of 1.4, a child's between adults by 1.15 more. What is smaller still is no head, but
// a print, a bag, a hand, and is left out.
type perspective struct {
	y, h     []float64 // of sure heads, source pixels
	fitted   int       // heads the line was fitted to
	at, grow float64
}

const (
	mostSmaller    = 1.8 // tolerance, 1.4·1.15 and the boxes' own error
	perspectiveMin = 60  // sure heads before the line is believed
	perspectiveMax = 400
	sureSize       = 0.6 // score of a head whose size counts
)

func (p *perspective) add(people []scene.Person) {
	for _, q := range people {
		if q.Score >= sureSize && len(p.y) < perspectiveMax {
			p.y, p.h = append(p.y, q.Head.Y+q.Head.H/2), append(p.h, q.Head.H)
		}
	}
}

// plausible drops who is too small to be a head at that row.
func (p *perspective) plausible(people []scene.Person) []scene.Person {
	p.fit()
	if p.fitted == 0 {
		return people
	}
	return slices.DeleteFunc(people, func(q scene.Person) bool {
		return q.Head.H*mostSmaller < p.at+p.grow*(q.Head.Y+q.Head.H/2)
	})
}

// fit draws the line by the median of slopes (Theil 1950, Sen 1968), which a
// third of wrong heads does not move; again each time there are half as many heads more.
func (p *perspective) fit() {
	n := len(p.y)
	if n < perspectiveMin || n < p.fitted+p.fitted/2 {
		return
	}
	var slopes []float64
	for i := range n {
		for j := range i {
			if d := p.y[i] - p.y[j]; d > p.h[i]/2 || -d > p.h[i]/2 { // nearer rows tell nothing
				slopes = append(slopes, (p.h[i]-p.h[j])/d)
			}
		}
	}
	p.grow, p.fitted = 0, n
	if len(slopes) > 0 {
		p.grow = max(median(slopes), 0) // a camera that looks up at a class does not occur
	}
	rest := make([]float64, n)
	for i := range rest {
		rest[i] = p.h[i] - p.grow*p.y[i]
	}
	p.at = median(rest)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
