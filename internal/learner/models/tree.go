package models

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Binner maps columns to at most 63 bins that hold about as many values each; bin 0 is
// "not known".
type Binner struct {
	Columns []int       `json:"columns"`
	Edges   [][]float32 `json:"edges"` // bin k+1 holds values up to and with edge k
}

const maxBins = 64

func newBinner(s *Set, columns []int) *Binner {
	b := &Binner{Columns: columns}
	for _, c := range columns {
		var values []float32
		for i := range s.Rows {
			if v := s.Rows[i].Last()[c]; known(v) {
				values = append(values, v)
			}
		}
		slices.Sort(values)
		edges := edgesOf(values)
		b.Edges = append(b.Edges, edges)
	}
	return b
}

// edgesOf cuts sorted values into at most maxBins-1 bins (LightGBM's greedy way). A value
// as frequent as a whole bin has one of its own, and the others share the rest: quantiles
// alone would spend most of their cuts on the few values that many students have in
// common, and leave one bin to the tail. A cut lies midway between two values, so that
// one that training did not see falls to the nearer.
func edgesOf(values []float32) (edges []float32) {
	type run struct {
		v float32
		n int
	}
	var runs []run
	for _, v := range values {
		if k := len(runs) - 1; k >= 0 && runs[k].v == v {
			runs[k].n++
			continue
		}
		runs = append(runs, run{v, 1})
	}
	rest, bins := len(values), maxBins-1 // what the values without a bin of their own have to share
	own := make([]bool, len(runs))
	for k, mean := 0, float64(rest)/float64(bins); k < len(runs); k++ {
		if own[k] = len(runs) < maxBins || float64(runs[k].n) >= mean; own[k] {
			rest, bins = rest-runs[k].n, bins-1
		}
	}
	in, want := 0, float64(rest)/float64(max(1, bins)) // values in the bin that is open, and what it should hold
	for k := 0; k < len(runs)-1 && len(edges) < maxBins-2; k++ {
		in += runs[k].n
		if !own[k] && !own[k+1] && float64(in) < want {
			continue
		}
		if !own[k] {
			rest, bins = rest-in, bins-1
			want = float64(rest) / float64(max(1, bins))
		}
		// a mean of neighbours may round up to the upper one, which must stay above its edge
		low, high := runs[k].v, runs[k+1].v
		edges, in = append(edges, min(low+(high-low)/2, math.Nextafter32(high, low))), 0
	}
	return edges
}

func (b *Binner) bin(column int, v float32) uint8 {
	if !known(v) {
		return 0
	}
	k, _ := slices.BinarySearch(b.Edges[column], v)
	return uint8(k + 1)
}

// bins gives [columns][rows].
func (b *Binner) bins(s *Set) [][]uint8 {
	out := make([][]uint8, len(b.Columns))
	for j, c := range b.Columns {
		out[j] = make([]uint8, len(s.Rows))
		for i := range s.Rows {
			out[j][i] = b.bin(j, s.Rows[i].Last()[c])
		}
	}
	return out
}

// Tree is a binary tree; node 0 is the root. A leaf has column -1.
type Tree struct {
	Column []int16   `json:"c"` // position in the binner's columns
	Bin    []uint8   `json:"b"` // bins up to and with it go left
	Right  []bool    `json:"n"` // "not known" goes right
	Kids   []int32   `json:"k"` // the left kid; the right one follows it
	Value  []float32 `json:"v"`
}

func (t *Tree) leaf() int {
	t.Column, t.Bin, t.Right, t.Kids, t.Value = append(t.Column, -1), append(t.Bin, 0), append(t.Right, false), append(t.Kids, 0), append(t.Value, 0)
	return len(t.Column) - 1
}

// predict walks down; bins are [columns][rows].
func (t *Tree) predict(bins [][]uint8, row int) float64 {
	n := 0
	for t.Column[n] >= 0 {
		n = t.next(n, bins[t.Column[n]][row])
	}
	return float64(t.Value[n])
}

func (t *Tree) next(n int, bin uint8) int {
	right := bin > t.Bin[n]
	if bin == 0 {
		right = t.Right[n]
	}
	if right {
		return int(t.Kids[n]) + 1
	}
	return int(t.Kids[n])
}

