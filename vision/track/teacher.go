package track

import (
	"classlens/vision/scene"
)

// What makes a person one who walks about rather than one of the class.
const (
	roamShare  = 0.25 // of the steps they are found at, those on foot
	roamPlaces = 3    // or so many places where they stayed
	roamHits   = 5    // at least so many finds: less is a passer-by
	standShare = 0.6  // of the poses seen, those that stand upright
	standPoses = 3
)

// roams tells whether a person walks about: the teacher does, a student who
// comes late or changes seats walks little and sits for long.
func (p *person) roams() bool {
	total := len(p.hits())
	walked := 0
	for _, w := range p.walks {
		walked += len(w.hits)
	}
	if walked == 0 || total < roamHits {
		return false
	}
	return float64(walked) > roamShare*float64(total) || len(p.seats) >= roamPlaces
}

// stands tells whether a person who stays in one place stands there: hips,
// knees and ankles below each other, each leg part over half a trunk long.
func (p *person) stands() bool {
	poses, upright := 0, 0
	for _, h := range p.hits() {
		if h.points == nil {
			continue
		}
		poses++
		if upstanding(h.points) {
			upright++
		}
	}
	return poses >= standPoses && float64(upright) >= standShare*float64(poses)
}

// surePoint is the score of a point that is really seen.
const surePoint = 0.3

func upstanding(k *[scene.NumKeypoints]scene.Keypoint) bool {
	for _, side := range [][4]int{
		{scene.LeftShoulder, scene.LeftHip, scene.LeftKnee, scene.LeftAnkle},
		{scene.RightShoulder, scene.RightHip, scene.RightKnee, scene.RightAnkle},
	} {
		seen := true
		for _, i := range side {
			seen = seen && k[i].Score > surePoint
		}
		trunk := k[side[1]].Y - k[side[0]].Y
		if seen && trunk > 0 && k[side[2]].Y-k[side[1]].Y > 0.5*trunk && k[side[3]].Y-k[side[2]].Y > 0.5*trunk {
			return true
		}
	}
	return false
}

// teachers sorts people into the class and those who teach. A person alone in
// a recording is a student before a webcam. Standing still makes a teacher only where a class is
// sitting: four others, of whom none stands.
func teachers(all []*person) (class, teaching []*person) {
	if len(all) == 1 {
		return all, nil
	}
	var standing []*person
	for _, p := range all {
		switch {
		case p.roams():
			teaching = append(teaching, p)
		case len(p.seats) == 0:
			// walked by, never stayed
		default:
			class = append(class, p)
			if p.stands() {
				standing = append(standing, p)
			}
		}
	}
	if len(standing) == 1 && len(class) >= 5 {
		kept := class[:0]
		for _, p := range class {
			if p != standing[0] {
				kept = append(kept, p)
			}
		}
		class, teaching = kept, append(teaching, standing[0])
	}
	return class, teaching
}
