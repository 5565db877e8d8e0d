package models

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// FeedForward is a multilayer perceptron over the day of the prediction, or a
// convolutional net over the week × activity picture that ends on it; several seeds
// averaged.
type FeedForward struct {
	Encoder *Encoder `json:"encoder"`
	Steps   int      `json:"steps"` // weeks of the picture; 0: a perceptron
	Hidden  int      `json:"hidden"`
	Weights [][]byte `json:"weights"` // a net each, little-endian float32
	Epochs  int      `json:"epochs"`
}

// FeedForwardOptions say how perceptrons and convolutional nets are trained.
type FeedForwardOptions struct {
	Picture  bool    `json:"picture"` // convolutional
	Hidden   int     `json:"hidden"`
	Dropout  float64 `json:"dropout"`
	Rate     float64 `json:"rate"`
	Batch    int     `json:"batch"`
	Epochs   int     `json:"epochs"`
	Stop     int     `json:"stop"` // as in SequenceOptions
	Patience int     `json:"patience"`
	Seeds    int     `json:"seeds"`
	Hide     float64 `json:"hide"` // share of rows that are trained as of an unseen module
	Share    [Targets]float64

	guard guard
}

// Perceptron and Picture are what is taken by default.
var (
	Perceptron = FeedForwardOptions{Hidden: 48, Dropout: 0.3, Rate: 2e-3, Batch: 256, Epochs: 12, Patience: 3, Seeds: 3, Hide: 0.2, Share: Recurrence.Share}
	Picture    = FeedForwardOptions{Picture: true, Hidden: 32, Dropout: 0.3, Rate: 2e-3, Batch: 256, Epochs: 8, Patience: 2, Seeds: 2, Hide: 0.2, Share: Recurrence.Share}
)

type net []layer

// build makes a net with fresh weights.
func (m *FeedForward) build(dropout float64, r *rand.Rand) net {
	w, h := m.Encoder.Width(), m.Hidden
	if m.Steps == 0 {
		return net{newLinear(w, h, r), &relu{drop: dropout, random: r}, newLinear(h, h, r), &relu{drop: dropout, random: r}, newLinear(h, Targets, r)}
	}
	return net{&windows{m.Steps, w}, newLinear(3*w, h, r), &relu{random: r}, &windows{m.Steps, h}, newLinear(3*h, h, r), &relu{random: r},
		&pool{m.Steps, h}, newLinear(2*h, h, r), &relu{drop: dropout, random: r}, newLinear(h, Targets, r)}
}

func (n net) forward(x []float32, train bool) []float32 {
	for _, l := range n {
		x = l.forward(x, train)
	}
	return x
}

func (n net) backward(d []float32) {
	for i := len(n) - 1; i >= 0; i-- {
		d = n[i].backward(d)
	}
}

func (n net) params() []*param {
	var all []*param
	for _, l := range n {
		all = append(all, l.params()...)
	}
	return all
}

// FitFeedForward trains like FitSequence, on the day of the prediction alone.
func FitFeedForward(train, valid *Set, o FeedForwardOptions, seed uint64, report Report) (*FeedForward, error) {
	train = train.Present()
	m := &FeedForward{Hidden: o.Hidden}
	columns, each := personal(train), lastSteps(train)
	if o.Picture {
		for i := range train.Rows {
			m.Steps = max(m.Steps, len(train.Rows[i].Steps))
		}
		each = allSteps(train)
	}
	m.Encoder = newEncoder(train, columns, each)
	x := m.input(train)
	var vx []float32
	if valid != nil {
		valid = valid.Present()
		vx = m.input(valid)
	}
	epochs := 0
	for k := range o.Seeds {
		data, best, err := o.guard.net(k, func() ([]byte, int, error) {
			source := rand.NewPCG(seed+uint64(k), 4)
			n := m.build(o.Dropout, rand.New(source))
			best, err := m.fit(n, k, x, train, vx, valid, o, source, func(epoch int, a, b float64) {
				if report != nil {
					report(k, epoch, a, b)
				}
			})
			return n.marshal(), best, err
		})
		if err != nil {
			return nil, err
		}
		m.Weights, epochs = append(m.Weights, data), epochs+best
	}
	m.Epochs = max(1, (epochs+o.Seeds/2)/max(1, o.Seeds))
	return m, nil
}

// input encodes rows; a picture ends at the day of the prediction and has zeros
// before its first week.
func (m *FeedForward) input(s *Set) []float32 {
	if m.Steps == 0 {
		return m.Encoder.last(s)
	}
	w := m.Encoder.Width()
	x := make([]float32, len(s.Rows)*m.Steps*w)
	for i := range s.Rows {
		steps := s.Rows[i].Steps
		steps = steps[max(0, len(steps)-m.Steps):]
		for t, row := range steps {
			at := (i*m.Steps + m.Steps - len(steps) + t) * w
			m.Encoder.encode(x[at:at+w], row, s.Rows[i].Module)
		}
	}
	return x
}

