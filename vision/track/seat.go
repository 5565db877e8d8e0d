package track

import (
	"cmp"
	"math"
	"slices"
)

// seat is a group of tracklets taken for one person: its hits in time order,
// one a step.
type seat struct {
	hits            []*hit
	x, y, w, h      float64 // medians
	spots           []xy    // its places, when it has several
	pieces          []*piece
	dress           dress
	filled          map[int]xyhit
	unseen          map[int]bool // steps at which nobody knows where they are
	holdIn, holdOut float64      // seconds it is held between its finds, and before and after them
	roams           bool         // walks about: is only where it is found
}

// xyhit is a place between hits, reached by flow from both sides.
type xyhit struct{ x, y, w, h float64 }

func newSeat(hits []*hit) *seat {
	s := &seat{hits: hits, dress: wears(hits)}
	s.x = medianOf(hits, func(h *hit) float64 { return h.cx })
	s.y = medianOf(hits, func(h *hit) float64 { return h.cy })
	s.w = medianOf(hits, func(h *hit) float64 { return h.w })
	s.h = medianOf(hits, func(h *hit) float64 { return h.h })
	return s
}

func medianOf(hits []*hit, f func(*hit) float64) float64 {
	v := make([]float64, len(hits))
	for i, h := range hits {
		v[i] = f(h)
	}
	return median(v)
}

// Constants of the cost of joining two seats, all in heads and seconds.
const (
	joinSizeLog = 0.5 // sizes that differ by more than a factor of 1.65 are two people, or a hand and a head;
	cutSizeLog  = 0.7 // but of a head at the picture's edge now more is seen, now less
	apart       = 0.6 // found farther apart at one instant: two people
	apartShare  = 0.1 // unless at no more than this share of the steps (a false detection)
	// Found nearer to each other than that, but farther apart than detectors take for one head: a second find on one head, or two heads behind one another. At
	// besideMany steps it is two people where several nets are fused (Options.HoldScore): there a second find on one head is seldom sure enough for a seat of its own and is
	// left out by itself, so keeping it apart costs nothing, and joining two people costs one of them. One net alone finds long hair and hands as surely as heads.
	besideLeast = 0.45
	besideScore = 0.2
	besideMany  = 4
	reachAtOnce = 0.45 // how far a head moves from one step to the next without doubt
	reachASec   = 0.06 // and each second more, up to reachMost seconds
	reachMost   = 8.0
	changeMost  = 1.5 // one far change of owner does not keep two apart whose usual place is one
	sizeWeight  = 0.6 // of the log of their sizes' ratio: a head of another size close by is rather a neighbour's
	placeReach  = 0.8 // how far a person's usual place may shift
	dressWeight = 0.1 // of the log of how much likelier two people wear the like than one; the contrary joins nobody: some all wear the same
)

// cutOff tells whether a seat's head reaches to the picture's edge, give or take a tenth of a head.
func (t *Tracker) cutOff(s *seat) bool {
	cam := t.steps[s.hits[0].step].cam
	x, y := cam.toPicture(s.x, s.y)
	w, h := 0.6*s.w*cam.scale(), 0.6*s.h*cam.scale()
	return x < w || y < h || x > float64(t.width)-w || y > float64(t.height)-h
}

