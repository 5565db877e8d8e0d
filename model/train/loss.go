package train

import "math"

// tiny keeps 1-p of the focal loss from 0, whose powers below 1 have no slope.
const tiny = 1e-12

// ClassLoss is cross-entropy over classes, optionally with class weights, label smoothing and focal weighting.
type ClassLoss[T Float] struct {
	Weights   []T // by class; nil: all equal
	Smoothing T   // share of the target spread evenly over the classes, 0..1
	Focal     T   // exponent that plays down what is right already (Lin et al. 2017); 0: none
}

// Loss is the mean over the labelled rows of logits (N, K), each weighted by its
// class; a label below 0 is none. No labelled row gives 0.
//
//	Σ_k q_k · (1-p_k)^focal · -log p_k, q the smoothed target, p = softmax(logits)
func (l ClassLoss[T]) Loss(t *Tape[T], logits *Node[T], labels []int) *Node[T] {
	k := logits.Shape[len(logits.Shape)-1]
	want(len(labels)*k == len(logits.Value), "%d labels for %v", len(labels), logits.Shape)
	y, slope, total := t.node(1), make([]T, len(logits.Value)), T(0)
	weight := func(label int) T {
		if l.Weights == nil {
			return 1
		}
		return l.Weights[label]
	}
	for _, label := range labels {
		if label >= 0 {
			total += weight(label)
		}
	}
	if total == 0 {
		return y
	}
	logp := make([]T, k)
	for r, label := range labels {
		if label < 0 {
			continue
		}
		copy(logp, logits.Value[r*k:(r+1)*k])
		logSoftmax(logp)
		y.Value[0] += weight(label) / total * l.row(logp, label, weight(label)/total, slope[r*k:(r+1)*k])
	}
	y.back = func() {
		for i, s := range slope {
			logits.Grad[i] += y.Grad[0] * s
		}
	}
	return y
}

// row gives one row's loss from log p and, times scale, its slope by the logits.
func (l ClassLoss[T]) row(logp []T, label int, scale T, slope []T) T {
	k, focal := len(logp), float64(l.Focal)
	var loss, sum T
	for j, v := range logp {
		q := l.Smoothing / T(k)
		if j == label {
			q += 1 - l.Smoothing
		}
		p := math.Exp(float64(v))
		far := math.Max(1-p, tiny)
		f := math.Pow(far, focal)
		loss -= q * T(f) * v
		slope[j] = q * T(focal*math.Pow(far, focal-1)*float64(v)*p-f) // slope by p, times p
		sum += slope[j]
	}
	for j, v := range logp {
		slope[j] = scale * (slope[j] - T(math.Exp(float64(v)))*sum)
	}
	return loss
}

// logSoftmax turns logits into log p in place.
func logSoftmax[T Float](row []T) {
	top := row[0]
	for _, v := range row {
		top = max(top, v)
	}
	sum := 0.0
	for _, v := range row {
		sum += math.Exp(float64(v - top))
	}
	for i := range row {
		row[i] -= top + T(math.Log(sum))
	}
}

// BinaryLoss is the mean of log(1+e^-z) for target 1 and log(1+e^z) for target 0
// over the logits whose target is not below 0.
func (t *Tape[T]) BinaryLoss(logits *Node[T], targets []int) *Node[T] {
	want(len(targets) == len(logits.Value), "%d targets for %v", len(targets), logits.Shape)
	y, slope, n := t.node(1), make([]T, len(targets)), 0
	for _, target := range targets {
		if target >= 0 {
			n++
		}
	}
	for i, target := range targets {
		if target < 0 {
			continue
		}
		z := float64(logits.Value[i])
		y.Value[0] += T((math.Max(z, 0) - z*float64(target) + math.Log1p(math.Exp(-math.Abs(z)))) / float64(n))
		slope[i] = (sigmoid(logits.Value[i]) - T(target)) / T(n)
	}
	y.back = func() {
		for i, s := range slope {
			logits.Grad[i] += y.Grad[0] * s
		}
	}
	return y
}

