package people

import (
	"cmp"
	"math"
	"slices"

	"classlens/vision/scene"
)

// plane is a map of one or more channels, (c, h, w), row-major.
type plane struct {
	c, h, w int
	v       []float32
}

func (p plane) at(c, y, x int) float64  { return float64(p.v[(c*p.h+y)*p.w+x]) }
func (p plane) v32(c, y, x int) float32 { return p.v[(c*p.h+y)*p.w+x] }

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// toSource scales from a net's input pixels to source pixels.
type toSource struct{ x, y float64 }

// stride of the maps of CenterFace, MoveNet and the own net: a quarter of the input's resolution.
const stride = 4

// The nose is the third of CenterFace's five points; each has a y and an x, in
// box sizes from the box's corner.
const noseY, noseX = 4, 5

// decodeCenterFace reads CenterFace's maps: heat, log height and width, offset
// of the middle (y, x), points, all at stride 4.
func decodeCenterFace(heat, logSize, offset, points plane, s toSource, least float64) []face {
	var out []face
	for y := range heat.h {
		row := heat.v[y*heat.w : (y+1)*heat.w]
		for x, v := range row {
			if float64(v) <= least {
				continue
			}
			out = append(out, centerFaceAt(y, x, v, [6]float32{logSize.v32(0, y, x), logSize.v32(1, y, x), offset.v32(0, y, x), offset.v32(1, y, x), points.v32(noseY, y, x), points.v32(noseX, y, x)}, s))
		}
	}
	return suppress(out, faceOverlap)
}

// faceOverlap: boxes that overlap by more than this are the same face.
const faceOverlap = 0.3

// centerFaceAt is the face of a cell; m is log height, log width, offset y, offset x, nose y, nose x.
func centerFaceAt(y, x int, v float32, m [6]float32, s toSource) face {
	return face{
		x:     (float64(x) + float64(m[3]) + 0.5) * stride * s.x,
		y:     (float64(y) + float64(m[2]) + 0.5) * stride * s.y,
		w:     math.Exp(float64(m[1])) * stride * s.x,
		h:     math.Exp(float64(m[0])) * stride * s.y,
		score: float64(v),
		noseX: float64(m[5]) - 0.5,
		noseY: float64(m[4]) - 0.5,
	}
}

// anchor is one of FaceBoxes' reference squares: side in pixels, centre in cells.
type anchor struct{ size, x, y float64 }

// faceBoxesAnchors are the anchors of each level; there are more small ones per cell, so
// that neighbours overlap as much as large ones do.
var faceBoxesAnchors = func() [3][]anchor {
	var a []anchor
	for i := range 4 {
		for j := range 4 {
			a = append(a, anchor{32, (float64(i) + 0.5) / 4, (float64(j) + 0.5) / 4})
		}
	}
	for i := range 2 {
		for j := range 2 {
			a = append(a, anchor{64, (float64(i) + 0.5) / 2, (float64(j) + 0.5) / 2})
		}
	}
	a = append(a, anchor{128, 0.5, 0.5})
	return [3][]anchor{a, {{256, 0.5, 0.5}}, {{512, 0.5, 0.5}}}
}()

// decodeFaceBoxes reads FaceBoxes' maps of three levels (strides 32, 64, 128):
// class logits, channels (anchor, 2), and boxes, channels (anchor, ty tx th tw).
func decodeFaceBoxes(class, box [3]plane, s toSource, least float64) []face {
	var out []face
	for l, anchors := range faceBoxesAnchors {
		cell := float64(int(32) << l)
		for k, a := range anchors {
			for y := range class[l].h {
				for x := range class[l].w {
					p := sigmoid(class[l].at(2*k+1, y, x) - class[l].at(2*k, y, x))
					if p <= least {
						continue
					}
					t := func(i int) float32 { return box[l].v32(4*k+i, y, x) }
					out = append(out, a.face(y, x, cell, p, [4]float32{t(0), t(1), t(2), t(3)}, s))
				}
			}
		}
	}
	return suppress(out, faceOverlap)
}

// face decodes an anchor in a cell; t is ty, tx, th, tw.
func (a anchor) face(y, x int, cell, score float64, t [4]float32, s toSource) face {
	return face{
		x: ((float64(x)+a.x)*cell + float64(t[1])/10*a.size) * s.x, y: ((float64(y)+a.y)*cell + float64(t[0])/10*a.size) * s.y,
		w: math.Exp(float64(t[3])/5) * a.size * s.x, h: math.Exp(float64(t[2])/5) * a.size * s.y,
		score: score, noseY: noseUsual,
	}
}

// suppress is non-maximum suppression: of boxes that overlap by more than iou only the one
// with the highest score stays. It sorts all.
func suppress[T interface {
	box() scene.Box
	sure() float64
}](all []T, iou float64) []T {
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(b.sure(), a.sure()) })
	var out []T
	for _, a := range all {
		if !slices.ContainsFunc(out, func(b T) bool { return a.box().IoU(b.box()) > iou }) {
			out = append(out, a)
		}
	}
	return out
}

