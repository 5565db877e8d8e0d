package models

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"classlens/internal/learner/recurrent"
)

// Sequence is a recurrent net over the weeks, several seeds averaged. It learns
// from every week up to the day of the prediction, the nearer ones more. A skip
// connection leads from each week's snapshot straight to the logits: it is the mean of what logistic
// regression and boosted trees learnt of passing (of the other targets logistic regression alone), stays
// as it is, and leaves to the net what these cannot say. While the net learns, the trees' part of a student's
// comes from trees that have not seen this student: from those that have, the net would learn to trust them too much.
type Sequence struct {
	Encoder *Encoder `json:"encoder"`
	Nets    [][]byte `json:"nets"` // recurrent.Net.Marshal
	Epochs  int      `json:"epochs"`
	Skip    *Linear  `json:"skip,omitempty"`  // nil: there is none
	Trees   *Trees   `json:"trees,omitempty"` // of passing; nil: logistic regression alone

	nets []*recurrent.Net
}

// SequenceOptions say how recurrent nets are trained.
type SequenceOptions struct {
	Cell      string  `json:"cell"` // lstm or gru
	Hidden    int     `json:"hidden"`
	Attention int     `json:"attention"`
	Dropout   float64 `json:"dropout"`
	Decay     float64 `json:"decay"`
	Rate      float64 `json:"rate"`
	Batch     int     `json:"batch"`
	Epochs    int     `json:"epochs"`   // at most; the schedule's length
	Stop      int     `json:"stop"`     // epochs to run when nothing is there to validate on; 0: all
	Patience  int     `json:"patience"` // epochs without a better validation loss
	Seeds     int     `json:"seeds"`
	Memory    float64 `json:"memory"` // a step k weeks before the last weighs exp(-k/memory)
	Hide      float64 `json:"hide"`   // share of rows that are trained as of an unseen module
	Wide      bool    `json:"wide"`   // also how far the course is, and how its students do
	Folds     int     `json:"folds"`  // of the students, for the trees in the skip connection
	Rank      float64 `json:"rank"`   // weight of the order of a course's students beside the cross-entropy
	Share     [Targets]float64

	skip  *Linear
	trees *Trees                           // nil: none in the skip connection
	grow  func(s *Set, seed uint64) *Trees // fits trees of the same kind to a part
	guard guard
}

// Recurrence is what is taken by default.
var Recurrence = SequenceOptions{Cell: "lstm", Hidden: 32, Dropout: 0.3, Decay: 0.01, Rate: 2e-3, Batch: 256, Epochs: 5, Patience: 3, Seeds: 3, Memory: 3, Hide: 0.2, Wide: true, Folds: 4, Rank: 1,
	Share: [Targets]float64{1, 0.3, 0.3, 0.3, 0.1}}

// Report is told of each epoch; it may be nil.
type Report func(seed, epoch int, train, valid float64)

// FitSequence trains on train and, where valid is not nil, stops early by it and
// keeps the best epoch of each seed.
func FitSequence(train, valid *Set, o SequenceOptions, seed uint64, report Report) (*Sequence, error) {
	columns := personal(train)
	if o.Wide {
		columns = timed(train)
	}
	m := &Sequence{Encoder: newEncoder(train, columns, allSteps(train)), Skip: o.skip, Trees: o.trees}
	var x *sequences
	if m.Trees == nil {
		x = m.sequences(train, true, nil)
	} else {
		x = m.sequences(train, true, o.outOfFold(train, seed))
	}
	var v *sequences
	if valid != nil {
		valid = valid.Present()
		v = m.sequences(valid, false, nil)
	}
	epochs := 0
	for k := range o.Seeds {
		data, best, err := o.guard.net(k, func() ([]byte, int, error) {
			net, best, err := o.fit(x, v, k, seed+uint64(k), func(epoch int, a, b float64) {
				if report != nil {
					report(k, epoch, a, b)
				}
			})
			if err != nil {
				return nil, 0, err
			}
			data, err := net.Marshal()
			return data, best, err
		})
		if err != nil {
			return nil, err
		}
		m.Nets, epochs = append(m.Nets, data), epochs+best
	}
	m.Epochs = max(1, (epochs+o.Seeds/2)/max(1, o.Seeds))
	return m, nil
}

