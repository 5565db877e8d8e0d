package people

import (
	"cmp"
	"math"
	"slices"

	"classlens/vision/scene"
)

// When two candidates are the same head. Distances are in heads: two nets differ
// by a seventh of a head each; heads side by side are a whole one apart, heads behind one
// another half.
const (
	faceGroup = 0.4  // largest distance between faces from several scales
	bodyGroup = 0.45 // and between the heads of bodies
	support   = 0.9  // a body's head this near a face belongs to it: bodies of heads in one place cannot be told apart
	supportIn = 0.7  // if their sizes differ by no more than this, in log
	bodyTrust = 1.5  // factor on MoveNet's scores, which are low for bodies behind desks
	mostScore = 0.95
	sizeRatio = 2.0 // candidates that differ by a larger factor in size are different things

	// A candidate between two of another source may be both of them in one: heads close behind one another, seen too coarsely. That it is so is believed
	// when two sources tell the two apart. Farther apart than pairApart there may be a third head between them.
	blurReach  = 0.6 // largest distance of the one from either of the two
	pairApart  = 0.8 // of the two from each other
	pairScore  = 0.2 // least score of either, as a share of the one's
	blurSource = 2   // sources, at least, that tell them apart
)

// group merges the candidates of one kind greedily, the surest first, with at most
// one from each source. Boxes are averaged with the square of the score as weight. The
// score is halfway between the best one and the mean over all sources that looked, since a
// face that only one scale shows well is a face, too. One of blurred counts for the score of every group within reach, and for no group's box.
func group(heads, blurred []head, reach float64, sources int) []head {
	order := slices.Clone(heads)
	slices.SortStableFunc(order, func(a, b head) int { return cmp.Compare(b.score, a.score) })
	used := make([]bool, len(order))
	var out []head
	for i, a := range order {
		if used[i] {
			continue
		}
		var g head
		var weights, sum float64
		seen := map[int]bool{}
		g.own = true
		for j := i; j < len(order); j++ {
			b := order[j]
			if used[j] {
				continue
			}
			ratio := math.Sqrt(b.w * b.h / (a.w * a.h))
			if j != i && (distance(a, b) >= reach || ratio >= sizeRatio || ratio <= 1/sizeRatio) {
				continue
			}
			used[j] = true
			if seen[b.source] {
				continue // a second, weaker one of the same net at the same scale
			}
			seen[b.source] = true
			w := b.score * b.score
			g.x, g.y, g.w, g.h = g.x+w*b.x, g.y+w*b.y, g.w+w*b.w, g.h+w*b.h
			sum += b.score
			weights += w
			if g.body == nil {
				g.body = b.body
			}
			g.own = g.own && b.own
		}
		for _, b := range blurred {
			if distance(a, b) >= reach || seen[b.source] {
				continue
			}
			seen[b.source] = true
			sum += b.score
			g.own = g.own && b.own
		}
		g.surest = a.score
		g.score = (a.score + sum/float64(max(sources, 1))) / 2
		g.x, g.y, g.w, g.h = g.x/weights, g.y/weights, g.w/weights, g.h/weights
		out = append(out, g)
	}
	return out
}

// blurredOf parts the candidates of one picture into those of one head each and those that are two heads in one.
func blurredOf(heads []head) (clear, blurred []head) {
	for _, m := range heads {
		by := map[int]bool{} // sources that see two heads there
		for i, p := range heads {
			for _, q := range heads[:i] {
				if p.source == q.source && partOf(p, m) && partOf(q, m) && distance(p, q) <= pairApart {
					by[p.source] = true
				}
			}
		}
		if len(by) >= blurSource {
			blurred = append(blurred, m)
		} else {
			clear = append(clear, m)
		}
	}
	return clear, blurred
}

// partOf tells whether a candidate may be one of the heads that a blurred one of another source is made of.
func partOf(p, m head) bool {
	ratio := math.Sqrt(p.w * p.h / (m.w * m.h))
	return p.source != m.source && p.score >= pairScore*m.score && distance(p, m) < blurReach && ratio < sizeRatio && ratio > 1/sizeRatio
}

// distance of two heads in sizes of the smaller, the larger of its two directions.
func distance(a, b head) float64 {
	return math.Max(math.Abs(a.x-b.x)/math.Min(a.w, b.w), math.Abs(a.y-b.y)/math.Min(a.h, b.h))
}

// fuse makes people of the faces and bodies of one picture.
func fuse(faces []head, faceSources int, bodies []head, bodySources int) []scene.Person {
	return peopleOf(fuseHeads(faces, faceSources, bodies, bodySources))
}

func peopleOf(heads []head) []scene.Person {
	out := make([]scene.Person, len(heads))
	for i, h := range heads {
		out[i] = h.person()
	}
	return out
}

// fuseHeads merges the faces and bodies of one picture. A body near a face
// supports it, and never makes a second head: the score becomes 1 - (1-face)(1-trust·body).
func fuseHeads(faces []head, faceSources int, bodies []head, bodySources int) []head {
	faces, blurred := blurredOf(faces)
	f, b := group(faces, blurred, faceGroup, faceSources), group(bodies, nil, bodyGroup, bodySources)
	free := make([]bool, len(b))
	for i := range free {
		free[i] = true
	}
	var out []head
	for _, a := range f {
		best, at := math.Inf(1), -1
		var near []int
		for j := range b {
			d := distance(a, b[j])
			if !free[j] || d >= support || math.Abs(math.Log(b[j].h/a.h)) >= supportIn {
				continue
			}
			near = append(near, j)
			if d < best {
				best, at = d, j
			}
		}
		s := 0.0
		if at >= 0 {
			s = math.Min(mostScore, bodyTrust*b[at].score)
			a.body = b[at].body
			a.own = a.own && s < confirmScore
			for _, j := range near {
				free[j] = false
			}
		}
		a.score = 1 - (1-a.score)*(1-s)
		out = append(out, a)
	}
	for j, a := range b {
		if free[j] {
			a.score = math.Min(mostScore, bodyTrust*a.score)
			out = append(out, a)
		}
	}
	return out
}

func (h head) person() scene.Person {
	p := scene.Person{Score: h.score, Head: h.box()}
	if h.body != nil {
		b := h.body
		p.Body = scene.Box{X: b.x - b.w/2, Y: b.y - b.h/2, W: b.w, H: b.h}
		p.Points = b.points
	}
	return p
}
