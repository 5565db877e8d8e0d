package analysis

import (
	"classlens/internal/privacy"
	"classlens/vision/scene"
)

// keyframe is a picture for the report, faces blurred where that is asked.
type keyframe struct {
	time float64
	shot int
	jpeg []byte
}

// chooseKeyframes spreads the wanted number over the steps: key frames first,
// evenly.
func (r *run) chooseKeyframes() []int {
	var key, all []int
	for i, s := range r.spool.steps {
		all = append(all, i)
		if s.keyFrame {
			key = append(key, i)
		}
	}
	n := r.options.Config.Report.Keyframes
	if len(key) < n/2 { // a still room: a picture now and then all the same
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
