package analysis

import (
	"classlens/internal/privacy"
	"classlens/vision/scene"
)

// keyframe is a picture for the report, with faces blurred unless the settings say otherwise.
type keyframe struct {
	time float64
	shot int
	jpeg []byte
}

// chooseKeyframes chooses the setting's number of steps for the report, evenly spread over the
// key frames, or over all steps if there are too few of these. It gives places in the spool.
func (r *run) chooseKeyframes() []int {
	var key, all []int
	for i, s := range r.spool.steps {
		all = append(all, i)
		if s.keyFrame {
			key = append(key, i)
		}
	}
	n := r.options.Config.Report.Keyframes
	if len(key) < n/2 { // a room in which little changes
		key = all
	}
	var chosen []int
	for k := range min(n, len(key)) {
		chosen = append(chosen, key[k*len(key)/min(n, len(key))])
	}
	return chosen
}

// keyframe prepares a picture for the report.
func (r *run) keyframe(step *scene.Step, visible []sighted) (keyframe, error) {
	if r.options.Config.Report.BlurFaces {
		for _, v := range visible {
			privacy.Blur(step.Frame, v.box)
		}
		for _, h := range r.heads[step.Index] {
			privacy.Blur(step.Frame, h)
		}
	}
	b, err := jpegCodec{}.Encode(step.Frame)
	return keyframe{step.Time, step.Shot, b}, err
}