// sequences are encoded rows, with the truth of each step and how far behind the
// day of the prediction the last one is.
type sequences struct {
	width  int
	rows   []Row
	module int // where the module's flags begin
	x      [][]float32
	skip   [2][][]float32 // [Steps][Targets] a row: logits of the skip connection, and those with the module hidden; empty without one
}

// sequences encodes rows. To learn from them the skip connection is also made with the module hidden; its trees
// are then asked by trees: [hidden][row][step] logits to pass.
func (m *Sequence) sequences(s *Set, learn bool, trees *[2][][]float32) *sequences {
	e := m.Encoder
	q := &sequences{width: e.Width(), rows: s.Rows, module: len(e.Columns) + len(e.Flags)}
	if m.Skip != nil {
		q.skip[0] = m.Skip.steps(s, false)
		if learn {
			q.skip[1] = m.Skip.steps(s, true)
		}
	}
	if m.Trees != nil && trees == nil {
		trees = &[2][][]float32{m.Trees.steps(s, false)}
	}
	if trees != nil {
		for hidden, rows := range q.skip {
			for i, row := range rows {
				for t, z := range trees[hidden][i] {
					row[t*Targets+Passed] = (row[t*Targets+Passed] + z) / 2
				}
			}
		}
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		x := make([]float32, len(r.Steps)*q.width)
		for t, step := range r.Steps {
			e.encode(x[t*q.width:(t+1)*q.width], step, r.Module)
		}
		q.x = append(q.x, x)
	}
	return q
}

// outOfFold asks trees about students whom they have not seen: [hidden][row][step] logits to pass.
func (o SequenceOptions) outOfFold(s *Set, seed uint64) *[2][][]float32 {
	var out [2][][]float32
	for hidden := range out {
		out[hidden] = make([][]float32, len(s.Rows))
	}
	for fold := range o.Folds {
		rest, part := &Set{Columns: s.Columns}, &Set{Columns: s.Columns}
		var at []int
		for i, r := range s.Rows {
			if foldOf(r.Student, o.Folds) == fold {
				part.Rows, at = append(part.Rows, r), append(at, i)
			} else {
				rest.Rows = append(rest.Rows, r)
			}
		}
		trees := o.grow(rest, seed+uint64(fold)+1)
		for hidden := range out {
			for k, z := range trees.steps(part, hidden == 1) {
				out[hidden][at[k]] = z
			}
		}
	}
	return &out
}

// foldOf deals a student, with all their rows, into a fold: always the same.
func foldOf(student string, folds int) int {
	h := fnv.New64a()
	h.Write([]byte(student)) // never fails
	v := h.Sum64()
	return int((v ^ v>>29) % uint64(folds)) // the lowest bits alone hardly mix
}

// batch puts rows side by side; shorter ones are masked at their end.
func (q *sequences) batch(at []int) recurrent.Batch {
	b := recurrent.Batch{Rows: len(at)}
	for _, i := range at {
		b.Steps = max(b.Steps, len(q.rows[i].Steps))
	}
	b.X, b.Mask = make([]float32, b.Rows*b.Steps*q.width), make([]float32, b.Rows*b.Steps)
	for k, i := range at {
		copy(b.X[k*b.Steps*q.width:], q.x[i])
		for t := range q.rows[i].Steps {
			b.Mask[k*b.Steps+t] = 1
		}
	}
	return b
}

