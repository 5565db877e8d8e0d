package room

import (
	"math"
)

// Rect is an upright rectangle in picture pixels; empty when W or H is 0.
type Rect struct{ X, Y, W, H float32 }

// PointTruth is a body point in picture pixels. Seen: 0 outside the picture, 1
// covered, 2 visible, as in COCO.
type PointTruth struct {
	X, Y float32
	Seen int
}

// PointNames are the points' names in COCO order.
var PointNames = [17]string{"nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
	"left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"}

// Truth is what the scene knows of one person in one frame.
type Truth struct {
	ID                     string
	Row, Col               int // of the seat; -1 for the teacher
	SeatX, SeatY           float32
	Behaviour              string
	Posture                Posture
	Attention              string // on_task, off_task, unknown
	Engagement             int    // 0..3; -1 when not to be seen
	Head, Body             Rect   // whole, also where covered or outside the picture
	SeenHead, SeenBody     Rect   // of the visible pixels
	HiddenHead, HiddenBody float32
	Pixels                 int     // visible, of the body
	HeadYaw, HeadPitch     float32 // against the camera: 0 looks into it, yaw + to the picture's right, pitch + down
	GazeYaw, GazePitch     float32
	ClassYaw               float32 // of the head against what the class attends to, + to the figure's left
	Points                 [17]PointTruth
}

// maskBuffer holds each figure's whole silhouette, drawn alone.
type maskBuffer struct {
	w, h int
	m    []uint8
}

// Truth tells of every person in the frame last drawn; those away are left out.
func (s *Scene) Truth(t float64) []Truth {
	seen := s.visible()
	focus := s.Focus(t)
	var all []Truth
	for i, a := range s.Actors {
		if a.Gone {
			continue
		}
		all = append(all, s.truthOf(i, a, seen[i+1], focus))
	}
	return all
}

// extent is the box and count of pixels of one thing.
type extent struct{ x0, y0, x1, y1, n int }

func (e *extent) add(x, y int) {
	if e.n == 0 {
		*e = extent{x, y, x, y, 1}
		return
	}
	e.x0, e.y0, e.x1, e.y1 = min(e.x0, x), min(e.y0, y), max(e.x1, x), max(e.y1, y)
	e.n++
}

func (e *extent) rect() Rect {
	if e.n == 0 {
		return Rect{}
	}
	return Rect{float32(e.x0), float32(e.y0), float32(e.x1 - e.x0 + 1), float32(e.y1 - e.y0 + 1)}
}

// visible measures head and body of each figure in the picture, through the
// lens.
func (s *Scene) visible() [256][2]extent {
	var e [256][2]extent
	c := s.Camera
	for y := range c.H {
		for x := range c.W {
			i := (y*c.Over)*s.buf.w + x*c.Over
			if c.lens != nil {
				i = int(c.lens[y*c.W+x])
			}
			id := s.buf.id[i]
			if id == 0 || id == idThing {
				continue
			}
			e[id][1].add(x, y)
			if s.buf.kind[i]&headBit != 0 {
				e[id][0].add(x, y)
			}
		}
	}
	return e
}

func (s *Scene) truthOf(i int, a *Actor, seen [2]extent, focus Vec) Truth {
	c := s.Camera
	t := Truth{ID: a.ID, Row: a.Seat.Row, Col: a.Seat.Col, Behaviour: a.Behaviour, Posture: a.Now}
	seat := c.Project(a.Seat.P.Add(Vec{0, a.Seat.Hip + .5, 0}))
	t.SeatX, t.SeatY = seat.X, seat.Y
	t.SeenHead, t.SeenBody, t.Pixels = seen[0].rect(), seen[1].rect(), seen[1].n
	t.Head, t.Body = s.wholeBoxes(a)
	head, body := s.silhouette(a)
	t.HiddenHead, t.HiddenBody = hiddenShare(seen[0].n, head), hiddenShare(seen[1].n, body)
	t.angles(c, a, focus)
	for k, p := range a.point {
		t.Points[k] = s.pointTruth(i, a.at(p))
	}
	t.Attention, t.Engagement = mapped(t.Behaviour)
	if t.HiddenBody > .97 {
		t.Attention, t.Engagement = "unknown", -1
	}
	return t
}

func hiddenShare(seen, whole int) float32 {
	if whole == 0 {
		return 1
	}
	return clamp(1-float32(seen)/float32(whole), 0, 1)
}

// wholeBoxes bound all vertices of head and body, seen or not.
func (s *Scene) wholeBoxes(a *Actor) (head, body Rect) {
	c := s.Camera
	var h, b bounds
	for _, r := range a.crown {
		h.add(c.Project(a.posed[r.part].v[r.vertex]))
	}
	for pi, q := range a.parts {
		if q.kind == kindEye {
			continue
		}
		v := a.posed[pi].v
		for i := 0; i < len(v); i += 3 {
			b.add(c.Project(v[i]))
		}
	}
	for _, k := range a.point {
		b.add(c.Project(a.at(k)))
	}
	return h.rect(), b.rect()
}

type bounds struct {
	x0, y0, x1, y1 float32
	n              int
}

