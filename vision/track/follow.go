package track

import (
	"math"
	"slices"

	"classlens/vision/scene"
)

// Point is a place in a picture, in source pixels.
type Point struct{ X, Y float64 }

// Follower moves points from one grey frame to the next: where each went, and
// whether it was followed surely (forward and backward agree).
type Follower interface {
	Follow(a, b scene.Gray, pts []Point) (moved []Point, ok []bool)
}

// FollowerFunc makes a Follower of a function.
type FollowerFunc func(a, b scene.Gray, pts []Point) ([]Point, []bool)

// Follow calls f.
func (f FollowerFunc) Follow(a, b scene.Gray, pts []Point) ([]Point, []bool) { return f(a, b, pts) }

// ring keeps the grey frames of the last steps, for following heads backwards
// from where they first appear.
type ring struct {
	first  int // step that frames[0] leads to
	frames [][]scene.Gray
	prev   scene.Gray // the last frame before frames[0][0]
	bytes  int
}

// ringBytes bounds the ring: 12 steps of six frames at 960x540 take 37 MB.
const ringBytes = 40 << 20

// begin starts anew with a step that has no step before it.
func (r *ring) begin(step *scene.Step) {
	*r = ring{}
	if n := len(step.Between); n > 0 {
		r.prev = step.Between[n-1]
	}
}

// push adds the frames that lead to a step; none break the chain.
func (r *ring) push(step int, between []scene.Gray) {
	if len(between) == 0 {
		*r = ring{}
		return
	}
	if len(r.frames) == 0 {
		r.first = step
	}
	r.frames = append(r.frames, between)
	for _, g := range between {
		r.bytes += len(g.Pix)
	}
	for len(r.frames) > 1 && r.bytes > ringBytes {
		for _, g := range r.frames[0] {
			r.bytes -= len(g.Pix)
		}
		r.prev = r.frames[0][len(r.frames[0])-1]
		r.frames = slices.Delete(r.frames, 0, 1)
		r.first++
	}
}

// into gives the frames from step-1 to step, both ends included where they are
// known, oldest first.
func (r *ring) into(step int) []scene.Gray {
	i := step - r.first
	if i < 0 || i >= len(r.frames) {
		return nil
	}
	before := r.prev
	if i > 0 {
		f := r.frames[i-1]
		before = f[len(f)-1]
	}
	if before.Pix == nil || before.Width != r.frames[i][0].Width {
		return r.frames[i]
	}
	return append([]scene.Gray{before}, r.frames[i]...)
}

// grid are the places of a head, in head sizes from its middle, that are
// followed: sixteen, well inside, so that the median stands even when a third of them
// lie on something else.
var grid = [4]float64{-0.25, -0.08, 0.08, 0.25}

const gridPoints = len(grid) * len(grid)

// minFollowed is how many of the points must be followed for their median to
// be believed; with fewer the head is taken not to have moved.
const minFollowed = 4

// box is a head in picture coordinates: middle and size.
type box struct{ x, y, w, h float64 }

// move follows heads through frames, in the order given, and gives their new
// middles.
func (t *Tracker) move(frames []scene.Gray, heads []box) []xy {
	out := make([]xy, len(heads))
	for i, b := range heads {
		out[i] = xy{b.x, b.y}
	}
	if t.follow == nil || len(frames) < 2 || len(heads) == 0 {
		return out
	}
	// Grey frames may be smaller than the source, whose pixels the heads are in.
	k := float64(frames[0].Width) / float64(max(t.width, 1))
	start := make([]Point, 0, len(heads)*gridPoints)
	moving := make([]int, 0, len(heads))
	for i, b := range heads {
		if unmoved(frames[0], frames[len(frames)-1], b, k) {
			t.follows.Unmoved++
			continue
		}
		t.follows.Moved++
		moving = append(moving, i)
		for _, gy := range grid {
			for _, gx := range grid {
				start = append(start, Point{(b.x + gx*b.w) * k, (b.y + gy*b.h) * k})
			}
		}
	}
	if len(moving) == 0 {
		return out
	}
	alive := make([]bool, len(start))
	for i := range alive {
		alive[i] = true
	}
	at := slices.Clone(start)
	for i := 1; i < len(frames); i++ {
		moved, ok := t.follow.Follow(frames[i-1], frames[i], at)
		if len(moved) != len(at) || len(ok) != len(at) {
			return out // a follower that failed: heads stay
		}
		for k := range at {
			alive[k] = alive[k] && ok[k]
		}
		copy(at, moved)
	}
	var dx, dy []float64
	for n, i := range moving {
		dx, dy = dx[:0], dy[:0]
		for k := n * gridPoints; k < (n+1)*gridPoints; k++ {
			if alive[k] {
				dx, dy = append(dx, at[k].X-start[k].X), append(dy, at[k].Y-start[k].Y)
			}
		}
		if len(dx) >= minFollowed {
			out[i].x += median(dx) / k
			out[i].y += median(dy) / k
		}
	}
	return out
}

// unmovedDiff: a head whose pixels differ by less than so many grey levels on
// average stayed where it was; noise and compression make two to three, a head that moves by a
// tenth of its size more.
const unmovedDiff = 4

