package room

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"testing"
)

const (
	testW, testH = 320, 180
	testSeed     = 27
)

func testLesson(t *testing.T) *Scene {
	t.Helper()
	s, err := NewLesson(testAssets(t), testSeed, testW, testH, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSameSeedSameBytes(t *testing.T) {
	a := testLesson(t)
	first := a.Frame(20.6)
	a.Frame(41)
	if !bytes.Equal(a.Frame(20.6), first) {
		t.Error("a frame depends on the frames drawn before")
	}
	if !bytes.Equal(a.Clone().Frame(20.6), first) {
		t.Error("a clone draws another frame")
	}
	b := testLesson(t)
	if !bytes.Equal(b.Frame(20.6), first) {
		t.Error("the same seed draws another frame")
	}
	if ta, tb := a.Truth(20.6), b.Truth(20.6); len(ta) != len(tb) || ta[3] != tb[3] {
		t.Error("the same seed has another truth")
	}
	other, err := NewLesson(testAssets(t), testSeed+1, testW, testH, 1)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(other.Frame(20.6), first) {
		t.Error("another seed draws the same frame")
	}
}

// Wrists are where the posture wants them within 2 cm, for the mesh's own
// joint, over ages and both sexes; and hands meant for the desk are on it.
func TestWristsReachTargets(t *testing.T) {
	a := testAssets(t)
	for n := range 6 {
		r := derive(77, n)
		f, err := a.NewFigure(RandomLook(r, Variety{AgeMin: .1 + .2*float32(n), AgeMax: .2 + .2*float32(n)}))
		if err != nil {
			t.Fatal(err)
		}
		x := &Actor{Figure: f, Seat: Seat{Desk: clamp(.56+.2*f.Look.Age, .58, .745)}, phase: float64(n)}
		x.Seat.Hip = x.Seat.Desk - .2
		for _, b := range Behaviours {
			for _, p := range PosturesOf(b) {
				for _, s := range []float32{-1, 1} {
					x.Events = []Event{{T: -5, Posture: p, Side: s, Vary: r.Float32()}}
					x.pose0(1.7, Vec{0, 1.5, 3})
					for k, c := range []string{"_l", "_r"} {
						got := f.at(anchor{f.base.index["hand"+c], f.head[f.base.index["hand"+c]]})
						if d := got.Sub(f.wrist[k]).Len(); d > .02 {
							t.Errorf("figure %d (age %.2f), %s, wrist%s: %.3f m off", n, f.Look.Age, p, c, d)
						}
					}
					if p == "write" || p == "read" {
						for k, w := range f.wrist {
							if off := w.Y - x.Seat.Desk; off < .02 || off > .09 {
								t.Errorf("figure %d, %s: hand %d is %.3f m above the desk", n, p, k, off)
							}
						}
					}
				}
			}
		}
	}
}

func TestBoxesHoldPoints(t *testing.T) {
	s := testLesson(t)
	for _, at := range []float64{8, 21, 33.3, 44, 55} {
		s.Frame(at)
		for _, p := range s.Truth(at) {
			for k, q := range p.Points {
				if !holds(p.Body, q.X, q.Y, 1) {
					t.Errorf("%.1f s, %s (%s): %s (%.0f, %.0f) is outside the body box %+v", at, p.ID, p.Posture, PointNames[k], q.X, q.Y, p.Body)
				}
				if k < 5 && !holds(p.Head, q.X, q.Y, 2) {
					t.Errorf("%.1f s, %s (%s): %s (%.0f, %.0f) is outside the head box %+v", at, p.ID, p.Posture, PointNames[k], q.X, q.Y, p.Head)
				}
				if q.Seen == 2 && !holds(p.SeenBody, q.X, q.Y, 2) {
					t.Errorf("%.1f s, %s: visible %s is outside the visible box", at, p.ID, PointNames[k])
				}
			}
			if p.SeenBody.W > 0 && (!holds(p.Body, p.SeenBody.X, p.SeenBody.Y, 3) || !holds(p.Body, p.SeenBody.X+p.SeenBody.W, p.SeenBody.Y+p.SeenBody.H, 3)) {
				t.Errorf("%.1f s, %s: visible box %+v leaves the whole box %+v", at, p.ID, p.SeenBody, p.Body)
			}
		}
	}
}

func holds(r Rect, x, y, slack float32) bool {
	return x >= r.X-slack && y >= r.Y-slack && x <= r.X+r.W+slack && y <= r.Y+r.H+slack
}

// Carrying the later picture back along the flow must leave less than half of
// the difference where figures move.
func TestFlowWarps(t *testing.T) {
	const testW, testH = 640, 360
	s, err := NewLesson(testAssets(t), testSeed, testW, testH, 2)
	if err != nil {
		t.Fatal(err)
	}
	s.Noise = 0
	for _, at := range []float64{18.9, 41.2, 49.5} {
		const dt = 2.0 / 25
		a, b := s.Frame(at), s.Frame(at+dt)
		f := s.FlowBetween(at, at+dt)
		still, warped, n := 0.0, 0.0, 0
		for y := 1; y < testH-1; y++ {
			for x := 1; x < testW-1; x++ {
				i := y*testW + x
				u, v := f.UV[2*i], f.UV[2*i+1]
				if !f.Moves[i] && (u != 0 || v != 0) {
					t.Fatalf("the room moves at (%d, %d)", x, y)
				}
				if u*u+v*v < 1 {
					continue
				}
				tx, ty := float32(x)+u, float32(y)+v
				if tx < 0 || ty < 0 || tx >= testW-1 || ty >= testH-1 {
					continue
				}
				n++
				for k := range 3 {
					p := float64(a[3*i+k])
					still += math.Abs(p - float64(b[3*i+k]))
					warped += math.Abs(p - bilinear(b, testW, tx, ty, k))
				}
			}
		}
		if n < 100 {
			t.Fatalf("%.1f s: only %d pixels move", at, n)
		}
		t.Logf("%.1f s: %d pixels move, difference %.1f, along the flow %.1f", at, n, still/float64(3*n), warped/float64(3*n))
		if warped > .5*still {
			t.Errorf("%.1f s: the flow leaves %.2f of the difference", at, warped/still)
		}
	}
}

func bilinear(p []uint8, w int, x, y float32, k int) float64 {
	x0, y0 := int(x), int(y)
	fx, fy := x-float32(x0), y-float32(y0)
	at := func(x, y int) float32 { return float32(p[(y*w+x)*3+k]) }
	return float64(mixf(mixf(at(x0, y0), at(x0+1, y0), fx), mixf(at(x0, y0+1), at(x0+1, y0+1), fx), fy))
}

// The sample holds what it promises.
func TestLessonPlot(t *testing.T) {
	s := testLesson(t)
	episodes := map[string]int{}
	asleep := map[string]float64{}
	gone := map[string][]float64{}
	last := map[string]string{}
	raised := map[Posture]bool{}
	talking := 0
	for at := 0.0; at < LessonSeconds; at += .25 {
		f := s.Focus(at)
		chat := 0
		for _, a := range s.Actors {
			a.pose0(at, f)
			if a.stops != nil {
				raised[a.Now] = true
				continue
			}
			b := a.Behaviour
			if a.Gone {
				b = "gone"
				gone[a.ID] = append(gone[a.ID], at)
			}
			if b != last[a.ID] {
				episodes[b]++
			}
			last[a.ID] = b
			raised[a.Now] = true
			if a.Now == "sleep" || a.Now == "sleepside" {
				asleep[a.ID] += .25
			}
			if b == "discuss" && at < 15 {
				chat++
			}
		}
		if chat == 2 {
			talking++
		}
	}
	if n := len(s.Actors); n < 16 || n > 20 {
		t.Errorf("%d people", n)
	}
	for _, b := range Behaviours {
		if episodes[b] < 3 {
			t.Errorf("%s is shown %d times", b, episodes[b])
		}
	}
	for _, p := range []Posture{"hand", "halfhand", "explain", "point", "board", "walk"} {
		if !raised[p] {
			t.Errorf("nobody shows %s", p)
		}
	}
	if asleep["S17"] < 30 {
		t.Errorf("S17 sleeps %.0f s", asleep["S17"])
	}
	if late := gone["S05"]; len(late) == 0 || late[0] != 0 || slices.Max(late) > 15 {
		t.Errorf("S05 is away at %v", late)
	}
	if away := gone["S12"]; len(away) < 8 || away[0] < 20 || slices.Max(away) > 60 {
		t.Errorf("S12 is away at %v", away)
	}
	if talking < 12 {
		t.Errorf("two talk for %d quarter seconds", talking)
	}
}

func TestGroupsDifferAndRepeat(t *testing.T) {
	p := DefaultPlan()
	p.Widths = []int{320}
	draw := func(n int) ([]byte, []Truth) {
		g, err := NewGroup(testAssets(t), &p, n)
		if err != nil {
			t.Fatal(err)
		}
		g.Turn(0)
		g.Take(0, 0, 0)
		return g.Frame(0), g.Truth(0)
	}
	a, ta := draw(3)
	b, tb := draw(3)
	if !bytes.Equal(a, b) || len(ta) != len(tb) {
		t.Error("the same scene differs from itself")
	}
	c, _ := draw(4)
	if bytes.Equal(a, c) {
		t.Error("two scenes are the same")
	}
	if len(ta) == 0 {
		t.Fatal("nobody in the picture")
	}
	for i := range ta {
		l, ok := NewLabel(&ta[i])
		if ok && (l.Box[2] <= 0 || l.Upper[3] <= l.Head[3] || !slices.Contains(Behaviours, l.Behaviour)) {
			t.Errorf("label %+v", l)
		}
	}
}

// What a plan asks for oftener is there, in all figures and videos at a share of 1, and a share of 0 draws nothing: figures stay as older plans had them.
func TestPlanShares(t *testing.T) {
	for n := range 20 {
		plain := RandomLook(derive(5, n), Variety{AgeMin: .5, AgeMax: .9})
		l := RandomLook(derive(5, n), Variety{AgeMin: .5, AgeMax: .9, Fair: 1, Long: 1})
		if l.HairTint.X < .2 {
			t.Errorf("figure %d: hair %v of a plan in which all are fair", n, l.HairTint)
		}
		if l.Female && !slices.Contains(hairLong, l.Hair) {
			t.Errorf("figure %d: hair %s of a plan in which all is long", n, l.Hair)
		}
		l.HairTint, l.Hair = plain.HairTint, plain.Hair
		if !reflect.DeepEqual(l, plain) {
			t.Errorf("figure %d: fair and long change more than the hair", n)
		}
	}
	p := DefaultPlan()
	p.Widths, p.Rows, p.Cols = []int{320}, 1, 2
	p.Free, p.Low, p.Behaviours = 1, 1, map[string]float64{"head_down": 1}
	s, _, err := NewClip(testAssets(t), &p, 0)
	if err != nil {
		t.Fatal(err)
	}
	if y := s.Camera.Pos.Y; y < 1.2 || y > 1.7 {
		t.Errorf("the low camera hangs at %.2f m", y)
	}
	for _, a := range s.Actors {
		for _, e := range a.Events {
			if a.stops == nil && e.Posture != "walk" && postures[e.Posture] != "head_down" {
				t.Errorf("%s does %s where all lay their heads down", a.ID, e.Posture)
			}
		}
	}
}