func (f face) box() scene.Box { return scene.Box{X: f.x - f.w/2, Y: f.y - f.h/2, W: f.w, H: f.h} }
func (f face) sure() float64  { return f.score }

// poseMaps are MoveNet's maps at stride 4: the bodies' centres and sizes, and their
// points.
type poseMaps struct {
	center, size, offset        plane // (1), (h, w), (y, x)
	heat, regress, pointsOffset plane // (17) logits, (17·(y, x)), (17·(y, x))
}

// decodeMultiPose finds bodies at the 3x3 peaks of the map of centres.
func decodeMultiPose(m poseMaps, s toSource, least float64) []body {
	var out []body
	for y := range m.center.h {
		for x := range m.center.w {
			v := m.center.v[y*m.center.w+x]
			if float64(v) <= least || !peak(m.center, y, x) {
				continue
			}
			b := bodyAt(y, x, v, [4]float32{m.size.v32(0, y, x), m.size.v32(1, y, x), m.offset.v32(0, y, x), m.offset.v32(1, y, x)}, s)
			for k := range scene.NumKeypoints {
				b.points[k], b.regress[k] = m.point(k, y, x, s)
			}
			out = append(out, b)
		}
	}
	return out
}

// bodyAt is the body of a cell, without its points; m is height, width, offset y, offset x.
func bodyAt(y, x int, v float32, m [4]float32, s toSource) body {
	return body{
		x: (float64(x) + float64(m[3])) * stride * s.x, y: (float64(y) + float64(m[2])) * stride * s.y,
		w: float64(m[1]) * stride * s.x, h: float64(m[0]) * stride * s.y,
		score: float64(v),
	}
}

// peak tells whether no neighbour of cell (y, x) is higher, and no earlier one as high.
func peak(p plane, y, x int) bool {
	at := y*p.w + x
	v := p.v[at]
	for j := max(y-1, 0); j <= min(y+1, p.h-1); j++ {
		for i := max(x-1, 0); i <= min(x+1, p.w-1); i++ {
			if q := j*p.w + i; p.v[q] > v || p.v[q] == v && q < at {
				return false
			}
		}
	}
	return true
}

// A point is searched for within pointReach cells of where the body's centre predicts it;
// nearness counts as 1 / (distance + 1.8), as in MoveNet's own decoder.
const (
	pointReach = 20
	pointNear  = 1.8
)

// point finds point k of the body whose centre is at cell (y, x), and the place predicted for it.
func (m poseMaps) point(k, y, x int, s toSource) (scene.Keypoint, xy) {
	ey, ex := float64(y)+m.regress.at(2*k, y, x), float64(x)+m.regress.at(2*k+1, y, x)
	y0, x0 := max(0, int(ey)-pointReach), max(0, int(ex)-pointReach)
	y1, x1 := min(m.heat.h, int(ey)+pointReach+1), min(m.heat.w, int(ex)+pointReach+1)
	near := func(j, i int) float64 {
		dy, dx := float64(j)-ey, float64(i)-ex
		return 1 / (math.Sqrt(dy*dy+dx*dx) + pointNear)
	}
	best, by, bx := -1.0, -1, -1
	least := 0.0 // the value of the predicted cell, if that is in the map
	if ey >= 0 && ex >= 0 && ey < float64(m.heat.h) && ex < float64(m.heat.w) {
		least = sigmoid(m.heat.at(k, int(ey), int(ex))) * near(int(ey), int(ex))
	}
	for j := y0; j < y1; j++ {
		for i := x0; i < x1; i++ {
			near := near(j, i)
			if near <= best || near < least { // heat is at most 1: this cell cannot win
				continue
			}
			if p := sigmoid(m.heat.at(k, j, i)); p*near > best {
				best, by, bx = p*near, j, i
			}
		}
	}
	if by < 0 {
		return pointAt(ey, ex, -1, -1, [3]float32{}, s)
	}
	return pointAt(ey, ex, by, bx, [3]float32{m.heat.v32(k, by, bx), m.pointsOffset.v32(2*k, by, bx), m.pointsOffset.v32(2*k+1, by, bx)}, s)
}

// pointAt is a point that was predicted at cell (ey, ex) and found at cell (y, x), where m is heat, offset y, offset x;
// y < 0 if it was not found. The second result is the predicted place.
func pointAt(ey, ex float64, y, x int, m [3]float32, s toSource) (scene.Keypoint, xy) {
	guess := xy{ex * stride * s.x, ey * stride * s.y}
	if y < 0 {
		return scene.Keypoint{X: guess.x, Y: guess.y}, guess
	}
	return scene.Keypoint{
		X:     (float64(x) + float64(m[2])) * stride * s.x,
		Y:     (float64(y) + float64(m[1])) * stride * s.y,
		Score: sigmoid(float64(m[0])),
	}, guess
}
