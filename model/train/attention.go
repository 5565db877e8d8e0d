package train

import "math"

// Attend is multi-head scaled dot-product attention (Vaswani et al. 2017): q, k, v
// (B·T, D), seen (B·T) 1 or 0. Steps that are not seen are masked, unless no step of the
// sequence is seen: then all count equally.
func (t *Tape[T]) Attend(q, k, v *Node[T], seen []T, steps, heads int) *Node[T] {
	d := q.Shape[len(q.Shape)-1]
	want(d%heads == 0 && len(seen)*d == len(q.Value) && len(seen)%steps == 0, "attention over %v in %d heads and %d steps", q.Shape, heads, steps)
	w, scale := d/heads, T(1/math.Sqrt(float64(d/heads)))
	y := t.node(len(seen), d)
	share := make([]T, len(seen)*heads*steps) // (B, heads, T asking, T answering)
	batch := len(seen) / steps
	each := func(do func(b, h, i int, row []T)) {
		for b := range batch {
			for h := range heads {
				for i := range steps {
					at := ((b*heads+h)*steps + i) * steps
					do(b, h, i, share[at:at+steps])
				}
			}
		}
	}
	at := func(b, i, h int) int { return (b*steps+i)*d + h*w }
	each(func(b, h, i int, row []T) {
		for j := range steps {
			row[j] = scale*dot(q.Value[at(b, i, h):][:w], k.Value[at(b, j, h):][:w]) + hide(seen[b*steps+j])
		}
		softmax(row)
		for j, s := range row {
			axpy(y.Value[at(b, i, h):][:w], s, v.Value[at(b, j, h):][:w])
		}
	})
	y.back = func() {
		g := make([]T, steps)
		each(func(b, h, i int, row []T) {
			gy := y.Grad[at(b, i, h):][:w]
			for j, s := range row {
				g[j] = dot(gy, v.Value[at(b, j, h):][:w])
				axpy(v.Grad[at(b, j, h):][:w], s, gy)
			}
			softmaxBack(row, g)
			for j, s := range g {
				axpy(q.Grad[at(b, i, h):][:w], scale*s, k.Value[at(b, j, h):][:w])
				axpy(k.Grad[at(b, j, h):][:w], scale*s, q.Value[at(b, i, h):][:w])
			}
		})
	}
	return y
}

// Pool is attention pooling: x (B·T, D) weighted by softmax over the steps of
// score (B·T). It gives the pooled (B, D) and the weights (B·T), which are a
// record and carry no gradient.
func (t *Tape[T]) Pool(x, score *Node[T], seen []T, steps int) (pooled *Node[T], moments []T) {
	d := len(x.Value) / len(seen)
	batch := len(seen) / steps
	want(len(score.Value) == len(seen), "pooling %v by %v", x.Shape, score.Shape)
	pooled, moments = t.node(batch, d), make([]T, len(seen))
	for b := range batch {
		row := moments[b*steps : (b+1)*steps]
		for i := range row {
			row[i] = score.Value[b*steps+i] + hide(seen[b*steps+i])
		}
		softmax(row)
		for i, s := range row {
			axpy(pooled.Value[b*d:(b+1)*d], s, x.Value[(b*steps+i)*d:][:d])
		}
	}
	pooled.back = func() {
		g := make([]T, steps)
		for b := range batch {
			row, gy := moments[b*steps:(b+1)*steps], pooled.Grad[b*d:(b+1)*d]
			for i, s := range row {
				g[i] = dot(gy, x.Value[(b*steps+i)*d:][:d])
				axpy(x.Grad[(b*steps+i)*d:][:d], s, gy)
			}
			softmaxBack(row, g)
			for i, v := range g {
				score.Grad[b*steps+i] += v
			}
		}
	}
	return pooled, moments
}

// hide is added to the score of a step: 0 if it was seen, else a large negative number.
func hide[T Float](seen T) T { return (seen - 1) * 1e4 }

func dot[T Float](a, b []T) T {
	sum := T(0)
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func axpy[T Float](y []T, k T, x []T) {
	for i, v := range x {
		y[i] += k * v
	}
}

func softmax[T Float](row []T) {
	top := row[0]
	for _, v := range row {
		top = max(top, v)
	}
	sum := T(0)
	for i, v := range row {
		row[i] = T(math.Exp(float64(v - top)))
		sum += row[i]
	}
	for i := range row {
		row[i] /= sum
	}
}

// softmaxBack turns the gradient by the shares into that by the scores, in place.
func softmaxBack[T Float](share, grad []T) {
	mean := dot(share, grad)
	for i := range grad {
		grad[i] = share[i] * (grad[i] - mean)
	}
}
