package room

import "math/rand"

// Room is the still part: walls, floor, desks, things on desks.
type Room struct {
	Quads          []Quad
	Cast           []Quad // those of them that throw shadows
	Seats          []Seat
	Door           Vec
	Board          Vec // middle of the board on the window wall, on the floor
	X0, X1, Z0, Z1 float32
	Top            float32 // height of the ceiling
}

// style is the room's colours.
type style struct{ wall, dado, floor, desk, leg, door Vec }

func drawStyle(r *rand.Rand) style {
	return style{
		wall:  pick(r, []Vec{{.72, .70, .62}, {.66, .72, .70}, {.75, .73, .70}, {.70, .66, .56}, {.62, .68, .74}, {.80, .80, .79}}),
		dado:  pick(r, []Vec{{.30, .42, .38}, {.45, .36, .26}, {.38, .42, .50}, {.55, .52, .46}, {.72, .70, .66}}),
		floor: pick(r, []Vec{{.34, .26, .19}, {.33, .31, .28}, {.23, .25, .25}, {.42, .40, .36}}),
		desk:  pick(r, []Vec{{.52, .40, .26}, {.60, .52, .40}, {.48, .46, .42}, {.66, .66, .64}, {.38, .24, .14}}),
		leg:   pick(r, []Vec{{.22, .22, .24}, {.10, .10, .11}, {.35, .36, .36}}),
		door:  Vec{.48, .36, .22},
	}
}

// NewRoom furnishes a room from a seed.
func NewRoom(seed int64, l Layout) *Room {
	r := derive(seed, 1)
	st := drawStyle(r)
	seats, desks, width := l.seats(r, st.desk, st.leg)
	m := &Room{Seats: seats, Top: 3}
	back := float32(l.Rows-1) * l.Pitch
	if l.Kind == "groups" {
		back = float32(l.Rows-1)*max(l.Pitch, 2.2) + .8
	}
	if l.Kind == "lecture" {
		m.Top = 3 + .32*float32(l.Rows-1)
	}
	m.X0, m.X1, m.Z0, m.Z1 = -width/2-.75, width/2+.75, -back-1.55, 3.4
	m.Quads = append(m.Quads, desks...)
	m.Cast = append(m.Cast, desks...)
	for i := range seats {
		m.setDesk(derive(seed, 100+i), &seats[i], l)
	}
	m.shell(st)
	m.windows()
	m.frontAndBack(r, st)
	return m
}

// setDesk lays one student's things out.
func (m *Room) setDesk(r *rand.Rand, s *Seat, l Layout) {
	d := things(r, s.Desk, l.Clutter)
	switch {
	case r.Float32() < l.Laptops:
		d = append(d, laptop(s.Desk)...)
		s.Laptop = true
	case r.Intn(8) > 0:
		d = append(d, openBook(s.Desk, written)...)
	}
	q := moved(d, s.P, s.Turn)
	m.Quads = append(m.Quads, q...)
	m.Cast = append(m.Cast, q...)
}

func (m *Room) add(a, b, c, d Vec, p func(Vec) Vec) {
	m.Quads = append(m.Quads, Quad{P: [4]Vec{a, b, c, d}, Paint: p})
}

const doorWide, doorHigh = .88, 2.06

