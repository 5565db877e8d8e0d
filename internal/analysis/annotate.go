package analysis

import (
	"context"
	"path/filepath"
	"slices"
	"sort"

	"classlens/internal/privacy"
	"classlens/internal/timeline"
	"classlens/vision/scene"
	"classlens/vision/track"
	"classlens/vision/video"
)

// annotate writes annotated.mp4: every frame with boxes, names, behaviours and trails, so that errors can be seen by eye. The blur
// follows the heads between steps.
func (r *run) annotate(ctx context.Context, tracks []scene.Track, t *timeline.Timeline) error {
	labels := map[string]map[int]string{}
	for _, row := range t.Rows {
		if labels[row.Student] == nil {
			labels[row.Student] = map[int]string{}
		}
		labels[row.Student][row.Step] = row.Behaviour
	}
	looking := &blurLooks{}
	if r.options.Config.Report.BlurFaces {
		var err error
		if looking, err = r.newBlurLooks(tracks); err != nil {
			return err
		}
		defer looking.close()
	}
	draw := func(f scene.Frame) ([]video.Overlay, error) {
		r.news(stageAnnotate, f.Time, r.duration)
		var all []video.Overlay
		for _, track := range tracks {
			if o, ok := r.overlay(track, f.Time, labels[track.ID]); ok {
				all = append(all, o)
			}
		}
		all = append(all, r.strangers(f.Time, all)...)
		heads, err := looking.heads(f)
		for _, h := range heads {
			all = append(all, video.Overlay{Box: h, Blur: true, Line: video.NoLine})
		}
		return all, err
	}
	return video.Annotate(ctx, r.path, filepath.Join(r.folder, "annotated.mp4"), r.videoOptions(), draw, privacy.Blur)
}

// trailSeconds is how much of a head's path is drawn behind it.
const trailSeconds = 8.0

// overlay is what is drawn of a track at a time; false if the track has no place in this shot.
func (r *run) overlay(t scene.Track, at float64, labels map[int]string) (video.Overlay, bool) {
	i := stepAt(t.Sightings, at)
	if i < 0 {
		return video.Overlay{}, false
	}
	s := t.Sightings[i]
	label := labels[s.Step]
	o := video.Overlay{Label: t.ID + " " + label, Colour: colourOf(label), Blur: r.options.Config.Report.BlurFaces}
	if !s.Visible {
		o.Box, o.Label, o.Line, o.Colour = lastSeen(t.Sightings, i), t.ID+" not visible", video.Cross, colourOf("")
		return o, !o.Box.Empty()
	}
	o.Box = between(t.Sightings, i, at)
	switch {
	case s.Quality < track.FlowQuality:
		o.Line = video.Dotted
	case s.Quality < track.FoundQuality:
		o.Line = video.Dashed
	}
	for j := i; j >= 0 && t.Sightings[j].Shot == s.Shot && at-t.Sightings[j].Time <= trailSeconds; j-- {
		if p := t.Sightings[j]; p.Visible {
			x, y := p.Head.Center()
			o.Trail = append(o.Trail, [2]float64{x, y})
		}
	}
	return o, true
}

// stepAt is the index of the last sighting at or before a time, -1 before the first.
func stepAt(all []scene.Sighting, at float64) int {
	return sort.Search(len(all), func(i int) bool { return all[i].Time > at+1e-6 }) - 1
}

// lastSeen is where the head was last seen, or else will be seen next, within the shot of the i-th sighting; empty if neither.
func lastSeen(all []scene.Sighting, i int) scene.Box {
	for j := i; j >= 0 && all[j].Shot == all[i].Shot; j-- {
		if all[j].Visible {
			return all[j].Head
		}
	}
	for j := i; j < len(all) && all[j].Shot == all[i].Shot; j++ {
		if all[j].Visible {
			return all[j].Head
		}
	}
	return scene.Box{}
}

// strangers are heads found at the step before a time that belong to no student, as
// when somebody passes the camera: drawn in grey without a name, and blurred
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
		if !slices.ContainsFunc(shown, func(o video.Overlay) bool { return o.Line != video.Cross && o.Box.Contains(x, y) }) {
			out = append(out, video.Overlay{Box: h, Blur: r.options.Config.Report.BlurFaces, Colour: colourOf(""), Line: video.Dotted})
		}
	}
	return out
}

// between interpolates a head's box at a time between the i-th sighting, where it is visible, and the next.
func between(all []scene.Sighting, i int, at float64) scene.Box {
	s := all[i]
	if i+1 == len(all) || !all[i+1].Visible || all[i+1].Shot != s.Shot {
		return s.Head
	}
	n := all[i+1]
	f := (at - s.Time) / (n.Time - s.Time)
	mix := func(a, b float64) float64 { return a + (b-a)*f }
	return scene.Box{X: mix(s.Head.X, n.Head.X), Y: mix(s.Head.Y, n.Head.Y), W: mix(s.Head.W, n.Head.W), H: mix(s.Head.H, n.Head.H)}
}

// colourOf gives blue for on-task behaviour, orange for off-task, green for a raised hand and grey for
// unknown; the label says it in words as well.
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
