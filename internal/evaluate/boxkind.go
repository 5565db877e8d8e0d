package evaluate

import (
	"context"
	"math"
	"slices"

	"classlens/internal/dataset"
	"classlens/vision/people"
	"classlens/vision/scene"
)

const (
	kindPictures = 4    // pictures that are searched for heads
	kindHeads    = 8    // fewer heads tell nothing
	headShare    = 0.76 // a head found in a box that is a head is 0.9 to 1.1 as large (the CCTV set's pictures), in one of head and upper body 0.5 to 0.63 (ClaBehavior's)
)

// DetectBoxKind finds out whether the boxes of a set read from COCO or YOLO files, which do
// not say, are heads or heads and upper bodies: it searches some pictures for heads and
// compares their size with that of the boxes they lie in. Where that says otherwise than
// the form's custom, the set is changed and why is warned of.
func DetectBoxKind(ctx context.Context, s *dataset.Set, newHeads func() (*people.Detector, error), warn func(string, ...any)) error {
	if s.Form != "coco" && s.Form != "yolo" || s.BoxesSaid || s.Boxes == dataset.NoBox || s.Shares {
		return nil
	}
	detector, err := newHeads()
	if err != nil { // heads will be missed and told where they are needed
		return nil
	}
	defer detector.Close()
	boxes := map[string][]scene.Box{}
	for _, x := range s.Samples {
		if !dataset.IsVideo(x.Media) {
			boxes[x.Media] = append(boxes[x.Media], x.Box)
		}
	}
	var shares []float64
	for _, media := range fullest(boxes, kindPictures) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f, err := dataset.LoadPicture(s.Path(dataset.Sample{Media: media}))
		if err != nil {
			continue // told when it is looked at
		}
		detector.Reset()
		found, err := detector.Detect(f)
		if err != nil {
			return err
		}
		shares = append(shares, headShares(boxes[media], found)...)
	}
	if len(shares) < kindHeads {
		return nil
	}
	slices.Sort(shares)
	median, kind := shares[len(shares)/2], dataset.UpperBox
	if median > headShare {
		kind = dataset.HeadBox
	}
	if kind != s.Boxes {
		is := map[dataset.BoxKind]string{dataset.HeadBox: "heads", dataset.UpperBox: "head and upper body"}
		warn("the boxes are taken for %s: %d heads found in them are %.2f as large (eval --boxes %s otherwise)", is[kind], len(shares), median, s.Boxes)
		s.Boxes = kind
	}
	return nil
}

// fullest are the n pictures with the most boxes, in order of their names.
func fullest(boxes map[string][]scene.Box, n int) []string {
	media := make([]string, 0, len(boxes))
	for m := range boxes {
		media = append(media, m)
	}
	slices.Sort(media)
	slices.SortStableFunc(media, func(a, b string) int { return len(boxes[b]) - len(boxes[a]) })
	return media[:min(n, len(media))]
}

// headShares gives for each box in which a head's middle lies how long the head's side
// is beside the box's; of several heads the one that covers it best counts.
func headShares(boxes []scene.Box, found []scene.Person) []float64 {
	var shares []float64
	for _, box := range boxes {
		best, cover := scene.Box{}, 0.0
		for _, p := range found {
			x, y := p.Head.Center()
			if x < box.X || x > box.X+box.W || y < box.Y || y > box.Y+box.H {
				continue
			}
			if c := box.IoU(p.Head); c > cover {
				best, cover = p.Head, c
			}
		}
		if cover > 0 {
			shares = append(shares, math.Sqrt(best.Area()/box.Area()))
		}
	}
	return shares
}
