package people

import (
	"math"
	"slices"

	"classlens/vision/scene"
)

// area learns, while a recording is searched, where in the picture people are and how large
// their heads are, so that most looks can skip ceiling and floor, and use an
// input no larger than the room needs.
type area struct {
	seen    []sighted // the looks of the last minute
	heights []float64 // of sure heads, source pixels
	looks   int
}

// sighted is the box around the heads found by one look.
type sighted struct {
	time float64
	box  scene.Box
}

const (
	areaSeconds = 60.0 // how long a place is searched after a head was found there
	areaLooks   = 6    // looks at the whole picture before any part of it is skipped
	areaMargin  = 1.0  // margin, in heads, around the outermost head boxes
	sureHead    = 0.4  // least score of a head that counts here
	sizeHeads   = 40   // sure heads needed before their sizes are used
	mostHeights = 2000
)

func (a *area) reset() { *a = area{heights: a.heights} }

// finding is what area learns from one look.
type finding struct {
	look    int // its number
	time    float64
	box     scene.Box // around the sure heads
	heights []float64 // of the sure heads
}

func findingOf(look int, time float64, people []scene.Person) finding {
	f := finding{look: look, time: time}
	for _, p := range people {
		if p.Score < sureHead {
			continue
		}
		m := areaMargin * p.Head.H
		f.box = union(f.box, scene.Box{X: p.Head.X - m, Y: p.Head.Y - m, W: p.Head.W + 2*m, H: p.Head.H + 2*m})
		f.heights = append(f.heights, p.Head.H)
	}
	return f
}

// add learns from one look.
func (a *area) add(f finding) {
	a.looks++
	a.heights = append(a.heights, f.heights[:min(len(f.heights), mostHeights-len(a.heights))]...)
	a.seen = append(a.seen, sighted{f.time, f.box})
	a.seen = slices.DeleteFunc(a.seen, func(s sighted) bool { return f.time-s.time > areaSeconds })
}

func union(a, b scene.Box) scene.Box {
	if a.Empty() {
		return b
	}
	if b.Empty() {
		return a
	}
	x, y := math.Min(a.X, b.X), math.Min(a.Y, b.Y)
	return scene.Box{X: x, Y: y, W: math.Max(a.X+a.W, b.X+b.W) - x, H: math.Max(a.Y+a.H, b.Y+b.H) - y}
}

// box is where people were in the last minute; empty while that is not known.
func (a *area) box() scene.Box {
	var box scene.Box
	if a.looks < areaLooks {
		return box
	}
	for _, s := range a.seen {
		box = union(box, s.box)
	}
	return box
}

// smallHeads is the height, in source pixels, that nine of ten heads exceed; 0
// while too few were found.
func (a *area) smallHeads() float64 { return a.heightAt(0.1) }

// largeHeads is the height that one of ten heads exceeds; 0 while too few were found.
func (a *area) largeHeads() float64 { return a.heightAt(0.9) }

func (a *area) heightAt(share float64) float64 {
	if len(a.heights) < sizeHeads || a.looks < areaLooks {
		return 0
	}
	h := slices.Clone(a.heights)
	slices.Sort(h)
	return h[int(float64(len(h))*share)]
}

// coarser is the width for a second pass of the own net, which finds only heads up to ownLargest high:
// a third of the first pass's width, at a ninth of its cost. It is 0, for no second pass, if all heads are small enough
// for the first one; while sizes are not known, both are run.
func (a *area) coarser(width, fw, fh int) int {
	across := math.Sqrt(float64(fw) * float64(fh) * 16 / 9)
	if large := a.largeHeads(); large > 0 && large*float64(width)/across < ownLargest || width/3 < leastWidth {
		return 0
	}
	return width / 3
}

// leastWidth of an input: a smaller one saves nothing.
const leastWidth = 320

// widthFor is the input width in a room whose smaller heads are small pixels high, for
// a frame of fw x fh.
func (l netAt) widthFor(small float64, fw, fh int) int {
	if l.head == 0 || small == 0 {
		return l.width
	}
	across := math.Sqrt(float64(fw) * float64(fh) * 16 / 9) // the frame's width, were it 16:9
	w := int(math.Round(across*l.head/small/64)) * 64
	return min(max(w, min(leastWidth, l.width)), l.width)
}
