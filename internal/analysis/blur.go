package analysis

import (
	"fmt"
	"math"
	"slices"

	"classlens/vision/scene"
)

// blurLooks finds heads in single frames, for blurring only. Tracks say where heads are at the steps, but between two steps somebody may pass
// close to the camera, the camera may move, or a head may turn up that is in no track. The zero value finds none.
type blurLooks struct {
	finders []headFinder
	cells   []float64 // cellsOf the frame searched last
	found   []blurred // not older than blurKeep
	last    float64   // time of the frame searched last
	begun   bool      // a frame was searched
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
	blurScore  = 0.1  // detections are blurred down to this low score: a missed face is worse than a blurred wall
	blurEvery  = 0.25 // seconds between two searches while little changes: a head moves less than half its size in that time
	blurKeep   = 0.3  // seconds a place stays blurred after a head was found there
	cellsWide  = 32
	cellsHigh  = 18
	cellChange = 12.0 // grey levels; sensor noise averages out in a cell
	cellShare  = 0.04 // share of changed cells that triggers a search: more than turning heads cause, less than somebody passing close to the camera
	blurWidest = 1280 // bounds of the net's input width
	blurLeast  = 320
	blurHead   = 22.0 // height in pixels that a typical head should have in the net's input
)

// newBlurLooks makes finders for heads as large as those of the tracks, and for heads three times as large.
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

// heads are the places to blur in a frame besides those of tracks: found in it, or up to blurKeep earlier.
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

// cellsOf is the frame's mean grey in cellsWide x cellsHigh cells, from 16 pixels of each.
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

// changed is the share of cells that differ by more than cellChange.
func changed(a, b []float64) float64 {
	n := 0
	for i := range b {
		if math.Abs(a[i]-b[i]) > cellChange {
			n++
		}
	}
	return float64(n) / float64(len(b))
}