func (b *bounds) add(p Vec) {
	if p.Z < near {
		return
	}
	if b.n == 0 {
		*b = bounds{p.X, p.Y, p.X, p.Y, 1}
		return
	}
	b.x0, b.y0, b.x1, b.y1 = min(b.x0, p.X), min(b.y0, p.Y), max(b.x1, p.X), max(b.y1, p.Y)
	b.n++
}

func (b *bounds) rect() Rect { return Rect{b.x0, b.y0, b.x1 - b.x0, b.y1 - b.y0} }

// silhouette counts the picture's pixels that head and body would fill if
// nothing stood before them; outside the picture nothing counts.
func (s *Scene) silhouette(a *Actor) (head, body int) {
	c := s.Camera
	if s.masks.w != c.W {
		s.masks = maskBuffer{w: c.W, h: c.H, m: make([]uint8, c.W*c.H)}
	}
	m := &s.masks
	box := extent{}
	o := 1 / float32(c.Over)
	var sp span
	for pi, q := range a.parts {
		if q.kind == kindEye {
			continue
		}
		v := a.posed[pi].v
		sc := make([]Vec, len(v))
		for i := range v {
			p := c.view(v[i])
			sc[i] = Vec{p.X * o, p.Y * o, p.Z}
		}
		for ti, t := range q.tri {
			A, B, C := sc[t[0]], sc[t[1]], sc[t[2]]
			if A.Z < near || B.Z < near || C.Z < near || !sp.setup(A, B, C, c.W, c.H) {
				continue
			}
			bit := uint8(1)
			if q.head[ti] {
				bit = 3
			}
			m.fill(&sp, bit, q, ti)
			box.add(sp.x0, sp.y0)
			box.add(sp.x1, sp.y1)
		}
	}
	if box.n == 0 {
		return 0, 0
	}
	return m.count(box)
}

func (m *maskBuffer) fill(p *span, bit uint8, q *part, ti int) {
	uv := &q.uv[ti]
	see := q.kind == kindHair && q.tex != nil
	for y := p.y0; y <= p.y1; y++ {
		u, v := p.u+float32(y-p.y0)*p.uy, p.v+float32(y-p.y0)*p.vy
		for x := p.x0; x <= p.x1; x, u, v = x+1, u+p.ux, v+p.vx {
			w := 1 - u - v
			if u < 0 || v < 0 || w < 0 {
				continue
			}
			if see {
				if _, a := q.tex.at(u*uv[0][0]+v*uv[1][0]+w*uv[2][0], u*uv[0][1]+v*uv[1][1]+w*uv[2][1]); a < hairAlpha {
					continue
				}
			}
			m.m[y*m.w+x] |= bit
		}
	}
}

// count counts the mask within a box and wipes it.
func (m *maskBuffer) count(e extent) (head, body int) {
	for y := e.y0; y <= e.y1; y++ {
		row := m.m[y*m.w+e.x0 : y*m.w+e.x1+1]
		for x, b := range row {
			if b != 0 {
				body++
				head += int(b >> 1)
				row[x] = 0
			}
		}
	}
	return head, body
}

// angles measures head and gaze against the line from the head to the camera,
// and the head against the class's focus.
func (t *Truth) angles(c *Camera, a *Actor, focus Vec) {
	hb := a.base.index["head"]
	d := a.dir[hb]
	eye := a.at(anchor{hb, a.eyes[0].Lerp(a.eyes[1], .5)})
	at := func(v Vec) (yaw, pitch float32) {
		back := c.Pos.Sub(eye).Unit()
		right := Vec{0, 1, 0}.Cross(back).Unit()
		up := back.Cross(right)
		yaw = degrees(v.Dot(right), v.Dot(back))
		return yaw, float32(math.Asin(float64(clamp(-v.Dot(up), -1, 1))) * 180 / math.Pi)
	}
	t.HeadYaw, t.HeadPitch = at(d.V(Vec{0, 0, 1}))
	g := d.M(ry(a.pose.GazeYaw)).M(rx(a.pose.GazePitch))
	t.GazeYaw, t.GazePitch = at(g.V(Vec{0, 0, 1}))
	f, n := focus.Sub(eye), d.V(Vec{0, 0, 1})
	t.ClassYaw = nearTurn(degrees(n.X, n.Z)-degrees(f.X, f.Z), 0)
}

// pointTruth projects a body point and asks the depth buffer whether it is
// seen: joints lie up to .16 m below the skin.
func (s *Scene) pointTruth(i int, p Vec) PointTruth {
	q := s.Camera.Project(p)
	t := PointTruth{X: q.X, Y: q.Y}
	if q.Z < near || q.X < 0 || q.Y < 0 || q.X >= float32(s.Camera.W) || q.Y >= float32(s.Camera.H) {
		return t
	}
	t.Seen = 1
	v := s.Camera.view(p)
	x, y := int(v.X), int(v.Y)
	if x < 0 || y < 0 || x >= s.buf.w || y >= s.buf.h {
		return t
	}
	k := y*s.buf.w + x
	if int(s.buf.id[k]) == i+1 && s.buf.z[k] > q.Z-.16 {
		t.Seen = 2
	}
	return t
}
