package seats

import (
	"cmp"
	"math"
	"slices"
)

// Constants of aligning seats; lengths are in heads.
const (
	nudge     = 3.0  // largest shift of the camera between two recordings: less than a desk's width of 1.2 m
	near      = 0.6  // seats closer than this are the same: heads side by side are at least one head apart
	sizeLog   = 0.5  // largest log-ratio of the sizes of one seat: a factor of 1.6
	shiftCost = 0.25 // cost of a shift, in matched seats per head: of two ways to match rows with rows, the smaller shift wins
	fitPairs  = 6    // fewest pairs for fitting scale and rotation as well
	agree     = 0.4  // share of the smaller set's seats that must match for two views to be the same
)

// place is a similarity transform from a recording's pixels to the map's: p = (a -b; b a) q + (x, y).
type place struct{ a, b, x, y float64 }

func (p place) apply(s Seat) Seat {
	k := math.Hypot(p.a, p.b)
	s.X, s.Y = p.a*s.X-p.b*s.Y+p.x, p.b*s.X+p.a*s.Y+p.y
	s.W, s.H = s.W*k, s.H*k
	return s
}

// heads is the distance of two seats in heads; +Inf if their sizes differ too much.
func heads(a, b Seat) float64 {
	if math.Abs(math.Log(a.H/b.H)) > sizeLog {
		return math.Inf(1)
	}
	size := math.Sqrt(a.H * b.H)
	return math.Hypot(a.X-b.X, a.Y-b.Y) / size
}

// pairs matches seats with stored ones greedily, nearest first: the index of the stored
// seat for each, or -1.
func pairs(stored, seats []Seat, p place) []int {
	type pair struct {
		d    float64
		i, j int
	}
	var all []pair
	for i, s := range seats {
		q := p.apply(s)
		for j, o := range stored {
			if d := heads(q, o); d < near {
				all = append(all, pair{d, i, j})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b pair) int { return cmp.Compare(a.d, b.d) })
	to, taken := make([]int, len(seats)), make([]bool, len(stored))
	for i := range to {
		to[i] = -1
	}
	for _, p := range all {
		if to[p.i] < 0 && !taken[p.j] {
			to[p.i], taken[p.j] = p.j, true
		}
	}
	return to
}

// count is the number of matched seats.
func count(to []int) int {
	n := 0
	for _, j := range to {
		if j >= 0 {
			n++
		}
	}
	return n
}

// align finds the transform from a recording's seats to the stored ones, and the matches under it. The
// seats must be scaled to the stored picture's size already. ok: enough match for
// both to be the same view of the same room.
func align(stored, seats []Seat) (p place, to []int, ok bool) {
	best := math.Inf(-1)
	p = place{a: 1}
	consider := func(q place, shift float64) {
		if v := float64(count(pairs(stored, seats, q))) - shiftCost*shift; v > best {
			best, p = v, q
		}
	}
	consider(p, 0)
	for _, s := range seats {
		for _, o := range stored {
			if d := heads(s, o); d <= nudge {
				consider(place{a: 1, x: o.X - s.X, y: o.Y - s.Y}, d)
			}
		}
	}
	for range 3 {
		p = refine(stored, seats, pairs(stored, seats, p), p)
	}
	to = pairs(stored, seats, p)
	n, few := count(to), min(len(stored), len(seats))
	ok = n > 0 && float64(n) >= agree*float64(few)
	if len(stored) == 1 && len(seats) == 1 { // a single student in front of a webcam may sit nearer or farther today
		return place{a: 1}, []int{0}, true
	}
	return p, to, ok
}

// refine fits the transform to the pairs: a similarity by least squares if there are enough of
// them, else a shift by their median.
func refine(stored, seats []Seat, to []int, old place) place {
	var from, at []Seat
	for i, j := range to {
		if j >= 0 {
			from, at = append(from, seats[i]), append(at, stored[j])
		}
	}
	if len(from) == 0 {
		return old
	}
	if len(from) < fitPairs {
		var dx, dy []float64
		for i := range from {
			dx, dy = append(dx, at[i].X-from[i].X), append(dy, at[i].Y-from[i].Y)
		}
		slices.Sort(dx)
		slices.Sort(dy)
		return place{a: 1, x: dx[len(dx)/2], y: dy[len(dy)/2]}
	}
	n := float64(len(from))
	var fx, fy, tx, ty float64
	for i := range from {
		fx, fy, tx, ty = fx+from[i].X/n, fy+from[i].Y/n, tx+at[i].X/n, ty+at[i].Y/n
	}
	var same, cross, square float64
	for i := range from {
		u, v, x, y := from[i].X-fx, from[i].Y-fy, at[i].X-tx, at[i].Y-ty
		same, cross, square = same+u*x+v*y, cross+u*y-v*x, square+u*u+v*v
	}
	if square < 1e-9 {
		return old
	}
	a, b := same/square, cross/square
	return place{a: a, b: b, x: tx - a*fx + b*fy, y: ty - b*fx - a*fy}
}