// shell builds floor, ceiling, side walls, and the far wall with its doorway
// and a corridor behind it.
func (m *Room) shell(st style) {
	wall := func(p Vec) Vec {
		c := st.wall
		if p.Y < 1.05 {
			c = st.dado
		}
		if p.Y > 1.05 && p.Y < 1.09 || p.Y < .1 {
			c = st.dado.Mul(.6)
		}
		return c.Mul(.93 + .09*noise2(p.X*2+p.Z*2, p.Y*2) + .03*noise2((p.X+p.Z)*30, p.Y*30))
	}
	const tile = .45
	ground := func(p Vec) Vec {
		i, j := floor(p.X/tile), floor(p.Z/tile)
		c := st.floor.Mul(.85 + .22*hash3(i, j, 5) + .10*noise2(p.X*25, p.Z*25))
		if p.X/tile-float32(i) < .012 || p.Z/tile-float32(j) < .012 {
			c = c.Mul(.6)
		}
		return c
	}
	X0, X1, Z0, Z1, T := m.X0, m.X1, m.Z0, m.Z1, m.Top
	m.add(Vec{X0, 0, Z0}, Vec{X1, 0, Z0}, Vec{X1, 0, Z1}, Vec{X0, 0, Z1}, ground)
	m.add(Vec{X0, T, Z0}, Vec{X1, T, Z0}, Vec{X1, T, Z1}, Vec{X0, T, Z1}, ceiling)
	d0 := X1 - 1.24
	d1 := d0 + doorWide
	for _, q := range [][4]float32{{X0, 0, d0, T}, {d0, doorHigh, d1, T}, {d1, 0, X1, T}} {
		m.add(Vec{q[0], q[1], Z0}, Vec{q[2], q[1], Z0}, Vec{q[2], q[3], Z0}, Vec{q[0], q[3], Z0}, wall)
	}
	C := Z0 - 1.5
	m.add(Vec{d0 - 3, 0, C}, Vec{d1 + 3, 0, C}, Vec{d1 + 3, T, C}, Vec{d0 - 3, T, C}, func(p Vec) Vec { return wall(p).Mul(.6) })
	m.add(Vec{d0 - 3, 0, C}, Vec{d1 + 3, 0, C}, Vec{d1 + 3, 0, Z0}, Vec{d0 - 3, 0, Z0}, func(p Vec) Vec { return ground(p).Mul(.7) })
	m.add(Vec{X0, 0, Z0}, Vec{X0, 0, Z1}, Vec{X0, T, Z1}, Vec{X0, T, Z0}, wall)
	m.add(Vec{X1, 0, Z0}, Vec{X1, 0, Z1}, Vec{X1, T, Z1}, Vec{X1, T, Z0}, wall)
	m.add(Vec{X0, 0, Z1}, Vec{X1, 0, Z1}, Vec{X1, T, Z1}, Vec{X0, T, Z1}, wall)
	m.Door = Vec{(d0 + d1) / 2, 0, Z0 + .3}
	jamb := plain(Vec{.30, .22, .15})
	box(&m.Quads, Vec{d0 - .07, 0, Z0 - .1}, Vec{d0, doorHigh + .07, Z0 + .04}, jamb)
	box(&m.Quads, Vec{d1, 0, Z0 - .1}, Vec{d1 + .07, doorHigh + .07, Z0 + .04}, jamb)
	box(&m.Quads, Vec{d0, doorHigh, Z0 - .1}, Vec{d1, doorHigh + .07, Z0 + .04}, jamb)
	box(&m.Quads, Vec{d1 + .01, .02, Z0 + .02}, Vec{d1 + .05, doorHigh, Z0 + .84}, wood(st.door))
}

// ceiling is tiles with lamps let in.
func ceiling(p Vec) Vec {
	i, j := floor(p.X/.6), floor(p.Z/.6)
	fx, fz := p.X/.6-float32(i), p.Z/.6-float32(j)
	if fx < .03 || fz < .03 {
		return Vec{.5, .5, .5}
	}
	if ((i%4)+4)%4 == 1 && ((j%3)+3)%3 == 1 {
		return Vec{.98, .98, .96}
	}
	return Vec{.78, .78, .77}
}

// windows go along the wall at X0 behind the board, with frames and sills.
func (m *Room) windows() {
	X0 := m.X0
	for z := m.Z0 + .5; z+1.35 < .2; z += 1.7 {
		m.Quads = append(m.Quads, Quad{P: [4]Vec{{X0 + .01, .95, z}, {X0 + .01, .95, z + 1.35}, {X0 + .01, 2.55, z + 1.35}, {X0 + .01, 2.55, z}}, Glow: true,
			Paint: func(p Vec) Vec {
				t := clamp((p.Y-.95)/1.6, 0, 1)
				return Vec{.55, .62, .50}.Lerp(Vec{1.25, 1.3, 1.4}, smooth(t*2.2-.2+.5*noise2(p.Z*3, p.Y*4)-.25))
			}})
		frame := plain(Vec{.75, .75, .73})
		box(&m.Quads, Vec{X0, .90, z - .05}, Vec{X0 + .12, .95, z + 1.4}, frame)
		box(&m.Quads, Vec{X0, 2.55, z - .05}, Vec{X0 + .06, 2.6, z + 1.4}, frame)
		for _, d := range []float32{-.05, .65, 1.35} {
			box(&m.Quads, Vec{X0, .95, z + d}, Vec{X0 + .05, 2.55, z + d + .05}, frame)
		}
		box(&m.Quads, Vec{X0, 1.95, z}, Vec{X0 + .04, 1.98, z + 1.35}, frame)
	}
}

