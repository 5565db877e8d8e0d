package classroom

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// A room learns from itself: what the box network says most surely of a camera's own
// boxes is learned by kernel ridge regression, without any label and without the data that
// the network was trained on, and decides about every box together with the network.
// scripts/train-classroom/room.py is the same in Python; docs/measured.md has what it brings.
const (
	roomLeast    = 250 // boxes of a camera; with fewer there is nothing to learn
	roomSurest   = 0.5 // share of the boxes said to be of a class that are learned from
	roomCentres  = 350 // boxes that all are compared with, at most, and their mirror images
	roomRidge    = 0.3
	roomSure     = 5.0  // how sure a vote makes
	roomEvened   = 0.7  // power by which classes are evened out
	roomFewest   = 20.0 // boxes that a class counts at least
	roomTeach    = 5    // boxes of a behaviour that are learned from, at least: with fewer nothing is taught about it
	roomClamp    = 4.0
	roomJitter   = 1e-4 // on the diagonal, for the solver
	roomAtATime  = 512  // rows of a matrix
	featureLeast = 0.05 // added to the deviation of a feature
	numberLeast  = 0.02 // and of a number
)

// LearnRooms lets every camera with enough labelled boxes learn from what Behaviours said of
// them, and gives what is said then. Boxes that are heads stay as they are: it makes them
// worse. can tells which behaviours the data set may hold.
func (b *Boxes) LearnRooms(all []Glimpse, said [][10]float32, picture, camera []int, can func(behaviour int) bool) ([][10]float32, error) {
	out := slices.Clone(said)
	var numbers [2][][]float32
	for _, members := range byNumber(camera) {
		members = slices.DeleteFunc(members, func(i int) bool { return all[i].Head })
		if len(members) < roomLeast {
			continue
		}
		if numbers[0] == nil {
			for v := range numbers {
				around := aroundOf(all, picture, camera, v)
				for i, g := range all {
					numbers[v] = append(numbers[v], slices.Concat(g.by[0].numbers[v], around[i]))
				}
			}
		}
		p := make([][10]float64, len(members))
		var deep, told [2][][]float32
		for m, i := range members {
			p[m] = only(said[i], can)
			for v := range 2 {
				deep[v], told[v] = append(deep[v], all[i].features[v]), append(told[v], numbers[v][i])
			}
		}
		taught, err := learned([]*kind{newKind(deep, featureLeast), newKind(told, numberLeast)}, p)
		if err != nil {
			return nil, err
		}
		few := tooFew(p)
		for m, i := range members {
			out[i] = together(p[m], taught[m], few)
		}
	}
	return out, nil
}

// tooFew tells of which behaviours too few boxes are learned from to teach anything.
func tooFew(p [][10]float64) (few [10]bool) {
	var count [10]int
	for _, i := range surest(p) {
		count[mostLikely(p[i])]++
	}
	for k, n := range count {
		few[k] = n < roomTeach
	}
	return few
}

// together is the geometric mean of what the network said of a box and of what its room
// taught; of behaviours with too few boxes the network alone decides.
func together(said, taught [10]float64, few [10]bool) (p [10]float32) {
	sum, left := 0.0, 0.0
	for k := range said {
		if !few[k] {
			taught[k] = math.Sqrt((said[k] + viewFloor) * (taught[k] + viewFloor))
			sum += taught[k]
			left += said[k]
		}
	}
	for k := range p {
		if p[k] = float32(said[k]); !few[k] {
			p[k] = float32(taught[k] / sum * left)
		}
	}
	return p
}

func mostLikely(p [10]float64) int { return slices.Index(p[:], slices.Max(p[:])) }

// only leaves the behaviours that there can be.
func only(said [10]float32, can func(int) bool) (p [10]float64) {
	sum := 0.0
	for k, v := range said {
		if can(k) {
			p[k] = float64(v)
			sum += p[k]
		}
	}
	for k := range p {
		p[k] /= max(sum, 1e-9)
	}
	return p
}

// kind is one kind of features of a room's boxes, of the crops and of their mirror images,
// and the scale on which they are compared.
type kind struct {
	views       [2][][]float32
	mean, scale []float64
	size        float64 // what makes the crops' summed variance 1
}

func newKind(views [2][][]float32, least float64) *kind {
	wide := len(views[0][0])
	k := &kind{views: views, mean: make([]float64, wide), scale: make([]float64, wide), size: 1}
	spread := 0.0
	for d := range wide {
		column := make([]float64, 0, 2*len(views[0]))
		for _, rows := range views {
			for _, x := range rows {
				column = append(column, float64(x[d]))
			}
		}
		mean, deviation := stat.PopMeanStdDev(column, nil)
		k.mean[d], k.scale[d] = mean, 1/(deviation+least)
		plain := column[:len(views[0])]
		for i, x := range plain {
			plain[i] = k.at(d, x)
		}
		spread += stat.PopVariance(plain, nil)
	}
	k.size = 1 / math.Sqrt(max(spread, 1e-12))
	return k
}

// at is a value on the common scale of its number d, before size.
func (k *kind) at(d int, v float64) float64 {
	return min(max((v-k.mean[d])*k.scale[d], -roomClamp), roomClamp)
}

