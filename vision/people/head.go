package people

import (
	"math"
	"slices"

	"classlens/vision/scene"
)

// face is a face box in source pixels: centre, size, score; and the nose's offset from the
// centre, in box sizes.
type face struct {
	x, y, w, h, score float64
	noseX, noseY      float64
}

// body is a person box with points, as MoveNet gives it. regress is where the net predicts
// each point from the body's centre alone.
type body struct {
	x, y, w, h, score float64
	points            [scene.NumKeypoints]scene.Keypoint
	regress           [scene.NumKeypoints]xy
}

type xy struct{ x, y float64 }

// head is a head box in source pixels, and how sure it is.
type head struct {
	x, y, w, h, score float64
	source            int     // the net and scale that found it
	own               bool    // only the project's own net has seen it
	surest            float64 // of fused candidates: the highest of their scores
	body              *body
}

func (h head) box() scene.Box { return scene.Box{X: h.x - h.w/2, Y: h.y - h.h/2, W: h.w, H: h.h} }
func (h head) sure() float64  { return h.score }

// A face box extends from forehead to chin and from ear to ear, a head box over the whole head
// with hair. Seen from the front, the head is about one and a half times as wide and as high as the
// face, and extends upwards. The nose's place in the box tells how the head is turned: sideways, and
// the skull is behind the face, away from the nose, and a profile is wider than a front
// (19.5 cm against 15.5 cm); bent down, and the crown comes into view above. Fitting the slopes in
// three rooms, one of them rendered, gave shifts of -0.7, -0.9, -1.4 and lifts of -0.3, -1.9, -1.7.
const (
	faceWider  = 1.42
	turnWider  = 0.8
	faceHigher = 1.4
	bentHigher = 2.0
	turnShift  = -0.9
	faceLift   = -0.08
	bentLift   = -1.4
	// noseUsual is assumed for the nose if the net does not give it; noseMost caps what the net gives.
	noseUsual, noseMost = 0.1, 0.4
)

// headOfFace grows a face box to the head.
func headOfFace(f face, source int) head {
	nx := math.Min(math.Max(f.noseX, -noseMost), noseMost)
	ny := math.Min(math.Max(f.noseY, 0), noseMost)
	return head{
		x: f.x + f.w*turnShift*nx, y: f.y + f.h*(faceLift+bentLift*ny),
		w: f.w * (faceWider + turnWider*math.Abs(nx)), h: f.h * (faceHigher + bentHigher*ny),
		score: f.score, source: source,
	}
}

// headLog gives a head's height from body points: log-linear in the size of the
// face (ears and nose), the shoulders' width, their distance from the face, and the
// person box. The weights were fitted by least squares on two clips, and validated by fitting on
// one and testing on the other. aspect is a head's width over its height.
var headLog = struct{ face, shoulders, neck, width, height, one float64 }{0.3288, 0.0235, 0.1145, 0.4113, -0.0295, 0.5561}

const aspect = 0.838

// The offset of the head's centre from the mean of the face points, in head heights, is
// linear in the offsets of nose, eyes, ears and shoulders from there (the last value is the constant): a face turned
// sideways has the head behind it.
var (
	shiftX = [5]float64{-0.0997, 0.0535, 0.2844, 0.0686, -0.0142}
	shiftY = [5]float64{-0.0517, 0.2254, 0.199, 0.0424, -0.0424}
)

// weakPoint is the score below which a point's place is taken from the body's
// regression, which is more stable than the peak of a flat heat map.
const weakPoint = 0.1

// headOfBody estimates the head box of a body.
func headOfBody(b *body, source int) head {
	var p [7]xy // nose, eyes, ears, shoulders
	var facePoint xy
	weights := 0.0
	for i := range p {
		k := b.points[i]
		p[i] = xy{k.X, k.Y}
		if k.Score <= weakPoint {
			p[i] = b.regress[i]
		}
		if i <= scene.RightEar {
			w := math.Max(k.Score, 0.05)
			facePoint.x += w * p[i].x
			facePoint.y += w * p[i].y
			weights += w
		}
	}
	facePoint.x /= weights
	facePoint.y /= weights
	mid := func(i, j int) xy { return xy{(p[i].x + p[j].x) / 2, (p[i].y + p[j].y) / 2} }
	dist := func(a, b xy) float64 { return math.Hypot(a.x-b.x, a.y-b.y) }
	ears, eyes, shoulders := mid(scene.LeftEar, scene.RightEar), mid(scene.LeftEye, scene.RightEye), mid(scene.LeftShoulder, scene.RightShoulder)
	size := math.Hypot(dist(p[scene.LeftEar], p[scene.RightEar]), dist(ears, p[scene.Nose]))
	log := func(v float64) float64 { return math.Log(math.Max(v, 2)) }
	h := math.Exp(headLog.face*log(size) + headLog.shoulders*log(dist(p[scene.LeftShoulder], p[scene.RightShoulder])) +
		headLog.neck*log(dist(shoulders, facePoint)) + headLog.width*log(b.w) + headLog.height*log(b.h) + headLog.one)
	dx, dy := shiftX[4], shiftY[4]
	for i, q := range [4]xy{p[scene.Nose], eyes, ears, shoulders} {
		dx += shiftX[i] * (q.x - facePoint.x) / h
		dy += shiftY[i] * (q.y - facePoint.y) / h
	}
	return head{
		x: facePoint.x + h*dx, y: facePoint.y + h*dy, w: h * aspect, h: h,
		score: headScore(b), source: source, body: b,
	}
}

// headScore combines the body's score with that of its best three face points: a body whose
// head is hidden gives no head.
func headScore(b *body) float64 {
	s := make([]float64, 5)
	for i := range s {
		s[i] = b.points[i].Score
	}
	slices.Sort(s)
	return 0.5*b.score + 0.5*math.Sqrt(b.score*(s[2]+s[3]+s[4])/3)
}
