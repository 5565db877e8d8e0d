package room

import (
	"math"
	"testing"
)

func TestBendIsInverse(t *testing.T) {
	for _, bend := range []float32{0, .05, .14, .3} {
		c := LookAt(Vec{0, 2, 3}, Vec{0, 1, -2}, 50, 320, 180, 2, bend)
		for y := float32(2); y < 180; y += 22 {
			for x := float32(1); x < 320; x += 31 {
				ux, uy := c.unbend(x, y)
				bx, by := c.bendAt(ux, uy)
				if abs(bx-x) > .05 || abs(by-y) > .05 {
					t.Fatalf("bend %v: (%v, %v) comes back as (%v, %v)", bend, x, y, bx, by)
				}
			}
		}
		if bx, by := c.unbend(0, 0); bend > 0 && (abs(bx) > .01 || abs(by) > .01) {
			t.Errorf("bend %v: the corner moves to (%v, %v)", bend, bx, by)
		}
	}
}

func TestRayMeetsView(t *testing.T) {
	c := LookAt(Vec{1, 2, 3}, Vec{0, 1, -2}, 50, 320, 180, 2, 0)
	p := Vec{.4, .9, -1.5}
	v := c.view(p)
	q := c.Pos.Add(c.ray(v.X, v.Y).Mul(v.Z))
	if q.Sub(p).Len() > 1e-4 {
		t.Errorf("the ray through %v ends at %v, want %v", v, q, p)
	}
}

// Two triangles that share an edge cover each pixel of their square once.
func TestSpanCoversOnce(t *testing.T) {
	const n = 16
	for name, k := range map[string][4]Vec{
		"square":  {{2, 2, 1}, {13, 2, 1}, {13, 12, 1}, {2, 12, 1}},
		"slanted": {{1.3, 4.1, 1}, {12.2, 1.7, 1}, {14.9, 11.3, 1}, {3.1, 13.8, 1}},
		"outside": {{-7, -5, 1}, {30, -5, 1}, {30, 25, 1}, {-7, 25, 1}},
	} {
		var hit [n * n]int
		for _, tri := range [2][3]int{{0, 1, 2}, {0, 2, 3}} {
			var s span
			if !s.setup(k[tri[0]], k[tri[1]], k[tri[2]], n, n) {
				t.Fatalf("%s: nothing to fill", name)
			}
			for y := s.y0; y <= s.y1; y++ {
				for x := s.x0; x <= s.x1; x++ {
					u, v := s.u+float32(x-s.x0)*s.ux+float32(y-s.y0)*s.uy, s.v+float32(x-s.x0)*s.vx+float32(y-s.y0)*s.vy
					if u > 1e-5 && v > 1e-5 && 1-u-v > 1e-5 {
						hit[y*n+x]++
					}
				}
			}
		}
		for i, c := range hit {
			px, py := float32(i%n)+.5, float32(i/n)+.5
			inside := true
			for e := range k {
				a, b := k[e], k[(e+1)%4]
				d := (b.X-a.X)*(py-a.Y) - (b.Y-a.Y)*(px-a.X)
				if abs(d) < .02 {
					inside = false
					break // on the rim: either is right
				}
				inside = inside && d > 0
			}
			diagonal := k[2].Sub(k[0])
			on := abs(diagonal.X*(py-k[0].Y)-diagonal.Y*(px-k[0].X)) < .02
			if inside && !on && c != 1 {
				t.Fatalf("%s: pixel (%d, %d) is filled %d times", name, i%n, i/n, c)
			}
		}
	}
}

