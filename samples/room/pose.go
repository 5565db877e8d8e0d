package room

import "math"

// Pose is a figure's posture as plain numbers, so that two poses blend by
// mixing their numbers. Places are in the seat's frame: origin on the floor
// under the hips, z towards the desk, x to the figure's left; angles in degrees.
type Pose struct {
	Hip                          Vec     // where the hips' middle is
	Yaw                          float32 // of the whole figure
	Lean, Side, Twist            float32 // spine: forward, to the left, turn to the left
	HeadPitch, HeadYaw, HeadRoll float32 // down, to the left, on top of the spine
	GazeYaw, GazePitch           float32 // of the eyes in the head
	Hand                         [2]Vec  // wrists: left, right
	Face                         [2]float32
	FaceAt                       [2]Vec // where Face is 1 the wrist is here, off the chin, in the head's frame
	Palm                         [2]Vec // where each palm faces
	Pole                         [2]Vec // where each elbow points
	Curl                         [2]float32
	Shrug                        [2]float32
	Foot                         [2]Vec // ankles
	Knee                         Vec    // where the knees point
}

// mixPose is a at t = 0 and b at t = 1. Hands that travel far swing outwards,
// so that arms do not cut through the head.
func mixPose(a, b Pose, t float32) Pose {
	r := a
	r.Hip, r.Yaw = a.Hip.Lerp(b.Hip, t), mixf(a.Yaw, b.Yaw, t)
	r.Lean, r.Side, r.Twist = mixf(a.Lean, b.Lean, t), mixf(a.Side, b.Side, t), mixf(a.Twist, b.Twist, t)
	r.HeadPitch, r.HeadYaw, r.HeadRoll = mixf(a.HeadPitch, b.HeadPitch, t), mixf(a.HeadYaw, b.HeadYaw, t), mixf(a.HeadRoll, b.HeadRoll, t)
	r.GazeYaw, r.GazePitch = mixf(a.GazeYaw, b.GazeYaw, t), mixf(a.GazePitch, b.GazePitch, t)
	arc := float32(math.Sin(float64(t) * math.Pi))
	for i := 0; i < 2; i++ {
		r.Hand[i], r.Palm[i], r.Pole[i] = a.Hand[i].Lerp(b.Hand[i], t), a.Palm[i].Lerp(b.Palm[i], t), a.Pole[i].Lerp(b.Pole[i], t)
		far := clamp(a.Hand[i].Sub(b.Hand[i]).Len()-.25, 0, .6)
		r.Hand[i] = r.Hand[i].Add(Vec{float32(1-2*i) * .22 * arc * far, 0, .18 * arc * far})
		r.Face[i], r.FaceAt[i] = mixf(a.Face[i], b.Face[i], t), a.FaceAt[i].Lerp(b.FaceAt[i], t)
		switch { // only one of the two touches the face: do not drag its place
		case a.Face[i] == 0:
			r.FaceAt[i] = b.FaceAt[i]
		case b.Face[i] == 0:
			r.FaceAt[i] = a.FaceAt[i]
		}
		r.Curl[i], r.Foot[i], r.Shrug[i] = mixf(a.Curl[i], b.Curl[i], t), a.Foot[i].Lerp(b.Foot[i], t), mixf(a.Shrug[i], b.Shrug[i], t)
	}
	r.Knee = a.Knee.Lerp(b.Knee, t)
	return r
}
