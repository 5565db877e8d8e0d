package evaluate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/model/classroom"
	"classlens/vision/clip"
	"classlens/vision/scene"
)

// Look is what the network is shown of a labelled box.
type Look string

// The ways of looking.
const (
	AsAtRunTime   Look = ""      // a square round the head, as classlens analyze cuts it; the box only tells which head
	LabelledBoxes Look = "boxes" // the labelled box itself, its shape, its mirror image, and the boxes around it
)

// CanLookAtBoxes tells whether a set's boxes can be looked at themselves: it has some, and
// they lie in pictures.
func CanLookAtBoxes(s *dataset.Set) bool {
	return s.Boxes != dataset.NoBox && !s.Shares && len(s.Samples) > 0 &&
		!slices.ContainsFunc(s.Samples, func(x dataset.Sample) bool { return dataset.IsVideo(x.Media) || x.Box.Empty() })
}

// boxRunner looks at labelled boxes.
type boxRunner struct {
	set     *dataset.Set
	options Options
	net     *classroom.Boxes
	sample  []int // of each glimpse
	all     []classroom.Glimpse
	picture []int
	camera  []int
	cameras map[string]int
}

// runBoxes predicts like Run, from the labelled boxes.
func runBoxes(ctx context.Context, s *dataset.Set, o Options) ([]Prediction, error) {
	if !CanLookAtBoxes(s) {
		return nil, errors.New("this set has no boxes in pictures that could be looked at: take --size s, m or l")
	}
	m, err := newMapping(s, o.Labels, o.Warn)
	if err != nil {
		return nil, err
	}
	net, err := classroom.LoadBoxes(o.Threads)
	if err != nil {
		return nil, err
	}
	defer net.Close()
	r := &boxRunner{set: s, options: o, net: net, cameras: map[string]int{}}
	wanted, err := r.lookAll(ctx)
	if err != nil {
		return nil, err
	}
	said, err := net.Behaviours(r.all, r.picture, r.camera)
	if err == nil && !o.Alone {
		said, err = net.LearnRooms(r.all, said, r.picture, r.camera, m.can)
	}
	if err != nil {
		return nil, err
	}
	var out []Prediction
	for k, i := range r.sample {
		if wanted[i] {
			out = append(out, PredictionOf(i, decisionOf(said[k], o.Labels), m.classes))
		}
	}
	slices.SortFunc(out, func(a, b Prediction) int { return a.Sample - b.Sample })
	if missing := len(wanted) - len(out); missing > 0 {
		o.Warn("%d of %d samples could not be seen: their pictures cannot be read", missing, len(wanted))
	}
	if len(out) == 0 {
		return nil, errors.New("no sample could be seen")
	}
	return out, nil
}

// lookAll looks at all boxes of the pictures that hold a wanted one: the others tell where
// the class attends.
func (r *boxRunner) lookAll(ctx context.Context) (wanted map[int]bool, err error) {
	wanted = map[int]bool{}
	byMedia := map[string][]int{}
	for i, x := range r.set.Samples {
		byMedia[x.Media] = append(byMedia[x.Media], i)
		if r.options.Include == nil || r.options.Include(i) {
			wanted[i] = true
		}
	}
	if len(wanted) == 0 {
		return nil, errors.New("no sample of the data set is in this part of the split")
	}
	maps.DeleteFunc(byMedia, func(_ string, samples []int) bool {
		return !slices.ContainsFunc(samples, func(i int) bool { return wanted[i] })
	})
	for n, media := range slices.Sorted(maps.Keys(byMedia)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.look(n, byMedia[media]); err != nil {
			return nil, fmt.Errorf("%s: %w", media, err)
		}
		if r.options.Progress != nil {
			r.options.Progress(n+1, len(byMedia))
		}
	}
	return wanted, nil
}

// look looks at the boxes of one picture. One that cannot be read is told and left out.
func (r *boxRunner) look(number int, samples []int) error {
	first := r.set.Samples[samples[0]]
	f, err := dataset.LoadPicture(r.set.Path(first))
	if err != nil {
		r.options.Warn("left out: %s: %v", first.Media, err)
		return nil
	}
	head := r.set.Boxes == dataset.HeadBox
	var boxes []classroom.Boxed
	for _, i := range samples {
		box := r.set.Samples[i].Box
		x := classroom.Boxed{Picture: clip.Picture(f, clip.Labelled(box, head), classroom.BoxPicture), Box: scene.Box{X: box.X, Y: box.Y, W: max(box.W, 1), H: max(box.H, 1)}, Head: head}
		if head {
			x.Outlines = clip.Outlines(x.Picture, classroom.BoxPicture)
		}
		boxes = append(boxes, x)
	}
	seen, err := r.net.Look(boxes)
	if err != nil {
		return err
	}
	r.all = append(r.all, seen...)
	for _, i := range samples {
		r.sample, r.picture, r.camera = append(r.sample, i), append(r.picture, number), append(r.camera, r.cameraOf(r.set.Samples[i]))
	}
	return nil
}

// cameraOf numbers what a sample was filmed by, as far as the set tells: its recording,
// its room, or else the picture alone.
func (r *boxRunner) cameraOf(x dataset.Sample) int {
	name := "picture " + x.Media
	if x.Room != "" {
		name = "room " + x.Room
	}
	if x.Recording != "" {
		name = "recording " + x.Recording
	}
	n, ok := r.cameras[name]
	if !ok {
		n = len(r.cameras)
		r.cameras[name] = n
	}
	return n
}

// decisionOf reads attention and engagement from behaviour, by the labels file.
func decisionOf(p [10]float32, labels config.Labels) classroom.Decision {
	d := classroom.Decision{Behaviour: p}
	var on, off float32
	for k, name := range classroom.Behaviours {
		m := labels.Behaviours[name]
		switch m.Attention {
		case "on_task":
			on += p[k]
		case "off_task":
			off += p[k]
		}
		d.Engagement[m.Engagement] += p[k]
	}
	d.Attention = on / max(on+off, 1e-9)
	return d
}
