package people

import (
	"math"
	"slices"
)

// confirmed remembers the places where a net other than the project's own has seen a head.
// The own net finds heads that the others miss, but takes some bags and shoes for
// heads, which nets trained on other data do not. So what it alone has seen counts
// less until another net, which runs less often, has seen a head there too; a sure
// head, such as one from behind or bent down, still passes.
type confirmed struct{ places []xy }

const (
	unconfirmed  = 0.6  // factor on the score of an unconfirmed head,
	ownLeast     = 0.45 // which is no less than this share of what the own net says, however many other nets see nothing: they were not made for heads from behind
	confirmReach = 0.75 // distance, in heads, within which a head is confirmed by a place: seated people sway by half a head
	confirmScore = 0.2  // least score of another net's head to confirm a place
	rivalScore   = 0.5  // least score of a head that a place nearer to it is left to
	mostPlaces   = 2000 // people who walk leave many places: the oldest are forgotten
)

// weigh lowers the scores of heads that only the own net has seen so far. With nearest a place confirms only the head nearest to it, not hair or
// hands beside that head: right where other nets run at each look. Of two heads close behind one another, nets that run now and then often see only one.
func (c *confirmed) weigh(heads []head, nearest bool) {
	for i := range heads {
		h := &heads[i]
		known := c.confirms(heads, i, nearest)
		switch {
		case !h.own && h.score >= confirmScore && !known:
			c.places = append(c.places, xy{h.x, h.y})
		case h.own && !known:
			h.score = max(unconfirmed*h.score, ownLeast*h.surest)
		}
	}
	if n := len(c.places) - mostPlaces; n > 0 {
		c.places = c.places[n:]
	}
}

// confirms tells whether a place lies at the i-th head of a look.
func (c *confirmed) confirms(heads []head, i int, nearest bool) bool {
	return slices.ContainsFunc(c.places, func(p xy) bool {
		d := p.from(&heads[i])
		return d < confirmReach && !(nearest && p.rival(heads, i, d))
	})
}

// rival tells whether another head is nearer to a place than the i-th, which is at a distance of d.
func (p xy) rival(heads []head, i int, d float64) bool {
	for j := range heads {
		if j != i && heads[j].score >= rivalScore && p.from(&heads[j]) < d {
			return true
		}
	}
	return false
}

// from is the distance to a head's middle in sizes of the head, the larger of its two directions.
func (p xy) from(h *head) float64 {
	return math.Max(math.Abs(p.x-h.x)/h.w, math.Abs(p.y-h.y)/h.h)
}