// fit trains the k-th net.
func (o SequenceOptions) fit(x, v *sequences, k int, seed uint64, report func(epoch int, train, valid float64)) (*recurrent.Net, int, error) {
	net, err := recurrent.New(recurrent.Config{Cell: o.Cell, Inputs: x.width, Hidden: o.Hidden, Outputs: Targets, Attention: o.Attention, EachStep: true, Dropout: o.Dropout, Decay: o.Decay, Clip: 1, Seed: seed})
	if err != nil {
		return nil, 0, err
	}
	source := rand.NewPCG(seed, 3)
	r := rand.New(source)
	p := &progress{Order: make([]int, len(x.rows)), BestEpoch: o.Epochs, BestLoss: math.Inf(1)}
	for i := range p.Order {
		p.Order[i] = i
	}
	if q := o.guard.resume(k); q != nil && len(q.Order) == len(p.Order) {
		if err := errors.Join(source.UnmarshalBinary(q.Random), net.SetState(q.Net)); err != nil {
			return nil, 0, err
		}
		p = q
	}
	order := p.Order
	o.Batch = batchOf(o.Batch, len(order))
	total := (len(order) + o.Batch - 1) / o.Batch * o.Epochs
	for epoch := p.Epoch + 1; epoch <= epochsOf(o.Epochs, o.Stop, v == nil) && !p.Done; epoch++ {
		r.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
		learnt, err := o.epoch(net, x, p, total, r)
		if err != nil {
			return nil, 0, fmt.Errorf("epoch %d: %w", epoch, err)
		}
		loss := math.NaN()
		if v != nil {
			said, err := predictNet(net, v)
			if err != nil {
				return nil, 0, err
			}
			loss = passLoss(v.rows, said)
			best, err := net.Marshal()
			if err != nil {
				return nil, 0, err
			}
			p.judge(epoch, o.Patience, loss, best)
		}
		p.Epoch, p.Net = epoch, net.State()
		if err := o.guard.hold(k, p, source); err != nil {
			return nil, 0, err
		}
		report(epoch, learnt, loss)
	}
	if p.Best == nil {
		return net, p.BestEpoch, nil
	}
	net, err = recurrent.Unmarshal(p.Best)
	return net, p.BestEpoch, err
}

// epoch takes a step a batch, in p's order, of the total of the schedule, and gives the mean loss.
func (o SequenceOptions) epoch(net *recurrent.Net, x *sequences, p *progress, total int, r *rand.Rand) (float64, error) {
	sum, n := 0.0, 0
	for part := range slices.Chunk(p.Order, o.Batch) {
		if err := o.guard.err(); err != nil {
			return 0, err
		}
		b := x.batch(part)
		hidden := x.hide(b, part, o.Hide, r)
		logits, err := net.Forward(b)
		if err != nil {
			return 0, err
		}
		x.skipTo(logits, part, b.Steps, hidden)
		loss, slope := o.loss(x, part, b.Steps, logits)
		if math.IsNaN(loss) {
			return 0, errors.New("the loss is no number")
		}
		if err := net.Backward(slope); err != nil {
			return 0, err
		}
		net.Step(o.Rate * cosine(p.Taken, total))
		sum, n, p.Taken = sum+loss, n+1, p.Taken+1
	}
	return sum / float64(n), nil
}

// epochsOf is how many epochs run at most.
func epochsOf(most, stop int, fixed bool) int {
	if fixed && stop > 0 {
		return min(most, stop)
	}
	return most
}

// cosine is the schedule: a short rise, then half a cosine down to a twentieth.
func cosine(taken, total int) float64 {
	if rise := max(1, total/20); taken < rise {
		return float64(taken+1) / float64(rise)
	}
	return 0.05 + 0.95*(1+math.Cos(math.Pi*float64(taken)/float64(total)))/2
}

// hide takes the module's flag from a share of the rows, and says from which.
func (q *sequences) hide(b recurrent.Batch, at []int, share float64, r *rand.Rand) []bool {
	hidden := make([]bool, len(at))
	for k := range at {
		if hidden[k] = r.Float64() < share; !hidden[k] {
			continue
		}
		for t := range b.Steps {
			clear(b.X[(k*b.Steps+t)*q.width:][q.module:q.width])
		}
	}
	return hidden
}

// skipTo adds the logits of the skip connection. logits are [len(at)][steps][Targets]; hidden may be nil.
func (q *sequences) skipTo(logits []float32, at []int, steps int, hidden []bool) {
	if len(q.skip[0]) == 0 {
		return
	}
	for k, i := range at {
		from := q.skip[0][i]
		if hidden != nil && hidden[k] {
			from = q.skip[1][i]
		}
		for j, v := range from {
			logits[k*steps*Targets+j] += v
		}
	}
}

