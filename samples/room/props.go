package room

// props are what the actor holds in this moment, in the room.
func (a *Actor) props() []Quad {
	ix := a.base.index
	left, right := a.pos[ix["index_01_l"]], a.pos[ix["index_01_r"]]
	mid := left.Lerp(right, .5)
	w, c := 1, "_r"
	if a.Left {
		w, c = 0, "_l"
	}
	grip := a.pos[ix["index_02"+c]]
	switch a.Now {
	case "phonelap", "phonedesk", "phoneup":
		tilt := float32(40)
		if a.Now == "phoneup" {
			tilt = 12
		}
		return placed(phone(), ry(a.facing).M(rx(tilt)), mid.Add(Vec{0, .035, 0}))
	case "bookup":
		return placed(heldBook(), ry(a.facing).M(rx(-18)), mid.Add(turn(a.facing, Vec{0, .05, .03})))
	case "recite":
		return placed(sheet(), ry(a.facing).M(rx(-25)), mid.Add(turn(a.facing, Vec{0, .05, .02})))
	case "write", "writehead", "board":
		back := Vec{float32(1-2*w) * .25, .8, -.35}
		if a.Now == "board" {
			back = Vec{0, .1, -1}
		}
		var q []Quad
		box(&q, Vec{-.004, -.035, -.004}, Vec{.004, .10, .004}, plain(Vec{.03, .04, .12}))
		return placed(q, frameUp(turn(a.facing, back)), grip)
	case "drink":
		var q []Quad
		p := plain(Vec{.25, .45, .55})
		box(&q, Vec{-.022, -.08, -.022}, Vec{.022, .06, .022}, p)
		box(&q, Vec{-.011, .06, -.011}, Vec{.011, .09, .011}, p)
		return placed(q, ry(a.facing).M(rx(-115)), a.pos[ix["middle_01"+c]].Add(turn(a.facing, Vec{0, .01, .03})))
	}
	return nil
}

// frameUp is a rotation whose y axis is d.
func frameUp(d Vec) Mat {
	f := frameOf(d, Vec{1, 0, .1})
	return Mat{f[1], f[0], -f[2], f[4], f[3], -f[5], f[7], f[6], -f[8]}
}

func phone() []Quad {
	var q []Quad
	box(&q, Vec{-.037, -.075, -.004}, Vec{.037, .075, .004}, plain(Vec{.02, .02, .025}))
	return append(q, Quad{P: [4]Vec{{-.034, -.07, -.005}, {.034, -.07, -.005}, {.034, .07, -.005}, {-.034, .07, -.005}}, Glow: true,
		Paint: func(p Vec) Vec { return Vec{.5, .6, .75}.Mul(.5 + .7*noise2(p.X*90, p.Y*90)) }})
}

func heldBook() []Quad {
	cover := plain(Vec{.20, .05, .05})
	var q []Quad
	for _, s := range []float32{-1, 1} {
		a, b := Vec{0, -.10, 0}, Vec{s * .14, -.10, -.04}
		up := Vec{0, .21, 0}
		q = append(q, Quad{P: [4]Vec{a, b, b.Add(up), a.Add(up)}, Paint: cover})
		in := Vec{0, 0, -.006}
		q = append(q, Quad{P: [4]Vec{a.Add(in), b.Add(in), b.Add(up).Add(in), a.Add(up).Add(in)}, Paint: plain(Vec{.8, .8, .77})})
	}
	return q
}

func sheet() []Quad {
	return []Quad{{P: [4]Vec{{-.105, -.1, 0}, {.105, -.1, 0}, {.105, .2, 0}, {-.105, .2, 0}}, Paint: plain(Vec{.8, .8, .78})}}
}
