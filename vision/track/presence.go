package track

import (
	"math"
	"slices"
	"sort"
)

// A held box is believed where the picture looks as it does where its person was found: head and clothes, each within
// lookUnlike times of what they differ by among the finds nearest in time. Who turns away shows another head in the
// same clothes; who bends over a neighbour's desk or has left shows neither.
const (
	lookFinds  = 10
	lookUnlike = 1.5
	lookNoise  = 4.0 // grey levels, what noise and an encoder make of one and the same thing
)

// lookAt is a part of a person: from and to in head sizes from the head's middle, half its width.
type lookAt struct{ from, to, half float64 }

var (
	lookHead    = lookAt{-0.5, 0.5, 0.5}
	lookClothes = lookAt{0.6, 1.6, 0.9} // from the chin on, as wide as shoulders
)

const lookWide, lookHigh = 6, 5 // places that are compared

// patch is what a part of a person at a place looks like at a moment.
func (a *activity) patch(moment int, p place, of lookAt) []float64 {
	out := make([]float64, 0, 3*lookWide*lookHigh)
	k := a.cam.scale() / a.scale
	cx, cy := a.cam.toPicture(p.x, p.y)
	cx, cy = cx/a.scale, cy/a.scale
	l := a.levels[moment]
	for j := range lookHigh {
		y := cy + p.h*k*(of.from+(of.to-of.from)*float64(j)/(lookHigh-1)) - 0.5
		y = math.Min(math.Max(y, 0), float64(a.high-1))
		y0 := min(int(y), a.high-2)
		for i := range lookWide {
			x := cx + p.w*k*of.half*(2*float64(i)/(lookWide-1)-1) - 0.5
			x = math.Min(math.Max(x, 0), float64(a.wide-1))
			x0 := min(int(x), a.wide-2)
			fx, fy := x-float64(x0), y-float64(y0)
			at := 3 * (y0*a.wide + x0)
			for c := range 3 {
				v := (1-fy)*((1-fx)*float64(l[at+c])+fx*float64(l[at+3+c])) +
					fy*((1-fx)*float64(l[at+3*a.wide+c])+fx*float64(l[at+3*a.wide+3+c]))
				out = append(out, v-a.light[moment])
			}
		}
	}
	return out
}

// differ is the mean difference of two patches, grey levels.
func differ(p, q []float64) float64 {
	sum := 0.0
	for i := range p {
		sum += math.Abs(p[i] - q[i])
	}
	return sum / float64(len(p))
}

// unlike hides the held places of a seat where neither head nor clothes look as they do where it was found.
func (a *activity) unlike(places []place) {
	if len(a.levels) == 0 || a.wide < 2 || a.high < 2 {
		return
	}
	if !a.measured {
		a.measure()
	}
	var finds []int // moments
	for m, q := range a.steps {
		if places[q].found {
			finds = append(finds, m)
		}
	}
	if len(finds) < 2 {
		return
	}
	judged := map[int]bool{}
	for q := range places {
		p := &places[q]
		if p.found || !p.shown {
			continue
		}
		m := nearest(a.steps, q)
		if places[a.steps[m]].found {
			continue
		}
		gone, ok := judged[m]
		if !ok {
			gone = a.gone(m, places, finds)
			judged[m] = gone
		}
		p.shown = !gone
	}
}

// gone tells whether at a moment the place of a seat does not look like its person.
func (a *activity) gone(m int, places []place, finds []int) bool {
	near := slices.Clone(finds)
	slices.SortStableFunc(near, func(x, y int) int { return abs(a.steps[x]-a.steps[m]) - abs(a.steps[y]-a.steps[m]) })
	near = near[:min(lookFinds, len(near))]
	for _, part := range []lookAt{lookHead, lookClothes} {
		now := a.patch(m, places[a.steps[m]], part)
		seen := make([][]float64, len(near))
		least := math.Inf(1)
		for i, f := range near {
			seen[i] = a.patch(f, places[a.steps[f]], part)
			least = math.Min(least, differ(now, seen[i]))
		}
		var among []float64
		for i := range seen {
			for j := range i {
				among = append(among, differ(seen[i], seen[j]))
			}
		}
		if least <= lookUnlike*math.Max(median(among), lookNoise) {
			return false
		}
	}
	return true
}

func abs(v int) int { return max(v, -v) }

// nearest is the index of the value nearest to q in an ordered list.
func nearest(v []int, q int) int {
	i := sort.SearchInts(v, q)
	if i == len(v) || i > 0 && q-v[i-1] <= v[i]-q {
		return i - 1
	}
	return i
}
