package track

import (
	"math"

	"classlens/vision/scene"
)

// pose maps room coordinates to the picture of a step.
type pose scene.Camera

var still = pose(scene.Still())

// stillShare is the motion, as a share of the picture's diagonal, below which
// the camera is taken to stand still: the error of estimating it. Adding such
// errors up over an hour would move the room away from its seats.
const stillShare = 0.001

// then is the pose after the camera moved as m says between two pictures of
// w by h pixels.
func (p pose) then(m scene.Camera, w, h int) pose {
	if m == (scene.Camera{}) || m == scene.Still() {
		return p
	}
	diag := math.Hypot(float64(w), float64(h))
	most := 0.0
	for _, c := range [][2]float64{{0, 0}, {float64(w), 0}, {0, float64(h)}, {float64(w), float64(h)}} {
		x, y := m.Apply(c[0], c[1])
		most = math.Max(most, math.Hypot(x-c[0], y-c[1]))
	}
	if diag > 0 && most < stillShare*diag {
		return p
	}
	return pose{
		A: [2][2]float64{
			{m.A[0][0]*p.A[0][0] + m.A[0][1]*p.A[1][0], m.A[0][0]*p.A[0][1] + m.A[0][1]*p.A[1][1]},
			{m.A[1][0]*p.A[0][0] + m.A[1][1]*p.A[1][0], m.A[1][0]*p.A[0][1] + m.A[1][1]*p.A[1][1]},
		},
		B: [2]float64{
			m.A[0][0]*p.B[0] + m.A[0][1]*p.B[1] + m.B[0],
			m.A[1][0]*p.B[0] + m.A[1][1]*p.B[1] + m.B[1],
		},
	}
}

// toPicture moves a point of the room to the step's picture.
func (p pose) toPicture(x, y float64) (float64, float64) { return scene.Camera(p).Apply(x, y) }

// toRoom is the inverse of toPicture.
func (p pose) toRoom(x, y float64) (float64, float64) {
	x, y = x-p.B[0], y-p.B[1]
	det := p.A[0][0]*p.A[1][1] - p.A[0][1]*p.A[1][0]
	return (p.A[1][1]*x - p.A[0][1]*y) / det, (p.A[0][0]*y - p.A[1][0]*x) / det
}

// scale is how much larger the picture shows things than the room has them.
func (p pose) scale() float64 {
	return math.Sqrt(math.Abs(p.A[0][0]*p.A[1][1] - p.A[0][1]*p.A[1][0]))
}