// joinCost is how unlikely it is that two seats are one person: distance at each
// change of owner in time, distance of the usual places, difference of sizes;
// blocked when they are seen apart at once.
func (t *Tracker) joinCost(a, b *seat) float64 {
	size := math.Abs(math.Log(a.h / b.h))
	if size > joinSizeLog && !(size <= cutSizeLog && (t.cutOff(a) || t.cutOff(b))) {
		return blocked
	}
	sx, sy := math.Sqrt(a.w*b.w), math.Sqrt(a.h*b.h)
	dist := func(p, q *hit) float64 {
		return math.Max(math.Abs(p.cx-q.cx)/sx, math.Abs(p.cy-q.cy)/sy)
	}
	place := math.Max(math.Abs(a.x-b.x)/sx, math.Abs(a.y-b.y)/sy) / placeReach
	if 0.4*place+sizeWeight*size > t.o.JoinCost {
		return blocked
	}
	far, changes, beside := 0, 0, 0
	sum := 0.0
	i, j := 0, 0
	var before *hit // the hit before in the merged order, and whose it is
	fromA := false
	step := func(h *hit, isA bool) {
		if before != nil && fromA != isA {
			dt := t.steps[h.step].time - t.steps[before.step].time
			if dt <= t.o.MaxGap { // after longer, only the usual place counts
				sum += math.Min(dist(before, h)/(reachAtOnce+reachASec*math.Min(dt, reachMost)), changeMost)
				changes++
			}
		}
		before, fromA = h, isA
	}
	for i < len(a.hits) || j < len(b.hits) {
		switch {
		case j >= len(b.hits) || (i < len(a.hits) && a.hits[i].step < b.hits[j].step):
			step(a.hits[i], true)
			i++
		case i >= len(a.hits) || b.hits[j].step < a.hits[i].step:
			step(b.hits[j], false)
			j++
		default:
			if d := dist(a.hits[i], b.hits[j]); d > apart {
				far++
			} else if t.o.HoldScore > 0 && d > besideLeast && min(a.hits[i].score, b.hits[j].score) >= besideScore {
				beside++
			}
			step(a.hits[i], true)
			step(b.hits[j], false)
			i, j = i+1, j+1
		}
	}
	if beside >= besideMany {
		far += beside
	}
	if float64(far) > apartShare*float64(min(len(a.hits), len(b.hits))) {
		return blocked
	}
	sized := sizeWeight*size + dressWeight*math.Max(t.wardrobe.others(&a.dress, &b.dress), 0)
	if changes == 0 {
		return place + sized
	}
	return 0.6*sum/float64(changes) + 0.4*place + sized
}

// merge joins the hits of two seats; where both have one, the surer stays.
func merge(a, b *seat) *seat {
	hits := make([]*hit, 0, len(a.hits)+len(b.hits))
	hits = append(append(hits, a.hits...), b.hits...)
	slices.SortStableFunc(hits, func(p, q *hit) int {
		if c := cmp.Compare(p.step, q.step); c != 0 {
			return c
		}
		return cmp.Compare(q.score, p.score)
	})
	s := newSeat(slices.CompactFunc(hits, func(p, q *hit) bool { return p.step == q.step }))
	s.pieces = slices.Concat(a.pieces, b.pieces)
	return s
}

// pair is a candidate join in the heap.
type pair struct {
	cost       float64
	a, b       int // a > b
	verA, verB int // versions of the seats when it was costed
}

func lessPair(p, q pair) int {
	if c := cmp.Compare(p.cost, q.cost); c != 0 {
		return c
	}
	if c := cmp.Compare(p.a, q.a); c != 0 {
		return c
	}
	return cmp.Compare(p.b, q.b)
}

// agglomerate joins seats bottom-up, the cheapest pair first, until the next
// join costs more than the limit.
func (t *Tracker) agglomerate(seats []*seat) []*seat {
	seats = slices.Clone(seats)
	version := make([]int, len(seats))
	var heap pairHeap
	offer := func(i, j int) {
		if i < j {
			i, j = j, i
		}
		if c := t.joinCost(seats[j], seats[i]); c <= t.o.JoinCost {
			heap.push(pair{c, i, j, version[i], version[j]})
		}
	}
	for i := range seats {
		for j := range i {
			offer(i, j)
		}
	}
	for len(heap) > 0 {
		p := heap.pop()
		if seats[p.a] == nil || seats[p.b] == nil || version[p.a] != p.verA || version[p.b] != p.verB {
			continue
		}
		seats[p.b] = merge(seats[p.a], seats[p.b])
		seats[p.a] = nil
		version[p.b]++
		for k := range seats {
			if k != p.b && seats[k] != nil {
				offer(p.b, k)
			}
		}
	}
	return slices.DeleteFunc(seats, func(s *seat) bool { return s == nil })
}

// pairHeap is a binary heap of pairs, the cheapest on top.
type pairHeap []pair

func (h *pairHeap) push(p pair) {
	*h = append(*h, p)
	v := *h
	for i := len(v) - 1; i > 0; {
		up := (i - 1) / 2
		if lessPair(v[i], v[up]) >= 0 {
			break
		}
		v[i], v[up] = v[up], v[i]
		i = up
	}
}

func (h *pairHeap) pop() pair {
	v := *h
	top, n := v[0], len(v)-1
	v[0] = v[n]
	*h = v[:n]
	v = *h
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && lessPair(v[c+1], v[c]) < 0 {
			c++
		}
		if lessPair(v[i], v[c]) <= 0 {
			break
		}
		v[i], v[c] = v[c], v[i]
		i = c
	}
	return top
}
