package people

import "math"

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
	mostPlaces   = 2000 // people who walk leave many places: the oldest are forgotten
)

// weigh lowers the scores of heads that only the own net has seen so far.
func (c *confirmed) weigh(heads []head) {
	for i := range heads {
		h := &heads[i]
		known := c.near(h)
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

func (c *confirmed) near(h *head) bool {
	for _, p := range c.places {
		if math.Abs(p.x-h.x) < confirmReach*h.w && math.Abs(p.y-h.y) < confirmReach*h.h {
			return true
		}
	}
	return false
}
