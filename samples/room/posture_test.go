package room

import "testing"

// testActor is a seated figure of an age with furniture that fits.
func testActor(t *testing.T, n int, age float32) *Actor {
	t.Helper()
	f, err := testAssets(t).NewFigure(RandomLook(derive(78, n), Variety{AgeMin: age, AgeMax: age}))
	if err != nil {
		t.Fatal(err)
	}
	desk := clamp(.56+.2*age, .58, .745)
	return &Actor{Figure: f, Seat: Seat{Desk: desk, Hip: desk - .2}}
}

func TestHeadLiesOnTheDesk(t *testing.T) {
	for n, age := range []float32{.15, .5, .9} {
		a := testActor(t, n, age)
		for _, p := range PosturesOf("head_down") {
			a.Events = []Event{{T: -5, Posture: p, Side: 1, Vary: .5}}
			a.Step(2, Vec{0, 1.5, 3})
			low := float32(9)
			for _, c := range a.crown {
				low = min(low, a.posed[c.part].v[c.vertex].Y)
			}
			if over := low - a.Seat.Desk; over < .03 || over > .12 {
				t.Errorf("age %.2f, %s: the head's lowest point is %.3f m above the desk", age, p, over)
			}
		}
	}
}

// No forearm cuts through a head, in any posture or on the way from one to any
// other. A head is taken for a ball of 9 cm.
func TestArmsKeepOutOfHeads(t *testing.T) {
	a := testActor(t, 4, .8)
	ix := a.base.index
	var all []Posture
	for _, b := range Behaviours {
		all = append(all, PosturesOf(b)...)
	}
	tried, cut := 0, 0
	for _, from := range all {
		for _, to := range all {
			a.Events = []Event{{T: -9, Posture: from, Side: 1, Vary: .5}, {T: 0, Posture: to, Side: -1, Vary: .4}}
			for at := .1; at < blend+.1; at += .2 {
				a.pose0(at, Vec{0, 1.5, 3})
				skull := a.at(anchor{ix["head"], a.eyes[0].Lerp(a.eyes[1], .5).Add(Vec{0, .01, -.07})})
				worst := float32(9)
				for _, c := range []string{"_l", "_r"} {
					elbow, wrist := a.pos[ix["lowerarm"+c]], a.pos[ix["hand"+c]]
					for k := float32(0); k <= 1; k += .1 {
						worst = min(worst, elbow.Lerp(wrist, k).Sub(skull).Len())
					}
				}
				tried++
				if worst < .09 {
					cut++
					if from == to {
						t.Errorf("%s: a forearm is %.3f m from the skull's middle", to, worst)
					}
					t.Logf("%s to %s at %.1f s: %.3f m", from, to, at, worst)
				}
			}
		}
	}
	if cut > tried/100 {
		t.Errorf("%d of %d moments have an arm in the head", cut, tried)
	}
}

func TestPrintsArePaintedOver(t *testing.T) {
	sheet := &texture{w: 64, h: 64, p: make([]uint8, 64*64*4)}
	for i := range sheet.p {
		sheet.p[i] = uint8(i * 37)
	}
	for suit, areas := range prints {
		q := &part{kind: kindCloth, tex: sheet, dye: true, tint: Vec{.3, .3, .3}, mean: [2]float32{.2, .2}, print: areas}
		for _, r := range areas {
			var first Vec
			for k := range 9 {
				c, _ := q.albedo(mixf(r.u0, r.u1, .1+.1*float32(k%3)*4), mixf(r.v0, r.v1, .1+.1*float32(k/3)*4), false)
				if k == 0 {
					first = c
				} else if c != first {
					t.Errorf("%s: the print shows through", suit)
				}
			}
		}
	}
}
