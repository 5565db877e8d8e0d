// Package scene holds the plain values that are passed from stage to stage: frames,
// boxes, people and tracks. It has no cgo and imports only the standard
// library, so that the network can be tested without OpenCV.
//
// Times are seconds from the recording's first frame. Boxes and points are in
// pixels of the source frame, origin at the top left, x to the right.
package scene

import "math"

// Box is an upright rectangle in source pixels; X, Y is its top left corner.
type Box struct{ X, Y, W, H float64 }

// Center returns the middle of the box.
func (b Box) Center() (x, y float64) { return b.X + b.W/2, b.Y + b.H/2 }

// Area is the box's area in square pixels, 0 for an empty box.
func (b Box) Area() float64 { return math.Max(b.W, 0) * math.Max(b.H, 0) }

// Empty tells whether the box holds no pixel.
func (b Box) Empty() bool { return b.W <= 0 || b.H <= 0 }

// Contains tells whether the point lies in the box, borders included.
func (b Box) Contains(x, y float64) bool {
	return x >= b.X && x <= b.X+b.W && y >= b.Y && y <= b.Y+b.H
}

// Intersect returns the common part of two boxes, empty when they are apart.
func (b Box) Intersect(o Box) Box {
	x, y := math.Max(b.X, o.X), math.Max(b.Y, o.Y)
	r := Box{x, y, math.Min(b.X+b.W, o.X+o.W) - x, math.Min(b.Y+b.H, o.Y+o.H) - y}
	if r.Empty() {
		return Box{}
	}
	return r
}

// IoU is the area two boxes share over the area they cover together, 0 to 1.
func (b Box) IoU(o Box) float64 {
	i := b.Intersect(o).Area()
	if i == 0 {
		return 0
	}
	return i / (b.Area() + o.Area() - i)
}

// Scale grows the box about its centre by the given factors.
func (b Box) Scale(fx, fy float64) Box {
	w, h := b.W*fx, b.H*fy
	return Box{b.X + (b.W-w)/2, b.Y + (b.H-h)/2, w, h}
}

// Frame is one decoded picture: 8-bit RGB, row after row, no padding.
type Frame struct {
	Time          float64 // seconds from the first frame of the recording
	Width, Height int
	Pix           []byte // (Height, Width, 3)
}

// Gray is one decoded picture in 8-bit grey, kept between steps to follow heads.
type Gray struct {
	Time          float64
	Width, Height int
	Pix           []byte // (Height, Width)
}

// Flow is dense optical flow from the frame just before a step to the step,
// global camera motion removed, on a grid that may be coarser than the frame.
type Flow struct {
	Width, Height int       // of the grid
	Scale         float64   // source pixels per grid cell
	Interval      float64   // seconds between the two frames
	UV            []float32 // (Height, Width, 2): u to the right, v down, in source pixels over Interval
	Pair          *FlowPair // nil once UV is computed; until then the pictures to compute it from
}

// FlowPair is two pictures between which flow is to be computed.
type FlowPair struct {
	From, To []byte // grey, of the flow's size
	Camera   Camera // motion between them, in cells, to be subtracted
}

// Camera is the global motion from one step to the next: a point p of the
// earlier step is found at (A·p + B) in the later one.
type Camera struct {
	A [2][2]float64
	B [2]float64
}

// Still is the camera that does not move.
func Still() Camera { return Camera{A: [2][2]float64{{1, 0}, {0, 1}}} }

// Apply moves a point of the earlier step to its place in the later one.
func (c Camera) Apply(x, y float64) (float64, float64) {
	return c.A[0][0]*x + c.A[0][1]*y + c.B[0], c.A[1][0]*x + c.A[1][1]*y + c.B[1]
}

// Step is one analyzed instant of the recording, with everything that the decoder
// gives for it.
type Step struct {
	Index    int
	Time     float64
	Frame    Frame
	Flow     *Flow  // nil for the first step, after a cut, or after a gap
	Between  []Gray // grey frames after the previous step or half up to this one, oldest first, for following heads
	Camera   Camera // global motion since the previous step or half
	KeyFrame bool   // differs enough from the last key frame
	Shot     int    // 0 for the first shot; grows by one at each camera cut

	// Half: not a step but the instant half-way from the step with this Index to the next one, given only if asked for (video.Options.Halves): people
	// are looked for there, which helps to tell who is who, and nothing else is made of it. It has no flow.
	Half bool
}

// Gap is a span of the recording without data.
type Gap struct {
	Start, End float64 // seconds
	Reason     string
}

// Keypoints of a person in COCO order.
const (
	Nose = iota
	LeftEye
	RightEye
	LeftEar
	RightEar
	LeftShoulder
	RightShoulder
	LeftElbow
	RightElbow
	LeftWrist
	RightWrist
	LeftHip
	RightHip
	LeftKnee
	RightKnee
	LeftAnkle
	RightAnkle
	NumKeypoints
)

// Keypoint is one body point in source pixels with the detector's score 0..1.
type Keypoint struct{ X, Y, Score float64 }

// Person is one detection at one step.
type Person struct {
	Head, Body Box
	Score      float64                // 0..1
	Points     [NumKeypoints]Keypoint // all zero when the detector gives none
}

// Sighting is where a tracked person is at one step.
type Sighting struct {
	Step    int
	Time    float64
	Visible bool // false: the student keeps the seat but cannot be seen; boxes are empty
	Head    Box
	Body    Box
	Quality float64                // 0..1: how sure the head box is
	Motion  float64                // mean flow magnitude over the body box, in body heights per second
	Points  [NumKeypoints]Keypoint // the pose, if one was found at this step
	Shot    int
}

// Track is one person over the recording. Students are S01, S02 … by seat; the
// teacher is T01.
type Track struct {
	ID           string
	Teacher      bool
	SeatX, SeatY float64    // the head's usual centre, source pixels
	SeatW, SeatH float64    // and its usual size
	View         int        // 0 for the camera's first position; SeatX, SeatY refer to the first picture of the view
	Sightings    []Sighting // one per step, in order
}
