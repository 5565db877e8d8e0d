package report

import (
	"fmt"
	"math"
)

type seat struct {
	ID             string
	X, Y, R        float64 // on the map
	Share          string
	Class          string
	Teacher, Thin  bool
	LabelY, ShareY float64
	Font, Small    float64
}

// seats places the seats on a map cropped to where people sit. A ring's radius is half the
// distance to the nearest neighbour, between smallestRing and largestRing.
func (v view) seats() []seat {
	all := v.Students
	if len(all) == 0 {
		return nil
	}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range all {
		x0, y0, x1, y1 = math.Min(x0, s.SeatX), math.Min(y0, s.SeatY), math.Max(x1, s.SeatX), math.Max(y1, s.SeatY)
	}
	k := (mapWidth - 2*mapRim) / math.Max(x1-x0, 1)
	tall := math.Min((mapMost-2*mapRim)/math.Max(y1-y0, 1), 2*k) // a low camera foreshortens the rows: up to twice the horizontal scale pulls them apart
	var seats []seat
	for _, s := range all {
		seats = append(seats, seatOf(s, mapRim+(s.SeatX-x0)*k, mapRim+(s.SeatY-y0)*tall))
	}
	apart(seats)
	for i := range seats {
		near := 2 * largestRing
		for j := range seats {
			if i != j {
				near = math.Min(near, math.Hypot(seats[i].X-seats[j].X, seats[i].Y-seats[j].Y))
			}
		}
		r := math.Max(smallestRing, near/2)
		seats[i].R, seats[i].Font, seats[i].Small = r, r*0.62, r*0.46
		seats[i].LabelY, seats[i].ShareY = seats[i].Y-r*0.02, seats[i].Y+r*0.56
	}
	return seats
}

// apart pushes overlapping seats away from each other, half the way each, until none
// overlap or the rounds are used up.
func apart(seats []seat) {
	const rounds, gap = 200, 2 * smallestRing
	for range rounds {
		moved := false
		for i := range seats {
			for j := range i {
				dx, dy := seats[i].X-seats[j].X, seats[i].Y-seats[j].Y
				d := math.Hypot(dx, dy)
				if d >= gap-.01 {
					continue
				}
				if d < 1e-6 {
					dx, dy, d = 1, 0, 1
				}
				k := (gap - math.Min(d, gap)) / 2 / d
				if k == 0 {
					k = .5 // on top of each other
				}
				seats[i].X, seats[i].Y = within(seats[i].X+dx*k, seats[i].Y+dy*k)
				seats[j].X, seats[j].Y = within(seats[j].X-dx*k, seats[j].Y-dy*k)
				moved = true
			}
		}
		if !moved {
			return
		}
	}
}

// within keeps a seat on the map.
func within(x, y float64) (float64, float64) {
	return math.Min(math.Max(x, mapRim), mapWidth-mapRim), math.Max(y, mapRim)
}

// The seat map's size and its rings', in its own units.
const (
	mapWidth     = 640.0
	mapMost      = 420.0
	mapRim       = 34.0
	largestRing  = 26.0
	smallestRing = 16.0
)

// MapHeight is the seat map's height; its width is mapWidth.
func (v view) MapHeight() string {
	low := 0.0
	for _, s := range v.Seats {
		low = math.Max(low, s.Y)
	}
	return fmt.Sprintf("%.0f", low+mapRim)
}

func seatOf(s student, x, y float64) seat {
	out := seat{ID: s.ID, X: x, Y: y, Teacher: s.Teacher, Thin: !s.Teacher && s.Thin, Share: percent(s.OnTaskShare), Class: "none"}
	switch {
	case s.Teacher:
	case math.IsNaN(s.OnTaskShare):
		out.Share, out.Thin = "?", false
	case s.OnTaskShare >= .75:
		out.Class = "high"
	case s.OnTaskShare >= .5:
		out.Class = "middle"
	default:
		out.Class = "low"
	}
	return out
}
