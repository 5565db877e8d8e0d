package analysis

import (
	"context"
	"path/filepath"
	"slices"

	"classlens/internal/privacy"
	"classlens/internal/timeline"
	"classlens/vision/scene"
	"classlens/vision/video"
)

// annotate writes annotated.mp4: every frame with boxes, names and states, the
// blur following the heads between steps.
func (r *run) annotate(ctx context.Context, tracks []scene.Track, t *timeline.Timeline) error {
	labels := map[string]map[int]string{}
	for _, row := range t.Rows {
		if labels[row.Student] == nil {
			labels[row.Student] = map[int]string{}
		}
		labels[row.Student][row.Step] = row.Behaviour
	}
	draw := func(at float64) []video.Overlay {
		var all []video.Overlay
		for _, track := range tracks {
			box, step, ok := between(track.Sightings, at)
			if !ok {
				continue
			}
			o := video.Overlay{Box: box, Label: track.ID + " " + labels[track.ID][step], Blur: r.options.Config.Report.BlurFaces, Colour: colourOf(labels[track.ID][step])}
			all = append(all, o)
		}
		return append(all, r.strangers(at, all)...)
	}
	return video.Annotate(ctx, r.path, filepath.Join(r.folder, "annotated.mp4"), r.videoOptions(), draw, privacy.Blur)
}

// strangers are heads found at the step before a time that are no student's, as
// when somebody stands before the lens for a moment: drawn in grey without a name, and blurred
// like the rest.
func (r *run) strangers(at float64, shown []video.Overlay) []video.Overlay {
	step := -1
	for _, s := range r.spool.steps {
		if s.time > at+1e-6 {
			break
		}
		step = s.index
	}
	var out []video.Overlay
	for _, h := range r.heads[step] {
		x, y := h.Center()
		if !slices.ContainsFunc(shown, func(o video.Overlay) bool { return o.Box.Contains(x, y) }) {
			out = append(out, video.Overlay{Box: h, Blur: r.options.Config.Report.BlurFaces, Colour: colourOf("")})
		}
	}
	return out
}

// between is where a head is at a time: between the steps before and after.
func between(all []scene.Sighting, at float64) (box scene.Box, step int, ok bool) {
	for i, s := range all {
		if s.Time > at || (i+1 < len(all) && all[i+1].Time <= at) {
			continue
		}
		if !s.Visible {
			return box, 0, false
		}
		if i+1 == len(all) || !all[i+1].Visible || all[i+1].Shot != s.Shot {
			return s.Head, s.Step, true
		}
		n := all[i+1]
		f := (at - s.Time) / (n.Time - s.Time)
		mix := func(a, b float64) float64 { return a + (b-a)*f }
		return scene.Box{X: mix(s.Head.X, n.Head.X), Y: mix(s.Head.Y, n.Head.Y), W: mix(s.Head.W, n.Head.W), H: mix(s.Head.H, n.Head.H)}, s.Step, true
	}
	return box, 0, false
}

// colourOf: blue for on task, orange for off, green for a raised hand, grey for
// what is not known; the label says it in words as well.
func colourOf(behaviour string) [3]byte {
	switch behaviour {
	case "raise_hand":
		return [3]byte{49, 163, 84}
	case "turn", "phone", "head_down":
		return [3]byte{230, 120, 40}
	case "":
		return [3]byte{150, 150, 150}
	}
	return [3]byte{66, 146, 198}
}