// unmoved compares a head between two frames at a grid of places; k is the
// frames' scale.
func unmoved(a, b scene.Gray, h box, k float64) bool {
	if len(a.Pix) < a.Width*a.Height || len(b.Pix) < a.Width*a.Height {
		return false
	}
	const n = 12
	sum := 0
	for j := range n {
		y := int((h.y + (float64(j)/(n-1)-0.5)*h.h) * k)
		for i := range n {
			x := int((h.x + (float64(i)/(n-1)-0.5)*h.w) * k)
			if x < 0 || y < 0 || x >= a.Width || y >= a.Height {
				return false
			}
			d := int(a.Pix[y*a.Width+x]) - int(b.Pix[y*a.Width+x])
			sum += max(d, -d)
		}
	}
	return sum < unmovedDiff*n*n
}

// carry moves every live tracklet from the step before to this one by flow.
// Where the camera moves, what its estimate leaves is seen in the heads.
func (t *Tracker) carry(now int, cameraMoves bool) {
	prev, cur := t.steps[now-1], t.steps[now]
	frames := t.ring.into(now)
	heads := make([]box, len(t.live))
	for i, k := range t.live {
		x, y := prev.cam.toPicture(k.x, k.y)
		s := prev.cam.scale()
		heads[i] = box{x, y, k.w * s, k.h * s}
	}
	moved := t.move(frames, heads)
	if len(frames) < 2 || t.follow == nil { // nothing to follow by: the room stands still
		for _, k := range t.live {
			k.last().after = append(k.last().after, xy{k.x, k.y})
		}
		return
	}
	at := make([]xy, len(t.live))
	for i := range t.live {
		at[i].x, at[i].y = cur.cam.toRoom(moved[i].x, moved[i].y)
	}
	if cameraMoves {
		if d, ok := t.common(at); ok {
			cam := &t.steps[now].cam
			cam.B[0] += cam.A[0][0]*d.x + cam.A[0][1]*d.y
			cam.B[1] += cam.A[1][0]*d.x + cam.A[1][1]*d.y
			for i := range at {
				at[i].x, at[i].y = at[i].x-d.x, at[i].y-d.y
			}
		}
	}
	for i, k := range t.live {
		k.x, k.y = at[i].x, at[i].y
		k.last().after = append(k.last().after, at[i])
	}
}

// Heads that move together: at least commonHeads of them, commonShare of all
// within commonNear of a head of the median motion.
const (
	commonHeads = 5
	commonShare = 0.6
	commonNear  = 0.25
	commonLeast = 0.1 // heads; less is noise
)

// common is the motion that most heads share, in room coordinates: what is left
// of the camera's.
func (t *Tracker) common(at []xy) (xy, bool) {
	var dx, dy, size []float64
	for i, k := range t.live {
		if k.miss == 0 {
			dx, dy, size = append(dx, at[i].x-k.x), append(dy, at[i].y-k.y), append(size, k.h)
		}
	}
	if len(dx) < commonHeads {
		return xy{}, false
	}
	d := xy{median(slices.Clone(dx)), median(slices.Clone(dy))}
	h := median(size)
	near := 0
	for i := range dx {
		if math.Hypot(dx[i]-d.x, dy[i]-d.y) < commonNear*h {
			near++
		}
	}
	return d, math.Hypot(d.x, d.y) > commonLeast*h && float64(near) >= commonShare*float64(len(dx))
}

// followSeconds is how long a head that is no longer found is followed by flow,
// and a new one back. Longer costs much and brought nothing: gaps are filled from
// both sides, and flow drifts.
const followSeconds = 3.0

// carryBack follows a hit backwards through the steps before it, as far as
// the ring reaches and no further than to step `to` (exclusive).
func (t *Tracker) carryBack(hits []*hit, to func(*hit) int) {
	if t.follow == nil || len(hits) == 0 {
		return
	}
	now := hits[0].step
	type run struct {
		h    *hit
		x, y float64
		to   int
	}
	runs := make([]run, 0, len(hits))
	for _, h := range hits {
		runs = append(runs, run{h, h.cx, h.cy, to(h)})
	}
	for s := now; s > 0 && len(runs) > 0; s-- {
		if t.steps[now].time-t.steps[s-1].time > followSeconds {
			return
		}
		frames := slices.Clone(t.ring.into(s))
		if len(frames) < 2 {
			return
		}
		slices.Reverse(frames)
		runs = slices.DeleteFunc(runs, func(r run) bool { return s-1 <= r.to })
		heads := make([]box, len(runs))
		cam, before := t.steps[s].cam, t.steps[s-1].cam
		for i, r := range runs {
			x, y := cam.toPicture(r.x, r.y)
			k := cam.scale()
			heads[i] = box{x, y, r.h.w * k, r.h.h * k}
		}
		for i, p := range t.move(frames, heads) {
			r := &runs[i]
			r.x, r.y = before.toRoom(p.x, p.y)
			r.h.before = append(r.h.before, xy{r.x, r.y})
		}
	}
}

// median of values; it orders them.
func median(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}