// fit trains the k-th net, which draws from source too.
func (m *FeedForward) fit(n net, k int, x []float32, train *Set, vx []float32, valid *Set, o FeedForwardOptions, source *rand.PCG, report func(epoch int, a, b float64)) (int, error) {
	r, width := rand.New(source), m.Encoder.Width()*max(1, m.Steps)
	p := &progress{Order: make([]int, len(train.Rows)), BestEpoch: o.Epochs, BestLoss: math.Inf(1)}
	for i := range p.Order {
		p.Order[i] = i
	}
	if q := o.guard.resume(k); q != nil && len(q.Order) == len(p.Order) {
		if err := errors.Join(source.UnmarshalBinary(q.Random), n.setState(q.Net)); err != nil {
			return 0, err
		}
		p = q
	}
	order := p.Order
	o.Batch = batchOf(o.Batch, len(order))
	total := (len(order) + o.Batch - 1) / o.Batch * o.Epochs
	for epoch := p.Epoch + 1; epoch <= epochsOf(o.Epochs, o.Stop, valid == nil) && !p.Done; epoch++ {
		r.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
		sum, count := 0.0, 0
		for part := range slices.Chunk(order, o.Batch) {
			if err := o.guard.err(); err != nil {
				return 0, err
			}
			batch := make([]float32, 0, len(part)*width)
			for _, i := range part {
				batch = append(batch, x[i*width:(i+1)*width]...)
				if r.Float64() < o.Hide {
					m.hide(batch[len(batch)-width:])
				}
			}
			loss, slope := lastLoss(train, part, n.forward(batch, true), o.Share)
			if math.IsNaN(loss) {
				return 0, fmt.Errorf("epoch %d: the loss is no number", epoch)
			}
			n.backward(slope)
			p.Taken++
			for _, w := range n.params() {
				w.step(o.Rate*cosine(p.Taken, total), p.Taken)
			}
			sum, count = sum+loss, count+1
		}
		loss := math.NaN()
		if valid != nil {
			loss = passLoss(valid.Rows, m.predict(n, vx, len(valid.Rows)))
			p.judge(epoch, o.Patience, loss, n.marshal())
		}
		p.Epoch, p.Net = epoch, n.state()
		if err := o.guard.hold(k, p, source); err != nil {
			return 0, err
		}
		report(epoch, sum/float64(count), loss)
	}
	if p.Best != nil {
		return p.BestEpoch, n.unmarshal(p.Best)
	}
	return p.BestEpoch, nil
}

// hide takes the module's flag from a row.
func (m *FeedForward) hide(row []float32) {
	w := m.Encoder.Width()
	for at := 0; at < len(row); at += w {
		clear(row[at+w-len(m.Encoder.Modules) : at+w])
	}
}

// lastLoss is the mean cross-entropy over rows and its slope by the logits.
func lastLoss(s *Set, at []int, logits []float32, share [Targets]float64) (float64, []float32) {
	slope, loss, n := make([]float32, len(logits)), 0.0, float64(len(at))
	for k, i := range at {
		truth := s.Rows[i].Truth
		for j, y := range truth[len(truth)-1] {
			if !known(y) {
				continue
			}
			p := sigmoid(float64(logits[k*Targets+j]))
			loss += share[j] * entropy(float64(y), p) / n
			slope[k*Targets+j] = float32(share[j] * (p - float64(y)) / n)
		}
	}
	return loss, slope
}

func (m *FeedForward) predict(n net, x []float32, rows int) []Prediction {
	out, width := make([]Prediction, rows), m.Encoder.Width()*max(1, m.Steps)
	for from := 0; from < rows; from += 256 {
		to := min(rows, from+256)
		logits := n.forward(x[from*width:to*width], false)
		for i := from; i < to; i++ {
			for j := range Targets {
				out[i][j] = sigmoid(float64(logits[(i-from)*Targets+j]))
			}
		}
	}
	return out
}

// Predict implements Model: the mean logit of the seeds.
func (m *FeedForward) Predict(s *Set) ([]Prediction, error) {
	x := m.input(s)
	var all [][]Prediction
	for _, w := range m.Weights {
		n := m.build(0, rand.New(rand.NewPCG(0, 0)))
		if err := n.unmarshal(w); err != nil {
			return nil, err
		}
		all = append(all, m.predict(n, x, len(s.Rows)))
	}
	return Blend(all), nil
}

func (n net) marshal() []byte {
	return encode(n.params(), func(p *param) [][]float32 { return [][]float32{p.w} })
}

func (n net) unmarshal(data []byte) error {
	return decode(n.params(), data, func(p *param) [][]float32 { return [][]float32{p.w} })
}

// state is the weights with the optimizer's.
func (n net) state() []byte { return encode(n.params(), (*param).state) }

func (n net) setState(data []byte) error { return decode(n.params(), data, (*param).state) }

func (p *param) state() [][]float32 { return [][]float32{p.w, p.first, p.second} }

func encode(params []*param, of func(*param) [][]float32) (out []byte) {
	for _, p := range params {
		for _, part := range of(p) {
			for _, v := range part {
				out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
			}
		}
	}
	return out
}

func decode(params []*param, data []byte, of func(*param) [][]float32) error {
	for _, p := range params {
		for _, part := range of(p) {
			if len(data) < 4*len(part) {
				return fmt.Errorf("weights end too soon")
			}
			for i := range part {
				part[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
			}
			data = data[4*len(part):]
		}
	}
	if len(data) > 0 {
		return fmt.Errorf("%d bytes of weights too many", len(data))
	}
	return nil
}