// rows are some boxes of a view as they are compared.
func (k *kind) rows(view int, boxes []int) *mat.Dense {
	out := mat.NewDense(len(boxes), len(k.mean), nil)
	for r, i := range boxes {
		row := out.RawRowView(r)
		for d, v := range k.views[view][i] {
			row[d] = k.size * k.at(d, float64(v))
		}
	}
	return out
}

// both are the boxes and then their mirror images.
func (k *kind) both(boxes []int) *mat.Dense {
	var out mat.Dense
	out.Stack(k.rows(0, boxes), k.rows(1, boxes))
	return &out
}

// near is (rows of a, rows of b): 1 for the same look, 0 for one that has nothing to do with it.
func near(a, b *mat.Dense) *mat.Dense {
	lengths := func(m *mat.Dense) []float64 {
		out := make([]float64, m.RawMatrix().Rows)
		for i := range out {
			row := m.RawRowView(i)
			out[i] = floats.Dot(row, row)
		}
		return out
	}
	la, lb := lengths(a), lengths(b)
	var out mat.Dense
	out.Mul(a, b.T())
	out.Apply(func(i, j int, v float64) float64 { return math.Exp(-max(la[i]+lb[j]-2*v, 0)) }, &out)
	return &out
}

// surest lists the boxes to learn from, in order: of each behaviour the surest share of
// those that are said to do it.
func surest(p [][10]float64) []int {
	var by [10][]int
	for i := range p {
		by[mostLikely(p[i])] = append(by[mostLikely(p[i])], i)
	}
	var out []int
	for c, of := range by {
		slices.SortStableFunc(of, func(i, j int) int { return cmp.Compare(p[j][c], p[i][c]) })
		out = append(out, of[:int(math.Ceil(roomSurest*float64(len(of))))]...)
	}
	slices.Sort(out)
	return out
}

// learned gives what the surest boxes teach of all: probabilities, the kinds' votes averaged.
func learned(kinds []*kind, p [][10]float64) ([][10]float64, error) {
	sure := surest(p)
	var count, share [10]float64
	for _, i := range sure {
		floats.Add(count[:], p[i][:])
	}
	for k, n := range count {
		share[k] = math.Pow(max(n, roomFewest), -roomEvened)
	}
	weight := make([]float64, len(sure))
	for j, i := range sure {
		weight[j] = floats.Dot(p[i][:], share[:])
	}
	floats.Scale(float64(len(weight))/floats.Sum(weight), weight)
	var centres []int
	for j := 0; j < len(sure); j += (len(sure) + roomCentres - 1) / roomCentres {
		centres = append(centres, sure[j])
	}
	out := make([][10]float64, len(p))
	for _, k := range kinds {
		if err := k.vote(p, sure, weight, centres, 1/float64(2*len(kinds)), out); err != nil {
			return nil, err
		}
	}
	for i := range out {
		most, sum := slices.Max(out[i][:]), 0.0
		for k, v := range out[i] {
			out[i][k] = math.Exp(roomSure * (v - most))
			sum += out[i][k]
		}
		floats.Scale(1/sum, out[i][:])
	}
	return out, nil
}

// vote fits one kind on the boxes `sure` with their weights and adds part of its votes for
// all boxes, of both views, to out.
func (k *kind) vote(p [][10]float64, sure []int, weight []float64, centres []int, part float64, out [][10]float64) error {
	const evenly = 1.0 / 10
	c := k.both(centres)
	n := c.RawMatrix().Rows
	products, wanted := near(c, c), mat.NewDense(n, 10, nil)
	products.Scale(roomRidge, products)
	for i := range n {
		products.Set(i, i, products.At(i, i)+roomJitter)
	}
	for view := range 2 {
		for from := 0; from < len(sure); from += roomAtATime {
			some := sure[from:min(from+roomAtATime, len(sure))]
			x := near(k.rows(view, some), c)
			y := mat.NewDense(len(some), 10, nil)
			for r, i := range some {
				w := math.Sqrt(weight[from+r])
				floats.Scale(w, x.RawRowView(r))
				for b, v := range p[i] {
					y.Set(r, b, w*(v-evenly))
				}
			}
			var xx, xy mat.Dense
			xx.Mul(x.T(), x)
			products.Add(products, &xx)
			xy.Mul(x.T(), y)
			wanted.Add(wanted, &xy)
		}
	}
	var factors mat.Cholesky
	if !factors.Factorize(mat.NewSymDense(n, products.RawMatrix().Data)) {
		return errors.New("box network: what a room's boxes teach cannot be solved for")
	}
	var votes mat.Dense
	if err := factors.SolveTo(&votes, wanted); err != nil {
		return fmt.Errorf("box network: what a room's boxes teach: %w", err)
	}
	everyone := make([]int, len(p))
	for i := range everyone {
		everyone[i] = i
	}
	for view := range 2 {
		for some := range slices.Chunk(everyone, roomAtATime) {
			var said mat.Dense
			said.Mul(near(k.rows(view, some), c), &votes)
			for r, i := range some {
				for b := range out[i] {
					out[i][b] += part * (evenly + said.At(r, b))
				}
			}
		}
	}
	return nil
}
