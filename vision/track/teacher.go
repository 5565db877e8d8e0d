package track

import (
	"math"
	"slices"

	"classlens/vision/perspective"
	"classlens/vision/scene"
)

// What makes a person one who walks about rather than one of the class.
const (
	roamShare   = 0.25 // of the steps they are found at, those on foot
	roamPlaces  = 3    // or so many places where they stayed
	roamHits    = 5    // at least so many finds: less is a passer-by
	standShare  = 0.6  // of the poses seen, those that stand upright
	standPoses  = 2
	turnsAtOnce = 0.3  // of the rarer place's finds, those with the other place found: false ones
	tallRatio   = 1.25 // of a seated head in that row of the picture, the head of one who stands
	tallHits    = 5    // finds before this is believed
	standClass  = 4    // others there must be for one who only stands to be the teacher
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

// stands tells whether a person who stays in one place stands there.
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

// tall tells whether a person's head is mostly larger than seated heads in its row of the picture are. Seated heads lie near a plane; a head at the
// same row of the picture but d above the plane is nearer to a camera c above the plane, and larger by c/(c-d): by 1.2 to 1.5 for one who stands
// (d 0.4 m) under a camera at 2.4 to 3.4 m (c 1.2 to 2.2 m). size is the height of seated heads by row.
func (p *person) tall(size perspective.Plane) bool {
	hits, tall := p.hits(), 0
	for _, h := range hits {
		if h.h >= tallRatio*size.Height(h.cx, h.cy) {
			tall++
		}
	}
	return len(hits) >= tallHits && float64(tall) >= standShare*float64(len(hits))
}

// One who stands has thighs and shanks hang straight below the hips, each
// nearly as long as the trunk from shoulder to hip (42 cm to 50); one who sits shows
// thighs cut short, from above the more so.
const (
	surePoint = 0.3  // the score of a point that is really seen
	legShare  = 0.65 // of the trunk, a thigh or shank at least
	legLean   = 0.4  // of its own length, how far a thigh may lean
)

func upstanding(k *[scene.NumKeypoints]scene.Keypoint) bool {
	for _, side := range [][4]int{
		{scene.LeftShoulder, scene.LeftHip, scene.LeftKnee, scene.LeftAnkle},
		{scene.RightShoulder, scene.RightHip, scene.RightKnee, scene.RightAnkle},
	} {
		seen := true
		for _, i := range side {
			seen = seen && k[i].Score > surePoint
		}
		trunk, thigh, shank := k[side[1]].Y-k[side[0]].Y, k[side[2]].Y-k[side[1]].Y, k[side[3]].Y-k[side[2]].Y
		lean := math.Abs(k[side[2]].X - k[side[1]].X)
		if seen && trunk > 0 && thigh > legShare*trunk && shank > legShare*trunk && lean < legLean*thigh {
			return true
		}
	}
	return false
}

// teachers sorts people into the class and those who teach. A person alone in
// a recording is a student before a webcam. Standing still makes a teacher only where a class of
// four or more is sitting; those who stand in several places by turns are one.
func teachers(all []*person, size perspective.Plane) (class, teaching []*person) {
	if len(all) == 1 {
		return all, nil
	}
	var standing []*person
	for _, p := range all {
		switch {
		case p.roams(), len(p.walks) > 0 && len(all) > standClass && (p.stands() || p.tall(size)):
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
	if len(standing) > 0 && len(class)-len(standing) >= standClass && takeTurns(append(slices.Clone(standing), teaching...)) {
		one := &person{}
		for _, p := range append(standing, teaching...) {
			one.seats, one.walks = append(one.seats, p.seats...), append(one.walks, p.walks...)
		}
		class = slices.DeleteFunc(class, func(p *person) bool { return slices.Contains(standing, p) })
		teaching = []*person{one}
	}
	return class, teaching
}

// takeTurns tells whether people are never found at once: one person at
// several places.
func takeTurns(people []*person) bool {
	for i, a := range people {
		for _, b := range people[:i] {
			x, y := a.hits(), b.hits()
			at := map[int]bool{}
			for _, h := range x {
				at[h.step] = true
			}
			both := 0
			for _, h := range y {
				if at[h.step] {
					both++
				}
			}
			if float64(both) > turnsAtOnce*float64(min(len(x), len(y))) {
				return false
			}
		}
	}
	return true
}
