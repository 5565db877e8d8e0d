package training

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"classlens/internal/dataset"
	"classlens/internal/safefile"
	"classlens/vision/clip"
	"classlens/vision/people"
	"classlens/vision/scene"
)

// margin is how much wider a stored picture is than what the network sees, so
// that it can be shifted and scaled.
const margin = 1.25

// crops are the pictures of a set's samples, cut once: (N, side, side, 3) bytes.
type crops struct {
	side   int
	pixels []byte
}

func (c crops) at(i int) []byte {
	n := 3 * c.side * c.side
	return c.pixels[i*n : (i+1)*n]
}

// loadCrops cuts the pictures, or takes them from the cache in dir where that was
// made from the same samples.
func loadCrops(ctx context.Context, dir string, s *dataset.Set, size int, say func(string, ...any)) (crops, error) {
	c := crops{side: int(float64(size)*margin + 0.5)}
	key, err := json.Marshal(struct {
		Side    int
		Boxes   dataset.BoxKind
		Samples []dataset.Sample
	}{c.side, s.Boxes, s.Samples})
	if err != nil {
		return c, err
	}
	sum := sha256.Sum256(key)
	file := filepath.Join(dir, "crops-"+hex.EncodeToString(sum[:6])+".bin")
	if c.pixels, err = os.ReadFile(file); err == nil && len(c.pixels) == len(s.Samples)*3*c.side*c.side {
		return c, nil
	}
	c.pixels = make([]byte, len(s.Samples)*3*c.side*c.side)
	if err := c.cut(ctx, s, say); err != nil {
		return c, err
	}
	return c, safefile.WriteFile(file, c.pixels)
}

func (c crops) cut(ctx context.Context, s *dataset.Set, say func(string, ...any)) error {
	byMedia := map[string][]int{}
	for i, x := range s.Samples {
		if dataset.IsVideo(x.Media) {
			return fmt.Errorf("%s: training takes labelled pictures; export the frames of videos first", x.Media)
		}
		byMedia[x.Media] = append(byMedia[x.Media], i)
	}
	var heads *people.Detector
	if s.Boxes != dataset.HeadBox {
		var err error
		if heads, err = people.NewDetector(people.Options{}); err != nil {
			say("no people detector (%v): heads are taken at their usual place in the boxes", err)
		} else {
			defer heads.Close()
		}
	}
	media := make([]string, 0, len(byMedia))
	for m := range byMedia {
		media = append(media, m)
	}
	slices.Sort(media)
	for _, m := range media {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.picture(s, byMedia[m], heads); err != nil {
			return err
		}
	}
	return nil
}

func (c crops) picture(s *dataset.Set, samples []int, heads *people.Detector) error {
	f, err := dataset.LoadPicture(s.Path(s.Samples[samples[0]]))
	if err != nil {
		return err
	}
	var found []scene.Person
	if heads != nil {
		heads.Reset()
		if found, err = heads.Detect(f); err != nil {
			return err
		}
	}
	for _, i := range samples {
		q := clip.Around(dataset.HeadOf(s.Samples[i].Box, s.Boxes, found))
		wide := clip.Square{X: q.X - q.Side*(margin-1)/2, Y: q.Y - q.Side*(margin-1)/2, Side: q.Side * margin}
		copy(c.at(i), clip.Picture(f, wide, c.side))
	}
	return nil
}