// loss is the weighted mean cross-entropy and its slope by the logits.
func (o SequenceOptions) loss(q *sequences, at []int, steps int, logits []float32) (float64, []float32) {
	slope := make([]float32, len(logits))
	loss, total := 0.0, 0.0
	weight := func(row *Row, t int) float64 {
		return math.Exp(-float64(len(row.Steps)-1-t+row.Behind) / o.Memory)
	}
	for _, i := range at {
		for t := range q.rows[i].Steps {
			total += weight(&q.rows[i], t)
		}
	}
	for k, i := range at {
		row := &q.rows[i]
		for t := range row.Steps {
			w := weight(row, t) / total
			z := logits[(k*steps+t)*Targets:][:Targets]
			for j, y := range row.Truth[t] {
				if !known(y) {
					continue
				}
				p := sigmoid(float64(z[j]))
				loss += w * o.Share[j] * entropy(float64(y), p)
				slope[(k*steps+t)*Targets+j] = float32(w * o.Share[j] * (p - float64(y)))
			}
		}
	}
	return loss + o.rank(q, at, steps, logits, slope), slope
}

// rank is the mean log-loss of the pairs of a batch who are there on the day in the same course, one of whom passes:
// how surely the one who does is put first. ROC-AUC within a course counts just these pairs. It adds to the slope.
func (o SequenceOptions) rank(q *sequences, at []int, steps int, logits, slope []float32) (loss float64) {
	if o.Rank == 0 {
		return 0
	}
	courses := map[[2]string]*[2][]int{} // places in logits of who fails and who passes
	for k, i := range at {
		row := &q.rows[i]
		y := row.Truth[len(row.Truth)-1][Passed]
		if !row.Present || !known(y) {
			continue
		}
		key := [2]string{row.Module, row.Presentation}
		if courses[key] == nil {
			courses[key] = &[2][]int{}
		}
		courses[key][int(y)] = append(courses[key][int(y)], (k*steps+len(row.Steps)-1)*Targets+Passed)
	}
	pairs := 0
	for _, c := range courses {
		pairs += len(c[0]) * len(c[1])
	}
	w := o.Rank / float64(max(1, pairs))
	for _, key := range slices.SortedFunc(maps.Keys(courses), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) { // sums in one order
		c := courses[key]
		for _, low := range c[0] {
			for _, high := range c[1] {
				p := sigmoid(float64(logits[high] - logits[low]))
				loss += w * entropy(1, p)
				slope[high] -= float32(w * (1 - p))
				slope[low] += float32(w * (1 - p))
			}
		}
	}
	return loss
}

func entropy(y, p float64) float64 {
	return -y*math.Log(max(p, 1e-9)) - (1-y)*math.Log(max(1-p, 1e-9))
}

// passLoss is the mean cross-entropy of passing on the day of the prediction.
func passLoss(rows []Row, p []Prediction) float64 {
	sum, n := 0.0, 0.0
	for i := range rows {
		if y := rows[i].Truth[len(rows[i].Truth)-1][Passed]; known(y) {
			sum, n = sum+entropy(float64(y), p[i][Passed]), n+1
		}
	}
	return sum / max(1, n)
}

// predictNet gives probabilities at the last step of each row.
func predictNet(net *recurrent.Net, q *sequences) ([]Prediction, error) {
	out := make([]Prediction, len(q.rows))
	all := make([]int, len(q.rows))
	for i := range all {
		all[i] = i
	}
	for part := range slices.Chunk(all, 256) {
		b := q.batch(part)
		logits, err := net.Predict(b)
		if err != nil {
			return nil, err
		}
		q.skipTo(logits, part, b.Steps, nil)
		for k, i := range part {
			z := logits[(k*b.Steps+len(q.rows[i].Steps)-1)*Targets:]
			for j := range Targets {
				out[i][j] = sigmoid(float64(z[j]))
			}
		}
	}
	return out, nil
}

// Predict implements Model: the mean logit of the seeds.
func (m *Sequence) Predict(s *Set) ([]Prediction, error) {
	for len(m.nets) < len(m.Nets) {
		net, err := recurrent.Unmarshal(m.Nets[len(m.nets)])
		if err != nil {
			return nil, err
		}
		m.nets = append(m.nets, net)
	}
	q := m.sequences(s, false, nil)
	var all [][]Prediction
	for _, net := range m.nets {
		p, err := predictNet(net, q)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return Blend(all), nil
}

// Blend is the mean of logits.
func Blend(all [][]Prediction) []Prediction {
	if len(all) == 0 {
		return nil
	}
	out := make([]Prediction, len(all[0]))
	for i := range out {
		for t := range Targets {
			z := 0.0
			for _, p := range all {
				z += Logit(p[i][t])
			}
			out[i][t] = sigmoid(z / float64(len(all)))
		}
	}
	return out
}
