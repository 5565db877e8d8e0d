package training

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/internal/safefile"
	"classlens/vision/clip"
	"classlens/vision/people"
)

// margin is how much wider a stored picture is than what the network sees, so
// that it can be shifted, turned and scaled.
const margin = 1.25

// crops are the pictures of a set's samples, cut once into one file that is read by
// memory map:
//
//	moments, one after the other: RGB (side, side, 3) bytes, flow (side/2, side/2, 2) as
//	int8, 127 for one side of the network's picture a second; then the index as JSON, its
//	length (8 bytes, little endian), and the magic
type crops struct {
	index
	mapped []byte
}

const magic = "classlens crops2"

// index says where each sample's moments lie.
type index struct {
	Side    int
	Samples []place // as the set has them
}

// place is one sample's share of the file.
type place struct {
	First   int       // number of its first moment
	Offsets []float32 // seconds from its middle, one a moment; none: it could not be seen
	Flow    []bool    // whether each moment has flow
	Points  []float32 // 17 x, y in the stored picture, 0..1, and seen; nil: not labelled
}

func (c *crops) pictureBytes() int { return 3 * c.Side * c.Side }
func (c *crops) flowBytes() int    { return 2 * (c.Side / 2) * (c.Side / 2) }

// moment gives a moment's picture and flow; they must not be written to.
func (c *crops) moment(i int) (rgb, flow []byte) {
	size := c.pictureBytes() + c.flowBytes()
	m := c.mapped[i*size : (i+1)*size]
	return m[:c.pictureBytes()], m[c.pictureBytes():]
}

// Close gives the memory map back.
func (c *crops) Close() error {
	if c.mapped == nil {
		return nil
	}
	m := c.mapped
	c.mapped = nil
	return syscall.Munmap(m)
}

// loadCrops opens the cache in dir, or makes it where there is none of these samples.
func loadCrops(ctx context.Context, dir string, s *dataset.Set, size int, say func(string, ...any)) (*crops, error) {
	side := int(float64(size)*margin+1.5) / 2 * 2 // even, for the flow's grid
	key, err := json.Marshal(struct {
		Form, Root string
		Side       int
		Boxes      dataset.BoxKind
		Samples    []dataset.Sample
	}{magic, s.Root, side, s.Boxes, s.Samples})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(key)
	file := filepath.Join(dir, "crops-"+hex.EncodeToString(sum[:6])+".bin")
	if c, err := openCrops(file); err == nil {
		return c, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		say("%s: %v; cut anew", file, err)
	}
	if err := writeCrops(ctx, file, s, side, say); err != nil {
		return nil, err
	}
	return openCrops(file)
}

func openCrops(file string) (*crops, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	tail := len(magic) + 8
	if info.Size() < int64(tail) {
		return nil, errors.New("no crops")
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("memory map: %w", err)
	}
	c := &crops{mapped: m}
	end := m[len(m)-tail:]
	length := binary.LittleEndian.Uint64(end)
	if string(end[8:]) != magic || length > uint64(len(m)-tail) || json.Unmarshal(m[len(m)-tail-int(length):len(m)-tail], &c.index) != nil {
		return nil, errors.Join(errors.New("no crops, or of another version"), c.Close())
	}
	return c, nil
}

// writeCrops cuts all samples, medium after medium. Media that cannot be read are told
// and left out.
func writeCrops(ctx context.Context, file string, s *dataset.Set, side int, say func(string, ...any)) error {
	cutter := &evaluate.Cutter{Set: s, Size: side, Margin: margin, Warn: say, NewHeads: func() (*people.Detector, error) { return people.NewDetector(people.Options{}) }}
	defer cutter.Close()
	out, err := safefile.Create(file)
	if err != nil {
		return err
	}
	defer out.Abort()
	w := &writer{set: s, out: out, index: index{Side: side, Samples: make([]place, len(s.Samples))}}
	byMedia := map[string][]int{}
	for i, x := range s.Samples {
		byMedia[x.Media] = append(byMedia[x.Media], i)
	}
	media := make([]string, 0, len(byMedia))
	for m := range byMedia {
		media = append(media, m)
	}
	slices.Sort(media)
	failed := 0
	for n, m := range media {
		moments, err := cutter.Medium(ctx, byMedia[m])
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			say("left out: %s: %v", m, err)
			failed++
			continue
		}
		for i, k := range byMedia[m] {
			if err := w.add(k, moments[i]); err != nil {
				return err
			}
		}
		if (n+1)%100 == 0 {
			say("cut %d of %d media", n+1, len(media))
		}
	}
	if failed == len(media) {
		return errors.New("no medium of the data set can be read")
	}
	return w.finish()
}

type writer struct {
	index
	set   *dataset.Set
	out   *safefile.File
	count int
}

func (w *writer) add(sample int, moments []evaluate.Moment) error {
	p := &w.Samples[sample]
	p.First = w.count
	for _, m := range moments {
		half := w.Side / 2
		flow := make([]byte, 2*half*half)
		for y := range half {
			for x := range half {
				for k := range 2 {
					if m.Flow != nil {
						v := m.Flow[2*(2*y*w.Side+2*x)+k]
						flow[2*(y*half+x)+k] = byte(int8(max(min(v, 1), -1) * 127))
					}
				}
			}
		}
		if _, err := w.out.Write(m.Picture); err != nil {
			return err
		}
		if _, err := w.out.Write(flow); err != nil {
			return err
		}
		p.Offsets, p.Flow = append(p.Offsets, float32(m.Offset)), append(p.Flow, m.Flow != nil)
		w.count++
	}
	if x := w.set.Samples[sample]; x.Points != nil && len(moments) == 1 {
		p.Points = pointsIn(*x.Points, moments[0].Square)
	}
	return nil
}

// pointsIn gives points of the source as shares of what was cut.
func pointsIn(points [51]float64, q clip.Square) []float32 {
	out := make([]float32, 51)
	for i := range 17 {
		out[3*i], out[3*i+1], out[3*i+2] = float32((points[3*i]-q.X)/q.Side), float32((points[3*i+1]-q.Y)/q.Side), float32(points[3*i+2])
	}
	return out
}

func (w *writer) finish() error {
	raw, err := json.Marshal(w.index)
	if err != nil {
		return err
	}
	raw = binary.LittleEndian.AppendUint64(raw, uint64(len(raw)))
	if _, err := w.out.Write(append(raw, magic...)); err != nil {
		return err
	}
	return w.out.Commit()
}