// board paints a white board with a few lines of blue writing.
func board(p Vec) Vec {
	c := Vec{.80, .81, .82}.Mul(.93 + .08*noise2(p.Z*2, p.Y*2))
	if p.Y > 1.25 && p.Y < 2.1 && floor(p.Y*10)%2 == 0 && noise2((p.Z+p.X)*26, p.Y*70) > .60 && noise2((p.Z+p.X)*1.7, p.Y*3+7) > .42 {
		return Vec{.12, .16, .38}
	}
	return c
}

// frontAndBack hangs the boards, and stands cupboard and shelves at the back.
func (m *Room) frontAndBack(r *rand.Rand, st style) {
	rim := plain(Vec{.5, .5, .5})
	box(&m.Quads, Vec{-1.9, .95, m.Z1 - .05}, Vec{1.5, 2.2, m.Z1 - .01}, func(p Vec) Vec { return board(Vec{p.X, p.Y, 0}).Mul(.9) })
	m.Board = Vec{m.X0, 0, 1.35}
	box(&m.Quads, Vec{m.X0, .88, .55}, Vec{m.X0 + .025, 2.24, 2.15}, rim)
	box(&m.Quads, Vec{m.X0, .92, .59}, Vec{m.X0 + .03, 2.20, 2.11}, board)
	box(&m.Quads, Vec{m.X0, .86, .6}, Vec{m.X0 + .09, .89, 2.1}, rim)
	w := m.X1 - m.X0
	cork := plain(Vec{.42, .28, .16})
	b0, b1 := m.X0+w*.09, m.X0+w*.46
	box(&m.Quads, Vec{b0, 1.2, m.Z0}, Vec{b1, 2.3, m.Z0 + .03}, cork)
	for k := 0; k < 14; k++ {
		x, y := uniform(r, b0+.05, b1-.4), 1.27+.7*r.Float32()
		pw, ph := .18+.16*r.Float32(), .2+.12*r.Float32()
		paper, ink := hsv(r.Float32(), .35*r.Float32(), .6+.35*r.Float32()), hsv(r.Float32(), .7, .3)
		z := m.Z0 + .035 + float32(k)*.0007
		m.add(Vec{x, y, z}, Vec{x + pw, y, z}, Vec{x + pw, y + ph, z}, Vec{x, y + ph, z}, func(p Vec) Vec {
			if noise2(p.X*40+float32(k)*9, p.Y*70) > .68 {
				return ink
			}
			return paper
		})
	}
	c0 := m.X0 + w*.52
	box(&m.Quads, Vec{c0, 0, m.Z0}, Vec{c0 + 1.2, 1.9, m.Z0 + .45}, wood(Vec{.42, .30, .18}))
	box(&m.Quads, Vec{c0 + .59, .05, m.Z0 + .45}, Vec{c0 + .61, 1.85, m.Z0 + .455}, plain(Vec{.1, .07, .05}))
	for k := 0; k < 5; k++ {
		x := c0 + .1 + float32(k)*.21
		box(&m.Quads, Vec{x, 1.9, m.Z0 + .1}, Vec{x + .14 + .05*r.Float32(), 2.05 + .25*r.Float32(), m.Z0 + .35}, plain(hsv(r.Float32(), .4, .5)))
	}
	if r.Intn(3) > 0 { // the teacher's desk
		set := append(desk(.75, .75, st.desk, st.leg, true), laptop(.75)...)
		box(&set, Vec{-.62, .75, .34}, Vec{-.40, .80, .62}, plain(hsv(r.Float32(), .5, .25)))
		box(&set, Vec{-.60, .80, .36}, Vec{-.41, .83, .61}, plain(hsv(r.Float32(), .4, .4)))
		box(&set, Vec{.34, .75, .32}, Vec{.55, .754, .61}, written)
		d := moved(set, Vec{uniform(r, .2, .8), 0, 2.7}, 180)
		m.Quads = append(m.Quads, d...)
		m.Cast = append(m.Cast, d...)
	}
}
