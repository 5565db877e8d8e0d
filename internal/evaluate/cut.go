package evaluate

import (
	"context"
	"errors"
	"io"
	"math"

	"classlens/internal/dataset"
	"classlens/vision/clip"
	"classlens/vision/people"
	"classlens/vision/scene"
	"classlens/vision/video"
)

// contextSeconds is how many seconds round a sample's middle the network looks at.
const contextSeconds = 2.0

// Moment is one picture of one sample.
type Moment struct {
	Offset  float64   // seconds from the sample's middle
	Picture []byte    // (Size, Size, 3)
	Flow    []float32 // (Size, Size, 2) in sides of the network's picture a second; nil where there is none
	Square  clip.Square
}

// Cutter cuts what the network sees of a set's samples out of their pictures and
// recordings. Training and judging cut by the same rules.
type Cutter struct {
	Set      *dataset.Set
	Size     int                              // side of what is cut, in pixels
	Margin   float64                          // how much wider than the network's picture it is, 1: as it is
	NewHeads func() (*people.Detector, error) // finds heads in boxes of head and upper body
	Warn     func(format string, a ...any)

	heads   *people.Detector
	noHeads bool
}

// Close frees the people detector.
func (c *Cutter) Close() {
	if c.heads != nil {
		c.heads.Close()
	}
}

// Medium cuts the moments of the samples of one picture or recording: one a sample of
// a picture; of a recording the steps round the sample's middle, or all steps where
// the whole clip has one label. A sample outside its recording gets none.
func (c *Cutter) Medium(ctx context.Context, samples []int) ([][]Moment, error) {
	first := c.Set.Samples[samples[0]]
	if dataset.IsVideo(first.Media) {
		return c.video(ctx, samples)
	}
	f, err := dataset.LoadPicture(c.Set.Path(first))
	if err != nil {
		return nil, err
	}
	var flow *scene.Flow
	if first.Flow != "" {
		if flow, err = dataset.LoadFlow(c.Set.Path(dataset.Sample{Media: first.Flow})); err != nil {
			return nil, err
		}
	}
	found, err := c.find(f)
	if err != nil {
		return nil, err
	}
	moments := make([][]Moment, len(samples))
	for i, k := range samples {
		moments[i] = []Moment{c.cut(f, flow, c.Set.Samples[k], found)}
	}
	return moments, nil
}

// cut cuts one sample out of a frame.
func (c *Cutter) cut(f scene.Frame, flow *scene.Flow, x dataset.Sample, found []scene.Person) Moment {
	q := clip.Around(c.head(f, x, found))
	if c.Margin > 1 {
		d := q.Side * (c.Margin - 1) / 2
		q = clip.Square{X: q.X - d, Y: q.Y - d, Side: q.Side * c.Margin}
	}
	m := Moment{Picture: clip.Picture(f, q, c.Size), Flow: clip.Flow(flow, q, c.Size), Square: q}
	for i := range m.Flow { // clip gives it in sides of what is cut
		m.Flow[i] *= float32(max(c.Margin, 1))
	}
	return m
}

// find looks for people where the boxes need it.
func (c *Cutter) find(f scene.Frame) ([]scene.Person, error) {
	if c.Set.Boxes == dataset.HeadBox || c.noHeads {
		return nil, nil
	}
	if c.heads == nil {
		var err error
		if c.NewHeads == nil {
			err = errors.New("none was given")
		} else {
			c.heads, err = c.NewHeads()
		}
		if err != nil {
			c.noHeads = true
			c.Warn("no people detector (%v): heads are taken at their usual place in the boxes", err)
			return nil, nil
		}
	}
	c.heads.Reset()
	return c.heads.Detect(f)
}

// head is the head box of a sample in a picture.
func (c *Cutter) head(f scene.Frame, x dataset.Sample, found []scene.Person) scene.Box {
	box := x.Box
	if c.Set.Shares {
		box = scene.Box{X: box.X * float64(f.Width), Y: box.Y * float64(f.Height), W: box.W * float64(f.Width), H: box.H * float64(f.Height)}
	}
	if c.Set.Boxes == dataset.NoBox || box.Empty() {
		return largestHead(f, found)
	}
	return dataset.HeadOf(box, c.Set.Boxes, found)
}

// largestHead is the nearest person's, or a third of the picture's height where
// nobody was found.
func largestHead(f scene.Frame, found []scene.Person) scene.Box {
	var best scene.Box
	for _, p := range found {
		if p.Head.Area() > best.Area() {
			best = p.Head
		}
	}
	if best.Empty() {
		s := float64(f.Height) / 3
		best = scene.Box{X: float64(f.Width)/2 - s/2, Y: s / 2, W: s, H: s}
	}
	return best
}

func (c *Cutter) video(ctx context.Context, samples []int) ([][]Moment, error) {
	rec, err := video.Open(ctx, c.Set.Path(c.Set.Samples[samples[0]]), video.Options{})
	if err != nil {
		return nil, err
	}
	defer rec.Close()
	moments := make([][]Moment, len(samples))
	for {
		step, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := c.step(step, samples, moments); err != nil {
			return nil, err
		}
	}
	return moments, nil
}

// step cuts the pictures of all samples that look at this step.
func (c *Cutter) step(step *scene.Step, samples []int, moments [][]Moment) error {
	var found []scene.Person
	looked := false
	for i, k := range samples {
		x := c.Set.Samples[k]
		whole := c.Set.Boxes == dataset.NoBox && x.End <= x.Start // a clip with one label
		offset := step.Time - (x.Start+x.End)/2
		if !whole && math.Abs(offset) > contextSeconds {
			continue
		}
		if !looked {
			var err error
			if found, err = c.find(step.Frame); err != nil {
				return err
			}
			looked = true
		}
		m := c.cut(step.Frame, step.Flow, x, found)
		m.Offset = offset
		moments[i] = append(moments[i], m)
	}
	return nil
}

// Around lists the samples of sample i's take that lie within the network's view, in
// order of time; without a take it is sample i alone. takes comes from Takes.
func Around(s *dataset.Set, takes map[string][]int, i int) []int {
	x := s.Samples[i]
	if x.Track == "" {
		return []int{i}
	}
	var near []int
	for _, k := range takes[x.Track] {
		if math.Abs(s.Samples[k].Start-x.Start) <= contextSeconds {
			near = append(near, k)
		}
	}
	return near
}

// Takes lists the samples of each student's take in order of time.
func Takes(s *dataset.Set) map[string][]int {
	takes := map[string][]int{}
	for i, x := range s.Samples {
		if x.Track != "" {
			takes[x.Track] = append(takes[x.Track], i)
		}
	}
	for _, t := range takes {
		sortByTime(s, t)
	}
	return takes
}
