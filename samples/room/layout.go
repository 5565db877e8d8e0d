package room

import (
	"fmt"
	"math/rand"
)

// Seat is a place at a desk: who sits there faces +z turned by Turn.
type Seat struct {
	P        Vec
	Turn     float32 // degrees to the left
	Row, Col int
	Aisle    float32 // x of the nearest aisle
	Desk     float32 // height of the desk's top
	Hip      float32 // height of the hips when seated
	Mate     int     // index of the neighbour at the same desk, -1 none
	MateSide float32 // 1: the neighbour is to the left
	Laptop   bool    // stands on the desk in the book's place
}

// Layout says how a room is furnished.
type Layout struct {
	Kind       string // single, double, rows, groups or lecture
	Rows, Cols int    // desks; of groups: tables
	Pitch      float32
	Desk       float32 // height of the desks' tops: .735 for adults, .60 for small children
	Clutter    float32 // 0..1
	Laptops    float32 // share of seats with one
}

// Layouts are the kinds that newRoom knows.
var Layouts = []string{"single", "double", "rows", "groups", "lecture"}

// seats places the desks of a layout: seats, their desks' pieces, and how wide
// and deep they stand. The first row is at z = 0, the rest behind it.
func (l Layout) seats(r *rand.Rand, top, leg Vec) (seats []Seat, quads []Quad, width float32) {
	switch l.Kind {
	case "double":
		return l.inRows(r, top, leg, 2, .72, 1.95)
	case "rows", "lecture":
		return l.inRows(r, top, leg, 4, .66, 3.5)
	case "groups":
		return l.inGroups(r, top, leg)
	}
	return l.inRows(r, top, leg, 1, .72, 1.45)
}

// inRows sets Cols desks of some places in each row.
func (l Layout) inRows(r *rand.Rand, top, leg Vec, places int, wide, pitchX float32) (seats []Seat, quads []Quad, width float32) {
	width = float32(l.Cols-1)*pitchX + float32(places)*wide
	rise := float32(0)
	if l.Kind == "lecture" {
		rise = .32
	}
	for row := 0; row < l.Rows; row++ {
		for col := 0; col < l.Cols; col++ {
			x := (float32(col)-float32(l.Cols-1)/2)*pitchX + .05*(r.Float32()-.5)
			z := -float32(row)*l.Pitch + .06*(r.Float32()-.5)
			y := float32(row) * rise
			turned := 3 * (r.Float32() - .5)
			quads = append(quads, moved(desk(float32(places)*wide/2, l.Desk, top, leg, true), Vec{x, y, z}, turned)...)
			first := len(seats)
			for k := 0; k < places; k++ {
				off := (float32(k) - float32(places-1)/2) * wide
				s := Seat{P: Vec{x + off, y, z}, Turn: turned + 4*(r.Float32()-.5), Row: row, Col: col*places + k, Desk: l.Desk, Hip: l.Desk - .20, Mate: -1}
				s.Aisle = x - pitchX/2
				if off > 0 || places == 1 {
					s.Aisle = x + pitchX/2
				}
				if places > 1 {
					s.Mate, s.MateSide = first+k^1, float32(1-2*(k&1))
				}
				seats = append(seats, s)
			}
		}
		if rise > 0 && row > 0 {
			step := float32(row) * rise
			box(&quads, Vec{-width/2 - .6, step - rise, -float32(row)*l.Pitch - l.Pitch/2 - .1}, Vec{width/2 + .6, step, -float32(row)*l.Pitch + .75}, plain(Vec{.30, .27, .24}))
		}
	}
	return seats, quads, width
}

// inGroups sets tables for four: two face two across the class's direction.
func (l Layout) inGroups(r *rand.Rand, top, leg Vec) (seats []Seat, quads []Quad, width float32) {
	const pitchX = 2.7
	width = float32(l.Cols-1)*pitchX + 2.0
	for row := 0; row < l.Rows; row++ {
		for col := 0; col < l.Cols; col++ {
			c := Vec{(float32(col) - float32(l.Cols-1)/2) * pitchX, 0, -float32(row) * max(l.Pitch, 2.2)}
			askew := 30 * (r.Float32() - .5)
			first := len(seats)
			for k := 0; k < 4; k++ {
				face := askew + 90
				if k > 1 {
					face = askew - 90
				}
				off := float32(1-2*(k&1)) * .36
				p := c.Add(turn(face, Vec{off, 0, -.66}))
				seats = append(seats, Seat{P: p, Turn: face, Row: row, Col: col*4 + k, Aisle: c.X + pitchX/2, Desk: l.Desk, Hip: l.Desk - .20, Mate: first + k ^ 1, MateSide: -float32(1 - 2*(k&1))})
			}
			for _, face := range []float32{askew + 90, askew - 90} {
				quads = append(quads, moved(desk(.72, l.Desk, top, leg, false), c.Add(turn(face, Vec{0, 0, -.70})), face)...)
			}
		}
	}
	return seats, quads, width
}

// Name is the seat's student: S01 …
func Name(i int) string { return fmt.Sprintf("S%02d", i+1) }
