package track

import (
	"math"
	"slices"

	"classlens/vision/scene"
)

// activity is how much each cell of a still camera's picture changes over a view's time. Who sits in a room moves within ten seconds, a bag, a mark on
// the board or a portrait on the wall does not: where a head seems to be and nothing ever changes but noise, there is none.
// It keeps, of cells far larger than a face's features, one colour each at no more than activitySamples moments.
type activity struct {
	cam      pose
	wide     int
	high     int
	scale    float64 // pixels a cell
	probes   []int32 // where each cell is read in frames of size, activityProbes² places a cell
	size     [2]int
	times    []float64
	steps    []int     // of the tracker
	levels   [][]uint8 // a moment each: red, green, blue of each cell
	light    []float64 // of each moment over the first one's, what changes everywhere
	offered  int
	every    int // of the moments offered, one in so many is kept
	spread   []float64
	floor    float64
	measured bool
}

const (
	activityCells   = 160 // across the picture
	activityProbes  = 4   // pixels a cell and axis that are read
	activitySamples = 64
	activityLeast   = 8   // moments, and
	activitySeconds = 6.0 // seconds, before anything is said: in 48 rendered rooms of 8 s one student is as still as that, and more seats of nobody
	// activityAlive times the floor, the change that noise and encoder alone make: in three clips still things had 1.0 to 2.1 times the floor, the
	// students who moved least 3.0 to 3.4 times, all others more than 6 times.
	activityAlive = 2.0
	// activityFloor is the least floor, grey levels: an encoder may copy still blocks bit by bit.
	activityFloor = 1.0
)

// add takes the picture of a step; one of another camera position is left out.
func (a *activity) add(number int, step *scene.Step, cam pose) {
	w, h, n, pix := step.Frame.Width, step.Frame.Height, 3, step.Frame.Pix
	if w == 0 || h == 0 || len(pix) < 3*w*h {
		return
	}
	if a.every == 0 {
		a.cam, a.every = cam, 1
		a.scale = math.Max(float64(w)/activityCells, 1)
		a.wide, a.high = int(float64(w)/a.scale), int(float64(h)/a.scale)
	}
	if cam != a.cam {
		return
	}
	a.offered++
	if (a.offered-1)%a.every != 0 {
		return
	}
	const each = activityProbes * activityProbes
	if a.size != [2]int{w, h} {
		a.probes, a.size = make([]int32, a.wide*a.high*each), [2]int{w, h}
		for i := range a.probes {
			cell, k := i/each, i%each
			x := int((float64(cell%a.wide) + (float64(k%activityProbes)+0.5)/activityProbes) * a.scale)
			y := int((float64(cell/a.wide) + (float64(k/activityProbes)+0.5)/activityProbes) * a.scale)
			a.probes[i] = int32((min(y, h-1)*w + min(x, w-1)) * n)
		}
	}
	level := make([]uint8, 3*a.wide*a.high)
	for i := range a.probes[:len(a.probes)/each] {
		var r, g, b int
		for _, p := range a.probes[i*each : (i+1)*each] {
			q := pix[p : p+3 : p+3]
			r, g, b = r+int(q[0]), g+int(q[1]), b+int(q[2])
		}
		level[3*i], level[3*i+1], level[3*i+2] = uint8(r/each), uint8(g/each), uint8(b/each)
	}
	a.times, a.steps, a.levels = append(a.times, step.Time), append(a.steps, number), append(a.levels, level)
	if len(a.levels) > activitySamples { // keep every other one, and from now on half as many
		kept := 0
		for i := 0; i < len(a.levels); i += 2 {
			a.times[kept], a.steps[kept], a.levels[kept] = a.times[i], a.steps[i], a.levels[i]
			kept++
		}
		clear(a.levels[kept:])
		a.times, a.steps, a.levels, a.every = a.times[:kept], a.steps[:kept], a.levels[:kept], 2*a.every
	}
}

// grey is a cell's brightness at a moment.
func (a *activity) grey(moment, cell int) float64 {
	p := a.levels[moment][3*cell : 3*cell+3]
	return float64(int(p[0])+2*int(p[1])+int(p[2])) / 4
}

// measure works out the light of each moment and each cell's spread, from the tenth to the ninetieth of a hundred moments, light taken out.
func (a *activity) measure() {
	a.measured = true
	if a.wide*a.high == 0 { // a picture narrower than a cell
		return
	}
	a.light = make([]float64, len(a.levels))
	for t := range a.levels {
		var diff []float64
		for i := 0; i < a.wide*a.high; i += 7 { // a seventh of the cells tells as much
			diff = append(diff, a.grey(t, i)-a.grey(0, i))
		}
		a.light[t] = median(diff)
	}
	if n := len(a.levels); n < activityLeast || a.times[n-1]-a.times[0] < activitySeconds {
		return
	}
	a.spread = make([]float64, a.wide*a.high)
	v := make([]float64, len(a.levels))
	for i := range a.spread {
		for t := range a.levels {
			v[t] = a.grey(t, i) - a.light[t]
		}
		slices.Sort(v)
		at := func(share float64) float64 {
			p := share * float64(len(v)-1)
			k := int(p)
			return v[k] + (p-float64(k))*(v[min(k+1, len(v)-1)]-v[k])
		}
		a.spread[i] = at(0.9) - at(0.1)
	}
	a.floor = math.Max(median(slices.Clone(a.spread)), activityFloor)
}

// still tells whether nothing but noise ever changed in a box, in pixels of the view's first picture; false where it cannot be told.
func (a *activity) still(b scene.Box) bool {
	if !a.measured {
		a.measure()
	}
	if a.spread == nil {
		return false
	}
	x, y := a.cam.toPicture(b.X, b.Y)
	k := a.cam.scale()
	x0, y0 := max(int(x/a.scale), 0), max(int(y/a.scale), 0)
	x1, y1 := min(int(math.Ceil((x+b.W*k)/a.scale)), a.wide), min(int(math.Ceil((y+b.H*k)/a.scale)), a.high)
	var v []float64
	for j := y0; j < y1; j++ {
		for i := x0; i < x1; i++ {
			v = append(v, a.spread[j*a.wide+i])
		}
	}
	if len(v) == 0 {
		return false
	}
	slices.Sort(v)
	return v[len(v)*4/5] < activityAlive*a.floor
}