// Cumulative gives the logits of P(level > k), k = 0..K-2, of ordered levels: a
// score (N) less thresholds that rise: steps (K-1) holds the first threshold, then
// the gaps before softplus.
func (t *Tape[T]) Cumulative(score, steps *Node[T]) *Node[T] {
	n, k := len(score.Value), len(steps.Value)
	y := t.node(n, k)
	at, slope := make([]T, k), make([]T, k)
	for j, v := range steps.Value {
		if j == 0 {
			at[0], slope[0] = v, 1
			continue
		}
		at[j], slope[j] = at[j-1]+T(math.Max(float64(v), 0)+math.Log1p(math.Exp(-math.Abs(float64(v))))), sigmoid(v)
	}
	for i, s := range score.Value {
		for j, a := range at {
			y.Value[i*k+j] = s - a
		}
	}
	y.back = func() {
		for i := range n {
			for j := range k {
				g := y.Grad[i*k+j]
				score.Grad[i] += g
				for m := 0; m <= j; m++ { // threshold j holds all gaps up to it
					steps.Grad[m] -= g * slope[m]
				}
			}
		}
	}
	return y
}

// Above turns levels into the targets of Cumulative's logits; -1 stays unlabelled.
func Above(levels []int, k int) []int {
	out := make([]int, 0, len(levels)*(k-1))
	for _, level := range levels {
		for j := range k - 1 {
			switch {
			case level < 0:
				out = append(out, -1)
			case level > j:
				out = append(out, 1)
			default:
				out = append(out, 0)
			}
		}
	}
	return out
}

// SmoothL1 is Huber's loss scaled to slope 1 far out, weighted by element: points
// that are not seen get weight 0. The mean is over the weights; none gives 0.
func (t *Tape[T]) SmoothL1(x *Node[T], target, weight []T, beta T) *Node[T] {
	y, slope, total := t.node(1), make([]T, len(target)), T(0)
	for _, w := range weight {
		total += w
	}
	if total == 0 {
		return y
	}
	for i, v := range target {
		d := x.Value[i] - v
		k := weight[i] / total
		switch {
		case d > beta:
			y.Value[0] += k * (d - beta/2)
			slope[i] = k
		case d < -beta:
			y.Value[0] += k * (-d - beta/2)
			slope[i] = -k
		default:
			y.Value[0] += k * d * d / (2 * beta)
			slope[i] = k * d / beta
		}
	}
	y.back = func() {
		for i, s := range slope {
			x.Grad[i] += y.Grad[0] * s
		}
	}
	return y
}

// Targets are a batch's labels; what is not labelled teaches nothing.
type Targets[T Float] struct {
	Behaviour []int // (B) -1: none
	Attention []int // (B) 1 on task, 0 off task, -1: none
	Level     []int // (B) engagement 0..3, -1: none
	Points    []T   // (N, 34) x, y in the picture less a half
	Seen      []T   // (N, 34) weight, 0: not labelled
}

// Losses says how the heads' losses are weighed and shaped.
type Losses[T Float] struct {
	Behaviour                     ClassLoss[T]
	Attention, Engagement, Points T // weights beside behaviour's 1
}

// pointReach is from where on the points' loss grows linearly: 5 % of the picture.
const pointReach = 0.05

// Loss is the weighted sum over the heads.
func (l Losses[T]) Loss(t *Tape[T], o Output[T], y Targets[T]) *Node[T] {
	all := []*Node[T]{l.Behaviour.Loss(t, o.Behaviour, y.Behaviour), t.BinaryLoss(o.Attention, y.Attention), t.BinaryLoss(o.Engagement, Above(y.Level, levels))}
	weights := []T{1, l.Attention, l.Engagement}
	if l.Points > 0 && y.Points != nil {
		all, weights = append(all, t.SmoothL1(o.Points, y.Points, y.Seen, pointReach)), append(weights, l.Points)
	}
	return t.Weighted(all, weights)
}

// Attack turns pictures (values in -1..1) into adversarial ones: it takes steps up the gradient of the loss,
// and stays within size of the original values. One step is FGSM (Goodfellow et al.
// 2015), several are PGD (Madry et al. 2018). Flow is not changed. back gives the
// gradient with respect to pictures.
func Attack(pictures []float32, area, steps int, size float32, back func(pictures []float32) []float32) []float32 {
	out := append([]float32(nil), pictures...)
	stride := size
	if steps > 1 {
		stride = 2.5 * size / float32(steps) // as in Madry's paper: enough to reach the border
	}
	for range steps {
		grad := back(out)
		for i, g := range grad {
			if i/area%Channels >= 3 || g == 0 {
				continue
			}
			v := out[i] + stride
			if g < 0 {
				v = out[i] - stride
			}
			v = min(max(v, pictures[i]-size), pictures[i]+size)
			out[i] = min(max(v, -1), 1)
		}
	}
	return out
}
