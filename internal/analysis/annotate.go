package analysis

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sort"

	"classlens/internal/privacy"
	"classlens/internal/timeline"
	"classlens/vision/scene"
	"classlens/vision/track"
	"classlens/vision/video"
)

// annotate writes annotated.mp4: every frame with boxes, names, states and trails, drawn so that an error can be seen by eye, the blur
// following the heads between steps.
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

// trailSeconds of a head's way are drawn behind it.
const trailSeconds = 8.0

// overlay is what is drawn of a track at a time; false where nothing is known of it in this shot.
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

// stepAt is the place of the last sighting that is not after a time, -1 before the first.
func stepAt(all []scene.Sighting, at float64) int {
	return sort.Search(len(all), func(i int) bool { return all[i].Time > at+1e-6 }) - 1
}

// lastSeen is where the head was last, else where it is next, in the shot of the i-th sighting; empty where neither is.
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
		if !slices.ContainsFunc(shown, func(o video.Overlay) bool { return o.Line != video.Cross && o.Box.Contains(x, y) }) {
			out = append(out, video.Overlay{Box: h, Blur: r.options.Config.Report.BlurFaces, Colour: colourOf(""), Line: video.Dotted})
		}
	}
	return out
}

// between is where a head, visible at the i-th sighting, is at a time from then on: between it and the next.
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

// blurLooks finds heads in the frames themselves, for the blur alone: tracks say where heads are at the steps, and between two steps somebody
// may pass before the lens, the camera may swing, a head may turn up that no track holds. The zero value finds none.
type blurLooks struct {
	finders []headFinder
	cells   []float64 // of the frame looked at last
	found   []blurred
	last    float64
	begun   bool
}

type headFinder interface {
	Detect(scene.Frame) ([]scene.Person, error)
	Close() error
}

type blurred struct {
	time float64
	head scene.Box
}

const (
	blurScore  = 0.1  // a head as doubtful as this is blurred
	blurEvery  = 0.25 // seconds between two looks where little changes: a head sways by less than half its size
	blurKeep   = 0.3  // seconds a place stays blurred after the look that found a head there
	cellsWide  = 32
	cellsHigh  = 18
	cellChange = 12.0 // grey levels; sensor noise averages out in a cell
	cellShare  = 0.04 // of the cells changed since the last look: more than heads that turn, less than one who passes before the lens
	blurWidest = 1280
	blurLeast  = 320
	blurHead   = 22.0 // pixels of the net's input that a usual head should have
)

// newBlurLooks makes finders for the heads of the tracks, and for those three times as large.
func (r *run) newBlurLooks(tracks []scene.Track) (*blurLooks, error) {
	var heights []float64
	for _, t := range tracks {
		if t.SeatH > 0 {
			heights = append(heights, t.SeatH)
		}
	}
	width := blurWidest
	if info := r.recording.Info(); len(heights) > 0 {
		slices.Sort(heights)
		width = min(max(int(float64(info.Width)*blurHead/heights[len(heights)/4]), blurLeast), blurWidest)
	}
	b := &blurLooks{}
	for _, w := range []int{width, max(width/3, blurLeast)} {
		d, err := r.headFinder(w, blurScore)
		if err != nil {
			b.close()
			return nil, fmt.Errorf("heads to blur: %w", err)
		}
		b.finders = append(b.finders, d)
		if w == blurLeast {
			break
		}
	}
	return b, nil
}

func (b *blurLooks) close() {
	for _, d := range b.finders {
		_ = d.Close() // frees memory only
	}
}

// heads are the places to blur in a frame besides those of tracks: found in it, or a moment ago.
func (b *blurLooks) heads(f scene.Frame) ([]scene.Box, error) {
	if len(b.finders) == 0 {
		return nil, nil
	}
	now := cellsOf(f)
	if !b.begun || f.Time-b.last >= blurEvery || changed(b.cells, now) > cellShare {
		for _, d := range b.finders {
			found, err := d.Detect(f)
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				b.found = append(b.found, blurred{f.Time, p.Head})
			}
		}
		b.begun, b.last, b.cells = true, f.Time, now
	}
	b.found = slices.DeleteFunc(b.found, func(v blurred) bool { return f.Time-v.time > blurKeep })
	out := make([]scene.Box, len(b.found))
	for i, v := range b.found {
		out[i] = v.head
	}
	return out, nil
}

// cellsOf is the frame's mean grey in coarse cells, from a few pixels of each.
func cellsOf(f scene.Frame) []float64 {
	const a = 4
	out := make([]float64, cellsWide*cellsHigh)
	for i := range out {
		for k := range a * a {
			x := ((i%cellsWide)*a + k%a) * f.Width / (cellsWide * a)
			y := ((i/cellsWide)*a + k/a) * f.Height / (cellsHigh * a)
			p := f.Pix[3*(y*f.Width+x):]
			out[i] += float64(p[0]) + float64(p[1]) + float64(p[2])
		}
		out[i] /= 3 * a * a
	}
	return out
}

// changed is the share of cells that differ.
func changed(a, b []float64) float64 {
	n := 0
	for i := range b {
		if math.Abs(a[i]-b[i]) > cellChange {
			n++
		}
	}
	return float64(n) / float64(len(b))
}