func TestLimbReaches(t *testing.T) {
	f := &Figure{head: []Vec{{0, 1.4, 0}, {0, 1.1, 0}, {0, .85, 0}}, pos: make([]Vec, 3), dir: make([]Mat, 3)}
	f.pos[0] = Vec{.2, 1.2, 0}
	for _, to := range []Vec{{.2, .8, .3}, {.5, 1.3, .2}, {.1, 1.0, -.25}, {.2, 1.15, .05}} {
		f.limb(0, 1, 2, to, Vec{1, -.2, 0}, elbowRest)
		if d := f.pos[2].Sub(to).Len(); d > 1e-4 && to.Sub(f.pos[0]).Len() > .06 {
			t.Errorf("target %v missed by %v", to, d)
		}
		for k, l := range []float32{.3, .25} {
			if got := f.pos[k+1].Sub(f.pos[k]).Len(); abs(got-l) > 1e-4 {
				t.Errorf("target %v: bone %d is %v long, want %v", to, k, got, l)
			}
		}
		end := f.dir[1].V(f.head[2].Sub(f.head[1])).Add(f.pos[1])
		if d := end.Sub(f.pos[2]).Len(); d > 1e-4 {
			t.Errorf("target %v: the turned bone ends %v away", to, d)
		}
	}
}

func TestMixPoseEnds(t *testing.T) {
	m := moment{t: 3, phase: 1, side: 1, vary: .4, desk: .735, hip: .535, stand: .9, size: 1}
	a, b := Posture("write").pose(&m), Posture("hand").pose(&m)
	if got := mixPose(a, b, 0); got.Hand[0].Sub(a.Hand[0]).Len() > 1e-5 || abs(got.Lean-a.Lean) > 1e-4 {
		t.Errorf("at 0: %+v", got)
	}
	if got := mixPose(a, b, 1); got.Hand[0].Sub(b.Hand[0]).Len() > 1e-5 || abs(got.HeadPitch-b.HeadPitch) > 1e-4 {
		t.Errorf("at 1: %+v", got)
	}
}

func TestNormalNoise(t *testing.T) {
	s := noiseSource(5)
	var sum, square float64
	const n = 200_000
	for range n {
		v := float64(s.normal())
		sum += v
		square += v * v
	}
	if mean := sum / n; math.Abs(mean) > .01 {
		t.Errorf("mean %v", mean)
	}
	if v := square / n; math.Abs(v-1) > .02 {
		t.Errorf("variance %v", v)
	}
}

func TestPosturesShowEveryBehaviour(t *testing.T) {
	for _, b := range Behaviours {
		l := PosturesOf(b)
		if len(l) == 0 {
			t.Errorf("no posture shows %s", b)
		}
		for _, p := range l {
			if p == "walk" || teaching[p] {
				t.Errorf("%s is no seated student's", p)
			}
		}
	}
}

func TestMapped(t *testing.T) {
	for b, want := range map[string]struct {
		attention  string
		engagement int
	}{"look_forward": {"on_task", 1}, "read": {"on_task", 2}, "write": {"on_task", 2}, "raise_hand": {"on_task", 2}, "turn": {"off_task", 0}, "stand": {"on_task", 1},
		"discuss": {"on_task", 3}, "phone": {"off_task", 0}, "head_down": {"off_task", 0}, "other": {"unknown", 1}} {
		if a, e := mapped(b); a != want.attention || e != want.engagement {
			t.Errorf("%s: %s %d, want %+v", b, a, e, want)
		}
	}
}

func TestPlanCheck(t *testing.T) {
	if p := DefaultPlan(); p.Check() != nil {
		t.Fatalf("default plan: %v", p.Check())
	}
	for name, spoil := range map[string]func(*Plan){
		"unknown camera":     func(p *Plan) { p.Cameras = map[string]float64{"drone": 1} },
		"weightless layout":  func(p *Plan) { p.Layouts = map[string]float64{"rows": 0} },
		"no step":            func(p *Plan) { p.Steps = 0 },
		"ages swapped":       func(p *Plan) { p.AgeMin, p.AgeMax = 1, .5 },
		"tiny picture":       func(p *Plan) { p.Widths = []int{20} },
		"quality":            func(p *Plan) { p.QualityMax = 120 },
		"share above 1":      func(p *Plan) { p.Fair = 1.2 },
		"share below 0":      func(p *Plan) { p.Low = -.1 },
		"share not a number": func(p *Plan) { p.Free = float32(math.NaN()) },
	} {
		p := DefaultPlan()
		spoil(&p)
		if p.Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
}
