package people

import "math"

// confirmed remembers the places where another net than the project's own has
// seen a head. The own net finds heads that the others miss, and takes bags and shoes for
// heads that they do not: nets trained on other data err elsewhere. So what it alone has seen counts
// less until another net, which looks more seldom, has seen a head there too; a sure
// one, from behind or bent down, still passes.
type confirmed struct{ places []xy }

const (
	unconfirmed  = 0.6  // of the score
	confirmReach = 0.75 // heads between a place and a head on it: who sits sways by half a head
	confirmScore = 0.2  // of another net's head, to confirm
	mostPlaces   = 2000 // of walkers' trails the oldest are forgotten
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
			h.score *= unconfirmed
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