// grower grows trees from slopes and curvatures of a loss, best leaf first
// (LightGBM, Ke et al. 2017): a leaf's value is -Σslope/(Σcurve+lambda).
type grower struct {
	bins         [][]uint8
	leaves       int
	least        int     // rows a leaf
	lambda       float64 // ridge on leaf values
	columns      float64 // share of the columns looked at in a split
	slope, curve []float32
	random       *rand.Rand

	tree  *Tree
	rows  []int32 // those of a leaf stand together
	spare []int32
	order []int // columns
}

// branch is a leaf that may be split.
type branch struct {
	node, from, to int
	slope, curve   float64
	gain           float64
	column         int
	bin            uint8
	right          bool
}

func (g *grower) grow(rows []int32) *Tree {
	g.tree, g.rows = &Tree{}, rows
	if len(g.spare) < len(rows) {
		g.spare = make([]int32, len(rows))
	}
	root := branch{node: g.tree.leaf(), to: len(rows)}
	for _, r := range rows {
		root.slope, root.curve = root.slope+float64(g.slope[r]), root.curve+float64(g.curve[r])
	}
	open := []branch{g.look(root)}
	for count := 1; count < g.leaves; count++ {
		best := 0
		for i := range open {
			if open[i].gain > open[best].gain {
				best = i
			}
		}
		if open[best].gain <= 1e-9 {
			break
		}
		left, right := g.split(open[best])
		open[best] = g.look(left)
		open = append(open, g.look(right))
	}
	for _, b := range open {
		g.tree.Value[b.node] = float32(-b.slope / (b.curve + g.lambda))
	}
	return g.tree
}

// some draws the columns that a split looks at: always at least one, for a leaf
// that looks at none would never be split.
func (g *grower) some() []int {
	count := max(1, int(math.Ceil(g.columns*float64(len(g.bins)))))
	if len(g.order) != len(g.bins) {
		g.order = make([]int, len(g.bins))
		for j := range g.order {
			g.order[j] = j
		}
	}
	for k := range min(count, len(g.order)) {
		other := k + g.random.IntN(len(g.order)-k)
		g.order[k], g.order[other] = g.order[other], g.order[k]
	}
	return g.order[:min(count, len(g.order))]
}

// look finds the best split of a leaf.
func (g *grower) look(b branch) branch {
	b.gain = 0
	if b.to-b.from < 2*g.least {
		return b
	}
	whole := b.slope * b.slope / (b.curve + g.lambda)
	var hist [maxBins]struct {
		slope, curve float64
		n            int
	}
	for _, j := range g.some() {
		clear(hist[:])
		bins := g.bins[j]
		for _, r := range g.rows[b.from:b.to] {
			h := &hist[bins[r]]
			h.slope, h.curve, h.n = h.slope+float64(g.slope[r]), h.curve+float64(g.curve[r]), h.n+1
		}
		for _, right := range []bool{false, true} { // where "not known" goes
			if right && hist[0].n == 0 {
				break
			}
			slope, curve, n := 0., 0., 0
			if !right {
				slope, curve, n = hist[0].slope, hist[0].curve, hist[0].n
			}
			for k := 1; k < maxBins; k++ {
				slope, curve, n = slope+hist[k].slope, curve+hist[k].curve, n+hist[k].n
				if hist[k].n == 0 || n < g.least || b.to-b.from-n < g.least {
					continue
				}
				s, c := b.slope-slope, b.curve-curve
				if gain := slope*slope/(curve+g.lambda) + s*s/(c+g.lambda) - whole; gain > b.gain {
					b.gain, b.column, b.bin, b.right = gain, j, uint8(k), right
				}
			}
		}
	}
	return b
}

func (g *grower) split(b branch) (left, right branch) {
	t := g.tree
	kid := t.leaf()
	t.leaf()
	t.Column[b.node], t.Bin[b.node], t.Right[b.node], t.Kids[b.node] = int16(b.column), b.bin, b.right, int32(kid)
	left, right = branch{node: kid, from: b.from}, branch{node: kid + 1, to: b.to}
	at, others := b.from, 0
	for _, r := range g.rows[b.from:b.to] {
		if t.next(b.node, g.bins[b.column][r]) == kid {
			g.rows[at] = r
			at++
			left.slope, left.curve = left.slope+float64(g.slope[r]), left.curve+float64(g.curve[r])
			continue
		}
		g.spare[others] = r
		others++
		right.slope, right.curve = right.slope+float64(g.slope[r]), right.curve+float64(g.curve[r])
	}
	copy(g.rows[at:], g.spare[:others])
	left.to, right.from = at, at
	return left, right
}
